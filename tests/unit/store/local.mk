# SPDX-License-Identifier: Apache-2.0
check_LIBRARIES += libstorefixture.a
libstorefixture_a_SOURCES = tests/unit/store/store_fixture.c tests/unit/store/store_fixture.h
STORE_TESTS = \
	tests/unit/store/batch_map_test \
	tests/unit/store/commit_test \
	tests/unit/store/fault_test \
	tests/unit/store/home_metrics_test \
	tests/unit/store/health_test \
	tests/unit/store/home_placement_test \
	tests/unit/store/identity_test \
	tests/unit/store/kill_test \
	tests/unit/store/pack_format_test \
	tests/unit/store/pack_mover_test \
	tests/unit/store/pack_witness_test \
	tests/unit/store/page_reclaim_test \
	tests/unit/store/pin_table_test \
	tests/unit/store/recovery_test \
	tests/unit/store/sharing_test \
	tests/unit/store/space_test \
	tests/unit/store/store_test
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
tests_unit_store_commit_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
LONG_TESTS += tests/unit/store/fault_test tests/unit/store/kill_test
tests_unit_store_fault_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_kill_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_recovery_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_sharing_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_space_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_home_metrics_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_batch_map_test_LDADD = $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_home_placement_test_LDADD = $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_health_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_identity_test_LDADD = $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_pack_format_test_LDADD = $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_pack_mover_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_pack_witness_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_page_reclaim_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_pin_table_test_LDADD = $(TEST_LIBS) $(STORE_LIBS)
tests_unit_store_store_test_LDADD = libstorefixture.a $(TEST_LIBS) $(STORE_LIBS)

# Figures, by hand: see the head of the file.
EXTRA_PROGRAMS = tests/unit/store/store_load
tests_unit_store_store_load_LDADD = $(STORE_LIBS)
