# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcluster.a
libcluster_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libcluster_a_SOURCES = \
	cluster/cluster.c cluster/cluster.h \
	cluster/cluster_ask.c \
	cluster/cluster_describe.c \
	cluster/cluster_identity.c cluster/cluster_identity.h \
	cluster/cluster_import.c cluster/cluster_import.h \
	cluster/cluster_internal.h \
	cluster/cluster_key.c cluster/cluster_key.h \
	cluster/cluster_leader.c \
	cluster/cluster_member.c \
	cluster/cluster_survey.c cluster/cluster_survey.h \
	cluster/cluster_metrics.c cluster/cluster_metrics.h \
	cluster/cluster_map.c cluster/cluster_map.h \
	cluster/cluster_map_codec.c cluster/cluster_map_codec.h \
	cluster/cluster_request.c cluster/cluster_request.h \
	cluster/leader_changes.h \
	cluster/leader_decision.c cluster/leader_decision.h \
	cluster/leader_presence.c \
	cluster/leader_requests.c \
	cluster/map_draft.c cluster/map_draft.h \
	cluster/node_value.c cluster/node_value.h \
	cluster/placement.c cluster/placement.h

libcluster_a_SOURCES += \
	cluster/peer_client.c cluster/peer_client.h \
	cluster/peer_head.c cluster/peer_head.h \
	cluster/peer_patience.c cluster/peer_patience.h \
	cluster/peer_replay.c cluster/peer_replay.h \
	cluster/peer_signature.c cluster/peer_signature.h \
	cluster/redirect_outcomes.c cluster/redirect_outcomes.h \
	cluster/redirect_signature.c cluster/redirect_signature.h

# What a program needs that links libcluster.a.
CLUSTER_LIBS = libcluster.a $(AUTH_LIBS) $(BASE_LIBS)

include tests/unit/cluster/local.mk
