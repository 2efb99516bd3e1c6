# SPDX-License-Identifier: Apache-2.0
"""Buckets and groups of objects as sources, and what the SDK tells of objects, jobs and the cluster."""

import datetime
import json

import pytest
import requests
from aistore.sdk import AISSource
from aistore.sdk.enums import FLTPresence
from aistore.sdk.errors import InvalidBckProvider, JobInfoNotFound
from aistore.sdk.multiobj import ObjectRange
from aistore.sdk.obj.object_client import ObjectClient
from aistore.sdk.obj.object_props import ObjectProps

TIMEOUT_S = 20
NAMES = [f"dir/o-{i:02d}" for i in range(12)]


@pytest.fixture
def filled(bucket):
    for name in NAMES:
        bucket.object(name).get_writer().put_content(name.encode())
    bucket.object("other").get_writer().put_content(b"other")
    return bucket


# ---- sources ----


def test_a_bucket_is_a_source(filled):
    assert isinstance(filled, AISSource)
    objects = list(filled.list_all_objects_iter(prefix="dir/"))
    assert [one.name for one in objects] == NAMES
    for one in objects:
        assert one.props_cached.size == len(one.name)
        assert one.get_reader().read_all() == one.name.encode()
    assert [one.name for one in filled.list_all_objects_iter(start_after=NAMES[5])] == [
        *NAMES[6:], "other"]


def test_urls_of_a_source_are_read_by_any_client(server, filled):
    urls = list(filled.list_urls(prefix="dir/"))
    assert len(urls) == 12
    for name, url in zip(NAMES, urls):
        assert requests.get(url, timeout=TIMEOUT_S).content == name.encode()
    assert filled.object(NAMES[0]).get_url() == urls[0]
    group = filled.objects(obj_names=NAMES[:2])
    assert list(group.list_urls()) == urls[:2]


def test_a_group_is_a_source_by_names_range_or_template(filled):
    for group in (
        filled.objects(obj_names=NAMES[2:5]),
        filled.objects(obj_range=ObjectRange("dir/o-", 2, 4, pad_width=2)),
        filled.objects(obj_range=ObjectRange.from_string("dir/o-{02..04}")),
        filled.objects(obj_template="dir/o-{02..04}"),
    ):
        assert isinstance(group, AISSource)
        assert list(group.list_names()) == NAMES[2:5]
        objects = list(group.list_all_objects_iter())
        assert [one.name for one in objects] == NAMES[2:5]
        assert [one.get_reader().read_all().decode() for one in objects] == NAMES[2:5]
        assert group.client is filled.client


def test_pages_are_iterated(filled):
    entries = list(filled.list_objects_iter(prefix="dir/", props="name,size", page_size=5))
    assert [entry.name for entry in entries] == NAMES
    entry = entries[0].generate_object_props()
    assert entry.name == NAMES[0] and entry.size == len(NAMES[0])
    page = filled.list_objects(page_size=5)
    assert page.flags == 0 and page.uuid and page.continuation_token == NAMES[4]


def test_files_of_a_directory_are_put(bucket, tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.txt", "b.bin", "sub/c.txt"):
        (tmp_path / name).write_bytes(name.encode())
    bucket.put_files(tmp_path, dry_run=True)
    assert not list(bucket.list_all_objects())
    names = bucket.put_files(tmp_path, recursive=True, pattern="*.txt", prepend="in/")
    listed = [entry.name for entry in bucket.list_all_objects()]
    assert listed == ["in/a.txt", "in/sub/c.txt"] and sorted(names) == listed
    assert bucket.object("in/sub/c.txt").get_reader().read_all() == b"sub/c.txt"


# ---- one object ----


def test_an_object_tells_all_its_attributes(filled):
    thing = filled.object("other")
    thing.get_writer().set_custom_props({"colour": "blue"})
    reader = thing.get_reader()
    client = reader._object_client
    assert isinstance(client, ObjectClient) and client.path.endswith(f"/{filled.name}/other")
    assert client.can_get_at_offset()
    told = client.head("size,checksum,atime,version,custom,copies,location,ec,chunked,last-modified,etag")
    assert told.size == 5 and told.present and told.obj_version == "1"
    assert told.checksum_type == "xxhash2" and len(told.checksum_value) == 16
    assert int(told.access_time) > 0 and told.etag and told.last_modified
    assert told.custom_metadata == {"colour": "blue"}
    assert told.location.startswith("t[") and told.mirror_copies == 1 and not told.mirror_paths
    assert not told.ec and not told.chunks
    answer = client.get_chunk(1, 4)
    assert answer.status_code == 206 and answer.content == b"the"


def test_an_object_tells_where_it_is(client, filled):
    thing = filled.object("dir/a b")
    thing.get_writer().put_content(b"x")
    url = thing.get_semantic_url()
    assert url == f"ais://{filled.name}/dir/a b"
    assert client.get_object_from_url(url).get_reader().read_all() == b"x"
    assert thing.uname.endswith(f"/{filled.name}/dir/a b") and thing.bucket_name == filled.name
    listed = next(iter(filled.list_all_objects_iter(prefix="other")))
    props = listed.props_cached
    assert isinstance(props, ObjectProps)
    assert props.name == "other" and props.size == 5  # of the page, which does not tell the bucket
    told = thing.head()
    assert told.bucket_name == filled.name and told.bucket_provider == "ais"


# ---- buckets, jobs, cluster ----


def test_a_bucket_is_described_in_one_call(filled):
    props, summary = filled.info(flt_presence=FLTPresence.FLT_PRESENT, bsumm_remote=False)
    assert json.loads(props)["provider"] == "ais" and summary["name"] == filled.name
    assert summary["ObjCount"]["obj_count_present"] == "13"
    with pytest.raises(ValueError):
        filled.info(flt_presence=77)


def test_verbs_of_remote_buckets_are_refused_by_the_sdk(filled):
    for verb in (filled.verify_cloud_bucket, filled.evict, filled.objects(obj_names=["x"]).evict,
                 filled.objects(obj_names=["x"]).prefetch):
        with pytest.raises(InvalidBckProvider):
            verb()


def test_a_job_is_found_waited_for_and_timed(client, filled):
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=5)
    to = client.bucket(filled.name + "-to").create()
    try:
        job = client.job(filled.copy(to))
        assert job.wait(verbose=False)
        assert job.job_id and client.job(job.job_id).get_details().list_snapshots()
        (snap, *_) = job.get_within_timeframe(began)
        assert snap.id == job.job_id and snap.unpack_glob_id()
        later = began + datetime.timedelta(minutes=5)
        assert job.get_within_timeframe(began, later)
        with pytest.raises(JobInfoNotFound):
            job.get_within_timeframe(later)
        assert job.get_total_time() >= datetime.timedelta(0)
        details = job.get_details()
        assert details.any_finished() and details.get_num_workers() >= 0
        assert not details.any_aborted() and details.idle_or_aborted() in (True, False)
        group = client.job(filled.objects(obj_names=NAMES[:2]).copy(to)[0])
        assert group.wait_for_idle(verbose=False)
        assert client.cluster().list_jobs_status(job_kind="copy-bucket")
        assert isinstance(client.cluster().list_running_jobs(), list)
    finally:
        to.delete()


def test_a_job_is_stopped(client, filled):
    job = client.job(filled.objects(obj_template="none-{000000..900000}").copy(filled, prepend="x/")[0])
    assert job.job_id in " ".join(client.cluster().list_running_jobs())
    job.abort()
    assert not job.wait(verbose=False)
    assert job.status().aborted
    assert client.job(job_kind="copy-objects").job_kind == "copy-objects"


def test_a_job_is_waited_for_by_its_snaps_alone(client, filled):
    to = client.bucket(filled.name + "-to").create()
    try:
        assert client.job(filled.copy(to)).wait_single_node(verbose=False)
    finally:
        to.delete()


def test_a_cluster_has_one_id(client, other_client):
    assert client.cluster().get_uuid() == other_client.cluster().get_uuid() != ""
