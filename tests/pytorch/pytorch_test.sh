#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The datasets of aistore.pytorch with torch from PyPI, against one loded and against a cluster, as TAP.
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${LODE_TEST_LONG:-}" ]; then
    echo "1..0 # SKIP PyPI has torch with CUDA only, 2.5 GB: make check-long, or LODE_TEST_LONG=1"
    exit 0
fi
if [ "${1:-}" = cluster ]; then
    shift
    if ! command -v etcd >/dev/null; then
        echo "1..0 # SKIP etcd is not installed"
        exit 0
    fi
    export LODE_SDK_CLUSTER=1
fi
exec "$here/../tools/pytest_tap.sh" "$here" pytorch "torch" "$@"
