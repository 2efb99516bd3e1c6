# SPDX-License-Identifier: Apache-2.0
"""One loded for all tests, or a cluster of them, and a bucket of its own for each.

LODE_SDK_CLUSTER=1: 2 gateways and 3 targets; requests go to the first gateway.  Tests marked
`alone` are about a node without a cluster, those marked `clustered` about one with.
"""

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import tenacity

TREE = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "s3-conformance"))
sys.path.insert(0, str(TREE / "tools"))

import cluster_nodes  # noqa: E402
import sdk_methods  # noqa: E402
import server as lode_server  # noqa: E402
from aistore.sdk import Client  # noqa: E402
from aistore.sdk.retry_config import RetryConfig  # noqa: E402
from lossy_proxy import LossyProxy  # noqa: E402
from urllib3 import Retry  # noqa: E402

IS_CLUSTER = os.environ.get("LODE_SDK_CLUSTER") == "1"
OPTIONS = ("--allow-anonymous-native",)
WATCH = sdk_methods.Watch()
LAST = "test_methods.py"  # looks back at the others
# What the servers of the session may promote from.
PROMOTE_FROM = tempfile.mkdtemp(prefix="lode-sdk-promote-")
SESSION_OPTIONS = OPTIONS + ("--promote-from", PROMOTE_FROM)


class ClusterServer:
    """A playground that looks like one server."""

    def __init__(self, options=OPTIONS, roles=("target",) * 3 + ("gateway",) * 2):
        self.folder = tempfile.mkdtemp(prefix="lode-sdk-")
        self.cluster = cluster_nodes.Cluster(
            self.folder, build=os.environ.get("LODE_BUILD"), node_options=options
        )
        self.cluster.is_bound = True
        self.cluster.add_etcd(1)
        for role in roles:
            self.cluster.add_node(role)
        self.root = lode_server.Account(
            "root", self.cluster.access_key, self.cluster.secret_key
        )

    def start(self):
        self.cluster.start()
        self.endpoint, self.other_endpoint = self.cluster.endpoints()[:2]
        self.targets = {node.name: node.endpoint for node in self.cluster.targets()}

    def end(self):
        try:
            self.cluster.kill_all()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class LossyCluster(ClusterServer):
    """Two targets, each behind a proxy, and a gateway."""

    def __init__(self):
        super().__init__(roles=("target", "target", "gateway"))
        self.proxies = []
        for node in self.cluster.targets():
            proxy = LossyProxy(node.address, node.port)
            node.extra_options = ["--public-url", proxy.url]
            self.proxies.append(proxy)

    def start(self):
        self.cluster.start()
        self.endpoint = self.cluster.endpoints()[0]

    def end(self):
        for proxy in self.proxies:
            proxy.close()
        super().end()

    def lose(self, count, instead=b""):
        for proxy in self.proxies:
            proxy.lose(count, instead)

    def heads(self):
        return [head for proxy in self.proxies for head in proxy.heads]

    def lost(self):
        return [line for proxy in self.proxies for line in proxy.lost]


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: a node without a cluster")
    config.addinivalue_line("markers", "clustered: several nodes")
    WATCH.start()


def pytest_collection_modifyitems(config, items):
    unwanted = "alone" if IS_CLUSTER else "clustered"
    config.hook.pytest_deselected(items=[i for i in items if i.get_closest_marker(unwanted)])
    items[:] = [item for item in items if not item.get_closest_marker(unwanted)]
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(autouse=True)
def watched(request):
    """What the test calls is known by its name: "test_file.py::test_name"."""
    WATCH.test = request.node.nodeid.rpartition("/")[2].partition("[")[0]
    yield
    WATCH.test = ""


@pytest.fixture(scope="session")
def server():
    own = (
        ClusterServer(SESSION_OPTIONS)
        if IS_CLUSTER
        else lode_server.OwnServer("http", SESSION_OPTIONS)
    )
    try:
        own.start()
        yield own
    finally:
        own.end()
        shutil.rmtree(PROMOTE_FROM, ignore_errors=True)


def make_client(endpoint, **options):
    retry = RetryConfig.default()
    retry.http_retry = Retry(total=0)
    retry.network_retry = tenacity.Retrying(stop=tenacity.stop_after_attempt(1), reraise=True)
    return Client(endpoint, retry_config=retry, **options)


@pytest.fixture(scope="session")
def client(server):
    return make_client(server.endpoint)


@pytest.fixture(scope="session")
def other_client(server):
    """Through the second gateway; without a cluster, the same server again."""
    return make_client(server.other_endpoint if IS_CLUSTER else server.endpoint)


@pytest.fixture
def bucket(client):
    made = client.bucket("sdk-" + secrets.token_hex(6)).create()
    yield made
    made.delete(missing_ok=True)


@pytest.fixture(scope="session")
def lossy():
    own = LossyCluster()
    try:
        own.start()
        yield own
    finally:
        own.end()


@pytest.fixture
def lossy_bucket(lossy):
    lossy.lose(0)
    made = Client(lossy.endpoint).bucket("lossy-" + secrets.token_hex(6)).create()
    yield made
    lossy.lose(0)
    made.delete()


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
