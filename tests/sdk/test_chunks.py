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


# ---- rechunk ----


def rechunk(endpoint, bucket, **value):
    return requests.post(
        f"{endpoint}/v1/buckets/{bucket.name}?provider=ais",
        json={"action": "rechunk", "value": value},
        timeout=20,
    )


def finish(client, answer):
    assert answer.status_code == 200, answer.text
    job = client.job(answer.text)
    assert job.wait(timeout=60, verbose=False).success
    snaps = job.get_details().list_snapshots()
    return sum(int(snap.stats.objects) for snap in snaps)


@pytest.fixture
def filled(bucket):
    bodies = {f"large-{i}": os.urandom(3 * MIB + i) for i in range(4)}
    bodies |= {f"small-{i}": os.urandom(300 * KIB + i) for i in range(4)}
    bodies["tiny"] = b"x"
    for name, body in bodies.items():
        writer = bucket.object(name).get_writer()
        writer.put_content(body)
        writer.set_custom_props({"color": "red"})
    return bodies


FACTS = ("Ais-Checksum-Value", "Ais-Version", "ETag", "Ais-Custom-Md", "Ais-Atime", "Content-Length")


def facts(endpoint, bucket, names):
    """What must not change."""
    found = {}
    for name in names:
        url = f"{endpoint}/v1/objects/{bucket.name}/{name}?provider=ais"
        head = requests.head(url, timeout=20, allow_redirects=True).headers
        found[name] = {header: head[header] for header in FACTS}
    return found


def test_rechunk_changes_the_layout_alone(server, client, bucket, filled):
    before = facts(server.endpoint, bucket, filled)
    for limit, chunk, cut in ((MIB, 512 * KIB, "large"), (1, MIB, ""), (0, MIB, None)):
        answer = rechunk(server.endpoint, bucket, **{"objsize-limit": limit, "chunk-size": chunk})
        assert finish(client, answer) == len(filled)
        for name, body in filled.items():
            count, size = shown_chunks(server.endpoint, bucket, name)
            wanted = -(-len(body) // chunk) if cut is not None and name.startswith(cut) else 1
            assert count == wanted, (name, limit, chunk)
            assert size == (chunk if count > 1 else None)
            assert bucket.object(name).get_reader().read_all() == body
        assert facts(server.endpoint, bucket, filled) == before


def test_rechunk_takes_a_prefix_and_the_buckets_properties(server, client, bucket, filled):
    answer = rechunk(
        server.endpoint,
        bucket,
        **{"objsize-limit": 1, "chunk-size": 256 * KIB, "prefix": "small-"},
    )
    assert finish(client, answer) == 4
    assert chunked_names(bucket) == {f"small-{i}" for i in range(4)}
    chunks = {"objsize_limit": "1MiB", "chunk_size": "1MiB"}
    assert set_chunks(server.endpoint, bucket, **chunks).status_code == 200
    message = {"Kind": "rechunk", "Bck": {"name": bucket.name, "provider": "ais"}}
    answer = requests.put(
        f"{server.endpoint}/v1/cluster", json={"action": "start", "value": message}, timeout=20
    )
    assert finish(client, answer) == len(filled)
    assert chunked_names(bucket) == {f"large-{i}" for i in range(4)}


def test_rechunk_without_a_message_follows_the_properties(server, client, bucket, filled):
    chunks = {"objsize_limit": "2MiB", "chunk_size": "1MiB"}
    assert set_chunks(server.endpoint, bucket, **chunks).status_code == 200
    finish(client, rechunk(server.endpoint, bucket))
    assert chunked_names(bucket) == {f"large-{i}" for i in range(4)}


@pytest.mark.parametrize(
    ("value", "status", "named"),
    [
        ({"chunk-size": 0, "objsize-limit": 0}, 400, "chunk size is not set"),
        ({"chunk-size": 1000, "objsize-limit": 1}, 400, "chunk size 1000"),
        ({"chunk-size": MIB, "objsize-limit": -1}, 400, "objsize-limit"),
        ({"chunk-size": MIB, "objsize-limit": 1 << 40}, 400, "max_monolithic_size"),
        ({"chunk-size": MIB, "sync-remote": True}, 501, "sync-remote"),
        ({"chunk-size": MIB, "prefix": "a{1..3}"}, 400, "prefix"),
        ({"chunk-size": "1MiB"}, 400, "chunk-size"),
    ],
)
def test_impossible_rechunks_are_refused(server, bucket, value, status, named):
    answer = rechunk(server.endpoint, bucket, **value)
    assert answer.status_code == status
    assert named in answer.json()["message"]


def test_rechunk_of_no_bucket(server, client):
    missing = client.bucket("no-such-bucket")
    answer = rechunk(server.endpoint, missing, **{"chunk-size": MIB})
    assert answer.status_code == 404
    message = {"action": "start", "value": {"Kind": "rechunk"}}
    answer = requests.put(f"{server.endpoint}/v1/cluster", json=message, timeout=20)
    assert answer.status_code == 400


def test_parts_of_uploads_stay_whatever_chunks_they_get(server, client, bucket, s3):
    """S3's parts are not storage chunks."""
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB + 12345), os.urandom(1000)]
    key = {"Bucket": bucket.name, "Key": "uploaded"}
    upload = s3.create_multipart_upload(**key)["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**key, UploadId=upload, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts, 1)
    ]
    s3.complete_multipart_upload(**key, UploadId=upload, MultipartUpload={"Parts": done})
    before = s3.head_object(**key)
    assert before["ETag"].endswith('-3"')
    for limit, chunk in ((1, MIB), (0, MIB), (1, 4 * MIB)):
        value = {"objsize-limit": limit, "chunk-size": chunk}
        finish(client, rechunk(server.endpoint, bucket, **value))
        count = shown_chunks(server.endpoint, bucket, "uploaded")[0]
        assert count == (-(-sum(map(len, parts)) // chunk) if limit else 1)
        after = s3.head_object(**key)
        for field in ("ETag", "LastModified", "ContentLength"):
            assert after[field] == before[field]
        for number, part in enumerate(parts, 1):
            answer = s3.get_object(**key, PartNumber=number)
            assert answer["Body"].read() == part and answer["PartsCount"] == 3
