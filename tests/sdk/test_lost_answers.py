# SPDX-License-Identifier: Apache-2.0
"""A write is carried out and its answer is lost: what clients do then, and what they are told.

The SDK begins again at the gateway (network_retry); its urllib3 repeats 429, 500, 502, 503 and 504 at the same URL
(http_retry); other users of urllib3 repeat a lost answer at the same URL as well, there with the mark of the redirect.
"""

import http.client
import json
import secrets
import urllib.parse

import pytest
import requests
from aistore.sdk import Client
from requests.adapters import HTTPAdapter
from urllib3 import Retry

pytestmark = pytest.mark.clustered
TIMEOUT_S = 20
RETRIES = 3
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture
def sdk(lossy):
    """As it comes: with its own policy of retries."""
    return Client(lossy.endpoint)


@pytest.fixture
def bucket(lossy_bucket):
    return lossy_bucket


@pytest.fixture
def session():
    """requests, told to repeat everything that urllib3 can, at the URL where it failed."""
    retry = Retry(
        total=RETRIES, read=RETRIES, allowed_methods=None, backoff_factor=0,
        status_forcelist=[503],
    )
    with requests.Session() as own:
        own.mount("http://", HTTPAdapter(max_retries=retry))
        yield own


def object_url(lossy, bucket, name, query=""):
    return f"{lossy.endpoint}/v1/objects/{bucket.name}/{name}?provider=ais{query}"


def version(bucket, name):
    return bucket.object(name).props.obj_version


def urls(lossy):
    return [head.split(" ")[1] for head in lossy.heads()]


# ---- the SDK ----


def test_the_sdk_puts_again_through_the_gateway(lossy, bucket, sdk):
    lossy.lose(1)
    sdk.bucket(bucket.name).object("o").get_writer().put_content(b"content")
    assert [line.split(" ")[1] for line in lossy.lost()] == ["200"]
    first, second = urls(lossy)
    assert first != second and all("&lode=" in url for url in (first, second))
    assert bucket.object("o").get_reader().read_all() == b"content"
    assert version(bucket, "o") == "1"


def test_the_sdk_s_writer_appends_and_flushes_each_piece_once(lossy, bucket, sdk):
    writer = sdk.bucket(bucket.name).object("log").get_writer()
    handle = ""
    for piece in (b"one ", b"two ", b"three"):
        lossy.lose(1)
        handle = writer.append_content(piece, handle)
        assert lossy.lost()
    lossy.lose(1)
    writer.append_content(b"", handle, flush=True)
    assert lossy.lost()
    assert bucket.object("log").get_reader().read_all() == b"one two three"


def test_the_sdk_s_upload_in_parts_is_completed_though_each_answer_is_lost_once(lossy, bucket, sdk):
    upload = sdk.bucket(bucket.name).object("big").multipart_upload()
    lossy.lose(1)
    upload.create()
    assert lossy.lost()
    for number, piece in enumerate((b"a" * 3000, b"b" * 2000), 1):
        lossy.lose(1)
        upload.add_part(number).put_content(piece)
        assert lossy.lost()
    lossy.lose(1)
    upload.complete()
    assert lossy.lost()
    assert bucket.object("big").get_reader().read_all() == b"a" * 3000 + b"b" * 2000
    lossy.lose(0)
    for unknown in ("none", secrets.token_hex(16), secrets.token_hex(16) + ".target-01"):
        message = {"action": "mpt-complete", "value": [{"part-number": 1}]}
        url = object_url(lossy, bucket, "big", f"&uploadId={unknown}")
        assert requests.post(url, json=message, timeout=TIMEOUT_S).status_code == 404


def test_the_sdk_reads_again(lossy, bucket, sdk):
    bucket.object("o").get_writer().put_content(b"content")
    lossy.lose(1)
    assert sdk.bucket(bucket.name).object("o").get_reader().read_all() == b"content"
    assert lossy.lost()


def test_the_sdk_s_urllib3_is_told_the_answer_at_the_same_url(lossy, bucket, sdk):
    """It repeats a 503 where it came from, with the mark that was used."""
    lossy.lose(2, BUSY)
    sdk.bucket(bucket.name).object("o").get_writer().put_content(b"content")
    assert len(lossy.lost()) == 2
    assert len(urls(lossy)) == 3 and len(set(urls(lossy))) == 1
    assert bucket.object("o").get_reader().read_all() == b"content"
    assert version(bucket, "o") == "1"


# ---- urllib3 and requests ----


def test_a_put_whose_answer_was_lost_is_told_again_and_counts_once(lossy, bucket, session):
    bucket.object("o").get_writer().put_content(b"before")
    lossy.lose(1)
    answer = session.put(object_url(lossy, bucket, "o"), data=b"content", timeout=TIMEOUT_S)
    assert answer.status_code == 200 and answer.headers["Lode-Answered-Before"] == "true"
    assert answer.headers["Ais-Version"] == "2"
    first, second = urls(lossy)
    assert first == second
    assert bucket.object("o").get_reader().read_all() == b"content"
    assert version(bucket, "o") == "2"


def test_a_delete_whose_answer_was_lost_is_no_404(lossy, bucket, session):
    bucket.object("o").get_writer().put_content(b"content")
    lossy.lose(1)
    answer = session.delete(object_url(lossy, bucket, "o"), timeout=TIMEOUT_S)
    assert answer.status_code == 200 and lossy.lost()
    missing = session.delete(object_url(lossy, bucket, "o"), timeout=TIMEOUT_S)
    assert missing.status_code == 404


def test_each_kind_of_write_is_told_again(lossy, bucket, session):
    def ask(method, name, query="", **options):
        lossy.lose(RETRIES)
        answer = session.request(
            method, object_url(lossy, bucket, name, query), timeout=TIMEOUT_S, **options
        )
        assert answer.status_code == 200, answer.text
        assert len(lossy.lost()) == RETRIES and len(set(urls(lossy))) == 1
        return answer

    upload = ask("POST", "big", json={"action": "mpt-upload"}).text
    part = ask("PUT", "big", f"&uploadId={upload}&partNumber=1", data=b"part")
    assert part.headers["ETag"]
    ask("POST", "big", f"&uploadId={upload}",
        json={"action": "mpt-complete", "value": [{"part-number": 1}]})
    assert bucket.object("big").get_reader().read_all() == b"part"
    handle = ask("PUT", "log", "&append_type=append&append_handle=", data=b"one ")
    handle = urllib.parse.quote(handle.headers["Ais-Append-Handle"], safe="")
    handle = ask("PUT", "log", f"&append_type=append&append_handle={handle}", data=b"two")
    handle = urllib.parse.quote(handle.headers["Ais-Append-Handle"], safe="")
    ask("PUT", "log", f"&append_type=flush&append_handle={handle}")
    assert bucket.object("log").get_reader().read_all() == b"one two"
    ask("PATCH", "log", json={"value": {"k": "v"}})
    uname = urllib.parse.quote(f"ais/@#/{bucket.name}/copy", safe="")
    ask("PUT", "log", f"&object_to={uname}")
    assert version(bucket, "copy") == "1"
    ask("POST", "log", json={"action": "rename-obj", "name": "renamed"})
    assert bucket.object("renamed").get_reader().read_all() == b"one two"
    ask("DELETE", "renamed")


# ---- what stays refused ----


def marked_url(lossy, bucket, method, name, **options):
    answer = requests.request(
        method, object_url(lossy, bucket, name), allow_redirects=False, timeout=TIMEOUT_S, **options
    )
    assert answer.status_code == 307
    return answer.headers["Location"]


def test_a_used_url_with_another_body_is_refused(lossy, bucket):
    url = marked_url(lossy, bucket, "PUT", "o")
    assert requests.put(url, data=b"mine", timeout=TIMEOUT_S).status_code == 200
    answer = requests.put(url, data=b"other", timeout=TIMEOUT_S)
    assert answer.status_code == 403 and "used before" in answer.json()["message"]
    assert bucket.object("o").get_reader().read_all() == b"mine"
    message = {"action": "mpt-upload"}
    url = marked_url(lossy, bucket, "POST", "o", json=message)
    assert requests.post(url, json=message, timeout=TIMEOUT_S).status_code == 200
    answer = requests.post(url, json=dict(message, name="x"), timeout=TIMEOUT_S)
    assert answer.status_code == 403 and "used before" in answer.json()["message"]


def test_a_used_url_brings_nothing_back(lossy, bucket):
    """Told again is not done again."""
    url = marked_url(lossy, bucket, "PUT", "o")
    assert requests.put(url, data=b"old", timeout=TIMEOUT_S).status_code == 200
    bucket.object("o").get_writer().put_content(b"new")
    answer = requests.put(url, data=b"old", timeout=TIMEOUT_S)
    assert answer.headers["Lode-Answered-Before"] == "true"
    assert answer.headers["Ais-Version"] == "1"
    assert bucket.object("o").get_reader().read_all() == b"new"
    url = marked_url(lossy, bucket, "DELETE", "o")
    assert requests.delete(url, timeout=TIMEOUT_S).status_code == 200
    bucket.object("o").get_writer().put_content(b"newer")
    assert requests.delete(url, timeout=TIMEOUT_S).headers["Lode-Answered-Before"] == "true"
    assert bucket.object("o").get_reader().read_all() == b"newer"


def from_address(node, address, url, body):
    """Straight to the node, past the proxy, from another address of this machine."""
    target = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(
        node.address, node.port, timeout=TIMEOUT_S, source_address=(address, 0)
    )
    try:
        connection.request("PUT", f"{target.path}?{target.query}", body=body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_used_url_from_another_address_is_refused(lossy, bucket):
    url = marked_url(lossy, bucket, "PUT", "o")
    (node,) = [
        node
        for node, proxy in zip(lossy.cluster.targets(), lossy.proxies)
        if url.startswith(proxy.url)
    ]
    assert from_address(node, "127.0.0.1", url, b"mine")[0] == 200
    assert from_address(node, "127.0.0.1", url, b"mine")[0] == 200
    status, body = from_address(node, "127.0.0.2", url, b"mine")
    assert status == 403 and "used before" in json.loads(body)["message"]


def test_a_write_that_was_refused_has_not_used_its_url(lossy, bucket):
    url = marked_url(lossy, bucket, "PUT", "o")
    wrong = {"Ais-Checksum-Type": "md5", "Ais-Checksum-Value": "0" * 32}
    assert requests.put(url, data=b"x", headers=wrong, timeout=TIMEOUT_S).status_code == 400
    assert requests.put(url, data=b"y", timeout=TIMEOUT_S).status_code == 200
    assert requests.put(url, data=b"z", timeout=TIMEOUT_S).status_code == 403
    url = marked_url(lossy, bucket, "DELETE", "none")
    for _ in range(2):
        assert requests.delete(url, timeout=TIMEOUT_S).status_code == 404
