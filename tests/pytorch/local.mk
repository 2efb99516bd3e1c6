# SPDX-License-Identifier: Apache-2.0
# aistore.pytorch with torch, which is large: in `make check-long` only.
PYTORCH_TESTS = tests/pytorch/pytorch_test.sh tests/pytorch/pytorch_cluster_test.sh
TESTS += $(PYTORCH_TESTS)
LONG_TESTS += $(PYTORCH_TESTS)
EXTRA_DIST += $(PYTORCH_TESTS) tests/pytorch/README.md tests/pytorch/conftest.py \
	tests/pytorch/requirements.txt tests/pytorch/test_datasets.py
