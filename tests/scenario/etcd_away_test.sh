#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Data go on without etcd, over real processes; tests/scenario/etcd_away_test.py says what.
set -u
if ! command -v etcd >/dev/null; then
    echo '1..0 # SKIP etcd is not installed'
    exit 0
fi
directory=$(mktemp -d "${TMPDIR:-/tmp}/lode-etcd-away-XXXXXX")
trap 'rm -rf "$directory"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 "$LODE_SRCDIR/tests/scenario/etcd_away_test.py" "$LODE_BUILDDIR" "$directory"
