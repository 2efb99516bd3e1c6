#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nodes come, go and die under load; see cycles_test.py.
exec python3 "$(dirname "$0")/cycles_test.py" "$@"
