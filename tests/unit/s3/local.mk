# SPDX-License-Identifier: Apache-2.0
S3_TESTS = \
	tests/unit/s3/s3_checksum_test \
	tests/unit/s3/s3_conditions_test \
	tests/unit/s3/s3_copy_source_test \
	tests/unit/s3/s3_dialect_test \
	tests/unit/s3/s3_error_test \
	tests/unit/s3/s3_headers_test \
	tests/unit/s3/s3_range_test \
	tests/unit/s3/s3_route_test \
	tests/unit/s3/s3_xml_test
check_PROGRAMS += $(S3_TESTS)
TESTS += $(S3_TESTS)
tests_unit_s3_s3_checksum_test_LDADD = $(TEST_LIBS) libs3.a $(STREAM_LIBS)
tests_unit_s3_s3_conditions_test_LDADD = $(TEST_LIBS) libs3.a libnet.a $(BASE_LIBS)
tests_unit_s3_s3_error_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)
tests_unit_s3_s3_headers_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)
tests_unit_s3_s3_range_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)
tests_unit_s3_s3_route_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)
tests_unit_s3_s3_xml_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)
tests_unit_s3_s3_copy_source_test_LDADD = $(TEST_LIBS) libs3.a $(BASE_LIBS)

check_LIBRARIES += libs3fixture.a
libs3fixture_a_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
libs3fixture_a_SOURCES = tests/unit/s3/s3_fixture.c tests/unit/s3/s3_fixture.h
S3_TEST_LIBS = libs3fixture.a libobjectfixture.a libnettest.a $(TEST_LIBS) $(S3_LIBS) \
	$(OBJECT_LIBS) $(BASE_LIBS)
tests_unit_s3_s3_dialect_test_LDADD = $(S3_TEST_LIBS)
