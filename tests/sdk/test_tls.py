# SPDX-License-Identifier: Apache-2.0
"""TLS everywhere: 2 gateways and 3 targets with certificates of one authority, for clients and among themselves, and
redirects from one https host to another."""

import hashlib
import os
import secrets
import shutil
import subprocess
import urllib.parse

import conftest
import pytest
import requests
from aistore.sdk import Client
from aistore.sdk.session_manager import SessionManager
from cluster_certificates import Authority

pytestmark = pytest.mark.clustered
TIMEOUT_S = 20
MIB = 1 << 20


class TlsCluster(conftest.ClusterServer):
    def __init__(self):
        super().__init__()
        self.cluster.has_tls = True
        authority = self.cluster.authority()
        self.ca = authority.certificate
        self.foreign_ca = Authority(os.path.join(self.folder, "foreign"), "foreign").certificate
        for node in self.cluster.nodes:
            certificate, key = authority.sign(node.name + "-public", f"IP:{node.address}")
            node.extra_options = ["--tls-cert", certificate, "--tls-key", key]

    def start(self):
        self.cluster.start()
        self.endpoint, self.other_endpoint = [
            f"https://{node.address}:{node.port}" for node in self.cluster.gateways()
        ]
        self.targets = {
            node.name: f"https://{node.address}:{node.port}" for node in self.cluster.targets()
        }


@pytest.fixture(scope="module")
def tls():
    own = TlsCluster()
    try:
        own.start()
        yield own
    finally:
        own.end()


@pytest.fixture(autouse=True)
def nobody_else_s_authorities(monkeypatch):
    """requests lets these go before the session's own, which is what the SDK sets."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket(tls, nobody_else_s_authorities):
    made = Client(tls.endpoint, ca_cert=tls.ca).bucket("tls-" + secrets.token_hex(5)).create()
    yield made
    made.delete()


@pytest.fixture(scope="module")
def content():
    return os.urandom(3 * MIB + 17)


def location(tls, method, path, **options):
    answer = requests.request(method, tls.endpoint + path, verify=tls.ca, timeout=TIMEOUT_S,
                              allow_redirects=False, **options)
    assert answer.status_code in (301, 307), answer.text
    return answer.headers["Location"]


def test_the_map_names_https_addresses(tls, bucket):
    smap = bucket.client.get_smap()
    assert {node.public_net.direct_url for node in smap.tmap.values()} == set(tls.targets.values())
    assert {node.public_net.direct_url for node in smap.pmap.values()} == {
        tls.endpoint, tls.other_endpoint}


def test_redirects_lead_from_https_to_https(tls, bucket):
    hosts = set()
    for i in range(30):
        path = f"/v1/objects/{bucket.name}/o-{i}?provider=ais"
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            url = location(tls, method, path)
            assert url.startswith("https://")
            hosts.add("https://" + urllib.parse.urlsplit(url).netloc)
    assert hosts == set(tls.targets.values())


def test_the_sdk_does_all_it_does_over_plain_connections(tls, bucket, content):
    here = bucket.object("big")
    here.get_writer().put_content(content)  # asks with the head alone, sends the body behind the redirect
    there = Client(tls.other_endpoint, ca_cert=tls.ca).bucket(bucket.name).object("big")
    assert there.get_reader().read_all() == content
    assert there.get_reader(direct=True).read_all() == content
    assert there.get_reader(byte_range="bytes=7-99").read_all() == content[7:100]
    with there.get_reader(num_workers=3, chunk_size=MIB).read_all() as buffer:
        assert buffer.buf == content
    with there.get_reader().as_file() as file:
        assert file.read() == content
    here.get_writer().set_custom_props({"k": "v"})
    assert there.head("custom").custom_metadata == {"k": "v"}
    upload = bucket.object("parts").multipart_upload().create()
    for number in range(2):
        upload.add_part(number + 1).put_content(content[number * MIB : (number + 1) * MIB])
    upload.complete()
    assert bucket.object("parts").get_reader().read_all() == content[: 2 * MIB]
    with bucket.object("log").get_writer().as_file("w") as file:
        for piece in (b"one ", b"two ", b"three"):
            file.write(piece)
    assert bucket.object("log").get_reader().read_all() == b"one two three"
    here.copy(bucket.object("copy"))
    assert bucket.object("copy").get_reader().read_all() == content
    names = [entry.name for entry in bucket.list_all_objects()]
    assert names == ["big", "copy", "log", "parts"]
    jobs = bucket.objects(obj_names=["copy", "log"]).delete()
    client = Client(tls.endpoint, ca_cert=tls.ca)
    for job in jobs if isinstance(jobs, list) else [jobs]:
        assert client.job(job).wait(verbose=False)
    assert [entry.name for entry in bucket.list_all_objects()] == ["big", "parts"]


def test_files_are_put_over_tls(tls, bucket, content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    for i in range(6):
        bucket.object(f"o-{i}").get_writer().put_file(tmp_path / "file")
        assert bucket.object(f"o-{i}").get_reader().read_all() == content


def test_a_certificate_of_another_authority_is_refused(tls, bucket):
    manager = SessionManager(ca_cert=tls.foreign_ca)
    assert manager.ca_cert == tls.foreign_ca and not manager.skip_verify
    for ca in (tls.foreign_ca, None):  # the system's authorities do not know it either
        wrong = conftest.make_client(tls.endpoint, ca_cert=ca)
        with pytest.raises(requests.exceptions.SSLError):
            wrong.bucket(bucket.name).head()
    url = location(tls, "GET", f"/v1/objects/{bucket.name}/none?provider=ais")
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url, verify=tls.foreign_ca, timeout=TIMEOUT_S)
    assert requests.get(url, verify=tls.ca, timeout=TIMEOUT_S).status_code == 404
    skipping = conftest.make_client(tls.endpoint, skip_verify=True)
    assert skipping.bucket(bucket.name).head()


def test_plain_requests_to_a_tls_port_are_no_success(tls):
    for url in (tls.endpoint, *tls.targets.values()):
        try:
            status = requests.get(url.replace("https", "http") + "/v1/health", timeout=TIMEOUT_S)
        except requests.exceptions.ConnectionError:
            continue
        assert status.status_code >= 400


def curl(*arguments, fails=False):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", str(TIMEOUT_S), *arguments],
        capture_output=True, check=False,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_follows_redirects_between_https_hosts(tls, bucket, content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    for i in range(6):
        url = f"{tls.other_endpoint}/v1/objects/{bucket.name}/c-{i}?provider=ais"
        follow = ("--cacert", tls.ca, "--location", "--fail")
        curl(*follow, "--upload-file", str(tmp_path / "file"), url)
        got = curl(*follow, "--write-out", "%{stderr}%{num_redirects} %{url_effective}", url)
        assert hashlib.sha256(got.stdout).digest() == hashlib.sha256(content).digest()
        redirects, _, effective = got.stderr.decode().partition(" ")
        assert redirects == "1" and effective.startswith("https://")
        assert curl(*follow, "--head", url).returncode == 0
        curl(*follow, "--request", "DELETE", url)
        assert b"does not exist" in curl("--cacert", tls.ca, "--location", url).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_refuses_the_wrong_authority(tls, bucket):
    url = f"{tls.endpoint}/v1/objects/{bucket.name}/o?provider=ais"
    assert curl("--cacert", tls.foreign_ca, url, fails=True).returncode == 60
    assert curl(url, fails=True).returncode in (60, 77)
