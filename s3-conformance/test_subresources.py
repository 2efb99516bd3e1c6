# SPDX-License-Identifier: Apache-2.0
"""Sub-resources and headers without a handler: refused, and nothing is touched."""

import pytest
from expect import content, is_raw_refusal, only_keys

# Sub-resources of the S3 model that this server does not keep.  None of them may fall through to
# the plain verb: DELETE /bucket?tagging is no DeleteBucket.
BUCKET_SETTINGS = [
    "abac", "accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering",
    "inventory", "lifecycle", "logging", "metadataConfiguration", "metadataTable",
    "metadataInventoryTable", "metadataJournalTable", "metrics", "notification", "object-lock",
    "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication",
    "requestPayment", "tagging", "versioning", "website",
]  # fmt: skip
OBJECT_SETTINGS = [
    "acl", "legal-hold", "retention", "tagging", "torrent", "restore", "select&select-type=2",
    "renameObject", "encryption", "annotation",
]  # fmt: skip
# What S3 says of a setting that was never made; a GET may say so instead of 501.
UNSET = {
    "NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration",
    "NoSuchTagSet", "NoSuchWebsiteConfiguration", "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError",
    "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError", "NoSuchConfiguration",
    "NoSuchObjectLockConfiguration", "InvalidRequest", "MetadataConfigurationNotFound",
}  # fmt: skip


@pytest.fixture
def kept(s3, bucket):
    """k with content that must stay."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept", Metadata={"m": "1"})
    return bucket


def nothing_changed(s3, bucket):
    only_keys(s3, bucket, "k")
    assert content(s3, bucket, "k") == b"kept"
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": "1"}
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# SPEC: S3 PUT and DELETE of a bucket sub-resource without a handler / NotImplemented
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
@pytest.mark.parametrize("name", BUCKET_SETTINGS)
def test_bucket_setting_is_not_the_bucket(raw, s3, kept, method, name):
    body = None if method == "DELETE" else b"<X/>"

    response = raw.request(method, f"/{kept}", name, body=body)

    assert response.status in (405, 501), response
    is_raw_refusal(response, ("NotImplemented", "MethodNotAllowed"), response.status, f"/{kept}")
    nothing_changed(s3, kept)


# SPEC: S3 DELETE of a bucket sub-resource / an empty bucket stays too
@pytest.mark.parametrize(
    "name", ["tagging", "policy", "lifecycle", "cors", "unknown-thing", "website"]
)
def test_deleting_a_setting_keeps_an_empty_bucket(raw, s3, bucket, name):
    response = raw.request("DELETE", f"/{bucket}", name)

    if name == "unknown-thing":  # not in the model: S3 ignores unknown parameters, and so may we
        assert response.status in (204, 400, 501), response
        if response.status == 204:
            s3.create_bucket(Bucket=bucket)
    else:
        is_raw_refusal(response, "NotImplemented", 501, f"/{bucket}")
    s3.head_bucket(Bucket=bucket)


# SPEC: S3 GET of a bucket sub-resource / what S3 says of an unset one, or NotImplemented; never a
# listing
@pytest.mark.parametrize("name", BUCKET_SETTINGS)
def test_reading_a_bucket_setting_is_no_listing(raw, kept, name):
    response = raw.request("GET", f"/{kept}", name)

    assert b"ListBucketResult" not in response.body, response
    if response.status == 200:
        assert response.xml().tag.endswith(
            ("Configuration", "Policy", "Status", "Controls", "Result", "Output", "Tagging")
        ), response
    else:
        assert response.status in (400, 404, 501), response
        is_raw_refusal(response, (*UNSET, "NotImplemented"), response.status, f"/{kept}")


# SPEC: S3 GetBucketVersioning / never set: an empty configuration
def test_versioning_was_never_set(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


# SPEC: S3 GET of unset configurations / S3's own code for each
@pytest.mark.parametrize(
    "name,code",
    [("policy", "NoSuchBucketPolicy"), ("cors", "NoSuchCORSConfiguration"),
     ("lifecycle", "NoSuchLifecycleConfiguration"), ("tagging", "NoSuchTagSet"),
     ("website", "NoSuchWebsiteConfiguration"),
     ("replication", "ReplicationConfigurationNotFoundError"),
     ("object-lock", "ObjectLockConfigurationNotFoundError"),
     ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration")],
)  # fmt: skip
def test_unset_configuration_has_its_code(raw, bucket, name, code):
    is_raw_refusal(raw.request("GET", f"/{bucket}", name), code, 404, f"/{bucket}")


# SPEC: S3 PUT, POST and DELETE of an object sub-resource without a handler / NotImplemented
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
@pytest.mark.parametrize("name", OBJECT_SETTINGS)
def test_object_setting_is_not_the_object(raw, s3, kept, method, name):
    body = None if method == "DELETE" else b"<X/>"

    response = raw.request(method, f"/{kept}/k", name, body=body)

    assert response.status in (405, 501), response
    is_raw_refusal(response, ("NotImplemented", "MethodNotAllowed"), response.status, f"/{kept}/k")
    nothing_changed(s3, kept)


# SPEC: S3 GET of an object sub-resource / never the content
@pytest.mark.parametrize("name", OBJECT_SETTINGS)
def test_reading_an_object_setting_is_no_content(raw, kept, name):
    response = raw.request("GET", f"/{kept}/k", name)

    assert response.body != b"kept", response
    if response.status == 200:
        assert response.xml().tag in ("Tagging", "AccessControlPolicy"), response
    else:
        assert response.status in (400, 404, 405, 501), response


# SPEC: S3 PutObject, CreateMultipartUpload / headers without a handler are NotImplemented
@pytest.mark.parametrize(
    "name,text",
    [("x-amz-acl", "public-read"), ("x-amz-grant-read", 'id="x"'),
     ("x-amz-server-side-encryption", "aws:kms"),
     ("x-amz-server-side-encryption-customer-algorithm", "AES256"), ("x-amz-tagging", "a=b"),
     ("x-amz-website-redirect-location", "/other"), ("x-amz-object-lock-mode", "GOVERNANCE"),
     ("x-amz-object-lock-legal-hold", "ON"), ("x-amz-write-offset-bytes", "4")],
)  # fmt: skip
@pytest.mark.parametrize("query,method", [("", "PUT"), ("uploads", "POST")], ids=["put", "upload"])
def test_header_without_a_handler_is_refused(raw, s3, kept, name, text, query, method):
    response = raw.request(method, f"/{kept}/k", query, headers=[(name, text)], body=b"over")

    assert response.status in (400, 501), response
    codes = ("NotImplemented", "InvalidRequest", "InvalidArgument")
    is_raw_refusal(response, codes, response.status, f"/{kept}/k")
    nothing_changed(s3, kept)


# SPEC: S3 PutObject / headers that ask for what is true anyway are accepted
@pytest.mark.parametrize(
    "name,text", [("x-amz-acl", "private"), ("x-amz-storage-class", "STANDARD"),
                  ("x-amz-acl", "bucket-owner-full-control")],
)  # fmt: skip
def test_header_that_is_true_anyway_is_accepted(raw, s3, bucket, name, text):
    response = raw.request("PUT", f"/{bucket}/k", headers=[(name, text)], body=b"x")

    assert response.status == 200, response
    only_keys(s3, bucket, "k")


# SPEC: S3 GetObject / unknown x-amz- headers on reads do not matter
def test_unknown_header_on_a_read_is_ignored(raw, kept):
    response = raw.request("GET", f"/{kept}/k", headers=[("x-amz-something-new", "1")])

    assert (response.status, response.body) == (200, b"kept")


# SPEC: S3 / x-id, which client libraries add, has no meaning
@pytest.mark.parametrize("method,query", [("GET", "x-id=GetObject"), ("HEAD", "x-id=HeadObject")])
def test_x_id_is_ignored(raw, kept, method, query):
    assert raw.request(method, f"/{kept}/k", query).status == 200


# SPEC: S3 / MethodNotAllowed for verbs that a resource does not have
@pytest.mark.parametrize(
    "method,path",
    [("PATCH", "/{b}/k"), ("POST", "/{b}/k"), ("DELETE", "/"), ("PUT", "/"), ("TRACE", "/{b}/k")],
)
def test_verb_without_meaning_is_refused(raw, s3, kept, method, path):
    response = raw.request(method, path.format(b=kept), body=b"")

    assert response.status in (400, 405, 412, 501), response
    is_raw_refusal(
        response,
        ("MethodNotAllowed", "NotImplemented", "InvalidArgument", "InvalidRequest"),
        response.status,
    )
    nothing_changed(s3, kept)


# SPEC: S3 Express / CreateSession and directory buckets are refused
def test_create_session_is_refused(raw, kept):
    response = raw.request("GET", f"/{kept}", "session")

    assert response.status in (400, 501), response
    is_raw_refusal(response, ("NotImplemented", "InvalidRequest"), response.status, f"/{kept}")
