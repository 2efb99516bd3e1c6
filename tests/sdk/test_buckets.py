# SPDX-License-Identifier: Apache-2.0
"""Buckets: one namespace with S3, and namespaces of their own."""

import json
import secrets

import pytest
import requests
from aistore.sdk.errors import AISError, ErrBckAlreadyExists, ErrBckNotFound
from aistore.sdk.types import Namespace


def test_create_exists_and_missing_are_told_apart(client, bucket):
    with pytest.raises(ErrBckAlreadyExists):
        bucket.create()
    bucket.create(exist_ok=True)
    with pytest.raises(ErrBckNotFound):
        client.bucket("no-such").delete()
    client.bucket("no-such").delete(missing_ok=True)


def test_destroy_takes_the_objects_with_it(client):
    made = client.bucket("full-" + secrets.token_hex(4)).create()
    made.object("a").get_writer().put_content(b"x")
    made.delete()
    assert made.name not in [b.name for b in client.cluster().list_buckets()]


def test_s3_and_the_sdk_share_buckets(client, bucket, s3):
    assert bucket.name in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    name = "by-s3-" + secrets.token_hex(4)
    s3.create_bucket(Bucket=name)
    client.bucket(name).object("k").get_writer().put_content(b"v")
    props = client.bucket(name).object("k").head("checksum")
    assert props.checksum_type == "xxhash2"
    client.bucket(name).delete()


def test_a_namespace_has_buckets_of_its_own(client, bucket):
    spaced = client.bucket(bucket.name, namespace=Namespace(uuid="", name="team"))
    spaced.create()
    spaced.object("o").get_writer().put_content(b"theirs")
    bucket.object("o").get_writer().put_content(b"ours")
    assert spaced.object("o").get_reader(direct=True).read_all() == b"theirs"
    assert bucket.object("o").get_reader().read_all() == b"ours"
    spaced.delete()
    assert bucket.object("o").get_reader().read_all() == b"ours"


def test_properties_are_real_and_set_ones_take_effect(server, bucket):
    props = json.loads(bucket.head()["Ais-Bucket-Props"])
    assert props["checksum"]["type"] == "xxhash2" and int(props["bid"]) >> 63 == 1
    url = f"{server.endpoint}/v1/buckets/{bucket.name}?provider=ais"
    message = {"action": "set-bprops", "value": {"checksum": {"type": "md5"}}}
    assert requests.patch(url, json=message, timeout=20).status_code == 200
    assert json.loads(bucket.head()["Ais-Bucket-Props"])["checksum"]["type"] == "md5"
    bucket.object("m").get_writer().put_content(b"x")
    assert bucket.object("m").head("checksum").checksum_type == "md5"
    assert requests.patch(url, json={"action": "reset-bprops"}, timeout=20).status_code == 200
    assert json.loads(bucket.head()["Ais-Bucket-Props"])["checksum"]["type"] == "xxhash2"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"mirror": {"enabled": True}}, 501),
        ({"mirror": {"enabled": False}}, 200),
        ({"ec": {"enabled": True}}, 501),
        ({"nonsense": 1}, 400),
        ({"checksum": {"type": "sha512"}}, 501),
        ({"checksum": {"type": "nonsense"}}, 400),
    ],
)
def test_properties_without_effect_are_refused_by_name(server, bucket, value, status):
    answer = requests.patch(
        f"{server.endpoint}/v1/buckets/{bucket.name}?provider=ais",
        json={"action": "set-bprops", "value": value},
        timeout=20,
    )
    assert answer.status_code == status


def test_summary_answers_202_first(bucket):
    for size in (1, 5, 9):
        bucket.object(f"{size}").get_writer().put_content(b"x" * size)
    summary = bucket.summary()
    assert summary["ObjCount"]["obj_count_present"] == "3"
    assert summary["ObjSize"] == {"obj_min_size": 1, "obj_avg_size": 5, "obj_max_size": 9}


def test_a_query_that_names_a_bucket_is_about_that_one(client, server, bucket):
    other = client.bucket(bucket.name + "-x").create()
    for name, found in ((bucket.name, [bucket.name]), ("none", [])):
        message = {"action": "list", "name": name, "value": None}
        url = f"{server.endpoint}/v1/buckets?provider=ais&presence=2"
        answer = requests.get(url, json=message, timeout=20).json()
        assert [bck["name"] for bck in answer] == found
    other.delete()


def test_remote_providers_are_unsupported_not_missing(client, server):
    url = f"{server.endpoint}/v1/buckets/x?provider=aws"
    answer = requests.get(url, json={"action": "list", "value": {}}, timeout=20)
    assert answer.status_code == 501 and "s3://x" in answer.json()["message"]
    with pytest.raises(AISError):
        client.cluster().list_buckets(provider="aws")
