# SPDX-License-Identifier: Apache-2.0
"""SigV4 in the Authorization header: each way to get it wrong."""

from datetime import datetime, timedelta, timezone

import pytest
import sigv4
from expect import content, is_raw_refusal, nothing_left
from raw_http import RawClient, head_bytes

HEADER_ERRORS = (
    "AuthorizationHeaderMalformed",
    "InvalidArgument",
    "InvalidRequest",
    "AccessDenied",
)


def replace(head, name, text):
    """Change one header of a signed head; None takes it away."""
    head.headers = [(n, v) for n, v in head.headers if n.lower() != name.lower()]
    if text is not None:
        head.headers.append((name, text))
    return head


def put_head(raw, bucket, **options):
    return raw.sign("PUT", f"/{bucket}/k", headers=[("Content-Length", "1")], **options)


def authorization(head):
    return dict(head.headers)["Authorization"]


# SPEC: SigV4 / a right signature is accepted
def test_right_signature_is_accepted(raw, s3, bucket):
    assert raw.send_head(put_head(raw, bucket), b"x").status == 200
    assert content(s3, bucket, "k") == b"x"


# SPEC: S3 / AccessDenied without any credentials, for every kind of request
@pytest.mark.parametrize(
    "method,target",
    [("GET", "/"), ("GET", "/{b}"), ("HEAD", "/{b}"), ("PUT", "/conf-nobody"), ("DELETE", "/{b}"),
     ("GET", "/{b}/k"), ("HEAD", "/{b}/k"), ("PUT", "/{b}/k"), ("DELETE", "/{b}/k"),
     ("POST", "/{b}?delete"), ("POST", "/{b}/k?uploads"), ("GET", "/{b}?uploads"),
     ("GET", "/{b}/k?attributes"), ("GET", "/{b}?versions")],
)  # fmt: skip
def test_anonymous_request_is_refused(raw, s3, bucket, method, target):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")

    response = raw.unsigned_request(
        method, target.format(b=bucket), body=b"x" if method in ("PUT", "POST") else None
    )

    assert response.status == 403, response
    if method != "HEAD":
        is_raw_refusal(response, "AccessDenied", 403)
    assert content(s3, bucket, "k") == b"kept"


# SPEC: SigV4 / SignatureDoesNotMatch: the signature is not of this request
@pytest.mark.parametrize("change", ["signature", "method", "path", "query", "header", "body-hash"])
def test_wrong_signature_is_refused(raw, s3, bucket, change):
    head = put_head(raw, bucket)
    if change == "signature":
        replace(head, "Authorization", authorization(head)[:-1] + "x")
    elif change == "method":
        head = raw.sign("GET", f"/{bucket}/k", headers=[("Content-Length", "1")])
        head.method = "PUT"
    elif change == "path":
        head.path = f"/{bucket}/other"
    elif change == "query":
        head.query = "x-id=PutObject"
    elif change == "header":
        replace(
            head, "x-amz-date", sigv4.amz_date(datetime.now(timezone.utc) + timedelta(seconds=9))
        )
    else:
        replace(head, "x-amz-content-sha256", sigv4.EMPTY_SHA256)

    response = raw.send_head(head, b"x")

    assert response.status == 403, response
    is_raw_refusal(response, "SignatureDoesNotMatch", 403)
    nothing_left(s3, bucket)


# SPEC: SigV4 / SignatureDoesNotMatch with a wrong secret, InvalidAccessKeyId with an unknown key
def test_wrong_keys_are_refused(server, raw, s3, bucket):
    wrong = RawClient(server.endpoint, raw.signer.access_key, "wrong", server.ca_file)
    unknown = RawClient(server.endpoint, "UNKNOWNKEY0000000000", "wrong", server.ca_file)

    first = wrong.request("PUT", f"/{bucket}/k", body=b"x")
    second = unknown.request("PUT", f"/{bucket}/k", body=b"x")

    is_raw_refusal(first, "SignatureDoesNotMatch", 403)
    is_raw_refusal(second, "InvalidAccessKeyId", 403)
    nothing_left(s3, bucket)


# SPEC: SigV4 / an Authorization header that is not one
@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "Basic YTpi", "Bearer abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ",
     "AWS4-HMAC-SHA256 Credential=", "AWS4-HMAC-SHA256 Credential=a, Signature=b",
     "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=",
     "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=" + "0" * 64,
     "AWS4-HMAC-SHA512 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
     "Signature=" + "0" * 64, "AWS4-HMAC-SHA256 " + "x" * 4000, "AWS key:signature"],
)  # fmt: skip
def test_malformed_authorization_is_refused(raw, s3, bucket, text):
    head = replace(put_head(raw, bucket), "Authorization", text)

    response = raw.send_head(head, b"x")

    assert response.status in (400, 403), response
    is_raw_refusal(response, HEADER_ERRORS, response.status)
    nothing_left(s3, bucket)


# SPEC: SigV4 / each part of the credential scope must be right
@pytest.mark.parametrize("part", ["date", "service", "terminator", "count", "empty-key"])
def test_wrong_scope_is_refused(raw, s3, bucket, part):
    head = put_head(raw, bucket)
    scope = raw.signer.scope(head.timestamp)
    date, region, service, end = scope.split("/")
    wrong = {
        "date": f"20200101/{region}/{service}/{end}",
        "service": f"{date}/{region}/ec2/{end}",
        "terminator": f"{date}/{region}/{service}/aws3_request",
        "count": f"{date}/{region}/{service}/{end}/more",
        "empty-key": scope,
    }[part]
    text = authorization(head).replace(scope, wrong)
    if part == "empty-key":
        text = text.replace(raw.signer.access_key, "")

    response = raw.send_head(replace(head, "Authorization", text), b"x")

    assert response.status in (400, 403), response
    codes = ("AuthorizationHeaderMalformed", "SignatureDoesNotMatch", "InvalidAccessKeyId")
    is_raw_refusal(response, codes, response.status)
    nothing_left(s3, bucket)


# SPEC: SigV4 / AuthorizationHeaderMalformed names the region that the endpoint has
def test_wrong_region_is_told(server, raw, s3, bucket):
    other = RawClient(
        server.endpoint, raw.signer.access_key, raw.signer.secret_key, server.ca_file, "eu-west-9"
    )

    response = other.request("PUT", f"/{bucket}/k", body=b"x")

    is_raw_refusal(response, "AuthorizationHeaderMalformed", 400)
    assert response.xml().findtext("Region") == "us-east-1"
    nothing_left(s3, bucket)


# SPEC: SigV4 / RequestTimeTooSkewed beyond 15 minutes either way
@pytest.mark.parametrize(
    "minutes,is_good",
    [
        (-13, True),
        (13, True),
        (-17, False),
        (17, False),
        (-60 * 24 * 400, False),
        (60 * 24 * 400, False),
    ],
)
def test_clock_skew(raw, s3, bucket, minutes, is_good):
    moment = sigv4.amz_date(datetime.now(timezone.utc) + timedelta(minutes=minutes))

    response = raw.send_head(put_head(raw, bucket, timestamp=moment), b"x")

    if is_good:
        assert response.status == 200, response
    else:
        is_raw_refusal(response, "RequestTimeTooSkewed", 403)
        nothing_left(s3, bucket)


# SPEC: SigV4 / a date is needed; x-amz-date that is none is refused
@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "20261340T000000Z", "2026-01-01T00:00:00Z"]
)
def test_bad_date_is_refused(raw, s3, bucket, text):
    head = replace(put_head(raw, bucket), "x-amz-date", text)

    response = raw.send_head(head, b"x")

    assert response.status in (400, 403), response
    codes = ("AccessDenied", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed",
             "InvalidRequest", "InvalidArgument", "RequestTimeTooSkewed")  # fmt: skip
    is_raw_refusal(response, codes, response.status)
    nothing_left(s3, bucket)


# SPEC: SigV4 / Date serves when x-amz-date is absent
def test_date_header_serves_as_date(raw, s3, bucket):
    timestamp = sigv4.amz_date()
    moment = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ")
    headers = [("Host", raw.host), ("Date", moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))]
    headers += [("x-amz-content-sha256", sigv4.UNSIGNED_PAYLOAD), ("Content-Length", "1")]
    path = f"/{bucket}/k"
    value, _ = raw.signer.authorization(timestamp, "PUT", path, "", headers, sigv4.UNSIGNED_PAYLOAD)

    response = raw.exchange(head_bytes("PUT", path, headers + [("Authorization", value)]) + b"x")

    assert response.status == 200, response
    assert content(s3, bucket, "k") == b"x"


# SPEC: S3 SigV4 / x-amz-content-sha256 is required
def test_missing_payload_hash_is_refused(raw, s3, bucket):
    response = raw.send_head(put_head(raw, bucket, payload_hash=None), b"x")

    assert response.status in (400, 403), response
    is_raw_refusal(response, ("InvalidRequest", "AccessDenied"), response.status)
    nothing_left(s3, bucket)


# SPEC: SigV4 / Host must be signed, and every x-amz- header that is sent
@pytest.mark.parametrize("kind", ["host", "amz"])
def test_unsigned_headers_are_refused(raw, s3, bucket, kind):
    if kind == "amz":
        head = put_head(raw, bucket, unsigned=[("x-amz-meta-late", "1")])
    else:
        timestamp = sigv4.amz_date()
        signed = [("x-amz-date", timestamp), ("x-amz-content-sha256", sigv4.UNSIGNED_PAYLOAD)]
        value, _ = raw.signer.authorization(
            timestamp, "PUT", f"/{bucket}/k", "", signed, sigv4.UNSIGNED_PAYLOAD
        )
        head = put_head(raw, bucket)
        head.headers = [
            ("Host", raw.host),
            *signed,
            ("Authorization", value),
            ("Content-Length", "1"),
        ]

    response = raw.send_head(head, b"x")

    assert response.status in (400, 403), response
    codes = ("AccessDenied", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed")
    is_raw_refusal(response, codes, response.status)
    nothing_left(s3, bucket)


# SPEC: SigV4 / a header in SignedHeaders that is not sent
def test_signed_header_that_is_missing_is_refused(raw, s3, bucket):
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("Content-Length", "1"), ("x-amz-meta-a", "1")])

    response = raw.send_head(replace(head, "x-amz-meta-a", None), b"x")

    is_raw_refusal(response, ("SignatureDoesNotMatch", "AccessDenied"), 403)
    nothing_left(s3, bucket)


# SPEC: SigV4 / white space: values are trimmed and inner runs of blanks count as one
def test_white_space_in_headers_is_canonical(raw, s3, bucket):
    head = raw.sign(
        "PUT", f"/{bucket}/k", headers=[("Content-Length", "1"), ("x-amz-meta-a", "  one   two  ")]
    )

    response = raw.send_head(head, b"x")

    assert response.status == 200, response
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"]["a"].split() == ["one", "two"]


# SPEC: SigV4 / the order of query parameters as sent does not matter, their encoding is canonical
@pytest.mark.parametrize(
    "query",
    ["prefix=a&max-keys=3", "max-keys=3&prefix=a", "max-keys=%33&prefix=%61", "x-id=L&prefix=a",
     "prefix=a%20b%2Bc%2A~", "prefix=&delimiter=", "prefix"],
)  # fmt: skip
def test_query_is_canonical(raw, bucket, query):
    assert raw.request("GET", f"/{bucket}", query).status == 200


# SPEC: SigV4 / a security token that nobody gave is InvalidToken
def test_unknown_session_token_is_refused(raw, s3, bucket):
    headers = [("Content-Length", "1"), ("x-amz-security-token", "AAAA")]

    response = raw.send_head(raw.sign("PUT", f"/{bucket}/k", headers=headers), b"x")

    assert response.status in (400, 403), response
    is_raw_refusal(response, ("InvalidToken", "NotImplemented", "AccessDenied"), response.status)
    nothing_left(s3, bucket)


# SPEC: S3 / Authorization twice is refused
def test_two_authorization_headers_are_refused(raw, s3, bucket):
    head = put_head(raw, bucket)
    head.headers.append(("Authorization", authorization(head)))

    assert raw.send_head(head, b"x").status in (400, 403)
    nothing_left(s3, bucket)


# SPEC: S3 / a refused request does not tell whether bucket or key exist
def test_refusal_does_not_tell_what_exists(raw_alt, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    there = raw_alt.request("GET", f"/{bucket}/k")
    missing = raw_alt.request("GET", f"/{bucket}/none")

    is_raw_refusal(there, "AccessDenied", 403)
    is_raw_refusal(missing, "AccessDenied", 403)
