# SPDX-License-Identifier: Apache-2.0
"""ListObjectVersions in buckets without versioning: every object is the latest version, null."""

import pytest
from expect import is_raw_refusal, refused
from listing import expected_listing, in_order, keys_of, prefixes_of

KEYS = ["a", "a/b", "a/c", "b/1", "b/2", "c d", "ü"]


# SPEC: S3 ListObjectVersions / an object of an unversioned bucket is version null and the latest
def test_every_object_is_the_null_version(s3, filled):
    page = s3.list_object_versions(Bucket=filled)

    assert keys_of(page, "Versions") == in_order(KEYS)
    assert "DeleteMarkers" not in page
    for entry in page["Versions"]:
        assert entry["VersionId"] == "null"
        assert entry["IsLatest"] is True
        assert entry["StorageClass"] == "STANDARD"
        assert entry["Owner"]["ID"]
        assert entry["Size"] == len(entry["Key"].encode())
        assert entry["ETag"] == s3.head_object(Bucket=filled, Key=entry["Key"])["ETag"]


# SPEC: S3 ListObjectVersions / an overwrite replaces the null version, a delete removes it
def test_overwrite_and_delete_leave_no_version(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    s3.put_object(Bucket=bucket, Key="k", Body=b"newer")
    assert [entry["Size"] for entry in s3.list_object_versions(Bucket=bucket)["Versions"]] == [5]

    s3.delete_object(Bucket=bucket, Key="k")

    page = s3.list_object_versions(Bucket=bucket)
    assert "Versions" not in page and "DeleteMarkers" not in page


# SPEC: S3 ListObjectVersions / key-marker and version-id-marker: each version on one page
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_show_each_version_once(s3, filled, size, delimiter):
    shown, markers = [], {}
    while True:
        page = s3.list_object_versions(Bucket=filled, MaxKeys=size, Delimiter=delimiter, **markers)
        shown += in_order(keys_of(page, "Versions") + prefixes_of(page))
        if not page["IsTruncated"]:
            break
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            markers["VersionIdMarker"] = page["NextVersionIdMarker"]

    keys, rolled = expected_listing(KEYS, "", delimiter)
    assert shown == in_order(keys + rolled)


# SPEC: S3 ListObjectVersions / prefix and delimiter
def test_prefix_and_delimiter_roll_up(s3, filled):
    page = s3.list_object_versions(Bucket=filled, Prefix="a", Delimiter="/")

    assert keys_of(page, "Versions") == ["a"]
    assert prefixes_of(page) == ["a/"]


# SPEC: S3 ListObjectVersions / key-marker alone begins after all versions of that key
def test_key_marker_begins_after_the_key(s3, filled):
    page = s3.list_object_versions(Bucket=filled, KeyMarker="a/b")

    assert keys_of(page, "Versions") == [key for key in in_order(KEYS) if key > "a/b"]
    assert page["KeyMarker"] == "a/b"


# SPEC: S3 ListObjectVersions / InvalidArgument: version-id-marker needs a key-marker; bad numbers
@pytest.mark.parametrize(
    "query", ["version-id-marker=null", "max-keys=-1", "max-keys=x", "encoding-type=x"]
)
def test_bad_parameters_are_refused(raw, filled, query):
    response = raw.request("GET", f"/{filled}", f"versions&{query}")

    is_raw_refusal(response, "InvalidArgument", 400, f"/{filled}")


# SPEC: S3 ListObjectVersions / AccessDenied for another's bucket
def test_anothers_bucket_is_refused(s3_alt, filled):
    with refused("AccessDenied", 403, f"/{filled}"):
        s3_alt.list_object_versions(Bucket=filled)
