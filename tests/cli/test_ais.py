# SPDX-License-Identifier: Apache-2.0
"""The command-line client `ais`, as its users type."""

import os
import re
from pathlib import Path

import pytest

SIZE = 300_000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def filled(ais, bucket, file):
    for i in range(3):
        ais("put", str(file), f"{bucket}/dir/o{i}")
    return bucket


def rows(text):
    """First words of the lines behind the head."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return [words[0] for words in lines[1:]]


def test_create_list_and_remove_a_bucket(ais, bucket):
    assert bucket in ais("ls", "ais:")
    assert "already exists" in ais("bucket", "create", bucket, fails=True)
    ais("bucket", "create", bucket + "-2")
    ais("bucket", "rm", bucket + "-2", "--yes")
    assert bucket + "-2" not in ais("ls", "ais:")
    assert "does not exist" in ais("ls", bucket + "-2", fails=True)


def test_list_with_all_properties(ais, filled):
    assert rows(ais("ls", filled))[:3] == ["dir/o0", "dir/o1", "dir/o2"]
    text = ais("ls", filled, "--props", "all")
    for word in ("NAME", "SIZE", "CHECKSUM", "VERSION", "LOCATION", "COPIES"):
        assert word in text.splitlines()[0].upper(), text
    assert re.search(r"dir/o1\s.*292\.97KiB", text), text
    assert rows(ais("ls", filled, "--prefix", "dir/o2"))[0] == "dir/o2"
    assert rows(ais("ls", filled, "--limit", "2", "--name-only"))[:2] == ["dir/o0", "dir/o1"]
    assert "dir/" in rows(ais("ls", filled, "--non-recursive"))[0]


def test_get_whole_and_in_ranges(ais, filled, file, tmp_path):
    out = tmp_path / "out"
    ais("get", f"{filled}/dir/o1", str(out))
    assert out.read_bytes() == file.read_bytes()
    ais("get", f"{filled}/dir/o1", str(out), "--offset", "1000", "--length", "2000", "--yes")
    assert out.read_bytes() == file.read_bytes()[1000:3000]
    assert "does not exist" in ais("get", f"{filled}/none", str(out), "--yes", fails=True)


def test_put_compares_checksums(ais, bucket, file):
    ais("put", str(file), f"{bucket}/o", "--compute-checksum")
    ais("put", str(file), f"{bucket}/o", "--md5=" + "0" * 32, fails=True)


def test_copy_an_object_a_selection_and_a_bucket(ais, filled, file, tmp_path):
    other = filled + "-copy"
    ais("bucket", "create", other)
    try:
        ais("cp", f"{filled}/dir/o0", f"{other}/one")
        out = tmp_path / "out"
        ais("get", f"{other}/one", str(out))
        assert out.read_bytes() == file.read_bytes()
        ais("cp", filled, other, "--list", "dir/o1,dir/o2", "--wait")
        assert sorted(rows(ais("ls", other, "--name-only"))[:3]) == ["dir/o1", "dir/o2", "one"]
        ais("cp", filled, other, "--prepend", "again/", "--all", "--wait")
        assert "again/dir/o0" in ais("ls", other, "--name-only")
    finally:
        ais("bucket", "rm", other, "--yes")


def test_move_an_object_and_a_bucket(ais, bucket, file):
    ais("put", str(file), f"{bucket}/old")
    ais("object", "mv", f"{bucket}/old", f"{bucket}/new")
    assert rows(ais("ls", bucket, "--name-only"))[0] == "new"
    source, moved = bucket + "-a", bucket + "-b"
    ais("bucket", "create", source)
    ais("put", str(file), f"{source}/o")
    ais("bucket", "mv", source, moved, "--wait")
    try:
        assert rows(ais("ls", moved, "--name-only"))[0] == "o"
        assert "does not exist" in ais("ls", source, fails=True)
    finally:
        ais("bucket", "rm", moved, "--yes")


def test_remove_objects_by_name_list_and_prefix(ais, filled):
    ais("object", "rm", f"{filled}/dir/o0", "--yes")
    ais("object", "rm", filled, "--list", "dir/o1", "--yes", "--wait")
    assert rows(ais("ls", filled, "--name-only"))[0] == "dir/o2"
    ais("object", "rm", filled, "--prefix", "dir/", "--yes", "--wait")
    assert "dir/" not in ais("ls", filled, "--name-only")


def test_properties_of_a_bucket(ais, bucket):
    text = ais("bucket", "props", "show", bucket)
    assert "checksum.type" in text and "xxhash2" in text or "Type: xxhash2" in text, text
    ais("bucket", "props", "set", bucket, "checksum.type=md5")
    assert "md5" in ais("bucket", "props", "show", bucket, "checksum")
    ais("bucket", "props", "set", bucket, "mirror.enabled=true", fails=True)
    ais("bucket", "props", "reset", bucket)
    assert "xxhash2" in ais("bucket", "props", "show", bucket, "checksum")


def test_properties_of_an_object(ais, filled):
    text = ais("object", "show", f"{filled}/dir/o1", "--props", "all")
    assert "292.97KiB" in text and "t[" in text, text
    ais("object", "set-custom", f"{filled}/dir/o1", "note=hello")
    assert "hello" in ais("object", "show", f"{filled}/dir/o1", "--props", "all")


def test_show_cluster_names_every_node(ais, servers):
    text = ais("show", "cluster")
    for node in servers.cluster.nodes:
        if servers.cluster.is_clustered:
            assert node.name in text, text
    assert "PROXY" in text and "TARGET" in text
    for what in ("smap", "bmd", "config"):
        ais("show", "cluster", what)


def test_show_jobs(ais, filled):
    other = filled + "-jobs"
    ais("cp", filled, other, "--wait")
    try:
        text = ais("show", "job", "copy-bucket", "--all")
        job = re.search(rf"(copy-bck-\S+)\s.*{other}\s+3\s.*Finished", text)
        assert job, text
        assert job.group(1) in ais("show", "job", job.group(1), "--all")
        # Of all kinds: what is not here is named, what is here is shown.
        text = ais("show", "job", "--all", fails=True)
        assert job.group(1) in text and "dsort is not supported" in text
    finally:
        ais("bucket", "rm", other, "--yes")


def test_summary(ais, filled):
    text = ais("bucket", "summary", filled)
    assert "3" in text and "878.91KiB" in text, text


# ---- chunks, promote ----


def test_rechunk(ais, bucket, tmp_path):
    large = tmp_path / "large"
    large.write_bytes(os.urandom(3 << 20))
    ais("put", str(large), f"{bucket}/large")
    ais("bucket", "props", "set", bucket, "chunks.objsize_limit=1MiB", "chunks.chunk_size=512KiB")
    assert "512KiB" in ais("bucket", "props", "show", bucket, "chunks", "--json")
    ais("bucket", "rechunk", bucket, "--chunk-size", "1MiB", "--objsize-limit", "1MiB", "--wait")
    out = tmp_path / "out"
    ais("get", f"{bucket}/large", str(out))
    assert out.read_bytes() == large.read_bytes()
    sizes = ("--chunk-size", "1000", "--objsize-limit", "1MiB")
    refused = ais("bucket", "rechunk", bucket, *sizes, fails=True)
    assert "chunk size 1000" in refused


def test_promote(ais, servers, bucket):
    folder = Path(servers.promote_from) / bucket.rpartition("/")[2]
    (folder / "below").mkdir(parents=True)
    for name in ("one", "two", "below/three"):
        (folder / name).write_bytes(os.urandom(1000))
    ais("object", "promote", str(folder / "one"), f"{bucket}/named")
    assert rows(ais("ls", bucket, "--name-only"))[:1] == ["named"]
    text = ais("object", "promote", str(folder), f"{bucket}/dir/", "--recursive")
    job = re.search(r'xaction ID "([^"]+)"', text).group(1)
    ais("wait", "promote", job)
    assert set(rows(ais("ls", bucket, "--prefix", "dir/", "--name-only"))) >= {
        "dir/one",
        "dir/two",
        "dir/below/three",
    }
    assert "--promote-from" in ais("object", "promote", "/etc/passwd", bucket, fails=True)
