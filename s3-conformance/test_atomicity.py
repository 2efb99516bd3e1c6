# SPDX-License-Identifier: Apache-2.0
"""Readers beside writers: always one whole write, never a mixture."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from checksums import md5_hex
from expect import content, nothing_left
from upload import PART_BYTES, complete, send_parts, start

SIZES = {"record": 100, "pack": 100_000, "chunk": 2_000_000}


# SPEC: S3 data consistency / a read during overwrites returns one of the writes, whole, and the
# ETag of that one
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_read_during_overwrites_is_whole(s3, bucket, size):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0" * size)
    finished = Event()

    def write(letter):
        for _ in range(6):
            s3.put_object(Bucket=bucket, Key="k", Body=letter * size)

    def read():
        seen = 0
        while not finished.is_set():
            found = s3.get_object(Bucket=bucket, Key="k")
            body = found["Body"].read()
            assert len(body) == size and len(set(body)) == 1
            assert found["ETag"] == f'"{md5_hex(body)}"'
            seen += 1
        return seen

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write, letter) for letter in (b"a", b"b")]
        try:
            for job in writers:
                job.result()
        finally:
            finished.set()
        assert all(job.result() > 0 for job in readers)


# SPEC: S3 data consistency / a read that has begun goes on with the content it began with
def test_slow_read_survives_overwrite_and_delete(s3, bucket):
    data = b"old" * 1_000_000
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    found = s3.get_object(Bucket=bucket, Key="k")
    first = found["Body"].read(1000)

    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="k")

    assert first + found["Body"].read() == data
    nothing_left(s3, bucket)


# SPEC: S3 PutObject / a body that ends early leaves what was there
@pytest.mark.parametrize("existing", [True, False], ids=["overwrite", "new"])
@pytest.mark.parametrize("announced", [10, 200_000, 3_000_000])
def test_body_that_ends_early_leaves_nothing(raw, s3, bucket, existing, announced):
    if existing:
        s3.put_object(Bucket=bucket, Key="k", Body=b"former")
    head = raw.sign("PUT", f"/{bucket}/k", headers=[("Content-Length", str(announced))])

    with raw.connect() as connection:
        connection.send(head.to_bytes() + b"x" * (announced - 1))
        connection.end_sending()

    if existing:
        assert content(s3, bucket, "k") == b"former"
    else:
        nothing_left(s3, bucket)


# SPEC: S3 CompleteMultipartUpload / completion beside readers: the old object or the new one
def test_completion_is_one_step_for_readers(s3, bucket):
    old, new = b"o" * (PART_BYTES + 5), [b"n" * PART_BYTES, b"n" * 5]
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    upload = start(s3, bucket, "k")
    done = send_parts(s3, bucket, "k", upload, dict(enumerate(new, 1)))
    finished = Event()

    def read():
        kinds = set()
        while not finished.is_set():
            body = content(s3, bucket, "k")
            assert body in (old, b"".join(new))
            kinds.add(body[:1])
        return kinds

    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(read)
        try:
            complete(s3, bucket, "k", upload, done)
        finally:
            finished.set()
        reader.result()
    assert content(s3, bucket, "k") == b"".join(new)


# SPEC: S3 data consistency / of writers at once the one that is listed is the one that is read
def test_writers_at_once_leave_one_object(s3, bucket):
    with ThreadPoolExecutor(8) as pool:
        bodies = [bytes([65 + number]) * (1000 * number + 1) for number in range(8)]
        list(pool.map(lambda body: s3.put_object(Bucket=bucket, Key="k", Body=body), bodies))

    (entry,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    found = s3.get_object(Bucket=bucket, Key="k")
    body = found["Body"].read()
    assert body in bodies
    assert (entry["Size"], entry["ETag"]) == (len(body), found["ETag"])
    assert entry["ETag"] == f'"{md5_hex(body)}"'
