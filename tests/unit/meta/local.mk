# SPDX-License-Identifier: Apache-2.0
META_TESTS = \
	tests/unit/meta/former_record_test \
	tests/unit/meta/manifest_tail_test \
	tests/unit/meta/meta_db_test \
	tests/unit/meta/meta_key_test \
	tests/unit/meta/record_test
check_PROGRAMS += $(META_TESTS)
TESTS += $(META_TESTS)
tests_unit_meta_former_record_test_LDADD = $(TEST_LIBS) $(META_LIBS) $(BASE_LIBS)
tests_unit_meta_manifest_tail_test_LDADD = $(TEST_LIBS) $(META_LIBS) $(BASE_LIBS)
tests_unit_meta_meta_db_test_LDADD = $(TEST_LIBS) $(META_LIBS) $(BASE_LIBS)
tests_unit_meta_meta_key_test_LDADD = $(TEST_LIBS) $(META_LIBS) $(BASE_LIBS)
tests_unit_meta_record_test_LDADD = $(TEST_LIBS) $(META_LIBS) $(BASE_LIBS)
EXTRA_DIST += \
	tests/golden/extent_page.hex \
	tests/golden/former_record.hex \
	tests/golden/object_record_chunk.hex \
	tests/golden/object_record_inline.hex \
	tests/golden/object_record_pack.hex \
	tests/golden/part_page.hex \
	tests/golden/part_record.hex \
	tests/golden/upload_record.hex
