#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same against 2 gateways and 3 targets.
exec "$(dirname "$0")/pytorch_test.sh" cluster "$@"
