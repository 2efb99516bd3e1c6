# SPDX-License-Identifier: Apache-2.0
S3_TESTS = \
	tests/unit/s3/s3_route_test
check_PROGRAMS += $(S3_TESTS)
TESTS += $(S3_TESTS)
tests_unit_s3_s3_route_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)
