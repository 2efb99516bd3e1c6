# SPDX-License-Identifier: Apache-2.0
"""What clients of AIStore stumble over: README.md names the test of each trap."""

import json
import socket
import ssl
import urllib.parse

import pytest
import requests
import server as lode_server

TIMEOUT_S = 20
RETRIED_BY_THE_SDK = {429, 500, 502, 503, 504}
ZERO_TIME = "0001-01-01T00:00:00Z"


def ask(server, method, path, **options):
    return requests.request(
        method, server.endpoint + path, timeout=TIMEOUT_S, allow_redirects=True, **options
    )


def bucket_path(bucket, suffix=""):
    return f"/v1/buckets/{bucket.name}?provider=ais{suffix}"


def object_path(bucket, name, suffix=""):
    return f"/v1/objects/{bucket.name}/{urllib.parse.quote(name)}?provider=ais{suffix}"


def test_a_put_over_https_is_redirected_on_its_head_without_the_body(tmp_path):
    own = lode_server.OwnServer("https", ("--allow-anonymous-native",))
    try:
        own.start()
        context = ssl.create_default_context(cafile=own.ca_file)
        requests.post(
            f"{own.endpoint}/v1/buckets/b", json={"action": "create-bck"}, verify=own.ca_file,
            timeout=TIMEOUT_S,
        ).raise_for_status()
        host, port = own.host.split(":")
        with socket.create_connection((host, int(port)), TIMEOUT_S) as plain:
            with context.wrap_socket(plain, server_hostname=host) as connection:
                connection.sendall(
                    b"PUT /v1/objects/b/o?provider=ais&skip_vc=true HTTP/1.1\r\n"
                    b"Host: " + own.host.encode() + b"\r\nContent-Length: 1000000\r\n"
                    b"Connection: close\r\n\r\n"
                )
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
        head = answer.decode().lower()
        assert head.startswith("http/1.1 307 ")
        assert "/v1/objects/b/o?provider=ais&skip_vc=true&pid=" in head and "&utm=" in head
    finally:
        own.end()


def until_done(request):
    """A summary is a job: 202 or 206 until it is over."""
    while (answer := request()).status_code in (202, 206):
        pass
    assert answer.status_code == 200, answer.text
    return answer


def is_text_of_digits(value):
    return isinstance(value, str) and value.isdigit()


def test_numbers_of_64_bits_are_texts_and_digests_are_not(server, bucket):
    bucket.object("o").get_writer().put_content(b"xyz")
    smap = ask(server, "GET", "/v1/daemon?what=smap").json()
    assert is_text_of_digits(smap["version"])
    for node in [smap["proxy_si"], *smap["tmap"].values(), *smap["pmap"].values()]:
        assert isinstance(node["id_digest"], int) and isinstance(node["flags"], int)
    bmd = ask(server, "GET", "/v1/daemon?what=bmd").json()
    assert is_text_of_digits(bmd["version"])
    props = bmd["providers"]["ais"]["@#"][bucket.name]
    for name in ("access", "features", "bid", "created"):
        assert is_text_of_digits(props[name]), name
    config = ask(server, "GET", "/v1/cluster?what=cluster_config").json()
    assert is_text_of_digits(config["config_version"]) and is_text_of_digits(config["features"])
    value = {"action": "summary-bck", "value": {"uuid": ""}}
    value["value"]["uuid"] = ask(server, "GET", bucket_path(bucket), json=value).text
    (summary,) = until_done(lambda: ask(server, "GET", bucket_path(bucket), json=value)).json()
    assert summary["ObjCount"]["obj_count_present"] == "1"
    assert summary["TotalSize"]["size_all_present_objs"] == "3"
    assert isinstance(summary["ObjSize"]["obj_max_size"], int)
    status = ask(server, "GET", "/v1/reverse/daemon?what=node_status").json()
    assert isinstance(status["tracker"]["up.ns.time"], int)
    assert isinstance(status["sys_info"]["mem_avail"], int)


def test_head_tells_the_size_as_content_length_in_both_forms(server, bucket):
    bucket.object("o").get_writer().put_content(b"x" * 12345)
    for suffix in ("", "&props=size", "&props=checksum,version"):
        answer = ask(server, "HEAD", object_path(bucket, "o", suffix))
        assert answer.status_code == 200 and answer.headers["Content-Length"] == "12345"
        assert answer.headers["Ais-Present"] == "true"
        assert ("Ais-Atime" in answer.headers) == (suffix == "")
    for name in ("cached", "status", "no-such"):
        assert ask(server, "HEAD", object_path(bucket, "o", f"&props={name}")).status_code == 400


def test_the_summary_of_a_head_is_an_object_in_a_header_after_202(server, bucket):
    bucket.object("p/o").get_writer().put_content(b"xyz")
    path = f"/v1/buckets/{bucket.name}/p/?provider=ais&bsumm_remote=false"
    first = ask(server, "HEAD", path)
    assert first.status_code == 202 and first.headers["Ais-Xaction-Id"]
    asked = path + "&uuid=" + first.headers["Ais-Xaction-Id"]
    second = until_done(lambda: ask(server, "HEAD", asked))
    assert json.loads(second.headers["Ais-Bucket-Summ"])["name"] == bucket.name
    assert json.loads(second.headers["Ais-Bucket-Props"])["provider"] == "ais"


def test_bodies_are_read_on_get_and_delete(server, bucket):
    names = [f"o{i}" for i in range(3)]
    for name in names:
        bucket.object(name).get_writer().put_content(b"x")
    message = {"action": "list", "value": {"pagesize": 2}}
    page = ask(server, "GET", bucket_path(bucket), json=message).json()
    assert [entry["name"] for entry in page["entries"]] == names[:2]
    message = {"action": "delete-listrange", "value": {"objnames": names}}
    answer = ask(server, "DELETE", bucket_path(bucket), json=message)
    assert answer.status_code == 200 and answer.text
    wait_until_gone(server, bucket)


def wait_until_gone(server, bucket):
    message = {"action": "list", "value": {}}
    for _ in range(1000):
        if not ask(server, "GET", bucket_path(bucket), json=message).json()["entries"]:
            return
    raise AssertionError("the objects are still there")


def test_the_content_type_of_a_put_says_nothing(server, bucket):
    for body in (b"\x00\xff not json", b"{"):
        headers = {"Content-Type": "application/json"}
        answer = ask(server, "PUT", object_path(bucket, "o"), data=body, headers=headers)
        assert answer.status_code == 200
        assert bucket.object("o").get_reader().read_all() == body


@pytest.mark.parametrize("truth", ["True", "true", "1", "t", "YES", "on"])
def test_booleans_are_python_s_or_any_other(server, bucket, truth):
    bucket.object("o").get_writer().put_content(b"x")
    ask(server, "PATCH", object_path(bucket, "o"), json={"value": {"a": "1"}})
    replaces = object_path(bucket, "o", f"&set-new-custom={truth}")
    assert ask(server, "PATCH", replaces, json={"value": {"b": "2"}}).status_code == 200
    assert ask(server, "HEAD", object_path(bucket, "o")).headers["Ais-Custom-Md"] == "b=2"
    merges = object_path(bucket, "o", "&set-new-custom=False")
    assert ask(server, "PATCH", merges, json={"value": {"c": "3"}}).status_code == 200
    custom = ask(server, "HEAD", object_path(bucket, "o")).headers["Ais-Custom-Md"]
    assert "b=2" in custom and "c=3" in custom


def start_copy(server, bucket, template):
    value = {"tobck": {"name": bucket.name, "provider": "ais"}, "template": template}
    message = {"action": "copy-listrange", "value": dict(value, prepend="copy/")}
    answer = ask(server, "POST", bucket_path(bucket), json=message)
    assert answer.status_code == 200, answer.text
    return answer.text


def snaps(server, query):
    answer = ask(server, "GET", "/v1/cluster?what=qryxstats", json=query)
    assert answer.status_code == 200, answer.text
    return [snap for of_node in answer.json().values() for snap in of_node]


def test_jobs_are_asked_for_in_any_case_and_by_either_name(server, bucket):
    bucket.object("o1").get_writer().put_content(b"x")
    job = start_copy(server, bucket, "o{1..2}")
    for query in (
        {"ID": job, "Kind": "", "DaemonID": "", "Bck": None, "Buckets": None},
        {"id": job, "kind": "copy-listrange"},
        {"Id": job, "KIND": "copy-objects", "OnlyRunning": False},
    ):
        assert {snap["id"] for snap in snaps(server, query)} == {job}
    wrong = ask(server, "GET", "/v1/cluster?what=qryxstats", json={"id": job, "kind": "copy-bck"})
    assert wrong.status_code == 404
    assert not snaps(server, {"kind": "archive", "show_active": True})


def test_a_job_of_an_idle_kind_is_idle_when_it_is_over_and_not_before(server, bucket):
    job = start_copy(server, bucket, "none-{000000..900000}")
    running = snaps(server, {"id": job})
    assert running and all(snap["end-time"] == ZERO_TIME for snap in running)
    assert not any(snap["is_idle"] or snap["aborted"] for snap in running)
    assert f"copy-listrange[{job}]" in ask(
        server, "GET", "/v1/cluster?what=running_all", json={}
    ).json()
    stop = {"action": "stop", "value": {"ID": job, "Kind": "", "DaemonID": ""}}
    assert ask(server, "PUT", "/v1/cluster", json=stop).status_code == 200
    while any(snap["end-time"] == ZERO_TIME for snap in snaps(server, {"id": job})):
        pass
    for ended in snaps(server, {"id": job}):
        assert ended["is_idle"] and ended["aborted"] and ended["abort-err"]
    status = ask(server, "GET", "/v1/cluster?what=status", json={"ID": job}).json()
    assert status["aborted"] and status["end_time"] > 0
    assert ask(server, "PUT", "/v1/cluster", json=stop).status_code == 404


def test_names_of_other_buckets_and_objects_are_unames(server, bucket):
    bucket.object("o").get_writer().put_content(b"x")
    to = urllib.parse.quote(f"ais/@#/{bucket.name}/d/o2", safe="")
    path = object_path(bucket, "o", f"&object_to={to}&latest-ver=false&synchronize=false")
    assert ask(server, "PUT", path).status_code == 200
    assert bucket.object("d/o2").get_reader().read_all() == b"x"
    for wrong in (f"{bucket.name}/o3", f"ais/@#/{bucket.name}/", "ais"):
        path = object_path(bucket, "o", "&object_to=" + urllib.parse.quote(wrong, safe=""))
        assert ask(server, "PUT", path).status_code == 400
    message = {"action": "copy-bck", "value": {}}
    for wrong in (f"ais/@#/{bucket.name}/o", bucket.name):
        path = bucket_path(bucket, "&bck_to=" + urllib.parse.quote(wrong, safe=""))
        assert ask(server, "POST", path, json=message).status_code == 400


def test_values_of_actions_that_are_not_here_are_not_judged(server, bucket):
    for action, value in (("make-n-copies", 2), ("ec-encode", '{"data_slices":1}')):
        answer = ask(server, "POST", bucket_path(bucket), json={"action": action, "value": value})
        assert answer.status_code == 501 and answer.json()["tcode"] == "ErrUnsupp"


def test_names_are_listed_in_the_order_of_their_bytes(server, bucket):
    names = ["a", "B", "a/b", "a-b", "ä", "Z", "_", "~x", "a b", "日本"]
    for name in names:
        bucket.object(name).get_writer().put_content(b"x")
    listed, token = [], ""
    while True:
        value = {"pagesize": 3, "continuation_token": token}
        page = ask(server, "GET", bucket_path(bucket), json={"action": "list", "value": value})
        listed += [entry["name"] for entry in page.json()["entries"]]
        assert not any(entry.get("flags", 0) & 256 for entry in page.json()["entries"])
        token = page.json()["continuation_token"]
        if not token:
            break
        assert token == listed[-1]
    assert listed == sorted(names, key=str.encode)


def test_failures_for_good_are_none_that_the_sdk_repeats(server, bucket):
    bucket.object("o").get_writer().put_content(b"x")
    b, o = bucket_path(bucket), object_path(bucket, "o")
    checksum = {"Ais-Checksum-Type": "md5", "Ais-Checksum-Value": "0" * 32}
    for method, path, options in (
        ("GET", object_path(bucket, "none"), {}),
        ("GET", o, {"headers": {"Range": "bytes=7-9"}}),
        ("GET", object_path(bucket, "o", "&archpath=x"), {}),
        ("GET", "/v1/objects/no-such-bucket/o?provider=ais", {}),
        ("GET", "/v1/objects/b/o?provider=aws", {}),
        ("GET", "/v1/nowhere", {}),
        ("PUT", o, {"data": b"y", "headers": checksum}),
        ("PUT", object_path(bucket, "../o"), {"data": b"y"}),
        ("PUT", object_path(bucket, "o", "&uploadId=none&partNumber=1"), {"data": b"y"}),
        ("DELETE", object_path(bucket, "none"), {}),
        ("POST", b, {"json": {"action": "create-bck"}}),
        ("POST", b, {"json": {"action": "no-such"}}),
        ("POST", b, {"data": "{"}),
        ("PATCH", b, {"json": {"action": "set-bprops", "value": {"ec": {"enabled": True}}}}),
        ("PUT", "/v1/cluster", {"json": {"action": "start", "value": {"Kind": "lru"}}}),
        ("GET", "/v1/cluster?what=status", {"json": {"id": "none"}}),
        ("GET", "/v1/etl", {}),
    ):
        answer = ask(server, method, path, **options)
        assert 400 <= answer.status_code, (method, path)
        assert answer.status_code not in RETRIED_BY_THE_SDK, (method, path, answer.text)
