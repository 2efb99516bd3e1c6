#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""put_in_halves.py PORT PATH SIZE: PUT zeros; the second half goes when a line comes on standard
input.  Prints the status.  Keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""

import os
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TREE, "bench"))
from s3_http import S3  # noqa: E402


def main():
    """One request."""
    port, path, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    half = size // 2

    def body():
        yield bytes(half)
        sys.stdin.readline()
        yield bytes(size - half)

    status, answer = S3(port, os.environ).request("PUT", path, body=body(),
                                                  headers={"content-length": str(size)})
    print(status, answer.decode())


main()
