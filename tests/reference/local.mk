# SPDX-License-Identifier: Apache-2.0
# The reference of the native API against a loded of this build.
TESTS += tests/reference/reference_test.sh
EXTRA_DIST += tests/reference/conftest.py tests/reference/requirements.txt \
	tests/reference/test_document.py tests/reference/test_examples.py \
	tests/reference/test_fuzz.py tests/reference/test_refusals.py \
	tests/tools/pytest_tap.sh
LONG_TESTS += tests/reference/reference_test.sh
