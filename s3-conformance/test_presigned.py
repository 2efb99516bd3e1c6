# SPDX-License-Identifier: Apache-2.0
"""Presigned URLs: what they allow, and the edges of their clock."""

from datetime import datetime, timedelta, timezone

import pytest
import requests
import sigv4
from conftest import make_client
from expect import content, is_raw_refusal, nothing_left
from raw_http import RawClient

WEEK_S = 7 * 24 * 3600


def timestamp(**ago):
    return sigv4.amz_date(datetime.now(timezone.utc) - timedelta(**ago))


@pytest.fixture
def filled(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    return bucket


# SPEC: SigV4 query / a presigned GET needs no other credentials
def test_presigned_get_returns_the_object(raw, filled):
    response = raw.unsigned_request("GET", raw.presigned("GET", f"/{filled}/k"))

    assert (response.status, response.body) == (200, b"content")


# SPEC: SigV4 query / boto3's own presigned URLs for each verb, used with another HTTP client
def test_urls_of_boto3_work(server, s3, bucket):
    def url(operation, **extra):
        return s3.generate_presigned_url(
            operation, Params={"Bucket": bucket, "Key": "a key/ü+%", **extra}, ExpiresIn=60
        )

    verify = server.ca_file or True
    put = requests.put(url("put_object"), data=b"content", verify=verify, timeout=20)
    got = requests.get(url("get_object", ResponseContentType="x/y"), verify=verify, timeout=20)
    head = requests.head(url("head_object"), verify=verify, timeout=20)
    gone = requests.delete(url("delete_object"), verify=verify, timeout=20)

    assert put.status_code == 200, put.text
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, b"content", "x/y")
    assert (head.status_code, head.headers["Content-Length"]) == (200, "7")
    assert gone.status_code == 204
    nothing_left(s3, bucket)


# SPEC: SigV4 query / a URL signed for GET does not allow HEAD, PUT or DELETE
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
def test_url_is_for_one_method(raw, s3, filled, method):
    target = raw.presigned("GET", f"/{filled}/k")

    response = raw.unsigned_request(method, target, body=b"x" if method == "PUT" else None)

    assert response.status == 403, response
    assert content(s3, filled, "k") == b"content"


# SPEC: SigV4 query / path, parameters and signed headers cannot be changed
@pytest.mark.parametrize("change", ["key", "parameter", "added", "expires", "signature", "date"])
def test_changed_url_is_refused(raw, s3, filled, change):
    s3.put_object(Bucket=filled, Key="other", Body=b"other")
    target = raw.presigned("GET", f"/{filled}/k", "response-content-type=a%2Fb")
    target = {
        "key": target.replace(f"/{filled}/k", f"/{filled}/other"),
        "parameter": target.replace("a%2Fb", "a%2Fc"),
        "added": target + "&response-content-language=de",
        "expires": target.replace("X-Amz-Expires=300", "X-Amz-Expires=301"),
        "signature": target[:-1] + ("0" if target[-1] != "0" else "1"),
        "date": target.replace("T", "T", 1).replace("X-Amz-Date=2", "X-Amz-Date=2", 1) + "0",
    }[change]

    is_raw_refusal(raw.unsigned_request("GET", target), "SignatureDoesNotMatch", 403)


# SPEC: SigV4 query / signed headers must come as signed
def test_signed_header_must_be_sent(raw, s3, bucket):
    target = raw.presigned("PUT", f"/{bucket}/k", headers=[("Content-Type", "a/b")])

    without = raw.unsigned_request("PUT", target, body=b"x")
    other = raw.unsigned_request("PUT", target, headers=[("Content-Type", "c/d")], body=b"x")
    is_raw_refusal(without, ("SignatureDoesNotMatch", "AccessDenied"), 403)
    is_raw_refusal(other, "SignatureDoesNotMatch", 403)
    nothing_left(s3, bucket)
    right = raw.unsigned_request("PUT", target, headers=[("Content-Type", "a/b")], body=b"x")

    assert right.status == 200, right


# SPEC: SigV4 query / X-Amz-Expires: until X-Amz-Date plus that many seconds, at most a week
@pytest.mark.parametrize(
    "ago,expires",
    [(0, 60), (100, 160), (0, WEEK_S), (WEEK_S - 120, WEEK_S), (3600, 7200)],
    ids=["now", "late", "week", "end-of-week", "half"],
)
def test_url_works_until_it_expires(raw, filled, ago, expires):
    target = raw.presigned("GET", f"/{filled}/k", expires=expires, timestamp=timestamp(seconds=ago))

    assert raw.unsigned_request("GET", target).status == 200


# SPEC: SigV4 query / AccessDenied after that
@pytest.mark.parametrize(
    "ago,expires",
    [(10, 5), (2, 1), (3600, 3590), (WEEK_S + 5, WEEK_S), (365 * 24 * 3600, WEEK_S)],
    ids=["seconds", "one", "hour", "week", "year"],
)
def test_expired_url_is_refused(raw, filled, ago, expires):
    target = raw.presigned("GET", f"/{filled}/k", expires=expires, timestamp=timestamp(seconds=ago))

    is_raw_refusal(raw.unsigned_request("GET", target), "AccessDenied", 403, f"/{filled}/k")


# SPEC: SigV4 query / X-Amz-Expires is 1 to 604,800
@pytest.mark.parametrize(
    "expires", ["0", "-1", str(WEEK_S + 1), "x", "", "1.5", "99999999999999999999"]
)
def test_bad_expiry_is_refused(raw, filled, expires):
    target = raw.presigned("GET", f"/{filled}/k", expires=expires)

    response = raw.unsigned_request("GET", target)

    if expires == "0":  # refused either as malformed or as expired
        assert response.status in (400, 403), response
        codes = ("AuthorizationQueryParametersError", "AccessDenied")
        is_raw_refusal(response, codes, response.status)
    else:
        is_raw_refusal(response, "AuthorizationQueryParametersError", 400)


# SPEC: SigV4 query / a date up to 15 minutes ahead is a clock that differs; more is not valid yet
def test_url_from_the_future(raw, filled):
    near = raw.presigned("GET", f"/{filled}/k", timestamp=timestamp(minutes=-13))
    far = raw.presigned("GET", f"/{filled}/k", timestamp=timestamp(minutes=-17))

    assert raw.unsigned_request("GET", near).status == 200
    is_raw_refusal(raw.unsigned_request("GET", far), ("AccessDenied", "RequestTimeTooSkewed"), 403)


# SPEC: SigV4 query / every X-Amz- parameter is required, once, and well formed
@pytest.mark.parametrize(
    "name",
    ["X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"],
)
def test_missing_parameter_is_refused(raw, filled, name):
    path, _, query = raw.presigned("GET", f"/{filled}/k").partition("?")
    query = "&".join(item for item in query.split("&") if not item.startswith(name + "="))

    response = raw.unsigned_request("GET", f"{path}?{query}")

    assert response.status in (400, 403), response
    is_raw_refusal(response, ("AuthorizationQueryParametersError", "AccessDenied"), response.status)


# SPEC: SigV4 query / malformed values are AuthorizationQueryParametersError
@pytest.mark.parametrize(
    "name,text",
    [("X-Amz-Algorithm", "AWS4-HMAC-SHA512"), ("X-Amz-Credential", "nonsense"),
     ("X-Amz-Credential", "a%2F20260101%2Fus-east-1%2Fs3%2Faws4_something"),
     ("X-Amz-Credential", "a%2Fb%2Fc%2Fd%2Fe%2Ff%2Fg"), ("X-Amz-Date", "yesterday"),
     ("X-Amz-Date", "20261340T000000Z")],
)  # fmt: skip
def test_malformed_parameter_is_refused(raw, filled, name, text):
    path, _, query = raw.presigned("GET", f"/{filled}/k").partition("?")
    items = [f"{name}={text}" if item.startswith(name + "=") else item for item in query.split("&")]

    response = raw.unsigned_request("GET", f"{path}?{'&'.join(items)}")

    assert response.status in (400, 403), response
    codes = ("AuthorizationQueryParametersError", "InvalidAccessKeyId", "AccessDenied")
    is_raw_refusal(response, codes, response.status)


# SPEC: SigV4 query / InvalidAccessKeyId, and SignatureDoesNotMatch with the secret of another
def test_wrong_keys_are_refused(server, raw, raw_alt, filled):
    unknown = RawClient(server.endpoint, "UNKNOWNKEY0000000000", "secret", server.ca_file)
    mixed = RawClient(
        server.endpoint, raw.signer.access_key, raw_alt.signer.secret_key, server.ca_file
    )

    first = raw.unsigned_request("GET", unknown.presigned("GET", f"/{filled}/k"))
    second = raw.unsigned_request("GET", mixed.presigned("GET", f"/{filled}/k"))

    is_raw_refusal(first, "InvalidAccessKeyId", 403)
    is_raw_refusal(second, "SignatureDoesNotMatch", 403)


# SPEC: SigV4 query / a URL gives what its signer may do, and no more
def test_url_of_another_user_is_refused(raw, raw_alt, filled):
    response = raw.unsigned_request("GET", raw_alt.presigned("GET", f"/{filled}/k"))

    is_raw_refusal(response, "AccessDenied", 403, f"/{filled}/k")


# SPEC: SigV4 / both an Authorization header and query parameters is InvalidArgument
def test_two_signatures_are_refused(raw, filled):
    path, _, query = raw.presigned("GET", f"/{filled}/k").partition("?")

    response = raw.request("GET", path, query)

    is_raw_refusal(response, "InvalidArgument", 400)


# SPEC: SigV4 query / parameters of the operation are signed with the rest: multipart by URL
def test_presigned_upload_of_parts(raw, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]

    target = raw.presigned("PUT", f"/{bucket}/k", f"partNumber=1&uploadId={upload}")
    response = raw.unsigned_request("PUT", target, body=b"part")

    assert response.status == 200, response
    (part,) = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert part["Size"] == 4


# SPEC: SigV4 query / the payload is unsigned: x-amz-content-sha256 may be absent
def test_presigned_put_takes_any_body(raw, s3, bucket):
    target = raw.presigned("PUT", f"/{bucket}/k")

    assert raw.unsigned_request("PUT", target, body=b"any").status == 200
    assert content(s3, bucket, "k") == b"any"


# SPEC: SigV4 query / HEAD of a bucket and listings can be presigned too
def test_presigned_bucket_operations(server, raw, main, filled):
    verify = server.ca_file or True
    client = make_client(server, main)
    listing = client.generate_presigned_url(
        "list_objects_v2", Params={"Bucket": filled, "Prefix": "k"}
    )

    answer = requests.get(listing, verify=verify, timeout=20)

    assert answer.status_code == 200 and "<Key>k</Key>" in answer.text
    assert raw.unsigned_request("HEAD", raw.presigned("HEAD", f"/{filled}")).status == 200
