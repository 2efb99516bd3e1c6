# SPDX-License-Identifier: Apache-2.0
"""Objects through the SDK, and through S3 beside it."""

import hashlib
import io

import pytest
import requests
import xxhash
from aistore.sdk.errors import AISError, ErrBckNotFound, ErrObjNotFound


def put(bucket, name, data):
    bucket.object(name).get_writer().put_content(data)
    return bucket.object(name)


def test_what_is_put_is_read_whole_and_in_ranges(bucket, content):
    thing = put(bucket, "dir/x y+z.bin", content)
    assert thing.get_reader().read_all() == content
    assert thing.get_reader(byte_range="bytes=10-19").read_all() == content[10:20]
    assert thing.get_reader(byte_range="bytes=1048570-").read_all() == content[-6:]
    assert thing.get_reader(byte_range="bytes=-5").read_all() == content[-5:]


def test_direct_get_finds_the_target_by_its_digest(bucket):
    assert put(bucket, "direct", b"x").get_reader(direct=True).read_all() == b"x"


def test_file_reader_sees_the_bytes(bucket, content):
    thing = put(bucket, "big", content)
    with thing.get_reader().as_file() as reader:
        assert reader.read() == content


def test_checksum_is_xxhash_and_version_counts_up(bucket):
    thing = put(bucket, "a", b"one")
    first = thing.head("checksum,version,size")
    assert first.checksum_type == "xxhash2"
    assert first.checksum_value == xxhash.xxh64(b"one", seed=0).hexdigest()
    assert (first.obj_version, first.size) == ("1", 3)
    put(bucket, "a", b"two")
    assert thing.head("version").obj_version == "2"


def test_put_of_the_same_bytes_changes_nothing(bucket):
    thing = put(bucket, "a", b"same")
    thing.get_writer().set_custom_props({"kept": "yes"})
    put(bucket, "a", b"same")
    assert thing.head("version").obj_version == "1"
    assert thing.props.custom_metadata == {"kept": "yes"}


def test_put_with_a_wrong_checksum_is_refused_and_leaves_nothing(server, bucket):
    url = f"{server.endpoint}/v1/objects/{bucket.name}/bad?provider=ais"
    headers = {"Ais-Checksum-Type": "xxhash2", "Ais-Checksum-Value": "0" * 16}
    answer = requests.put(url, data=b"abc", headers=headers, timeout=20)
    assert answer.status_code == 400
    assert "BAD DATA CHECKSUM: xxhash2(0000000000000000 != " in answer.json()["message"]
    with pytest.raises(ErrObjNotFound):
        bucket.object("bad").get_reader().read_all()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("md5", hashlib.md5(b"abc").hexdigest()),
        ("sha256", hashlib.sha256(b"abc").hexdigest()),
        ("xxhash", xxhash.xxh64(b"abc").hexdigest()),
        ("crc32c", "364b3fb7"),
    ],
)
def test_put_with_each_kind_of_checksum(server, bucket, kind, value):
    url = f"{server.endpoint}/v1/objects/{bucket.name}/good?provider=ais"
    headers = {"Ais-Checksum-Type": kind, "Ais-Checksum-Value": value}
    assert requests.put(url, data=b"abc", headers=headers, timeout=20).status_code == 200


def test_custom_properties_merge_or_replace(bucket):
    writer = put(bucket, "a", b"x").get_writer()
    writer.set_custom_props({"a": "1", "b": "2"})
    writer.set_custom_props({"b": "3"})
    assert bucket.object("a").props.custom_metadata == {"a": "1", "b": "3"}
    writer.set_custom_props({"c": "4"}, replace_existing=True)
    assert bucket.object("a").props.custom_metadata == {"c": "4"}
    with pytest.raises(AISError) as refused:
        writer.set_custom_props({"big": "x" * 3000})
    assert refused.value.status_code == 400


def test_errors_are_those_that_the_sdk_parses(client, bucket):
    with pytest.raises(ErrObjNotFound):
        bucket.object("nothing").get_reader().read_all()
    with pytest.raises(ErrObjNotFound):
        bucket.object("nothing").delete()
    with pytest.raises(ErrBckNotFound):
        client.bucket("no-such-bucket").object("x").get_writer().put_content(b"")
    with pytest.raises(AISError) as refused:
        put(bucket, "a", b"abc").get_reader(byte_range="bytes=5-9").read_all()
    assert refused.value.status_code == 416


def test_append_is_visible_after_flush(bucket):
    writer = bucket.object("log").get_writer()
    handle = writer.append_content(b"one")
    handle = writer.append_content(b"two", handle)
    with pytest.raises(ErrObjNotFound):
        bucket.object("log").get_reader().read_all()
    writer.append_content(b"", handle, flush=True)
    assert bucket.object("log").get_reader().read_all() == b"onetwo"


def test_multipart_upload_of_small_parts(bucket):
    upload = bucket.object("parts").multipart_upload().create()
    upload.add_part(2).put_content(b"second")
    upload.add_part(1).put_content(b"first")
    upload.complete()
    assert bucket.object("parts").get_reader().read_all() == b"firstsecond"
    aborted = bucket.object("gone").multipart_upload().create()
    aborted.add_part(1).put_content(b"x")
    aborted.abort()
    with pytest.raises(ErrObjNotFound):
        bucket.object("gone").get_reader().read_all()


def test_copy_of_one_object_keeps_checksum_and_custom(client, bucket):
    thing = put(bucket, "from", b"bytes")
    thing.get_writer().set_custom_props({"k": "v"})
    thing.copy(bucket.object("to"))
    copied = bucket.object("to")
    assert copied.get_reader().read_all() == b"bytes"
    assert copied.props.custom_metadata == {"k": "v"}
    assert copied.props.checksum_value == thing.props.checksum_value
    with pytest.raises(AISError):
        thing.copy(thing)


def test_rename_moves_the_bytes(server, bucket):
    put(bucket, "old", b"x")
    url = f"{server.endpoint}/v1/objects/{bucket.name}/old?provider=ais"
    message = {"action": "rename-obj", "name": "new"}
    assert requests.post(url, json=message, timeout=20).status_code == 200
    assert bucket.object("new").get_reader().read_all() == b"x"
    assert requests.post(url, json=message, timeout=20).status_code == 404


def test_s3_reads_what_the_sdk_wrote_and_its_etag_is_no_md5(bucket, s3):
    put(bucket, "native", b"from the sdk")
    answer = s3.get_object(Bucket=bucket.name, Key="native")
    assert answer["Body"].read() == b"from the sdk"
    assert "-" in answer["ETag"]
    s3.copy_object(Bucket=bucket.name, Key="copy", CopySource=f"{bucket.name}/native")
    copied = s3.head_object(Bucket=bucket.name, Key="copy")
    assert copied["ETag"] == f'"{hashlib.md5(b"from the sdk").hexdigest()}"'


def test_the_sdk_reads_what_s3_wrote_with_its_md5(bucket, s3):
    s3.upload_fileobj(io.BytesIO(b"from s3"), bucket.name, "s3/key")
    thing = bucket.object("s3/key")
    assert thing.get_reader().read_all() == b"from s3"
    props = thing.head("checksum,version")
    assert props.checksum_type == "md5"
    assert props.checksum_value == hashlib.md5(b"from s3").hexdigest()
    put(bucket, "s3/key", b"over it")
    assert thing.head("version").obj_version == "2"
