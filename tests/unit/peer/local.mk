# SPDX-License-Identifier: Apache-2.0
PEER_TESTS = \
	tests/unit/peer/bucket_fence_test \
	tests/unit/peer/cleanup_kill_test \
	tests/unit/peer/cleanup_test \
	tests/unit/peer/key_ownership_test \
	tests/unit/peer/lost_peer_test \
	tests/unit/peer/native_keys_test \
	tests/unit/peer/ownership_model_test \
	tests/unit/peer/peer_handler_test \
	tests/unit/peer/peer_listing_test \
	tests/unit/peer/put_forward_test \
	tests/unit/peer/rebalance_history_test \
	tests/unit/peer/rebalance_kill_test \
	tests/unit/peer/relayed_read_test \
	tests/unit/peer/upload_handover_test \
	tests/unit/peer/upload_kill_test \
	tests/unit/peer/upload_return_test
check_PROGRAMS += $(PEER_TESTS)
TESTS += $(PEER_TESTS)
LONG_TESTS += tests/unit/peer/cleanup_kill_test tests/unit/peer/ownership_model_test \
	tests/unit/peer/rebalance_kill_test tests/unit/peer/upload_kill_test
check_LIBRARIES += libclusterfixture.a
libclusterfixture_a_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
libclusterfixture_a_SOURCES = tests/unit/peer/cluster_fixture.c tests/unit/peer/cluster_fixture.h \
	tests/unit/peer/placement_fixture.c tests/unit/peer/placement_fixture.h \
	tests/unit/peer/faulty_link.c tests/unit/peer/faulty_link.h \
	tests/unit/peer/map_shape.c tests/unit/peer/map_shape.h \
	tests/unit/peer/target_cluster.c tests/unit/peer/target_cluster.h \
	tests/unit/peer/target_process.c tests/unit/peer/target_process.h \
	tests/unit/peer/target_uploads.c tests/unit/peer/target_uploads.h
PEER_TEST_LIBS = libclusterfixture.a $(PEER_LIBS) $(S3_TEST_LIBS)
tests_unit_peer_bucket_fence_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_peer_handler_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_peer_listing_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_cleanup_kill_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_cleanup_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_key_ownership_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_lost_peer_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_native_keys_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_put_forward_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_rebalance_history_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_rebalance_kill_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_relayed_read_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_ownership_model_test_SOURCES = \
	tests/unit/peer/ownership_model_test.c \
	tests/unit/peer/model_client.c tests/unit/peer/model_client.h \
	tests/unit/peer/model_client_internal.h \
	tests/unit/peer/model_disks.c tests/unit/peer/model_disks.h \
	tests/unit/peer/model_http.c tests/unit/peer/model_http.h \
	tests/unit/peer/model_work.c
tests_unit_peer_ownership_model_test_CPPFLAGS = $(AM_CPPFLAGS) $(SSL_CFLAGS)
tests_unit_peer_ownership_model_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_upload_handover_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_upload_kill_test_LDADD = $(PEER_TEST_LIBS)
tests_unit_peer_upload_return_test_LDADD = $(PEER_TEST_LIBS)
