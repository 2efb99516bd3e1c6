#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads a store with concurrent clients and records what each asked and was told.

    recorder.py --endpoint URL [--endpoint URL]... --output HISTORY [--seconds 30] [--clients 10]
                [--keys 8] [--rate 40] [--seed N] [--target URL]...

Keys come from LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY.  Each client is a process; their clock
is the machine's monotonic one.  Bounded in time (--seconds) and count (--rate requests a second for each
client).  The history is for tests/linearizability/judge; its README.md says what stands in it.  The
seed replays each client's choices, not their timing.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
import traceback
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import values  # noqa: E402
from native_recorder import NativeRecorder  # noqa: E402
from s3_client import Answer, NotSent, S3Client, Unknown  # noqa: E402
from s3_recorder import BUCKET, FINAL_READ_S, FINAL_RETRY_S, NS, Client, Unexpected  # noqa: E402


def check_read(op, names):
    """A read whose bytes, ETag and checksum are not of one write is given a value of its own."""
    value = op["value"]
    told = {"etag:" + op["etag"]}
    if "checksum" in op and value.count("-") == 2:
        told.add(f"checksum:{op['checksum']}:{values.size(value)}")
    if any(names.get(name) != value for name in told):
        op["value"] = f"mixed:{value}, {', '.join(sorted(told))}"


def client_of(number, options):
    """Those with odd numbers speak AIStore's dialect, if both are spoken."""
    if options["dialects"] and number % 2 == 1:
        return NativeRecorder(number, options)
    return Client(number, options)


def client_main(number, options, end_ns, pipe):
    client = client_of(number, options)
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
                 prefix="k", targets=()):
        """targets: their endpoints; then every second client speaks AIStore's dialect."""
        self.options = {"endpoints": endpoints, "access_key": access_key, "secret_key": secret_key,
                        "seed": seed, "keys": keys, "rate": rate, "prefix": prefix,
                        "dialects": bool(targets),
                        "targets": [urllib.parse.urlsplit(url).netloc for url in targets]}
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
        first = self.clients + self.clients % 2
        for number in (first, first + 1) if self.options["dialects"] else (first,):
            client = client_of(number, self.options)
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

    def names(self):
        """What stands for a value in answers: its ETags, its checksums."""
        found = {}
        for value, op in ((op["value"], op) for op in self.ops if op["op"] == "put"):
            size = values.size(value)
            told = ["etag:" + values.etag(value), "etag:" + values.etag_in_parts(value),
                    f"checksum:{values.etag(value)}:{size}"]
            if op.get("is_native"):
                checksum = values.native_checksum(value)
                told += ["etag:" + values.native_etag(value, checksum),
                         f"checksum:{checksum}:{size}"]
            found.update((name, value) for name in told)
        return found

    def write(self, path):
        """What listings, copies and reads told become the values they belong to."""
        names = self.names()
        with open(path, "w", encoding="utf-8") as file:
            for op in self.ops:
                if op["op"] in ("copy", "get", "head") and "value" in op:
                    op["value"] = names.get(op["value"], op["value"])
                if op["op"] in ("get", "head") and "etag" in op:
                    check_read(op, names)
                if op["op"] == "page":
                    op["entries"] = [[key, names.get(value, value)] for key, value in op["entries"]]
                file.write(json.dumps(op, separators=(",", ":")) + "\n")

    def native_count(self):
        """How many operations of AIStore's dialect were answered with success."""
        return sum(op["result"] == "ok" and self.is_native(op["client"]) for op in self.ops)

    def is_native(self, number):
        return self.options["dialects"] and number % 2 == 1

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
    parser.add_argument("--target", action="append", default=[],
                        help="endpoint of a target: every second client speaks AIStore's dialect")
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
                          options.clients, options.rate, prefix=f"s{options.seed}-",
                          targets=options.target)
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
