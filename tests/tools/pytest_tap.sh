#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: tests/tools/pytest_tap.sh FOLDER NAME WHAT [PYTEST ARGUMENT]...
# The tests of a folder against the binaries of this build, as TAP.  What FOLDER/requirements.txt
# names (WHAT, for readers) is installed from PyPI into the build's venv-NAME once; where that cannot
# be reached the test is skipped.
set -u
folder=$1 name=$2 what=$3
shift 3
build=${LODE_BUILDDIR:-$(cd "$(dirname "$0")/../.." && pwd)/build-check}
venv=$build/venv-$name

exec 8>"$venv.lock"
flock 8 # another test may want the same environment
if ! cmp -s "$folder/requirements.txt" "$venv/requirements.installed"; then
    if ! { python3 -m venv --clear "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$folder/requirements.txt" &&
        cp "$folder/requirements.txt" "$venv/requirements.installed"; } >&2; then
        echo "1..0 # SKIP $what cannot be installed from PyPI"
        exit 0
    fi
fi
exec 8>&-
results=$(mktemp)
trap 'rm -f "$results"' EXIT
LODE_BUILD=$build PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest -q -p no:cacheprovider \
    --rootdir "$folder" --junit-xml="$results" "$@" "$folder" >&2
"$venv/bin/python" - "$results" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

try:
    cases = list(tree.parse(sys.argv[1]).iter("testcase"))
except (OSError, tree.ParseError):
    cases = []
for number, case in enumerate(cases, 1):
    bad = case.find("failure") is not None or case.find("error") is not None
    skipped = case.find("skipped")
    reason = "" if skipped is None else f" # SKIP {skipped.get('message')}"
    print(f"{'not ok' if bad else 'ok'} {number} - {case.get('name')}{reason}")
if not cases:
    print("not ok 1 - the tests ran")
print(f"1..{max(len(cases), 1)}")
PYTHON
