#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Large bodies on their way while targets come and go: no PUT fails.

    large_put_test.py [--rounds N] [--puts N] [--seed N] [--keep]

PUTs of 20 to 100 MiB are under way, half of each body sent, when a target joins (and others get one more mountpath), rests or
returns.  Their bodies end only after
the new map is active, so those whose keys changed owner have to be finished by the new one.  Each must be answered 200
and read back byte for byte through the other gateway.  Small objects are written, read and listed meanwhile, and none of that may fail either.
That PUTs were passed on at all is read from the nodes' metrics; a run without any fails.  At the end the targets' data are checked, with etcd gone.  TAP on standard
output.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools"))
from cluster_nodes import Cluster, ClusterError, show_logs  # noqa: E402
from cycle_load import BUCKET, Broken, Load  # noqa: E402
from s3_client import NotSent, S3Client, Unknown  # noqa: E402

GATEWAYS, TARGETS, MOUNTPATHS = 2, 2, 2
READY_S = 60
CALM_S = 120
ANSWER_S = 60  # a body of 100 MiB is written and sent on by two cores
SMALL_KEYS, SMALL_WORKERS, PAGE = 120, 2, 37
SIZES = (20 << 20, 23_456_789, 32 << 20, 100 << 20)
PIECE = 1 << 20
TRICKLE_S = 0.1  # between pieces of a body that is held back: slow, not silent
PASSED_ON = "lode_cluster_puts_passed_on_total"


class Body:
    """Bytes that tell their place, so that pieces in another order are noticed."""

    def __init__(self, name, size):
        self.name = name
        self.size = size
        self.block = random.Random(name).randbytes(PIECE - 64)

    def piece(self, number):
        return f"{self.name} {number}".encode().ljust(64) + self.block

    def pieces(self):
        for number in range(-(-self.size // PIECE)):
            yield self.piece(number)[:self.size - number * PIECE]

    def md5(self):
        digest = hashlib.md5()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


class Sender(threading.Thread):
    """One PUT: half of it, then drops until it may end."""

    def __init__(self, cluster, gateway, key, body, may_end):
        super().__init__(daemon=True)
        self.s3 = S3Client(cluster.endpoints(), cluster.access_key, cluster.secret_key, ANSWER_S)
        self.gateway = gateway
        self.key = key
        self.body = body
        self.may_end = may_end
        self.is_halfway = threading.Event()
        self.failure = "it has not ended"

    def content(self):
        sent = 0
        for piece in self.body.pieces():
            if sent >= self.body.size // 2:
                self.is_halfway.set()
                if not self.may_end.is_set():
                    # What is left must outlast the change: one byte at a time.
                    while not self.may_end.is_set() and len(piece) > 1:
                        yield piece[:1]
                        piece = piece[1:]
                        self.may_end.wait(TRICKLE_S)
            sent += len(piece)
            yield piece

    def run(self):
        try:
            answer = self.s3.request(self.gateway, "PUT", BUCKET, self.key, body=self.content(),
                                     headers={"content-length": str(self.body.size)})
            self.failure = None if answer.status == 200 else f"{answer.status} {answer.body[:300]!r}"
            if self.failure is None and answer.etag != self.body.md5():
                self.failure = f"its ETag is {answer.etag}"
        except (NotSent, Unknown) as error:
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.is_halfway.set()
            self.s3.close()

    def check(self):
        """Read it back through the other gateway."""
        gateway = (self.gateway + 1) % len(self.s3.hosts)
        answer = self.s3.request(gateway, "GET", BUCKET, self.key)
        self.s3.close()
        if answer.status != 200 or len(answer.body) != self.body.size:
            raise Broken(f"GET {self.key}: {answer.status}, {len(answer.body)} bytes")
        for number, piece in enumerate(self.body.pieces()):
            if answer.body[number * PIECE:number * PIECE + len(piece)] != piece:
                raise Broken(f"{self.key}: MiB {number} is not what was sent")


class Stage:
    def __init__(self, build, options):
        self.folder = tempfile.mkdtemp(prefix="lode-large-")
        self.options = options
        self.rng = random.Random(options.seed)
        self.cluster = Cluster(os.path.join(self.folder, "cluster"), build,
                               node_options=["--memory", "128M", "--free-floor", "8M"])
        self.load = None
        self.count = 0

    def start(self):
        self.cluster.is_bound = True
        self.cluster.describe(GATEWAYS, TARGETS, MOUNTPATHS)
        self.cluster.start()
        s3 = S3Client(self.cluster.endpoints(), self.cluster.access_key, self.cluster.secret_key)
        deadline = time.monotonic() + READY_S
        while s3.request(0, "PUT", BUCKET).status not in (200, 409):
            if time.monotonic() > deadline:
                raise ClusterError("the bucket cannot be made")
            time.sleep(0.1)
        s3.close()
        self.load = Load(self.cluster.endpoints(), self.cluster.access_key, self.cluster.secret_key,
                         self.options.seed, SMALL_KEYS, SMALL_WORKERS, PAGE)
        self.load.fill()

    def end(self):
        if self.load is not None:
            self.load.end()
        self.cluster.kill_all()
        if self.options.keep:
            print(f"# kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- changes ----

    def wait_for_map(self, version):
        deadline = time.monotonic() + READY_S
        while self.cluster.map_version() <= version:
            if time.monotonic() > deadline:
                raise ClusterError("the map does not change")
            time.sleep(0.05)

    def join(self):
        """And keys move between mountpaths as well as between targets."""
        node = self.cluster.add_node("target", MOUNTPATHS)
        node.start()
        node.wait_ready(READY_S)
        for node in self.cluster.targets()[:TARGETS]:
            path = os.path.join(node.folder, "another")
            os.makedirs(path)
            self.cluster.lode("mountpath", "attach", path, endpoint=node.endpoint)

    def rest(self):
        version = self.cluster.map_version()
        self.cluster.lode("cluster", "maintenance", self.cluster.targets()[0].name)
        self.wait_for_map(version)

    def come_back(self):
        version = self.cluster.map_version()
        self.cluster.lode("cluster", "return", self.cluster.targets()[0].name)
        self.wait_for_map(version)

    # ---- a round ----

    def passed_on(self):
        return sum(node.metrics().get(PASSED_ON, 0) for node in self.cluster.targets())

    def senders(self, may_end):
        found = []
        for i in range(self.options.puts):
            self.count += 1
            size = SIZES[-1] if i == 0 else self.rng.choice(SIZES[:-1])
            key = f"z-large/{self.count:04d}"
            found.append(Sender(self.cluster, i % GATEWAYS, key, Body(key, size), may_end))
        return found

    def round(self, change):
        may_end = threading.Event()
        senders = self.senders(may_end)
        before = self.passed_on()
        self.load.begin()
        try:
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.is_halfway.wait(ANSWER_S)
            change()
        finally:
            may_end.set()
            for sender in senders:
                sender.join(2 * ANSWER_S)
            self.load.pause()
        failed = [f"{sender.key} of {sender.body.size} bytes: {sender.failure}"
                  for sender in senders if sender.failure is not None]
        if failed:
            raise Broken(f"{len(failed)} large PUTs of {len(senders)} failed; {failed[0]}")
        if self.load.failures:
            raise Broken(f"{len(self.load.failures)} small requests failed; "
                         f"{self.load.failures[0][2]}")
        for sender in senders:
            sender.check()
            self.forget(sender)
        self.cluster.wait_calm(CALM_S)
        return self.passed_on() - before

    def forget(self, sender):
        """The listings of the load are of its own keys alone."""
        answer = sender.s3.request(sender.gateway, "DELETE", BUCKET, sender.key)
        sender.s3.close()
        if answer.status != 204:
            raise Broken(f"DELETE {sender.key}: {answer.status}")

    def finish(self):
        self.load.verify(1)
        killed = self.cluster.stop_nodes()
        if killed:
            raise Broken(f"did not end on SIGTERM: {', '.join(killed)}")
        for member in self.cluster.etcd:
            member.kill()  # targets are checked by the buckets that they knew last
        for node in self.cluster.targets():
            done = node.fsck(verify=True)
            if done.returncode != 0:
                raise Broken(f"fsck of {node.name}: {(done.stdout + done.stderr)[-1500:]}")


def run_rounds(stage, options):
    total = 0
    changes = ["join", "rest", "come_back"]
    for number in range(options.rounds):
        name = changes[number] if number < len(changes) else changes[1 + (number + 1) % 2]
        try:
            passed_on = stage.round(getattr(stage, name))
        except (Broken, ClusterError, NotSent, Unknown) as error:
            raise Broken(f"round {number + 1}, {name}: {error}") from None
        total += passed_on
        print(f"# round {number + 1}: {name}, {options.puts} large PUTs, {passed_on:.0f} of all "
              f"passed on, {stage.load.answers} small answers", flush=True)
    if total == 0:
        raise Broken("no PUT was passed on: nothing was tried")


def main():
    is_long = "LODE_TEST_LONG" in os.environ
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21 if is_long else 3)
    parser.add_argument("--puts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--keep", action="store_true", help="leave data and logs behind")
    options = parser.parse_args()
    build = os.environ.get("LODE_BUILDDIR", os.getcwd())
    if not os.access(os.path.join(build, "loded"), os.X_OK):
        print("1..0 # SKIP loded is not built")
        return 0
    print(f"# seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through all that cleans up
    stage = Stage(build, options)
    code = 0
    try:
        stage.start()
        run_rounds(stage, options)
        print("ok 1 - large PUTs end well while targets come and go")
        stage.finish()
        print("ok 2 - every node ends in order, and its data are clean")
    except (Broken, ClusterError) as error:
        code = 1
        print("\n# ".join(f"not ok 1 - {error}".splitlines()))
        show_logs(stage.cluster)
    finally:
        stage.end()
    print(f"1..{2 - code}")
    return code


if __name__ == "__main__":
    sys.exit(main())
