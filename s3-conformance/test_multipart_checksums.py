# SPDX-License-Identifier: Apache-2.0
"""Checksums of multipart objects: COMPOSITE and FULL_OBJECT."""

import pytest
from checksums import ALGORITHMS, composite, header, md5_hex, member, value
from expect import content, is_raw_refusal, only_keys, refused
from upload import PART_BYTES, complete, complete_document, send_parts, start

BODIES = [b"one" * (PART_BYTES // 3 + 1), b"two" * 1000]
WHOLE = b"".join(BODIES)
COMPOSITE = ("CRC32", "CRC32C", "SHA1", "SHA256")
FULL = ("CRC32", "CRC32C", "CRC64NVME")


def begin(s3, bucket, algorithm, kind):
    """An upload with both parts, each with its checksum."""
    upload = start(s3, bucket, "k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    done = []
    for number, body in enumerate(BODIES, 1):
        done += send_parts(
            s3, bucket, "k", upload, {number: body}, with_checksums=True,
            **{member(algorithm): value(algorithm, body)},
        )  # fmt: skip
    return upload, done


# SPEC: S3 CompleteMultipartUpload / COMPOSITE: checksum of the parts' checksums, with their number
@pytest.mark.parametrize("algorithm", COMPOSITE)
def test_composite_checksum(s3, bucket, algorithm):
    upload, done = begin(s3, bucket, algorithm, "COMPOSITE")

    result = complete(s3, bucket, "k", upload, done)

    expected = composite(algorithm, BODIES)
    assert result[member(algorithm)] == expected
    assert result["ChecksumType"] == "COMPOSITE"
    shown = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (shown[member(algorithm)], shown["ChecksumType"]) == (expected, "COMPOSITE")
    found = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == WHOLE


# SPEC: S3 CompleteMultipartUpload / FULL_OBJECT: checksum of the whole content
@pytest.mark.parametrize("algorithm", FULL)
@pytest.mark.parametrize("given", [True, False], ids=["given", "computed"])
def test_full_object_checksum(s3, bucket, algorithm, given):
    upload, done = begin(s3, bucket, algorithm, "FULL_OBJECT")
    expected = value(algorithm, WHOLE)
    extra = {member(algorithm): expected, "ChecksumType": "FULL_OBJECT"} if given else {}

    result = complete(s3, bucket, "k", upload, done, **extra)

    assert result[member(algorithm)] == expected
    assert result["ChecksumType"] == "FULL_OBJECT"
    shown = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (shown[member(algorithm)], shown["ChecksumType"]) == (expected, "FULL_OBJECT")
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == WHOLE


# SPEC: S3 CreateMultipartUpload / the type is COMPOSITE by default, FULL_OBJECT for CRC64NVME
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_default_checksum_type(s3, bucket, algorithm):
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)

    assert made["ChecksumAlgorithm"] == algorithm
    assert made["ChecksumType"] == ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")


# SPEC: S3 CreateMultipartUpload / a type that the algorithm does not have is InvalidRequest
@pytest.mark.parametrize(
    "algorithm,kind",
    [("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")],
)
def test_impossible_type_is_refused(s3, bucket, algorithm, kind):
    with refused("InvalidRequest", 400, f"/{bucket}/k"):
        start(s3, bucket, "k", ChecksumAlgorithm=algorithm, ChecksumType=kind)

    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# SPEC: S3 CreateMultipartUpload / a type without an algorithm, or words that are none
@pytest.mark.parametrize(
    "headers",
    [[("x-amz-checksum-type", "COMPOSITE")],
     [("x-amz-checksum-algorithm", "CRC17")],
     [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "PARTIAL")]],
    ids=["type-alone", "algorithm", "type"],
)  # fmt: skip
def test_bad_checksum_words_are_refused(raw, s3, bucket, headers):
    response = raw.request("POST", f"/{bucket}/k", "uploads", headers=headers)

    is_raw_refusal(response, "InvalidRequest", 400, f"/{bucket}/k")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# SPEC: S3 UploadPart / the part's checksum must be of the upload's algorithm
def test_part_with_another_algorithm_is_refused(s3, bucket):
    upload = start(s3, bucket, "k", ChecksumAlgorithm="SHA256")

    with refused("InvalidRequest", 400, f"/{bucket}/k"):
        send_parts(s3, bucket, "k", upload, {1: b"x"}, ChecksumCRC32=value("CRC32", b"x"))

    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 UploadPart / BadDigest: the part differs from its checksum
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_part_with_wrong_checksum_is_refused(s3, bucket, algorithm):
    upload = start(s3, bucket, "k", ChecksumAlgorithm=algorithm)

    with refused("BadDigest", 400, f"/{bucket}/k"):
        send_parts(
            s3, bucket, "k", upload, {1: b"x"}, **{member(algorithm): value(algorithm, b"y")}
        )

    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 UploadPart / the answer repeats the checksum
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_part_answer_repeats_the_checksum(s3, bucket, algorithm):
    upload = start(s3, bucket, "k", ChecksumAlgorithm=algorithm)

    answer = s3.upload_part(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x",
        **{member(algorithm): value(algorithm, b"x")},
    )  # fmt: skip

    assert answer[member(algorithm)] == value(algorithm, b"x")


# SPEC: S3 ListParts / algorithm and type of the upload, checksum of each part
@pytest.mark.parametrize("algorithm,kind", [("SHA256", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT")])
def test_parts_are_listed_with_checksums(s3, bucket, algorithm, kind):
    upload, _ = begin(s3, bucket, algorithm, kind)

    page = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)

    assert (page["ChecksumAlgorithm"], page["ChecksumType"]) == (algorithm, kind)
    listed = [part[member(algorithm)] for part in page["Parts"]]
    assert listed == [value(algorithm, body) for body in BODIES]


# SPEC: S3 ListMultipartUploads / ChecksumAlgorithm, ChecksumType
def test_uploads_are_listed_with_algorithm(s3, bucket):
    start(s3, bucket, "k", ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT")

    (entry,) = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]

    assert (entry["ChecksumAlgorithm"], entry["ChecksumType"]) == ("CRC32C", "FULL_OBJECT")


# SPEC: S3 CompleteMultipartUpload / a part checksum that is not the part's is InvalidPart
@pytest.mark.parametrize("algorithm,kind", [("SHA256", "COMPOSITE"), ("CRC32", "FULL_OBJECT")])
def test_completion_with_wrong_part_checksum_is_refused(s3, bucket, algorithm, kind):
    upload, done = begin(s3, bucket, algorithm, kind)
    wrong = [dict(part) for part in done]
    wrong[1][member(algorithm)] = value(algorithm, b"other")

    with refused(("InvalidPart", "BadDigest"), 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, wrong)

    only_keys(s3, bucket)
    complete(s3, bucket, "k", upload, done)


# SPEC: S3 CompleteMultipartUpload / COMPOSITE needs the checksum of each part
def test_composite_completion_needs_part_checksums(s3, bucket):
    upload, done = begin(s3, bucket, "SHA256", "COMPOSITE")
    bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in done]

    with refused("InvalidRequest", 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, bare)

    only_keys(s3, bucket)


# SPEC: S3 CompleteMultipartUpload / FULL_OBJECT: a value that is not the object's is BadDigest
@pytest.mark.parametrize("algorithm", FULL)
def test_completion_with_wrong_object_checksum_is_refused(s3, bucket, algorithm):
    upload, done = begin(s3, bucket, algorithm, "FULL_OBJECT")
    extra = {member(algorithm): value(algorithm, b"other"), "ChecksumType": "FULL_OBJECT"}

    with refused("BadDigest", 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, done, **extra)

    only_keys(s3, bucket)
    complete(s3, bucket, "k", upload, done)


# SPEC: S3 CompleteMultipartUpload / x-amz-checksum-type must be the one of the upload
def test_completion_with_another_type_is_refused(s3, bucket):
    upload, done = begin(s3, bucket, "CRC32", "COMPOSITE")

    with refused("InvalidRequest", 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, done, ChecksumType="FULL_OBJECT")

    only_keys(s3, bucket)


# SPEC: S3 CompleteMultipartUpload / a client library that sends CRC32 with parts of an upload
# without an algorithm is served (boto3's default)
def test_part_checksums_of_a_plain_upload_are_no_obstacle(s3, raw, bucket):
    upload = start(s3, bucket, "k")
    send_parts(s3, bucket, "k", upload, dict(enumerate(BODIES, 1)))

    body = complete_document([(number, md5_hex(b)) for number, b in enumerate(BODIES, 1)])
    response = raw.request("POST", f"/{bucket}/k", f"uploadId={upload}", body=body)

    assert response.status == 200, response
    assert content(s3, bucket, "k") == WHOLE


# SPEC: S3 GetObject, HeadObject / partNumber in checksum mode shows the checksum of that part
@pytest.mark.parametrize("algorithm,kind", [("SHA1", "COMPOSITE"), ("CRC64NVME", "FULL_OBJECT")])
def test_part_is_read_with_its_own_checksum(s3, bucket, algorithm, kind):
    upload, done = begin(s3, bucket, algorithm, kind)
    complete(s3, bucket, "k", upload, done)

    for number, body in enumerate(BODIES, 1):
        wanted = {"Bucket": bucket, "Key": "k", "PartNumber": number, "ChecksumMode": "ENABLED"}
        found = s3.get_object(**wanted)
        head = s3.head_object(**wanted)

        assert found["Body"].read() == body
        for answer in (found, head):
            assert answer[member(algorithm)] == value(algorithm, body)
            assert answer["ChecksumType"] == kind


# SPEC: S3 UploadPartCopy / the result carries the checksum of the upload's algorithm
def test_copied_part_has_a_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="src", Body=BODIES[1])
    upload = start(s3, bucket, "k", ChecksumAlgorithm="SHA256")

    result = s3.upload_part_copy(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=1,
        CopySource={"Bucket": bucket, "Key": "src"},
    )["CopyPartResult"]  # fmt: skip

    assert result["ChecksumSHA256"] == value("SHA256", BODIES[1])
    part = {"PartNumber": 1, "ETag": result["ETag"], "ChecksumSHA256": result["ChecksumSHA256"]}
    done = complete(s3, bucket, "k", upload, [part])
    assert done["ChecksumSHA256"] == composite("SHA256", [BODIES[1]])


# SPEC: S3 UploadPart / the checksum header of the part alone, without any SDK around it
def test_raw_part_checksum_header(raw, s3, bucket):
    upload = start(s3, bucket, "k", ChecksumAlgorithm="CRC32")
    query = f"partNumber=1&uploadId={upload}"

    wrong = [(header("CRC32"), value("CRC32", b"other"))]
    right = [(header("CRC32"), value("CRC32", b"part"))]
    refusal = raw.request("PUT", f"/{bucket}/k", query, headers=wrong, body=b"part")
    answer = raw.request("PUT", f"/{bucket}/k", query, headers=right, body=b"part")

    is_raw_refusal(refusal, "BadDigest", 400, f"/{bucket}/k")
    assert answer.status == 200, answer
    assert answer.headers[header("CRC32")] == value("CRC32", b"part")
