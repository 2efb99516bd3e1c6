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
        for word in ("error", "Error", "mismatch", "FATAL"):
            lines = [line for line in text.splitlines() if word in line]
            assert not [line for line in lines if not re.search(r"errors?[ :(]*0", line)], text[-3000:]
        return text

    return run


def test_writes_reads_and_both_without_an_error(load):
    bucket = "ais://loader-" + secrets.token_hex(5)
    sizes = ("-minsize=1K", "-maxsize=1MB", "-verifyhash", "-cleanup=false")
    part = f"-duration={max(DURATION_S // 3, 2)}s"
    load("-bucket=" + bucket, "-pctput=100", part, *sizes)
    load("-bucket=" + bucket, "-pctput=0", part, *sizes)
    load("-bucket=" + bucket, "-pctput=50", part, *sizes, "-cleanup=true")


def test_ranges_and_uploads_of_parts(load):
    bucket = "ais://loader-" + secrets.token_hex(5)
    load("-bucket=" + bucket, "-pctput=100", "-duration=2s", "-minsize=1MB", "-maxsize=1MB",
         "-multipart-chunks=4", "-pctmultipart=50", "-cleanup=false")
    load("-bucket=" + bucket, "-pctput=0", "-duration=2s", "-readoff=100", "-readlen=1000",
         "-cleanup=true")
