# SPDX-License-Identifier: Apache-2.0
"""Two users: neither can see, change or take what belongs to the other; root can."""

import pytest
from expect import content, head_refused, only_keys, refused
from upload import complete, send_parts, start

# Every operation as (name, parameters); {b} is main's bucket, {u} an upload in it.
DONE = {"Parts": [{"PartNumber": 1, "ETag": "x"}]}
OPERATIONS = [
    ("put_object", {"Key": "new", "Body": b"x"}),
    ("put_object", {"Key": "k", "Body": b"over"}),
    ("get_object", {"Key": "k"}),
    ("get_object", {"Key": "none"}),
    ("get_object_attributes", {"Key": "k", "ObjectAttributes": ["ETag"]}),
    ("delete_object", {"Key": "k"}),
    ("delete_object", {"Key": "none"}),
    ("delete_objects", {"Delete": {"Objects": [{"Key": "k"}]}}),
    ("copy_object", {"Key": "new", "CopySource": "{b}/k"}),
    ("create_multipart_upload", {"Key": "new"}),
    ("upload_part", {"Key": "up", "UploadId": "{u}", "PartNumber": 2, "Body": b"x"}),
    ("upload_part_copy", {"Key": "up", "UploadId": "{u}", "PartNumber": 2, "CopySource": "{b}/k"}),
    ("list_parts", {"Key": "up", "UploadId": "{u}"}),
    ("complete_multipart_upload",
     {"Key": "up", "UploadId": "{u}", "MultipartUpload": DONE}),
    ("abort_multipart_upload", {"Key": "up", "UploadId": "{u}"}),
    ("list_multipart_uploads", {}),
    ("list_objects", {}),
    ("list_objects_v2", {}),
    ("list_object_versions", {}),
    ("get_bucket_location", {}),
    ("get_bucket_versioning", {}),
    ("get_bucket_policy", {}),
    ("delete_bucket", {}),
]  # fmt: skip


@pytest.fixture
def held(s3, bucket):
    """k, and an upload of up with one part."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    upload = start(s3, bucket, "up")
    done = send_parts(s3, bucket, "up", upload, {1: b"part"})
    return bucket, upload, done


# SPEC: S3 / AccessDenied: every operation on another's bucket, whether or not the thing is there
@pytest.mark.parametrize(
    "name,parameters", OPERATIONS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_operation_on_anothers_bucket_is_refused(s3, s3_alt, held, name, parameters):
    bucket, upload, done = held
    filled = {
        key: text.format(b=bucket, u=upload) if isinstance(text, str) else text
        for key, text in parameters.items()
    }

    with refused("AccessDenied", 403):
        getattr(s3_alt, name)(Bucket=bucket, **filled)

    only_keys(s3, bucket, "k")
    assert content(s3, bucket, "k") == b"kept"
    listed = s3.list_parts(Bucket=bucket, Key="up", UploadId=upload)["Parts"]
    assert [part["PartNumber"] for part in listed] == [1]
    complete(s3, bucket, "up", upload, done)


# SPEC: S3 HeadObject, HeadBucket / 403 without a body
def test_head_of_anothers_things_is_refused(s3_alt, held):
    with head_refused(403):
        s3_alt.head_bucket(Bucket=held[0])
    with head_refused(403):
        s3_alt.head_object(Bucket=held[0], Key="k")
    with head_refused(403):
        s3_alt.head_object(Bucket=held[0], Key="none")


# SPEC: the root account / may do everything in every bucket
def test_root_may_do_everything(s3, s3_root, held):
    bucket, upload, done = held

    assert content(s3_root, bucket, "k") == b"kept"
    s3_root.put_object(Bucket=bucket, Key="by-root", Body=b"x")
    complete(s3_root, bucket, "up", upload, done)
    only_keys(s3, bucket, "by-root", "k", "up")
    s3_root.delete_object(Bucket=bucket, Key="by-root")
    assert bucket in [entry["Name"] for entry in s3_root.list_buckets()["Buckets"]]


# SPEC: S3 Owner / what root or the owner wrote belongs to the owner of the bucket
def test_owner_is_the_bucket_owner(s3, s3_root, bucket, main):
    s3.put_object(Bucket=bucket, Key="own", Body=b"x")
    s3_root.put_object(Bucket=bucket, Key="by-root", Body=b"x")

    page = s3.list_objects(Bucket=bucket)

    assert {entry["Owner"]["ID"] for entry in page["Contents"]} <= {main.name, "root"}
    own = next(entry for entry in page["Contents"] if entry["Key"] == "own")
    assert own["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]


# SPEC: S3 bucket names / one name space for all: the same key in two buckets is two objects
def test_same_key_in_two_buckets_is_two_objects(s3, s3_alt, bucket, make_bucket):
    other = make_bucket(s3_alt)
    s3.put_object(Bucket=bucket, Key="k", Body=b"main")
    s3_alt.put_object(Bucket=other, Key="k", Body=b"alt")

    assert content(s3, bucket, "k") == b"main"
    assert content(s3_alt, other, "k") == b"alt"


# SPEC: S3 bucket names / a bucket of the name that someone else deleted begins empty
def test_new_bucket_of_an_old_name_is_empty(s3, s3_alt, make_bucket):
    name = make_bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"main")
    upload = start(s3, name, "up")
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    make_bucket.forget(name)

    make_bucket(s3_alt, name)

    assert "Contents" not in s3_alt.list_objects_v2(Bucket=name)
    assert "Uploads" not in s3_alt.list_multipart_uploads(Bucket=name)
    with refused("NoSuchUpload", 404):
        s3_alt.list_parts(Bucket=name, Key="up", UploadId=upload)
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket=name)
