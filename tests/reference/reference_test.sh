#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/openapi.yaml is what the contracts say, is valid, and is true of a running loded, as TAP.
# LODE_TEST_LONG=1 lets schemathesis try more of each call.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../tools/pytest_tap.sh" "$here" reference "schemathesis" "$@"
