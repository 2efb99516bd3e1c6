# SPDX-License-Identifier: Apache-2.0
"""CopyObject."""

from datetime import datetime, timedelta, timezone

import pytest
import upload
from checksums import md5_hex, member, value
from expect import content, is_raw_refusal, nothing_left, only_keys, refused

DATA = bytes(range(256)) * 300  # larger than what any server keeps in a record


@pytest.fixture
def source(s3, bucket):
    """src in the bucket holds DATA with metadata."""
    s3.put_object(
        Bucket=bucket, Key="src", Body=DATA, ContentType="a/b", Metadata={"m": "1"},
        CacheControl="no-cache",
    )  # fmt: skip
    return {"Bucket": bucket, "Key": "src"}


# SPEC: S3 CopyObject / content and metadata go along; the answer has ETag and LastModified
def test_copy_takes_content_and_metadata(s3, bucket, source):
    result = s3.copy_object(Bucket=bucket, Key="dst", CopySource=source)["CopyObjectResult"]

    found = s3.get_object(Bucket=bucket, Key="dst")
    assert found["Body"].read() == DATA
    assert result["ETag"] == found["ETag"] == f'"{md5_hex(DATA)}"'
    assert result["LastModified"].replace(microsecond=0) == found["LastModified"]
    assert (found["ContentType"], found["CacheControl"]) == ("a/b", "no-cache")
    assert found["Metadata"] == {"m": "1"}
    assert content(s3, bucket, "src") == DATA


# SPEC: S3 CopyObject / objects of every size, also none
@pytest.mark.parametrize("size", [0, 1, 512, 513, 70_000, 262_145, 1_048_577])
def test_copy_of_every_size(s3, bucket, size):
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    s3.put_object(Bucket=bucket, Key="src", Body=data)

    s3.copy_object(Bucket=bucket, Key="dst", CopySource={"Bucket": bucket, "Key": "src"})
    s3.delete_object(Bucket=bucket, Key="src")

    assert content(s3, bucket, "dst") == data


# SPEC: S3 CopyObject / into another bucket of the same owner
def test_copy_to_another_bucket(s3, bucket, source, make_bucket):
    other = make_bucket(s3)

    s3.copy_object(Bucket=other, Key="dst", CopySource=source)

    assert content(s3, other, "dst") == DATA


# SPEC: S3 CopyObject / the copy lives on when the source is overwritten or deleted
def test_copy_does_not_depend_on_the_source(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="dst", CopySource=source)

    s3.put_object(Bucket=bucket, Key="src", Body=b"other")
    s3.delete_object(Bucket=bucket, Key="src")

    assert content(s3, bucket, "dst") == DATA


# SPEC: S3 CopyObject / x-amz-metadata-directive REPLACE takes the metadata of the request
def test_replace_takes_the_given_metadata(s3, bucket, source):
    s3.copy_object(
        Bucket=bucket, Key="dst", CopySource=source, MetadataDirective="REPLACE",
        Metadata={"n": "2"}, ContentType="c/d",
    )  # fmt: skip

    found = s3.head_object(Bucket=bucket, Key="dst")
    assert found["Metadata"] == {"n": "2"}
    assert found["ContentType"] == "c/d"
    assert "CacheControl" not in found


# SPEC: S3 CopyObject / x-amz-metadata-directive COPY ignores the metadata of the request
def test_copy_directive_ignores_given_metadata(s3, bucket, source):
    s3.copy_object(
        Bucket=bucket, Key="dst", CopySource=source, MetadataDirective="COPY", Metadata={"n": "2"}
    )

    assert s3.head_object(Bucket=bucket, Key="dst")["Metadata"] == {"m": "1"}


# SPEC: S3 CopyObject / an unknown directive is InvalidArgument
def test_unknown_directive_is_refused(raw, s3, bucket, source):
    headers = [("x-amz-copy-source", f"/{bucket}/src"), ("x-amz-metadata-directive", "MERGE")]

    response = raw.request("PUT", f"/{bucket}/dst", headers=headers)

    is_raw_refusal(response, "InvalidArgument", 400, f"/{bucket}/dst")
    only_keys(s3, bucket, "src")


# SPEC: S3 CopyObject / onto itself without a change is InvalidRequest
def test_copy_onto_itself_is_refused(s3, bucket, source):
    with refused("InvalidRequest", 400, f"/{bucket}/src"):
        s3.copy_object(Bucket=bucket, Key="src", CopySource=source)

    assert s3.head_object(Bucket=bucket, Key="src")["Metadata"] == {"m": "1"}


# SPEC: S3 CopyObject / onto itself with REPLACE changes the metadata
def test_copy_onto_itself_replaces_metadata(s3, bucket, source):
    s3.copy_object(
        Bucket=bucket,
        Key="src",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
    )

    found = s3.get_object(Bucket=bucket, Key="src")
    assert found["Metadata"] == {"n": "2"}
    assert found["Body"].read() == DATA


# SPEC: S3 CopyObject / NoSuchKey, NoSuchBucket of the source; nothing is created
@pytest.mark.parametrize(
    "key,code", [("none", "NoSuchKey"), (None, "NoSuchBucket")], ids=["key", "bucket"]
)
def test_missing_source_is_refused(s3, bucket, key, code):
    source = {"Bucket": bucket if key else "conf-no-such-bucket", "Key": key or "k"}

    with refused(code, 404):
        s3.copy_object(Bucket=bucket, Key="dst", CopySource=source)

    nothing_left(s3, bucket)


# SPEC: S3 CopyObject / NoSuchBucket of the destination
def test_missing_destination_is_refused(s3, source):
    with refused("NoSuchBucket", 404, "/conf-no-such-bucket/dst"):
        s3.copy_object(Bucket="conf-no-such-bucket", Key="dst", CopySource=source)


# SPEC: S3 CopyObject / the source is a URL-encoded path, with or without a leading slash
@pytest.mark.parametrize(
    "key,spelled",
    [("plain", "plain"), ("a b", "a%20b"), ("a+b", "a%2Bb"), ("ü/ö", "%C3%BC/%C3%B6"),
     ("p%q", "p%25q"), ("q?r", "q%3Fr"), ("s/t", "s%2Ft"), ("../up", "../up"), ("a//b", "a//b")],
)  # fmt: skip
@pytest.mark.parametrize("slash", ["", "/"])
def test_source_is_decoded(raw, s3, bucket, key, spelled, slash):
    s3.put_object(Bucket=bucket, Key=key, Body=b"found")

    response = raw.request(
        "PUT", f"/{bucket}/dst", headers=[("x-amz-copy-source", f"{slash}{bucket}/{spelled}")]
    )

    assert response.status == 200, response
    assert content(s3, bucket, "dst") == b"found"


# SPEC: S3 CopyObject / versionId=null of the source is the object; another version is not there
def test_source_version_is_checked(raw, s3, bucket, source):
    good = raw.request(
        "PUT", f"/{bucket}/dst", headers=[("x-amz-copy-source", f"/{bucket}/src?versionId=null")]
    )
    assert good.status == 200, good
    bad = raw.request(
        "PUT",
        f"/{bucket}/dst2",
        headers=[
            ("x-amz-copy-source", f"/{bucket}/src?versionId=3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH")
        ],
    )

    assert bad.status in (400, 404), bad
    is_raw_refusal(bad, ("NoSuchVersion", "InvalidArgument"), bad.status)
    only_keys(s3, bucket, "dst", "src")


# SPEC: S3 CopyObject / a source that is not bucket/key is InvalidArgument
@pytest.mark.parametrize("source_text", ["", "/", "bucketonly", "/bucketonly/", "a/%ff", "a/k%00y"])
def test_bad_source_is_refused(raw, s3, bucket, source_text):
    response = raw.request(
        "PUT", f"/{bucket}/dst", headers=[("x-amz-copy-source", source_text)], body=b""
    )

    is_raw_refusal(response, ("InvalidArgument", "InvalidURI"), 400, f"/{bucket}/dst")
    nothing_left(s3, bucket)


# SPEC: S3 CopyObject / dot segments in the source are key bytes, never a way into another bucket
def test_source_cannot_climb_into_another_bucket(raw, s3, s3_alt, bucket, make_bucket):
    secret = make_bucket(s3_alt)
    s3_alt.put_object(Bucket=secret, Key="k", Body=b"secret")

    for text in (f"/{bucket}/../{secret}/k", f"/{bucket}/..%2F{secret}/k", f"/../{secret}/k"):
        response = raw.request("PUT", f"/{bucket}/dst", headers=[("x-amz-copy-source", text)])
        assert response.status in (400, 403, 404), response

    nothing_left(s3, bucket)


# SPEC: S3 CopyObject / AccessDenied when source or destination belongs to someone else
def test_copy_across_owners_is_refused(s3, s3_alt, bucket, source, make_bucket):
    own = make_bucket(s3_alt)
    s3_alt.put_object(Bucket=own, Key="mine", Body=b"mine")

    with refused("AccessDenied", 403):
        s3_alt.copy_object(Bucket=own, Key="stolen", CopySource=source)
    with refused("AccessDenied", 403):
        s3_alt.copy_object(Bucket=bucket, Key="put", CopySource={"Bucket": own, "Key": "mine"})

    only_keys(s3, bucket, "src")
    only_keys(s3_alt, own, "mine")


# SPEC: S3 CopyObject / x-amz-copy-source-if-*: PreconditionFailed unless they hold
def test_source_conditions(s3, bucket, source):
    head = s3.head_object(Bucket=bucket, Key="src")
    past = head["LastModified"] - timedelta(hours=1)
    holds = [
        {"CopySourceIfMatch": head["ETag"]},
        {"CopySourceIfNoneMatch": '"other"'},
        {"CopySourceIfModifiedSince": past},
        {"CopySourceIfUnmodifiedSince": datetime.now(timezone.utc) + timedelta(hours=1)},
        {"CopySourceIfMatch": head["ETag"], "CopySourceIfUnmodifiedSince": past},
    ]
    fails = [
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": head["ETag"]},
        {"CopySourceIfModifiedSince": head["LastModified"]},
        {"CopySourceIfUnmodifiedSince": past},
        {"CopySourceIfNoneMatch": head["ETag"], "CopySourceIfModifiedSince": past},
    ]

    for number, condition in enumerate(fails):
        with refused("PreconditionFailed", 412):
            s3.copy_object(Bucket=bucket, Key=f"no{number}", CopySource=source, **condition)
    only_keys(s3, bucket, "src")
    for number, condition in enumerate(holds):
        s3.copy_object(Bucket=bucket, Key=f"yes{number}", CopySource=source, **condition)
    only_keys(s3, bucket, "src", *(f"yes{number}" for number in range(len(holds))))


def is_one_piece(s3, bucket, key, data, algorithm):
    """The object has the MD5 of its content for ETag, one whole checksum and no parts."""
    found = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert found["Body"].read() == data
    assert found["ETag"] == f'"{md5_hex(data)}"'
    assert found[member(algorithm)] == value(algorithm, data)
    assert found["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key=key, PartNumber=1)
    assert "PartsCount" not in head and head["ContentLength"] == len(data)
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key=key, ObjectAttributes=["ETag", "ObjectParts"]
    )
    assert attributes["ETag"] == md5_hex(data) and "ObjectParts" not in attributes
    with refused("InvalidPartNumber", 416, f"/{bucket}/{key}"):
        s3.get_object(Bucket=bucket, Key=key, PartNumber=2)


# SPEC: S3 CopyObject / the copy of a multipart object is one part: ETag is the MD5 of the content
@pytest.mark.parametrize("tail", [b"tail", b"", b"t" * 300_000], ids=["tail", "none", "long"])
def test_copy_of_a_multipart_object_is_one_piece(s3, bucket, make_bucket, tail):
    parts = [b"a" * upload.PART_BYTES, tail]
    made = upload.upload_object(s3, bucket, "src", parts)
    source = {"Bucket": bucket, "Key": "src"}
    elsewhere = make_bucket(s3)

    for number in range(4):  # wherever the keys lie
        done = s3.copy_object(Bucket=bucket, Key=f"dst{number}", CopySource=source)
        assert done["CopyObjectResult"]["ETag"] == f'"{md5_hex(b"".join(parts))}"'
        is_one_piece(s3, bucket, f"dst{number}", b"".join(parts), "CRC64NVME")
    s3.copy_object(Bucket=elsewhere, Key="dst", CopySource=source)
    is_one_piece(s3, elsewhere, "dst", b"".join(parts), "CRC64NVME")
    assert made["ETag"].endswith('-2"')
    assert s3.head_object(Bucket=bucket, Key="src")["ETag"] == made["ETag"]


# SPEC: S3 CopyObject / also onto itself: the object is then one of one piece
def test_multipart_object_copied_onto_itself_is_one_piece(s3, bucket):
    parts = [b"a" * upload.PART_BYTES, b"tail"]
    upload.upload_object(s3, bucket, "k", parts)

    s3.copy_object(
        Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k"},
        MetadataDirective="REPLACE", Metadata={"m": "2"},
    )  # fmt: skip

    is_one_piece(s3, bucket, "k", b"".join(parts), "CRC64NVME")
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": "2"}


# SPEC: S3 CopyObject / a COMPOSITE checksum becomes one of the whole, by the source's algorithm or
# the one that x-amz-checksum-algorithm names
@pytest.mark.parametrize("algorithm", ["SHA256", "CRC32"])
def test_composite_checksum_becomes_a_whole_one(s3, bucket, algorithm):
    parts = {1: b"a" * upload.PART_BYTES, 2: b"tail"}
    data = b"".join(parts.values())
    begun = upload.start(s3, bucket, "src", ChecksumAlgorithm=algorithm)
    done = upload.send_parts(
        s3, bucket, "src", begun, parts, with_checksums=True, ChecksumAlgorithm=algorithm
    )
    upload.complete(s3, bucket, "src", begun, done)
    source = {"Bucket": bucket, "Key": "src"}

    kept = s3.copy_object(Bucket=bucket, Key="kept", CopySource=source)["CopyObjectResult"]
    s3.copy_object(Bucket=bucket, Key="other", CopySource=source, ChecksumAlgorithm="SHA1")

    assert kept[member(algorithm)] == value(algorithm, data)
    assert kept["ChecksumType"] == "FULL_OBJECT"
    is_one_piece(s3, bucket, "kept", data, algorithm)
    is_one_piece(s3, bucket, "other", data, "SHA1")


# SPEC: S3 CopyObject / checksums go along; x-amz-checksum-algorithm computes another
def test_checksum_of_the_copy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="src", Body=DATA, ChecksumAlgorithm="SHA1")
    source = {"Bucket": bucket, "Key": "src"}

    kept = s3.copy_object(Bucket=bucket, Key="kept", CopySource=source)["CopyObjectResult"]
    other = s3.copy_object(
        Bucket=bucket, Key="other", CopySource=source, ChecksumAlgorithm="SHA256"
    )["CopyObjectResult"]

    assert kept["ChecksumSHA1"] == value("SHA1", DATA)
    assert other["ChecksumSHA256"] == value("SHA256", DATA)
    found = s3.head_object(Bucket=bucket, Key="other", ChecksumMode="ENABLED")
    assert found["ChecksumSHA256"] == value("SHA256", DATA)


# SPEC: S3 CopyObject / headers without a handler are refused, and nothing is copied
@pytest.mark.parametrize(
    "extra",
    [{"ACL": "public-read"}, {"ServerSideEncryption": "aws:kms"}, {"Tagging": "a=b"},
     {"TaggingDirective": "REPLACE", "Tagging": "a=b"}, {"WebsiteRedirectLocation": "/x"}],
    ids=["acl", "kms", "tagging", "tagging-replace", "redirect"],
)  # fmt: skip
def test_headers_without_a_handler_are_refused(s3, bucket, source, extra):
    with refused("NotImplemented", 501, f"/{bucket}/dst"):
        s3.copy_object(Bucket=bucket, Key="dst", CopySource=source, **extra)

    only_keys(s3, bucket, "src")
