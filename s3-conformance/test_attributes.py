# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes."""

import pytest
from checksums import composite, md5_hex, multipart_etag, value
from expect import is_raw_refusal, refused
from upload import PART_BYTES, complete, send_parts, start

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
BODIES = [b"1" * PART_BYTES, b"2" * (PART_BYTES + 3), b"3" * 10]


@pytest.fixture(scope="module")
def filled(s3, make_module_bucket):
    """plain with a SHA256, parts with three parts of COMPOSITE CRC32."""
    name = make_module_bucket(s3)
    s3.put_object(Bucket=name, Key="plain", Body=b"12345", ChecksumSHA256=value("SHA256", b"12345"))
    upload = start(s3, name, "parts", ChecksumAlgorithm="CRC32")
    done = send_parts(
        s3, name, "parts", upload, dict(enumerate(BODIES, 1)), with_checksums=True,
        ChecksumAlgorithm="CRC32",
    )  # fmt: skip
    complete(s3, name, "parts", upload, done)
    return name


# SPEC: S3 GetObjectAttributes / an object put at once: ETag without quotes, size, class, checksum
def test_attributes_of_a_plain_object(s3, filled):
    found = s3.get_object_attributes(Bucket=filled, Key="plain", ObjectAttributes=ALL)

    assert found["ETag"] == md5_hex(b"12345")
    assert found["ObjectSize"] == 5
    assert found["StorageClass"] == "STANDARD"
    assert found["Checksum"]["ChecksumSHA256"] == value("SHA256", b"12345")
    assert found["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "ObjectParts" not in found
    head = s3.head_object(Bucket=filled, Key="plain")
    assert found["LastModified"].replace(tzinfo=None) == head["LastModified"].replace(tzinfo=None)


# SPEC: S3 GetObjectAttributes / a multipart object: count of parts, and their sizes and checksums
def test_attributes_of_a_multipart_object(s3, filled):
    found = s3.get_object_attributes(Bucket=filled, Key="parts", ObjectAttributes=ALL)

    assert found["ETag"] == multipart_etag(BODIES).strip('"')
    assert found["ObjectSize"] == sum(map(len, BODIES))
    whole = composite("CRC32", BODIES)
    assert found["Checksum"]["ChecksumCRC32"] in (whole, whole[:-2])  # AWS leaves the count out
    assert found["Checksum"]["ChecksumType"] == "COMPOSITE"
    parts = found["ObjectParts"]
    assert parts["TotalPartsCount"] == 3
    assert [part["PartNumber"] for part in parts["Parts"]] == [1, 2, 3]
    assert [part["Size"] for part in parts["Parts"]] == [len(body) for body in BODIES]
    sums = [value("CRC32", body) for body in BODIES]
    assert [part["ChecksumCRC32"] for part in parts["Parts"]] == sums


# SPEC: S3 GetObjectAttributes / x-amz-max-parts and x-amz-part-number-marker page the parts
def test_parts_are_paged(s3, filled):
    first = s3.get_object_attributes(
        Bucket=filled, Key="parts", ObjectAttributes=["ObjectParts"], MaxParts=2
    )["ObjectParts"]
    second = s3.get_object_attributes(
        Bucket=filled, Key="parts", ObjectAttributes=["ObjectParts"], MaxParts=2,
        PartNumberMarker=first["NextPartNumberMarker"],
    )["ObjectParts"]  # fmt: skip

    assert [part["PartNumber"] for part in first["Parts"]] == [1, 2]
    assert first["IsTruncated"] is True and first["MaxParts"] == 2
    assert [part["PartNumber"] for part in second["Parts"]] == [3]
    assert second["IsTruncated"] is False


# SPEC: S3 GetObjectAttributes / only what is asked for
def test_only_wanted_attributes_are_shown(s3, filled):
    found = s3.get_object_attributes(Bucket=filled, Key="plain", ObjectAttributes=["ObjectSize"])

    assert found["ObjectSize"] == 5
    assert not {"ETag", "Checksum", "StorageClass", "ObjectParts"} & set(found)


# SPEC: S3 GetObjectAttributes / it never falls through to the content of the object
@pytest.mark.parametrize(
    "headers,code",
    [([], ("InvalidRequest", "InvalidArgument")),
     ([("x-amz-object-attributes", "")], ("InvalidRequest", "InvalidArgument")),
     ([("x-amz-object-attributes", "Size")], "InvalidArgument"),
     ([("x-amz-object-attributes", "ETag,Nonsense")], "InvalidArgument")],
    ids=["none", "empty", "unknown", "one-unknown"],
)  # fmt: skip
def test_bad_attribute_names_are_refused(raw, filled, headers, code):
    response = raw.request("GET", f"/{filled}/plain", "attributes", headers=headers)

    is_raw_refusal(response, code, 400, f"/{filled}/plain")


# SPEC: S3 GetObjectAttributes / NoSuchKey, NoSuchBucket, AccessDenied
def test_missing_and_foreign_objects_are_refused(s3, s3_alt, filled):
    with refused("NoSuchKey", 404, f"/{filled}/none"):
        s3.get_object_attributes(Bucket=filled, Key="none", ObjectAttributes=ALL)
    with refused("NoSuchBucket", 404):
        s3.get_object_attributes(Bucket="conf-no-such-bucket", Key="k", ObjectAttributes=ALL)
    with refused("AccessDenied", 403, f"/{filled}/plain"):
        s3_alt.get_object_attributes(Bucket=filled, Key="plain", ObjectAttributes=ALL)
