# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libbase.a
libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML_CFLAGS) $(JANSSON_CFLAGS) $(XXHASH_CFLAGS)
libbase_a_SOURCES = \
	base/affinity.c base/affinity.h \
	base/arena.c base/arena.h \
	base/banned.h \
	base/bytes.c base/bytes.h \
	base/check.c base/check.h \
	base/clock.c base/clock.h \
	base/disk_sync.c base/disk_sync.h \
	base/encode.c base/encode.h \
	base/entropy.c base/entropy.h \
	base/fault.c base/fault.h \
	base/field_codec.c base/field_codec.h \
	base/hash.c base/hash.h \
	base/list.h \
	base/load.c base/load.h base/load_limits.h \
	base/load_rest.c base/load_rest.h \
	base/load_system.c base/load_system.h \
	base/load_text.c base/load_text.h \
	base/lock.h \
	base/log.c base/log.h \
	base/memory.c base/memory.h \
	base/metrics.c base/metrics.h \
	base/status.c base/status.h \
	base/worker_pool.c base/worker_pool.h \
	base/xml_reader.c base/xml_reader.h \
	base/xml_writer.c base/xml_writer.h

# What a program needs that links libbase.a.
BASE_LIBS = libbase.a $(LIBXML_LIBS) $(JANSSON_LIBS) $(XXHASH_LIBS)

include tests/unit/base/local.mk
