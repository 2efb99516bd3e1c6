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
	cli/command_key.c \
	cli/command_list.c \
	cli/command_mountpath.c \
	cli/command_transfer.c \
	cli/progress.c cli/progress.h \
	cli/s3_client.c cli/s3_client.h

bin_PROGRAMS += lode
lode_CPPFLAGS = $(libcli_a_CPPFLAGS)
lode_SOURCES = cli/lode.c
lode_LDADD = libcli.a $(AUTH_LIBS) $(STREAM_LIBS) $(CURL_LIBS)

include tests/unit/cli/local.mk
