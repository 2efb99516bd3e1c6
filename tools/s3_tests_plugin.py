# SPDX-License-Identifier: Apache-2.0
"""pytest plugin for tools/s3-tests: keeps the selected tests and records what came of each.

Environment: S3_TESTS_SELECT names the selection, S3_TESTS_RESULTS the JSON file that is written:
{test: {"group": ..., "outcome": "passed" | "failed" | "skipped", "why": ...}}.
"""

import json
import os
import re
from pathlib import Path

import pytest

WHY_BYTES = 300  # enough for the last line of a traceback


class Selection:
    """The rules of one selection file."""

    def __init__(self, path):
        self.left_out = set()
        self.rules = []
        for line in Path(path).read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("without "):
                self.left_out.add(line.split()[1])
                continue
            group, file, pattern = (word.strip() for word in line.split(" : ", 2))
            self.rules.append((group, file, re.compile(pattern)))

    def group_of(self, item):
        """The group of a test, or None."""
        if self.left_out & {mark.name for mark in item.iter_markers()}:
            return None
        name = getattr(item, "originalname", item.name)
        for group, file, pattern in self.rules:
            if item.path.name == file and pattern.fullmatch(name):
                return None if group == "-" else group
        return None


RESULTS = {}


def pytest_collection_modifyitems(config, items):
    selection = Selection(os.environ["S3_TESTS_SELECT"])
    kept, dropped = [], []
    for item in items:
        group = selection.group_of(item)
        if group is None:
            dropped.append(item)
            continue
        kept.append(item)
        RESULTS[item.name] = {"group": group, "outcome": "not run", "why": ""}
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)


def pytest_collection_finish(session):
    """What -k and the like left out was never meant to run."""
    running = {item.name for item in session.items}
    for name in set(RESULTS) - running:
        del RESULTS[name]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure of setup or teardown is a failure of the test."""
    outcome = yield
    report = outcome.get_result()
    result = RESULTS[item.name]
    if report.failed:
        result["outcome"] = "failed"
        lines = str(call.excinfo.value).strip().splitlines() or [""]
        kind = call.excinfo.type.__name__
        result["why"] = result["why"] or f"{call.when}: {kind}: {lines[0][:WHY_BYTES]}"
    elif report.skipped and result["outcome"] != "failed":
        result["outcome"] = "skipped"
        result["why"] = str(call.excinfo.value)[:WHY_BYTES]
    elif report.when == "call" and result["outcome"] == "not run":
        result["outcome"] = "passed"


def pytest_sessionfinish():
    Path(os.environ["S3_TESTS_RESULTS"]).write_text(json.dumps(RESULTS, indent=1))
