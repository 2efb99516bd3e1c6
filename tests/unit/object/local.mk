# SPDX-License-Identifier: Apache-2.0
check_LIBRARIES += libobjectfixture.a
libobjectfixture_a_SOURCES = \
	tests/unit/object/object_fixture.c tests/unit/object/object_fixture.h
OBJECT_TEST_LIBS = libobjectfixture.a $(TEST_LIBS) $(OBJECT_LIBS)

OBJECT_TESTS = \
	tests/unit/object/bucket_test \
	tests/unit/object/chunk_policy_test \
	tests/unit/object/client_rest_test \
	tests/unit/object/cleanup_rules_test \
	tests/unit/object/concurrency_test \
	tests/unit/object/fsck_test \
	tests/unit/object/home_move_concurrency_test \
	tests/unit/object/home_move_kill_test \
	tests/unit/object/home_move_test \
	tests/unit/object/multipart_list_test \
	tests/unit/object/multipart_pages_test \
	tests/unit/object/multipart_test \
	tests/unit/object/object_conditions_test \
	tests/unit/object/object_copy_test \
	tests/unit/object/object_delete_test \
	tests/unit/object/object_get_test \
	tests/unit/object/object_list_test \
	tests/unit/object/object_promote_test \
	tests/unit/object/object_put_test \
	tests/unit/object/object_rechunk_kill_test \
	tests/unit/object/object_rechunk_test \
	tests/unit/object/placement_rules_test \
	tests/unit/object/put_home_test
check_PROGRAMS += $(OBJECT_TESTS)
TESTS += $(OBJECT_TESTS)
LONG_TESTS += tests/unit/object/home_move_kill_test
tests_unit_object_bucket_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_client_rest_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_concurrency_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_fsck_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_home_move_concurrency_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_home_move_kill_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_home_move_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_multipart_list_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_multipart_pages_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_multipart_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_conditions_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_copy_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_delete_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_get_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_list_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_put_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_cleanup_rules_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_placement_rules_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_put_home_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_chunk_policy_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_rechunk_kill_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_rechunk_test_LDADD = $(OBJECT_TEST_LIBS)
tests_unit_object_object_promote_test_LDADD = $(OBJECT_TEST_LIBS)
