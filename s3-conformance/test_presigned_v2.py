# SPDX-License-Identifier: Apache-2.0
"""Presigned URLs of signature version 2, which boto3 makes unless it is told another."""

import base64
import hashlib
import hmac
import time
from urllib.parse import quote

import pytest
import requests
from conftest import make_client
from expect import content, is_raw_refusal, nothing_left, only_keys
from raw_http import RawClient
from server import OwnServer
from upload import PART_BYTES, complete, send_parts, start

KEYS = [
    "k",
    "a/b",
    "sp ace+plus&and=is",
    "ü/☃",
    "50%/%41",
    "a//b",
    "trail/",
    "q?r#s;t",
    "(*'!~)",
]


@pytest.fixture(scope="module")
def s3v2(server, main):
    """boto3 with the signature version that it chooses."""
    return make_client(server, main, signature_version=None)


class Urls:
    """Presigns with a client, and checks that it is version 2 that was used."""

    def __init__(self, client):
        self.client = client

    def __call__(self, operation, expires_s=60, **parameters):
        url = self.client.generate_presigned_url(operation, parameters, ExpiresIn=expires_s)
        assert "AWSAccessKeyId=" in url and "X-Amz-Signature" not in url
        return url


@pytest.fixture(scope="module")
def url(s3v2):
    return Urls(s3v2)


@pytest.fixture(scope="module")
def http(server):
    """Requests without credentials."""
    session = requests.Session()
    session.verify = server.ca_file or True
    session.trust_env = False
    yield session
    session.close()


@pytest.fixture
def filled(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    return bucket


def is_refused(answer, code, status=403):
    assert answer.status_code == status, answer.text
    if answer.request.method != "HEAD":
        assert f"<Code>{code}</Code>" in answer.text, answer.text


def signed_target(raw, method, path, expires, query="", resource=None, headers="", types="\n"):
    """A target signed here, for what boto3 does not make; headers and types as they are signed."""
    text = f"{method}\n{types}\n{expires}\n{headers}{resource or path}"
    mac = hmac.new(raw.signer.secret_key.encode(), text.encode(), hashlib.sha1).digest()
    signature = quote(base64.b64encode(mac).decode(), safe="")
    key = raw.signer.access_key
    return f"{path}?{query}AWSAccessKeyId={key}&Expires={expires}&Signature={signature}"


def soon():
    return int(time.time()) + 60


# SPEC: SigV2 query / boto3's own URLs for each verb; keys with special characters
@pytest.mark.parametrize("key", KEYS)
def test_each_verb_on_each_key(http, url, s3, bucket, key):
    place = {"Bucket": bucket, "Key": key}

    assert http.put(url("put_object", **place), data=b"content").status_code == 200
    got = http.get(url("get_object", **place))
    head = http.head(url("head_object", **place))
    assert (got.status_code, got.content) == (200, b"content")
    assert (head.status_code, head.headers["Content-Length"]) == (200, "7")
    only_keys(s3, bucket, key)
    assert http.delete(url("delete_object", **place)).status_code == 204
    nothing_left(s3, bucket)


# SPEC: SigV2 query / a URL is for one method
@pytest.mark.parametrize("method", ["HEAD", "PUT", "POST", "DELETE"])
def test_url_is_for_one_method(http, url, s3, filled, method):
    answer = http.request(method, url("get_object", Bucket=filled, Key="k"), data=b"x")

    is_refused(answer, "SignatureDoesNotMatch")
    assert content(s3, filled, "k") == b"content"


# SPEC: SigV2 query / path, Expires, Signature and what is signed cannot be changed, and no
# sub-resource can be added; refused, nothing is touched
@pytest.mark.parametrize(
    "change",
    ["key", "bucket", "expires", "signature", "access-key", "override", "override-dropped",
     "override-added", "tagging", "acl", "uploads", "version", "part", "escaped"],
)  # fmt: skip
def test_changed_url_is_refused(http, url, s3, filled, change):
    s3.put_object(Bucket=filled, Key="j", Body=b"other")
    good = url("get_object", Bucket=filled, Key="k", ResponseContentType="a/b")
    expires = good.partition("Expires=")[2]
    changed, code = {
        "key": (good.replace("/k?", "/j?"), "SignatureDoesNotMatch"),
        "bucket": (good.replace(f"/{filled}/", f"/{filled}0/"), "SignatureDoesNotMatch"),
        "expires": (good.replace(expires, str(int(expires) + 1)), "SignatureDoesNotMatch"),
        "signature": (good.replace("Signature=", "Signature=A"), "SignatureDoesNotMatch"),
        "access-key": (good.replace("KeyId=", "KeyId=A"), "InvalidAccessKeyId"),
        "override": (good.replace("a%2Fb", "a%2Fc"), "SignatureDoesNotMatch"),
        "override-dropped": (
            good.replace("response-content-type=a%2Fb&", ""),
            "SignatureDoesNotMatch",
        ),
        "override-added": (good + "&response-expires=0", "SignatureDoesNotMatch"),
        "tagging": (good + "&tagging", "SignatureDoesNotMatch"),
        "acl": (good + "&acl", "SignatureDoesNotMatch"),
        "uploads": (good + "&uploads", "SignatureDoesNotMatch"),
        "version": (good + "&versionId=null", "SignatureDoesNotMatch"),
        "part": (good + "&partNumber=1", "SignatureDoesNotMatch"),
        "escaped": (good + "&%74agging", "SignatureDoesNotMatch"),
    }[change]
    assert http.get(good).content == b"content" and changed != good

    is_refused(http.get(changed), code)


# SPEC: SigV2 query / a sub-resource that this version does not sign is refused even in a URL that
# was made with it: who holds any URL could add it
@pytest.mark.parametrize("name", ["attributes", "retention", "legal-hold", "encryption"])
def test_sub_resources_that_are_not_signed_are_refused(http, url, filled, name):
    good = url("get_object", Bucket=filled, Key="k")

    is_refused(http.get(f"{good}&{name}"), "AccessDenied")


# SPEC: SigV2 query / Expires: AccessDenied after it, and where it is no number of seconds
def test_url_expires(http, url, filled):
    good = url("get_object", Bucket=filled, Key="k", expires_s=2)
    expires = int(good.partition("Expires=")[2])

    assert http.get(good).status_code == 200
    late = http.get(url("get_object", Bucket=filled, Key="k", expires_s=-5))
    is_refused(late, "AccessDenied")
    assert "Request has expired" in late.text
    time.sleep(max(0, expires + 1.1 - time.time()))
    is_refused(http.get(good), "AccessDenied")


# SPEC: SigV2 query / a URL may be good for years
def test_url_of_years(raw, filled):
    target = signed_target(raw, "GET", f"/{filled}/k", 4102444800)

    assert raw.unsigned_request("GET", target).body == b"content"


# SPEC: SigV2 query / Expires that is no number of seconds is AccessDenied
@pytest.mark.parametrize("expires", ["x", "-1", "1e10", "4102444800.0", "99999999999999999999", ""])
def test_bad_expiry_is_refused(raw, filled, expires):
    target = signed_target(raw, "GET", f"/{filled}/k", expires)

    is_raw_refusal(raw.unsigned_request("GET", target), "AccessDenied", 403, f"/{filled}/k")


# SPEC: SigV2 query / each of the three parameters is required, and once
@pytest.mark.parametrize("name", ["AWSAccessKeyId", "Expires", "Signature"])
def test_parameters_are_required_once(raw, filled, name):
    path, _, query = signed_target(raw, "GET", f"/{filled}/k", soon()).partition("?")
    others = [item for item in query.split("&") if not item.startswith(name + "=")]
    twice = query.split("&") + [item for item in query.split("&") if item not in others]

    missing = raw.unsigned_request("GET", f"{path}?{'&'.join(others)}")
    repeated = raw.unsigned_request("GET", f"{path}?{'&'.join(twice)}")

    is_raw_refusal(missing, "AccessDenied", 403)
    is_raw_refusal(repeated, "AuthorizationQueryParametersError", 400)


# SPEC: SigV2 query / a signed sub-resource may not come twice
def test_repeated_sub_resource_is_refused(raw, filled):
    target = signed_target(raw, "GET", f"/{filled}/k", soon(), "versionId=null&versionId=null&",
                           f"/{filled}/k?versionId=null&versionId=null")  # fmt: skip

    is_raw_refusal(raw.unsigned_request("GET", target), "SignatureDoesNotMatch", 403)


# SPEC: SigV2 query / with an Authorization header or parameters of version 4: InvalidArgument
def test_two_signatures_are_refused(raw, filled):
    path, _, query = signed_target(raw, "GET", f"/{filled}/k", soon()).partition("?")
    of_version_4 = raw.presigned("GET", f"/{filled}/k").partition("?")[2]

    with_header = raw.request("GET", path, query)
    with_both = raw.unsigned_request("GET", f"{path}?{query}&{of_version_4}")
    with_one = raw.unsigned_request("GET", f"{path}?{query}&X-Amz-Date=20260101T000000Z")

    for response in (with_header, with_both, with_one):
        is_raw_refusal(response, "InvalidArgument", 400)


# SPEC: SigV2 / in the Authorization header it stays refused, with a sentence
def test_header_form_is_refused(raw, filled):
    path = f"/{filled}/k"
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    text = f"GET\n\n\n{date}\n{path}"
    mac = hmac.new(raw.signer.secret_key.encode(), text.encode(), hashlib.sha1).digest()
    value = f"AWS {raw.signer.access_key}:{base64.b64encode(mac).decode()}"

    response = raw.unsigned_request("GET", path, headers=[("Authorization", value), ("Date", date)])

    is_raw_refusal(response, "InvalidRequest", 400)
    assert b"AWS4-HMAC-SHA256" in response.body


# SPEC: SigV2 query / InvalidAccessKeyId, and SignatureDoesNotMatch with the secret of another
def test_wrong_keys_are_refused(server, raw, raw_alt, filled):
    unknown = RawClient(server.endpoint, "UNKNOWNKEY0000000000", "secret", server.ca_file)
    mixed = RawClient(
        server.endpoint, raw.signer.access_key, raw_alt.signer.secret_key, server.ca_file
    )

    for client, code in ((unknown, "InvalidAccessKeyId"), (mixed, "SignatureDoesNotMatch")):
        target = signed_target(client, "GET", f"/{filled}/k", soon())
        is_raw_refusal(raw.unsigned_request("GET", target), code, 403)


# SPEC: SigV2 query / a URL gives what its signer may do, and no more
def test_url_of_another_user_is_refused(raw, raw_alt, filled):
    target = signed_target(raw_alt, "GET", f"/{filled}/k", soon())

    is_raw_refusal(raw.unsigned_request("GET", target), "AccessDenied", 403, f"/{filled}/k")


# SPEC: SigV2 query / session tokens are refused, as there are no temporary credentials
def test_session_token_is_refused(raw, filled):
    target = signed_target(raw, "GET", f"/{filled}/k", soon(), "x-amz-security-token=t&",
                           headers="x-amz-security-token:t\n")  # fmt: skip

    is_raw_refusal(raw.unsigned_request("GET", target), "InvalidToken", 400)


# SPEC: SigV2 query / response-* overrides are signed decoded
def test_overrides(http, url, filled):
    wanted = {
        "ResponseContentDisposition": 'attachment; filename="a+b & c=d.txt"',
        "ResponseContentType": "x/y; charset=utf-8",
        "ResponseCacheControl": "no-cache",
        "ResponseContentLanguage": "de",
        "ResponseContentEncoding": "identity",
    }

    got = http.get(url("get_object", Bucket=filled, Key="k", VersionId="null", **wanted))

    assert (got.status_code, got.content) == (200, b"content"), got.text
    assert got.headers["Content-Disposition"] == wanted["ResponseContentDisposition"]
    assert got.headers["Content-Type"] == "x/y; charset=utf-8"
    assert got.headers["Cache-Control"] == "no-cache"
    assert got.headers["Content-Language"] == "de"


# SPEC: SigV2 query / versionId and partNumber are signed
def test_versions_and_parts(http, url, filled):
    place = {"Bucket": filled, "Key": "k"}

    version = url("get_object", VersionId="null", **place)
    part = url("get_object", PartNumber=1, **place)

    assert http.get(version).content == http.get(part).content == b"content"
    is_refused(http.get(version.replace("=null", "=other")), "SignatureDoesNotMatch")
    is_refused(http.get(part.replace("partNumber=1", "partNumber=2")), "SignatureDoesNotMatch")
    is_refused(http.get(url("get_object", VersionId="n" * 8, **place)), "InvalidArgument", 400)


# SPEC: SigV2 query / the steps of an upload by URL; a part's URL is for one number and one upload
def test_upload_by_urls(http, url, s3, bucket):
    upload = start(s3, bucket, "k")
    other = start(s3, bucket, "k")
    place = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    first, last = b"a" * PART_BYTES, b"tail"

    target = url("upload_part", PartNumber=1, **place)
    is_refused(
        http.put(target.replace("partNumber=1", "partNumber=2"), data=first),
        "SignatureDoesNotMatch",
    )
    is_refused(http.put(target.replace(upload, other), data=first), "SignatureDoesNotMatch")
    is_refused(http.delete(url("abort_multipart_upload", **place).replace(upload, other)),
               "SignatureDoesNotMatch")  # fmt: skip
    sent = http.put(target, data=first)
    assert sent.status_code == 200, sent.text
    done = [{"PartNumber": 1, "ETag": sent.headers["ETag"]}]
    done += send_parts(s3, bucket, "k", upload, {2: last})
    assert "<PartNumber>2</PartNumber>" in http.get(url("list_parts", **place)).text
    complete(s3, bucket, "k", upload, done)

    assert content(s3, bucket, "k") == first + last
    assert http.delete(url("abort_multipart_upload", **{**place, "UploadId": other})).ok


# SPEC: SigV2 query / Content-Type and Content-MD5 that were signed must come as they were signed
def test_content_headers_are_signed(http, url, s3, bucket):
    target = url("put_object", Bucket=bucket, Key="k", ContentType="a/b")

    is_refused(http.put(target, data=b"x"), "SignatureDoesNotMatch")
    other = http.put(target, data=b"x", headers={"Content-Type": "c/d"})
    is_refused(other, "SignatureDoesNotMatch")
    nothing_left(s3, bucket)
    plain = url("put_object", Bucket=bucket, Key="k")
    added = http.put(plain, data=b"x", headers={"Content-Type": "a/b"})
    is_refused(added, "SignatureDoesNotMatch")
    nothing_left(s3, bucket)
    right = http.put(target, data=b"x", headers={"Content-Type": "a/b"})
    assert right.status_code == 200, right.text

    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "a/b"


# SPEC: SigV2 query / x-amz-* that the signer put into the URL count as headers, sent again or not;
# none can be added or changed
def test_amz_headers_of_the_url(http, url, s3, bucket):
    target = url("put_object", Bucket=bucket, Key="k", Metadata={"color": "dark red"})
    assert "x-amz-meta-color=" in target

    changed = http.put(target.replace("dark", "pale"), data=b"x")
    added = http.put(target, data=b"x", headers={"x-amz-meta-size": "1"})
    differs = http.put(target, data=b"x", headers={"x-amz-meta-color": "blue"})
    is_refused(changed, "SignatureDoesNotMatch")
    is_refused(added, "SignatureDoesNotMatch")
    is_refused(differs, "InvalidArgument", 400)
    nothing_left(s3, bucket)
    for headers in ({}, {"x-amz-meta-color": "dark red"}):
        answer = http.put(target, data=b"x", headers=headers)
        assert answer.status_code == 200, answer.text
        assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"color": "dark red"}
        s3.delete_object(Bucket=bucket, Key="k")


# SPEC: SigV2 query / the source of a copy is a signed header too
def test_copy_by_url(http, url, s3, filled):
    s3.put_object(Bucket=filled, Key="secret", Body=b"other")
    target = url(
        "copy_object", Bucket=filled, Key="copy", CopySource={"Bucket": filled, "Key": "k"}
    )

    is_refused(http.put(target.replace("%2Fk", "%2Fsecret")), "SignatureDoesNotMatch")
    plain = url("put_object", Bucket=filled, Key="copy")
    stolen = http.put(plain, headers={"x-amz-copy-source": f"{filled}/secret"})
    is_refused(stolen, "SignatureDoesNotMatch")
    only_keys(s3, filled, "k", "secret")
    assert http.put(target).status_code == 200

    assert content(s3, filled, "copy") == b"content"


# SPEC: SigV2 query / bucket operations: the resource ends with a slash whether the path does or not
def test_bucket_operations(http, url, raw, filled):
    listing = http.get(url("list_objects_v2", Bucket=filled, Prefix="k"))
    buckets = http.get(url("list_buckets"))
    versions = http.get(url("list_object_versions", Bucket=filled))

    assert "<Key>k</Key>" in listing.text and f"<Name>{filled}</Name>" in buckets.text
    assert "<ListVersionsResult" in versions.text
    assert http.head(url("head_bucket", Bucket=filled)).status_code == 200
    without_slash = signed_target(raw, "GET", f"/{filled}", soon())
    assert raw.unsigned_request("GET", without_slash).status == 200
    is_refused(http.delete(url("list_objects_v2", Bucket=filled)), "SignatureDoesNotMatch")
    is_refused(http.get(url("list_objects_v2", Bucket=filled) + "&uploads"), "SignatureDoesNotMatch")


# SPEC: S3 / the prefix /s3 is of the address, not of the resource
def test_address_with_prefix(server, main, http, filled):
    prefixed = Urls(make_client(server.at(server.endpoint + "/s3"), main, signature_version=None))

    good = prefixed("get_object", Bucket=filled, Key="k")

    assert f"/s3/{filled}/k" in good and http.get(good).content == b"content"
    is_refused(http.get(good.replace("/k?", "/j?")), "SignatureDoesNotMatch")


# SPEC: SigV2 query / virtual-hosted style signs the bucket of Host; a URL by path is not one by host
@pytest.mark.parametrize("key", ["k", "sp ace+plus", "a//b"])
def test_virtual_hosted_urls(server, main, http, raw, s3, bucket, domain_resolves, key):
    port = server.host.rpartition(":")[2]
    by_name = server.at(f"{server.scheme}://{server.domain}:{port}")
    client = make_client(by_name, main, addressing_style="virtual", signature_version=None)
    url_by_host = Urls(client)

    target = url_by_host("put_object", Bucket=bucket, Key=key)
    assert f"//{bucket}.{server.domain}:" in target
    assert http.put(target, data=b"content").status_code == 200
    good = url_by_host("get_object", Bucket=bucket, Key=key)
    assert http.get(good).content == b"content"
    listing = http.get(url_by_host("list_objects", Bucket=bucket))
    assert (listing.status_code, listing.text.count("<Key>")) == (200, 1)
    is_refused(http.get(good.replace(f"//{bucket}.", f"//{bucket}0.")), "SignatureDoesNotMatch")


# SPEC: S3 virtual hosting / a URL for /bucket/key by path gives no key of that name of another bucket
def test_url_by_path_is_none_by_host(http, raw, s3, server, filled, make_bucket):
    other = make_bucket(s3)
    s3.put_object(Bucket=other, Key=f"{filled}/k", Body=b"secret")
    target = signed_target(raw, "GET", f"/{filled}/k", soon())

    answer = http.get(server.endpoint + target, headers={"Host": f"{other}.{server.domain}"})

    is_refused(answer, "SignatureDoesNotMatch")
    assert http.get(server.endpoint + target).content == b"content"


# SPEC: loded / --sigv2-presigned off refuses them with a sentence
def test_switched_off(server, s3v2):
    if not isinstance(server, OwnServer):
        pytest.skip("the server was not started here")
    other = OwnServer(server.scheme, ["--sigv2-presigned", "off"])
    try:
        other.start()
        client = make_client(other, other.root, signature_version=None)
        client.create_bucket(Bucket="bucket")
        target = Urls(client)("list_objects", Bucket="bucket")
        answer = requests.get(target, verify=other.ca_file or True, timeout=20)
    finally:
        other.end()

    is_refused(answer, "InvalidRequest", 400)
    assert "AWS4-HMAC-SHA256" in answer.text


# SPEC: loded / signatures and secrets are not in its log
def test_log_holds_no_signature(server, http, url, filled):
    good = url("get_object", Bucket=filled, Key="k")
    signature = good.partition("Signature=")[2].partition("&")[0]
    begun = server.log_size()

    assert http.get(good).status_code == 200
    is_refused(http.get(good.replace("/k?", "/j?")), "SignatureDoesNotMatch")

    assert signature not in server.log_since(begun)
