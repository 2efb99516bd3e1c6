#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Large bodies on their way while targets come and go; see large_put_test.py.
exec python3 "$(dirname "$0")/large_put_test.py" "$@"
