#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Concurrent clients, a fault in their midst, and a judge of what they saw.

    linearizability_test.py [--fault NAME]... [--runs N] [--seconds S] [--seed N] [--keep] [--list]
                            [--dialects] [--table PAGE [--missing N]]

Each run loads the cluster through every gateway, makes one fault and heals it, reads everything once more, and
has the history judged (tests/linearizability/).  It fails if the history is not linearizable, if anything
was answered that no fault explains, if too little was done, or if there is no sign that the fault bit.
Nodes live in network namespaces of their own; where that is not possible, on loopback and without the
faults of the network.  LODE_TEST_LONG=1: each fault at least ten times, 30 s each.  TAP on standard output.

--dialects: every second client speaks AIStore's dialect, on the same keys; the short form has some such runs.

--table PAGE adds each run to the page, so that the long form can be collected over many sittings; --missing N
makes the next N of its runs, those of the faults that have had the fewest first.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools"))
import faults  # noqa: E402
import network  # noqa: E402
from cluster_nodes import Cluster, ClusterError, show_logs  # noqa: E402
from recorder import Recording, Unexpected  # noqa: E402
from run_table import RunTable  # noqa: E402

SHORT_FAULTS = {False: ["none", "kill-target", "pause-target", "cut-target", "one-way-loss",
                        "delay", "full-disk"],
                True: ["none", "kill-target", "cut-target", "pause-gateway", "maintenance"]}
SHORT_FAULTS_OF_DIALECTS = ["none", "kill-target", "cut-target", "maintenance"]
SHORT_S, LONG_S = 3.0, 30.0
LONG_RUNS_OF_EACH = 10
LONG_RUNS_MIN = 100
GATEWAYS, TARGETS, ETCD_MEMBERS, MOUNTPATHS = 2, 3, 3, 2
CLIENTS, KEYS = 10, 8
ANSWERS_MIN_A_SECOND = 10  # over the whole run: less is no load
ETCD_GONE_S = 120
READY_AFTER_S = 60
REASONS_SHOWN = 4
JUDGE_S_MAX = 120


class Failed(Exception):
    """A sentence for the TAP output."""


class Bench:
    """The cluster under test and what has to be removed after it."""

    def __init__(self, build):
        self.folder = tempfile.mkdtemp(prefix="lode-linear-")
        self.network = None
        self.disk = None
        self.cluster = None
        self.build = build
        self.names = set()  # of the nodes that are there from the start
        self.why_no_network = network.why_unavailable()

    def start(self):
        if self.why_no_network is None:
            self.network = network.Network()
        # A memory budget for several nodes on one machine; a free floor for small disks.
        self.cluster = Cluster(os.path.join(self.folder, "cluster"), self.build, self.network,
                               ["--memory", "128M", "--free-floor", "8M", "--log-level", "info"])
        self.cluster.is_bound = True
        self.cluster.describe(GATEWAYS, TARGETS, MOUNTPATHS, ETCD_MEMBERS)
        self.names = {node.name for node in self.cluster.nodes}
        try:
            victim = self.cluster.targets()[0]
            self.disk = faults.SmallDisk(os.path.join(self.folder, "small-disk"))
            victim.mountpath_folder = self.disk.folder
        except RuntimeError as error:
            self.disk = None
            print(f"# no small disk: {error}")
        self.cluster.start()

    def end(self, keep):
        try:
            if self.cluster is not None:
                self.cluster.kill_all()
        finally:
            if self.network is not None:
                self.network.remove()
            if self.disk is not None:
                self.disk.remove()
            if keep:
                print(f"# kept: {self.folder}")
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    def fsck(self):
        """Every node's data, after an orderly end."""
        killed = self.cluster.stop_nodes()
        if killed:
            raise Failed(f"did not end on SIGTERM: {', '.join(killed)}")
        for node in self.cluster.targets():
            done = node.fsck(verify=True)
            if done.returncode != 0:
                raise Failed(f"fsck of {node.name}: exit {done.returncode}: "
                             f"{(done.stdout + done.stderr)[-2000:]}")


def judge_of(build):
    return os.path.join(build, "tests", "linearizability", "judge")


def run_judge(bench, history):
    try:
        return subprocess.run([judge_of(bench.build), history], capture_output=True, text=True, check=False,
                              timeout=JUDGE_S_MAX)
    except subprocess.TimeoutExpired:
        raise Failed(f"the history was not judged within {JUDGE_S_MAX} s") from None


def judge(bench, history):
    done = run_judge(bench, history)
    for line in (done.stdout + done.stderr).splitlines():
        print(f"# {line.replace(bench.folder + '/', '')}")
    if done.returncode != 0:
        raise Failed({1: "the history is not linearizable", 3: "the history was too hard to judge"}
                     .get(done.returncode, f"the judge ended with {done.returncode}"))


def expect_objection(bench, history):
    """The judge is awake: without one of the writes that were read, the same history is refused."""
    with open(history, encoding="utf-8") as file:
        ops = [json.loads(line) for line in file]
    read = next(op["value"] for op in reversed(ops) if op["op"] == "get" and op["result"] == "ok")
    with open(history, "w", encoding="utf-8") as file:
        for op in ops:
            if op["op"] != "put" or op["value"] != read:
                file.write(json.dumps(op) + "\n")
    if run_judge(bench, history).returncode != 1:
        raise Failed(f"the judge does not miss the put of {read}")


def run_one(bench, name, seed, seconds, counts, has_dialects):
    """One run; fills in counts; raises Failed."""
    rng = random.Random(seed)
    cluster = bench.cluster
    fault = faults.FAULTS[name](cluster, rng, bench.folder)
    if name == "etcd-gone" and seconds >= LONG_S:
        seconds = ETCD_GONE_S * 1.3
    recording = Recording(cluster.endpoints(), cluster.access_key, cluster.secret_key, seed,
                          KEYS, CLIENTS, prefix=f"s{seed}-",
                          targets=[one.endpoint for one in cluster.targets()] if has_dialects else ())
    recording.make_bucket()
    recording.start(seconds)
    try:
        time.sleep(seconds * rng.uniform(0.1, 0.3))
        fault.begin()
        time.sleep(ETCD_GONE_S if name == "etcd-gone" and seconds >= LONG_S
                   else seconds * rng.uniform(0.3, 0.45))
    finally:
        fault.end()
        recording.join()
    for program in cluster.programs():
        if program is not fault.leaving:
            program.wait_ready(READY_AFTER_S)
    fault.settle()
    recording.final()
    history = os.path.join(bench.folder, f"{name}-{seed}.jsonl")
    recording.write(history)
    recording.clean()
    counts.update(recording.counts())
    print(f"# {name}, seed {seed}: {fault.evidence()}; "
          + ", ".join(f"{number} {what}" for what, number in counts.items()), flush=True)
    for why, count in sorted(recording.whys.items(), key=lambda one: -one[1])[:REASONS_SHOWN]:
        print(f"#   {count} failed: {why[:200]}")
    if recording.unexpected:
        raise Failed("; ".join(recording.unexpected[:3]))
    judge(bench, history)
    if name == "none":
        expect_objection(bench, history)
    if has_dialects and recording.native_count() < ANSWERS_MIN_A_SECOND * seconds / 4:
        raise Failed(f"only {recording.native_count()} native answers in {seconds:.0f} s")
    if counts.get("ok", 0) < ANSWERS_MIN_A_SECOND * seconds:
        raise Failed(f"only {counts.get('ok', 0)} answers in {seconds:.0f} s")
    os.unlink(history)


def keep_history(bench, name, seed):
    """For whoever looks into it: beside the test's log."""
    source = os.path.join(bench.folder, f"{name}-{seed}.jsonl")
    if os.path.exists(source):
        target = os.path.join(bench.build, "tests", "cluster", f"failed-{name}-{seed}.jsonl")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)
        print(f"# history: tests/cluster/{os.path.basename(target)} of the build directory")
    show_logs(bench.cluster)


def plan_runs(options, cluster):
    """[(fault, whether both dialects are spoken, reason to skip)]"""
    each = max(LONG_RUNS_OF_EACH, -(-LONG_RUNS_MIN // len(faults.FAULTS)))
    runs = [(name, options.dialects) for name in options.fault or faults.FAULTS]
    if options.missing:
        rows = {row_name(*run): run for run in runs if faults.why_not(run[0], cluster) is None}
        rows_missing = options.run_table.missing(list(rows), options.seconds, each, options.missing)
        runs = [rows[row] for row in rows_missing]
    elif options.fault:
        runs *= options.runs or 1
    elif options.is_long:
        runs = [run for _ in range(options.runs or each) for run in runs]
    else:
        runs = [] if options.dialects else [(name, False) for name in SHORT_FAULTS[cluster.is_clustered]]
        runs += [(name, True) for name in SHORT_FAULTS_OF_DIALECTS
                 if cluster.is_clustered or name == "none"]
    return [(*run, faults.why_not(run[0], cluster)) for run in runs]


def row_name(fault, has_dialects):
    """In the table, and in the output."""
    return fault + "+native" if has_dialects else fault


def run_all(bench, options):
    failed = number = 0
    skipped = {}
    violations = 0
    rng = random.Random(options.seed)
    if not bench.cluster.is_clustered:
        skipped["gateways and targets"] = "this loded cannot join a cluster"
    for name, has_dialects, reason in plan_runs(options, bench.cluster):
        seed = rng.randrange(1 << 32) if options.seed_of_run is None else options.seed_of_run
        if reason is not None:
            skipped[name] = reason
            continue
        number += 1
        counts = {}
        outcome = "ok"
        row = row_name(name, has_dialects)
        try:
            run_one(bench, name, seed, options.seconds, counts, has_dialects)
            print(f"ok {number} - {row}, seed {seed}", flush=True)
        except (Failed, ClusterError, Unexpected, faults.NoBite, RuntimeError) as error:
            failed += 1
            outcome = "violation" if "not linearizable" in str(error) else "failed"
            violations += outcome == "violation"
            for line in str(error).splitlines()[1:]:
                print(f"# {line}")
            keep_history(bench, name, seed)
            print(f"not ok {number} - {row}, seed {seed}: {str(error).splitlines()[0]}", flush=True)
            break_or_repair(bench)
        if options.run_table is not None:
            options.run_table.add(row, options.seconds, outcome, counts)
    print(f"# result: {number} runs of {options.seconds:.0f} s, {violations} violations, "
          f"{failed} failed")
    return number, skipped, failed


def break_or_repair(bench):
    """After a failure the next run begins with all programs up and nothing cut."""
    for name in list(bench.network.places if bench.network else {}):
        bench.network.heal(name)
    for node in [one for one in bench.cluster.nodes if one.name not in bench.names]:
        node.kill()
        bench.cluster.nodes.remove(node)
    for program in bench.cluster.programs():
        program.resume()
        program.extra_environment = {}
        program.start()
    for program in bench.cluster.programs():
        program.wait_ready(READY_AFTER_S)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", action="append", choices=list(faults.FAULTS))
    parser.add_argument("--runs", type=int, help="of each fault")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--seed-of-run", type=int, help="repeat one run's choices")
    parser.add_argument("--keep", action="store_true", help="leave data and logs behind")
    parser.add_argument("--table", metavar="PAGE", help="add each run to this page")
    parser.add_argument("--missing", type=int, metavar="N",
                        help="the next N runs that the long form still needs in the page")
    parser.add_argument("--dialects", action="store_true",
                        help="every second client speaks AIStore's dialect; rows are named FAULT+native")
    parser.add_argument("--list", action="store_true", help="name the faults")
    options = parser.parse_args()
    options.is_long = "LODE_TEST_LONG" in os.environ
    if options.missing and not options.table:
        parser.error("--missing needs --table")
    options.seconds = options.seconds or (LONG_S if options.is_long or options.missing else SHORT_S)
    options.run_table = RunTable(options.table) if options.table else None
    return options


def main():
    options = parse_arguments()
    if options.list:
        for name, kind in faults.FAULTS.items():
            print(f"{name:26}{kind.__doc__.splitlines()[0]}")
        return 0
    build = os.environ.get("LODE_BUILDDIR", os.getcwd())
    if not os.access(os.path.join(build, "loded"), os.X_OK):
        print("1..0 # SKIP loded is not built")
        return 0
    if not os.access(judge_of(build), os.X_OK):
        print("not ok 1 - there is a judge: make tests/linearizability/judge\n1..1")
        return 1
    print(f"# seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through all that cleans up
    bench = Bench(build)
    failed = False
    number = 0
    skipped = {}
    try:
        bench.start()
        if bench.why_no_network is not None:
            print(f"# no faults of the network: {bench.why_no_network}")
        number, skipped, failed_runs = run_all(bench, options)
        failed = failed_runs > 0
        number += 1
        bench.fsck()
        print(f"ok {number} - every node ends in order, and its data are clean")
    except (Failed, ClusterError) as error:
        failed = True
        print(f"not ok {number or 1} - {error}".replace("\n", "\n# "))
    finally:
        bench.end(options.keep)
    for name, reason in skipped.items():
        number += 1
        print(f"ok {number} - {name} # SKIP {reason}")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
