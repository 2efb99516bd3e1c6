# SPDX-License-Identifier: Apache-2.0
# A fuzz target NAME is tests/fuzz/NAME_fuzz.c and the corpus tests/fuzz/corpus/NAME/.  Its folder says
#
#   FUZZ_TARGETS += fuzz/NAME
#   fuzz_NAME_SOURCES = tests/fuzz/NAME_fuzz.c
#   fuzz_NAME_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
#
# With --enable-fuzz that is a libFuzzer program (tools/fuzz runs it); in all other builds it replays
# its corpus as a TAP test.
FUZZ_TARGETS =
if FUZZ
FUZZ_LIBS = $(FUZZ_ENGINE)
noinst_PROGRAMS += $(FUZZ_TARGETS)
else
FUZZ_LIBS = libreplay.a
check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay_main.c
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
endif

FUZZ_TARGETS += fuzz/xml fuzz/encode
fuzz_xml_SOURCES = tests/fuzz/xml_fuzz.c
fuzz_xml_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
fuzz_encode_SOURCES = tests/fuzz/encode_fuzz.c
fuzz_encode_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)

FUZZ_TARGETS += fuzz/http_head fuzz/http_chunked
fuzz_http_head_SOURCES = tests/fuzz/http_head_fuzz.c
fuzz_http_head_LDADD = $(FUZZ_LIBS) $(NET_LIBS) $(BASE_LIBS)
fuzz_http_chunked_SOURCES = tests/fuzz/http_chunked_fuzz.c
fuzz_http_chunked_LDADD = $(FUZZ_LIBS) $(NET_LIBS) $(BASE_LIBS)
