# SPDX-License-Identifier: Apache-2.0
IAM_TESTS = tests/unit/iam/iam_handler_test
check_PROGRAMS += $(IAM_TESTS)
TESTS += $(IAM_TESTS)
# Over a fake exchange and the fake database of the control tests.
tests_unit_iam_iam_handler_test_SOURCES = \
	tests/unit/iam/iam_handler_test.c \
	tests/unit/iam/fake_exchange.c tests/unit/iam/fake_exchange.h \
	$(AUTH_TEST_FIXTURE)
tests_unit_iam_iam_handler_test_LDADD = libiam.a $(AUTH_TEST_LIBS)
