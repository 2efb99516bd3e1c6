#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a store with concurrent clients and records what each asked and was told.

    recorder.py --endpoint URL [--endpoint URL]... --output HISTORY [--seconds 30] [--clients 10]
                [--keys 8] [--rate 40] [--seed N]

Keys come from LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY.  Each client is a process; their clock
is the machine's monotonic one.  Bounded in time (--seconds) and count (--rate requests a second for each
client).  The history is for tests/linearizability/judge; its README.md says what stands in it.  The
seed replays each client's choices, not their timing.
"""

import argparse
import base64
import hashlib
import json
import multiprocessing
import os
import random
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import values  # noqa: E402
from s3_client import Answer, NotSent, S3Client, Unknown  # noqa: E402

NS = 1_000_000_000
BUCKET = "linear"
WEIGHTS = {"put": 20, "create": 10, "replace": 10, "multipart": 3, "get": 20, "head": 8,
           "delete": 10, "multi_delete": 2, "copy": 8, "list": 9}
REST_AFTER_NOT_SENT_S = 0.05
REST_AFTER_UNKNOWN_S = 0.1  # each such write stays open for ever, and makes the judge's work harder
FINAL_READ_S = 60  # after the faults are gone, all keys must be readable within this
FINAL_RETRY_S = 0.1
PAGES_MAX = 50  # of one walk
# Refusals that name a request which was not carried out, and may come at any time.
REFUSED = {"ConditionalRequestConflict", "OperationAborted"}


class Unexpected(Exception):
    """An answer that no fault explains."""


class Client:
    """One client: its choices, its connections, and what it was told."""

    def __init__(self, number, options):
        self.number = number
        self.options = options
        self.rng = random.Random(f"{options['seed']}-{number}")
        self.s3 = S3Client(options["endpoints"], options["access_key"], options["secret_key"])
        self.gateway = 0
        self.count = 0
        self.walks = 0
        self.ops = []
        self.seen = {}  # key -> a value it held lately
        self.unexpected = []
        self.not_sent = 0
        self.call_ns = self.return_ns = 0  # of the last request
        self.why = ""  # the last outcome that was unknown, or 5xx
        self.whys = {}  # how often

    # ---- asking and noting ----

    def ask(self, method, key="", **options):
        """The answer, or None: unknown.  5xx is unknown too: it may come after the admission."""
        self.call_ns = time.monotonic_ns()
        try:
            answer = self.s3.request(self.gateway, method, BUCKET, key, **options)
        except Unknown as error:
            self.why = str(error).partition(":")[0]
            self.whys[self.why] = self.whys.get(self.why, 0) + 1
            return None
        finally:
            self.return_ns = time.monotonic_ns()
        if answer.status >= 500:
            self.why = f"{answer.status} {answer.code}: {answer.xml().findtext('Message') or ''}"
            self.whys[self.why] = self.whys.get(self.why, 0) + 1
            return None
        return answer

    def note(self, op, answer_result, **members):
        entry = {"op": op, "client": self.number, "gateway": f"gateway {self.gateway}",
                 "call": self.call_ns,
                 "return": None if answer_result == "unknown" else self.return_ns,
                 "result": answer_result}
        if answer_result == "unknown":
            entry["why"] = self.why
        entry.update(members)
        self.ops.append(entry)

    def refuse(self, what, answer):
        """True: it was not carried out.  Anything else that is no answer is reported."""
        if answer.code in REFUSED:
            return True
        raise Unexpected(f"{what}: {answer.status} {answer.body[:300]!r}")

    def key(self):
        return f"{self.options['prefix']}{self.rng.randrange(self.options['keys']):03d}"

    def new_value(self):
        self.count += 1
        return values.draw_name(self.rng, self.number, self.count)

    def note_write(self, op, key, answer, members, what):
        """A put or delete, from its answer; what a condition can refuse is refused."""
        has_condition = "if_match" in members or "if_none_match" in members
        if answer is None:
            self.note(op, "unknown", key=key, **members)
        elif answer.status in (200, 204) and not (answer.body and answer.xml().tag == "Error"):
            self.note(op, "ok", key=key, **members)
            if "value" in members:
                self.seen[key] = members["value"]
        elif answer.status == 412 and has_condition:
            self.note(op, "failed", key=key, **members)
        elif answer.status == 404 and answer.code == "NoSuchKey" and "if_match" in members:
            self.note(op, "absent", key=key, **members)
        elif answer.status == 200:
            self.note(op, "unknown", key=key, **members)
        else:
            self.refuse(what, answer)

    # ---- what clients do ----

    def put(self, key=None, members=None, headers=None):
        key = key or self.key()
        value = self.new_value()
        headers = dict(headers or {}, **{"x-amz-meta-value": value})
        members = dict(members or {}, value=value)
        answer = self.ask("PUT", key, headers=headers, body=values.content(value))
        if answer is not None and answer.status == 200 and answer.etag != values.etag(value):
            raise Unexpected(f"PUT of {key} answered ETag {answer.etag}")
        self.note_write("put", key, answer, members, "PUT")

    def create(self):
        self.put(members={"if_none_match": "*"}, headers={"if-none-match": "*"})

    def replace(self):
        key = self.key()
        if key not in self.seen:
            return self.get(key)
        old = self.seen[key]
        return self.put(key, {"if_match": old}, {"if-match": f'"{values.etag(old)}"'})

    def multipart(self):
        key, value = self.key(), self.new_value()
        begun = self.ask("POST", key, query={"uploads": ""}, headers={"x-amz-meta-value": value})
        upload = begun.xml().findtext("UploadId") if begun is not None else None
        if not upload:
            return
        part = self.ask("PUT", key, query={"uploadId": upload, "partNumber": 1},
                        body=values.content(value))
        if part is None or part.status != 200:
            return
        is_create = self.rng.randrange(3) == 0
        body = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
                f"{part.etag}</ETag></Part></CompleteMultipartUpload>").encode()
        answer = self.ask("POST", key, query={"uploadId": upload}, body=body,
                          headers={"if-none-match": "*"} if is_create else {})
        members = {"value": value}
        if is_create:
            members["if_none_match"] = "*"
        self.note_write("put", key, answer, members, "completion")
        self.seen.pop(key, None)  # its ETag is that of an upload

    def get(self, key=None, method="GET"):
        key = key or self.key()
        answer = self.ask(method, key)
        op = method.lower()
        if answer is None:
            return None
        if answer.status == 404 and (method == "HEAD" or answer.code == "NoSuchKey"):
            self.note(op, "absent", key=key)
            self.seen.pop(key, None)
            return answer
        if answer.status != 200:
            self.refuse(method, answer)
        named = answer.headers.get("x-amz-meta-value", "")
        value = values.of_body(answer.body) if method == "GET" else named
        is_plain = value.count("-") == 2 and answer.etag == values.etag(value)
        is_in_parts = value.count("-") == 2 and answer.etag == values.etag_in_parts(value)
        if value != named or not (is_plain or is_in_parts):
            value = f"mixed:body {value}, metadata {named}, etag {answer.etag}"
        self.note(op, "ok", key=key, value=value)
        if is_plain:
            self.seen[key] = value
        return answer

    def head(self):
        return self.get(method="HEAD")

    def delete(self):
        key = self.key()
        if self.rng.randrange(4) == 0 and key in self.seen:
            old = self.seen[key]
            answer = self.ask("DELETE", key, headers={"if-match": f'"{values.etag(old)}"'})
            self.note_write("delete", key, answer, {"if_match": old}, "DELETE")
        else:
            self.note_write("delete", key, self.ask("DELETE", key), {}, "DELETE")

    def multi_delete(self):
        keys = sorted({self.key(), self.key()})
        body = ("<Delete>" + "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
                + "</Delete>").encode()
        answer = self.ask("POST", query={"delete": ""}, body=body,
                          headers={"content-md5": content_md5(body)})
        if answer is not None and answer.status != 200:
            self.refuse("DeleteObjects", answer)
            return
        root = answer.xml() if answer is not None else None
        deleted = {e.findtext("Key") for e in root.iter("Deleted")} if root is not None else set()
        for key in keys:
            self.note("delete", "ok" if key in deleted else "unknown", key=key)

    def copy(self):
        source, key = self.key(), self.key()
        if source == key:
            return
        headers = {"x-amz-copy-source": f"/{BUCKET}/{source}"}
        members = {"source": source}
        if self.rng.randrange(3) == 0 and source in self.seen:
            members["source_if_match"] = self.seen[source]
            headers["x-amz-copy-source-if-match"] = f'"{values.etag(self.seen[source])}"'
        answer = self.ask("PUT", key, headers=headers)
        if answer is None or (answer.status == 200 and answer.xml().tag != "CopyObjectResult"):
            self.note("copy", "unknown", key=key, **members)
        elif answer.status == 200:
            etag = answer.xml().findtext("ETag", "").strip('"')
            self.note("copy", "ok", key=key, value=f"etag:{etag}", **members)
        elif answer.status == 404 and answer.code == "NoSuchKey":
            self.note("copy", "absent", key=key, **members)
        elif answer.status == 412 and "source_if_match" in members:
            self.note("copy", "source_failed", key=key, **members)
        else:
            self.refuse("copy", answer)

    def list(self, page_size=None):
        """One walk over all keys; returns whether it came to its end."""
        self.walks += 1
        walk = self.number * 1_000_000 + self.walks
        page_size = page_size or self.rng.choice([1, 2, 3, 5, 1000])
        is_old = self.rng.randrange(4) == 0
        prefix, after, token = self.options["prefix"], "", None
        for _ in range(PAGES_MAX):
            query = {"prefix": prefix, "max-keys": page_size}
            if is_old:
                query.update({"marker": after} if after else {})
            else:
                query["list-type"] = 2
                query.update({"continuation-token": token} if token else {})
            answer = self.ask("GET", query=query)
            if answer is None:
                return False
            if answer.status != 200:
                self.refuse("listing", answer)
                return False
            root = answer.xml()
            entries = [[e.findtext("Key"), "etag:" + e.findtext("ETag", "").strip('"')]
                       for e in root.iter("Contents")]
            is_truncated = root.findtext("IsTruncated") == "true"
            if is_truncated and not entries:
                raise Unexpected("a truncated page without a key")
            self.note("page", "ok", walk=walk, prefix=prefix, after=after, entries=entries,
                      truncated=is_truncated)
            if not is_truncated:
                return True
            after, token = entries[-1][0], root.findtext("NextContinuationToken")
        return False

    # ---- the loop ----

    def step(self):
        verbs = list(WEIGHTS)
        verb = self.rng.choices(verbs, [WEIGHTS[name] for name in verbs])[0]
        self.gateway = self.rng.randrange(len(self.s3.hosts))
        try:
            getattr(self, verb)()
            if self.ops and self.ops[-1]["result"] == "unknown":
                time.sleep(REST_AFTER_UNKNOWN_S)
        except NotSent:
            self.not_sent += 1
            time.sleep(REST_AFTER_NOT_SENT_S)
        except Unexpected as error:
            self.unexpected.append(f"client {self.number}, gateway {self.gateway}: {error}")

    def run(self, end_ns):
        pause_s = 1.0 / self.options["rate"]
        while (now := time.monotonic_ns()) < end_ns and len(self.unexpected) < 10:
            self.step()
            spent_s = (time.monotonic_ns() - now) / NS
            time.sleep(max(0.0, pause_s * self.rng.uniform(0.5, 1.5) - spent_s))

    def final(self):
        """When all is whole again: each key, and the listing, through each gateway."""
        for gateway in range(len(self.s3.hosts)):
            self.gateway = gateway
            for number in range(self.options["keys"]):
                key = f"{self.options['prefix']}{number:03d}"
                self.until_done(lambda key=key: self.get(key) is not None, key)
                self.until_done(lambda key=key: self.get(key, "HEAD") is not None, key)
            self.until_done(lambda: self.list(3), "the listing")

    def until_done(self, attempt, what):
        """The first thing that cannot be read ends it."""
        deadline = time.monotonic() + (0 if self.unexpected else FINAL_READ_S)
        while time.monotonic() < deadline:
            try:
                if attempt():
                    return
            except NotSent:
                pass
            time.sleep(FINAL_RETRY_S)
        if not self.unexpected:
            self.unexpected.append(f"gateway {self.gateway}: {what} cannot be read after the faults"
                                   f": {self.why}")


def content_md5(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def client_main(number, options, end_ns, pipe):
    client = Client(number, options)
    try:
        client.run(end_ns)
    except Exception:  # a fault of the test: no client ends without a word
        client.unexpected.append(traceback.format_exc())
    client.s3.close()
    pipe.send((client.ops, client.unexpected, client.not_sent, client.whys))
    pipe.close()


class Recording:
    """A load in progress: start(), then join(), then finish()."""

    def __init__(self, endpoints, access_key, secret_key, seed, keys=8, clients=10, rate=40,
                 prefix="k"):
        self.options = {"endpoints": endpoints, "access_key": access_key, "secret_key": secret_key,
                        "seed": seed, "keys": keys, "rate": rate, "prefix": prefix}
        self.clients = clients
        self.running = []
        self.ops = []
        self.unexpected = []
        self.not_sent = 0
        self.whys = {}  # of failures, also those of reads: how often

    def make_bucket(self):
        """Until it is there; made again it is still ours.  Returns nothing, raises Unexpected."""
        s3 = S3Client(self.options["endpoints"], self.options["access_key"],
                      self.options["secret_key"])
        deadline = time.monotonic() + FINAL_READ_S
        for gateway in range(len(s3.hosts)):
            while True:
                try:
                    answer = s3.request(gateway, "PUT" if gateway == 0 else "HEAD", BUCKET)
                except (NotSent, Unknown) as error:
                    answer = Answer(0, {}, str(error).encode())
                if answer.status == 200 or answer.code == "BucketAlreadyOwnedByYou":
                    break
                if time.monotonic() > deadline:
                    raise Unexpected(f"bucket: {answer.status} {answer.body[:300]!r}")
                time.sleep(FINAL_RETRY_S)
        s3.close()

    def start(self, seconds):
        end_ns = time.monotonic_ns() + int(seconds * NS)
        for number in range(self.clients):
            mine, theirs = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.Process(
                target=client_main, args=(number, self.options, end_ns, theirs), daemon=True)
            process.start()
            theirs.close()
            self.running.append((process, mine))

    def join(self):
        for process, pipe in self.running:
            try:
                ops, unexpected, not_sent, whys = pipe.recv()
            except EOFError:
                ops, unexpected, not_sent, whys = [], ["a client ended without a word"], 0, {}
            for why, count in whys.items():
                self.whys[why] = self.whys.get(why, 0) + count
            process.join()
            self.ops += ops
            self.unexpected += unexpected
            self.not_sent += not_sent
        self.running = []

    def final(self):
        client = Client(self.clients, self.options)
        try:
            client.final()
        except Unexpected as error:
            client.unexpected.append(str(error))
        self.ops += client.ops
        self.unexpected += client.unexpected

    def clean(self):
        """Take the keys away, for the disks of a long series; after the history is complete."""
        s3 = S3Client(self.options["endpoints"], self.options["access_key"],
                      self.options["secret_key"])
        for number in range(self.options["keys"]):
            try:
                s3.request(0, "DELETE", BUCKET, f"{self.options['prefix']}{number:03d}")
            except (NotSent, Unknown):
                pass
        s3.close()

    def write(self, path):
        """The ETags that listings and copies told become the values they belong to."""
        names = {}
        for op in self.ops:
            if op["op"] == "put":
                names["etag:" + values.etag(op["value"])] = op["value"]
                names["etag:" + values.etag_in_parts(op["value"])] = op["value"]
        with open(path, "w", encoding="utf-8") as file:
            for op in self.ops:
                if op["op"] == "copy" and "value" in op:
                    op["value"] = names.get(op["value"], op["value"])
                if op["op"] == "page":
                    op["entries"] = [[key, names.get(value, value)] for key, value in op["entries"]]
                file.write(json.dumps(op, separators=(",", ":")) + "\n")

    def counts(self):
        """{result: number}, and how many were never sent."""
        found = {"not sent": self.not_sent}
        for op in self.ops:
            found[op["result"]] = found.get(op["result"], 0) + 1
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", action="append", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--keys", type=int, default=8)
    parser.add_argument("--rate", type=float, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    recording = Recording(options.endpoint, os.environ["LODE_ROOT_ACCESS_KEY"],
                          os.environ["LODE_ROOT_SECRET_KEY"], options.seed, options.keys,
                          options.clients, options.rate, prefix=f"s{options.seed}-")
    recording.make_bucket()
    recording.start(options.seconds)
    recording.join()
    recording.final()
    recording.write(options.output)
    print(recording.counts())
    for line in recording.unexpected:
        print(f"unexpected: {line}")
    return 1 if recording.unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
