# SPDX-License-Identifier: Apache-2.0
"""Names and sizes at their limits, one below and one above."""

from urllib.parse import quote

import pytest
from expect import content, is_raw_refusal, nothing_left, only_keys, refused
from listing import keys_of
from upload import start

METADATA_BYTES = 2048  # names and values of all x-amz-meta- headers, without that prefix
HEADER_BYTES = 8192


def path_of(bucket, key):
    """The request path of a key, given as text or bytes, every byte that may be encoded."""
    return f"/{bucket}/" + quote(key, safe="")


# SPEC: S3 object keys / up to 1,024 bytes of UTF-8, in segments of any length
@pytest.mark.parametrize(
    "key",
    ["k" * 1024, "é" * 512, "日" * 341 + "x", "\U0001f600" * 256, "s/" * 512, "a/" + "b" * 1022],
    ids=["ascii", "two-byte", "three-byte", "four-byte", "segments", "long-segment"],
)
def test_key_of_1024_bytes_is_accepted(s3, bucket, key):
    assert len(key.encode()) == 1024

    s3.put_object(Bucket=bucket, Key=key, Body=b"x")

    assert content(s3, bucket, key) == b"x"
    only_keys(s3, bucket, key)


# SPEC: S3 object keys / KeyTooLongError for 1,025 bytes, in every operation that takes a key
@pytest.mark.parametrize(
    "method,query,body",
    [("PUT", "", b"x"), ("GET", "", None), ("DELETE", "", None), ("POST", "uploads", b""),
     ("GET", "attributes", None)],
    ids=["put", "get", "delete", "create-upload", "attributes"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["k" * 1025, "é" * 512 + "x"], ids=["ascii", "two-byte"])
def test_key_of_1025_bytes_is_refused(raw, s3, bucket, method, query, body, key):
    headers = [("x-amz-object-attributes", "ETag")] if query == "attributes" else []

    response = raw.request(method, path_of(bucket, key), query, headers=headers, body=body)

    is_raw_refusal(response, "KeyTooLongError", 400)
    nothing_left(s3, bucket)


# SPEC: S3 CopyObject / a source key of 1,025 bytes, a destination key of 1,025 bytes
@pytest.mark.parametrize("side", ["source", "destination"])
def test_copy_with_too_long_key_is_refused(raw, s3, bucket, side):
    s3.put_object(Bucket=bucket, Key="src", Body=b"x")
    source, target = ("k" * 1025, "dst") if side == "source" else ("src", "k" * 1025)

    response = raw.request(
        "PUT", f"/{bucket}/{target}", headers=[("x-amz-copy-source", f"/{bucket}/{source}")]
    )

    assert response.status in (400, 404), response
    is_raw_refusal(response, ("KeyTooLongError", "NoSuchKey", "InvalidArgument"), response.status)
    only_keys(s3, bucket, "src")


# SPEC: S3 object keys / NUL and bytes that are no UTF-8 are refused
@pytest.mark.parametrize(
    "raw_key",
    [
        b"a\x00b",
        b"\x00",
        b"\xff",
        b"a\xc3",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xfe\xff",
    ],
    ids=["nul", "only-nul", "ff", "cut", "overlong", "surrogate", "above-10ffff", "bom16"],
)
@pytest.mark.parametrize(
    "method,query", [("PUT", ""), ("GET", ""), ("DELETE", ""), ("POST", "uploads")]
)
def test_key_that_is_no_text_is_refused(raw, s3, bucket, method, query, raw_key):
    body = b"x" if method in ("PUT", "POST") else None

    response = raw.request(method, path_of(bucket, raw_key), query, body=body)

    is_raw_refusal(response, ("InvalidURI", "InvalidArgument"), 400)
    nothing_left(s3, bucket)


# SPEC: S3 object keys / a key is its bytes: dot segments, slashes and case are kept as they are
AWKWARD_KEYS = [
    "a", "a/", "a//", "a//b", "/a", "//a", "/", "//", ".", "..", "./a", "../a", "a/..", "a/.",
    "a/./b", "a/../b", "a/..//../b", "...", "A", "é", "e\u0301", "a\\b", "a b", "a+b", "%2e%2e",
    "%00", "~", "?", "#", "&", "=", ";", ":", "@", "$", ",", "a?b#c", "con", "nul.txt", "a:b",
    "\u202e",
    "\x01", "\x1f", "\x7f", "\r\n", "<xml/>", "]]>", "&amp;", "v1/x", "s3/x", "index.html",
]  # fmt: skip


# SPEC: S3 object keys / all of these side by side in one bucket, each with its own content
def test_awkward_keys_live_side_by_side(raw, s3, bucket):
    for number, key in enumerate(AWKWARD_KEYS):
        response = raw.request("PUT", path_of(bucket, key), body=str(number).encode())
        assert response.status == 200, (key, response)

    assert sorted(keys_of(s3.list_objects_v2(Bucket=bucket))) == sorted(AWKWARD_KEYS)
    for number, key in enumerate(AWKWARD_KEYS):
        response = raw.request("GET", path_of(bucket, key))
        assert (response.status, response.body) == (200, str(number).encode()), key
    for key in AWKWARD_KEYS:
        assert raw.request("DELETE", path_of(bucket, key)).status == 204, key
    nothing_left(s3, bucket)


# SPEC: S3 object keys / a slash and a dot may come encoded or plain, and mean the same key
@pytest.mark.parametrize(
    "plain,encoded",
    [("a/b", "a%2Fb"), ("a/../b", "a%2F..%2Fb"), ("../b", "%2E%2E/b"), ("a//b", "a%2F/b"),
     ("~a", "%7Ea"), ("a+b", "a%2Bb"), ("a", "%61")],
)  # fmt: skip
def test_encoding_of_the_path_does_not_matter(raw, s3, bucket, plain, encoded):
    assert raw.request("PUT", f"/{bucket}/{plain}", body=b"x").status == 200

    response = raw.request("GET", f"/{bucket}/{encoded}")

    assert (response.status, response.body) == (200, b"x")
    only_keys(s3, bucket, plain)


# SPEC: RFC 3986 2.1 / a percent sign without two hex digits is InvalidURI
@pytest.mark.parametrize("path", ["%", "a%", "%2", "%zz", "a%0"])
def test_broken_percent_encoding_is_refused(raw, s3, bucket, path):
    response = raw.request("PUT", f"/{bucket}/{path}", body=b"x")

    assert response.status in (400, 403), response
    is_raw_refusal(response, ("InvalidURI", "SignatureDoesNotMatch"), response.status)
    nothing_left(s3, bucket)


def metadata_of(size, headers=4):
    """Headers whose names and values together have exactly this many bytes."""
    each, rest = divmod(size, headers)
    fields = []
    for number in range(headers):
        name = f"n{number}"
        length = each + (rest if number == 0 else 0) - len(name)
        fields.append((f"x-amz-meta-{name}", "v" * length))
    return fields


# SPEC: S3 user metadata / 2 KiB of names and values; MetadataTooLarge above
@pytest.mark.parametrize("size,is_good", [(METADATA_BYTES - 1, True), (METADATA_BYTES, True),
                                          (METADATA_BYTES + 1, False), (6000, False)])  # fmt: skip
def test_metadata_limit(raw, s3, bucket, size, is_good):
    response = raw.request("PUT", f"/{bucket}/k", headers=metadata_of(size), body=b"x")

    if is_good:
        assert response.status == 200, response
        found = s3.head_object(Bucket=bucket, Key="k")["Metadata"]
        assert sum(len(name) + len(value) for name, value in found.items()) == size
    else:
        is_raw_refusal(response, "MetadataTooLarge", 400, f"/{bucket}/k")
        nothing_left(s3, bucket)


# SPEC: S3 user metadata / the same limit for CreateMultipartUpload and for CopyObject with REPLACE
@pytest.mark.parametrize("operation", ["create", "copy"])
def test_metadata_limit_of_other_operations(raw, s3, bucket, operation):
    s3.put_object(Bucket=bucket, Key="src", Body=b"x")
    headers = metadata_of(METADATA_BYTES + 1)
    if operation == "copy":
        headers += [
            ("x-amz-copy-source", f"/{bucket}/src"),
            ("x-amz-metadata-directive", "REPLACE"),
        ]
        response = raw.request("PUT", f"/{bucket}/k", headers=headers)
    else:
        response = raw.request("POST", f"/{bucket}/k", "uploads", headers=headers)

    is_raw_refusal(response, "MetadataTooLarge", 400, f"/{bucket}/k")
    only_keys(s3, bucket, "src")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# SPEC: S3 PUT requests / the header section has at most 8 KiB
@pytest.mark.parametrize(
    "size,is_good", [(HEADER_BYTES - 1000, True), (HEADER_BYTES + 1000, False)]
)
def test_header_limit(raw, s3, bucket, size, is_good):
    headers = [("Content-Disposition", "x" * (size - 400))]

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=b"x")

    if is_good:
        assert response.status == 200, response
    else:
        assert response.status in (400, 431), response
        nothing_left(s3, bucket)


# SPEC: S3 / a header section without end is refused, not stored
def test_endless_headers_are_refused(raw, server):
    data = f"GET / HTTP/1.1\r\nHost: {server.host}\r\n".encode()
    data += b"".join(b"x-%d: %s\r\n" % (number, b"y" * 1000) for number in range(200))

    with raw.connect() as connection:
        connection.send(data + b"\r\n")
        assert connection.receive().status in (400, 431)


# SPEC: S3 request documents / 5 MiB of XML are refused
@pytest.mark.parametrize("query,path", [("delete", ""), ("uploadId=x", "/k"), (None, "")])
def test_huge_document_is_refused(raw, s3, bucket, query, path):
    if query and query.startswith("uploadId"):
        query = f"uploadId={start(s3, bucket, 'k')}"
    filler = b"<Object><Key>" + b"k" * 1000 + b"</Key></Object>"
    body = b"<Delete>" + filler * 5200 + b"</Delete>"
    assert len(body) > 5 * 1024 * 1024
    target = "/conf-huge-document" if query is None else f"/{bucket}{path}"

    response = raw.request(
        "PUT" if query is None else "POST", target, query or "",
        headers=[("x-amz-checksum-crc32", "AAAAAA==")] if query == "delete" else [], body=body,
    )  # fmt: skip

    codes = ("MalformedXML", "EntityTooLarge", "MaxMessageLengthExceeded", "BadDigest")
    is_raw_refusal(response, codes, 400)
    only_keys(s3, bucket)


# SPEC: S3 request documents / depth and entities are bounded
@pytest.mark.parametrize("kind", ["deep", "entities", "external", "utf16-lie"])
def test_hostile_documents_are_refused(raw, s3, bucket, kind):
    upload = start(s3, bucket, "k")
    body = {
        "deep": b"<CompleteMultipartUpload>" * 3000 + b"</CompleteMultipartUpload>" * 3000,
        "entities": b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 1000 + b'">'
        b'<!ENTITY c "&b;&b;&b;&b;&b;&b;">]><CompleteMultipartUpload>&c;</CompleteMultipartUpload>',
        "external": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'
        b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&b;</ETag></Part>"
        b"</CompleteMultipartUpload>",
        "utf16-lie": b'<?xml version="1.0" encoding="UTF-16"?><CompleteMultipartUpload/>',
    }[kind]

    response = raw.request("POST", f"/{bucket}/k", f"uploadId={upload}", body=body)

    is_raw_refusal(response, "MalformedXML", 400, f"/{bucket}/k")
    only_keys(s3, bucket)


# SPEC: S3 PutObject / EntityTooLarge: an announced body above 5 GiB is refused on its head
@pytest.mark.parametrize("length,is_good", [(5 * 1024**3 + 1, False), (2**62, False)])
def test_announced_size_limit(raw, s3, bucket, length, is_good):
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("Content-Length", str(length))])

    response = raw.exchange(head.to_bytes() + b"x", "PUT")

    is_raw_refusal(response, "EntityTooLarge", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 UploadPart / EntityTooLarge: a part above 5 GiB
def test_announced_part_limit(raw, s3, bucket):
    upload = start(s3, bucket, "k")
    headers = [("Content-Length", str(5 * 1024**3 + 1))]
    head = raw.sign("PUT", f"/{bucket}/k", f"partNumber=1&uploadId={upload}", headers=headers)

    is_raw_refusal(raw.exchange(head.to_bytes() + b"x", "PUT"), "EntityTooLarge", 400)
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


# SPEC: S3 object keys / `a` and `a/b` and `a/b/c` are three objects
def test_key_may_be_the_prefix_of_another(s3, bucket):
    for key in ("a", "a/b", "a/b/c"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())

    s3.delete_object(Bucket=bucket, Key="a/b")

    assert content(s3, bucket, "a") == b"a"
    assert content(s3, bucket, "a/b/c") == b"a/b/c"
    with refused("NoSuchKey", 404):
        s3.get_object(Bucket=bucket, Key="a/b")
