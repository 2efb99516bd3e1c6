# SPDX-License-Identifier: Apache-2.0
"""PutObject, GetObject, HeadObject, DeleteObject: content, headers, metadata, overrides."""

import base64
import hashlib
from datetime import datetime, timedelta, timezone

import pytest
from checksums import md5_base64, md5_hex
from conftest import new_bucket_name
from expect import content, head_refused, is_raw_refusal, nothing_left, only_keys, refused

MIB = 1024 * 1024
# Around every threshold where the server may change how it keeps the bytes.
SIZES = [0, 1, 511, 512, 513, 4096, 65535, 65536, 65537, 262143, 262144, 262145, 1048577]


def pattern(size):
    """Bytes that differ at every position that matters."""
    block = hashlib.sha256(str(size).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


# SPEC: S3 PutObject, GetObject / content: the same bytes come back, of any length
@pytest.mark.parametrize("size", SIZES)
def test_get_returns_what_was_put(s3, bucket, size):
    data = pattern(size)

    s3.put_object(Bucket=bucket, Key="k", Body=data)

    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["ContentLength"] == size
    assert found["Body"].read() == data


# SPEC: S3 PutObject / ETag: the quoted MD5 of the content, the same in every answer
@pytest.mark.parametrize("size", [0, 100, 70_000, 300_000])
def test_etag_is_the_md5(s3, bucket, size):
    data = pattern(size)

    put = s3.put_object(Bucket=bucket, Key="k", Body=data)

    etag = f'"{md5_hex(data)}"'
    assert put["ETag"] == etag
    assert s3.get_object(Bucket=bucket, Key="k")["ETag"] == etag
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"] == etag
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ETag"] == etag


# SPEC: S3 HeadObject / the headers of GetObject without the body
def test_head_has_the_headers_of_get(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345", Metadata={"a": "b"}, ContentType="x/y")

    got = raw.request("GET", f"/{bucket}/k")
    head = raw.request("HEAD", f"/{bucket}/k")

    assert got.body == b"12345" and head.body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges",
                 "x-amz-meta-a"):  # fmt: skip
        assert got.headers[name] is not None, name
        assert head.headers[name] == got.headers[name], name
    assert got.headers["Accept-Ranges"] == "bytes"
    assert got.headers["x-amz-request-id"] and head.headers["x-amz-request-id"]


# SPEC: S3 PutObject / overwrite: the last write is what is read, content and metadata
def test_overwrite_replaces_content_and_metadata(s3, bucket):
    s3.put_object(
        Bucket=bucket, Key="k", Body=b"old" * 1000, Metadata={"old": "1"}, ContentType="a/b"
    )

    s3.put_object(Bucket=bucket, Key="k", Body=b"new", Metadata={"new": "2"})

    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"new"
    assert found["Metadata"] == {"new": "2"}
    assert found["ContentType"] == "binary/octet-stream"


# SPEC: S3 GetObject / Last-Modified is the time of the write
def test_last_modified_is_now(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    age = datetime.now(timezone.utc) - s3.head_object(Bucket=bucket, Key="k")["LastModified"]

    assert timedelta(seconds=-2) < age < timedelta(minutes=2)


# SPEC: S3 GetObject, HeadObject / NoSuchKey 404 for no such key
def test_missing_key_is_refused(s3, bucket):
    with refused("NoSuchKey", 404, f"/{bucket}/none"):
        s3.get_object(Bucket=bucket, Key="none")
    with head_refused(404):
        s3.head_object(Bucket=bucket, Key="none")


# SPEC: S3 object operations / NoSuchBucket 404 for no such bucket, and none appears
def test_missing_bucket_is_refused(s3):
    name = "conf-no-such-bucket-here"
    with refused("NoSuchBucket", 404):
        s3.get_object(Bucket=name, Key="k")
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket=name, Key="k", Body=b"x")
    with refused("NoSuchBucket", 404):
        s3.delete_object(Bucket=name, Key="k")
    with head_refused(404):
        s3.head_bucket(Bucket=name)


# SPEC: S3 DeleteObject / 204 and the object is gone; deleting nothing is 204 too
def test_delete_is_idempotent(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    for _ in range(2):
        gone = s3.delete_object(Bucket=bucket, Key="k")
        assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204

    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="k")
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObject / only that key
def test_delete_spares_the_neighbours(s3, bucket):
    for key in ("a", "a/b", "a/b/c", "ab"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")

    s3.delete_object(Bucket=bucket, Key="a/b")

    only_keys(s3, bucket, "a", "a/b/c", "ab")


# SPEC: S3 versionId in a bucket without versioning: null is the object, another one is not there
def test_null_version_is_the_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"x"
    s3.head_object(Bucket=bucket, Key="k", VersionId="null")
    with refused(("NoSuchVersion", "InvalidArgument"), (404, 400)):
        s3.get_object(Bucket=bucket, Key="k", VersionId="3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY")
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObject / a version that is not there removes nothing
def test_delete_of_another_version_spares_the_object(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    raw.request("DELETE", f"/{bucket}/k", "versionId=3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY")

    assert content(s3, bucket, "k") == b"x"


# SPEC: S3 PutObject / system metadata: stored and returned as sent
def test_content_headers_come_back(s3, bucket):
    sent = {
        "ContentType": "text/plain; charset=utf-8",
        "CacheControl": "max-age=60, public",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de, fr",
        "Expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    }

    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **sent)

    for found in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        for name, value in sent.items():
            if name == "Expires":
                assert found["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
            else:
                assert found[name] == value, name


# SPEC: S3 PutObject / Content-Type is binary/octet-stream when the client names none
def test_content_type_has_a_default(raw, bucket):
    raw.request("PUT", f"/{bucket}/k", body=b"x")

    head = raw.request("HEAD", f"/{bucket}/k")

    assert head.headers["Content-Type"] == "binary/octet-stream"
    assert head.headers["Content-Encoding"] is None


# SPEC: S3 PutObject / user metadata: names in lower case, values as sent, also empty ones
def test_user_metadata_comes_back(s3, bucket):
    sent = {
        "plain": "value",
        "upper": "VALUE Mixed",
        "empty": "",
        "with-dash": "1",
        "comma": "a, b",
    }

    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=sent)

    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == sent


# SPEC: S3 PutObject / user metadata: header names do not depend on case
def test_user_metadata_names_are_lower_case(raw, s3, bucket):
    raw.request("PUT", f"/{bucket}/k", headers=[("X-AMZ-Meta-FOO", "bar")], body=b"x")

    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"foo": "bar"}


# SPEC: S3 PutObject / a metadata header given twice is joined with a comma
def test_repeated_metadata_headers_are_joined(raw, s3, bucket):
    headers = [("x-amz-meta-a", "1"), ("x-amz-meta-a", "2")]

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=b"x")

    assert response.status == 200, response
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"]["a"].replace(" ", "") == "1,2"


# SPEC: S3 PutObject / Content-Encoding: aws-chunked is transport, the rest belongs to the object
@pytest.mark.parametrize(
    "sent,kept",
    [("gzip", "gzip"), ("aws-chunked", None), ("aws-chunked,gzip", "gzip"),
     ("gzip,aws-chunked", "gzip"), ("deflate, aws-chunked, gzip", "deflate,gzip")],
)  # fmt: skip
def test_aws_chunked_is_not_stored(raw, bucket, sent, kept):
    raw.request("PUT", f"/{bucket}/k", headers=[("Content-Encoding", sent)], body=b"x")

    found = raw.request("HEAD", f"/{bucket}/k").headers["Content-Encoding"]

    assert (found and found.replace(" ", "")) == kept


# SPEC: S3 PutObject / Content-MD5: BadDigest if it differs, InvalidDigest if it is none
@pytest.mark.parametrize(
    "value,code",
    [(md5_base64(b"other"), "BadDigest"), ("YWJyYWNhZGFicmE=", "InvalidDigest"),
     ("not base64!", "InvalidDigest"), ("", "InvalidDigest"),
     (base64.b64encode(b"x" * 17).decode(), "InvalidDigest")],
)  # fmt: skip
def test_wrong_content_md5_is_refused(raw, s3, bucket, value, code):
    response = raw.request("PUT", f"/{bucket}/k", headers=[("Content-MD5", value)], body=b"body")

    is_raw_refusal(response, code, 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / Content-MD5 that fits is accepted
def test_right_content_md5_is_accepted(raw, s3, bucket):
    headers = [("Content-MD5", md5_base64(b"body"))]

    assert raw.request("PUT", f"/{bucket}/k", headers=headers, body=b"body").status == 200
    assert content(s3, bucket, "k") == b"body"


# SPEC: S3 PutObject / a refused overwrite leaves the former object
def test_refused_overwrite_keeps_the_former_object(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"former")

    headers = [("Content-MD5", md5_base64(b"other"))]
    is_raw_refusal(
        raw.request("PUT", f"/{bucket}/k", headers=headers, body=b"body" * 100_000),
        "BadDigest",
        400,
    )

    assert content(s3, bucket, "k") == b"former"


# SPEC: S3 PutObject / MissingContentLength 411 without any length
def test_put_without_length_is_refused(raw, s3, bucket):
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("Transfer-Encoding", "chunked")])

    response = raw.send_head(head, b"4\r\nbody\r\n0\r\n\r\n")

    is_raw_refusal(response, "MissingContentLength", 411, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / x-amz-storage-class: STANDARD is accepted, no class at all is
# InvalidStorageClass, and one that is not kept is refused, never ignored
def test_storage_class_is_checked(s3, raw, bucket):
    s3.put_object(Bucket=bucket, Key="std", Body=b"x", StorageClass="STANDARD")

    response = raw.request(
        "PUT", f"/{bucket}/k", headers=[("x-amz-storage-class", "NO_SUCH")], body=b"x"
    )
    is_raw_refusal(response, "InvalidStorageClass", 400, f"/{bucket}/k")
    with pytest.raises(s3.exceptions.ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")
    assert caught.value.response["Error"]["Code"] in ("InvalidStorageClass", "NotImplemented")

    only_keys(s3, bucket, "std")


# SPEC: S3 GetObject / response-* query parameters override the headers of this answer only
def test_response_headers_can_be_overridden(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="a/b")
    expires = datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    overrides = {
        "ResponseContentType": "text/x-override",
        "ResponseContentLanguage": "xx",
        "ResponseExpires": expires,
        "ResponseCacheControl": "no-store",
        "ResponseContentDisposition": "attachment; filename=ö.txt",
        "ResponseContentEncoding": "identity",
    }

    found = s3.get_object(Bucket=bucket, Key="k", **overrides)["ResponseMetadata"]["HTTPHeaders"]

    assert found["content-type"] == "text/x-override"
    assert found["content-language"] == "xx"
    assert found["cache-control"] == "no-store"
    assert found["content-disposition"].startswith("attachment; filename=")
    assert found["content-encoding"] == "identity"
    assert found["expires"] == "Tue, 06 May 2031 07:08:09 GMT"
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "a/b"


# SPEC: S3 HeadObject / response-* query parameters override on HEAD too
def test_head_can_be_overridden(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    assert s3.head_object(Bucket=bucket, Key="k", ResponseContentType="q/r")["ContentType"] == "q/r"


# SPEC: S3 GetObject / an override cannot put another header into the answer
@pytest.mark.parametrize("value", ["a%0d%0aX-Evil:%201", "a%0aX-Evil:%201", "a%00b"])
def test_override_cannot_split_the_response(raw, s3, bucket, value):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    response = raw.request("GET", f"/{bucket}/k", f"response-content-type={value}")

    assert response.headers["X-Evil"] is None, response
    if response.status != 200:
        is_raw_refusal(response, "InvalidArgument", 400)


# SPEC: S3 PutObject / metadata with a line break or NUL is refused
def test_metadata_with_control_bytes_is_refused(raw, s3, bucket):
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("x-amz-meta-a", "X"), ("Content-Length", "1")])

    data = head.to_bytes().replace(b"x-amz-meta-a: X", b"x-amz-meta-a: \x00")
    response = raw.exchange(data + b"x", "PUT")

    assert response.status == 400, response
    nothing_left(s3, bucket)


# SPEC: S3 user metadata / UTF-8 values sent as raw bytes come back, as bytes or as RFC 2047 words
def test_utf8_metadata_is_not_garbled(raw, bucket):
    value = "grün"
    headers = [("x-amz-meta-a", value)]

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=b"x")

    assert response.status == 200, response
    found = raw.request("HEAD", f"/{bucket}/k").headers["x-amz-meta-a"]
    encoded = base64.b64encode(value.encode()).decode()
    as_bytes = value.encode().decode("latin-1")
    assert found in (as_bytes, f"=?UTF-8?B?{encoded}?=", "=?UTF-8?Q?gr=C3=BCn?="), found


# SPEC: S3 PutObject / x-amz-expected-bucket-owner of someone else is AccessDenied
def test_expected_owner_is_checked(s3, s3_alt, bucket):
    other = s3_alt.list_buckets()["Owner"]["ID"]

    with refused("AccessDenied", 403):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ExpectedBucketOwner=other)

    own = s3.list_buckets()["Owner"]["ID"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ExpectedBucketOwner=own)
    only_keys(s3, bucket, "k")


# SPEC: S3 PutObject / Expect: 100-continue is answered before the body is sent
def test_continue_is_sent_before_the_body(raw, s3, bucket):
    headers = [("Content-Length", "4"), ("Expect", "100-continue")]
    head = raw.sign("PUT", f"/{bucket}/k", headers=headers)

    with raw.connect() as connection:
        connection.send(head.to_bytes())
        assert connection.receive_line().startswith(b"HTTP/1.1 100 ")
        assert connection.receive_line() == b"\r\n"
        connection.send(b"body")
        assert connection.receive("PUT").status == 200

    assert content(s3, bucket, "k") == b"body"


# SPEC: S3 PutObject / Expect: 100-continue is answered for an empty body too: botocore, which sends
# it with every file, misreads the next answer on a connection where 100 Continue was left out
def test_continue_is_sent_for_an_empty_file(raw, s3, bucket, tmp_path):
    (tmp_path / "empty").touch()
    for number in range(3):
        with open(tmp_path / "empty", "rb") as file:
            s3.put_object(Bucket=bucket, Key=f"k{number}", Body=file)
        assert content(s3, bucket, f"k{number}") == b""
    head = raw.sign(
        "PUT", f"/{bucket}/k", headers=[("Content-Length", "0"), ("Expect", "100-continue")]
    )

    with raw.connect() as connection:
        connection.send(head.to_bytes())
        assert connection.receive_line().startswith(b"HTTP/1.1 100 ")
        assert connection.receive_line() == b"\r\n"
        assert connection.receive("PUT").status == 200


# SPEC: S3 PutObject / Expect: 100-continue: a refusal comes instead, and no body is wanted
def test_refusal_comes_before_the_body(raw, raw_alt, bucket):
    headers = [("Content-Length", "1000000"), ("Expect", "100-continue")]
    head = raw_alt.sign("PUT", f"/{bucket}/k", headers=headers)

    response = raw.exchange(head.to_bytes(), "PUT")

    is_raw_refusal(response, "AccessDenied", 403, f"/{bucket}/k")


# SPEC: S3 PutObject, GetObject / an object that Lode keeps in several files, whole and in ranges
def test_object_across_chunk_files(raw, s3):
    bucket = new_bucket_name()
    headers = [("x-lode-chunk-size", str(MIB))]
    assert raw.request("PUT", f"/{bucket}", headers=headers, body=b"").status == 200
    data = pattern(3 * MIB + 17)

    s3.put_object(Bucket=bucket, Key="k", Body=data)

    assert md5_hex(content(s3, bucket, "k")) == md5_hex(data)
    for begin, end in (
        (0, 10),
        (MIB - 3, MIB + 3),
        (MIB, 2 * MIB),
        (5, 3 * MIB + 5),
        (3 * MIB, 3 * MIB + 17),
    ):
        found = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={begin}-{end - 1}")
        assert found["Body"].read() == data[begin:end]
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)


# SPEC: S3 PutObject, GetObject / a larger object
@pytest.mark.slow
def test_large_object_comes_back(s3, bucket):
    data = pattern(24 * 1024 * 1024 + 5)

    s3.put_object(Bucket=bucket, Key="k", Body=data)

    assert md5_hex(content(s3, bucket, "k")) == md5_hex(data)
