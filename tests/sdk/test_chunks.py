# SPDX-License-Identifier: Apache-2.0
"""Chunks of objects: a bucket's properties, and what HEAD and listings say of an object."""

import json
import os

import pytest
import requests
import server as lode_server

from conftest import OPTIONS, make_client

KIB = 1 << 10
MIB = 1 << 20


def set_chunks(endpoint, bucket, **chunks):
    return requests.patch(
        f"{endpoint}/v1/buckets/{bucket.name}?provider=ais",
        json={"action": "set-bprops", "value": {"chunks": chunks}},
        timeout=20,
    )


def chunks_of(bucket):
    return json.loads(bucket.head()["Ais-Bucket-Props"])["chunks"]


def shown_chunks(endpoint, bucket, name):
    """(number, bytes of the largest); (1, None): one piece."""
    answer = requests.head(
        f"{endpoint}/v1/objects/{bucket.name}/{name}?provider=ais&props=chunked",
        timeout=20,
        allow_redirects=True,
    )
    assert answer.status_code == 200
    size = answer.headers.get("Ais-Chunks-Max-Chunk-Size")
    return int(answer.headers.get("Ais-Chunks-Count", 1)), size and int(size)


def chunked_names(bucket):
    return {e.name for e in bucket.list_all_objects(props="name,size,chunked") if e.flags & 8192}


def test_new_objects_follow_the_buckets_policy(server, bucket):
    body = os.urandom(2 * MIB)
    assert chunks_of(bucket)["objsize_limit"] == chunks_of(bucket)["chunk_size"] == "64MiB"
    bucket.object("before").get_writer().put_content(body)
    answer = set_chunks(server.endpoint, bucket, objsize_limit="1MiB", chunk_size="512KiB")
    assert answer.status_code == 200
    bucket.object("cut").get_writer().put_content(body)
    bucket.object("below").get_writer().put_content(body[: MIB - 1])
    assert shown_chunks(server.endpoint, bucket, "before") == (1, None)
    assert shown_chunks(server.endpoint, bucket, "cut") == (4, 512 * KIB)
    assert shown_chunks(server.endpoint, bucket, "below") == (1, None)
    assert chunked_names(bucket) == {"cut"}
    assert set_chunks(server.endpoint, bucket, objsize_limit=0).status_code == 200
    bucket.object("whole").get_writer().put_content(body)
    assert shown_chunks(server.endpoint, bucket, "whole") == (1, None)
    for name in ("before", "cut", "whole"):
        assert bucket.object(name).get_reader().read_all() == body


@pytest.mark.parametrize(
    ("chunks", "status", "named"),
    [
        ({"chunk_size": "1KiB"}, 400, "chunk size 1024"),
        ({"chunk_size": "6GiB"}, 400, "chunk size"),
        ({"chunk_size": "much"}, 400, "chunks.chunk_size"),
        ({"objsize_limit": "6GiB"}, 400, "max_monolithic_size"),
        ({"max_monolithic_size": "5GiB"}, 200, None),
        ({"max_monolithic_size": "1TiB"}, 501, "chunks.max_monolithic_size"),
        ({"checkpoint_every": 0}, 200, None),
        ({"checkpoint_every": 4}, 501, "chunks.checkpoint_every"),
        ({"nonsense": 1}, 400, "chunks.nonsense"),
    ],
)
def test_what_has_no_effect_is_refused_by_name(server, bucket, chunks, status, named):
    before = chunks_of(bucket)
    answer = set_chunks(server.endpoint, bucket, **chunks)
    assert answer.status_code == status
    assert named is None or named in answer.json()["message"]
    assert chunks_of(bucket) == before


@pytest.mark.alone
def test_properties_survive_a_restart():
    own = lode_server.OwnServer("http", OPTIONS)
    try:
        own.start()
        bucket = make_client(own.endpoint).bucket("kept").create()
        chunks = {"objsize_limit": "128KiB", "chunk_size": "1MiB"}
        assert set_chunks(own.endpoint, bucket, **chunks).status_code == 200
        own.stop()
        own.start()
        shown = chunks_of(make_client(own.endpoint).bucket("kept"))
        assert {name: shown[name] for name in chunks} == chunks
        url = f"{own.endpoint}/v1/buckets/kept?provider=ais"
        assert requests.patch(url, json={"action": "reset-bprops"}, timeout=20).status_code == 200
        assert chunks_of(bucket)["objsize_limit"] == "64MiB"
    finally:
        own.end()
