# SPDX-License-Identifier: Apache-2.0
CLUSTER_TESTS = \
	tests/unit/cluster/cluster_etcd_test \
	tests/unit/cluster/cluster_import_test \
	tests/unit/cluster/cluster_map_test \
	tests/unit/cluster/cluster_test \
	tests/unit/cluster/leader_decision_test \
	tests/unit/cluster/leader_refusal_test \
	tests/unit/cluster/node_value_test \
	tests/unit/cluster/placement_test
check_PROGRAMS += $(CLUSTER_TESTS)
TESTS += $(CLUSTER_TESTS)
EXTRA_DIST += tests/golden/cluster_map.json
tests_unit_cluster_cluster_map_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_cluster_etcd_test_LDADD = $(TEST_LIBS) libetcdfixture.a $(CLUSTER_LIBS)
tests_unit_cluster_cluster_import_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_cluster_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_placement_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
LEADER_WORLD = tests/unit/cluster/leader_world.c tests/unit/cluster/leader_world.h
tests_unit_cluster_leader_decision_test_SOURCES = \
	tests/unit/cluster/leader_decision_test.c $(LEADER_WORLD)
tests_unit_cluster_leader_decision_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_leader_refusal_test_SOURCES = \
	tests/unit/cluster/leader_refusal_test.c $(LEADER_WORLD)
tests_unit_cluster_leader_refusal_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_node_value_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)

PEER_CLUSTER_TESTS = \
	tests/unit/cluster/peer_call_test \
	tests/unit/cluster/peer_head_test \
	tests/unit/cluster/peer_patience_test \
	tests/unit/cluster/peer_replay_test \
	tests/unit/cluster/peer_signature_test \
	tests/unit/cluster/redirect_outcomes_test \
	tests/unit/cluster/redirect_signature_test
check_PROGRAMS += $(PEER_CLUSTER_TESTS)
TESTS += $(PEER_CLUSTER_TESTS)
tests_unit_cluster_peer_call_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_peer_head_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_peer_patience_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_peer_replay_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_peer_signature_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_redirect_outcomes_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
tests_unit_cluster_redirect_signature_test_LDADD = $(TEST_LIBS) $(CLUSTER_LIBS)
