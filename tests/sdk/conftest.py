# SPDX-License-Identifier: Apache-2.0
"""One loded for all tests, and a bucket of its own for each."""

import os
import secrets
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "s3-conformance"))

import server as lode_server  # noqa: E402
from aistore.sdk import Client  # noqa: E402
from aistore.sdk.retry_config import RetryConfig  # noqa: E402
from urllib3 import Retry  # noqa: E402


@pytest.fixture(scope="session")
def server():
    own = lode_server.OwnServer("http", ("--allow-anonymous-native",))
    try:
        own.start()
        yield own
    finally:
        own.end()


@pytest.fixture(scope="session")
def client(server):
    retry = RetryConfig.default()
    retry.http_retry = Retry(total=0)
    return Client(server.endpoint, retry_config=retry)


@pytest.fixture
def bucket(client):
    made = client.bucket("sdk-" + secrets.token_hex(6)).create()
    yield made
    made.delete(missing_ok=True)


@pytest.fixture(scope="session")
def s3(server):
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=lode_server.REGION,
        aws_access_key_id=server.root.access_key,
        aws_secret_access_key=server.root.secret_key,
    )


@pytest.fixture(scope="session")
def content():
    return os.urandom(1 << 20)
