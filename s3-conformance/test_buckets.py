# SPDX-License-Identifier: Apache-2.0
"""CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation, ListBuckets."""

from datetime import datetime, timedelta, timezone

import pytest
from conftest import REGION, needs_new_botocore, new_bucket_name
from expect import content, head_refused, is_raw_refusal, refused

LOCATION_XML = (
    b'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>"
)


# SPEC: S3 CreateBucket / response: 200 and Location is the bucket's path
def test_create_answers_with_the_location(s3, make_bucket):
    name = new_bucket_name()

    made = s3.create_bucket(Bucket=name)

    assert made["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert made["Location"].endswith("/" + name)
    s3.delete_bucket(Bucket=name)


# SPEC: S3 CreateBucket / naming: 3 to 63 of a-z 0-9 . -, beginning and ending with a-z 0-9
@pytest.mark.parametrize(
    "name", ["abc", "a" * 63, "123", "a.b.c", "a-b-c", "0a-0", "a--b"], ids=lambda name: name[:8]
)
def test_create_accepts_every_legal_name(s3, make_bucket, name):
    make_bucket(s3, name)

    s3.head_bucket(Bucket=name)


# SPEC: S3 CreateBucket / naming: anything else is 400 InvalidBucketName
@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-begin",
        "end-",
        ".begin",
        "end.",
        "two..dots",
        "192.168.1.1",
        "xn--abc",
        "abc-s3alias",
        "abc--ol-s3",
        "abc--x-s3",
        "sthree-abc",
        "b%C3%BCcket",
        "semi%3Bcolon",
        "spa%20ce",
        "nul%00nul",
    ],
    ids=lambda name: name[:12],
)
def test_create_refuses_illegal_names(raw, s3, name):
    response = raw.request("PUT", f"/{name}", body=b"")

    is_raw_refusal(response, "InvalidBucketName", 400)
    assert name not in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]


# SPEC: S3 CreateBucket / BucketAlreadyOwnedByYou: us-east-1 answers 200 to the owner, and the
# bucket keeps what it holds
def test_create_again_by_the_owner_keeps_the_content(s3, bucket):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")

    s3.create_bucket(Bucket=bucket)

    assert content(s3, bucket, "kept") == b"kept"


# SPEC: S3 CreateBucket / BucketAlreadyExists: the name belongs to someone else
def test_create_refuses_the_name_of_anothers_bucket(s3, s3_alt, bucket):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")

    with refused("BucketAlreadyExists", 409, f"/{bucket}"):
        s3_alt.create_bucket(Bucket=bucket)

    assert content(s3, bucket, "kept") == b"kept"
    assert bucket not in [entry["Name"] for entry in s3_alt.list_buckets()["Buckets"]]


# SPEC: S3 CreateBucket / body: a configuration that is not XML of this operation is MalformedXML
@pytest.mark.parametrize(
    "body",
    [
        b"this is not xml",
        b"<CreateBucketConfiguration>",
        b"<Delete><Object><Key>a</Key></Object></Delete>",
        b'<!DOCTYPE x [<!ENTITY e "e">]>' + LOCATION_XML % b"&e;",
    ],
    ids=["text", "unclosed", "other-root", "entity"],
)
def test_create_refuses_a_malformed_configuration(raw, s3, body):
    name = new_bucket_name()

    response = raw.request("PUT", f"/{name}", body=body)

    is_raw_refusal(response, "MalformedXML", 400)
    with head_refused(404):
        s3.head_bucket(Bucket=name)


# SPEC: S3 CreateBucket / LocationConstraint: a region that the endpoint does not serve is refused
def test_create_refuses_a_foreign_location(raw, s3):
    name = new_bucket_name()

    response = raw.request("PUT", f"/{name}", body=LOCATION_XML % b"mars-north-1")

    is_raw_refusal(
        response, ("InvalidLocationConstraint", "IllegalLocationConstraintException"), 400
    )
    with head_refused(404):
        s3.head_bucket(Bucket=name)


# SPEC: S3 CreateBucket / x-amz-acl: private is what every bucket is, and is accepted
def test_create_accepts_the_private_acl(s3, make_bucket):
    name = new_bucket_name()

    s3.create_bucket(Bucket=name, ACL="private")

    s3.delete_bucket(Bucket=name)


# SPEC: S3 CreateBucket / x-amz-bucket-object-lock-enabled, x-amz-acl: not implemented is refused
# and creates nothing
@pytest.mark.parametrize(
    "extra", [{"ObjectLockEnabledForBucket": True}, {"ACL": "public-read"}, {"GrantRead": "id=x"}]
)
def test_create_refuses_what_it_cannot_grant(s3, extra):
    name = new_bucket_name()

    with refused("NotImplemented", 501, f"/{name}"):
        s3.create_bucket(Bucket=name, **extra)

    with head_refused(404):
        s3.head_bucket(Bucket=name)


# SPEC: S3 HeadBucket / 200 with the region; 404 for none
def test_head_tells_a_bucket_from_none(s3, bucket):
    found = s3.head_bucket(Bucket=bucket)

    assert found["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == REGION
    with head_refused(404):
        s3.head_bucket(Bucket=new_bucket_name())


# SPEC: S3 HeadBucket / 403 for another's bucket
def test_head_refuses_anothers_bucket(s3_alt, bucket):
    with head_refused(403):
        s3_alt.head_bucket(Bucket=bucket)


# SPEC: S3 DeleteBucket / 204; the name is gone and can be taken again
def test_delete_frees_the_name(s3, s3_alt, make_bucket):
    name = make_bucket(s3)

    gone = s3.delete_bucket(Bucket=name)

    make_bucket.forget(name)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    with head_refused(404):
        s3.head_bucket(Bucket=name)
    make_bucket(s3_alt, name)


# SPEC: S3 DeleteBucket / NoSuchBucket
def test_delete_of_no_bucket_is_refused(s3):
    name = new_bucket_name()

    with refused("NoSuchBucket", 404, f"/{name}"):
        s3.delete_bucket(Bucket=name)


# SPEC: S3 DeleteBucket / BucketNotEmpty: 409, and everything is still there
def test_delete_refuses_a_bucket_with_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")

    with refused("BucketNotEmpty", 409, f"/{bucket}"):
        s3.delete_bucket(Bucket=bucket)

    assert content(s3, bucket, "kept") == b"kept"


# SPEC: S3 DeleteBucket / an upload in progress does not keep the bucket, and goes with it
def test_delete_takes_uploads_in_progress_away(s3, make_bucket):
    name = make_bucket(s3)
    upload = s3.create_multipart_upload(Bucket=name, Key="key")["UploadId"]
    s3.upload_part(Bucket=name, Key="key", UploadId=upload, PartNumber=1, Body=b"part")

    s3.delete_bucket(Bucket=name)

    s3.create_bucket(Bucket=name)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=name)
    with refused("NoSuchUpload", 404):
        s3.list_parts(Bucket=name, Key="key", UploadId=upload)


# SPEC: S3 all bucket operations / NoSuchBucket names the bucket in Resource
@pytest.mark.parametrize(
    "operation",
    ["list_objects", "list_objects_v2", "list_object_versions", "list_multipart_uploads",
     "get_bucket_location"],
)  # fmt: skip
def test_operations_on_no_bucket_are_refused(s3, operation):
    name = new_bucket_name()

    with refused("NoSuchBucket", 404, f"/{name}"):
        getattr(s3, operation)(Bucket=name)


# SPEC: S3 GetBucketLocation / us-east-1 is the empty LocationConstraint
def test_location_of_the_default_region_is_empty(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


# SPEC: S3 ListBuckets / own buckets by name with creation date, and the owner
def test_list_names_own_buckets_in_order(s3, make_bucket, main):
    names = sorted(make_bucket(s3) for _ in range(3))

    listing = s3.list_buckets()

    listed = [entry["Name"] for entry in listing["Buckets"]]
    assert listed == sorted(listed)
    assert [name for name in listed if name in names] == names
    assert listing["Owner"]["ID"]
    now = datetime.now(timezone.utc)
    for entry in listing["Buckets"]:
        if entry["Name"] in names:
            assert timedelta(minutes=-1) < now - entry["CreationDate"] < timedelta(minutes=10)


# SPEC: S3 ListBuckets / only the buckets of the caller
def test_list_hides_anothers_buckets(s3_alt, bucket):
    assert bucket not in [entry["Name"] for entry in s3_alt.list_buckets()["Buckets"]]


# SPEC: S3 ListBuckets / prefix limits the names and is echoed
@needs_new_botocore
def test_list_with_prefix_limits_the_names(s3, make_bucket):
    stem = new_bucket_name()
    wanted = [make_bucket(s3, f"{stem}-yes-{number}") for number in range(2)]
    make_bucket(s3, f"{stem}-no")

    listing = s3.list_buckets(Prefix=f"{stem}-yes")

    assert [entry["Name"] for entry in listing["Buckets"]] == wanted
    assert listing["Prefix"] == f"{stem}-yes"


# SPEC: S3 ListBuckets / max-buckets and continuation-token: each bucket on exactly one page
@needs_new_botocore
def test_list_pages_show_each_bucket_once(s3, make_bucket):
    stem = new_bucket_name()
    wanted = [make_bucket(s3, f"{stem}-{number}") for number in range(5)]

    pages, token = [], {}
    while True:
        page = s3.list_buckets(Prefix=f"{stem}-", MaxBuckets=2, **token)
        pages.append([entry["Name"] for entry in page["Buckets"]])
        if "ContinuationToken" not in page:
            break
        token = {"ContinuationToken": page["ContinuationToken"]}

    assert pages == [wanted[0:2], wanted[2:4], wanted[4:5]]


# SPEC: S3 ListBuckets / max-buckets is 1 to 10,000; a token is one that the server gave
@pytest.mark.parametrize(
    "query",
    ["max-buckets=0", "max-buckets=10001", "max-buckets=-1", "max-buckets=many",
     "max-buckets=5&continuation-token=never-given%00%ff"],
)  # fmt: skip
def test_list_refuses_bad_paging(raw, query):
    is_raw_refusal(raw.request("GET", "/", query), "InvalidArgument", 400)


# SPEC: S3 ListBuckets / bucket-region filters by region
@needs_new_botocore
def test_list_by_region_shows_the_region(s3, bucket):
    here = s3.list_buckets(BucketRegion=REGION, Prefix=bucket)["Buckets"]

    assert [(entry["Name"], entry["BucketRegion"]) for entry in here] == [(bucket, REGION)]
