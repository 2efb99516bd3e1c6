# SPDX-License-Identifier: Apache-2.0
"""Scenarios of several nodes: CPU is that of all nodes of a cluster together, without etcd's."""

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import time
import urllib.request

import measure
import peers
from loads import MIB, compare_gets, fill_bucket, walk
from s3_http import S3

SAMPLE_PAUSE_S = 0.1
SAMPLES_PER_QUESTION = 5  # asking for the state costs what is measured
READ_KEYS_MAX = 50000  # signed in advance
READ_SHARE = 0.2


class Nodes:
    """An etcd and nodes of known names, so that keys lie alike in every run."""

    def __init__(self, run, name, cores=peers.SERVER_CORE, arguments=("--loops", "1")):
        self.run = run
        self.name = name
        self.cores = cores
        self.arguments = list(arguments)
        self.nodes = {}
        self.keys = None
        self.control = peers.etcd(run.path(f"{name}-etcd"))

    def add(self, node, role):
        """A node that has joined."""
        admin = peers.free_port()
        server = peers.Lode(
            self.run.build, self.run.path(f"{self.name}-{node}"),
            [*self.arguments, "--etcd", f"http://127.0.0.1:{self.control.port}", "--role", role,
             "--node-id", f"bench-{node}", "--admin-listen", f"127.0.0.1:{admin}"],
            keys=self.keys, cores=self.cores)
        self.keys = server.keys
        server.admin_port = admin
        self.nodes[node] = server
        server.wait_until_ready()
        return server

    def pids(self):
        """For measure: all nodes."""
        return tuple(node.pid for node in self.nodes.values())

    def end(self):
        """Nodes first."""
        for server in reversed(list(self.nodes.values())):
            server.end()
        self.control.end()


@contextlib.contextmanager
def cluster(run, name, roles, **options):
    """{node: role} as a cluster that is ended afterwards."""
    nodes = Nodes(run, name, **options)
    try:
        for node, role in roles.items():
            nodes.add(node, role)
        yield nodes
    finally:
        nodes.end()


def relayed(run, scenario, size, count, connections, per, unit):
    """GET through a gateway, against the same owner asked itself: CPU of all nodes together."""
    with cluster(run, scenario, {"owner": "all", "gateway": "gateway"}) as nodes:
        owner, gateway = nodes.nodes["owner"], nodes.nodes["gateway"]
        owner.create_bucket("relayed")
        fill_bucket(run, owner, "relayed", count, size)
        loads = {}
        for name, server in (("owner", owner), ("relayed", gateway)):
            command = peers.sink(run.build, server, "--bucket", "relayed", "--keys", count,
                                 "--key-format", "k%08llu", "--connections", connections,
                                 "--seconds", run.seconds)
            loads[name] = (lambda command=command: measure.sample(nodes.pids(), command,
                                                                  owner.environment))
        before = measure.resident_bytes(gateway.pid)
        compare_gets(run, scenario, loads, per, unit, ["owner"])
        run.report(scenario, "gateway's resident memory before and after (MiB)",
                   f"{before / MIB:.1f} {measure.resident_bytes(gateway.pid) / MIB:.1f}")


def get_large_relayed(run):
    """GET 10 MiB relayed."""
    relayed(run, "get-large-relayed", 10 * MIB, max(10, int(300 * run.scale)), 8,
            lambda one: one["server_cpu_s"] / (one["received_bytes"] / (1 << 30)), "GiB (s)")


def get_small_relayed(run):
    """GET 4 KiB relayed."""
    relayed(run, "get-small-relayed", 4096, max(1000, int(50000 * run.scale)), 64,
            lambda one: one["server_cpu_s"] / one["requests"] * 1e6, "request (us)")


def walk_rate(pids, server, bucket, count):
    """Keys per CPU-s of all nodes, over one walk of all pages."""
    before = measure.cpu_seconds(pids)
    keys = walk(S3(server.port, server.keys), bucket, [])
    if keys != count:
        raise SystemExit(f"a walk over {bucket} gave {keys} keys of {count}")
    return keys / max(measure.cpu_seconds(pids) - before, 1 / measure.TICKS_PER_S)


def list_cluster(run):
    """List 1 M keys over 3 targets, through a gateway and through one of them, against one target: a
    node without a cluster, and alone in one."""
    count = max(10000, int(1000000 * run.scale))
    with contextlib.ExitStack() as stack:
        alone = peers.Lode(run.build, run.path("list-alone"), ["--loops", "1"])
        stack.callback(alone.end)
        one = stack.enter_context(cluster(run, "list-one", {"one": "all"}))
        apart = stack.enter_context(cluster(run, "list-apart", {
            "one": "target", "two": "target", "three": "target", "gateway": "gateway"}))
        among = stack.enter_context(cluster(run, "list-among", {
            "one": "all", "two": "all", "three": "all"}))
        asked = {"one node, no cluster": ((alone.pid,), alone),
                 "one target": (one.pids(), one.nodes["one"]),
                 "3 targets, a gateway": (apart.pids(), apart.nodes["gateway"]),
                 "3 targets, asked at one": (among.pids(), among.nodes["one"])}
        rates = {name: [] for name in asked}
        for _, server in asked.values():
            server.create_bucket("full", durability="none")
            fill_bucket(run, server, "full", count, 16)
        with run.alone():
            for number in range(run.rounds + 1):
                for name in list(asked) if number % 2 == 0 else reversed(list(asked)):
                    pids, server = asked[name]
                    rate = walk_rate(pids, server, "full", count)
                    if number > 0:  # the first fills caches
                        rates[name].append(rate)
    median = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        run.report("list-cluster", f"{name}: keys per CPU-s, all nodes", measure.spread(values))
    for base in ("one node, no cluster", "one target"):
        for name in ("3 targets, a gateway", "3 targets, asked at one"):
            run.report("list-cluster", f"ratio: {name} / {base}", f"{median[name] / median[base]:.3f}")


def raw(run, *words):
    """A limit of the machine."""
    done = subprocess.run([os.path.join(run.build, "bench/raw_move"), *map(str, words)],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def metric(server, name):
    """A counter of one node."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.admin_port}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return int(float(line.split()[1]))
    raise SystemExit(f"there is no metric {name}")


def newest_run(run, gateway):
    """What each node reports about the newest rebalance."""
    done = subprocess.run([os.path.join(run.build, "lode"), "--endpoint",
                           f"http://127.0.0.1:{gateway.port}", "show", "rebalance", "--all",
                           "--json"], env=gateway.environment, capture_output=True, text=True,
                          check=True)
    jobs = sorted(json.loads(done.stdout)["jobs"], key=lambda job: -job["started_ns"])
    return [job for job in jobs if job["id"] == jobs[0]["id"]] if jobs else []


class Watch:
    """Memory of some nodes while something goes on."""

    def __init__(self, servers):
        self.servers = servers
        self.memory = {name: [] for name in servers}

    def look(self):
        """One sample of each."""
        for name, server in self.servers.items():
            with open(f"/proc/{server.pid}/statm", encoding="ascii") as file:
                pages = int(file.read().split()[1])
            self.memory[name].append(pages * os.sysconf("SC_PAGE_SIZE") / MIB)

    def text(self):
        """At the beginning, after each quarter, and the most."""
        parts = []
        for name, values in self.memory.items():
            at = [values[(len(values) - 1) * quarter // 4] for quarter in range(5)]
            parts.append(f"{name}: " + " ".join(f"{value:.0f}" for value in at) +
                         f" (most {max(values):.0f})")
        return "; ".join(parts)


def wait_for_rebalance(run, nodes, watch):
    """Until all three have ended; the reports by node."""
    while True:
        for _ in range(SAMPLES_PER_QUESTION):
            watch.look()
            time.sleep(SAMPLE_PAUSE_S)
        jobs = newest_run(run, nodes.nodes["gateway"])
        if len(jobs) == 3 and all(job["state"] == "finished" for job in jobs):
            return {job["node"]: job["report"] for job in jobs}
        if any(job["state"] in ("failed", "aborted") for job in jobs):
            raise SystemExit(f"the rebalance failed: {jobs}")


def read_in_front(run, gateway, bucket, keys, rate):
    """GETs on a schedule until they are told to end."""
    command = peers.sink(run.build, gateway, "--bucket", bucket, "--keys", keys, "--connections", 64,
                         "--rate", rate, "--seconds", 3600)
    return subprocess.Popen(command, env=gateway.environment, stdout=subprocess.PIPE, text=True)


def end_reads(reads):
    """What they found."""
    reads.send_signal(signal.SIGTERM)
    result = json.loads(reads.communicate()[0])
    if result["errors"]:
        raise SystemExit(f"reads failed: {result}")
    return result


def read_alone(run, nodes, bucket, keys):
    """A fifth of what closed loops read, and what that costs and takes with nothing beside it."""
    gateway = nodes.nodes["gateway"]
    command = peers.sink(run.build, gateway, "--bucket", bucket, "--keys", keys, "--connections", 64,
                         "--seconds", run.seconds)
    rate = READ_SHARE * measure.sample(nodes.pids(), command, gateway.environment)["requests_per_s"]
    before = measure.cpu_seconds(nodes.pids())
    reads = read_in_front(run, gateway, bucket, keys, rate)
    time.sleep(run.seconds)
    result = end_reads(reads)
    cost = (measure.cpu_seconds(nodes.pids()) - before) / result["requests"]
    return rate, cost, result


def rebalance(run, scenario, count, size, connections, has_reads=True):
    """2 targets become 3.  Returns (bytes moved, seconds of the move, CPU of all nodes without what
    the reads cost before, keys moved)."""
    with cluster(run, scenario, {"one": "target", "two": "target", "gateway": "gateway"},
                 cores=peers.ALL_CORES, arguments=()) as nodes:
        gateway = nodes.nodes["gateway"]
        gateway.create_bucket("moved")
        fill_bucket(run, gateway, "moved", count, size, connections)
        readable = min(count, READ_KEYS_MAX)
        rate, cost, before, during = 0, 0, None, {"requests": 0}
        with run.alone():
            if has_reads:
                rate, cost, before = read_alone(run, nodes, "moved", readable)
            senders = {name: nodes.nodes[name] for name in ("one", "two")}
            watch = Watch(senders)
            reads = read_in_front(run, gateway, "moved", readable, rate) if has_reads else None
            cpu = measure.cpu_seconds(nodes.pids())
            nodes.add("three", "target")
            reports = wait_for_rebalance(run, nodes, watch)
            cpu = measure.cpu_seconds(nodes.pids()) - cpu
            if has_reads:
                during = end_reads(reads)
        moved = metric(nodes.nodes["three"], "lode_rebalance_received_bytes_total")
        keys = metric(nodes.nodes["three"], "lode_rebalance_received_objects_total")
        seconds = max(stage["seconds"] for report in reports.values()
                      for stage in report["stages"] if stage["stage"] == "move")
        if has_reads:
            report_reads(run, scenario, before, during, rate)
        run.report(scenario, "senders' memory at the start, after each quarter (MiB)", watch.text())
        run.report(scenario, "bytes moved / a third", f"{moved / (count * size / 3):.4f}")
        run.report(scenario, "keys moved, seconds", f"{keys}, {seconds:.2f}")
        return moved, seconds, cpu - cost * during["requests"], keys


def report_reads(run, scenario, before, during, rate):
    """How long they took."""
    run.report(scenario, "reads in front, a second", f"{rate:.0f}")
    for name, result in (("before", before), ("during", during)):
        run.report(scenario, f"reads {name}: p50, p99, p99.9 (ms)",
                   " ".join(f"{result[key] / 1e3:.2f}" for key in ("p50_us", "p99_us", "p999_us")))


def rebalance_small(run, scenario="rebalance-small", has_reads=True):
    """1 M x 4 KiB: CPU of all nodes for each object that moved."""
    count = max(10000, int(1000000 * run.scale))
    _, seconds, cpu, keys = rebalance(run, scenario, count, 4096, 64, has_reads)
    run.report(scenario, "objects a second", f"{keys / seconds:.0f}")
    run.report(scenario, "total CPU an object, without reads (us)", f"{cpu / keys * 1e6:.1f}")


def rebalance_small_unread(run):
    """The same with no reads in front."""
    rebalance_small(run, "rebalance-small-unread", False)


def rebalance_large(run):
    """2 k x 10 MiB: bytes a second against the slower of disk and loopback."""
    count = max(60, int(2000 * run.scale))
    limits = {"disk": [], "loopback": []}
    with run.alone():
        for number in range(run.rounds):
            target = run.path(f"raw-{number}")
            limits["disk"].append(raw(run, "disk", target, 4, max(20, count // 10), 10 * MIB))
            shutil.rmtree(target)
            limits["loopback"].append(raw(run, "loopback", 4, max(20, count // 10), 10 * MIB))
    moved, seconds, cpu, _ = rebalance(run, "rebalance-large", count, 10 * MIB, 8)
    limits = {name: [one["bytes_per_s"] / MIB for one in values] for name, values in limits.items()}
    for name, values in limits.items():
        run.report("rebalance-large", f"{name} (MiB/s)", measure.spread(values))
    slower = min(statistics.median(values) for values in limits.values())
    run.report("rebalance-large", "moved (MiB/s)", f"{moved / MIB / seconds:.0f}")
    run.report("rebalance-large", "ratio: moved / the slower limit",
               f"{moved / MIB / seconds / slower:.3f}")
    run.report("rebalance-large", "total CPU a GiB, without reads (s)",
               f"{cpu / (moved / (1 << 30)):.2f}")


CLUSTER_SCENARIOS = {"get-large-relayed": get_large_relayed, "get-small-relayed": get_small_relayed,
                     "list-cluster": list_cluster, "rebalance-small": rebalance_small,
                     "rebalance-small-unread": rebalance_small_unread,
                     "rebalance-large": rebalance_large}
