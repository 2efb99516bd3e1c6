# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcli.a
libcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)
libcli_a_SOURCES = \
	cli/cli_options.c cli/cli_options.h \
	cli/command.h \
	cli/command_bucket.c \
	cli/command_cluster.c \
	cli/command_fsck.c \
	cli/command_show.c \
	cli/cluster_view.c cli/cluster_view.h \
	cli/command_job.c \
	cli/command_key.c \
	cli/command_list.c \
	cli/command_mountpath.c \
	cli/command_start.c \
	cli/command_transfer.c \
	cli/job_view.c cli/job_view.h \
	cli/rebalance_view.c cli/rebalance_view.h \
	cli/progress.c cli/progress.h \
	cli/s3_client.c cli/s3_client.h \
	cli/text_table.c cli/text_table.h

bin_PROGRAMS += lode
lode_CPPFLAGS = $(libcli_a_CPPFLAGS)
lode_SOURCES = cli/lode.c
lode_LDADD = libcli.a $(AUTH_LIBS) $(STREAM_LIBS) $(CURL_LIBS)

include tests/unit/cli/local.mk
