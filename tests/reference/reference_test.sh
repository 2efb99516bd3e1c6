#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/openapi.yaml is what the contracts say, is valid, and is true of a running loded, as TAP.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../tools/pytest_tap.sh" "$here" reference "the validator of OpenAPI" "$@"
