#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS between nodes, over real processes; tests/scenario/peer_tls_test.py says what.
set -u
if ! command -v etcd >/dev/null; then
    echo '1..0 # SKIP etcd is not installed'
    exit 0
fi
directory=$(mktemp -d "${TMPDIR:-/tmp}/lode-peer-tls-XXXXXX")
trap 'rm -rf "$directory"' EXIT
PYTHONDONTWRITEBYTECODE=1 python3 "$LODE_SRCDIR/tests/scenario/peer_tls_test.py" "$LODE_BUILDDIR" "$directory"
