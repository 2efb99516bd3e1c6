# SPDX-License-Identifier: Apache-2.0
"""Virtual-hosted style: the bucket is in Host, the whole path is the key."""

import pytest
import requests
from conftest import make_client, new_bucket_name
from expect import content, is_raw_refusal, only_keys, refused
from listing import keys_of
from upload import PART_BYTES, upload_object

KEYS = [
    "k",
    "a/b",
    "v1/objects",
    "s3/x",
    "sp ace+plus",
    "ü",
    "/lead",
    "trail/",
    "a//b",
    "../up",
    ".",
]


@pytest.fixture(scope="module")
def port(server):
    return server.host.rpartition(":")[2]


@pytest.fixture
def vhost(server, main, domain_resolves, port):
    """A boto3 client that puts the bucket into the host name."""
    by_name = server.at(f"{server.scheme}://{server.domain}:{port}")
    client = make_client(by_name, main, addressing_style="virtual")
    seen = []
    client.meta.events.register("before-send.s3", lambda request, **_: seen.append(request.url))
    yield client
    assert any(f".{server.domain}:" in url for url in seen), "the style was not used at all"


# SPEC: S3 virtual hosting / objects by host and objects by path are the same
@pytest.mark.parametrize("key", KEYS)
def test_same_object_in_both_styles(vhost, s3, bucket, key):
    vhost.put_object(Bucket=bucket, Key=key, Body=b"by host")
    assert content(s3, bucket, key) == b"by host"

    s3.put_object(Bucket=bucket, Key=key, Body=b"by path")

    assert content(vhost, bucket, key) == b"by path"
    assert keys_of(vhost.list_objects_v2(Bucket=bucket)) == [key]
    vhost.delete_object(Bucket=bucket, Key=key)
    only_keys(s3, bucket)


# SPEC: S3 virtual hosting / bucket operations: the path is /
def test_bucket_operations_by_host(vhost, s3):
    name = new_bucket_name()

    vhost.create_bucket(Bucket=name)
    vhost.head_bucket(Bucket=name)
    assert vhost.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    assert name in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    vhost.delete_bucket(Bucket=name)

    with refused("NoSuchBucket", 404):
        vhost.list_objects_v2(Bucket=name)


# SPEC: S3 virtual hosting / every operation, here those with their own sub-resources
def test_multipart_copy_and_multi_delete_by_host(vhost, bucket):
    upload_object(vhost, bucket, "k", [b"x" * PART_BYTES, b"y"])
    vhost.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert len(content(vhost, bucket, "copy")) == PART_BYTES + 1

    gone = vhost.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "copy"}]})

    assert len(gone["Deleted"]) == 2
    only_keys(vhost, bucket)


# SPEC: S3 virtual hosting / presigned URLs by host
def test_presigned_by_host(vhost, server, bucket):
    vhost.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = vhost.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})

    answer = requests.get(url, verify=server.ca_file or True, timeout=20)

    assert f"//{bucket}.{server.domain}" in url
    assert (answer.status_code, answer.content) == (200, b"x")


# SPEC: S3 virtual hosting / host names have no case; the port does not matter
@pytest.mark.parametrize("form", ["{b}.{d}", "{b}.{d}:{p}", "{B}.{D}", "{b}.{d}:12345"])
def test_host_is_matched_without_case_and_port(raw, server, s3, bucket, port, form):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    host = form.format(b=bucket, d=server.domain, p=port, B=bucket.upper(), D=server.domain.upper())

    response = raw.request("GET", "/k", host=host)

    assert (response.status, response.body) == (200, b"x"), response


# SPEC: S3 virtual hosting / the domain itself is path style; so is any other name
@pytest.mark.parametrize("form", ["{d}", "{d}:{p}", "elsewhere.example", "127.0.0.1", "[::1]:80"])
def test_other_hosts_are_path_style(raw, server, s3, bucket, port, form):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    response = raw.request("GET", f"/{bucket}/k", host=form.format(d=server.domain, p=port))

    assert (response.status, response.body) == (200, b"x"), response


# SPEC: loded / path style also works below /s3, which then is part of what is signed
def test_path_style_below_s3(raw, s3, bucket):
    assert raw.request("PUT", f"/s3/{bucket}/a/k", body=b"below").status == 200

    assert content(s3, bucket, "a/k") == b"below"
    assert raw.request("GET", f"/s3/{bucket}/a/k").body == b"below"
    head = raw.sign("GET", f"/{bucket}/a/k")
    head.path = f"/s3/{bucket}/a/k"
    is_raw_refusal(raw.send_head(head), "SignatureDoesNotMatch", 403)


# SPEC: S3 virtual hosting / the path is the key, never a second bucket name
def test_path_under_a_bucket_host_is_a_key(raw, server, s3, bucket, make_bucket):
    other = make_bucket(s3)
    s3.put_object(Bucket=other, Key="k", Body=b"other")

    response = raw.request("GET", f"/{other}/k", host=f"{bucket}.{server.domain}")

    is_raw_refusal(response, "NoSuchKey", 404)


# SPEC: S3 virtual hosting / Resource of an error, and a bucket that is not there
def test_refusals_by_host(raw, raw_alt, server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    missing = raw.request("GET", "/none", host=f"{bucket}.{server.domain}")
    no_bucket = raw.request("GET", "/k", host=f"conf-no-such-bucket.{server.domain}")
    denied = raw_alt.request("GET", "/k", host=f"{bucket}.{server.domain}")

    is_raw_refusal(missing, "NoSuchKey", 404)
    assert missing.xml().findtext("Resource") in ("/none", f"/{bucket}/none")
    is_raw_refusal(no_bucket, "NoSuchBucket", 404)
    is_raw_refusal(denied, "AccessDenied", 403)


# SPEC: S3 virtual hosting / a signature for one host is none for another
def test_signature_covers_the_host(raw, server, s3, bucket, make_bucket):
    other = make_bucket(s3)
    s3.put_object(Bucket=other, Key="k", Body=b"other")
    head = raw.sign("GET", "/k", host=f"{bucket}.{server.domain}")
    head.headers = [
        (name, f"{other}.{server.domain}" if name == "Host" else value)
        for name, value in head.headers
    ]

    is_raw_refusal(raw.send_head(head), "SignatureDoesNotMatch", 403)
