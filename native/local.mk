# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libnative.a
libnative_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libnative_a_SOURCES = \
	native/native_answer.c native/native_answer.h \
	native/native_cluster.c native/native_cluster.h \
	native/native_handler.c native/native_handler.h \
	native/native_mountpath.c native/native_mountpath.h

include tests/unit/native/local.mk
