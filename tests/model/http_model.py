#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: http_model.py [--seed N] [--ops N] [--build FOLDER]

The model test over HTTP: random S3 requests to a loded of its own and to a reference in memory, the
answers compared.  The seed decides everything; it and the number of the operation are printed when
they differ.  The server is restarted now and then."""

import argparse
import base64
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TREE, "bench"))
from s3_http import S3  # noqa: E402

KEYS = ["a", "a/b", "a/b/c", "a/", "aa", "b/1", "b/2", "b/x/1", "c//d", "/", "//e", ".", "..", "../f",
        "a/../b", "%2F", "sp ace", "plus+", "\u00e9", "e\u0301", "\U0001f600", "q?x=1&y", "h#1", "k" * 1024,
        "<&>\"'", "z", "z~", "Z"]
BUCKETS = ["first", "second"]
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
PART_BYTES = 5 << 20
WEIGHTS = {"put": 20, "put_if": 6, "get": 18, "get_range": 8, "head": 6, "delete": 6, "delete_many": 2,
           "copy": 6, "copy_replace": 2, "list": 10, "list_walk": 2, "upload": 2, "upload_two": 0.15,
           "upload_abort": 1, "restart": 0.02}
READY_TIMEOUT_S = 60


class Client(S3):
    """Also shows the headers of the last answer."""

    def send(self, method, path, query=None, body=None, headers=None):
        text = "&".join(f"{urllib.parse.quote(name, safe='-_.~')}="
                        f"{urllib.parse.quote(str(value), safe='-_.~')}"
                        for name, value in sorted((query or {}).items()))
        path = urllib.parse.quote(path, safe="/-_.~")
        signed = self._sign(method, path, text, headers or {})
        self.connection.request(method, path + ("?" + text if text else ""), body, signed)
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers


class Server:
    """A loded that can be stopped and started over the same directories."""

    def __init__(self, build, directory):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.command = [os.path.join(build, "loded"), "--listen", f"127.0.0.1:{self.port}",
                        "--admin-listen", "none", "--data", os.path.join(directory, "data")]
        for name in ("mp1", "mp2"):
            self.command += ["--mountpath", os.path.join(directory, name)]
        self.keys = {"AWS_ACCESS_KEY_ID": "modelroot", "AWS_SECRET_ACCESS_KEY": "model-secret-key"}
        self.log = open(os.path.join(directory, "log"), "ab")

    def start(self):
        environment = dict(os.environ, LODE_ROOT_ACCESS_KEY="modelroot",
                           LODE_ROOT_SECRET_KEY="model-secret-key")
        self.process = subprocess.Popen(self.command, env=environment, stdout=self.log,
                                        stderr=self.log)
        end = time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    sys.exit("# loded did not start")
                time.sleep(0.02)
        self.client = Client(self.port, self.keys)

    def stop(self):
        self.client.connection.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Model:
    """Reference: bucket -> key -> (bytes, ETag, content type)."""

    def __init__(self, server, seed):
        self.server = server
        self.dice = random.Random(seed)
        self.pool = random.Random(1).randbytes(8 << 20)
        self.buckets = {name: {} for name in BUCKETS}

    def request(self, expected, method, path, **more):
        status, body, headers = self.server.client.send(method, path, **more)
        assert status == expected, f"{method} {path!r}: {status}, not {expected}: {body[:300]!r}"
        return body, headers

    def place(self):
        bucket, key = self.dice.choice(BUCKETS), self.dice.choice(KEYS)
        return bucket, key, f"/{bucket}/{key}"

    def content(self):
        size = self.dice.choice([0, 1, 511, 512, 513, 4096, 65536, 65537, 262144, 262145,
                                 self.dice.randrange(10000), self.dice.randrange(10000),
                                 self.dice.randrange(400000)])
        start = self.dice.randrange(len(self.pool) - size)
        return self.pool[start:start + size]

    @staticmethod
    def etag(data):
        return '"' + hashlib.md5(data).hexdigest() + '"'

    def do_put(self, headers=None, expected=200):
        bucket, key, path = self.place()
        self.put(bucket, key, path, headers or {}, expected)

    def put(self, bucket, key, path, headers, expected):
        data, kind = self.content(), f"x/{self.dice.randrange(100)}"
        _, answer = self.request(expected, "PUT", path, body=data,
                                 headers=dict(headers, **{"content-type": kind}))
        if expected == 200:
            assert answer["ETag"] == self.etag(data), "PUT: ETag"
            self.buckets[bucket][key] = (data, answer["ETag"], kind)

    def do_put_if(self):
        bucket, key, path = self.place()
        there = self.buckets[bucket].get(key)
        if self.dice.random() < 0.5:
            self.put(bucket, key, path, {"if-none-match": "*"}, 412 if there else 200)
        elif there and self.dice.random() < 0.5:
            self.put(bucket, key, path, {"if-match": there[1]}, 200)
        else:
            self.put(bucket, key, path, {"if-match": '"other"'}, 412 if there else 404)

    def do_get(self):
        bucket, key, path = self.place()
        there = self.buckets[bucket].get(key)
        body, headers = self.request(200 if there else 404, "GET", path)
        if there:
            assert (body, headers["ETag"], headers["Content-Type"]) == there, "GET: differs"

    def do_get_range(self):
        bucket, key, path = self.place()
        there = self.buckets[bucket].get(key)
        if not there:
            return
        data = there[0]
        start, end = self.dice.randrange(len(data) + 2), self.dice.randrange(len(data) + 2)
        if start > end:
            start, end = end, start
        expected = 206 if start < len(data) else 416
        body, headers = self.request(expected, "GET", path, headers={"range": f"bytes={start}-{end}"})
        if expected == 206:
            assert body == data[start:end + 1], "range: other bytes"
            last = min(end, len(data) - 1)
            assert headers["Content-Range"] == f"bytes {start}-{last}/{len(data)}", "Content-Range"

    def do_head(self):
        bucket, key, path = self.place()
        there = self.buckets[bucket].get(key)
        headers = {}
        expected = 200 if there else 404
        if there and self.dice.random() < 0.4:
            headers, expected = {"if-none-match": there[1]}, 304
        _, answer = self.request(expected, "HEAD", path, headers=headers)
        if expected == 200:
            assert int(answer["Content-Length"]) == len(there[0]), "HEAD: length"

    def do_delete(self):
        bucket, key, path = self.place()
        self.request(204, "DELETE", path)
        self.buckets[bucket].pop(key, None)

    def do_delete_many(self):
        bucket = self.dice.choice(BUCKETS)
        keys = self.dice.sample(KEYS, self.dice.randrange(1, 6))
        root = ElementTree.Element("Delete")
        for key in keys:
            ElementTree.SubElement(ElementTree.SubElement(root, "Object"), "Key").text = key
        body = ElementTree.tostring(root)
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer, _ = self.request(200, "POST", f"/{bucket}", query={"delete": ""}, body=body,
                                 headers={"content-md5": digest})
        deleted = [node.text for node in ElementTree.fromstring(answer).iter(NAMESPACE + "Key")]
        assert sorted(deleted) == sorted(keys), "DeleteObjects: other keys"
        for key in keys:
            self.buckets[bucket].pop(key, None)

    def do_copy(self, replaces=False):
        from_bucket, from_key, _ = self.place()
        bucket, key, path = self.place()
        source = self.buckets[from_bucket].get(from_key)
        headers = {"x-amz-copy-source": urllib.parse.quote(f"/{from_bucket}/{from_key}")}
        kind = f"x/{self.dice.randrange(100)}"
        if replaces:
            headers.update({"x-amz-metadata-directive": "REPLACE", "content-type": kind})
        is_self = (from_bucket, from_key) == (bucket, key)
        expected = 404 if not source else 400 if is_self and not replaces else 200
        answer, _ = self.request(expected, "PUT", path, headers=headers)
        if expected == 200:
            etag = ElementTree.fromstring(answer).findtext(NAMESPACE + "ETag")
            assert etag == self.etag(source[0]), "COPY: ETag"  # one piece, whatever the source was
            self.buckets[bucket][key] = (source[0], etag, kind if replaces else source[2])

    def do_copy_replace(self):
        self.do_copy(True)

    @staticmethod
    def names(answer):
        root = ElementTree.fromstring(answer)
        names = [urllib.parse.unquote(node.findtext(NAMESPACE + "Key"))
                 for node in root.iter(NAMESPACE + "Contents")]
        names += [urllib.parse.unquote(node.findtext(NAMESPACE + "Prefix"))
                  for node in root.iter(NAMESPACE + "CommonPrefixes")]
        return (sorted(names, key=str.encode), root.findtext(NAMESPACE + "IsTruncated") == "true",
                root.findtext(NAMESPACE + "NextContinuationToken"))

    def reference(self, bucket, prefix, delimiter, after):
        names = set()
        for key in self.buckets[bucket]:
            if key.startswith(prefix):
                at = key.find(delimiter, len(prefix)) if delimiter else -1
                name = key if at < 0 else key[:at + len(delimiter)]
                if name.encode() > after.encode():
                    names.add(name)
        return sorted(names, key=str.encode)

    def do_list(self):
        bucket = self.dice.choice(BUCKETS)
        prefix = self.dice.choice(["", "", "a", "a/", "b/", "zz", "c/"])
        delimiter = self.dice.choice(["", "/", "//"])
        after = self.dice.choice(["", "", "a/b", "b", "\u00e9"])
        most = self.dice.choice([1, 3, 1000])
        query = {"list-type": 2, "encoding-type": "url", "max-keys": most, "prefix": prefix}
        query.update({"delimiter": delimiter} if delimiter else {})
        query.update({"start-after": after} if after else {})
        names, is_truncated, _ = self.names(self.request(200, "GET", f"/{bucket}", query=query)[0])
        expected = self.reference(bucket, prefix, delimiter, after)
        assert names == expected[:most], f"list: {names}, not {expected[:most]}"
        assert is_truncated == (len(expected) > most), "list: IsTruncated"

    def do_list_walk(self):
        bucket, delimiter = self.dice.choice(BUCKETS), self.dice.choice(["", "/"])
        query = {"list-type": 2, "encoding-type": "url", "max-keys": self.dice.randrange(1, 9)}
        query.update({"delimiter": delimiter} if delimiter else {})
        seen, is_truncated = [], True
        while is_truncated:
            names, is_truncated, token = self.names(
                self.request(200, "GET", f"/{bucket}", query=query)[0])
            seen += names
            query["continuation-token"] = token
        assert seen == self.reference(bucket, "", delimiter, ""), "walk: other names"

    def upload(self, parts, aborts=False):
        bucket, key, path = self.place()
        answer, _ = self.request(200, "POST", path, query={"uploads": ""},
                                 headers={"content-type": "x/upload"})
        upload = ElementTree.fromstring(answer).findtext(NAMESPACE + "UploadId")
        root = ElementTree.Element("CompleteMultipartUpload")
        for number, data in parts:
            _, headers = self.request(200, "PUT", path, body=data,
                                      query={"partNumber": number, "uploadId": upload})
            assert headers["ETag"] == self.etag(data), "part: ETag"
            node = ElementTree.SubElement(root, "Part")
            ElementTree.SubElement(node, "PartNumber").text = str(number)
            ElementTree.SubElement(node, "ETag").text = headers["ETag"]
        if aborts:
            self.request(204, "DELETE", path, query={"uploadId": upload})
            self.request(404, "GET", path, query={"uploadId": upload})
            return
        for _ in range(self.dice.randrange(1, 3)):  # again: the same answer
            answer, _ = self.request(200, "POST", path, query={"uploadId": upload},
                                     body=ElementTree.tostring(root))
            etag = ElementTree.fromstring(answer).findtext(NAMESPACE + "ETag")
            digests = b"".join(hashlib.md5(data).digest() for _, data in parts)
            assert etag == f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"', "complete: ETag"
        self.buckets[bucket][key] = (b"".join(data for _, data in parts), etag, "x/upload")

    def do_upload(self):
        self.upload([(self.dice.randrange(1, 10001), self.content())])

    def do_upload_two(self):
        start = self.dice.randrange(1 << 20)
        self.upload([(2, self.pool[start:start + PART_BYTES]), (7, self.content())])

    def do_upload_abort(self):
        self.upload([(1, self.content()), (2, self.content())], aborts=True)

    def do_restart(self):
        assert self.server.stop() == 0, "loded did not end well"
        self.server.start()


def main():
    """Exit 0: no difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=lambda text: int(text, 0), default=random.randrange(1 << 32))
    parser.add_argument("--ops", type=int, default=2000)
    parser.add_argument("--build", default=os.environ.get("LODE_BUILDDIR", os.path.join(TREE, "build")))
    options = parser.parse_args()
    print(f"1..1\n# --seed {options.seed:#x} --ops {options.ops}", flush=True)
    directory = tempfile.mkdtemp(prefix="lode-http-model-")
    server = Server(options.build, directory)
    server.start()
    model = Model(server, options.seed)
    is_good, done = True, 0
    try:
        for name in BUCKETS:
            model.request(200, "PUT", f"/{name}")
        for done in range(options.ops):
            kind = model.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            getattr(model, "do_" + kind)()
    except (AssertionError, OSError) as difference:
        is_good = False
        print(f"# operation {done}, {kind}: {difference}")
    is_good = server.stop() == 0 and is_good
    check = subprocess.run(server.command[:1] + ["--fsck", "--verify"] + server.command[5:],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check.returncode != 0:
        is_good = False
        print("# " + check.stdout.replace("\n", "\n# "))
    shutil.rmtree(directory)
    print(f"{'' if is_good else 'not '}ok 1 - the_server_does_what_the_reference_does")
    return 0 if is_good else 1


sys.exit(main())
