# SPDX-License-Identifier: Apache-2.0
"""methods.tsv says of each public method of the SDK which test uses it, or why none does.  A new version of the SDK brings
methods that are not in it; then this fails.  Runs last: it looks back at what the others called."""

import re
from pathlib import Path

import conftest
import sdk_methods

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
NAMED = re.compile(r"(?:(pytorch)/)?(test_\w+\.py)::(test_\w+)$")
# Why a method is used by no test.
REASONS = {
    "local": "asks no server",
    "batch": "takes answers of get-batch apart, which is refused",
    "etl": "is for what an ETL runs, which is refused",
    "abstract": "is there for others to fill in",
}


def table():
    """{"Class.method": (name of a test or None, reason or None)}"""
    rows = {}
    for line in (HERE / "methods.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            method, what = line.split("\t")
            assert method not in rows, f"{method} stands there twice"
            rows[method] = what
    return rows


def test_each_method_of_the_sdk_is_in_the_table():
    there, known = set(sdk_methods.methods()), set(table())
    assert not there - known, f"new: write a test, or a reason into methods.tsv: {sorted(there - known)}"
    assert not known - there, f"gone: {sorted(known - there)}"


def test_the_tests_of_the_table_exist():
    for method, what in table().items():
        if what in REASONS:
            continue
        folder, file, name = NAMED.match(what).groups()
        text = (TESTS / (folder or "sdk") / file).read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text, f"{method}: there is no {what}"


def test_each_test_of_the_table_has_called_its_method():
    """Of those that ran now."""
    ran = {test for tests in conftest.WATCH.calls.values() for test in tests}
    for method, what in table().items():
        if what in ran:
            assert what in conftest.WATCH.calls.get(method, ()), f"{what} does not call {method}"
    assert not any(
        what in REASONS and conftest.WATCH.calls.get(method) and what != "local"
        for method, what in table().items()
    )
