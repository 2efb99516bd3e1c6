#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Concurrent clients, faults, and a judge of what they saw; see linearizability_test.py.
exec python3 "$(dirname "$0")/linearizability_test.py" "$@"
