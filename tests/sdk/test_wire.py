# SPDX-License-Identifier: Apache-2.0
"""Who may speak, and traps of the wire that the SDK does not show."""

import requests
import server as lode_server

from aistore.sdk import Client


def test_without_the_option_credentials_are_demanded():
    own = lode_server.OwnServer()
    try:
        own.start()
        answer = requests.get(f"{own.endpoint}/v1/daemon?what=smap", timeout=20)
        assert answer.status_code == 401 and "token" in answer.json()["message"]
    finally:
        own.end()


def test_forwarded_requests_are_not_anonymous(server):
    url = f"{server.endpoint}/v1/daemon?what=smap"
    for name in ("X-Forwarded-For", "Forwarded"):
        assert requests.get(url, headers={name: "for=1.2.3.4"}, timeout=20).status_code == 401


def test_the_anonymous_administer_nothing(server):
    answer = requests.put(
        f"{server.endpoint}/v1/cluster", json={"action": "lode-fsck"}, timeout=20
    )
    assert answer.status_code == 403
    assert requests.get(f"{server.endpoint}/v1/cluster?what=lode-jobs", timeout=20).status_code in (
        401,
        403,
    )


def test_keys_of_messages_are_found_in_any_case(server, bucket):
    url = f"{server.endpoint}/v1/buckets/{bucket.name}?provider=ais"
    answer = requests.get(url, json={"Action": "list", "Value": {"PageSize": 1}}, timeout=20)
    assert answer.status_code == 200 and answer.json()["entries"] == []


def test_errors_of_head_stand_in_a_header(server, bucket):
    url = f"{server.endpoint}/v1/objects/{bucket.name}/nothing?provider=ais"
    answer = requests.head(url, timeout=20, allow_redirects=True)
    assert answer.status_code == 404
    assert f"ais://{bucket.name}/nothing does not exist" in answer.headers["Hdr-Error"]
    wrong = requests.head(url + "&props=cached", timeout=20, allow_redirects=True)
    assert wrong.status_code == 400


def test_broken_messages_are_bad_requests(server, bucket):
    url = f"{server.endpoint}/v1/buckets/{bucket.name}?provider=ais"
    for body in ("{", "[]", '{"action": 7}', '{"action": "no-such"}'):
        assert requests.post(url, data=body, timeout=20).status_code == 400
    assert requests.get(f"{server.endpoint}/v1/nowhere", timeout=20).status_code == 400


def test_https_puts_are_probed_and_redirected(content, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would win over the client's own
        monkeypatch.delenv(name, raising=False)
    own = lode_server.OwnServer("https", ("--allow-anonymous-native",))
    try:
        own.start()
        client = Client(own.endpoint, ca_cert=own.ca_file)
        bucket = client.bucket("tls").create()
        bucket.object("o").get_writer().put_content(content)
        assert bucket.object("o").get_reader().read_all() == content
    finally:
        own.end()
