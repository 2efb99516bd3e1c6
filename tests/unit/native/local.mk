# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/unit/native/native_answer_test
TESTS += tests/unit/native/native_answer_test
tests_unit_native_native_answer_test_LDADD = $(TEST_LIBS) libnative.a $(NET_LIBS) $(STREAM_LIBS)
check_PROGRAMS += tests/unit/native/native_page_test
TESTS += tests/unit/native/native_page_test
tests_unit_native_native_page_test_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_native_native_page_test_LDADD = $(TEST_LIBS) libnative.a libjobs.a $(OBJECT_LIBS)
