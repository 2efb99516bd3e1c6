# SPDX-License-Identifier: Apache-2.0
BASE_TESTS = \
	tests/unit/base/arena_test \
	tests/unit/base/bytes_test \
	tests/unit/base/encode_test \
	tests/unit/base/field_codec_test \
	tests/unit/base/load_rest_test \
	tests/unit/base/load_system_test \
	tests/unit/base/load_test \
	tests/unit/base/load_text_test \
	tests/unit/base/lock_test \
	tests/unit/base/metrics_test \
	tests/unit/base/status_test \
	tests/unit/base/worker_pool_test \
	tests/unit/base/xml_reader_test
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)
tests_unit_base_arena_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_bytes_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_encode_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_field_codec_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_load_rest_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_load_system_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_load_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_load_text_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_lock_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_metrics_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_status_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_worker_pool_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_unit_base_xml_reader_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
