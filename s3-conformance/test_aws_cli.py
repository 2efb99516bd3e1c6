# SPDX-License-Identifier: Apache-2.0
"""aws-cli, unmodified: the s3 verbs on files and trees, and s3api calls."""

import json

import pytest
import requests
from client_tools import ClientTool, digest_of, said, tree_digests, write_file, write_tree
from conftest import REGION, new_bucket_name
from listing import keys_of

MIB = 1024 * 1024


def make_tool(server, main, config, settings=""):
    config.write_text(f"[default]\ns3 =\n  addressing_style = path\n{settings}")
    environment = {
        "AWS_ACCESS_KEY_ID": main.access_key,
        "AWS_SECRET_ACCESS_KEY": main.secret_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }
    if server.ca_file:
        environment["AWS_CA_BUNDLE"] = server.ca_file
    return ClientTool("aws", ["--endpoint-url", server.endpoint], environment)


@pytest.fixture(scope="module")
def aws(server, main, tmp_path_factory):
    # version 1 signs URLs with SigV2 in us-east-1 unless it is told this
    config = tmp_path_factory.mktemp("aws") / "config"
    return make_tool(server, main, config, "  signature_version = s3v4\n")


@pytest.fixture(scope="module")
def aws_untold(server, main, tmp_path_factory):
    return make_tool(server, main, tmp_path_factory.mktemp("aws") / "config")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("tree") / "files")


# SPEC: aws s3 mb, ls, rb / a bucket's life
def test_bucket_is_made_and_removed(aws):
    name = new_bucket_name()

    aws.run("s3", "mb", f"s3://{name}")
    assert name in aws.output("s3", "ls")
    aws.run("s3", "rb", f"s3://{name}")

    assert name not in aws.output("s3", "ls")
    aws.refusal("s3", "rb", f"s3://{name}", code="NoSuchBucket")


# SPEC: aws s3 cp / up and down, each size
@pytest.mark.parametrize(
    "size", [0, 1, 100_000, 8 * MIB, 20 * MIB + 3], ids=["0", "1", "100k", "8M", "20M"]
)
def test_file_goes_up_and_comes_down(aws, bucket, tmp_path, size):
    source, back = write_file(tmp_path / "source.bin", size), tmp_path / "back.bin"

    aws.run("s3", "cp", source, f"s3://{bucket}/dir/file.bin")
    aws.run("s3", "cp", f"s3://{bucket}/dir/file.bin", back)

    assert digest_of(back) == digest_of(source)


# SPEC: aws s3 cp / standard input and output
def test_stream_goes_up_and_comes_down(aws, bucket):
    aws.run("s3", "cp", "-", f"s3://{bucket}/stream", input=b"streamed" * 1000)

    assert aws.run("s3", "cp", f"s3://{bucket}/stream", "-").stdout == b"streamed" * 1000


# SPEC: aws s3 cp / --metadata, --content-type, --cache-control reach the object
def test_metadata_goes_up(aws, s3, bucket, tmp_path):
    source = write_file(tmp_path / "f", 10)

    given = ["--metadata", "a=1,b=two", "--content-type", "x/y", "--cache-control", "max-age=5"]
    aws.run("s3", "cp", source, f"s3://{bucket}/k", *given)

    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["ContentType"]) == ({"a": "1", "b": "two"}, "x/y")
    assert head["CacheControl"] == "max-age=5"


# SPEC: aws s3 cp --checksum-algorithm / the checksum is stored, and verified on the way down
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksum_goes_up_and_down(aws, s3, bucket, tmp_path, algorithm):
    source, back = write_file(tmp_path / "f", 9 * MIB), tmp_path / "back"
    done = aws.run(
        "s3", "cp", source, f"s3://{bucket}/k", "--checksum-algorithm", algorithm, check=False
    )
    if done.returncode == 252 or b"Unknown options" in done.stderr:
        pytest.skip("this aws-cli has no --checksum-algorithm")
    if b"requires an additional dependency" in done.stderr:
        pytest.skip("aws-cli computes this one only with awscrt")
    assert done.returncode == 0, said(done)

    aws.run("s3", "cp", f"s3://{bucket}/k", back, "--checksum-mode", "ENABLED")

    assert digest_of(back) == digest_of(source)
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[f"Checksum{algorithm}"]


# SPEC: aws s3 sync / up, nothing to do, changes, --delete, and down again
def test_tree_is_synchronised(aws, s3, bucket, tree, tmp_path):
    aws.run("s3", "sync", tree, f"s3://{bucket}/tree")
    assert aws.output("s3", "sync", tree, f"s3://{bucket}/tree") == ""

    aws.run("s3", "sync", f"s3://{bucket}/tree", tmp_path / "back")
    assert tree_digests(tmp_path / "back") == tree_digests(tree)

    write_file(tmp_path / "back" / "new", 5)
    (tmp_path / "back" / "small.txt").unlink()
    aws.run("s3", "sync", tmp_path / "back", f"s3://{bucket}/tree", "--delete")
    listed = {key.removeprefix("tree/") for key in keys_of(s3.list_objects_v2(Bucket=bucket))}
    assert listed == set(tree_digests(tmp_path / "back"))


# SPEC: aws s3 sync / between two buckets
def test_buckets_are_synchronised(aws, s3, bucket, make_bucket, tree):
    other = make_bucket(s3)
    aws.run("s3", "cp", "--recursive", tree, f"s3://{bucket}/")

    aws.run("s3", "sync", f"s3://{bucket}", f"s3://{other}")

    first, second = (keys_of(s3.list_objects_v2(Bucket=name)) for name in (bucket, other))
    assert first == second and len(first) == 7


# SPEC: aws s3 cp, mv between keys / also objects above the threshold (UploadPartCopy)
@pytest.mark.parametrize("size", [1000, 17 * MIB], ids=["small", "multipart"])
def test_objects_are_copied_and_moved(aws, s3, bucket, tmp_path, size):
    source, back = write_file(tmp_path / "f", size), tmp_path / "back"
    aws.run("s3", "cp", source, f"s3://{bucket}/a", "--metadata", "m=1")

    aws.run("s3", "cp", f"s3://{bucket}/a", f"s3://{bucket}/b")
    aws.run("s3", "mv", f"s3://{bucket}/b", f"s3://{bucket}/c")
    aws.run("s3", "mv", f"s3://{bucket}/c", back)

    assert digest_of(back) == digest_of(source)
    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == ["a"]


# SPEC: aws s3 ls / directories, --recursive, --summarize; a missing prefix ends with 1
def test_listing_shows_the_tree(aws, bucket, tree):
    aws.run("s3", "cp", "--recursive", tree, f"s3://{bucket}/")

    assert "PRE sub/" in aws.output("s3", "ls", f"s3://{bucket}/")
    everything = aws.output("s3", "ls", "--recursive", "--summarize", f"s3://{bucket}")
    assert "Total Objects: 7" in everything and "日本語.txt" in everything
    assert aws.run("s3", "ls", f"s3://{bucket}/none", check=False).returncode == 1


# SPEC: aws s3 rm --recursive with filters, rb --force
def test_objects_are_removed(aws, s3, make_bucket, tree):
    name = make_bucket(s3)
    aws.run("s3", "cp", "--recursive", tree, f"s3://{name}/")

    aws.run("s3", "rm", "--recursive", f"s3://{name}/", "--exclude", "*", "--include", "sub/*")
    assert not [key for key in keys_of(s3.list_objects_v2(Bucket=name)) if key.startswith("sub/")]
    aws.run("s3", "rb", "--force", f"s3://{name}")

    make_bucket.forget(name)
    assert name not in aws.output("s3", "ls")


# SPEC: aws s3 presign / the URL gives the object to anybody
def test_presigned_url_works(aws, server, bucket):
    aws.run("s3", "cp", "-", f"s3://{bucket}/k", input=b"signed")

    url = aws.output("s3", "presign", f"s3://{bucket}/k", "--expires-in", "60").strip()
    answer = requests.get(url, verify=server.ca_file or True, timeout=20)

    assert (answer.status_code, answer.content) == (200, b"signed"), answer.text


# SPEC: aws s3 presign / also as version 1 signs without being told; curl fetches it
def test_url_presigned_by_default_works(aws_untold, server, bucket, tmp_path):
    key = "dir/a b+ü&c=d.txt"
    aws_untold.run("s3", "cp", "-", f"s3://{bucket}/{key}", input=b"signed")
    curl = ClientTool("curl", ["-sS"] + (["--cacert", server.ca_file] if server.ca_file else []), {})

    url = aws_untold.output("s3", "presign", f"s3://{bucket}/{key}", "--expires-in", "60").strip()

    assert "AWSAccessKeyId=" in url and "Signature=" in url
    assert curl.output(url) == "signed"
    assert "200 OK" in curl.output("-o", tmp_path / "got", "-w", "%{http_code} OK", url)
    assert (tmp_path / "got").read_bytes() == b"signed"
    tampered = {
        "SignatureDoesNotMatch": url.replace("a%20b", "a%20c"),
        "AccessDenied": url.replace("Expires=1", "Expires=0"),
    }
    for code, other in tampered.items():
        assert other != url and f"<Code>{code}</Code>" in curl.output(other)
    assert "SignatureDoesNotMatch" in curl.output("-X", "DELETE", url)
    assert "SignatureDoesNotMatch" in curl.output(f"{url}&tagging")
    assert curl.output(url) == "signed"


# SPEC: aws s3api / calls with JSON answers, and errors by their code
def test_api_calls_answer(aws, bucket, tmp_path):
    body = write_file(tmp_path / "f", 1000)

    put = json.loads(
        aws.output("s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", body)
    )
    head = json.loads(aws.output("s3api", "head-object", "--bucket", bucket, "--key", "k"))
    got = tmp_path / "got"
    aws.run("s3api", "get-object", "--bucket", bucket, "--key", "k", "--range", "bytes=0-9", got)
    listed = json.loads(aws.output("s3api", "list-objects-v2", "--bucket", bucket))
    attributes = json.loads(
        aws.output("s3api", "get-object-attributes", "--bucket", bucket, "--key", "k",
                   "--object-attributes", "ETag", "ObjectSize")
    )  # fmt: skip

    assert put["ETag"] == head["ETag"] == listed["Contents"][0]["ETag"]
    assert got.read_bytes() == body.read_bytes()[:10]
    assert attributes["ObjectSize"] == head["ContentLength"] == 1000
    aws.refusal("s3api", "get-object", "--bucket", bucket, "--key", "none", got, code="NoSuchKey")
    aws.refusal("s3api", "head-object", "--bucket", bucket, "--key", "none", code="404")
    aws.refusal("s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", body,
                "--content-md5", "rL0Y20zC+Fzt72VPzMSk2A==", code="BadDigest")  # fmt: skip


# SPEC: aws s3api / a multipart upload by hand
def test_api_multipart_by_hand(aws, s3, bucket, tmp_path):
    parts = [write_file(tmp_path / "1", 5 * MIB, b"1"), write_file(tmp_path / "2", 10, b"2")]
    known = ["--bucket", bucket, "--key", "k"]
    upload = json.loads(aws.output("s3api", "create-multipart-upload", *known))["UploadId"]
    known += ["--upload-id", upload]

    done = []
    for number, path in enumerate(parts, 1):
        part = ["--part-number", str(number), "--body", path]
        etag = json.loads(aws.output("s3api", "upload-part", *known, *part))["ETag"]
        done.append({"PartNumber": number, "ETag": etag})
    assert len(json.loads(aws.output("s3api", "list-parts", *known))["Parts"]) == 2
    document = json.dumps({"Parts": done})
    aws.run("s3api", "complete-multipart-upload", *known, "--multipart-upload", document)

    body = s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert body == b"".join(path.read_bytes() for path in parts)


# SPEC: aws s3 cp / wrong credentials are told
def test_wrong_secret_is_told(aws, bucket, tmp_path):
    kept = aws.environment["AWS_SECRET_ACCESS_KEY"]
    aws.environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
    try:
        aws.refusal("s3api", "list-objects-v2", "--bucket", bucket, code="SignatureDoesNotMatch")
        aws.refusal("s3", "cp", write_file(tmp_path / "f", 10), f"s3://{bucket}/k")
    finally:
        aws.environment["AWS_SECRET_ACCESS_KEY"] = kept


# SPEC: aws iam / users and keys through the same endpoint
def test_users_are_managed(aws, server, root):
    environment = {"AWS_ACCESS_KEY_ID": root.access_key, "AWS_SECRET_ACCESS_KEY": root.secret_key}
    as_root = ClientTool("aws", aws.options, {**aws.environment, **environment})
    name = new_bucket_name()

    as_root.run("iam", "create-user", "--user-name", name)
    key = json.loads(as_root.output("iam", "create-access-key", "--user-name", name))["AccessKey"]
    assert name in as_root.output("iam", "list-users")
    assert key["AccessKeyId"] in as_root.output("iam", "list-access-keys", "--user-name", name)
    as_root.run(
        "iam", "delete-access-key", "--user-name", name, "--access-key-id", key["AccessKeyId"]
    )
    as_root.run("iam", "delete-user", "--user-name", name)

    as_root.refusal("iam", "list-access-keys", "--user-name", name, code="NoSuchEntity")


# SPEC: aws s3 cp / a larger file in many parts, up and down
@pytest.mark.slow
def test_large_file_goes_up_and_down(aws, bucket, tmp_path):
    source, back = write_file(tmp_path / "large", 64 * MIB + 1), tmp_path / "back"

    aws.run("s3", "cp", source, f"s3://{bucket}/large")
    aws.run("s3", "cp", f"s3://{bucket}/large", back)

    assert digest_of(back) == digest_of(source)
