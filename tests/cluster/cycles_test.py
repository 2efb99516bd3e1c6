#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes come, go and die under load, and nothing is lost.

    cycles_test.py [--cycles N] [--objects N] [--seed N] [--kind KIND]... [--keep]

Each cycle changes the cluster while workers put, copy, upload, delete, read and list: a target joins, or leaves for
good, or leaves for maintenance and returns (before the rebalance has ended or after), or one is killed in
the middle of such a change, or a gateway is.  Then the load rests, and through each gateway the whole listings (of
objects and of open uploads) and a twentieth of the objects, others each time, are compared; in the last cycle all objects.  A request
may fail only while a target is down, or the gateway that it went to.  A target that leaves, and at the
end every one, stops, and its data check out.  Short: 3 cycles over 500 objects; LODE_TEST_LONG=1: 200 over 20,000.
TAP on standard output, with a line for each cycle and the result of all.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools"))
from cluster_nodes import Cluster, ClusterError, show_logs  # noqa: E402
from cycle_load import BUCKET, CHUNK_BYTES, Broken, Load  # noqa: E402
from s3_client import NotSent, S3Client, Unknown  # noqa: E402

GATEWAYS, TARGETS, MOUNTPATHS = 2, 3, 2
TARGETS_MAX = 5
WORKERS = 6
CALM_S = 60  # after a change: the rebalance has ended
READY_S = 60
DOWN_GRACE_S = 3.0  # from ready to known as ready by all
SHARE = 20  # so many cycles look at every object
KINDS_OF_NODE = ("kill", "restart")
KINDS_WITHOUT_MOVES = ("kill", "kill-gateway", "restart")
KINDS_OF_CLUSTER = ("join", "kill-in-maintenance", "leave", "kill-in-join", "maintenance",
                    "kill-gateway", "hasty-maintenance", "kill", "kill-in-leave")
KINDS_OF_CLUSTER_SHORT = ("join", "maintenance", "kill")


class Stage:
    """The cluster, and when nodes of it were down."""

    def __init__(self, build, options):
        self.folder = tempfile.mkdtemp(prefix="lode-cycles-")
        self.options = options
        self.rng = random.Random(options.seed)
        self.cluster = Cluster(os.path.join(self.folder, "cluster"), build,
                               node_options=["--memory", "128M", "--free-floor", "8M"])
        self.down = []  # (from, to, node) in monotonic seconds
        self.load = None
        self.notes = {}  # what -> how often: that changes came together as they were meant to

    def start(self):
        self.cluster.is_bound = True
        self.cluster.describe(GATEWAYS, TARGETS, MOUNTPATHS)
        self.cluster.start()
        s3 = S3Client(self.cluster.endpoints(), self.cluster.access_key, self.cluster.secret_key)
        deadline = time.monotonic() + READY_S
        while True:
            try:
                answer = s3.request(0, "PUT", BUCKET,
                                    headers={"x-lode-chunk-size": str(CHUNK_BYTES)})
                if answer.status == 200 or answer.code == "BucketAlreadyOwnedByYou":
                    break
                why = f"{answer.status} {answer.body[:200]!r}"
            except (Unknown, NotSent) as error:
                why = str(error)
            if time.monotonic() > deadline:
                raise ClusterError(f"the bucket cannot be made: {why}")
            time.sleep(0.1)
        s3.close()
        self.load = Load(self.cluster.endpoints(), self.cluster.access_key, self.cluster.secret_key,
                         self.options.seed, self.options.objects, WORKERS, self.options.page)
        self.load.fill()

    def end(self):
        if self.load is not None:
            self.load.end()
        self.cluster.kill_all()
        if self.options.keep:
            print(f"# kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- pieces of a cycle ----

    def some_time(self):
        time.sleep(self.rng.uniform(0.3, 1.5))

    def kill_and_return(self, node):
        began = time.monotonic()
        node.kill()
        self.some_time()
        node.start()
        node.wait_ready(READY_S)
        self.down.append((began, time.monotonic() + DOWN_GRACE_S, node))

    def a_target(self):
        return self.rng.choice(self.cluster.targets())

    def add_target(self):
        node = self.cluster.add_node("target", MOUNTPATHS)
        node.start()
        node.wait_ready(READY_S)
        return node

    def note(self, what):
        self.notes[what] = self.notes.get(what, 0) + 1

    def is_moving(self):
        """Keys are on their way, as the first gateway sees it."""
        return self.cluster.health(self.cluster.gateways()[0]).get("stage") == "move"

    def leave_for_good(self, node):
        self.cluster.lode("cluster", "decommission", node.name)
        self.wait_left(node)

    def wait_left(self, node):
        self.cluster.wait_left(node.name, CALM_S * max(1, self.options.objects // 2000))
        if node.is_alive() and not node.stop():
            raise Broken(f"{node.name} does not end on SIGTERM after it left")
        self.check_data(node)
        self.cluster.nodes.remove(node)
        for name in os.listdir(node.folder):  # the folder says that its name is refused
            shutil.rmtree(os.path.join(node.folder, name), ignore_errors=True)

    def wait_calm(self):
        """No rebalance is under way."""
        self.cluster.wait_calm(CALM_S * max(1, self.options.objects // 2000))

    def check_data(self, node):
        done = node.fsck(verify=True)
        if done.returncode != 0:
            raise Broken(f"fsck of {node.name}: exit {done.returncode}: "
                         f"{(done.stdout + done.stderr)[-1500:]}")

    # ---- kinds of cycles ----

    def kill(self):
        self.kill_and_return(self.a_target())

    def kill_gateway(self):
        self.kill_and_return(self.rng.choice(self.cluster.gateways()))

    def restart(self):
        node = self.a_target()
        began = time.monotonic()
        if not node.stop():
            raise Broken(f"{node.name} does not end on SIGTERM")
        node.start()
        node.wait_ready(READY_S)
        self.down.append((began, time.monotonic() + DOWN_GRACE_S, node))

    def join(self):
        if len(self.cluster.targets()) >= TARGETS_MAX:
            self.leave()
        self.add_target()

    def leave(self):
        if len(self.cluster.targets()) <= TARGETS:
            self.add_target()
        self.leave_for_good(self.a_target())

    def maintenance(self):
        node = self.a_target()
        self.cluster.lode("cluster", "maintenance", node.name)
        self.wait_calm()
        self.cluster.lode("cluster", "return", node.name)

    def hasty_maintenance(self):
        """It returns before the rebalance has ended."""
        node = self.a_target()
        self.cluster.lode("cluster", "maintenance", node.name)
        time.sleep(self.rng.uniform(0.0, 0.4))
        if self.is_moving():
            self.note("returned while keys moved")
        self.cluster.lode("cluster", "return", node.name)

    def kill_while_moving(self, node):
        time.sleep(self.rng.uniform(0.0, 0.5))
        if self.is_moving():
            self.note("killed while keys moved")
        self.kill_and_return(node)

    def kill_in_join(self):
        if len(self.cluster.targets()) >= TARGETS_MAX:
            self.leave()
        self.add_target()
        self.kill_while_moving(self.a_target())

    def kill_in_leave(self):
        """The one that leaves, or another."""
        if len(self.cluster.targets()) <= TARGETS:
            self.add_target()
        node = self.a_target()
        self.cluster.lode("cluster", "decommission", node.name)
        if self.rng.randrange(2):
            self.kill_while_moving(self.rng.choice([one for one in self.cluster.targets()
                                                    if one is not node]))
        else:
            self.kill_leaving(node)
        self.wait_left(node)

    def kill_leaving(self, node):
        began = time.monotonic()
        time.sleep(self.rng.uniform(0.0, 0.5))
        if self.is_moving():
            self.note("killed while it left")
        node.kill()
        self.some_time()
        if node.name in self.cluster.members():  # else it had left before
            node.start()
            deadline = time.monotonic() + READY_S
            while not node.is_ready() and node.name in self.cluster.members():
                if time.monotonic() > deadline:
                    raise ClusterError(f"{node.name} is not ready, and has not left")
                time.sleep(0.1)
        self.down.append((began, time.monotonic() + DOWN_GRACE_S, node))

    def kill_in_maintenance(self):
        node = self.a_target()
        self.cluster.lode("cluster", "maintenance", node.name)
        self.kill_while_moving(self.a_target())
        self.cluster.lode("cluster", "return", node.name)

    def cycle(self, number, kind):
        began = time.monotonic()
        self.load.begin()
        try:
            self.some_time()
            getattr(self, kind.replace("-", "_"))()
            self.some_time()
        finally:
            self.load.pause()
        failures = [failure for failure in self.load.failures if not self.is_excused(failure)]
        if failures:
            began, ended, what, _ = failures[0]
            raise Broken(f"{len(failures)} requests failed with every node up; "
                         f"{what} ({ended - began:.2f} s)")
        if self.load.answers == 0:
            raise Broken("nothing was answered")
        failed, answered = len(self.load.failures), self.load.answers
        changed = time.monotonic()
        if self.cluster.is_clustered:
            self.wait_calm()
        calm = time.monotonic()
        self.load.verify(1 if number == self.options.cycles else SHARE)
        return failed, answered, (changed - began, calm - changed, time.monotonic() - calm)

    def is_excused(self, failure):
        """A target was down, or the very gateway that was asked."""
        began, ended, _, gateway = failure
        asked = self.cluster.gateways()[gateway]
        return any(began <= until and ended >= since and (node.role != "gateway" or node is asked)
                   for since, until, node in self.down)

    def prove_alertness(self):
        """An object taken away, and one changed, behind the back of the load are noticed."""
        names = [name for name, allowed in self.load.held.items()
                 if len(allowed) == 1 and allowed[0][1]]
        s3 = S3Client(self.cluster.endpoints(), self.cluster.access_key, self.cluster.secret_key)
        for name, method, body in ((names[0], "PUT", b"other bytes"), (names[1], "DELETE", b"")):
            s3.request(0, method, BUCKET, name, body=body)
            try:
                self.load.verify(0)
            except Broken as error:
                if name not in str(error):
                    raise
                del self.load.held[name]
                s3.request(0, "DELETE", BUCKET, name)
                continue
            raise Broken(f"{method} of {name} behind its back was not noticed")
        s3.close()

    def finish(self):
        killed = self.cluster.stop_nodes()
        if killed:
            raise Broken(f"did not end on SIGTERM: {', '.join(killed)}")
        for node in self.cluster.targets():
            self.check_data(node)


def kinds_for(stage, options):
    """What this cluster can do, unless told."""
    if options.kind:
        return options.kind
    if not stage.cluster.is_clustered:
        return list(KINDS_OF_NODE)
    if stage.cluster.moves_data():
        return list(KINDS_OF_CLUSTER if options.is_long else KINDS_OF_CLUSTER_SHORT)
    return list(KINDS_WITHOUT_MOVES)


def run_cycles(stage, options):
    kinds = kinds_for(stage, options)
    done = excused = answers = 0
    began = time.monotonic()
    counts = dict.fromkeys(kinds, 0)
    first = list(kinds)
    for number in range(1, options.cycles + 1):
        kind = first[number - 1] if number <= len(first) else stage.rng.choice(kinds)
        try:
            failed, answered, times = stage.cycle(number, kind)
        except (Broken, ClusterError) as error:
            raise Broken(f"cycle {number}, {kind}: {error}") from None
        counts[kind] += 1
        done += 1
        excused += failed
        answers += answered
        print(f"# cycle {number}: {kind}, {answered} answers, {failed} failed while a node was down; "
              "change {:.1f} s, calm {:.1f} s, look {:.1f} s".format(*times), flush=True)
    took_s = time.monotonic() - began
    print(f"# {took_s:.0f} s, {took_s / max(1, done):.1f} s a cycle; "
          + (", ".join(f"{count} times {what}" for what, count in stage.notes.items()) or "no kills"))
    print(f"# result: {done} cycles over {options.objects} objects ("
          + ", ".join(f"{count} {kind}" for kind, count in counts.items())
          + f"), {answers} answers, {excused} failed while a node was down, nothing lost")


def parse_arguments():
    is_long = "LODE_TEST_LONG" in os.environ
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200 if is_long else 3)
    parser.add_argument("--objects", type=int, default=20_000 if is_long else 500)
    parser.add_argument("--kind", action="append", choices=sorted({*KINDS_OF_CLUSTER,
                                                                   *KINDS_OF_NODE}))
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--keep", action="store_true", help="leave data and logs behind")
    options = parser.parse_args()
    options.is_long = is_long
    options.page = 1000 if options.objects > 2000 else 37
    return options


def main():
    options = parse_arguments()
    build = os.environ.get("LODE_BUILDDIR", os.getcwd())
    if not os.access(os.path.join(build, "loded"), os.X_OK):
        print("1..0 # SKIP loded is not built")
        return 0
    print(f"# seed {options.seed}, {options.cycles} cycles over {options.objects} objects", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through all that cleans up
    stage = Stage(build, options)
    code = 0
    skipped = None
    if not stage.cluster.is_clustered:
        skipped = "this loded cannot join a cluster"
    elif not stage.cluster.moves_data():
        skipped = "this lode knows no maintenance"
    try:
        stage.start()
        print(f"# {options.objects} objects are there", flush=True)
        run_cycles(stage, options)
        print("ok 1 - nothing is lost while nodes come, go and die")
        stage.prove_alertness()
        stage.finish()
        print("ok 2 - every node ends in order, and its data are clean")
    except (Broken, ClusterError) as error:
        code = 1
        print("\n# ".join(f"not ok 1 - {error}".splitlines()))
        show_logs(stage.cluster)
    finally:
        stage.end()
    if skipped:
        print(f"ok {2 if code else 3} - targets join and leave # SKIP {skipped}")
    print(f"1..{2 - (code != 0) + (skipped is not None)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
