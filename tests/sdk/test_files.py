# SPDX-License-Identifier: Apache-2.0
"""Objects as files, in pieces and in parallel, as the SDK's documentation shows."""

import io
import os

import pytest
import urllib3
from aistore.sdk import Client
from aistore.sdk.obj.content_iterator.parallel import ParallelContentIterProvider
from aistore.sdk.obj.obj_file.errors import ObjectFileReaderMaxResumeError
from lossy_proxy import LossyProxy

MIB = 1 << 20


@pytest.fixture(scope="module")
def big():
    return os.urandom(9 * MIB + 123)


# ---- reading ----


def test_a_reader_reads_all_at_once_raw_and_in_chunks(bucket, content):
    thing = bucket.object("o")
    thing.get_writer().put_content(content)
    reader = thing.get_reader(chunk_size=10_000)
    assert reader.read_all() == content
    raw = reader.raw()
    assert isinstance(raw, urllib3.response.BaseHTTPResponse) and raw.read() == content
    chunks = list(reader)
    assert b"".join(chunks) == content and max(map(len, chunks)) == 10_000
    assert reader.head().size == reader.attributes.size == len(content)
    into = io.BytesIO()
    thing.get_reader(writer=into)
    assert into.getvalue() == content


def test_a_range_is_read_by_every_form_of_it(bucket, content):
    thing = bucket.object("o")
    thing.get_writer().put_content(content)
    for text, expected in (
        ("bytes=5-99", content[5:100]),
        ("bytes=1000-", content[1000:]),
        ("bytes=-7", content[-7:]),
    ):
        assert thing.get_reader(byte_range=text).read_all() == expected


def test_a_file_is_read_piece_by_piece(bucket, content):
    thing = bucket.object("o")
    thing.get_writer().put_content(content)
    with thing.get_reader().as_file() as file:
        assert file.readable() and not file.seekable()
        assert file.read(10) == content[:10]
        assert file.read(0) == b""
        assert file.read(100_000) == content[10:100_010]
        assert file.read() == content[100_010:]
        assert file.read(1) == b""
    with pytest.raises(ValueError):
        file.read()


def resumed(client, proxies, bucket, content):
    thing = client.bucket(bucket.name).object("o")
    for proxy in proxies:
        proxy.lose(2, after=len(content) // 2)
    with thing.get_reader(chunk_size=4096).as_file(max_resume=3) as file:
        assert file.read() == content
    lost = [line for proxy in proxies for line in proxy.lost]
    ranges = [
        line
        for proxy in proxies
        for head in proxy.heads
        for line in head.split("\r\n")
        if line.lower().startswith("range:")
    ]
    assert len(lost) == 2 and len(ranges) == 2  # it goes on where it was cut, and does not begin again
    for proxy in proxies:
        proxy.lose(9, after=len(content) // 2)
    with pytest.raises(ObjectFileReaderMaxResumeError):
        with thing.get_reader(chunk_size=4096).as_file(max_resume=0) as file:
            file.read()
    for proxy in proxies:
        proxy.lose(0)


@pytest.mark.alone
def test_a_file_goes_on_where_its_connection_was_cut(server, bucket, content):
    address, port = server.endpoint.rpartition("/")[2].split(":")
    proxy = LossyProxy(address, int(port))
    try:
        bucket.object("o").get_writer().put_content(content)
        resumed(Client(proxy.url), [proxy], bucket, content)
    finally:
        proxy.close()


@pytest.mark.clustered
def test_a_file_goes_on_where_its_redirected_connection_was_cut(lossy, lossy_bucket, content):
    lossy_bucket.object("o").get_writer().put_content(content)
    resumed(Client(lossy.endpoint), lossy.proxies, lossy_bucket, content)


# ---- in parallel ----


def test_a_parallel_reader_gives_a_buffer_of_the_whole(bucket, big):
    bucket.object("big").get_writer().put_content(big)
    with bucket.object("big").get_reader(num_workers=4, chunk_size=MIB).read_all() as buffer:
        assert len(buffer) == len(big) and buffer.buf == big and buffer.tobytes() == big
        assert buffer.name
    for whole in (None, 100 * MIB):  # of the SDK's choice; larger than the object
        buffer = bucket.object("big").get_reader(num_workers=2, chunk_size=whole).read_all()
        assert buffer.tobytes() == big
        buffer.close()


def test_a_parallel_reader_gives_chunks_in_order(bucket, big):
    bucket.object("big").get_writer().put_content(big)
    reader = bucket.object("big").get_reader(num_workers=3, chunk_size=MIB)
    chunks = list(reader)
    assert [len(chunk) for chunk in chunks] == [MIB] * 9 + [123] and b"".join(chunks) == big
    provider = ParallelContentIterProvider(bucket.object("big").get_reader()._object_client, MIB, 3)
    assert provider.num_workers == 3
    assert b"".join(provider.create_iter(offset=5 * MIB)) == big[5 * MIB :]
    with reader.as_file() as file:
        assert file.read(3 * MIB + 1) == big[: 3 * MIB + 1]
        assert file.read() == big[3 * MIB + 1 :]


def test_a_parallel_reader_follows_the_chunks_of_an_upload(bucket, big):
    """HEAD tells an object in parts by Ais-Chunks-*."""
    upload = bucket.object("parts").multipart_upload().create()
    for number in range(3):
        upload.add_part(number + 1).put_content(big[number * 3 * MIB : (number + 1) * 3 * MIB])
    upload.complete()
    with bucket.object("parts").get_reader(num_workers=3).read_all() as buffer:
        assert buffer.buf == big[: 9 * MIB]
    chunks = bucket.object("parts").head("chunked").chunks
    assert chunks.chunk_count == 3 and chunks.max_chunk_size == 3 * MIB


def test_a_parallel_read_of_nothing_is_refused_by_the_sdk(bucket):
    bucket.object("empty").get_writer().put_content(b"")
    with pytest.raises(ValueError):
        bucket.object("empty").get_reader(num_workers=2).read_all()
    assert bucket.object("empty").get_reader().read_all() == b""


# ---- writing ----


def test_a_file_of_a_directory_is_put(bucket, tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    bucket.object("o").get_writer().put_file(tmp_path / "file")
    assert bucket.object("o").get_reader().read_all() == content
    with pytest.raises(ValueError):
        bucket.object("o").get_writer().put_file(tmp_path / "none")


def test_a_file_for_writing_replaces_what_was_there(bucket):
    bucket.object("o").get_writer().put_content(b"before")
    with bucket.object("o").get_writer().as_file(mode="w") as file:
        assert file.write(b"one ") == 4
        file.write(b"two")
    assert bucket.object("o").get_reader().read_all() == b"one two"


def test_a_file_for_appending_keeps_what_was_there(bucket, content):
    """SPEC: the SDK's as_file: existing content is preserved."""
    for before in (b"", b"before ", content):
        thing = bucket.object("o")
        thing.get_writer().put_content(before)
        with thing.get_writer().as_file() as file:
            file.write(b"one ")
            assert thing.get_reader().read_all() == before  # not before the flush
            file.flush()
            assert thing.get_reader().read_all() == before + b"one "
            file.write(b"two")
        assert thing.get_reader().read_all() == before + b"one two"
        with pytest.raises(ValueError):
            file.write(b"closed")
    with bucket.object("new").get_writer().as_file("a") as file:
        file.write(b"first")
    assert bucket.object("new").get_reader().read_all() == b"first"


def test_an_append_adds_to_what_s3_has_put(bucket, s3):
    s3.put_object(Bucket=bucket.name, Key="o", Body=b"of s3 ")
    with bucket.object("o").get_writer().as_file("a") as file:
        file.write(b"and more")
    assert s3.get_object(Bucket=bucket.name, Key="o")["Body"].read() == b"of s3 and more"


def test_an_append_adds_to_an_object_in_parts(bucket, big):
    upload = bucket.object("parts").multipart_upload().create()
    for number in range(2):
        upload.add_part(number + 1).put_content(big[number * 5 * MIB :][: 5 * MIB])
    upload.complete()
    with bucket.object("parts").get_writer().as_file("a") as file:
        file.write(b"more")
    assert bucket.object("parts").get_reader().read_all() == big[: 10 * MIB] + b"more"


def test_an_upload_is_given_up(bucket):
    upload = bucket.object("o").multipart_upload().create()
    upload.add_part(1).put_content(b"part")
    upload.abort()
    assert not list(bucket.list_all_objects())
    with pytest.raises(Exception, match="404|does not exist"):
        upload.complete()
