# SPDX-License-Identifier: Apache-2.0
# Whole programs, started as a user starts them.
TESTS += \
	tests/scenario/fsck_test.sh \
	tests/scenario/lode_test.sh \
	tests/scenario/loded_test.sh
