# SPDX-License-Identifier: Apache-2.0
"""The reference, and one loded for all tests."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest
import requests
import yaml

TREE = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "s3-conformance"))

import server as lode_server  # noqa: E402

JOBS_TIMEOUT_S = 60


class Reference:
    """docs/openapi.yaml, and loded with what the tests of it need."""

    def __init__(self, own):
        self.path = TREE / "docs" / "openapi.yaml"
        self.document = read()
        self.server = own
        self.endpoint = own.endpoint

    def wait_for_jobs(self):
        """Until none runs; the server says when."""
        deadline = time.monotonic() + JOBS_TIMEOUT_S
        url = f"{self.endpoint}/v1/cluster?what=running_all"
        while requests.get(url, timeout=20).json():
            assert time.monotonic() < deadline, "jobs do not end"
            time.sleep(0.02)


def read():
    return yaml.safe_load((TREE / "docs" / "openapi.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def reference():
    folder = tempfile.mkdtemp(prefix="lode-reference-")
    (Path(folder) / "hello").write_text("hello", encoding="utf-8")
    options = ("--allow-anonymous-native", "--promote-from", folder)
    own = lode_server.OwnServer("http", options)
    try:
        own.start()
        found = Reference(own)
        found.promote_from = folder
        yield found
    finally:
        own.end()
        shutil.rmtree(folder, ignore_errors=True)
