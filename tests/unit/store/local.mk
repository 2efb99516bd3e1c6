# SPDX-License-Identifier: Apache-2.0
check_LIBRARIES += libstorefixture.a
libstorefixture_a_SOURCES = tests/unit/store/store_fixture.c tests/unit/store/store_fixture.h
STORE_TESTS = \
	tests/unit/store/store_test
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
tests_unit_store_store_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
