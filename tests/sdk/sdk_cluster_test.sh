#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same tests against 2 gateways and 3 targets, and those that are about several nodes, as TAP.
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v etcd >/dev/null; then
    echo "1..0 # SKIP etcd is not installed"
    exit 0
fi
export LODE_SDK_CLUSTER=1
exec "$here/../tools/pytest_tap.sh" "$here" sdk "the AIStore SDK" "$@"
