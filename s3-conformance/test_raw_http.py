# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as S3 clients and their attackers speak it."""

import pytest
import sigv4
from aws_chunked import http_chunked
from expect import content, is_raw_refusal, nothing_left, only_keys

CHUNKED = ("Transfer-Encoding", "chunked")


# SPEC: RFC 9112 9.3 / one connection carries many requests
def test_connection_is_kept(raw, s3, bucket):
    with raw.connect() as connection:
        for number in range(5):
            head = raw.sign("PUT", f"/{bucket}/k{number}", headers=[("Content-Length", "1")])
            connection.send(head.to_bytes() + b"x")
            assert connection.receive("PUT").status == 200
        connection.send(raw.sign("GET", f"/{bucket}/k0").to_bytes())
        assert connection.receive().body == b"x"

    only_keys(s3, bucket, *(f"k{number}" for number in range(5)))


# SPEC: RFC 9112 9.3 / an error whose body was read keeps the connection too
def test_connection_survives_a_refusal(raw, bucket):
    with raw.connect() as connection:
        connection.send(raw.sign("GET", f"/{bucket}/none").to_bytes())
        assert connection.receive().status == 404
        connection.send(raw.sign("GET", f"/{bucket}").to_bytes())
        assert connection.receive().status == 200


# SPEC: RFC 9112 9.3.2 / pipelined requests are answered in order
def test_pipelined_requests_are_answered_in_order(raw, s3, bucket):
    for number in range(4):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=str(number).encode() * 1000)

    heads = [raw.sign("GET", f"/{bucket}/k{number}").to_bytes() for number in range(4)]
    with raw.connect() as connection:
        connection.send(b"".join(heads))
        stream = connection.socket.makefile("rb")
        for number in range(4):
            status = stream.readline()
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert b" 200 " in status
            assert stream.read(length) == str(number).encode() * 1000


# SPEC: RFC 9112 / Connection: close is obeyed
def test_close_is_obeyed(raw, bucket):
    head = raw.sign("GET", f"/{bucket}", unsigned=[("Connection", "close")])

    with raw.connect() as connection:
        connection.send(head.to_bytes())
        assert connection.receive().status == 200
        assert connection.is_closed_by_server()


# SPEC: RFC 9112 6 / framing that two readers may understand differently is 400 and close
@pytest.mark.parametrize(
    "headers",
    [[("Content-Length", "5"), CHUNKED], [("Content-Length", "5"), ("Content-Length", "6")],
     [("Content-Length", "+5")], [("Content-Length", "5, 6")], [("Content-Length", "0x5")],
     [("Content-Length", "-1")], [("Content-Length", "99999999999999999999")],
     [("Transfer-Encoding", "gzip")], [("Transfer-Encoding", "chunked, gzip")],
     [("Transfer-Encoding", "xchunked")]],
    ids=["both", "two-lengths", "plus", "list", "hex", "negative", "overflow", "gzip", "not-last",
         "unknown"],
)  # fmt: skip
def test_ambiguous_framing_is_refused(raw, s3, bucket, headers):
    head = raw.sign("PUT", f"/{bucket}/k", unsigned=headers)

    with raw.connect() as connection:
        connection.send(head.to_bytes() + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        response = connection.receive("PUT")
        assert response.status in (400, 501), response
        assert connection.is_closed_by_server()
    nothing_left(s3, bucket)


# SPEC: RFC 9112 2, 5 / heads that no client sends
@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
     b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
     b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
     b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n",
     b"GET noslash HTTP/1.1\r\nHost: a\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: a\r\nx: \x00\r\n\r\n", b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ids=["no-host", "two-hosts", "bare-lf", "fold", "name", "space-colon", "version", "two-spaces",
         "tls-record", "target", "nul-value", "nul-method"],
)  # fmt: skip
def test_broken_head_is_refused(raw, data):
    with raw.connect() as connection:
        connection.send(data)
        response = connection.receive()
        assert response.status in (400, 501, 505), response
        assert connection.is_closed_by_server()


# SPEC: RFC 9112 7.1 / broken chunked coding of a body leaves nothing
@pytest.mark.parametrize(
    "body",
    [b"zz\r\nabc\r\n0\r\n\r\n", b"-5\r\nabcde\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n",
     b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"3 \r\nabc\r\n0\r\n\r\n\x00",
     b"3;" + b"x" * 50_000 + b"\r\nabc\r\n0\r\n\r\n",
     b"3\r\nabc\r\n0\r\n" + b"t: x\r\n" * 20_000 + b"\r\n"],
    ids=["hex", "negative", "overrun", "overflow", "bare-lf", "blank", "extension", "trailers"],
)  # fmt: skip
def test_broken_chunks_are_refused(raw, s3, bucket, body):
    headers = [("x-amz-decoded-content-length", "3"), ("x-amz-trailer", "x-amz-checksum-crc32")]
    head = raw.sign(
        "PUT",
        f"/{bucket}/k",
        headers=headers,
        payload_hash=sigv4.UNSIGNED_TRAILER,
        unsigned=[CHUNKED],
    )

    response = raw.send_head(head, body)

    assert response.status == 400, response
    nothing_left(s3, bucket)


# SPEC: RFC 9112 7.1 / HTTP chunks around a body need a length from elsewhere: with
# x-amz-decoded-content-length S3 takes them
def test_chunked_plain_body_needs_a_length(raw, s3, bucket):
    head = raw.sign("PUT", f"/{bucket}/k", unsigned=[CHUNKED])

    is_raw_refusal(raw.send_head(head, http_chunked(b"body")), "MissingContentLength", 411)
    nothing_left(s3, bucket)


# SPEC: RFC 9110 9.3.2 / HEAD has the headers of GET and no body, also for errors
@pytest.mark.parametrize("key,status", [("k", 200), ("none", 404)])
def test_head_never_has_a_body(raw, s3, bucket, key, status):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 100)

    with raw.connect() as connection:
        connection.send(raw.sign("HEAD", f"/{bucket}/{key}").to_bytes())
        response = connection.receive("HEAD")
        assert response.status == status
        connection.send(raw.sign("GET", f"/{bucket}/k").to_bytes())
        assert connection.receive().body == b"x" * 100


# SPEC: RFC 9112 3.2.2 / the absolute form of the target
def test_absolute_target_is_understood(raw, server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    head = raw.sign("GET", f"/{bucket}/k")
    data = head.to_bytes().replace(b"GET /", f"GET {server.endpoint}/".encode(), 1)

    response = raw.exchange(data)

    assert response.status in (200, 400), response
    if response.status == 200:
        assert response.body == b"x"


# SPEC: HTTP/1.0 / a client without keep-alive gets its answer and the end of the connection
def test_http_1_0_is_answered(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    data = raw.sign("GET", f"/{bucket}/k").to_bytes().replace(b"HTTP/1.1", b"HTTP/1.0", 1)

    with raw.connect() as connection:
        connection.send(data)
        response = connection.receive()
        assert (response.status, response.body) == (200, b"x")
        assert connection.is_closed_by_server()


# SPEC: S3 common response headers / request id, Server and Date on every answer, ids differ
def test_common_headers_are_there(raw, bucket):
    answers = [raw.request("GET", f"/{bucket}"), raw.request("GET", f"/{bucket}/none"),
               raw.request("HEAD", f"/{bucket}/none")]  # fmt: skip

    ids = {answer.headers["x-amz-request-id"] for answer in answers}
    assert len(ids) == 3 and None not in ids
    for answer in answers:
        assert answer.headers["Date"] and answer.headers["Server"]


# SPEC: S3 / a body that a GET carries is read and ignored, or refused; never the next request
def test_body_of_a_get_is_no_request(raw, s3, bucket):
    smuggled = raw.sign("DELETE", f"/{bucket}/k").to_bytes()
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    head = raw.sign("GET", f"/{bucket}/k", unsigned=[("Content-Length", str(len(smuggled)))])

    with raw.connect() as connection:
        connection.send(head.to_bytes() + smuggled)
        assert connection.receive().status in (200, 400)
        connection.end_sending()

    assert content(s3, bucket, "k") == b"kept"


# SPEC: S3 / clients that vanish in the middle of a request or an answer harm nobody
def test_vanishing_clients_harm_nobody(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="big", Body=b"x" * 3_000_000)
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("Content-Length", "1000000")]).to_bytes()
    for data in (
        head[:50],
        head,
        head + b"x" * 500_000,
        raw.sign("GET", f"/{bucket}/big").to_bytes(),
    ):
        with raw.connect() as connection:
            connection.send(data)

    assert content(s3, bucket, "big") == b"x" * 3_000_000
    only_keys(s3, bucket, "big")


# SPEC: S3 / clients that stall in a head, in a body or in reading their answer hold nobody up
def test_stalled_clients_hold_nobody_up(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="big", Body=b"x" * 3_000_000)
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("Content-Length", "1000000")]).to_bytes()
    read = raw.sign("GET", f"/{bucket}/big").to_bytes()
    stalled = []
    try:
        for data in (head[:50], head, head + b"x" * 300_000, read) * 20:
            connection = raw.connect()
            connection.send(data)
            stalled.append(connection)

        for number in range(10):
            s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x" * 100_000)
            assert content(s3, bucket, f"k{number}") == b"x" * 100_000
    finally:
        for connection in stalled:
            connection.close()
