#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each dimension of the load driven to critical by its cause; tests/scenario/load_test.py says how.
set -u
directory=$(mktemp -d "${TMPDIR:-/tmp}/lode-load-XXXXXX")
trap 'rm -rf "$directory"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 "$LODE_SRCDIR/tests/scenario/load_test.py" "$LODE_BUILDDIR" "$directory"
