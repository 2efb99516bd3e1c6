# SPDX-License-Identifier: Apache-2.0
# The rules of the tree, and the proof that each check can fail.
TESTS += \
	tests/tools/check_banned_test.sh \
	tests/tools/check_format_test.sh \
	tests/tools/check_headers_test.sh \
	tests/tools/check_layers_test.sh \
	tests/tools/check_length_test.sh \
	tests/tools/check_names_test.sh \
	tests/tools/scripts_test.sh
