#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Requests through gateways, over real processes; tests/scenario/relay_test.py says what.
set -u
if ! command -v etcd >/dev/null; then
    echo '1..0 # SKIP etcd is not installed'
    exit 0
fi
directory=$(mktemp -d "${TMPDIR:-/tmp}/lode-relay-XXXXXX")
trap 'rm -rf "$directory"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 "$LODE_SRCDIR/tests/scenario/relay_test.py" "$LODE_BUILDDIR" "$directory"
