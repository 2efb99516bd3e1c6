# SPDX-License-Identifier: Apache-2.0
"""rclone, unmodified."""

import pytest
import requests
from client_tools import ClientTool, digest_of, tree_digests, write_file, write_tree
from conftest import REGION, new_bucket_name
from listing import keys_of

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def rclone(server, main):
    environment = {
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_LODE_TYPE": "s3",
        "RCLONE_CONFIG_LODE_PROVIDER": "Other",
        "RCLONE_CONFIG_LODE_ACCESS_KEY_ID": main.access_key,
        "RCLONE_CONFIG_LODE_SECRET_ACCESS_KEY": main.secret_key,
        "RCLONE_CONFIG_LODE_ENDPOINT": server.endpoint,
        "RCLONE_CONFIG_LODE_REGION": REGION,
        "RCLONE_CONFIG_LODE_FORCE_PATH_STYLE": "true",
        "RCLONE_RETRIES": "1",
        "RCLONE_LOW_LEVEL_RETRIES": "1",
    }
    if server.ca_file:
        environment["RCLONE_CA_CERT"] = server.ca_file
    return ClientTool("rclone", [], environment)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("tree") / "files")


# SPEC: rclone mkdir, lsd, rmdir / a bucket's life
def test_bucket_is_made_and_removed(rclone):
    name = new_bucket_name()

    rclone.run("mkdir", f"lode:{name}")
    assert name in rclone.output("lsd", "lode:")
    rclone.run("rmdir", f"lode:{name}")

    assert name not in rclone.output("lsd", "lode:")


# SPEC: rclone copy, check / a tree up, compared by hash, and down again
def test_tree_is_copied_and_checked(rclone, bucket, tree, tmp_path):
    rclone.run("copy", tree, f"lode:{bucket}/t")
    rclone.run("check", tree, f"lode:{bucket}/t")
    rclone.run("check", "--download", tree, f"lode:{bucket}/t")

    rclone.run("copy", f"lode:{bucket}/t", tmp_path / "back")

    assert tree_digests(tmp_path / "back") == tree_digests(tree)


# SPEC: rclone check / a changed object is found
def test_check_finds_a_change(rclone, s3, bucket, tree):
    rclone.run("copy", tree, f"lode:{bucket}/t")
    s3.put_object(Bucket=bucket, Key="t/small.txt", Body=b"0123456789")

    assert rclone.run("check", tree, f"lode:{bucket}/t", check=False).returncode != 0


# SPEC: rclone sync / removes what is no longer there; a second run transfers nothing
def test_tree_is_synchronised(rclone, s3, bucket, tmp_path):
    tree = write_tree(tmp_path / "tree")
    rclone.run("sync", tree, f"lode:{bucket}/t")
    (tree / "small.txt").unlink()
    write_file(tree / "new.bin", 5000)

    rclone.run("sync", tree, f"lode:{bucket}/t")
    again = rclone.run("sync", "-v", tree, f"lode:{bucket}/t")

    listed = {key.removeprefix("t/") for key in keys_of(s3.list_objects_v2(Bucket=bucket))}
    assert listed == set(tree_digests(tree))
    assert b"Copied" not in again.stderr


# SPEC: rclone copy --s3-chunk-size / multipart up and ranged reads down
@pytest.mark.parametrize("size", [12 * MIB + 1, 5 * MIB], ids=["12M", "5M"])
def test_large_file_goes_in_chunks(rclone, bucket, tmp_path, size):
    source = write_file(tmp_path / "up" / "large.bin", size)
    options = ["--s3-chunk-size", "5M", "--s3-upload-cutoff", "5M", "--multi-thread-cutoff", "4M"]

    rclone.run("copy", source, f"lode:{bucket}/", *options)
    rclone.run("copy", f"lode:{bucket}/large.bin", tmp_path / "down", *options)

    assert digest_of(tmp_path / "down" / "large.bin") == digest_of(source)
    rclone.run("check", tmp_path / "up", f"lode:{bucket}/")


# SPEC: rclone rcat, cat / a stream of unknown length
def test_stream_goes_up_and_comes_down(rclone, bucket):
    rclone.run("rcat", f"lode:{bucket}/stream", input=b"streamed" * 10_000)

    assert rclone.run("cat", f"lode:{bucket}/stream").stdout == b"streamed" * 10_000
    assert (
        rclone.run("cat", "--offset", "8", "--count", "8", f"lode:{bucket}/stream").stdout
        == b"streamed"
    )


# SPEC: rclone move, copyto in the server, with modification times kept in metadata
def test_objects_are_copied_and_moved(rclone, s3, bucket, tree):
    rclone.run("copyto", tree / "small.txt", f"lode:{bucket}/a")

    rclone.run("copyto", f"lode:{bucket}/a", f"lode:{bucket}/b")
    rclone.run("moveto", f"lode:{bucket}/b", f"lode:{bucket}/c")
    rclone.run("touch", "--timestamp", "2020-01-02T03:04:05", f"lode:{bucket}/c")

    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == ["a", "c"]
    assert s3.get_object(Bucket=bucket, Key="c")["Body"].read() == (tree / "small.txt").read_bytes()
    assert "mtime" in s3.head_object(Bucket=bucket, Key="c")["Metadata"]


# SPEC: rclone lsf, size, delete with filters, purge
def test_tree_is_listed_and_purged(rclone, s3, make_bucket, tree):
    name = make_bucket(s3)
    rclone.run("copy", tree, f"lode:{name}/t")
    listed = rclone.output("lsf", "--recursive", "--files-only", f"lode:{name}/t").splitlines()
    assert sorted(listed) == sorted(tree_digests(tree))
    assert "Total objects: 7" in rclone.output("size", f"lode:{name}")

    rclone.run("delete", "--include", "*.bin", f"lode:{name}")
    assert not [key for key in keys_of(s3.list_objects_v2(Bucket=name)) if key.endswith(".bin")]
    rclone.run("purge", f"lode:{name}")

    make_bucket.forget(name)
    assert name not in rclone.output("lsd", "lode:")


# SPEC: rclone link / a presigned URL
def test_link_works(rclone, server, bucket, tree):
    rclone.run("copyto", tree / "small.txt", f"lode:{bucket}/k")

    url = rclone.output("link", "--expire", "60s", f"lode:{bucket}/k").strip()
    answer = requests.get(url, verify=server.ca_file or True, timeout=20)

    assert (answer.status_code, answer.content) == (200, (tree / "small.txt").read_bytes())


# SPEC: rclone / wrong credentials and missing buckets are told
def test_refusals_are_told(rclone, bucket):
    rclone.refusal("lsf", "lode:conf-no-such-bucket", code="not found")
    kept = rclone.environment["RCLONE_CONFIG_LODE_SECRET_ACCESS_KEY"]
    rclone.environment["RCLONE_CONFIG_LODE_SECRET_ACCESS_KEY"] = "wrong"
    try:
        rclone.refusal("lsf", f"lode:{bucket}", code="SignatureDoesNotMatch")
    finally:
        rclone.environment["RCLONE_CONFIG_LODE_SECRET_ACCESS_KEY"] = kept
