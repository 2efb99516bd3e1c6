# SPDX-License-Identifier: Apache-2.0
"""Fixtures and hooks of the S3 conformance suite; README.md says how to run it."""

import json
import os
import re
import secrets
import socket
import sys
from itertools import count
from pathlib import Path

# Over HTTP boto3 and aws-cli sign by themselves, over HTTPS with awscrt: both are in use out there.
os.environ["BOTO_DISABLE_CRT"] = str(os.environ.get("S3_CONFORMANCE_SCHEME") != "https").lower()

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ParamValidationError

sys.path.insert(0, str(Path(__file__).parent))

import expect  # noqa: E402
from cluster_server import ClusterServer  # noqa: E402
from listing import put_keys  # noqa: E402
from raw_http import RawClient  # noqa: E402
from server import REGION, Account, OwnServer, Server  # noqa: E402

# Nothing of the caller's own settings may lead a client elsewhere or give it other keys.
for name in list(os.environ):
    if name.upper().startswith(("AWS_", "RCLONE_")) or name.upper().endswith("_PROXY"):
        del os.environ[name]

RUN_ID = secrets.token_hex(3)  # buckets of two runs against one server do not meet
BUCKET_NUMBERS = count(1)
OLDEST_WHOLE_BOTOCORE = (1, 41)  # knows every parameter that the tests use
BOTOCORE_VERSION = tuple(int(number) for number in botocore.__version__.split(".")[:2])
IS_BOTOCORE_OLD = BOTOCORE_VERSION < OLDEST_WHOLE_BOTOCORE
# For parameters that an old botocore leaves out without a word.
needs_new_botocore = pytest.mark.skipif(
    IS_BOTOCORE_OLD, reason=f"botocore {botocore.__version__} does not send these parameters"
)
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LOG_BYTES_SHOWN = 20_000
LINE_BYTES_SHOWN = 80


def pytest_addoption(parser):
    parser.addoption("--endpoint", help="test this running server instead of starting one")
    parser.addoption("--cluster", action="store_true", help="start a cluster instead of a server")
    parser.addoption("--quick", action="store_true", help="leave the tests marked slow out")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: large data or many requests; left out by --quick")


def pytest_collection_modifyitems(config, items):
    """The check of the stopped server comes last, whatever its name."""
    items.sort(key=lambda item: item.path.name == "test_after_all.py")
    if config.getoption("--quick"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow, and this is a --quick run"))


def skip_what_an_old_botocore_lacks(item, call, report):
    """Parameters and members of answers that Debian's boto3 does not know are no miss."""
    if not IS_BOTOCORE_OLD or call.excinfo is None:
        return
    if report.failed and call.excinfo.errisinstance((ParamValidationError, KeyError)):
        unknown = str(call.excinfo.value).splitlines()[-1][:LINE_BYTES_SHOWN]
        reason = f"Skipped: botocore {botocore.__version__} does not know this: {unknown}"
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1], reason)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    server = item.config.stash.get(SERVER, None)
    item.stash[LOG_START] = server.log_size() if server else 0
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the server logged meanwhile; a server that fell is started again."""
    outcome = yield
    report = outcome.get_result()
    skip_what_an_old_botocore_lacks(item, call, report)
    server = item.config.stash.get(SERVER, None)
    if server is None or not report.failed:
        return
    log = server.log_since(item.stash.get(LOG_START, 0))[-LOG_BYTES_SHOWN:]
    report.sections.append(("loded log", log))
    if not server.is_alive() and not item.config.stash.get(STOPPED, False):
        status = server.process.returncode
        report.sections.append(("loded", f"the server ended with status {status}; started again"))
        server.start()


def pytest_terminal_summary(terminalreporter):
    """Leave the counts where s3-conformance/run adds them up."""
    path = os.environ.get("S3_CONFORMANCE_COUNTS")
    if not path:
        return
    stats = terminalreporter.stats
    counts = {
        "passed": len(stats.get("passed", [])),
        "failed": len(stats.get("failed", [])) + len(stats.get("error", [])),
        "skipped": len(stats.get("skipped", [])),
    }
    Path(path).write_text(json.dumps(counts))


SERVER = pytest.StashKey()
LOG_START = pytest.StashKey()
STOPPED = pytest.StashKey()


@pytest.fixture(scope="session")
def server(request):
    """The server under test."""
    endpoint = request.config.getoption("--endpoint")
    if endpoint:
        keys = os.environ["LODE_ROOT_ACCESS_KEY"], os.environ["LODE_ROOT_SECRET_KEY"]
        running = Server(endpoint, Account("root", *keys), os.environ.get("S3_CONFORMANCE_CA"))
    else:
        scheme = os.environ.get("S3_CONFORMANCE_SCHEME", "http")
        kind = ClusterServer if request.config.getoption("--cluster") else OwnServer
        running = kind(scheme)
        try:
            running.start()
        except BaseException:
            running.end()
            raise
    request.config.stash[SERVER] = running
    yield running
    running.end()


def make_client(server, account, service="s3", **settings):
    """A boto3 client that does not repeat failed requests and checks each error it sees."""
    s3_settings = {"addressing_style": settings.pop("addressing_style", "path")}
    # None: the client's own choice, with which boto3 presigns by version 2
    version = settings.pop("signature_version", "s3v4" if service == "s3" else "v4")
    config = Config(
        region_name=settings.pop("region", REGION),
        retries={"total_max_attempts": 1},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=32,
        signature_version=version,
        s3=s3_settings,
        **settings,
    )
    client = boto3.client(
        service,
        endpoint_url=server.endpoint,
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        verify=server.ca_file,
        config=config,
    )
    client.meta.events.register("after-call.s3", expect.check_client_error)
    return client


def new_user(iam, name):
    """Create a user with one access key."""
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Account(name, key["AccessKeyId"], key["SecretAccessKey"])


def remove_user(iam, name):
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


@pytest.fixture(scope="session")
def root(server):
    return server.root


@pytest.fixture(scope="session")
def iam(server, root):
    """The IAM API as root."""
    return make_client(server, root, "iam")


@pytest.fixture(scope="session")
def accounts(server, iam):
    """The users main and alt; a server without IAM gets them as NAME:KEY:SECRET,NAME:KEY:SECRET."""
    given = os.environ.get("S3_CONFORMANCE_USERS")
    if given:
        yield [Account(*entry.split(":")) for entry in given.split(",")]
        return
    users = [new_user(iam, f"{word}-{RUN_ID}") for word in ("main", "alt")]
    yield users
    if not isinstance(server, OwnServer):  # with a server of our own, they end with its data
        for user in users:
            remove_user(iam, user.name)


@pytest.fixture(scope="session")
def main(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def alt(accounts):
    return accounts[1]


@pytest.fixture(scope="session")
def s3(server, main):
    return make_client(server, main)


@pytest.fixture(scope="session")
def s3_alt(server, alt):
    return make_client(server, alt)


@pytest.fixture(scope="session")
def s3_root(server, root):
    return make_client(server, root)


@pytest.fixture(scope="session")
def raw(server, main):
    return RawClient(server.endpoint, main.access_key, main.secret_key, server.ca_file)


@pytest.fixture(scope="session")
def raw_alt(server, alt):
    return RawClient(server.endpoint, alt.access_key, alt.secret_key, server.ca_file)


def new_bucket_name():
    return f"conf-{RUN_ID}-{next(BUCKET_NUMBERS)}"


def empty_bucket(s3, bucket):
    """Delete all objects; uploads in progress do not keep a bucket."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = []
        for entry in entries:
            if NOT_IN_XML.search(entry["Key"]):  # no document can name it
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
            else:
                objects.append({"Key": entry["Key"], "VersionId": entry["VersionId"]})
        if objects:
            gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            assert not gone.get("Errors"), gone["Errors"]


class BucketMaker:
    """Creates buckets and takes them away again with all they hold."""

    def __init__(self):
        self.made = []

    def __call__(self, s3, name=None):
        name = name or new_bucket_name()
        s3.create_bucket(Bucket=name)
        self.made.append((s3, name))
        return name

    def forget(self, name):
        """The test has deleted it."""
        self.made = [entry for entry in self.made if entry[1] != name]

    def remove_all(self):
        for s3, name in self.made:
            empty_bucket(s3, name)
            s3.delete_bucket(Bucket=name)


@pytest.fixture
def make_bucket():
    maker = BucketMaker()
    yield maker
    maker.remove_all()


@pytest.fixture(scope="module")
def make_module_bucket():
    """For buckets that several tests of a file only read."""
    maker = BucketMaker()
    yield maker
    maker.remove_all()


@pytest.fixture(scope="module")
def filled(request, s3, make_module_bucket):
    """A bucket that holds the KEYS of the file and that no test changes."""
    name = make_module_bucket(s3)
    put_keys(s3, name, request.module.KEYS)
    return name


@pytest.fixture
def bucket(make_bucket, s3):
    """An empty bucket of main."""
    return make_bucket(s3)


@pytest.fixture
def domain_resolves(monkeypatch, server):
    """Let every name under the S3 domain lead to the server, as a wildcard DNS entry would."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        if isinstance(host, bytes):
            host = host.decode()
        if host and (host == server.domain or host.endswith("." + server.domain)):
            host = "127.0.0.1"
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
