# SPDX-License-Identifier: Apache-2.0
"""ListObjectsV2: continuation-token, start-after, fetch-owner, KeyCount."""

import pytest
from expect import is_raw_refusal, refused
from listing import entries_of, expected_listing, in_order, keys_of, prefixes_of, put_keys

KEYS = [
    "a", "a/", "a//b", "a/b", "a/b/c", "b&c", "b<c", 'b"c', "b'c", "c/1/x", "c/1/y", "c/2/x", "d",
    "été/1", "été/2", "été", "日本/語", "\U0001f600/smile", "\uffff", "zz",
]  # fmt: skip


# SPEC: S3 ListObjectsV2 / Contents: every key once by the bytes of UTF-8; KeyCount counts them
def test_all_keys_come_in_byte_order(s3, filled):
    page = s3.list_objects_v2(Bucket=filled)

    assert keys_of(page) == in_order(KEYS)
    assert page["KeyCount"] == len(KEYS)
    assert page["IsTruncated"] is False
    assert "NextContinuationToken" not in page


# SPEC: S3 ListObjectsV2 / Owner is shown only with fetch-owner=true
def test_owner_is_shown_on_request_only(s3, filled):
    without = s3.list_objects_v2(Bucket=filled, MaxKeys=1)
    with_owner = s3.list_objects_v2(Bucket=filled, MaxKeys=1, FetchOwner=True)

    assert "Owner" not in without["Contents"][0]
    assert with_owner["Contents"][0]["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]


# SPEC: S3 ListObjectsV2 / prefix and delimiter; KeyCount counts keys and common prefixes
@pytest.mark.parametrize("delimiter", ["", "/", "//", "1", "é", "語"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "c/", "été", "日", "none"])
def test_prefix_and_delimiter_roll_up(s3, filled, prefix, delimiter):
    page = s3.list_objects_v2(Bucket=filled, Prefix=prefix, Delimiter=delimiter)

    keys, rolled = expected_listing(KEYS, prefix, delimiter)
    assert keys_of(page) == keys
    assert prefixes_of(page) == rolled
    assert page["KeyCount"] == len(keys) + len(rolled)
    assert page.get("Prefix", "") == prefix


# SPEC: S3 ListObjectsV2 / continuation-token: following pages shows each entry exactly once
@pytest.mark.parametrize("size", [1, 2, 5, 19, 20])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_show_each_entry_once(s3, filled, size, delimiter):
    shown, token = [], {}
    while True:
        page = s3.list_objects_v2(Bucket=filled, MaxKeys=size, Delimiter=delimiter, **token)
        shown += entries_of(page)
        assert page["KeyCount"] == len(entries_of(page)) <= size
        assert page.get("ContinuationToken") == token.get("ContinuationToken")
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}

    keys, rolled = expected_listing(KEYS, "", delimiter)
    assert shown == in_order(keys + rolled)


# SPEC: S3 ListObjectsV2 / a full last page is not truncated
def test_exactly_full_page_is_the_last(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=len(KEYS))

    assert page["IsTruncated"] is False
    assert page["KeyCount"] == len(KEYS)


# SPEC: S3 ListObjectsV2 / start-after: keys after it, whether or not it is a key
@pytest.mark.parametrize("after", ["a/b", "a/bb", "c", "été", "\U0001f600", "zzz", "0"])
def test_start_after_begins_after_it(s3, filled, after):
    page = s3.list_objects_v2(Bucket=filled, StartAfter=after)

    assert keys_of(page) == [key for key in in_order(KEYS) if key.encode() > after.encode()]
    assert page["StartAfter"] == after


# SPEC: S3 ListObjectsV2 / continuation-token wins over start-after
def test_token_wins_over_start_after(s3, filled):
    first = s3.list_objects_v2(Bucket=filled, MaxKeys=2)

    page = s3.list_objects_v2(
        Bucket=filled, ContinuationToken=first["NextContinuationToken"], StartAfter="c"
    )

    assert keys_of(page) == in_order(KEYS)[2:]


# SPEC: S3 ListObjectsV2 / a key deleted between two pages does not disturb the second
def test_pages_survive_a_deleted_boundary(s3, bucket):
    put_keys(s3, bucket, list("abcdef"))
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=3)
    s3.delete_object(Bucket=bucket, Key="c")
    s3.delete_object(Bucket=bucket, Key="d")

    second = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])

    assert keys_of(second) == ["e", "f"]


# SPEC: S3 ListObjectsV2 / InvalidArgument for a token that was never given, and for bad max-keys
@pytest.mark.parametrize(
    "query",
    ["continuation-token=", "continuation-token=%00%01", "continuation-token=%ff%fe",
     "max-keys=-1", "max-keys=x", "max-keys=99999999999999999999", "encoding-type=gzip",
     "prefix=%ff"],
)  # fmt: skip
def test_bad_parameters_are_refused(raw, filled, query):
    response = raw.request("GET", f"/{filled}", f"list-type=2&{query}")

    is_raw_refusal(response, ("InvalidArgument", "InvalidURI"), 400)


# SPEC: S3 ListObjectsV2 / list-type other than 2 is InvalidArgument
def test_unknown_list_type_is_refused(raw, filled):
    response = raw.request("GET", f"/{filled}", "list-type=3")

    is_raw_refusal(response, "InvalidArgument", 400)


# SPEC: S3 ListObjectsV2 / max-keys=0 shows nothing
def test_zero_max_keys_shows_nothing(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=0)

    assert "Contents" not in page
    assert page["KeyCount"] == 0 and page["IsTruncated"] is False


# SPEC: S3 ListObjectsV2 / x-amz-optional-object-attributes: known but without effect here
def test_optional_attributes_are_accepted(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, OptionalObjectAttributes=["RestoreStatus"])

    assert page["KeyCount"] == len(KEYS)


# SPEC: S3 ListObjectsV2 / AccessDenied for another's bucket
def test_anothers_bucket_is_refused(s3_alt, filled):
    with refused("AccessDenied", 403, f"/{filled}"):
        s3_alt.list_objects_v2(Bucket=filled)


# SPEC: S3 ListObjectsV2 / ChecksumAlgorithm and ChecksumType of each entry
def test_entries_name_their_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumAlgorithm="SHA256")

    (entry,) = s3.list_objects_v2(Bucket=bucket)["Contents"]

    assert entry["ChecksumAlgorithm"] == ["SHA256"]
    assert entry["ChecksumType"] == "FULL_OBJECT"


# SPEC: S3 ListObjectsV2 / a delimiter over many keys skips what is rolled up
@pytest.mark.slow
def test_delimiter_pages_over_many_keys(s3, bucket):
    keys = [f"d{number % 40:02}/f{number:04}" for number in range(1200)] + ["top"]
    put_keys(s3, bucket, keys)

    pages = list(
        s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 7}
        )
    )

    assert [prefix for page in pages for prefix in prefixes_of(page)] == [
        f"d{number:02}/" for number in range(40)
    ]
    assert [key for page in pages for key in keys_of(page)] == ["top"]
