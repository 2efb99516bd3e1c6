# SPDX-License-Identifier: Apache-2.0
# Whole programs, started as a user starts them.
EXTRA_DIST += tests/scenario/nodes.sh tests/scenario/scenario.sh tests/scenario/put_in_halves.py tests/scenario/relay_test.py \
	tests/scenario/peer_tls_test.py tests/scenario/etcd_away_test.py tests/scenario/job_kill_test.py \
	tests/scenario/load_test.py
TESTS += \
	tests/scenario/cluster_test.sh \
	tests/scenario/etcd_away_test.sh \
	tests/scenario/etcd_test.sh \
	tests/scenario/fsck_test.sh \
	tests/scenario/job_kill_test.sh \
	tests/scenario/load_test.sh \
	tests/scenario/lode_test.sh \
	tests/scenario/loded_test.sh \
	tests/scenario/mountpath_test.sh \
	tests/scenario/peer_tls_test.sh \
	tests/scenario/rebalance_test.sh \
	tests/scenario/relay_test.sh
