# SPDX-License-Identifier: Apache-2.0
"""DeleteObjects."""

import pytest
from checksums import ALGORITHMS, header, md5_base64, value
from expect import is_raw_refusal, nothing_left, only_keys, refused
from listing import put_keys


def document(keys, extra=""):
    objects = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    return (
        f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{extra}{objects}</Delete>'
    ).encode()


def post(raw, bucket, body, headers=None):
    if headers is None:
        headers = [("Content-MD5", md5_base64(body))]
    return raw.request("POST", f"/{bucket}", "delete", headers=headers, body=body)


# SPEC: S3 DeleteObjects / every key is reported as deleted, also one that was not there
def test_all_keys_are_deleted_and_reported(s3, bucket):
    put_keys(s3, bucket, ["a", "b/c", "ü", "keep"])

    gone = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ("a", "b/c", "ü", "missing")]}
    )

    assert sorted(entry["Key"] for entry in gone["Deleted"]) == ["a", "b/c", "missing", "ü"]
    assert "Errors" not in gone
    only_keys(s3, bucket, "keep")


# SPEC: S3 DeleteObjects / Quiet reports errors only
def test_quiet_reports_nothing_on_success(s3, bucket):
    put_keys(s3, bucket, ["a", "b"])

    gone = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}], "Quiet": True}
    )

    assert "Deleted" not in gone and "Errors" not in gone
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / VersionId null is the object of an unversioned bucket
def test_null_version_is_deleted(s3, bucket):
    put_keys(s3, bucket, ["a"])

    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": "null"}]})

    assert [entry["Key"] for entry in gone["Deleted"]] == ["a"]
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / a version that is not there deletes nothing
def test_another_version_deletes_nothing(s3, bucket):
    put_keys(s3, bucket, ["a"])

    s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "a", "VersionId": "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"}]},
    )

    only_keys(s3, bucket, "a")


# SPEC: S3 DeleteObjects / the same key twice is deleted and reported twice
def test_repeated_key_is_no_error(s3, bucket):
    put_keys(s3, bucket, ["a"])

    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "a"}]})

    assert "Errors" not in gone
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / up to 1,000 keys
@pytest.mark.slow
def test_a_thousand_keys_are_accepted(s3, bucket):
    keys = [f"k{number}" for number in range(1000)]
    put_keys(s3, bucket, keys)

    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})

    assert len(gone["Deleted"]) == 1000
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / MalformedXML for 1,001 keys; nothing is deleted
def test_a_thousand_and_one_keys_are_refused(s3, bucket):
    put_keys(s3, bucket, ["k0", "k1000"])
    keys = [f"k{number}" for number in range(1001)]

    with refused("MalformedXML", 400, f"/{bucket}"):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})

    only_keys(s3, bucket, "k0", "k1000")


# SPEC: S3 DeleteObjects / MalformedXML for a document that is not this one
@pytest.mark.parametrize(
    "body",
    [b"", b"text", b"<Delete>", document([]), b"<Delete><Object></Object></Delete>",
     b"<Other><Object><Key>a</Key></Object></Other>", document(["a"]) + b"<more/>",
     b'<!DOCTYPE d [<!ENTITY k "a">]><Delete><Object><Key>&k;</Key></Object></Delete>'],
    ids=["empty", "text", "unclosed", "no-object", "no-key", "other-root", "trailing", "entity"],
)  # fmt: skip
def test_malformed_document_is_refused(raw, s3, bucket, body):
    put_keys(s3, bucket, ["a"])

    response = post(raw, bucket, body)

    code = "MalformedXML" if body else ("MissingRequestBodyError", "MalformedXML")
    is_raw_refusal(response, code, 400, f"/{bucket}")
    only_keys(s3, bucket, "a")


# SPEC: S3 DeleteObjects / a body digest is required: Content-MD5 or x-amz-checksum-*
def test_missing_digest_is_refused(raw, s3, bucket):
    put_keys(s3, bucket, ["a"])

    response = post(raw, bucket, document(["a"]), headers=[])

    is_raw_refusal(response, ("InvalidRequest", "MissingContentMD5"), 400, f"/{bucket}")
    only_keys(s3, bucket, "a")


# SPEC: S3 DeleteObjects / BadDigest when the body differs from it
@pytest.mark.parametrize("algorithm", ["MD5", *ALGORITHMS])
def test_wrong_digest_is_refused(raw, s3, bucket, algorithm):
    put_keys(s3, bucket, ["a"])
    if algorithm == "MD5":
        headers = [("Content-MD5", md5_base64(b"other"))]
    else:
        headers = [(header(algorithm), value(algorithm, b"other"))]

    response = post(raw, bucket, document(["a"]), headers)

    is_raw_refusal(response, "BadDigest", 400, f"/{bucket}")
    only_keys(s3, bucket, "a")


# SPEC: S3 DeleteObjects / any of the five checksums serves as digest
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_checksum_serves_as_digest(raw, s3, bucket, algorithm):
    put_keys(s3, bucket, ["a"])
    body = document(["a"])

    response = post(raw, bucket, body, [(header(algorithm), value(algorithm, body))])

    assert response.status == 200, response
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / a key that cannot be is an error of its own entry, others are deleted
def test_too_long_key_is_an_error_of_its_entry(raw, s3, bucket):
    put_keys(s3, bucket, ["a"])

    response = post(raw, bucket, document(["x" * 1025, "a"]))

    assert response.status == 200, response
    root = response.xml()
    assert root.findtext("Error/Code") == "KeyTooLongError"
    assert root.findtext("Error/Key") == "x" * 1025
    assert root.findtext("Deleted/Key") == "a"
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / character references and CDATA in keys are resolved
def test_key_references_are_resolved(raw, s3, bucket):
    put_keys(s3, bucket, ["a&b", "<c>", "d e", "f]"])

    response = post(raw, bucket, document(["a&amp;b", "&lt;c&gt;", "d&#x20;e", "<![CDATA[f]]]>"]))

    assert response.status == 200, response
    nothing_left(s3, bucket)


# SPEC: S3 DeleteObjects / ETag of an entry is a condition on that entry
def test_entry_etag_guards_the_entry(s3, bucket):
    put_keys(s3, bucket, ["a", "b"])
    etag = s3.head_object(Bucket=bucket, Key="a")["ETag"]

    gone = s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "a", "ETag": etag}, {"Key": "b", "ETag": '"other"'}]},
    )

    assert [entry["Key"] for entry in gone["Deleted"]] == ["a"]
    assert [(e["Key"], e["Code"]) for e in gone["Errors"]] == [("b", "PreconditionFailed")]
    only_keys(s3, bucket, "b")


# SPEC: S3 DeleteObjects / AccessDenied in another's bucket, nothing is deleted
def test_anothers_bucket_is_refused(s3, s3_alt, bucket):
    put_keys(s3, bucket, ["a"])

    with refused("AccessDenied", 403, f"/{bucket}"):
        s3_alt.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})

    only_keys(s3, bucket, "a")


# SPEC: S3 DeleteObjects / x-amz-bypass-governance-retention is accepted where nothing is locked
def test_bypass_of_no_lock_is_accepted(s3, bucket):
    put_keys(s3, bucket, ["a"])

    s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a"}]}, BypassGovernanceRetention=True
    )

    nothing_left(s3, bucket)
