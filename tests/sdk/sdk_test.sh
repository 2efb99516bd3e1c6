#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The unmodified AIStore SDK against one loded, as TAP.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../tools/pytest_tap.sh" "$here" sdk "the AIStore SDK" "$@"
