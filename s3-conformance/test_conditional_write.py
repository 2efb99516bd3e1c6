# SPDX-License-Identifier: Apache-2.0
"""If-Match and If-None-Match on PutObject, CopyObject, CompleteMultipartUpload, DeleteObject;
alone and with several writers at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from botocore.exceptions import ClientError
from expect import content, is_raw_refusal, nothing_left, only_keys, refused
from upload import complete, send_parts, start

OTHER = '"0123456789abcdef0123456789abcdef"'
WRITERS = 12
ROUNDS = 4
LOSS = {"PreconditionFailed": 412, "ConditionalRequestConflict": 409}


def put(s3, bucket, body, **condition):
    return s3.put_object(Bucket=bucket, Key="k", Body=body, **condition)


def copy(s3, bucket, body, **condition):
    """Copies an object of the same bytes to k."""
    source = f"src-{body.decode()}"
    s3.put_object(Bucket=bucket, Key=source, Body=body)
    try:
        return s3.copy_object(
            Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": source}, **condition
        )
    finally:
        s3.delete_object(Bucket=bucket, Key=source)


def completion(s3, bucket, body, **condition):
    """Completes an upload of one part; one that is refused stays and is aborted here."""
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, {1: body})
    try:
        return complete(s3, bucket, "k", upload, done, **condition)
    except ClientError:
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
        raise


WAYS = pytest.mark.parametrize("write", [put, copy, completion])


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / If-None-Match: *: only if there is none
@WAYS
def test_create_only_writes_a_new_key(s3, bucket, write):
    write(s3, bucket, b"first", IfNoneMatch="*")

    assert content(s3, bucket, "k") == b"first"


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / If-None-Match: * on a key that is there
@WAYS
def test_create_only_refuses_an_existing_key(s3, bucket, write):
    s3.put_object(Bucket=bucket, Key="k", Body=b"first")

    with refused("PreconditionFailed", 412, f"/{bucket}/k"):
        write(s3, bucket, b"second", IfNoneMatch="*")

    assert content(s3, bucket, "k") == b"first"
    only_keys(s3, bucket, "k")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


# SPEC: S3 DeleteObject, PutObject / If-None-Match: * after a delete writes again
def test_create_only_after_a_delete(s3, bucket):
    put(s3, bucket, b"first")
    s3.delete_object(Bucket=bucket, Key="k")

    put(s3, bucket, b"second", IfNoneMatch="*")

    assert content(s3, bucket, "k") == b"second"


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / If-Match: only over that content
@WAYS
@pytest.mark.parametrize("quoted", [True, False], ids=["quoted", "bare"])
def test_replace_only_that_content(s3, bucket, write, quoted):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]

    write(s3, bucket, b"second", IfMatch=etag if quoted else etag.strip('"'))

    assert content(s3, bucket, "k") == b"second"


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / If-Match over other content is refused
@WAYS
def test_replace_refuses_other_content(s3, bucket, write):
    s3.put_object(Bucket=bucket, Key="k", Body=b"first")

    with refused("PreconditionFailed", 412, f"/{bucket}/k"):
        write(s3, bucket, b"second", IfMatch=OTHER)

    assert content(s3, bucket, "k") == b"first"


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / If-Match on a missing key is NoSuchKey
@WAYS
def test_replace_of_nothing_is_not_found(s3, bucket, write):
    with refused("NoSuchKey", 404, f"/{bucket}/k"):
        write(s3, bucket, b"second", IfMatch=OTHER)

    nothing_left(s3, bucket)


# SPEC: S3 PutObject / If-None-Match with anything but *, and both at once, is NotImplemented
@pytest.mark.parametrize(
    "condition",
    [{"IfNoneMatch": OTHER}, {"IfNoneMatch": "*", "IfMatch": OTHER}],
    ids=["etag", "both"],
)
@WAYS
def test_conditions_that_s3_does_not_have_are_refused(s3, bucket, write, condition):
    with refused("NotImplemented", 501, f"/{bucket}/k"):
        write(s3, bucket, b"x", **condition)

    nothing_left(s3, bucket)


# SPEC: S3 PutObject / If-Modified-Since and If-Unmodified-Since on a write are NotImplemented
@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since"])
def test_write_by_date_is_refused(raw, s3, bucket, name):
    headers = [(name, "Wed, 21 Oct 2015 07:28:00 GMT")]

    response = raw.request("PUT", f"/{bucket}/k", headers=headers, body=b"x")

    is_raw_refusal(response, "NotImplemented", 501, f"/{bucket}/k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / the condition is decided before the body: with 100-continue none is wanted
def test_failed_condition_needs_no_body(raw, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    headers = [("Content-Length", "500000"), ("Expect", "100-continue"), ("If-None-Match", "*")]
    head = raw.sign("PUT", f"/{bucket}/k", headers=headers)

    with raw.connect() as connection:
        connection.send(head.to_bytes())
        line = connection.receive_line()
        if b" 100 " in line:  # legal too: the decision then follows the body
            connection.receive_line()
            connection.send(b"x" * 500_000)
            assert connection.receive("PUT").status == 412
        else:
            assert line.startswith(b"HTTP/1.1 412 "), line

    assert content(s3, bucket, "k") == b"first"


# SPEC: S3 DeleteObject / If-Match: only that content; * is any
@pytest.mark.parametrize("kind", ["etag", "any"])
def test_delete_only_that_content(s3, bucket, kind):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]

    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag if kind == "etag" else "*")

    nothing_left(s3, bucket)


# SPEC: S3 DeleteObject / If-Match: other content is PreconditionFailed
def test_delete_refuses_other_content(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    with refused("PreconditionFailed", 412, f"/{bucket}/k"):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=OTHER)

    assert content(s3, bucket, "k") == b"x"


# SPEC: S3 DeleteObject / If-Match on a missing key is NoSuchKey
def test_delete_of_nothing_with_condition_is_not_found(s3, bucket):
    with refused("NoSuchKey", 404, f"/{bucket}/k"):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=OTHER)


# SPEC: S3 DeleteObject / x-amz-if-match-size and -last-modified-time are for directory buckets only
@pytest.mark.parametrize(
    "header",
    [
        ("x-amz-if-match-size", "99"),
        ("x-amz-if-match-last-modified-time", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ],
)
def test_directory_bucket_conditions_never_delete_blindly(raw, s3, bucket, header):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    response = raw.request("DELETE", f"/{bucket}/k", headers=[header])

    assert response.status in (400, 412, 501), response
    assert content(s3, bucket, "k") == b"x"


def race(actions):
    """Run all actions at once; returns (results of winners, error codes of losers)."""
    barrier = Barrier(len(actions))

    def run(action):
        barrier.wait()
        try:
            return action(), None
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert LOSS.get(error.response["Error"]["Code"]) == status, error.response
            return None, error.response["Error"]["Code"]

    with ThreadPoolExecutor(len(actions)) as pool:
        outcomes = list(pool.map(run, actions))
    return [result for result, code in outcomes if code is None], [c for _, c in outcomes if c]


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / of writers at once with
# If-None-Match: * exactly one succeeds, and its content is what is there
@WAYS
def test_one_of_many_creators_wins(s3, bucket, write):
    for number in range(ROUNDS):
        actions = []
        for writer in range(WRITERS):
            body = f"{number}-{writer}".encode()
            actions.append(lambda body=body: (write(s3, bucket, body, IfNoneMatch="*"), body)[1])

        won, lost = race(actions)

        assert len(won) == 1 and len(lost) == WRITERS - 1
        assert content(s3, bucket, "k") == won[0]
        s3.delete_object(Bucket=bucket, Key="k")
    nothing_left(s3, bucket)


# SPEC: S3 PutObject, CopyObject, CompleteMultipartUpload / of writers at once with the same
# If-Match exactly one succeeds
@WAYS
def test_one_of_many_replacers_wins(s3, bucket, write):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"begin")["ETag"]
    for number in range(ROUNDS):
        actions = []
        for writer in range(WRITERS):
            body = f"{number}-{writer}".encode()
            actions.append(lambda b=body, e=etag: (write(s3, bucket, b, IfMatch=e), b)[1])

        won, lost = race(actions)

        assert len(won) == 1 and len(lost) == WRITERS - 1
        assert content(s3, bucket, "k") == won[0]
        etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]


# SPEC: S3 DeleteObject / of deleters at once with the same If-Match one succeeds, the others find
# nothing or other content
def test_one_of_many_deleters_wins(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    barrier = Barrier(WRITERS)

    def delete():
        barrier.wait()
        try:
            s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
            return "won"
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(pool.map(lambda _: delete(), range(WRITERS)))

    assert outcomes.count("won") == 1
    assert set(outcomes) <= {"won", "NoSuchKey", *LOSS}
    nothing_left(s3, bucket)


# SPEC: S3 / a counter raised by read, If-Match write and repeat loses no step
def test_compare_and_swap_counts_right(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0")
    workers, steps = 4, 8

    def count():
        done = 0
        while done < steps:
            found = s3.get_object(Bucket=bucket, Key="k")
            raised = str(int(found["Body"].read()) + 1).encode()
            try:
                s3.put_object(Bucket=bucket, Key="k", Body=raised, IfMatch=found["ETag"])
                done += 1
            except ClientError as error:
                assert error.response["Error"]["Code"] in LOSS, error.response

    with ThreadPoolExecutor(workers) as pool:
        for job in [pool.submit(count) for _ in range(workers)]:
            job.result()

    assert content(s3, bucket, "k") == str(workers * steps).encode()
