# SPDX-License-Identifier: Apache-2.0
"""s3cmd, unmodified."""

import pytest
import requests
from client_tools import ClientTool, digest_of, tree_digests, write_file, write_tree
from conftest import REGION, new_bucket_name
from listing import keys_of

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def s3cmd(server, main, tmp_path_factory):
    config = tmp_path_factory.mktemp("s3cmd") / "s3cfg"
    settings = {
        "access_key": main.access_key,
        "secret_key": main.secret_key,
        "host_base": server.host,
        "host_bucket": server.host,
        "bucket_location": REGION,
        "use_https": str(server.scheme == "https"),
        "ca_certs_file": server.ca_file or "",
        "multipart_chunk_size_mb": "5",
        "max_retries": "1",
        "signature_v2": "False",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    config.write_text("\n".join(["[default]", *lines]) + "\n")
    return ClientTool("s3cmd", ["--config", str(config), "--no-progress"], {"LC_ALL": "C.UTF-8"})


# SPEC: s3cmd mb, ls, rb / a bucket's life
def test_bucket_is_made_and_removed(s3cmd):
    name = new_bucket_name()

    s3cmd.run("mb", f"s3://{name}")
    assert f"s3://{name}" in s3cmd.output("ls")
    s3cmd.run("rb", f"s3://{name}")

    assert f"s3://{name}" not in s3cmd.output("ls")
    s3cmd.refusal("ls", f"s3://{name}", code="NoSuchBucket")


# SPEC: s3cmd put, get / each size; above 5 MiB in parts
@pytest.mark.parametrize("size", [0, 1, 100_000, 11 * MIB + 7], ids=["0", "1", "100k", "11M"])
def test_file_goes_up_and_comes_down(s3cmd, bucket, tmp_path, size):
    source, back = write_file(tmp_path / "f", size), tmp_path / "back"

    s3cmd.run("put", source, f"s3://{bucket}/dir/f")
    s3cmd.run("get", f"s3://{bucket}/dir/f", back)

    assert digest_of(back) == digest_of(source)


# SPEC: s3cmd get --continue / the rest of a file that began to come
def test_download_is_continued(s3cmd, bucket, tmp_path):
    source, back = write_file(tmp_path / "f", 300_000), tmp_path / "back"
    s3cmd.run("put", source, f"s3://{bucket}/f")
    back.write_bytes(source.read_bytes()[:123_456])

    s3cmd.run("get", "--continue", f"s3://{bucket}/f", back)

    assert digest_of(back) == digest_of(source)


# SPEC: s3cmd ls, info, du / what is there
def test_objects_are_shown(s3cmd, bucket, tmp_path):
    s3cmd.run("put", write_file(tmp_path / "f", 1234), f"s3://{bucket}/d/f", "--mime-type=x/y")

    assert f"s3://{bucket}/d/f" in s3cmd.output("ls", "--recursive", f"s3://{bucket}")
    assert f"s3://{bucket}/d/" in s3cmd.output("ls", f"s3://{bucket}")
    info = s3cmd.output("info", f"s3://{bucket}/d/f")
    assert "1234" in info and "x/y" in info
    assert s3cmd.output("du", f"s3://{bucket}").split()[0] == "1234"


# SPEC: s3cmd sync / up and down, with --delete-removed
def test_tree_is_synchronised(s3cmd, s3, bucket, tmp_path):
    tree = write_tree(tmp_path / "tree")

    s3cmd.run("sync", f"{tree}/", f"s3://{bucket}/t/")
    s3cmd.run("sync", f"s3://{bucket}/t/", f"{tmp_path}/back/")
    assert tree_digests(tmp_path / "back") == tree_digests(tree)
    (tree / "small.txt").unlink()
    s3cmd.run("sync", "--delete-removed", f"{tree}/", f"s3://{bucket}/t/")

    listed = {key.removeprefix("t/") for key in keys_of(s3.list_objects_v2(Bucket=bucket))}
    assert listed == set(tree_digests(tree))


# SPEC: s3cmd cp, mv, modify / objects are copied in the server, with their metadata
def test_objects_are_copied_and_moved(s3cmd, s3, bucket, tmp_path):
    source = write_file(tmp_path / "f", 1000)
    s3cmd.run("put", source, f"s3://{bucket}/a", "--add-header=x-amz-meta-m:1")

    s3cmd.run("cp", f"s3://{bucket}/a", f"s3://{bucket}/b")
    s3cmd.run("mv", f"s3://{bucket}/b", f"s3://{bucket}/c")
    s3cmd.run("modify", "--add-header=x-amz-meta-n:2", f"s3://{bucket}/c")

    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == ["a", "c"]
    found = s3.get_object(Bucket=bucket, Key="c")
    assert found["Body"].read() == source.read_bytes()
    assert found["Metadata"]["m"] == "1" and found["Metadata"]["n"] == "2"


# SPEC: s3cmd cp / an object of several parts
def test_multipart_object_is_copied(s3cmd, bucket, tmp_path):
    source, back = write_file(tmp_path / "f", 12 * MIB), tmp_path / "back"
    s3cmd.run("put", source, f"s3://{bucket}/a")

    s3cmd.run("cp", f"s3://{bucket}/a", f"s3://{bucket}/b")
    s3cmd.run("get", f"s3://{bucket}/b", back)

    assert digest_of(back) == digest_of(source)


# SPEC: s3cmd multipart, listmp, abortmp / uploads in progress
def test_uploads_are_listed_and_aborted(s3cmd, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")

    assert upload in s3cmd.output("multipart", f"s3://{bucket}")
    assert "1" in s3cmd.output("listmp", f"s3://{bucket}/k", upload)
    s3cmd.run("abortmp", f"s3://{bucket}/k", upload)

    assert upload not in s3cmd.output("multipart", f"s3://{bucket}")


# SPEC: s3cmd del, rb --recursive
def test_objects_are_removed(s3cmd, s3, make_bucket, tmp_path):
    name = make_bucket(s3)
    s3cmd.run("put", "--recursive", f"{write_tree(tmp_path / 'tree')}/", f"s3://{name}/")

    s3cmd.run("del", f"s3://{name}/small.txt")
    s3cmd.run("del", "--recursive", "--force", f"s3://{name}/sub/")
    left = keys_of(s3.list_objects_v2(Bucket=name))
    assert "small.txt" not in left and not [key for key in left if key.startswith("sub/")] and left
    s3cmd.run("rb", "--recursive", "--force", f"s3://{name}")

    make_bucket.forget(name)
    assert f"s3://{name}" not in s3cmd.output("ls")


# SPEC: s3cmd signurl / the URL, which it signs by version 2, gives the object
def test_signed_url(s3cmd, server, bucket, tmp_path):
    s3cmd.run("put", write_file(tmp_path / "f", 10), f"s3://{bucket}/k")

    url = s3cmd.output("signurl", f"s3://{bucket}/k", "+60").strip()
    if server.scheme == "https":
        url = url.replace("http://", "https://")
    answer = requests.get(url, verify=server.ca_file or True, timeout=20)

    assert (answer.status_code, answer.content) == (200, (tmp_path / "f").read_bytes())
    other = requests.get(url.replace("/k?", "/j?"), verify=server.ca_file or True, timeout=20)
    assert other.status_code == 403 and "SignatureDoesNotMatch" in other.text


# SPEC: s3cmd / wrong credentials are told
def test_wrong_secret_is_told(s3cmd, bucket):
    s3cmd.refusal("--secret_key=wrong", "ls", f"s3://{bucket}", code="SignatureDoesNotMatch")
