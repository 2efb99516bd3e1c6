# SPDX-License-Identifier: Apache-2.0
"""Every value of x-amz-content-sha256: what is accepted, and each way to lie about a body."""

import hashlib

import pytest
import sigv4
from checksums import ALGORITHMS, header, md5_hex, member, value
from expect import content, is_raw_refusal, nothing_left, refused
from payload import CHUNKED, EVERY, HASH, SHORT_NAMES, SIGNED, TRAILED, Upload
from raw_http import RawClient
from upload import complete, start

DATA = bytes(number * 17 % 251 for number in range(200_000))  # four chunks of 64 KiB
MODES = pytest.mark.parametrize("mode", EVERY, ids=SHORT_NAMES.get)
CHUNKED_MODES = pytest.mark.parametrize("mode", CHUNKED, ids=SHORT_NAMES.get)
SIGNED_MODES = pytest.mark.parametrize("mode", SIGNED, ids=SHORT_NAMES.get)
TRAILED_MODES = pytest.mark.parametrize("mode", TRAILED, ids=SHORT_NAMES.get)
MALFORMED = ("IncompleteBody", "InvalidRequest", "InvalidArgument", "MalformedTrailerError",
             "InvalidChunkSizeError")  # fmt: skip


def put(raw, bucket, mode, data=DATA, **options):
    return Upload(raw, mode, f"/{bucket}/k", data, **options)


def is_malformed(response, s3, bucket):
    is_raw_refusal(response, MALFORMED, 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: SigV4 payload modes / the object is the body without any framing
@MODES
@pytest.mark.parametrize("data", [b"", b"x", DATA], ids=["empty", "byte", "large"])
def test_each_mode_stores_the_body(raw, s3, bucket, mode, data):
    response = put(raw, bucket, mode, data).send()

    assert response.status == 200, response
    assert response.headers["ETag"] == f'"{md5_hex(data)}"'
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == data
    assert "ContentEncoding" not in found


# SPEC: SigV4 payload modes / UploadPart takes each mode too
@MODES
def test_each_mode_stores_a_part(raw, s3, bucket, mode):
    upload = start(s3, bucket, "k")
    query = f"partNumber=1&uploadId={upload}"

    response = Upload(raw, mode, f"/{bucket}/k", DATA, query).send()

    assert response.status == 200, response
    complete(s3, bucket, "k", upload, [{"PartNumber": 1, "ETag": response.headers["ETag"]}])
    assert content(s3, bucket, "k") == DATA


# SPEC: aws-chunked / HTTP's own chunked coding around it is taken off first
@CHUNKED_MODES
def test_http_chunks_around_aws_chunks(raw, s3, bucket, mode):
    response = put(raw, bucket, mode).send(http_chunked=True)

    assert response.status == 200, response
    assert content(s3, bucket, "k") == DATA


# SPEC: aws-chunked / chunks of other sizes, from 8 KiB on, the last of any size
@CHUNKED_MODES
@pytest.mark.parametrize("chunk_bytes", [8192, 8193, 100_000, 1_000_000])
def test_chunks_of_many_sizes(raw, s3, bucket, mode, chunk_bytes):
    response = put(raw, bucket, mode, chunk_bytes=chunk_bytes).send()

    assert response.status == 200, response
    assert content(s3, bucket, "k") == DATA


# SPEC: aws-chunked trailers / each checksum algorithm is checked and kept
@TRAILED_MODES
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_trailing_checksum_is_kept(raw, s3, bucket, mode, algorithm):
    response = put(raw, bucket, mode, algorithm=algorithm).send()

    assert response.status == 200, response
    assert response.headers[header(algorithm)] == value(algorithm, DATA)
    shown = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert shown[member(algorithm)] == value(algorithm, DATA)


# SPEC: aws-chunked trailers / BadDigest: the trailing checksum is not the body's
@TRAILED_MODES
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_wrong_trailing_checksum_is_refused(raw, s3, bucket, mode, algorithm):
    wrong = [(header(algorithm), value(algorithm, b"other"))]

    response = put(raw, bucket, mode, trailers=wrong).send()

    is_raw_refusal(response, "BadDigest", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: aws-chunked trailers / a value that is no checksum, a trailer that was not announced, one
# that was and does not come, and one that is no checksum at all
@TRAILED_MODES
@pytest.mark.parametrize(
    "trailers,announced",
    [([(header("CRC32"), "not base64")], header("CRC32")),
     ([(header("CRC32"), "AAA=")], header("CRC32")),
     ([(header("CRC32"), value("CRC32", DATA))], header("SHA256")),
     ([], header("CRC32")),
     ([(header("CRC32"), value("CRC32", DATA)), (header("SHA1"), value("SHA1", DATA))],
      header("CRC32")),
     ([("x-amz-meta-late", "1")], "x-amz-meta-late")],
    ids=["text", "short", "other-name", "absent", "second", "no-checksum"],
)  # fmt: skip
def test_bad_trailers_are_refused(raw, s3, bucket, mode, trailers, announced):
    response = put(raw, bucket, mode, trailers=trailers, announced=announced).send()

    is_malformed(response, s3, bucket)


# SPEC: SigV4 single chunk / XAmzContentSHA256Mismatch: the body is not the signed one
def test_body_that_differs_from_its_hash_is_refused(raw, s3, bucket):
    upload = put(raw, bucket, HASH)
    upload.frames = [DATA[:-1] + b"!"]

    is_raw_refusal(upload.send(), "XAmzContentSHA256Mismatch", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: SigV4 / a declared Content-Length that the body does not reach leaves nothing
@MODES
def test_truncated_body_leaves_nothing(raw, s3, bucket, mode):
    upload = put(raw, bucket, mode)
    body = b"".join(upload.frames)
    upload.head.headers.append(("Content-Length", str(len(body))))

    with raw.connect() as connection:
        connection.send(upload.head.to_bytes() + body[:-3])
        connection.end_sending()

    nothing_left(s3, bucket)


# SPEC: SigV4 chunk signatures / each chunk's signature is checked, also of the last, empty one
@SIGNED_MODES
@pytest.mark.parametrize("index", [0, 1, 3, 4], ids=["first", "second", "last", "zero"])
def test_wrong_chunk_signature_is_refused(raw, s3, bucket, mode, index):
    upload = put(raw, bucket, mode)
    at = upload.frames[index].index(b"chunk-signature=") + 16
    flipped = b"1" if upload.frames[index][at : at + 1] == b"0" else b"0"
    upload.frames[index] = upload.frames[index][:at] + flipped + upload.frames[index][at + 1 :]

    is_raw_refusal(upload.send(), "SignatureDoesNotMatch", 403, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: SigV4 chunk signatures / data changed under the signature, chunks exchanged, repeated or
# left out
@SIGNED_MODES
@pytest.mark.parametrize("change", ["data", "swap", "repeat", "drop"])
def test_changed_chunks_are_refused(raw, s3, bucket, mode, change):
    upload = put(raw, bucket, mode)
    frames = upload.frames
    if change == "data":
        frames[1] = frames[1][:-10] + b"!" + frames[1][-9:]
    elif change == "swap":
        frames[0], frames[1] = frames[1], frames[0]
    elif change == "repeat":
        frames.insert(1, frames[0])
    else:
        del frames[1]

    response = upload.send()

    assert response.status in (400, 403), response
    is_raw_refusal(response, ("SignatureDoesNotMatch", *MALFORMED), response.status)
    nothing_left(s3, bucket)


# SPEC: SigV4 chunk signatures / the chain begins at the request's signature with this secret: a
# right head does not vouch for chunks signed with another key
@SIGNED_MODES
def test_chunks_signed_with_another_secret_are_refused(raw, s3, bucket, mode):
    right = put(raw, bucket, mode)
    secret = raw.signer.secret_key
    raw.signer.secret_key = "another"
    try:
        wrong = put(raw, bucket, mode)
    finally:
        raw.signer.secret_key = secret
    right.frames = wrong.frames

    is_raw_refusal(right.send(), "SignatureDoesNotMatch", 403, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: SigV4 trailer signature / it is required and checked
@pytest.mark.parametrize("change", ["wrong", "missing", "value"])
def test_bad_trailer_signature_is_refused(raw, s3, bucket, change):
    upload = put(raw, bucket, sigv4.SIGNED_CHUNKS_TRAILER)
    before, _, after = upload.frames[-1].partition(b"x-amz-trailer-signature:")
    if change == "wrong":
        upload.frames[-1] = before + b"x-amz-trailer-signature:" + b"0" * 64 + after[64:]
    elif change == "missing":
        upload.frames[-1] = before + b"\r\n"
    else:
        right = value("CRC32", DATA).encode()
        upload.frames[-1] = upload.frames[-1].replace(right, value("CRC32", b"o").encode())

    response = upload.send()

    assert response.status in (400, 403), response
    codes = ("SignatureDoesNotMatch", "MalformedTrailerError", "BadDigest", *MALFORMED)
    is_raw_refusal(response, codes, response.status, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: aws-chunked / x-amz-decoded-content-length is the size of the object: more or less data is
# IncompleteBody
@CHUNKED_MODES
@pytest.mark.parametrize("difference", [-1, 1, -len(DATA), 1_000_000, -70_000])
def test_wrong_decoded_length_is_refused(raw, s3, bucket, mode, difference):
    response = put(raw, bucket, mode, decoded=len(DATA) + difference).send()

    is_malformed(response, s3, bucket)


# SPEC: aws-chunked / MissingContentLength without x-amz-decoded-content-length
@CHUNKED_MODES
def test_missing_decoded_length_is_refused(raw, s3, bucket, mode):
    response = put(raw, bucket, mode, decoded=None).send()

    is_raw_refusal(response, "MissingContentLength", 411, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: aws-chunked / x-amz-decoded-content-length that is no length
@CHUNKED_MODES
@pytest.mark.parametrize("text", ["-1", "x", "1.5", "0x10", "18446744073709551616", ""])
def test_bad_decoded_length_is_refused(raw, s3, bucket, mode, text):
    response = put(raw, bucket, mode, decoded=text).send()

    assert response.status in (400, 411), response
    codes = ("InvalidArgument", "InvalidRequest", "MissingContentLength", "EntityTooLarge")
    is_raw_refusal(response, codes, response.status, f"/{bucket}/k")
    nothing_left(s3, bucket)


def spoil_size(text):
    def spoil(frames):
        size, separator, rest = frames[1].partition(b"\r\n")
        extension = size[size.find(b";") :] if b";" in size else b""
        frames[1] = text + extension + separator + rest

    return spoil


def drop_data_end(frames):
    frames[1] = frames[1][:-2] + b"XX"


def drop_zero_chunk(frames):
    del frames[-1]


def add_after_the_end(frames):
    frames.append(b"more")


def add_chunk_after_the_end(frames):
    frames.append(frames[0])


def use_bare_line_feeds(frames):
    frames[0] = frames[0].replace(b"\r\n", b"\n", 1)


def add_endless_extension(frames):
    frames[1] = frames[1].replace(b"\r\n", b";a=" + b"x" * 100_000 + b"\r\n", 1)


SPOILS = {
    "size-text": spoil_size(b"zz"),
    "size-empty": spoil_size(b""),
    "size-negative": spoil_size(b"-10000"),
    "size-wraps": spoil_size(b"10000000000010000"),
    "size-huge": spoil_size(b"7fffffffffffffff"),
    "size-long": spoil_size(b"0" * 5000 + b"10000"),
    "data-end": drop_data_end,
    "no-zero-chunk": drop_zero_chunk,
    "after-end": add_after_the_end,
    "chunk-after-end": add_chunk_after_the_end,
    "bare-lf": use_bare_line_feeds,
    "long-extension": add_endless_extension,
}


# SPEC: aws-chunked / malformed framing is IncompleteBody or InvalidRequest and leaves nothing
@CHUNKED_MODES
@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_malformed_framing_is_refused(raw, s3, bucket, mode, spoil):
    upload = put(raw, bucket, mode)
    spoil(upload.frames)

    response = upload.send()

    assert response.status in (400, 403), response
    codes = (*MALFORMED, "SignatureDoesNotMatch")  # a changed size also changes what was signed
    is_raw_refusal(response, codes, response.status, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: SigV4 chunk signatures / a chunk without chunk-signature
@SIGNED_MODES
@pytest.mark.parametrize("kind", ["none", "short", "name"])
def test_chunk_without_signature_is_refused(raw, s3, bucket, mode, kind):
    upload = put(raw, bucket, mode)
    size, _, rest = upload.frames[0].partition(b";")
    signature, _, data = rest.partition(b"\r\n")
    extension = {
        "none": b"",
        "short": b";" + signature[:-10],
        "name": b";" + signature.replace(b"chunk-signature", b"chunk-signatura"),
    }[kind]
    upload.frames[0] = size + extension + b"\r\n" + data

    response = upload.send()

    assert response.status in (400, 403), response
    codes = (*MALFORMED, "SignatureDoesNotMatch")
    is_raw_refusal(response, codes, response.status, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: aws-chunked / InvalidChunkSizeError: every chunk but the last has 8 KiB or more
@SIGNED_MODES
def test_small_chunk_before_the_last_is_refused(raw, s3, bucket, mode):
    response = put(raw, bucket, mode, chunk_bytes=8191).send()

    assert response.status in (400, 403), response
    is_raw_refusal(response, "InvalidChunkSizeError", response.status, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: x-amz-content-sha256 / SigV4A forms are NotImplemented, other words InvalidArgument
@pytest.mark.parametrize(
    "word,code,status",
    [(sigv4.ECDSA_CHUNKS, "NotImplemented", 501),
     (sigv4.ECDSA_CHUNKS_TRAILER, "NotImplemented", 501),
     ("STREAMING-UNSIGNED-PAYLOAD", "InvalidArgument", 400),
     ("STREAMING-AWS4-HMAC-SHA512-PAYLOAD", "InvalidArgument", 400),
     ("unsigned-payload", "InvalidArgument", 400),
     ("0" * 63, "InvalidArgument", 400),
     ("g" * 64, "InvalidArgument", 400),
     ("", "InvalidArgument", 400)],
    ids=["ecdsa", "ecdsa-trailer", "no-trailer", "sha512", "lower-case", "short", "no-hex",
         "empty"],
)  # fmt: skip
def test_unknown_payload_words_are_refused(raw, s3, bucket, word, code, status):
    headers = [("x-amz-decoded-content-length", "1"), ("Content-Length", "1")]
    head = raw.sign("PUT", f"/{bucket}/k", headers=headers, payload_hash=word)

    is_raw_refusal(raw.send_head(head, b"x"), code, status, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: aws-chunked / Content-Encoding may lack aws-chunked; other codings of it are kept
@CHUNKED_MODES
@pytest.mark.parametrize("sent,kept", [(None, None), ("gzip", "gzip")], ids=["none", "gzip"])
def test_coding_header_is_not_required(raw, s3, bucket, mode, sent, kept):
    upload = put(raw, bucket, mode, headers=[("Content-Encoding", sent)] if sent else [])

    assert upload.send().status == 200
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found.get("ContentEncoding") == kept
    assert found["Body"].read() == DATA


# SPEC: Content-MD5 and x-amz-checksum-* are of the plain bytes, without the framing
@CHUNKED_MODES
def test_head_digests_are_of_the_plain_bytes(raw, s3, bucket, mode):
    digest = [(header("SHA256"), value("SHA256", b"other"))]
    if mode == sigv4.SIGNED_CHUNKS:
        right = [(header("SHA256"), value("SHA256", DATA))]
        assert put(raw, bucket, mode, headers=right).send().status == 200
        s3.delete_object(Bucket=bucket, Key="k")

    response = put(raw, bucket, mode, headers=digest).send()

    codes = "BadDigest" if mode == sigv4.SIGNED_CHUNKS else ("BadDigest", "InvalidRequest")
    is_raw_refusal(response, codes, 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: SigV4 / no payload mode gets past a request whose own signature is wrong, missing, made
# with an unknown key, or carried in the query
@MODES
@pytest.mark.parametrize("flaw", ["signature", "missing", "key", "query"])
@pytest.mark.parametrize("query", ["", "partNumber=1&uploadId=", "delete", "uploads"])
def test_no_mode_bypasses_authentication(raw, s3, bucket, mode, flaw, query):
    upload_id = start(s3, bucket, "k") if query.startswith("part") else ""
    method = "POST" if query in ("delete", "uploads") else "PUT"
    path = f"/{bucket}" if query == "delete" else f"/{bucket}/k"
    client = raw
    if flaw == "key":
        client = RawClient(raw.endpoint, "UNKNOWNKEY0000000000", "secret", raw.ca_file)
    upload = Upload(client, mode, path, DATA, query + upload_id, method)
    headers = upload.head.headers
    name, authorization = headers.pop()
    if flaw == "signature":
        headers.append((name, authorization[:-4] + "0000"))
    elif flaw == "key":
        headers.append((name, authorization))
    elif flaw == "query":
        scope = raw.signer.scope(upload.head.timestamp)
        upload.head.query += (
            f"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={raw.signer.access_key}%2F"
            f"{scope.replace('/', '%2F')}&X-Amz-Date={upload.head.timestamp}&X-Amz-Expires=300"
            f"&X-Amz-SignedHeaders=host&X-Amz-Signature={'0' * 64}"
        )

    response = upload.send()

    codes = {"key": ["InvalidAccessKeyId"], "missing": ["AccessDenied"]}.get(flaw)
    codes = codes or ["SignatureDoesNotMatch", "AccessDenied"]
    if method == "POST" and mode in CHUNKED:  # these routes may refuse the mode before they look
        codes += ["InvalidRequest", "InvalidArgument"]
    assert response.status in (400, 403), response
    is_raw_refusal(response, codes, response.status)
    if upload_id:
        assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id)
    else:
        nothing_left(s3, bucket)


# SPEC: SigV4 single chunk / the hash of an empty body is not a wildcard
def test_empty_hash_with_a_body_is_refused(raw, s3, bucket):
    response = raw.request(
        "PUT", f"/{bucket}/k", body=b"body", payload_hash=hashlib.sha256(b"").hexdigest()
    )

    is_raw_refusal(response, "XAmzContentSHA256Mismatch", 400, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 UploadPart / a part with spoiled framing is not kept
@CHUNKED_MODES
def test_spoiled_part_is_not_kept(raw, s3, bucket, mode):
    upload_id = start(s3, bucket, "k")
    upload = Upload(raw, mode, f"/{bucket}/k", DATA, f"partNumber=1&uploadId={upload_id}")
    upload.frames[2] = upload.frames[2][:100]

    response = upload.send()

    assert response.status in (400, 403), response
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload_id)
    with refused("InvalidPart", 400):
        complete(s3, bucket, "k", upload_id, [{"PartNumber": 1, "ETag": md5_hex(DATA)}])
