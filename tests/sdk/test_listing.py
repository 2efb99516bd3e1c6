# SPDX-License-Identifier: Apache-2.0
"""Pages of a listing.  SPEC: AIStore list-objects: msgpack keys, exclusive token, flags."""

import msgspec
import pytest
import requests
from aistore.sdk.errors import AISError
from aistore.sdk.list_object_flag import ListObjectFlag


@pytest.fixture
def filled(bucket):
    for i in range(12):
        bucket.object(f"d{i % 3}/{i:02d}").get_writer().put_content(b"x" * i)
    bucket.object("top").get_writer().put_content(b"t")
    return bucket


def page(server, bucket, value, accept="application/msgpack"):
    return requests.get(
        f"{server.endpoint}/v1/buckets/{bucket.name}?provider=ais",
        json={"action": "list", "value": value},
        headers={"Accept": accept},
        timeout=20,
    )


def test_pages_are_joined_without_gap_or_repetition(filled):
    names = [entry.name for entry in filled.list_all_objects(page_size=5)]
    assert names == sorted(names) and len(names) == len(set(names)) == 13


def test_msgpack_has_exactly_the_keys_that_the_sdk_decodes(server, filled):
    answer = page(server, filled, {"pagesize": 2, "props": "name,size", "flags": "0"})
    assert answer.headers["Content-Type"] == "application/msgpack"
    decoded = msgspec.msgpack.decode(answer.content)
    assert list(decoded) == ["UUID", "ContinuationToken", "Entries", "Flags"]
    assert decoded["ContinuationToken"] == decoded["Entries"][-1]["n"] == "d0/03"
    assert decoded["Entries"][1] == {"n": "d0/03", "s": 3, "f": 64}


def test_json_has_sizes_as_strings(server, filled):
    answer = page(server, filled, {"prefix": "top", "props": "size"}, "application/json").json()
    assert answer["entries"] == [{"name": "top", "size": "1", "flags": 64}]
    assert answer["continuation_token"] == ""


def test_token_is_only_there_when_the_page_is_full(filled):
    first = filled.list_objects(page_size=13)
    assert first.continuation_token == "top"
    last = filled.list_objects(page_size=13, continuation_token="top", uuid=first.uuid)
    assert last.entries == [] and last.continuation_token == "" and last.uuid == first.uuid


def test_prefix_start_after_and_the_star(filled):
    assert len(filled.list_all_objects(prefix="d1/")) == 4
    assert len(filled.list_all_objects(prefix="d1/*")) == 4
    assert [e.name for e in filled.list_all_objects(start_after="d2/08")] == ["d2/11", "top"]


def test_no_recursion_shows_directories(filled):
    flag = next(f for f in ListObjectFlag if f.value == 11)
    entries = filled.list_objects(flags=[flag]).entries
    assert [(e.name, e.flags) for e in entries] == [
        ("d0/", 256),
        ("d1/", 256),
        ("d2/", 256),
        ("top", 64),
    ]


def test_every_property_that_was_asked_for(filled):
    filled.object("top").get_writer().set_custom_props({"k": "v"})
    everything = "name,size,checksum,atime,version,location,copies,custom,cached"
    entry = filled.list_objects(prefix="top", props=everything).entries[0]
    assert entry.size == 1 and entry.version == "1" and entry.copies == 1
    assert entry.checksum == filled.object("top").props.checksum_value
    assert entry.location.startswith("t[") and entry.atime.endswith("UTC")
    assert entry.is_cached() and entry.is_ok()
    assert filled.list_objects(prefix="top", props="name").entries[0].size == 0


def test_contradicting_flags_and_archives_are_refused(filled):
    both = [f for f in ListObjectFlag if f.value in (0, 9)]
    with pytest.raises(AISError) as refused:
        filled.list_objects(flags=both)
    assert refused.value.status_code == 400
    with pytest.raises(AISError) as unsupported:
        filled.list_archive("top")
    assert unsupported.value.status_code == 501
