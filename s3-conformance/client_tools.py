# SPDX-License-Identifier: Apache-2.0
"""Runs the unmodified command line clients against the server under test."""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

TIMEOUT_S = 180
FILE_AGE_S = 3600


class ClientTool:
    """A command with its environment and the options that lead it to the server."""

    def __init__(self, name, options, environment):
        self.path = shutil.which(name)
        if self.path is None:
            pytest.skip(f"{name} is not installed")
        self.options = options
        self.environment = {**os.environ, **environment}

    def run(self, *arguments, check=True, **options):
        """The finished process; a failure shows what the client said."""
        done = subprocess.run(
            [self.path, *self.options, *map(str, arguments)],
            env=self.environment, capture_output=True, timeout=TIMEOUT_S, **options,
        )  # fmt: skip
        if check and done.returncode != 0:
            pytest.fail(f"{arguments} ended with {done.returncode}\n{said(done)}")
        return done

    def output(self, *arguments):
        return self.run(*arguments).stdout.decode()

    def refusal(self, *arguments, code=None):
        """The command must fail, and say this S3 code."""
        done = self.run(*arguments, check=False)
        assert done.returncode != 0, said(done)
        if code is not None:
            assert code in said(done), said(done)
        return done


def said(done):
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def write_file(path, size, seed=b"lode"):
    """A file of pseudo-random bytes, older than any object: sync compares the times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = hashlib.shake_256(seed + str(size).encode()).digest(min(size, 1 << 16) or 1)
    with open(path, "wb") as file:
        left = size
        while left > 0:
            file.write(block[:left])
            left -= len(block)
            block = block[1:] + block[:1]
    moment = time.time() - FILE_AGE_S
    os.utime(path, (moment, moment))
    return path


def write_tree(folder):
    """A small tree with the names and sizes that clients trip over; returns it."""
    for name, size in {
        "empty": 0,
        "small.txt": 10,
        "sub/record.bin": 400,
        "sub/pack.bin": 70_000,
        "sub/deeper/chunk.bin": 300_000,
        "with space/plus+and%41.bin": 33,
        "ünïcode/日本語.txt": 77,
    }.items():
        write_file(folder / name, size, name.encode())
    return folder


def digest_of(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def tree_digests(folder):
    """{relative name: digest} of all files."""
    folder = Path(folder)
    return {
        str(path.relative_to(folder)): digest_of(path)
        for path in folder.rglob("*")
        if path.is_file()
    }
