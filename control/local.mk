# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcontrol.a
libcontrol_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libcontrol_a_SOURCES = \
	control/control.c control/control.h \
	control/control_driver.h \
	control/control_etcd.c control/control_etcd.h \
	control/control_leader.c control/control_leader.h \
	control/control_local.c \
	control/control_session.c control/control_session.h \
	control/control_snapshot.c control/control_snapshot.h \
	control/control_turn.c control/control_turn.h \
	control/control_view.c control/control_view.h \
	control/etcd_client.c control/etcd_client.h \
	control/etcd_commit.c control/etcd_commit.h \
	control/etcd_follower.c control/etcd_follower.h \
	control/etcd_frames.c control/etcd_frames.h \
	control/etcd_json.c control/etcd_json.h \
	control/etcd_metrics.c control/etcd_metrics.h \
	control/etcd_values.c control/etcd_values.h

# What a program needs that links libcontrol.a.
CONTROL_LIBS = libcontrol.a $(NET_LIBS) $(META_LIBS)

include tests/unit/control/local.mk
