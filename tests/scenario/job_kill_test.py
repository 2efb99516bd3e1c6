#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs over many objects are killed (SIGKILL) in the middle, with the node that runs them, with one
that works for them, with the gateway that was asked: they go on at their cursor, and in the end each
object was worked on once and counts once.  One node, then two gateways and three targets.
usage: job_kill_test.py LODED_FOLDER DIRECTORY; TAP on standard output.
LODE_TEST_LONG=1: each kind, killed again and again."""

import http.client
import json
import os
import shutil
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "s3-conformance"))
from cluster_nodes import Cluster, show_logs  # noqa: E402
from server import OwnServer  # noqa: E402

LONG = bool(os.environ.get("LODE_TEST_LONG"))
SEEDS = 250  # objects that are put; jobs make more of them
FOLDERS = 16
COUNT = SEEDS * FOLDERS
KILLS = 5 if LONG else 1  # of one job
PUT_THREADS = 4
POLL_S = 0.002
PATIENCE_S = 150  # a lease has to expire, and the machine is shared
OPTIONS = ("--allow-anonymous-native",)
results = []


def check(name, is_right, more=""):
    """One line of TAP."""
    results.append(bool(is_right))
    print(f"{'ok' if is_right else 'not ok'} {len(results)} - {name}", flush=True)
    if not is_right:
        print(f"# {more}", flush=True)


class Refused(Exception):
    """An answer that is no success."""


def ask(endpoint, method, path, message=None, body=None, timeout_s=30):
    """(headers, body) of a native call; redirects are followed."""
    data = json.dumps(message).encode() if message is not None else body
    for _ in range(3):
        parts = urllib.parse.urlsplit(endpoint)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
        try:
            connection.request(method, path, body=data)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status not in (301, 307):
            break
        endpoint = answer.headers["Location"]
        parts = urllib.parse.urlsplit(endpoint)
        path = parts.path + "?" + parts.query
    if answer.status >= 300:
        raise Refused(f"{method} {path}: {answer.status} {content[:300]!r}")
    return answer.headers, content


def sizes_of(endpoint, bucket):
    """{name: (size, version)}"""
    found, token = {}, ""
    while True:
        value = {"props": "name,size,version", "continuation_token": token, "flags": "0"}
        page = json.loads(ask(endpoint, "GET", f"/v1/buckets/{bucket}",
                              {"action": "list", "value": value})[1])
        for entry in page["entries"] or []:
            found[entry["name"]] = (int(entry.get("size", 0)), entry.get("version", ""))
        token = page["continuation_token"]
        if not token:
            return found


def start(endpoint, kind, bucket, to=None, **value):
    """The id of a new job."""
    method = "DELETE" if kind == "delete-listrange" else "POST"
    query = f"?bck_to=ais/@%23/{to}/" if to and kind != "copy-listrange" else ""
    if kind == "copy-listrange":
        value["tobck"] = {"name": to}
    return ask(endpoint, method, f"/v1/buckets/{bucket}{query}",
               {"action": kind, "value": value})[1].decode()


def counted(endpoint, job):
    """(objects, bytes) over all nodes, and by node."""
    snaps = json.loads(ask(endpoint, "GET", "/v1/cluster?what=qryxstats", {"id": job})[1])
    parts = {node: snap[0]["stats"] for node, snap in snaps.items()}
    objects = {node: int(part["loc-objs"]) for node, part in parts.items()}
    return sum(objects.values()), sum(int(p["loc-bytes"]) for p in parts.values()), objects


def status(endpoint, job):
    return json.loads(ask(endpoint, "GET", "/v1/cluster?what=status", {"id": job})[1])


def wait_end(endpoint, job):
    """Its status at the end; a node that has it may be away meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    why = "it goes on"
    while time.monotonic() < deadline:
        try:
            now = status(endpoint, job)
            if now["end_time"]:
                return now
        except (Refused, OSError, http.client.HTTPException) as error:
            why = str(error)
        time.sleep(0.02)
    return {"err": f"no end within {PATIENCE_S} s: {why}", "end_time": 0, "aborted": False}


def wait_middle(endpoint, job, least=1):
    """Has it done some and not all?"""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        objects = counted(endpoint, job)[0]
        if objects >= least:
            return objects < COUNT and not status(endpoint, job)["end_time"]
        time.sleep(POLL_S)
    return False


def put_some(endpoint, bucket, numbers):
    for number in numbers:
        ask(endpoint, "PUT", f"/v1/objects/{bucket}/seed-{number:04d}", body=b"x" * (number % 7))


def fill(endpoint):
    """A bucket of COUNT objects, `many`."""
    ask(endpoint, "POST", "/v1/buckets/seeds", {"action": "create-bck"})
    threads = [threading.Thread(target=put_some, args=(endpoint, "seeds", range(i, SEEDS, PUT_THREADS)))
               for i in range(PUT_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for folder in range(FOLDERS):
        job = start(endpoint, "copy-bck", "seeds", "many", prepend=f"{folder:02d}/")
        ended = wait_end(endpoint, job)
        if ended["err"]:
            raise Refused(ended["err"])
    return sizes_of(endpoint, "many")


def judge(name, endpoint, job, objects, to=None, gone=None):
    """Each object once: in the counters, and where it was to be."""
    ended = wait_end(endpoint, job)
    check(f"{name}: it ends without an error", ended["end_time"] and not ended["err"]
          and not ended["aborted"], ended)
    total = counted(endpoint, job)
    wanted = (len(objects), sum(size for size, _ in objects.values()))
    check(f"{name}: each object counts once", total[:2] == wanted, f"{total}, not {wanted}")
    if to is not None:
        found = sizes_of(endpoint, to)
        check(f"{name}: all objects are there", {n: s for n, (s, _) in found.items()}
              == {n: s for n, (s, _) in objects.items()}, f"{len(found)} of {len(objects)}")
        twice = [n for n, (_, version) in found.items() if version != "1"]
        check(f"{name}: none was written twice", not twice, f"{len(twice)}: {twice[:5]}")
    if gone is not None:
        left = [n for n in sizes_of(endpoint, gone) if n in objects]
        check(f"{name}: none is left", not left, f"{len(left)} objects, {left[:3]}")


def refill(endpoint, bucket):
    job = start(endpoint, "copy-bck", "many", bucket)
    return wait_end(endpoint, job)


class Alone:
    """One node."""

    def __init__(self):
        self.server = OwnServer("http", OPTIONS)
        self.server.start()
        self.endpoint = self.server.endpoint

    def kill(self):
        self.server.process.kill()
        self.server.process.wait()

    def kill_and_start(self):
        self.kill()
        self.server.start()

    def end(self):
        self.server.process.kill()
        self.server.process.wait()
        shutil.rmtree(self.server.folder, ignore_errors=True)


def kill_in_the_middle(node, job):
    """Whether each kill met a job that ran."""
    was_running = True
    for kill in range(KILLS):
        least = 1 + kill * COUNT // (KILLS + 2)
        was_running = wait_middle(node.endpoint, job, least) and was_running
        node.kill_and_start()
    return was_running


def test_alone(objects, node):
    names = sorted(objects)
    kinds = [("copy-bck", {}, "to-1"), ("delete-listrange", {"template": ""}, None),
             ("move-bck", {}, "to-2")]
    if LONG:
        kinds += [("copy-listrange", {"template": f"{{00..{FOLDERS - 1:02d}}}/seed-{{0000..{SEEDS - 1}}}"},
                   "to-3"), ("copy-listrange", {"objnames": names}, "to-4"),
                  ("delete-listrange", {"objnames": names}, None),
                  ("delete-listrange", {"template": ""}, None)]
    for kind, value, to in kinds:
        name = f"{kind} {list(value)}"
        source = "many"
        if kind in ("delete-listrange", "move-bck"):
            source = "work"
            refill(node.endpoint, source)
        job = start(node.endpoint, kind, source, to, **value)
        check(f"{name}: it is killed in the middle", kill_in_the_middle(node, job))
        judge(name, node.endpoint, job, objects, to,
              source if kind == "delete-listrange" else None)
        if kind == "move-bck":
            listed = json.loads(ask(node.endpoint, "GET", "/v1/buckets", {"action": "list"})[1])
            check(f"{name}: the old bucket is gone", source not in [b["name"] for b in listed])


def test_one(node):
    """The bound is for a quiet machine: the best of some."""
    spans = []
    for _ in range(10):
        began = time.monotonic()
        ended = wait_end(node.endpoint, start(node.endpoint, "copy-listrange", "many", "one",
                                              objnames=["00/seed-0000"]))
        spans.append(time.monotonic() - began)
        if ended["err"]:
            spans.append(0)
    check("a job over one object ends within 0.2 s", min(spans) > 0 and min(spans) < 0.2, spans)


def test_stop(objects, node):
    job = start(node.endpoint, "copy-bck", "many", "stopped")
    check("a job is stopped in the middle", wait_middle(node.endpoint, job))
    ask(node.endpoint, "PUT", "/v1/cluster", {"action": "stop", "value": {"ID": job}})
    ended = wait_end(node.endpoint, job)
    done = counted(node.endpoint, job)[0]
    check("it says so", ended["aborted"] and not ended["err"], ended)
    check("what it has done is counted", 0 < done < len(objects)
          and done <= len(sizes_of(node.endpoint, "stopped")), done)
    node.kill_and_start()
    again = wait_end(node.endpoint, job)
    check("a start does not take it up again", again == ended, again)


def runs_at(cluster, job):
    """The target that runs it."""
    shown = json.loads(cluster.lode("show", "job", job, "--json").stdout)
    return cluster.find(shown["jobs"][0]["node"])


def test_cluster(cluster):
    gateways, targets = cluster.gateways(), cluster.targets()
    endpoint, other = (gateway.endpoint for gateway in gateways)
    objects = fill(endpoint)
    check("three targets have objects", len(objects) == COUNT)

    for round_number in range(KILLS):
        job = start(endpoint, "copy-bck", "many", f"runner-{round_number}")
        runner = runs_at(cluster, job)
        check("the target that runs a job is killed", wait_middle(endpoint, job))
        runner.kill()
        runner.start()
        judge("its target killed", other, job, objects, f"runner-{round_number}")
        check("all three worked on it", len([n for n in counted(other, job)[2].values() if n]) == 3,
              counted(other, job))

        job = start(endpoint, "copy-bck", "many", f"worker-{round_number}")
        runner = runs_at(cluster, job)
        worker = next(target for target in targets if target is not runner)
        check("a target that works for one is killed", wait_middle(endpoint, job))
        worker.kill()
        time.sleep(1)
        check("the job does not end without it", not status(endpoint, job)["end_time"])
        worker.start()
        judge("a worker killed", endpoint, job, objects, f"worker-{round_number}")

        job = start(endpoint, "copy-bck", "many", f"gateway-{round_number}")
        check("the gateway that was asked is killed", wait_middle(endpoint, job))
        gateways[0].kill()
        judge("its gateway killed", other, job, objects, f"gateway-{round_number}")
        gateways[0].start()
        gateways[0].wait_ready()

    job = start(endpoint, "copy-bck", "many", "moving")
    check("a target joins while a job runs", wait_middle(endpoint, job))
    joined = cluster.add_node("target")
    joined.start()
    joined.wait_ready()
    judge("keys move meanwhile", other, job, objects, "moving")
    job = start(endpoint, "copy-bck", "moving", "moved")
    judge("and go on moving", other, job, objects, "moved")

    job = start(endpoint, "delete-listrange", "runner-0", template="")
    runner = runs_at(cluster, job)
    check("a delete is killed with its target", wait_middle(endpoint, job))
    runner.kill()
    runner.start()
    judge("a delete", other, job, objects, gone="runner-0")
    job = start(other, "copy-bck", "many", "stopped")
    check("a job is stopped through the other gateway", wait_middle(other, job))
    ask(endpoint, "PUT", "/v1/cluster", {"action": "stop", "value": {"ID": job}})
    ended = wait_end(other, job)
    check("all nodes say so", ended["aborted"] and not ended["err"], ended)


def main():
    build, directory = sys.argv[1:]
    node = Alone()
    try:
        objects = fill(node.endpoint)
        check("one node has objects", len(objects) == COUNT)
        test_alone(objects, node)
        test_one(node)
        test_stop(objects, node)
    finally:
        if not all(results):
            print(f"# {node.server.log_since(0)[-3000:]}".replace("\n", "\n# "))
        node.end()
    if shutil.which("etcd"):
        cluster = Cluster(os.path.join(directory, "cluster"), build=build, node_options=OPTIONS)
        cluster.describe(gateways=2, targets=3, mountpaths=1, etcd_members=1)
        cluster.start()
        try:
            test_cluster(cluster)
        finally:
            if not all(results):
                show_logs(cluster)
            cluster.kill_all()
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
