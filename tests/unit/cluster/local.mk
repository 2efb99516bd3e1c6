# SPDX-License-Identifier: Apache-2.0
CLUSTER_TESTS = \
	tests/unit/cluster/cluster_map_test \
	tests/unit/cluster/placement_test
check_PROGRAMS += $(CLUSTER_TESTS)
TESTS += $(CLUSTER_TESTS)
EXTRA_DIST += tests/golden/cluster_map.json
tests_unit_cluster_cluster_map_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_placement_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
