# SPDX-License-Identifier: Apache-2.0
"""Range and partNumber on GetObject and HeadObject."""

import pytest
from expect import head_refused, is_raw_refusal, refused

SIZE = 300_001  # more than four blocks of 64 KiB, and not a multiple of anything
DATA = bytes((number * 7 + number // 251) % 256 for number in range(SIZE))
PART_BYTES = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def filled(s3, make_module_bucket):
    """k holds DATA, empty nothing, small ten bytes, and parts three parts."""
    name = make_module_bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=DATA)
    s3.put_object(Bucket=name, Key="empty", Body=b"")
    s3.put_object(Bucket=name, Key="small", Body=b"0123456789")
    upload = s3.create_multipart_upload(Bucket=name, Key="parts")["UploadId"]
    done = []
    for number, body in ((1, b"a" * PART_BYTES), (2, b"b" * PART_BYTES), (3, b"c" * 11)):
        part = s3.upload_part(
            Bucket=name, Key="parts", UploadId=upload, PartNumber=number, Body=body
        )
        done.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket=name, Key="parts", UploadId=upload, MultipartUpload={"Parts": done}
    )
    return name


RANGES = [
    ("bytes=0-0", 0, 1),
    ("bytes=0-9", 0, 10),
    ("bytes=10-19", 10, 20),
    ("bytes=65535-65536", 65535, 65537),
    ("bytes=65536-131071", 65536, 131072),
    ("bytes=100000-", 100000, SIZE),
    (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
    (f"bytes={SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE),
    (f"bytes=5-{SIZE + 1000}", 5, SIZE),
    ("bytes=5-99999999999999999999999", 5, SIZE),
    ("bytes=-1", SIZE - 1, SIZE),
    ("bytes=-70000", SIZE - 70000, SIZE),
    (f"bytes=-{SIZE * 2}", 0, SIZE),
    ("bytes=0-", 0, SIZE),
]


# SPEC: S3 GetObject / Range: 206 with Content-Range and just those bytes
@pytest.mark.parametrize("header,begin,end", RANGES, ids=[entry[0] for entry in RANGES])
def test_range_returns_those_bytes(s3, filled, header, begin, end):
    found = s3.get_object(Bucket=filled, Key="k", Range=header)

    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert found["ContentRange"] == f"bytes {begin}-{end - 1}/{SIZE}"
    assert found["ContentLength"] == end - begin
    assert found["Body"].read() == DATA[begin:end]


# SPEC: S3 HeadObject / Range: 206, Content-Range and the length of the range
def test_head_of_a_range(s3, filled):
    found = s3.head_object(Bucket=filled, Key="k", Range="bytes=5-14")

    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert found["ContentLength"] == 10
    assert found["ContentRange"] == f"bytes 5-14/{SIZE}"


# SPEC: S3 GetObject / Range: InvalidRange 416 when no byte of it is there
@pytest.mark.parametrize(
    "key,header",
    [("k", f"bytes={SIZE}-"), ("k", f"bytes={SIZE + 5}-{SIZE + 9}"), ("k", "bytes=-0"),
     ("empty", "bytes=0-"), ("empty", "bytes=0-0"), ("empty", "bytes=5-9"), ("small", "bytes=10-"),
     ("small", "bytes=99999999999999999999-")],
)  # fmt: skip
def test_range_without_a_byte_is_refused(raw, filled, key, header):
    response = raw.request("GET", f"/{filled}/{key}", headers=[("Range", header)])

    is_raw_refusal(response, "InvalidRange", 416, f"/{filled}/{key}")
    size = {"k": SIZE, "empty": 0, "small": 10}[key]
    assert response.headers["Content-Range"] == f"bytes */{size}"
    with_head = raw.request("HEAD", f"/{filled}/{key}", headers=[("Range", header)])
    assert with_head.status == 416


# SPEC: S3 GetObject / Range: one that is not understood is ignored, 200 with everything
@pytest.mark.parametrize(
    "header", ["bytes=5-2", "bytes=a-b", "bytes", "bytes=", "bytes=-", "octets=0-5", "0-5",
               "bytes=1-2,4-5", "bytes=--5", "bytes=1-2-3"],
)  # fmt: skip
def test_bad_range_is_ignored(raw, filled, header):
    response = raw.request("GET", f"/{filled}/small", headers=[("Range", header)])

    assert response.status == 200, response
    assert response.body == b"0123456789"
    assert response.headers["Content-Range"] is None


# SPEC: S3 GetObject / Range with If-Range: a stale validator gives the whole object
def test_if_range_guards_the_range(raw, s3, filled):
    etag = s3.head_object(Bucket=filled, Key="small")["ETag"]

    fresh = raw.request(
        "GET", f"/{filled}/small", headers=[("Range", "bytes=1-2"), ("If-Range", etag)]
    )
    stale = raw.request(
        "GET", f"/{filled}/small", headers=[("Range", "bytes=1-2"), ("If-Range", '"other"')]
    )

    assert (fresh.status, fresh.body) == (206, b"12")
    assert (stale.status, stale.body) == (200, b"0123456789")


# SPEC: S3 GetObject / checksum headers are not sent for a range
def test_range_has_no_checksum_of_the_whole(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789", ChecksumAlgorithm="CRC32")

    whole = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    part = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=0-4")

    assert "ChecksumCRC32" in whole
    assert "ChecksumCRC32" not in part
    assert part["Body"].read() == b"01234"


# SPEC: S3 GetObject / partNumber: the n-th part of a multipart object, counted from 1
@pytest.mark.parametrize(
    "number,begin,letter,size",
    [(1, 0, b"a", PART_BYTES), (2, PART_BYTES, b"b", PART_BYTES), (3, 2 * PART_BYTES, b"c", 11)],
)
def test_part_number_returns_that_part(s3, filled, number, begin, letter, size):
    found = s3.get_object(Bucket=filled, Key="parts", PartNumber=number)
    head = s3.head_object(Bucket=filled, Key="parts", PartNumber=number)

    assert found["Body"].read() == letter * size
    for answer in (found, head):
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert answer["PartsCount"] == 3
        assert answer["ContentLength"] == size
        assert answer["ContentRange"] == f"bytes {begin}-{begin + size - 1}/{2 * PART_BYTES + 11}"


# SPEC: S3 GetObject / partNumber=1 of an object put at once is all of it, without a part count
def test_first_part_of_a_plain_object_is_all(s3, filled):
    found = s3.get_object(Bucket=filled, Key="small", PartNumber=1)

    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert found["Body"].read() == b"0123456789"
    assert "PartsCount" not in found


# SPEC: S3 GetObject / partNumber beyond the last part is 416 InvalidPartNumber
@pytest.mark.parametrize("key,number", [("parts", 4), ("parts", 7), ("small", 2), ("parts", 10000)])
def test_part_beyond_the_last_is_refused(s3, filled, key, number):
    with refused("InvalidPartNumber", 416, f"/{filled}/{key}"):
        s3.get_object(Bucket=filled, Key=key, PartNumber=number)
    with head_refused(416):
        s3.head_object(Bucket=filled, Key=key, PartNumber=number)


# SPEC: S3 GetObject / partNumber is 1 to 10,000
@pytest.mark.parametrize("value", ["0", "10001", "-1", "x", "1.5", "99999999999999999999"])
def test_part_number_out_of_limits_is_refused(raw, filled, value):
    response = raw.request("GET", f"/{filled}/parts", f"partNumber={value}")

    is_raw_refusal(response, "InvalidArgument", 400, f"/{filled}/parts")


# SPEC: S3 GetObject / Range together with partNumber is InvalidRequest
def test_range_with_part_number_is_refused(raw, filled):
    response = raw.request(
        "GET", f"/{filled}/parts", "partNumber=1", headers=[("Range", "bytes=0-1")]
    )

    is_raw_refusal(response, "InvalidRequest", 400, f"/{filled}/parts")


# SPEC: S3 GetObject / Range across the boundary of two parts
def test_range_across_parts(s3, filled):
    header = f"bytes={PART_BYTES - 3}-{PART_BYTES + 2}"

    assert s3.get_object(Bucket=filled, Key="parts", Range=header)["Body"].read() == b"aaabbb"
