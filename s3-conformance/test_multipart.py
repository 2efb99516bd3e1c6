# SPDX-License-Identifier: Apache-2.0
"""Multipart uploads: create, parts, complete, abort, and what is refused."""

import pytest
from checksums import md5_base64, md5_hex, multipart_etag
from expect import content, is_raw_refusal, nothing_left, only_keys, refused
from upload import MIB, PART_BYTES, complete, complete_document, send_parts, start, upload_object

SMALL_LAST = [b"a" * PART_BYTES, b"b" * (PART_BYTES + 1), b"tail"]


# SPEC: S3 CompleteMultipartUpload / the object is its parts in order; ETag is MD5 of MD5s and count
def test_object_is_its_parts_in_order(s3, bucket):
    result = upload_object(s3, bucket, "k", SMALL_LAST, Metadata={"m": "1"}, ContentType="a/b")

    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"".join(SMALL_LAST)
    assert result["ETag"] == found["ETag"] == multipart_etag(SMALL_LAST)
    assert result["Bucket"] == bucket and result["Key"] == "k"
    assert result["Location"].endswith(f"/{bucket}/k")
    assert (found["Metadata"], found["ContentType"]) == ({"m": "1"}, "a/b")


# SPEC: S3 CompleteMultipartUpload / one part, which may be of any size, also empty
@pytest.mark.parametrize("body", [b"only", b""], ids=["small", "empty"])
def test_single_part_may_be_small(s3, bucket, body):
    result = upload_object(s3, bucket, "k", [body])

    assert result["ETag"] == multipart_etag([body])
    assert content(s3, bucket, "k") == body


# SPEC: S3 CompleteMultipartUpload / only the listed parts count; numbers may have gaps
def test_only_listed_parts_count(s3, bucket):
    upload = start(s3, bucket, "k")
    parts = {2: b"a" * PART_BYTES, 5: b"unused" * 1000, 9999: b"z"}
    done = send_parts(s3, bucket, "k", upload, parts)

    complete(s3, bucket, "k", upload, [part for part in done if part["PartNumber"] != 5])

    assert content(s3, bucket, "k") == parts[2] + parts[9999]


# SPEC: S3 UploadPart / a part sent again replaces the former
def test_part_sent_again_replaces_the_former(s3, bucket):
    upload = start(s3, bucket, "k")
    (old,) = send_parts(s3, bucket, "k", upload, {1: b"old" * 200_000})
    (new,) = send_parts(s3, bucket, "k", upload, {1: b"new"})

    with refused("InvalidPart", 400):
        complete(s3, bucket, "k", upload, [old])
    complete(s3, bucket, "k", upload, [new])

    assert content(s3, bucket, "k") == b"new"


# SPEC: S3 UploadPart / parts may arrive in any order
def test_parts_arrive_in_any_order(s3, bucket):
    upload = start(s3, bucket, "k")
    parts = {3: b"c", 1: b"a" * PART_BYTES, 2: b"b" * PART_BYTES}
    done = send_parts(s3, bucket, "k", upload, parts)

    complete(s3, bucket, "k", upload, sorted(done, key=lambda part: part["PartNumber"]))

    assert content(s3, bucket, "k") == parts[1] + parts[2] + parts[3]


# SPEC: S3 multipart / nothing is visible before completion, and an old object stays until then
def test_upload_is_invisible_until_complete(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"new"})
    assert content(s3, bucket, "k") == b"old"
    assert [e["Size"] for e in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [3]

    complete(s3, bucket, "k", upload, done)

    assert content(s3, bucket, "k") == b"new"


# SPEC: S3 CompleteMultipartUpload / repeated with the same parts answers the same again
def test_complete_again_answers_the_same(s3, bucket):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"x"})
    first = complete(s3, bucket, "k", upload, done)

    second = complete(s3, bucket, "k", upload, done)

    assert second["ETag"] == first["ETag"]
    assert content(s3, bucket, "k") == b"x"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# SPEC: S3 multipart / uploads of one key live side by side; the last completion wins
def test_two_uploads_of_one_key_are_independent(s3, bucket):
    one, two = start(s3, bucket, "k"), start(s3, bucket, "k")
    assert one != two
    done_one = send_parts(s3, bucket, "k", one, {1: b"one"})
    done_two = send_parts(s3, bucket, "k", two, {1: b"two"})

    complete(s3, bucket, "k", two, done_two)
    assert content(s3, bucket, "k") == b"two"
    complete(s3, bucket, "k", one, done_one)

    assert content(s3, bucket, "k") == b"one"


# SPEC: S3 AbortMultipartUpload / 204; parts are gone and the id is unknown
def test_abort_forgets_the_upload(s3, bucket):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"x" * 300_000})

    gone = s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)

    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchUpload", 404, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, done)
    with refused("NoSuchUpload", 404):
        send_parts(s3, bucket, "k", upload, {2: b"x"})
    with refused("NoSuchUpload", 404):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    nothing_left(s3, bucket)


# SPEC: S3 multipart / NoSuchUpload for an id that was never given, or given for another key
@pytest.mark.parametrize("operation", ["part", "list", "complete", "abort"])
@pytest.mark.parametrize("kind", ["unknown", "other-key", "path"])
def test_unknown_upload_is_refused(s3, bucket, operation, kind):
    real = start(s3, bucket, "other")
    upload = {"unknown": "bm8tc3VjaC11cGxvYWQtaWQ", "other-key": real, "path": "../../../etc"}[kind]
    known = {"Bucket": bucket, "Key": "k", "UploadId": upload}

    with refused("NoSuchUpload", 404, f"/{bucket}/k"):
        if operation == "part":
            s3.upload_part(PartNumber=1, Body=b"x", **known)
        elif operation == "list":
            s3.list_parts(**known)
        elif operation == "complete":
            parts = [{"PartNumber": 1, "ETag": f'"{md5_hex(b"x")}"'}]
            s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **known)
        else:
            s3.abort_multipart_upload(**known)
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 1


# SPEC: S3 CompleteMultipartUpload / EntityTooSmall: every part but the last has 5 MiB or more
def test_small_part_before_the_last_is_refused(s3, bucket):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"a" * (PART_BYTES - 1), 2: b"b"})

    with refused("EntityTooSmall", 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, done)

    only_keys(s3, bucket)
    assert len(s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]) == 2


# SPEC: S3 CompleteMultipartUpload / InvalidPart: not uploaded, or another ETag
@pytest.mark.parametrize("kind", ["missing", "etag"])
def test_part_that_was_not_uploaded_is_refused(s3, bucket, kind):
    upload = start(s3, bucket, "k")
    (part,) = send_parts(s3, bucket, "k", upload, {1: b"x"})
    wrong = {
        "missing": {"PartNumber": 2, "ETag": part["ETag"]},
        "etag": {"PartNumber": 1, "ETag": f'"{md5_hex(b"y")}"'},
    }[kind]

    with refused("InvalidPart", 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, [wrong])

    only_keys(s3, bucket)
    complete(s3, bucket, "k", upload, [part])


# SPEC: S3 CompleteMultipartUpload / InvalidPartOrder: numbers must ascend
@pytest.mark.parametrize("order", [(2, 1), (1, 1), (1, 2, 2)])
def test_parts_out_of_order_are_refused(s3, bucket, order):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"a" * PART_BYTES, 2: b"b" * PART_BYTES})

    with refused("InvalidPartOrder", 400, f"/{bucket}/k"):
        complete(s3, bucket, "k", upload, [done[number - 1] for number in order])

    only_keys(s3, bucket)


# SPEC: S3 CompleteMultipartUpload / MalformedXML for a document that is not this one
@pytest.mark.parametrize(
    "body",
    [b"", b"text", b"<CompleteMultipartUpload>", b"<CompleteMultipartUpload/>",
     b"<Other><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></Other>",
     complete_document([("x", "etag")]), complete_document([("-1", "etag")]),
     b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
     b"<CompleteMultipartUpload><Part><ETag>a</ETag></Part></CompleteMultipartUpload>"],
    ids=["empty", "text", "unclosed", "no-part", "other-root", "number", "negative", "no-etag",
         "no-number"],
)  # fmt: skip
def test_malformed_completion_is_refused(raw, s3, bucket, body):
    upload = start(s3, bucket, "k")
    send_parts(s3, bucket, "k", upload, {1: b"x"})

    response = raw.request("POST", f"/{bucket}/k", f"uploadId={upload}", body=body)

    codes = ("MalformedXML", "InvalidArgument") if b"-1" in body else "MalformedXML"
    is_raw_refusal(response, codes, 400, f"/{bucket}/k")
    only_keys(s3, bucket)
    assert len(s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]) == 1


# SPEC: S3 CompleteMultipartUpload / ETags in the document with quotes, without, or as references
@pytest.mark.parametrize("form", ['"{}"', "{}", "&quot;{}&quot;", "&#34;{}&#34;"])
def test_etags_are_taken_in_each_form(raw, s3, bucket, form):
    upload = start(s3, bucket, "k")
    send_parts(s3, bucket, "k", upload, {1: b"x"})

    body = complete_document([(1, form.format(md5_hex(b"x")))])
    response = raw.request("POST", f"/{bucket}/k", f"uploadId={upload}", body=body)

    assert response.status == 200, response
    assert response.xml().findtext("ETag") == multipart_etag([b"x"])


# SPEC: S3 UploadPart / part numbers are 1 to 10,000
@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", "", "1.5", "4294967297"])
def test_part_number_out_of_limits_is_refused(raw, s3, bucket, number):
    upload = start(s3, bucket, "k")

    response = raw.request(
        "PUT", f"/{bucket}/k", f"partNumber={number}&uploadId={upload}", body=b"x"
    )

    is_raw_refusal(response, "InvalidArgument", 400, f"/{bucket}/k")
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 UploadPart / part 10,000 is legal
def test_last_part_number_is_accepted(s3, bucket):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {10000: b"x"})

    complete(s3, bucket, "k", upload, done)

    assert content(s3, bucket, "k") == b"x"


# SPEC: S3 CompleteMultipartUpload / 10,001 parts are refused
def test_ten_thousand_and_one_parts_are_refused(raw, s3, bucket):
    upload = start(s3, bucket, "k")
    send_parts(s3, bucket, "k", upload, {1: b"x"})

    body = complete_document([(number, md5_hex(b"x")) for number in range(1, 10002)])
    response = raw.request("POST", f"/{bucket}/k", f"uploadId={upload}", body=body)

    is_raw_refusal(response, ("MalformedXML", "InvalidArgument"), 400)
    only_keys(s3, bucket)


# SPEC: S3 UploadPart / partNumber without uploadId, uploadId without partNumber: not a PutObject
@pytest.mark.parametrize("query", ["partNumber=1", "uploadId=abc"])
def test_half_of_a_part_request_is_no_put(raw, s3, bucket, query):
    response = raw.request("PUT", f"/{bucket}/k", query, body=b"x")

    assert 400 <= response.status < 500, response
    nothing_left(s3, bucket)


# SPEC: S3 UploadPart / a part whose body differs from its digest is not kept
def test_part_with_wrong_digest_is_refused(raw, s3, bucket):
    upload = start(s3, bucket, "k")

    response = raw.request(
        "PUT", f"/{bucket}/k", f"partNumber=1&uploadId={upload}",
        headers=[("Content-MD5", md5_base64(b"other"))], body=b"x" * 100_000,
    )  # fmt: skip

    is_raw_refusal(response, "BadDigest", 400, f"/{bucket}/k")
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 CreateMultipartUpload / NoSuchBucket; headers without a handler are refused
def test_create_is_refused_like_a_put(s3, bucket):
    with refused("NoSuchBucket", 404):
        start(s3, "conf-no-such-bucket", "k")
    for extra in ({"ACL": "public-read"}, {"Tagging": "a=b"}, {"ServerSideEncryption": "aws:kms"}):
        with refused("NotImplemented", 501, f"/{bucket}/k"):
            start(s3, bucket, "k", **extra)
    nothing_left(s3, bucket)


# SPEC: S3 multipart / only the owner of the bucket may touch an upload
def test_upload_of_another_is_refused(s3, s3_alt, bucket):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"x"})
    known = {"Bucket": bucket, "Key": "k", "UploadId": upload}

    with refused("AccessDenied", 403):
        start(s3_alt, bucket, "k")
    with refused("AccessDenied", 403):
        s3_alt.upload_part(PartNumber=2, Body=b"x", **known)
    with refused("AccessDenied", 403):
        s3_alt.list_parts(**known)
    with refused("AccessDenied", 403):
        s3_alt.complete_multipart_upload(MultipartUpload={"Parts": done}, **known)
    with refused("AccessDenied", 403):
        s3_alt.abort_multipart_upload(**known)
    with refused("AccessDenied", 403):
        s3_alt.list_multipart_uploads(Bucket=bucket)

    complete(s3, bucket, "k", upload, done)


# SPEC: S3 CompleteMultipartUpload / x-amz-mp-object-size must be the size of the object
def test_announced_object_size_is_checked(s3, bucket):
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: b"12345"})

    with refused("InvalidRequest", 400):
        complete(s3, bucket, "k", upload, done, MpuObjectSize=6)
    only_keys(s3, bucket)
    complete(s3, bucket, "k", upload, done, MpuObjectSize=5)

    assert content(s3, bucket, "k") == b"12345"


# SPEC: S3 multipart / a larger object with parts across chunk files
@pytest.mark.slow
def test_large_upload_comes_back(s3, bucket):
    parts = [bytes([number]) * (7 * MIB + number) for number in range(4)]

    upload_object(s3, bucket, "k", parts)

    assert md5_hex(content(s3, bucket, "k")) == md5_hex(b"".join(parts))
