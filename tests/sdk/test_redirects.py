# SPDX-License-Identifier: Apache-2.0
"""Requests on objects in a cluster: which answers send the client on, and what they vouch for."""

import time
import urllib.parse

import pytest
import requests
import server as lode_server
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

pytestmark = pytest.mark.clustered
TIMEOUT_S = 20
VALID_S = 60


def first(server, method, path, **options):
    return requests.request(
        method, server.endpoint + path, timeout=TIMEOUT_S, allow_redirects=False, **options
    )


def at(url, method="GET", **options):
    return requests.request(method, url, timeout=TIMEOUT_S, allow_redirects=False, **options)


def location(server, method, path, **options):
    answer = first(server, method, path, **options)
    assert answer.status_code in (301, 307), answer.text
    return answer.headers["Location"]


def mark_of(url):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["lode"][0]


def refused(answer, words):
    """With AIStore's error."""
    assert answer.status_code == 403, answer.text
    document = answer.json()
    assert document["status"] == 403 and document["url_path"].startswith("/v1/objects/")
    assert words in document["message"]
    return True


def test_get_is_sent_on_by_301_and_all_others_by_307(server, bucket):
    path = f"/v1/objects/{bucket.name}/o%20p?provider=ais&skip_vc=true"
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "POST"):
        body = {"action": "check-lock"} if method == "POST" else None
        answer = first(server, method, path, json=body)
        assert answer.status_code == (301 if method == "GET" else 307)
        url = urllib.parse.urlsplit(answer.headers["Location"])
        assert f"http://{url.netloc}" in server.targets.values()
        assert url.path == f"/v1/objects/{bucket.name}/o%20p"
        query = urllib.parse.parse_qs(url.query)
        assert query["provider"] == ["ais"] and query["skip_vc"] == ["true"]
        assert query["pid"][0].startswith("gateway-")
        assert abs(int(query["utm"][0]) / 1e9 - time.time()) < TIMEOUT_S


def test_both_gateways_and_the_sdk_find_the_same_owner(server, bucket, client):
    for i in range(20):
        path = f"/v1/objects/{bucket.name}/object-{i}?provider=ais"
        here = location(server, "GET", path)
        there = at(server.other_endpoint + path).headers["Location"]
        assert urllib.parse.urlsplit(here).netloc == urllib.parse.urlsplit(there).netloc
        bucket.object(f"object-{i}").get_writer().put_content(b"x")
        # The SDK hashes the name itself and reads straight from that target.
        assert bucket.object(f"object-{i}").get_reader(direct=True).read_all() == b"x"


def test_a_redirect_is_good_for_its_own_request_only(server, bucket):
    for name in ("a", "b"):
        bucket.object(name).get_writer().put_content(name.encode())
    url = location(server, "GET", f"/v1/objects/{bucket.name}/a?provider=ais")
    assert at(url).content == b"a"
    mark = mark_of(url)
    assert refused(at(url.replace(f"{bucket.name}/a?", f"{bucket.name}/b?")), "does not match")
    assert refused(at(url + "&latest-ver=true"), "does not match")
    assert refused(at(url.replace("provider=ais", "provider=gcp")), "does not match")
    assert refused(at(url, "PUT", data=b"forged"), "does not match")
    # The SDK over HTTPS says its own parameters again; another value is another request.
    assert at(url + "&provider=ais").content == b"a"
    assert refused(at(url + "&provider=gcp"), "does not match")
    last = "0" if mark[-1] != "0" else "1"
    assert refused(at(url.replace(mark, mark[:-1] + last)), "does not match")
    fields = mark.split(".")
    later = ".".join(fields[:5] + [str(int(fields[5]) + 1)] + fields[6:])
    assert refused(at(url.replace(mark, later)), "does not match")
    garbage = at(url.replace(mark, "1.2.3"))
    assert garbage.status_code == 400 and "malformed" in garbage.json()["message"]
    assert bucket.object("a").get_reader().read_all() == b"a"


def test_a_redirect_to_another_target_is_refused(server, bucket):
    bucket.object("o").get_writer().put_content(b"x")
    url = location(server, "GET", f"/v1/objects/{bucket.name}/o?provider=ais")
    owner = "http://" + urllib.parse.urlsplit(url).netloc
    for endpoint in server.targets.values():
        if endpoint != owner:
            assert refused(at(url.replace(owner, endpoint)), "is for node")


def test_an_expired_redirect_is_refused(server, bucket):
    bucket.object("o").get_writer().put_content(b"x")
    url = location(server, "GET", f"/v1/objects/{bucket.name}/o?provider=ais")
    fields = mark_of(url).split(".")
    old = ".".join(fields[:5] + [str(int(fields[5]) - VALID_S * 1000 - 1000)] + fields[6:])
    assert refused(at(url.replace(mark_of(url), old)), "expired")


def test_a_write_is_taken_once_and_a_read_again(server, bucket):
    url = location(server, "PUT", f"/v1/objects/{bucket.name}/o?provider=ais")
    assert at(url, "PUT", data=b"once").status_code == 200
    assert refused(at(url, "PUT", data=b"twice"), "used before")
    assert bucket.object("o").get_reader().read_all() == b"once"
    url = location(server, "GET", f"/v1/objects/{bucket.name}/o?provider=ais")
    assert [at(url).content for _ in range(2)] == [b"once", b"once"]
    # Who asks the same again is told the same, and nothing is done: test_lost_answers.py.
    url = location(server, "DELETE", f"/v1/objects/{bucket.name}/o?provider=ais")
    assert at(url, "DELETE").status_code == 200
    bucket.object("o").get_writer().put_content(b"new")
    assert at(url, "DELETE").headers["Lode-Answered-Before"] == "true"
    assert refused(at(url, "DELETE", data=b"{}"), "used before")
    assert bucket.object("o").get_reader().read_all() == b"new"


def test_a_target_takes_writes_from_gateways_only(server, bucket):
    for endpoint in server.targets.values():
        url = f"{endpoint}/v1/objects/{bucket.name}/o?provider=ais"
        forged = url + f"&pid=gateway-01&utm={time.time_ns()}"
        for target_url in (url, forged):
            answer = at(target_url, "PUT", data=b"x")
            assert answer.status_code == 400 and server.endpoint[:12] in answer.json()["message"]
        answer = at(f"{endpoint}/v1/buckets/{bucket.name}?provider=ais", "POST", json={})
        assert answer.status_code == 400
    assert not list(bucket.list_all_objects())


def test_a_target_asked_for_the_key_of_another_sends_the_client_there(server, bucket):
    bucket.object("o").get_writer().put_content(b"x")
    url = location(server, "GET", f"/v1/objects/{bucket.name}/o?provider=ais")
    owner = "http://" + urllib.parse.urlsplit(url).netloc
    for endpoint in server.targets.values():
        answer = at(f"{endpoint}/v1/objects/{bucket.name}/o?provider=ais")
        if endpoint == owner:
            assert answer.status_code == 200 and answer.content == b"x"
        else:
            assert answer.status_code == 301
            assert answer.headers["Location"].startswith(owner + "/")
            assert at(answer.headers["Location"]).content == b"x"


def sign(server, method, url, body=b"", access_key=None, secret_key=None):
    request = AWSRequest(method=method, url=url, data=body)
    keys = Credentials(
        access_key or server.root.access_key, secret_key or server.root.secret_key
    )
    S3SigV4Auth(keys, "s3", lode_server.REGION).add_auth(request)
    return dict(request.headers)


def test_who_signed_at_the_gateway_is_who_asks_at_the_target(server, bucket):
    path = f"/v1/objects/{bucket.name}/o?provider=ais"
    wrong = sign(server, "PUT", server.endpoint + path, secret_key="wrong")
    assert first(server, "PUT", path, headers=wrong).status_code == 401
    url = location(server, "PUT", path, headers=sign(server, "PUT", server.endpoint + path))
    principal = mark_of(url).split(".")[8]
    assert bytes.fromhex(principal).decode() == server.root.access_key
    # Authorization does not come along to another host and port, and is not needed there.
    assert at(url, "PUT", data=b"mine").status_code in (200, 400)


def test_a_payload_that_was_signed_is_compared_at_the_target(server, bucket):
    path = f"/v1/objects/{bucket.name}/o?provider=ais"
    headers = sign(server, "PUT", server.endpoint + path, b"signed")
    url = location(server, "PUT", path, headers=headers, data=b"signed")
    assert at(url, "PUT", data=b"forged").status_code == 400
    url = location(server, "PUT", path, headers=headers, data=b"signed")
    assert at(url, "PUT", data=b"signed").status_code == 200


def test_a_missing_bucket_is_missed_at_the_gateway(server):
    answer = first(server, "GET", "/v1/objects/no-such-bucket/o?provider=ais")
    assert answer.status_code == 404
    assert 'bucket "ais://no-such-bucket" does not exist' in answer.json()["message"]


def test_uploads_and_handles_lead_back_to_the_node_that_has_them(server, bucket):
    handle = ""
    path = f"/v1/objects/{bucket.name}/appended?provider=ais&append_type="
    for part in (b"one ", b"two"):
        query = urllib.parse.quote(handle)
        url = location(server, "PUT", f"{path}append&append_handle={query}")
        handle = at(url, "PUT", data=part).headers["Ais-Append-Handle"]
        node, _ = handle.split("|", 1)
        assert server.targets[node] == "http://" + urllib.parse.urlsplit(url).netloc
    url = location(server, "PUT", f"{path}flush&append_handle={urllib.parse.quote(handle)}")
    assert server.targets[node] == "http://" + urllib.parse.urlsplit(url).netloc
    assert at(url, "PUT").status_code == 200
    assert bucket.object("appended").get_reader().read_all() == b"one two"


def head(server, bucket, name):
    url = f"{server.endpoint}/v1/objects/{bucket.name}/{name}?provider=ais"
    return requests.head(url, timeout=TIMEOUT_S, allow_redirects=True).headers


def test_copy_and_rename_go_to_the_owner_of_the_new_name(server, bucket):
    for i in range(6):
        bucket.object("source").get_writer().put_content(b"content")
        bucket.object("source").get_writer().set_custom_props({"k": "v"})
        bucket.object("source").copy(bucket.object(f"copy-{i}"))
        uname = urllib.parse.quote(f"ais/@#/{bucket.name}/again-{i}", safe="")
        path = f"/v1/objects/{bucket.name}/source?provider=ais&object_to={uname}"
        owner = location(server, "GET", f"/v1/objects/{bucket.name}/again-{i}?provider=ais")
        url = location(server, "PUT", path)
        assert urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(owner).netloc
        assert bucket.object(f"copy-{i}").get_reader().read_all() == b"content"
        source, copy = (head(server, bucket, name) for name in ("source", f"copy-{i}"))
        for header in ("Ais-Custom-Md", "Ais-Checksum-Type", "Ais-Checksum-Value", "ETag"):
            assert copy[header] == source[header]
        assert copy["Ais-Custom-Md"] == "k=v" and copy["Ais-Checksum-Type"] == "xxhash2"
        message = {"action": "rename-obj", "name": f"renamed-{i}"}
        answer = requests.post(
            f"{server.endpoint}/v1/objects/{bucket.name}/source?provider=ais",
            json=message,
            timeout=TIMEOUT_S,
        )
        assert answer.status_code == 200, answer.text
        assert bucket.object(f"renamed-{i}").get_reader().read_all() == b"content"
    names = {entry.name for entry in bucket.list_all_objects()}
    assert "source" not in names and len(names) == 12


def test_keys_of_a_namespace_have_one_owner_everywhere(server, client):
    from aistore.sdk.namespace import Namespace

    made = client.bucket("ns-bucket", namespace=Namespace(name="team")).create()
    try:
        for i in range(12):
            made.object(f"o{i}").get_writer().put_content(b"x")
            assert made.object(f"o{i}").get_reader(direct=True).read_all() == b"x"
        assert len(list(made.list_all_objects())) == 12
    finally:
        made.delete()
