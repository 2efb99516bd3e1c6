# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpeer.a
libpeer_a_SOURCES = \
	peer/peer_handler.c peer/peer_handler.h \
	peer/peer_bucket_empty.c \
	peer/peer_delete.c \
	peer/peer_job.c \
	peer/peer_list.c \
	peer/peer_complete.c \
	peer/peer_put.c \
	peer/peer_read.c \
	peer/peer_move.c \
	peer/peer_promote.c \
	peer/peer_record.c \
	peer/peer_relayed_s3.c \
	peer/peer_upload.c \
	peer/peer_verb.c peer/peer_verb.h

# What a program needs that links libpeer.a, before OBJECT_LIBS.
PEER_LIBS = libpeer.a $(JOBS_LIBS)

include tests/unit/peer/local.mk
