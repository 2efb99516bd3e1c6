# SPDX-License-Identifier: Apache-2.0
"""Promote: files that lie on targets become objects."""

import os
import tempfile
from pathlib import Path

import pytest
import requests
import server as lode_server
from aistore.sdk.errors import AISError

from conftest import OPTIONS, PROMOTE_FROM, make_client


@pytest.fixture
def folder():
    """Below what the servers were given with --promote-from."""
    return Path(tempfile.mkdtemp(dir=PROMOTE_FROM))


@pytest.fixture
def tree(folder):
    files = {"a": b"", "b": os.urandom(300_000), "c.txt": b"text", "d/e": b"5", "d/f/g": b"6"}
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder, files


def finish(client, job_id):
    if job_id:
        assert client.job(job_id).wait(timeout=60, verbose=False).success
    return job_id


def stored(bucket):
    return {e.name: bucket.object(e.name).get_reader().read_all() for e in bucket.list_all_objects()}


def test_a_file_is_promoted_at_once(client, bucket, tree):
    folder, files = tree
    assert bucket.object("").promote(str(folder / "b")) == ""
    assert bucket.object("into/").promote(str(folder / "b")) == ""
    assert bucket.object("named").promote(str(folder / "b")) == ""
    assert stored(bucket) == {"b": files["b"], "into/b": files["b"], "named": files["b"]}
    assert bucket.object("named").props.checksum_type == "xxhash2"
    assert (folder / "b").exists()


def test_what_is_there_stays_unless_it_is_overwritten(bucket, tree):
    folder, files = tree
    bucket.object("b").get_writer().put_content(b"before")
    bucket.object("b").promote(str(folder / "b"), delete_source=True)
    assert stored(bucket) == {"b": b"before"} and (folder / "b").exists()
    bucket.object("b").promote(str(folder / "b"), overwrite_dest=True, delete_source=True)
    assert stored(bucket) == {"b": files["b"]} and not (folder / "b").exists()


def test_a_directory_is_promoted_by_a_job(client, bucket, tree):
    folder, files = tree
    assert finish(client, bucket.object("flat/").promote(str(folder)))
    assert stored(bucket) == {f"flat/{n}": b for n, b in files.items() if "/" not in n}
    job_id = finish(client, bucket.object("").promote(str(folder), recursive=True))
    assert {n: b for n, b in stored(bucket).items() if not n.startswith("flat/")} == files
    snaps = client.job(job_id).get_details().list_snapshots()
    assert sum(int(snap.stats.objects) for snap in snaps) == len(files)
    assert sum(int(snap.stats.bytes) for snap in snaps) == sum(map(len, files.values()))


def test_sources_go_once_they_are_objects(client, bucket, tree):
    folder, files = tree
    prefix = bucket.object("x/")
    finish(
        client,
        prefix.promote(str(folder), recursive=True, overwrite_dest=True, delete_source=True),
    )
    assert stored(bucket) == {f"x/{n}": b for n, b in files.items()}
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_many_files(client, bucket, folder):
    files = {f"f{i:04d}": b"%d" % i for i in range(400)}
    for name, body in files.items():
        (folder / name).write_bytes(body)
    finish(client, bucket.object("").promote(str(folder)))
    assert stored(bucket) == files
    finish(client, bucket.object("").promote(str(folder)))  # nothing changes
    assert stored(bucket) == files


def test_links_are_passed_over(client, bucket, tree):
    folder, files = tree
    (folder / "link").symlink_to(folder / "b")
    (folder / "out").symlink_to("/etc")
    finish(client, bucket.object("").promote(str(folder), recursive=True))
    assert stored(bucket) == files
    with pytest.raises(AISError) as refused:
        bucket.object("x").promote(str(folder / "link"))
    assert refused.value.status_code == 400
    with pytest.raises(AISError) as refused:
        bucket.object("x").promote(str(folder / "out" / "passwd"))
    assert refused.value.status_code == 400


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/etc/passwd", 400, "--promote-from"),
        ("{}/../passwd", 400, "'..'"),
        ("relative", 400, "absolute"),
        ("", 400, "empty"),
        ("{}/none", 404, "does not exist"),
        ("{}/empty", 400, "is empty"),
        ("{}-beside", 400, "--promote-from"),
    ],
)
def test_other_paths_are_refused(bucket, folder, path, status, named):
    (folder / "empty").mkdir()
    where = PROMOTE_FROM if path.endswith("-beside") else folder
    with pytest.raises(AISError) as refused:
        bucket.object("x").promote(path.format(where))
    assert refused.value.status_code == status
    assert named in refused.value.message
    assert stored(bucket) == {}


def test_messages_that_contradict_themselves(server, bucket, tree):
    folder, _ = tree
    url = f"{server.endpoint}/v1/objects/{bucket.name}?provider=ais"
    for value, status in (
        ({"src": str(folder / "a")}, 400),
        ({"obj": "../x"}, 400),
        ({"tid": "no-such-target"}, 404),
        ({"rcr": "yes"}, 400),
    ):
        message = {"action": "promote", "name": str(folder / "b"), "value": value}
        answer = requests.post(url, json=message, timeout=20)
        assert answer.status_code == status, value
    missing = url.replace(bucket.name, "no-such-bucket")
    assert requests.post(missing, json=message, timeout=20).status_code == 400
    message["value"] = {}
    assert requests.post(missing, json=message, timeout=20).status_code == 404
    # Either says it.
    for message in (
        {"action": "promote", "value": {"src": str(folder / "b"), "obj": "1"}},
        {"action": "promote", "name": str(folder / "b"), "value": {"obj": "2"}},
    ):
        assert requests.post(url, json=message, timeout=20).status_code == 200
    assert set(stored(bucket)) == {"1", "2"}


@pytest.mark.alone
def test_without_the_option_and_in_its_own_data_nothing_is_promoted():
    for extra, status, named in (
        ((), 403, "--promote-from"),
        (("--promote-from", "/"), 403, "the server's own data"),
    ):
        own = lode_server.OwnServer("http", OPTIONS + extra)
        try:
            own.start()
            bucket = make_client(own.endpoint).bucket("none").create()
            with pytest.raises(AISError) as refused:
                bucket.object("x").promote(str(own.data / "root-key.json"))
            assert refused.value.status_code == status
            assert named in refused.value.message
        finally:
            own.end()


@pytest.mark.clustered
def test_one_target_promotes_what_it_sees(server, client, bucket, tree):
    """All targets of this cluster see the same files: each is promoted once all the same."""
    folder, files = tree
    node = next(iter(client.cluster().get_info().tmap))
    job_id = bucket.object("one/").promote(str(folder), target_id=node, recursive=True)
    finish(client, job_id)
    snaps = client.job(job_id).get_details().list_snapshots()
    assert len(snaps) == 1 and int(snaps[0].stats.objects) == len(files)
    job_id = bucket.object("all/").promote(str(folder), src_not_file_share=True, recursive=True)
    finish(client, job_id)
    assert len(client.job(job_id).get_details().list_snapshots()) == 3
    expected = {f"{p}/{n}": b for n, b in files.items() for p in ("one", "all")}
    assert stored(bucket) == expected
