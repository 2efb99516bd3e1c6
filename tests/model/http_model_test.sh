#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The model test over HTTP, short unless LODE_TEST_LONG is set.
ops=400
[ -z "${LODE_TEST_LONG:-}" ] || ops=50000
exec python3 "$(dirname "$0")/http_model.py" --ops "$ops" \
    ${LODE_TEST_SEED:+--seed "$LODE_TEST_SEED"}
