# SPDX-License-Identifier: Apache-2.0
CONTROL_TESTS = \
	tests/unit/control/control_contract_test \
	tests/unit/control/control_disk_test \
	tests/unit/control/control_etcd_test \
	tests/unit/control/control_local_test \
	tests/unit/control/control_members_test \
	tests/unit/control/etcd_json_test
check_PROGRAMS += $(CONTROL_TESTS)
TESTS += $(CONTROL_TESTS)
# Over a RocksDB and over real etcd members.
CONTROL_FIXTURE = tests/unit/control/control_fixture.c tests/unit/control/control_fixture.h
CONTROL_FIXTURE_LIBS = $(TEST_LIBS) libetcdfixture.a $(CONTROL_LIBS) $(BASE_LIBS)
tests_unit_control_control_contract_test_SOURCES = \
	tests/unit/control/control_contract_test.c $(CONTROL_FIXTURE)
tests_unit_control_control_contract_test_LDADD = $(CONTROL_FIXTURE_LIBS)
tests_unit_control_control_etcd_test_SOURCES = \
	tests/unit/control/control_etcd_test.c $(CONTROL_FIXTURE)
tests_unit_control_control_etcd_test_LDADD = $(CONTROL_FIXTURE_LIBS)
tests_unit_control_control_members_test_SOURCES = \
	tests/unit/control/control_members_test.c $(CONTROL_FIXTURE)
tests_unit_control_control_members_test_LDADD = $(CONTROL_FIXTURE_LIBS)
tests_unit_control_control_disk_test_LDADD = $(TEST_LIBS) $(CONTROL_LIBS) $(BASE_LIBS)
# Against a fake of meta/meta_db.h that can fail.
tests_unit_control_control_local_test_SOURCES = \
	tests/unit/control/control_local_test.c \
	tests/unit/control/fake_meta_db.c tests/unit/control/fake_meta_db.h
tests_unit_control_control_local_test_LDADD = $(TEST_LIBS) libcontrol.a $(BASE_LIBS)
tests_unit_control_etcd_json_test_LDADD = $(TEST_LIBS) $(CONTROL_LIBS) $(BASE_LIBS)
