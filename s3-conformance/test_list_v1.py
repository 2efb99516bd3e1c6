# SPDX-License-Identifier: Apache-2.0
"""ListObjects, the first version: marker, delimiter, prefix, max-keys."""

from urllib.parse import unquote

import pytest
from expect import is_raw_refusal, refused
from listing import entries_of, expected_listing, in_order, keys_of, prefixes_of, put_keys

KEYS = [
    "asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "foo", "foo/", "foo/bar",
    "foo/bar/xyzzy", "quux-thud", "quux/thud", "under_score", "z%percent", "z+plus", "z space",
    "zé", "zürich/1", "zürich/2", "Z", "~tilde",
]  # fmt: skip


# SPEC: S3 ListObjects / Contents: every key once, by the bytes of UTF-8; size, ETag, date, owner
def test_all_keys_come_in_byte_order(s3, filled):
    page = s3.list_objects(Bucket=filled)

    assert keys_of(page) == in_order(KEYS)
    assert page["IsTruncated"] is False
    assert page["Name"] == filled
    assert page["MaxKeys"] == 1000
    for entry in page["Contents"]:
        assert entry["Size"] == len(entry["Key"].encode())
        assert entry["StorageClass"] == "STANDARD"
        assert entry["Owner"]["ID"]
        head = s3.head_object(Bucket=filled, Key=entry["Key"])
        assert entry["ETag"] == head["ETag"]
        assert entry["LastModified"].replace(microsecond=0) == head["LastModified"]


# SPEC: S3 ListObjects / an empty bucket has no Contents and no CommonPrefixes
def test_empty_bucket_lists_nothing(s3, bucket):
    page = s3.list_objects(Bucket=bucket)

    assert "Contents" not in page and "CommonPrefixes" not in page
    assert page["IsTruncated"] is False


# SPEC: S3 ListObjects / prefix and delimiter: keys behind a delimiter roll up into CommonPrefixes
@pytest.mark.parametrize("delimiter", ["", "/", "a", "%", " ", "oo", "/b", "ü"])
@pytest.mark.parametrize("prefix", ["", "foo", "foo/", "boo/ba", "z", "zü", "none", "/"])
def test_prefix_and_delimiter_roll_up(s3, filled, prefix, delimiter):
    page = s3.list_objects(Bucket=filled, Prefix=prefix, Delimiter=delimiter)

    keys, rolled = expected_listing(KEYS, prefix, delimiter)
    assert keys_of(page) == keys
    assert prefixes_of(page) == rolled
    assert unquote(page.get("Prefix", "")) == prefix  # botocore decodes all but this one
    assert page.get("Delimiter", "") == delimiter


# SPEC: S3 ListObjects / max-keys and marker: following pages shows each entry exactly once
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_show_each_entry_once(s3, filled, size, delimiter):
    shown, marker = [], ""
    while True:
        page = s3.list_objects(Bucket=filled, MaxKeys=size, Marker=marker, Delimiter=delimiter)
        assert len(entries_of(page)) <= size
        shown += entries_of(page)
        if not page["IsTruncated"]:
            break
        assert len(entries_of(page)) == size
        marker = page["NextMarker"] if delimiter else page["Contents"][-1]["Key"]

    keys, rolled = expected_listing(KEYS, "", delimiter)
    assert shown == in_order(keys + rolled)


# SPEC: S3 ListObjects / NextMarker is given only with a delimiter, and then is the last entry
def test_next_marker_needs_a_delimiter(s3, filled):
    plain = s3.list_objects(Bucket=filled, MaxKeys=2)
    rolled = s3.list_objects(Bucket=filled, MaxKeys=2, Delimiter="/")

    assert plain["IsTruncated"] and "NextMarker" not in plain
    assert rolled["NextMarker"] == entries_of(rolled)[-1]


# SPEC: S3 ListObjects / marker: keys after it, whether or not it is a key
@pytest.mark.parametrize("marker", ["boo/bar", "boo/bas", "foo/", "zz", "", " ", "\n", "zé", "~~"])
def test_marker_begins_after_it(s3, filled, marker):
    page = s3.list_objects(Bucket=filled, Marker=marker)

    assert keys_of(page) == [key for key in in_order(KEYS) if key.encode() > marker.encode()]
    assert page.get("Marker", "") == marker


# SPEC: S3 ListObjects / marker inside a common prefix: a prefix that sorts after it is still shown
def test_marker_that_is_a_common_prefix_skips_it(s3, filled):
    page = s3.list_objects(Bucket=filled, Marker="boo/", Delimiter="/")

    assert "boo/" not in prefixes_of(page)
    assert "cquux/" in prefixes_of(page)


# SPEC: S3 ListObjects / max-keys=0 shows nothing and is not truncated
def test_zero_max_keys_shows_nothing(s3, filled):
    page = s3.list_objects(Bucket=filled, MaxKeys=0)

    assert "Contents" not in page
    assert page["IsTruncated"] is False


# SPEC: S3 ListObjects / max-keys above 1,000 is served as 1,000
def test_max_keys_is_capped(s3, filled):
    assert s3.list_objects(Bucket=filled, MaxKeys=5000)["MaxKeys"] == 1000


# SPEC: S3 ListObjects / max-keys that is no number of keys is InvalidArgument
@pytest.mark.parametrize("value", ["-1", "many", "1.5", "99999999999999999999", "%20"])
def test_bad_max_keys_is_refused(raw, filled, value):
    response = raw.request("GET", f"/{filled}", f"max-keys={value}")

    is_raw_refusal(response, "InvalidArgument", 400, f"/{filled}")


# SPEC: S3 ListObjects / encoding-type other than url is InvalidArgument
def test_unknown_encoding_is_refused(raw, filled):
    response = raw.request("GET", f"/{filled}", "encoding-type=base64")

    is_raw_refusal(response, "InvalidArgument", 400, f"/{filled}")


# SPEC: S3 ListObjects / a parameter with bytes that are no UTF-8 is refused
@pytest.mark.parametrize("name", ["prefix", "marker", "delimiter"])
def test_parameter_that_is_no_utf8_is_refused(raw, filled, name):
    response = raw.request("GET", f"/{filled}", f"{name}=a%ff")

    is_raw_refusal(response, ("InvalidArgument", "InvalidURI"), 400)


# SPEC: S3 ListObjects / strong consistency: a write and a delete show in the next listing
def test_listing_follows_writes_at_once(s3, bucket):
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x")
        assert len(keys_of(s3.list_objects(Bucket=bucket))) == number + 1
    for number in range(5):
        s3.delete_object(Bucket=bucket, Key=f"k{number}")
        assert len(keys_of(s3.list_objects(Bucket=bucket))) == 4 - number


# SPEC: S3 ListObjects / AccessDenied for another's bucket
def test_anothers_bucket_is_refused(s3_alt, filled):
    with refused("AccessDenied", 403, f"/{filled}"):
        s3_alt.list_objects(Bucket=filled)


# SPEC: S3 ListObjects / a page holds 1,000 keys unless asked otherwise
@pytest.mark.slow
def test_default_page_is_a_thousand_keys(s3, bucket):
    keys = [f"{number:05}" for number in range(1001)]
    put_keys(s3, bucket, keys)

    first = s3.list_objects(Bucket=bucket)
    second = s3.list_objects(Bucket=bucket, Marker=keys_of(first)[-1])

    assert first["IsTruncated"] is True and second["IsTruncated"] is False
    assert keys_of(first) == keys[:1000]
    assert keys_of(second) == keys[1000:]
