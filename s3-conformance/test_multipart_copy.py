# SPDX-License-Identifier: Apache-2.0
"""UploadPartCopy, ListParts and ListMultipartUploads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from checksums import md5_hex, multipart_etag
from expect import content, is_raw_refusal, refused
from listing import WRITERS
from upload import PART_BYTES, complete, send_parts, start

SIZE = PART_BYTES + 70_000
DATA = bytes(number * 31 % 256 for number in range(70_000)) + b"s" * PART_BYTES


@pytest.fixture(scope="module")
def sources(s3, make_module_bucket):
    """src holds DATA; nobody changes it."""
    name = make_module_bucket(s3)
    s3.put_object(Bucket=name, Key="src", Body=DATA)
    s3.put_object(Bucket=name, Key="sp ace/ü", Body=b"spaced")
    return name


def copy_part(s3, bucket, upload, number, sources, key="src", **extra):
    result = s3.upload_part_copy(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=number,
        CopySource={"Bucket": sources, "Key": key}, **extra,
    )["CopyPartResult"]  # fmt: skip
    return {"PartNumber": number, "ETag": result["ETag"]}


# SPEC: S3 UploadPartCopy / whole sources and ranges become parts beside uploaded ones
def test_copied_and_sent_parts_make_an_object(s3, bucket, sources):
    upload = start(s3, bucket, "k")
    done = [
        copy_part(s3, bucket, upload, 1, sources),
        copy_part(s3, bucket, upload, 2, sources, CopySourceRange=f"bytes=10-{PART_BYTES + 9}"),
        *send_parts(s3, bucket, "k", upload, {3: b"sent" * (PART_BYTES // 4)}),
        copy_part(s3, bucket, upload, 4, sources, key="sp ace/ü"),
    ]

    result = complete(s3, bucket, "k", upload, done)

    bodies = [DATA, DATA[10 : PART_BYTES + 10], b"sent" * (PART_BYTES // 4), b"spaced"]
    assert result["ETag"] == multipart_etag(bodies)
    assert md5_hex(content(s3, bucket, "k")) == md5_hex(b"".join(bodies))


# SPEC: S3 UploadPartCopy / the answer has ETag and LastModified of the part
def test_result_describes_the_part(s3, bucket, sources):
    upload = start(s3, bucket, "k")

    result = s3.upload_part_copy(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=1,
        CopySource=f"{sources}/src", CopySourceRange="bytes=0-99",
    )["CopyPartResult"]  # fmt: skip

    assert result["ETag"] == f'"{md5_hex(DATA[:100])}"'
    assert abs(datetime.now(timezone.utc) - result["LastModified"]) < timedelta(minutes=2)
    (part,) = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert (part["Size"], part["ETag"]) == (100, result["ETag"])


# SPEC: S3 UploadPartCopy / a range is bytes=first-last, whole inside the source
@pytest.mark.parametrize(
    "header",
    ["0-2", "bytes=0", "bytes=-5", "bytes=5-", "bytes=hello-world", "bytes=0-bar", "bytes=5-2",
     "bytes=0-2,4-6", f"bytes=0-{SIZE}", f"bytes={SIZE}-{SIZE + 4}", "bytes=", "lines=1-2"],
)  # fmt: skip
def test_improper_range_is_refused(raw, s3, bucket, sources, header):
    upload = start(s3, bucket, "k")
    headers = [("x-amz-copy-source", f"/{sources}/src"), ("x-amz-copy-source-range", header)]

    response = raw.request(
        "PUT", f"/{bucket}/k", f"partNumber=1&uploadId={upload}", headers=headers
    )

    assert response.status in (400, 416), response
    is_raw_refusal(response, ("InvalidArgument", "InvalidRange"), response.status, f"/{bucket}/k")
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 UploadPartCopy / NoSuchKey, NoSuchBucket, NoSuchUpload
def test_missing_things_are_refused(s3, bucket, sources):
    upload = start(s3, bucket, "k")

    with refused("NoSuchKey", 404):
        copy_part(s3, bucket, upload, 1, sources, key="none")
    with refused("NoSuchBucket", 404):
        copy_part(s3, bucket, upload, 1, "conf-no-such-bucket")
    with refused("NoSuchUpload", 404):
        copy_part(s3, bucket, "bm9uZQ", 1, sources)
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 UploadPartCopy / AccessDenied for another's source
def test_source_of_another_is_refused(s3, s3_alt, sources, make_bucket):
    own = make_bucket(s3_alt)
    upload = start(s3_alt, own, "k")

    with refused("AccessDenied", 403):
        copy_part(s3_alt, own, upload, 1, sources)

    assert "Parts" not in s3_alt.list_parts(Bucket=own, Key="k", UploadId=upload)


# SPEC: S3 UploadPartCopy / x-amz-copy-source-if-*
def test_source_conditions(s3, bucket, sources):
    upload = start(s3, bucket, "k")
    etag = s3.head_object(Bucket=sources, Key="src")["ETag"]

    with refused("PreconditionFailed", 412):
        copy_part(s3, bucket, upload, 1, sources, CopySourceIfMatch='"other"')
    with refused("PreconditionFailed", 412):
        copy_part(s3, bucket, upload, 1, sources, CopySourceIfNoneMatch=etag)
    copy_part(s3, bucket, upload, 2, sources, CopySourceIfMatch=etag)

    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert [part["PartNumber"] for part in listed] == [2]


# SPEC: S3 UploadPartCopy / a part lives on when its source is overwritten before completion
def test_part_does_not_depend_on_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key="tmp", Body=DATA)
    upload = start(s3, bucket, "k")
    done = [copy_part(s3, bucket, upload, 1, bucket, key="tmp")]
    s3.put_object(Bucket=bucket, Key="tmp", Body=b"other")
    s3.delete_object(Bucket=bucket, Key="tmp")

    complete(s3, bucket, "k", upload, done)

    assert content(s3, bucket, "k") == DATA


# SPEC: S3 ListParts / number, size, ETag and date of each part, in order, with paging
def test_parts_are_listed_in_pages(s3, bucket):
    upload = start(s3, bucket, "k")
    bodies = {number: bytes([number]) * number for number in (5, 1, 3, 9, 200)}
    send_parts(s3, bucket, "k", upload, bodies)

    shown, marker = [], 0
    while True:
        page = s3.list_parts(
            Bucket=bucket, Key="k", UploadId=upload, MaxParts=2, PartNumberMarker=marker
        )
        shown += page.get("Parts", [])
        assert (page["Bucket"], page["Key"], page["UploadId"]) == (bucket, "k", upload)
        assert page["MaxParts"] == 2 and page["PartNumberMarker"] == marker
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]

    assert [part["PartNumber"] for part in shown] == sorted(bodies)
    for part in shown:
        body = bodies[part["PartNumber"]]
        assert (part["Size"], part["ETag"]) == (len(body), f'"{md5_hex(body)}"')
        assert abs(datetime.now(timezone.utc) - part["LastModified"]) < timedelta(minutes=2)
    assert page["StorageClass"] == "STANDARD"
    assert page["Owner"]["ID"] and page["Initiator"]["ID"]


# SPEC: S3 ListParts / max-parts and part-number-marker out of limits are InvalidArgument
@pytest.mark.parametrize(
    "query", ["max-parts=-1", "max-parts=x", "part-number-marker=-1", "part-number-marker=x"]
)
def test_bad_part_paging_is_refused(raw, s3, bucket, query):
    upload = start(s3, bucket, "k")

    response = raw.request("GET", f"/{bucket}/k", f"uploadId={upload}&{query}")

    is_raw_refusal(response, "InvalidArgument", 400, f"/{bucket}/k")


# SPEC: S3 ListParts, ListMultipartUploads / a page holds 1,000 entries unless asked otherwise
@pytest.mark.slow
def test_default_pages_hold_a_thousand(s3, bucket):
    upload = start(s3, bucket, "many")
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda n: send_parts(s3, bucket, "many", upload, {n: b"x"}), range(1, 1002)))
        list(pool.map(lambda n: start(s3, bucket, f"k{n:04}"), range(1000)))

    parts = s3.list_parts(Bucket=bucket, Key="many", UploadId=upload)
    uploads = s3.list_multipart_uploads(Bucket=bucket)

    assert [part["PartNumber"] for part in parts["Parts"]] == list(range(1, 1001))
    assert parts["IsTruncated"] is True and parts["MaxParts"] == 1000
    assert [entry["Key"] for entry in uploads["Uploads"]] == [f"k{n:04}" for n in range(1000)]
    assert uploads["IsTruncated"] is True and uploads["MaxUploads"] == 1000
    s3.abort_multipart_upload(Bucket=bucket, Key="many", UploadId=upload)


# SPEC: S3 ListMultipartUploads / by key, then by start; prefix and delimiter as in ListObjects
def test_uploads_are_listed_in_order(s3, bucket):
    ids = [(key, start(s3, bucket, key)) for key in ("b/2", "a", "b/1", "a", "c")]

    page = s3.list_multipart_uploads(Bucket=bucket)
    listed = [(entry["Key"], entry["UploadId"]) for entry in page["Uploads"]]
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    inside = s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")

    assert [key for key, _ in listed] == ["a", "a", "b/1", "b/2", "c"]
    assert sorted(listed) == sorted(ids)
    assert [upload for key, upload in listed if key == "a"] == [ids[1][1], ids[3][1]]
    assert [entry["Key"] for entry in rolled["Uploads"]] == ["a", "a", "c"]
    assert [entry["Prefix"] for entry in rolled["CommonPrefixes"]] == ["b/"]
    assert [entry["Key"] for entry in inside["Uploads"]] == ["b/1", "b/2"]
    for entry in page["Uploads"]:
        assert entry["StorageClass"] == "STANDARD"
        assert entry["Owner"]["ID"] and entry["Initiator"]["ID"]
        assert abs(datetime.now(timezone.utc) - entry["Initiated"]) < timedelta(minutes=2)


# SPEC: S3 ListMultipartUploads / key-marker and upload-id-marker: each upload on exactly one page
@pytest.mark.parametrize("size", [1, 2, 3])
def test_upload_pages_show_each_once(s3, bucket, size):
    ids = {start(s3, bucket, key) for key in ("a", "a", "a", "b", "c/d", "c/e")}

    shown, markers = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **markers)
        shown += [entry["UploadId"] for entry in page["Uploads"]]
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    assert len(shown) == len(ids) and set(shown) == ids


# SPEC: S3 ListMultipartUploads / key-marker alone begins after all uploads of that key
def test_key_marker_alone_skips_the_key(s3, bucket):
    for key in ("a", "a", "b"):
        start(s3, bucket, key)

    page = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a")

    assert [entry["Key"] for entry in page["Uploads"]] == ["b"]


# SPEC: S3 ListMultipartUploads / max-uploads that is no number is InvalidArgument
@pytest.mark.parametrize("query", ["max-uploads=-1", "max-uploads=x", "encoding-type=x"])
def test_bad_upload_paging_is_refused(raw, bucket, query):
    response = raw.request("GET", f"/{bucket}", f"uploads&{query}")

    is_raw_refusal(response, "InvalidArgument", 400, f"/{bucket}")


# SPEC: S3 ListMultipartUploads / completed and aborted uploads are not listed
def test_finished_uploads_are_not_listed(s3, bucket):
    kept, done, gone = (start(s3, bucket, key) for key in ("kept", "done", "gone"))
    complete(s3, bucket, "done", done, send_parts(s3, bucket, "done", done, {1: b"x"}))
    s3.abort_multipart_upload(Bucket=bucket, Key="gone", UploadId=gone)

    page = s3.list_multipart_uploads(Bucket=bucket)

    assert [entry["UploadId"] for entry in page["Uploads"]] == [kept]
