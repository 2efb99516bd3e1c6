# SPDX-License-Identifier: Apache-2.0
# The AIStore SDK from PyPI against a loded of this build, and against a cluster of them.
TESTS += tests/sdk/sdk_test.sh tests/sdk/sdk_cluster_test.sh
EXTRA_DIST += tests/sdk/README.md tests/sdk/sdk_test.sh tests/sdk/sdk_cluster_test.sh tests/sdk/requirements.txt tests/sdk/methods.tsv \
	tests/sdk/conftest.py tests/sdk/lossy_proxy.py tests/sdk/sdk_methods.py \
	tests/sdk/test_buckets.py \
	tests/sdk/test_chunks.py \
	tests/sdk/test_cluster.py \
	tests/sdk/test_files.py \
	tests/sdk/test_golden.py \
	tests/sdk/test_jobs.py \
	tests/sdk/test_listing.py \
	tests/sdk/test_lost_answers.py \
	tests/sdk/test_methods.py \
	tests/sdk/test_objects.py \
	tests/sdk/test_owners.py tests/sdk/test_promote.py \
	tests/sdk/test_redirects.py \
	tests/sdk/test_refusals.py \
	tests/sdk/test_sources.py \
	tests/sdk/test_tls.py \
	tests/sdk/test_traps.py \
	tests/sdk/test_wire.py
