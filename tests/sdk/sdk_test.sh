#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The unmodified AIStore SDK against one loded, as TAP.  What requirements.txt names is installed
# from PyPI into a virtual environment of the build once; where that cannot be reached the test is
# skipped.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${LODE_BUILDDIR:-$here/../../build-check}
venv=$build/venv-sdk

if ! cmp -s "$here/requirements.txt" "$venv/requirements.installed"; then
    if ! { python3 -m venv --clear "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" &&
        cp "$here/requirements.txt" "$venv/requirements.installed"; } >&2; then
        echo "1..0 # SKIP the AIStore SDK cannot be installed from PyPI"
        exit 0
    fi
fi
results=$(mktemp)
trap 'rm -f "$results"' EXIT
LODE_BUILD=$build PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest -q -p no:cacheprovider \
    --junit-xml="$results" "$@" "$here" >&2
"$venv/bin/python" - "$results" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

try:
    cases = list(tree.parse(sys.argv[1]).iter("testcase"))
except (OSError, tree.ParseError):
    cases = []
for number, case in enumerate(cases, 1):
    bad = case.find("failure") is not None or case.find("error") is not None
    print(f"{'not ok' if bad else 'ok'} {number} - {case.get('name')}")
if not cases:
    print("not ok 1 - the tests ran")
print(f"1..{max(len(cases), 1)}")
PYTHON
