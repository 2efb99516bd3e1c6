# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgateway.a
libgateway_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libgateway_a_SOURCES = \
	gateway/access_log.c gateway/access_log.h \
	gateway/admin_handler.c gateway/admin_handler.h \
	gateway/config.c gateway/config.h gateway/config_table.h \
	gateway/dispatch.c gateway/dispatch.h \
	gateway/fsck_command.c gateway/fsck_command.h \
	gateway/gateway.c gateway/gateway.h \
	gateway/import_command.c gateway/import_command.h \
	gateway/membership.c gateway/membership.h \
	gateway/memory_budget.h \
	gateway/node_load.c gateway/node_load.h \
	gateway/peering.c gateway/peering.h \
	gateway/root_key.c gateway/root_key.h

bin_PROGRAMS += loded
loded_CPPFLAGS = $(libgateway_a_CPPFLAGS)
loded_SOURCES = gateway/loded.c
loded_LDADD = libgateway.a libpeer.a libnative.a $(S3_LIBS) $(IAM_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)

include tests/unit/gateway/local.mk
