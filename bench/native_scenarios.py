# SPDX-License-Identifier: Apache-2.0
"""Scenarios of the native dialect, against the same by S3's or against the disk."""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import time

import measure
import peers
from cluster_scenarios import raw
from loads import MIB, compare_gets, fill_bucket

LIST_PAGE = 10000
JOB_POLL_S = 0.005


class Native:
    """One connection without credentials."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(self, method, path, message=None, accept="application/json"):
        """The answer's body."""
        body = json.dumps(message) if message is not None else None
        self.connection.request(method, path, body,
                                {"Content-Type": "application/json", "Accept": accept})
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path} answered {answer.status}: {data[:300]}")
        return data

    def run_job(self, path, message):
        """Start one and wait for its end; seconds it took."""
        begin = time.monotonic()
        job = self.ask("POST", path, message).decode().strip('"')
        while True:
            status = json.loads(self.ask("GET", "/v1/cluster?what=status", {"id": job}))
            if status.get("end_time", 0) or status.get("aborted"):
                break
            time.sleep(JOB_POLL_S)
        if status.get("err") or status.get("aborted"):
            raise SystemExit(f"the job {job} failed: {status}")
        return time.monotonic() - begin


def anonymous_node(run, name, *arguments, cores=peers.SERVER_CORE):
    """A node that takes native requests from anyone here."""
    return peers.Lode(run.build, run.path(name),
                      ["--loops", "1", "--allow-anonymous-native", *arguments], cores=cores)


def get_native(run):
    """GET 4 KiB and 1 MiB: native at the owner against S3's, CPU a request."""
    lode = anonymous_node(run, "data-native-get")
    try:
        for name, count, size, connections in (("small", max(1000, int(50000 * run.scale)), 4096, 64),
                                               ("large", max(100, int(3000 * run.scale)), MIB, 16)):
            lode.create_bucket(name)
            fill_bucket(run, lode, name, count, size)
            loads = {"S3, signed": run.get_load(lode, name, count, connections, True),
                     "native": run.get_load(lode, f"v1/objects/{name}", count, connections, False),
                     "native, signed": run.get_load(lode, f"v1/objects/{name}", count, connections,
                                                    True)}
            compare_gets(run, f"get-native {size >> 10} KiB", loads,
                         lambda one: one["server_cpu_s"] / one["requests"] * 1e6, "request (us)",
                         ["S3, signed"])
    finally:
        lode.end()


def last_name(data):
    """The token of a page in msgpack: follows its key, and is a fixstr, str 8 or str 16."""
    at = data.index(b"ContinuationToken") + len(b"ContinuationToken")
    if 0xa0 <= data[at] <= 0xbf:
        size, at = data[at] & 0x1f, at + 1
    elif data[at] == 0xd9:
        size, at = data[at + 1], at + 2
    else:
        size, at = int.from_bytes(data[at + 1:at + 3], "big"), at + 3
    return data[at:at + size].decode()


def list_native(run):
    """List 1 M names in msgpack."""
    count = max(10000, int(1000000 * run.scale))
    lode = anonymous_node(run, "data-native-list")
    try:
        lode.create_bucket("full", durability="none")
        fill_bucket(run, lode, "full", count, 16)
        native = Native(lode.port)
        rates = []
        with run.alone():
            for number in range(run.rounds + 1):
                before = measure.cpu_seconds(lode.pid)
                token, names = "", 0
                while True:
                    page = native.ask("GET", "/v1/buckets/full", {"action": "list", "value": {
                        "props": "name", "pagesize": LIST_PAGE, "continuation_token": token}},
                        "application/msgpack")
                    names += page.count(b"\xa1n\xa9k0")  # the member n: a name like k00000000
                    token = last_name(page)
                    if not token:
                        break
                if names != count:
                    raise SystemExit(f"the listing gave {names} names of {count}")
                cpu = max(measure.cpu_seconds(lode.pid) - before, 1 / measure.TICKS_PER_S)
                if number > 0:
                    rates.append(names / cpu / 1e6)
        run.report("list-native", "names per server CPU-s (M)", measure.spread(rates))
    finally:
        lode.end()


def put_native(run):
    """PUT 1 MiB, one stream: xxhash against MD5, CPU a request."""
    lode = anonymous_node(run, "data-native-put")
    count = max(100, int(500 * run.scale))

    def put(bucket, signed):
        command = peers.sink(run.build, lode, "--method", "PUT", "--bucket", bucket, "--keys", count,
                             "--sequential", "--requests", count, "--body", MIB, "--connections", 1,
                             "--seconds", 600, *([] if signed else ["--unsigned"]))
        return measure.sample(lode.pid, command, lode.environment)

    try:
        native = Native(lode.port)
        loads = {}
        for durability in ("relaxed", "strict"):
            for kind in ("xxhash2", "md5"):
                bucket = f"{durability}-{kind}"
                lode.create_bucket(bucket, durability=durability)
                native.ask("PATCH", f"/v1/buckets/{bucket}", {
                    "action": "set-bprops", "value": {"checksum": {"type": kind}}})
                loads[f"native {kind}, {durability}"] = (f"v1/objects/{bucket}", False)
            lode.create_bucket(f"{durability}-s3", durability=durability)
            loads[f"S3, {durability}"] = (f"{durability}-s3", True)
        with run.alone():
            kept, discarded = measure.compare(list(loads), run.rounds,
                                              lambda name: put(*loads[name]))
        cost = {name: [one["server_cpu_s"] / one["requests"] * 1e6 for one in samples]
                for name, samples in kept.items()}
        for name, values in cost.items():
            run.report("put-native", f"{name}: server CPU per PUT (us)", measure.spread(values))
        run.report("put-native", "samples thrown away", discarded)
        if not all(cost.values()):
            run.report("put-native", "ratio", "void: other work disturbed every sample of one")
            return
        for durability in ("relaxed", "strict"):
            base = statistics.median(cost[f"native xxhash2, {durability}"])
            for peer in (f"native md5, {durability}", f"S3, {durability}"):
                run.report("put-native", f"ratio: {peer} / native xxhash2",
                           f"{statistics.median(cost[peer]) / base:.3f}")
    finally:
        lode.end()


def copy_bucket(run, scenario, count, size, mountpath_count):
    """A job that copies a bucket; seconds of each round."""
    mountpaths = [run.path(f"{scenario}-{number}") for number in range(mountpath_count)]
    arguments = [word for path in mountpaths for word in ("--mountpath", path)]
    lode = anonymous_node(run, f"data-{scenario}-{mountpath_count}", *arguments,
                          cores=peers.ALL_CORES)
    seconds, cpu, limits = [], [], []
    try:
        lode.create_bucket("from")
        fill_bucket(run, lode, "from", count, size)
        native = Native(lode.port)
        for number, path in enumerate(mountpaths):  # files of copies come and go
            subprocess.run(["cp", "-al", os.path.join(path, "chunks"),
                            run.path(f"{scenario}-files-{number}")], check=True)
        with run.alone():
            for number in range(run.rounds):
                before = measure.cpu_seconds(lode.pid)
                seconds.append(native.run_job(f"/v1/buckets/from?bck_to=ais/@%23/to-{number}/",
                                              {"action": "copy-bck"}))
                cpu.append((measure.cpu_seconds(lode.pid) - before) / count * 1e6)
                if size >= MIB:
                    limits.append(copy_files(run, scenario, mountpath_count))
                    native.ask("DELETE", f"/v1/buckets/to-{number}", {"action": "destroy-bck"})
    finally:
        lode.end()
        for number, path in enumerate(mountpaths):
            shutil.rmtree(path)
            shutil.rmtree(run.path(f"{scenario}-files-{number}"), ignore_errors=True)
    name = f"{mountpath_count} mountpath{'s' if mountpath_count > 1 else ''}"
    run.report(scenario, f"{name}: objects/s",
               measure.spread([count / one for one in seconds]))
    run.report(scenario, f"{name}: CPU an object (us)", measure.spread(cpu))
    if limits:
        run.report(scenario, f"{name}: raw copy, seconds", measure.spread(limits))
        run.report(scenario, f"{name}: job, seconds", measure.spread(seconds))
        run.report(scenario, f"{name}: ratio: raw copy / job",
                   f"{statistics.median(limits) / statistics.median(seconds):.3f}")


def copy_files(run, scenario, mountpath_count):
    """The same files, synced, by the kernel alone; seconds."""
    seconds = 0
    for number in range(mountpath_count):
        target = run.path("copied")
        seconds += raw(run, "copy", run.path(f"{scenario}-files-{number}"), target, 4, 1)["seconds"]
        shutil.rmtree(target)
    return seconds


def copy_bucket_large(run):
    """10 k x 1 MiB against a raw copy of the same files."""
    for mountpath_count in (1, 2):
        copy_bucket(run, "copy-large", max(200, int(10000 * run.scale)), MIB, mountpath_count)


def copy_bucket_small(run):
    """10 k x 4 KiB: objects a second."""
    for mountpath_count in (1, 2):
        copy_bucket(run, "copy-small", max(1000, int(10000 * run.scale)), 4096, mountpath_count)


NATIVE_SCENARIOS = {"get-native": get_native, "list-native": list_native, "put-native": put_native,
                    "copy-small": copy_bucket_small, "copy-large": copy_bucket_large}
