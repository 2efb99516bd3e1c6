# SPDX-License-Identifier: Apache-2.0
"""Jobs over chosen objects: started, waited for, asked about afterwards."""

import secrets

import pytest
from aistore.sdk.errors import AISError
from aistore.sdk.multiobj import ObjectRange


@pytest.fixture
def filled(bucket):
    for i in range(10):
        bucket.object(f"n-{i:03d}").get_writer().put_content(b"x" * i)
    return bucket


def names(bucket):
    return [entry.name for entry in bucket.list_all_objects()]


def finish(client, job_id):
    result = client.job(job_id).wait(timeout=60, verbose=False)
    assert result.success
    return client.job(job_id).get_details().list_snapshots()


def counted(snaps):
    """Objects and bytes of all targets together: each has a snap of its own."""
    return sum(snap.stats.objects for snap in snaps), sum(snap.stats.bytes for snap in snaps)


def test_delete_by_list_range_and_template(client, filled):
    finish(client, filled.objects(obj_names=["n-000", "n-001", "not-there"]).delete())
    assert len(names(filled)) == 8
    chosen = ObjectRange(prefix="n-", min_index=2, max_index=5, pad_width=3)
    finish(client, filled.objects(obj_range=chosen).delete())
    assert names(filled) == ["n-006", "n-007", "n-008", "n-009"]
    finish(client, filled.objects(obj_template="n-{006..008..2}").delete())
    assert names(filled) == ["n-007", "n-009"]


def test_copy_of_chosen_objects_ends_as_idle(client, filled):
    other = client.bucket("jobs-" + secrets.token_hex(4))
    jobs = filled.objects(obj_names=["n-003", "n-004"]).copy(other, prepend="c/")
    snaps = finish(client, jobs[0])
    assert all(snap.is_idle and snap.kind == "copy-listrange" for snap in snaps)
    assert counted(snaps) == (2, 7)
    assert names(other) == ["c/n-003", "c/n-004"]
    other.delete()


def test_copy_and_rename_of_a_bucket(client, filled):
    other = client.bucket("copy-" + secrets.token_hex(4))
    assert counted(finish(client, filled.copy(other, prefix_filter="n-00"))) == (10, 45)
    renamed = "renamed-" + secrets.token_hex(4)
    finish(client, other.rename(renamed))
    assert len(names(client.bucket(renamed))) == 10
    assert filled.object("n-009").get_reader().read_all() == b"x" * 9
    client.bucket(renamed).delete()


def test_copy_of_a_bucket_onto_itself_is_refused(filled):
    with pytest.raises(AISError) as refused:
        filled.copy(filled)
    assert refused.value.status_code == 400 and "onto itself" in refused.value.message


def test_dry_run_copies_nothing(client, filled):
    other = client.bucket("dry-" + secrets.token_hex(4)).create()
    finish(client, filled.copy(other, dry_run=True))
    assert names(other) == []
    other.delete()


def test_a_job_is_known_through_any_gateway(client, other_client, filled):
    other = client.bucket("other-" + secrets.token_hex(4))
    job_id = filled.copy(other)
    snaps = finish(other_client, job_id)
    assert {snap.id for snap in snaps} == {job_id} and counted(snaps) == (10, 45)
    assert names(other) == names(filled)
    other.delete()


def test_unknown_jobs_are_not_found(client):
    with pytest.raises(AISError) as refused:
        client.job("no-such-job").status()
    assert refused.value.status_code == 404
    with pytest.raises(AISError) as unsupported:
        client.job(job_kind="lru").start()
    assert unsupported.value.status_code == 501
