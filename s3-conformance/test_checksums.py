# SPDX-License-Identifier: Apache-2.0
"""CRC32, CRC32C, CRC64NVME, SHA1 and SHA256 on single writes and reads."""

import pytest
from botocore.compat import HAS_CRT
from checksums import ALGORITHMS, digest, header, member, value
from expect import content, is_raw_refusal, nothing_left, only_keys
from listing import put_keys

DATA = b"The quick brown fox jumps over the lazy dog" * 3000
EACH = pytest.mark.parametrize("algorithm", ALGORITHMS)
CHECK_VALUES = {  # of "123456789", from the catalogues of these algorithms
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "SHA256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
}


# SPEC: S3 checksums / the algorithms of this suite are the catalogued ones
@EACH
def test_own_checksums_are_right(algorithm):
    assert digest(algorithm, b"123456789").hex() == CHECK_VALUES[algorithm]


# SPEC: S3 PutObject / x-amz-checksum-*: accepted, echoed, and shown on reads in checksum mode
@EACH
@pytest.mark.parametrize("data", [b"", b"123456789", DATA], ids=["empty", "small", "large"])
def test_given_checksum_is_kept(s3, bucket, algorithm, data):
    expected = value(algorithm, data)

    put = s3.put_object(Bucket=bucket, Key="k", Body=data, **{member(algorithm): expected})

    assert put[member(algorithm)] == expected
    assert put["ChecksumType"] == "FULL_OBJECT"
    for read in (s3.get_object, s3.head_object):
        shown = read(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert shown[member(algorithm)] == expected
        assert shown["ChecksumType"] == "FULL_OBJECT"
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read()
    assert found == data


# SPEC: S3 PutObject / a checksum that the client library sends by itself (trailer over HTTPS)
@EACH
def test_computed_checksum_is_kept(s3, bucket, algorithm):
    if algorithm in ("CRC32C", "CRC64NVME"):
        if not HAS_CRT:
            pytest.skip("botocore computes this one only with awscrt")

    s3.put_object(Bucket=bucket, Key="k", Body=DATA, ChecksumAlgorithm=algorithm)

    shown = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert shown[member(algorithm)] == value(algorithm, DATA)
    assert content(s3, bucket, "k") == DATA


# SPEC: S3 GetObject, HeadObject / x-amz-checksum-mode: without it no checksum is shown
def test_checksum_is_shown_on_request_only(raw, bucket):
    raw.request(
        "PUT", f"/{bucket}/k", headers=[(header("SHA256"), value("SHA256", b"x"))], body=b"x"
    )

    for method in ("GET", "HEAD"):
        plain = raw.request(method, f"/{bucket}/k")
        shown = raw.request(method, f"/{bucket}/k", headers=[("x-amz-checksum-mode", "ENABLED")])
        assert plain.headers[header("SHA256")] is None
        assert shown.headers[header("SHA256")] == value("SHA256", b"x")


# SPEC: S3 PutObject / BadDigest: the body differs from x-amz-checksum-*
@EACH
def test_wrong_checksum_is_refused(raw, s3, bucket, algorithm):
    headers = [(header(algorithm), value(algorithm, b"other"))]

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=DATA)

    is_raw_refusal(response, "BadDigest", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / InvalidRequest: the header is no value of that algorithm
@EACH
@pytest.mark.parametrize("kind", ["text", "short", "long", "empty"])
def test_malformed_checksum_is_refused(raw, s3, bucket, algorithm, kind):
    right = value(algorithm, DATA)
    text = {"text": "not base64!!", "short": "AAA=", "long": right + right, "empty": ""}[kind]

    response = raw.request("PUT", f"/{bucket}/k", headers=[(header(algorithm), text)], body=DATA)

    is_raw_refusal(response, "InvalidRequest", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / InvalidRequest: more than one x-amz-checksum-*
def test_two_checksums_are_refused(raw, s3, bucket):
    headers = [(header(name), value(name, DATA)) for name in ("CRC32", "SHA256")]

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=DATA)

    is_raw_refusal(response, "InvalidRequest", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / a checksum and Content-MD5 are both checked
def test_checksum_and_md5_are_both_checked(raw, s3, bucket):
    right = (header("CRC32"), value("CRC32", DATA))

    response = raw.request(
        "PUT",
        f"/{bucket}/k",
        headers=[right, ("Content-MD5", "rL0Y20zC+Fzt72VPzMSk2A==")],
        body=DATA,
    )

    is_raw_refusal(response, "BadDigest", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / x-amz-sdk-checksum-algorithm must name the checksum that is sent
@pytest.mark.parametrize(
    "sent", [[], [(header("SHA1"), value("SHA1", DATA))]], ids=["none", "other"]
)
def test_announced_algorithm_must_be_sent(raw, s3, bucket, sent):
    headers = [("x-amz-sdk-checksum-algorithm", "CRC32")] + sent

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=DATA)

    is_raw_refusal(response, "InvalidRequest", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / an algorithm that does not exist, or that this server has not, is never
# silently left out
@pytest.mark.parametrize(
    "headers",
    [[("x-amz-sdk-checksum-algorithm", "CRC17")],
     [("x-amz-checksum-sha512", "AAAA")], [("x-amz-checksum-xxhash64", "AAAAAAAAAAA=")]],
    ids=["unknown", "sha512", "xxhash64"],
)  # fmt: skip
def test_unknown_algorithm_is_refused(raw, s3, bucket, headers):
    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=DATA)

    assert response.status in (400, 501), response
    codes = ("InvalidRequest", "BadDigest", "NotImplemented")
    is_raw_refusal(response, codes, response.status, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / an overwrite without a checksum does not keep the former one
def test_overwrite_forgets_the_former_checksum(raw, s3, bucket):
    old = value("SHA256", b"old")
    raw.request("PUT", f"/{bucket}/k", headers=[(header("SHA256"), old)], body=b"old")

    raw.request("PUT", f"/{bucket}/k", body=b"new")

    shown = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in shown


# SPEC: S3 PutObject / the checksums of the client are those of the plain bytes whatever the size
@pytest.mark.parametrize("size", [1, 512, 513, 65_536, 262_145, 1_048_577])
def test_checksum_of_every_size(s3, bucket, size):
    data = (DATA * (size // len(DATA) + 1))[:size]

    s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumCRC64NVME=value("CRC64NVME", data))

    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["ChecksumCRC64NVME"] == value("CRC64NVME", data)
    assert found["Body"].read() == data


# SPEC: S3 ListObjectsV2, ListObjects, ListObjectVersions / ChecksumAlgorithm, ChecksumType
def test_listings_name_the_algorithm(s3, bucket):
    put_keys(s3, bucket, ["plain"])
    s3.put_object(Bucket=bucket, Key="sha", Body=b"x", ChecksumSHA1=value("SHA1", b"x"))

    for listing in (
        s3.list_objects(Bucket=bucket)["Contents"],
        s3.list_objects_v2(Bucket=bucket)["Contents"],
        s3.list_object_versions(Bucket=bucket)["Versions"],
    ):
        entry = next(entry for entry in listing if entry["Key"] == "sha")
        assert entry["ChecksumAlgorithm"] == ["SHA1"]
        assert entry["ChecksumType"] == "FULL_OBJECT"
    only_keys(s3, bucket, "plain", "sha")
