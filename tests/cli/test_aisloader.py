# SPDX-License-Identifier: Apache-2.0
"""The load generator `aisloader`: writes, reads and both, with checksums compared."""

import os
import re
import secrets
import subprocess
from urllib.parse import urlsplit

import pytest

IS_LONG = os.environ.get("LODE_TEST_LONG") == "1"
DURATION_S = 60 if IS_LONG else 4
WORKERS = 4


@pytest.fixture
def load(servers, tmp_path):
    program = os.environ.get("LODE_AISLOADER")
    if not program:
        pytest.skip("aisloader is not installed")
    address = urlsplit(servers.endpoint)

    def run(*arguments):
        command = [program, f"-ip={address.hostname}", f"-port={address.port}", "-quiet"]
        command += [f"-numworkers={WORKERS}", "-statsinterval=1", f"-tmpdir={tmp_path}/loader"]
        done = subprocess.run(
            [*command, *arguments],
            env=servers.environment(),
            cwd=tmp_path,
            capture_output=True,
            timeout=DURATION_S + 120,
            check=False,
        )
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode == 0, text[-3000:]
        # Time, operation, count ..., errors: one row for each operation each second, and a sum.
        rows = re.findall(r"^\d\d:\d\d:\d\d +([A-Z]+) +(\d+).*?(\S+)\s*$", text, re.MULTILINE)
        assert rows and all(errors in ("-", "0") for _, _, errors in rows), text[-3000:]
        assert "Warning" not in text, text[-3000:]
        return {operation: int(count) for operation, count, _ in rows}

    return run


def test_writes_reads_and_both_without_an_error(load):
    bucket = "ais://loader-" + secrets.token_hex(5)
    sizes = ("-minsize=1K", "-maxsize=1MB", "-verifyhash", "-cleanup=false")
    part = f"-duration={max(DURATION_S // 3, 2)}s"
    assert load("-bucket=" + bucket, "-pctput=100", part, *sizes)["PUT"] > 0
    assert load("-bucket=" + bucket, "-pctput=0", part, *sizes)["GET"] > 0
    both = load("-bucket=" + bucket, "-pctput=50", part, *sizes, "-cleanup=true")
    assert both["PUT"] > 0 and both["GET"] > 0


def test_ranges_and_uploads_of_parts(load):
    bucket = "ais://loader-" + secrets.token_hex(5)
    parts = ("-multipart-chunks=4", "-pctmultipart=50", "-minsize=1MB", "-maxsize=1MB")
    done = load("-bucket=" + bucket, "-pctput=100", "-duration=2s", "-cleanup=false", *parts)
    assert done["MPU"] > 0
    ranges = ("-readoff=100", "-readlen=1000", "-cleanup=true")
    assert load("-bucket=" + bucket, "-pctput=0", "-duration=2s", *ranges)["GET"] > 0
