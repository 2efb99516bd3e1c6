# SPDX-License-Identifier: Apache-2.0
STREAM_TESTS = \
	tests/unit/stream/crc_test \
	tests/unit/stream/digest_test
check_PROGRAMS += $(STREAM_TESTS)
TESTS += $(STREAM_TESTS)
tests_unit_stream_crc_test_LDADD = $(TEST_LIBS) $(STREAM_LIBS)
tests_unit_stream_digest_test_LDADD = $(TEST_LIBS) $(STREAM_LIBS)
