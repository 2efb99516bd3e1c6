#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# AIStore's own command-line client and load generator, unmodified, against this build, as TAP.
here=$(cd "$(dirname "$0")" && pwd)
export LODE_AIS=${LODE_AIS:-$(command -v ais)} LODE_AISLOADER=${LODE_AISLOADER:-$(command -v aisloader)}
if [ ! -x "$LODE_AIS" ] && [ ! -x "$LODE_AISLOADER" ]; then
    echo "1..0 # SKIP neither ais nor aisloader is installed; LODE_AIS and LODE_AISLOADER name them"
    exit 0
fi
exec "$here/../tools/pytest_tap.sh" "$here" cli "pytest" "$@"
