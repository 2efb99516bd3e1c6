# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libstream.a
libstream_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
libstream_a_SOURCES = \
	stream/crc.c stream/crc.h \
	stream/digest.c stream/digest.h \
	stream/sink.h \
	stream/source.h

# What a program needs that links libstream.a.
STREAM_LIBS = libstream.a $(CRYPTO_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

include tests/unit/stream/local.mk
