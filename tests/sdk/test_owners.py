# SPDX-License-Identifier: Apache-2.0
"""Nodes that are gateway and target in one, without anonymous requests; and a target that joins."""

import secrets
import threading

import pytest
import requests
import server as lode_server
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from conftest import ClusterServer

pytestmark = pytest.mark.clustered
TIMEOUT_S = 30
BUCKET = "/v1/buckets/b?provider=ais"


@pytest.fixture(scope="module")
def pair():
    own = ClusterServer(options=(), roles=("all", "all"))
    try:
        own.start()
        signed(own, "POST", own.endpoint + BUCKET, b'{"action":"create-bck"}').raise_for_status()
        yield own
    finally:
        own.end()


def sign(server, method, url, body=b""):
    request = AWSRequest(method=method, url=url, data=body)
    keys = Credentials(server.root.access_key, server.root.secret_key)
    S3SigV4Auth(keys, "s3", lode_server.REGION).add_auth(request)
    return dict(request.headers)


def at(url, method="GET", **options):
    return requests.request(method, url, timeout=TIMEOUT_S, allow_redirects=False, **options)


def signed(server, method, url, body=b""):
    """Follows a redirect without the signature, as HTTP libraries do at another port."""
    answer = at(url, method, data=body, headers=sign(server, method, url, body))
    while answer.status_code in (301, 307):
        answer = at(answer.headers["Location"], method, data=body)
    return answer


def path(name):
    return f"/v1/objects/b/{name}?provider=ais"


def test_a_node_of_both_roles_answers_for_its_own_keys_at_once(pair):
    direct, sent_on = 0, 0
    for i in range(16):
        assert signed(pair, "PUT", pair.endpoint + path(i), b"x%d" % i).status_code == 200
        url = pair.endpoint + path(i)
        answer = at(url, headers=sign(pair, "GET", url))
        if answer.status_code == 200:
            direct += 1
        else:
            sent_on += 1
            assert answer.status_code == 301
            assert answer.headers["Location"].startswith(pair.other_endpoint + "/")
            answer = at(answer.headers["Location"])
        assert answer.status_code == 200 and answer.content == b"x%d" % i
    assert direct > 0 and sent_on > 0


def test_nobody_reads_or_writes_without_credentials_or_a_mark(pair):
    assert signed(pair, "PUT", pair.endpoint + path("o"), b"x").status_code == 200
    for endpoint in (pair.endpoint, pair.other_endpoint):
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "POST"):
            for marks in ("", "&pid=node-0001&utm=1", "&lode=", "&lode=1.1.node-0001"):
                answer = at(endpoint + path("o") + marks, method, data=b"")
                assert answer.status_code in (400, 401), (method, marks)
                assert answer.status_code == 401 or marks.endswith("node-0001")
    assert signed(pair, "GET", pair.endpoint + path("o")).content == b"x"


class Load:
    """Writes, properties and reads of its own keys, until it is told to end."""

    def __init__(self, server, number):
        self.server = server
        self.number = number
        self.is_over = threading.Event()
        self.problems = []
        self.content = {}
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            for round_number in range(10**6):
                if self.is_over.is_set():
                    return
                self.once(f"load-{self.number}-{round_number % 40}")
        except Exception as problem:  # pylint: disable=broad-except
            self.problems.append(repr(problem))

    def once(self, name):
        url = (self.server.endpoint, self.server.other_endpoint)[self.number % 2] + path(name)
        body = secrets.token_bytes(100)
        self.check(signed(self.server, "PUT", url, body), name, "PUT")
        self.content[name] = body
        custom = b'{"value":{"round":"%s"}}' % body[:4].hex().encode()
        self.check(signed(self.server, "PATCH", url, custom), name, "PATCH")
        head = signed(self.server, "HEAD", url)
        self.check(head, name, "HEAD")
        if head.headers["Ais-Custom-Md"] != "round=" + body[:4].hex():
            self.problems.append(f"{name} has {head.headers['Ais-Custom-Md']}")
        read = signed(self.server, "GET", url)
        self.check(read, name, "GET")
        if read.content != body:
            self.problems.append(f"{name} is not what was written")

    def check(self, answer, name, what):
        if answer.status_code != 200:
            self.problems.append(f"{what} {name}: {answer.status_code} {answer.text}")


def test_requests_go_on_while_a_target_joins(pair):
    loads = [Load(pair, number) for number in range(3)]
    try:
        node = pair.cluster.add_node("target", 1)
        node.start()
        node.wait_ready()
        pair.cluster.wait_calm(60)
    finally:
        for load in loads:
            load.is_over.set()
        for load in loads:
            load.thread.join()
    assert [load.problems for load in loads] == [[], [], []]
    for load in loads:
        for name, body in load.content.items():
            assert signed(pair, "GET", pair.other_endpoint + path(name)).content == body
    moved = 0
    for load in loads:
        for name in load.content:
            url = pair.endpoint + path(name)
            answer = at(url, headers=sign(pair, "GET", url))
            moved += answer.headers.get("Location", "").startswith(node.endpoint)
    assert moved > 0
