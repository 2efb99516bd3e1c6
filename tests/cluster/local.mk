# SPDX-License-Identifier: Apache-2.0
# Whole clusters: real processes, real faults; README.md says how.
EXTRA_DIST += \
	tests/cluster/README.md \
	tests/cluster/cycle_load.py \
	tests/cluster/cycles_test.py \
	tests/cluster/faults.py \
	tests/cluster/large_put_test.py \
	tests/cluster/linearizability_test.py \
	tests/cluster/native_client.py \
	tests/cluster/native_recorder.py \
	tests/cluster/network.py \
	tests/cluster/packet_delay.py \
	tests/cluster/recorder.py \
	tests/cluster/run_table.py \
	tests/cluster/s3_client.py \
	tests/cluster/s3_recorder.py \
	tests/cluster/values.py
CLUSTER_LONG_TESTS = tests/cluster/cycles_test.sh tests/cluster/large_put_test.sh \
	tests/cluster/linearizability_test.sh
TESTS += $(CLUSTER_LONG_TESTS) tests/cluster/playground_test.sh
LONG_TESTS += $(CLUSTER_LONG_TESTS)
