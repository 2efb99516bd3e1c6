# SPDX-License-Identifier: Apache-2.0
"""What the SDK can ask for that is not here: refused by name, with AIStore's "unsupported" (501), never as a 404 and never
as a success that is none."""

import json

import pytest
from aistore.sdk import ArchiveConfig
from aistore.sdk.archive_config import ArchiveMode
from aistore.sdk.authn import AuthNClient
from aistore.sdk.authn.access_attr import AccessAttr
from aistore.sdk.authn.errors import AuthNError
from aistore.sdk.blob_download_config import BlobDownloadConfig
from aistore.sdk.enums import LogSeverity, NodeFilter
from aistore.sdk.errors import AISError, ErrRemoteBckNotFound
from aistore.sdk.etl.etl_config import ETLConfig
from aistore.sdk.list_object_flag import ListObjectFlag


def refused(call, *words, status=501):
    """With the words of the server's own message."""
    with pytest.raises(AISError) as caught:
        call()
    assert caught.value.status_code == status, caught.value
    for word in words:
        assert word in str(caught.value)
    return True


def spec_of_dsort():
    return {
        "input_bck": {"name": "b", "provider": "ais"},
        "input_format": {"template": "shard-{0..1}"},
        "output_format": "out-{0..1}",
        "input_extension": ".tar",
        "output_shard_size": "1MB",
    }


def test_etl_is_refused(client, bucket):
    etl = client.etl("my-etl-name")
    assert etl.name == "my-etl-name"
    words = "is not supported"
    assert refused(lambda: etl.init(image="image", command=["run"]), words)
    assert refused(etl.view, words)
    assert refused(etl.start, words)
    assert refused(etl.stop, words)
    assert refused(etl.delete, words)
    assert refused(etl.logs, words)
    assert refused(client.cluster().list_etls, words)
    assert refused(lambda: bucket.transform("my-etl-name", bucket, prepend="x"), words)
    assert refused(lambda: bucket.inspect("my-etl-name"), words)
    group = bucket.objects(obj_names=["o"])
    assert refused(lambda: group.transform(bucket, "my-etl-name", prepend="x"), words)
    assert refused(lambda: group.inspect("my-etl-name"), words)
    bucket.object("o").get_writer().put_content(b"x")
    config = ETLConfig("my-etl-name")
    assert refused(lambda: bucket.object("o").get_reader(etl=config).read_all(), words)
    assert refused(lambda: bucket.object("o").copy(bucket.object("p"), etl=config), words)


def test_an_etl_made_of_a_class_is_refused(client):
    from aistore.sdk.etl import webserver  # noqa: F401  pylint: disable=unused-import

    etl = client.etl("my-etl-name")
    decorate = etl.init_class()
    assert callable(decorate)


def test_dsort_is_refused(client, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec_of_dsort()))
    assert refused(lambda: client.dsort().start(path), "is not supported")
    known = client.dsort("srt-1")
    assert known.dsort_id == "srt-1"
    assert refused(known.get_job_info, "is not supported")
    assert refused(known.abort, "is not supported")
    assert refused(lambda: known.wait(timeout=1, verbose=False), "is not supported")


@pytest.mark.parametrize("streaming", [True, False])
def test_get_batch_is_refused(client, bucket, streaming):
    bucket.object("o").get_writer().put_content(b"x")
    batch = client.batch([bucket.object("o")], streaming_get=streaming)
    batch.add("p", opaque=b"mine") if batch.requests_list is None else None
    assert len(batch.requests_list) == 1
    assert refused(lambda: list(batch.get()), "is not supported")
    batch.clear()
    assert not batch.requests_list


def test_archives_are_refused(bucket):
    bucket.object("o.tar").get_writer().put_content(b"x")
    group = bucket.objects(obj_names=["o.tar"])
    assert refused(lambda: group.archive("out.tar"), "is not supported")
    assert refused(lambda: bucket.list_archive("o.tar"), "is not supported")
    flags = [ListObjectFlag.ARCH_DIR]
    assert refused(lambda: bucket.list_objects(flags=flags), "is not supported")
    for config in (ArchiveConfig(archpath="in"), ArchiveConfig(regex="x", mode=ArchiveMode.PREFIX)):
        reader = bucket.object("o.tar").get_reader(archive_config=config)
        assert refused(reader.read_all, "is not supported")


def test_inventories_are_refused(bucket):
    assert refused(bucket.create_inventory, "is not supported")
    assert refused(bucket.show_inventory, "is not supported")
    assert refused(bucket.destroy_inventory, "is not supported")
    assert refused(lambda: bucket.list_objects(flags=[ListObjectFlag.NBI]), "is not supported")


def test_remote_buckets_are_refused(client, bucket):
    remote = client.bucket("b", provider="aws")
    for call in (remote.head, remote.create if hasattr(remote, "x") else remote.list_objects,
                 lambda: remote.object("o").get_reader().read_all(), lambda: remote.evict(True),
                 remote.objects(obj_names=["o"]).prefetch, remote.objects(obj_names=["o"]).evict,
                 lambda: remote.object("o").blob_download(num_workers=2)):
        assert refused(call)
    bucket.object("o").get_writer().put_content(b"x")
    config = BlobDownloadConfig(chunk_size="1MB", num_workers="2")
    reader = bucket.object("o").get_reader(blob_download_config=config)
    assert refused(reader.read_all, "blob download is not supported")
    with pytest.raises((AISError, ErrRemoteBckNotFound, ValueError)):
        bucket.object("o").blob_download()


def test_logs_are_refused(client):
    cluster = client.cluster()
    (node, *_) = cluster.get_info().tmap
    assert refused(lambda: cluster.get_node_log(node, LogSeverity.ERROR), "is not supported")
    assert refused(lambda: cluster.get_node_log_archive(node), "is not supported")
    assert refused(lambda: cluster.get_cluster_logs(role=NodeFilter.ALL), "is not supported")


def test_authn_s_own_calls_are_no_part_of_a_storage_node(server):
    """AuthN is a server of its own; who takes this one for it is told so."""
    authn = AuthNClient(server.endpoint)
    for call in (
        lambda: authn.login("admin", "password"),
        AuthNClient(server.endpoint, token="of another server").logout,
        lambda: authn.role_manager().create("r", "a role", "c", [AccessAttr.GET]),
        lambda: authn.role_manager().update("r", desc="a role"),
        lambda: authn.user_manager().list(),
        lambda: authn.user_manager().get("u"),
        lambda: authn.user_manager().create("u", [], "p"),
        lambda: authn.user_manager().update("u", "p"),
        lambda: authn.user_manager().delete("u"),
        lambda: authn.role_manager().list(),
        lambda: authn.role_manager().get("r"),
        lambda: authn.role_manager().delete("r"),
        lambda: authn.cluster_manager().list(),
        lambda: authn.cluster_manager().get("c"),
        lambda: authn.cluster_manager().register("c", [server.endpoint]),
        lambda: authn.cluster_manager().update("c", "a"),
        lambda: authn.cluster_manager().delete("c"),
        lambda: authn.token_manager().revoke("token"),
    ):
        with pytest.raises((AuthNError, AISError)) as caught:
            call()
        assert caught.value.status_code in (400, 401, 404, 405, 501), caught.value
