#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Jobs whose nodes are killed in the middle, over real processes; job_kill_test.py says what.
set -u
directory=$(mktemp -d "${TMPDIR:-/tmp}/lode-job-kill-XXXXXX")
trap 'rm -rf "$directory"' EXIT
LODE_BUILD="$LODE_BUILDDIR" PYTHONDONTWRITEBYTECODE=1 \
    python3 "$LODE_SRCDIR/tests/scenario/job_kill_test.py" "$LODE_BUILDDIR" "$directory"
