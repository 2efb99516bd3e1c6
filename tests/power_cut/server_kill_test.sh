#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kills loded under load; see server_kill_test.py.
exec python3 "$(dirname "$0")/server_kill_test.py" "$@"
