#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a node does when memory, descriptors, space, or its threads and disk give out, each by a real
cause: a limit of the process, open connections, a small file system, a file system that stands
still under a pool of two workers.  In each: the grade is in the metrics, data is refused before
work, control is answered while the cause lasts, nothing acknowledged is lost, and the grade is low
again when the cause is gone.  usage: load_test.py FOLDER_OF_LODED DIRECTORY; TAP on standard output.

Nothing is decided by how fast the machine is: a cause lasts until the test ends it.  Memory is
limited by RLIMIT_DATA (ulimit -d), which needs no rights; a cgroup is read by the same code path
(tests/unit/base/load_system_test.c) and would need one that this process may make.
"""

import hashlib
import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time

MIB = 1 << 20
# A machine that is busy with other tests may take its time.
PATIENCE_S = 120
LOW, HIGH, CRITICAL = 0, 2, 3
BODY = os.urandom(MIB)
KEYS = {"LODE_ROOT_ACCESS_KEY": "loadtestkey", "LODE_ROOT_SECRET_KEY": "loadtestsecret"}
results = []


def check(name, is_right, more=""):
    """One line of TAP."""
    results.append(bool(is_right))
    print(f"{'ok' if is_right else 'not ok'} {len(results)} - {name}", flush=True)
    if not is_right:
        print("# " + str(more).replace("\n", "\n# "), flush=True)


def skip(name, why):
    results.append(True)
    print(f"ok {len(results)} - {name} # SKIP {why}", flush=True)


class Node:
    """A loded on free ports; files: its limit of descriptors; mount: file system of the mountpath,
    in a mount namespace of its own that ends with it."""

    def __init__(self, build, directory, name, *options, files=None, mount=None):
        self.directory = os.path.join(directory, name)
        self.mountpath = os.path.join(self.directory, "mp")
        os.makedirs(self.mountpath)
        self.log = os.path.join(self.directory, "log")
        command = [os.path.join(build, "loded"), "--listen", "127.0.0.1:0", "--data",
                   os.path.join(self.directory, "data"), "--mountpath", self.mountpath,
                   "--allow-anonymous-native", *options]
        if files:
            command = ["prlimit", f"--nofile={files}:{files}", *command]
        if mount:
            command = ["unshare", "-m", "--propagation", "private", "sh", "-c",
                       f'{mount} "$0" && exec "$@"', self.mountpath, *command]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            env={**os.environ, **KEYS})
        self.public, self.admin = self.ports()

    def ports(self):
        while True:
            with open(self.log, encoding="utf-8") as log:
                for line in log:
                    if line.startswith("Lode serves S3 on "):
                        words = line.split()
                        return (int(words[4].rsplit(":", 1)[1]), int(words[-1].rsplit(":", 1)[1]))
            if self.process.poll() is not None:
                with open(self.log, encoding="utf-8") as log:
                    raise RuntimeError(f"loded ended: {log.read()}")
            time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def ask(self, method, path, body=None, port=None, headers=None):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.public,
                                                timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def metric(self, line):
        _, _, text = self.ask("GET", "/metrics", port=self.admin)
        for found in text.decode().splitlines():
            if found.startswith(line + " "):
                return float(found.rsplit(" ", 1)[1])
        raise KeyError(line)

    def grade(self, dimension):
        return int(self.metric(f'lode_load_grade{{dimension="{dimension}"}}'))

    def await_grade(self, dimension, is_reached):
        """The grade when it is, or after PATIENCE_S what it is instead; and how long it took."""
        began = time.monotonic()
        while True:
            grade = self.grade(dimension)
            took = time.monotonic() - began
            if is_reached(grade) or took > PATIENCE_S:
                return grade, took
            time.sleep(0.05)

    def put(self, name, body=BODY):
        return self.ask("PUT", f"/v1/objects/bucket/{name}", body)[0]

    def end(self):
        self.process.terminate()
        code = self.process.wait()
        check("the node ends as it should", code == 0, code)


def bucket(node):
    status, _, body = node.ask("POST", "/v1/buckets/bucket", json.dumps({"action": "create-bck"}),
                               headers={"Content-Type": "application/json"})
    check("the node begins at rest and takes a bucket", status == 200, body)
    return {name: node.put(name) for name in ("before-0", "before-1")}


def control_answers(node, what):
    """While the cause lasts: health on a loop, the map on a worker, metrics."""
    health = node.ask("GET", "/v1/health")[0]
    smap = node.ask("GET", "/v1/daemon?what=smap")[0]
    ready = node.ask("GET", "/healthz/live", port=node.admin)[0]
    check(f"{what}: control is answered", (health, smap, ready) == (200, 200, 200),
          (health, smap, ready))


def data_is_refused(node, what, refused):
    """Natively with 429, on S3 with 503, both say when to come back; refused collects names."""
    status, headers, body = node.ask("PUT", "/v1/objects/bucket/refused", BODY)
    refused.append("refused")
    check(f"{what}: native data is refused with 429 and Retry-After",
          status == 429 and 1 <= int(headers.get("Retry-After", 0)) <= 8, (status, headers, body))
    s3 = subprocess.run(
        ["curl", "-sS", "-i", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
         ":".join(KEYS.values()), "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-T", "-",
         "-H", f"Content-Length: {len(BODY)}", "-H", "Transfer-Encoding:",
         f"http://127.0.0.1:{node.public}/bucket/refused"],
        input=BODY, capture_output=True, check=False).stdout.decode(errors="replace")
    is_asked = "100 Continue" in s3
    check(f"{what}: S3 data with 503 SlowDown, before its body is asked for",
          "503 Service" in s3 and "<Code>SlowDown</Code>" in s3 and "Retry-After: " in s3 and
          not is_asked, s3)
    check(f"{what}: which is counted",
          node.metric('lode_load_refused_total{class="data"}') >= 2)


def nothing_is_lost(node, what, answers, refused=()):
    """Of names and statuses: what was acknowledged is there whole, what was refused is not."""
    wrong = []
    for name, status in answers.items():
        found, _, body = node.ask("GET", f"/v1/objects/bucket/{name}")
        is_right = hashlib.md5(body).digest() == hashlib.md5(BODY).digest()
        if status == 200 and not (found == 200 and is_right):
            wrong.append((name, status, found))
    for name in refused:
        found = node.ask("GET", f"/v1/objects/bucket/{name}")[0]
        if found != 404:
            wrong.append((name, "refused", found))
    check(f"{what}: what was acknowledged is there, what was refused is not", not wrong, wrong)


def is_low_again(node, what, dimension):
    grade, took = node.await_grade(dimension, lambda grade: grade == LOW)
    check(f"{what}: low again when the cause is gone", grade == LOW, grade)
    print(f"# after {took:.1f} s", flush=True)


def memory(build, directory):
    what = "memory"
    node = Node(build, directory, what, "--workers", "8", "--memory", "128M")
    answers, refused = bucket(node), []
    with open(f"/proc/{node.pid}/statm", encoding="ascii") as file:
        used = int(file.read().split()[5]) * resource.getpagesize()
    hard = resource.prlimit(node.pid, resource.RLIMIT_DATA)[1]

    resource.prlimit(node.pid, resource.RLIMIT_DATA, (used + 10 * MIB, hard))
    grade, _ = node.await_grade(what, lambda grade: grade == CRITICAL)
    check("memory: little left below its limit is critical", grade == CRITICAL, grade)
    control_answers(node, what)
    data_is_refused(node, what, refused)
    head = node.ask("HEAD", "/v1/objects/bucket/before-0")[0]
    check("memory: small requests are answered", head == 200, head)

    resource.prlimit(node.pid, resource.RLIMIT_DATA, (hard, hard))
    is_low_again(node, what, what)
    nothing_is_lost(node, what, answers, refused)
    check("memory: data is taken again", node.put("after") == 200)
    node.end()


def descriptors(build, directory):
    what = "descriptors"
    node = Node(build, directory, what, "--workers", "8", files=400)
    answers, refused = bucket(node), []
    held = []
    # Held in the middle of a head: those the node may not close for being idle.
    while node.grade(what) != CRITICAL and len(held) < 400:
        connection = socket.create_connection(("127.0.0.1", node.public))
        connection.sendall(b"GET /v1/health HTTP/1.1\r\n")
        held.append(connection)
    check("descriptors: few left below the limit is critical", node.grade(what) == CRITICAL,
          len(held))
    control_answers(node, what)
    data_is_refused(node, what, refused)
    status, headers, _ = node.ask("GET", "/v1/health")
    check("descriptors: answers end their connections", headers.get("Connection") == "close",
          (status, headers))

    for connection in held:
        connection.close()
    is_low_again(node, what, what)
    nothing_is_lost(node, what, answers, refused)

    idle = []
    while node.grade(what) != CRITICAL and len(idle) < 400:
        connection = http.client.HTTPConnection("127.0.0.1", node.public, timeout=PATIENCE_S)
        connection.connect()
        idle.append(connection)
    grade, _ = node.await_grade(what, lambda grade: grade == LOW)
    check("descriptors: connections that ask for nothing are closed, and it is low by itself",
          grade == LOW, (grade, len(idle)))
    for connection in idle:
        connection.close()
    node.end()


def space(build, directory):
    what = "space"
    node = Node(build, directory, what, "--workers", "8", "--free-floor", "128M",
                mount="mount -t tmpfs -o size=512m tmpfs")
    answers = bucket(node)
    count = 0
    while count < 512 and 507 not in answers.values():
        answers[f"fill-{count}"] = node.put(f"fill-{count}")
        count += 1
    check("space: writes get 507 at the floor, and nothing else",
          set(answers.values()) == {200, 507}, set(answers.values()))
    grade, _ = node.await_grade("disk", lambda grade: grade == CRITICAL)
    check("space: which is critical", grade == CRITICAL, grade)
    control_answers(node, what)
    nothing_is_lost(node, what, answers)
    listing = node.ask("HEAD", "/v1/objects/bucket/fill-0")[0]
    check("space: reads go on", listing == 200, listing)

    statuses = {node.ask("DELETE", f"/v1/objects/bucket/{name}")[0]
                for name, status in answers.items()
                if status == 200 and not name.startswith("before")}
    check("space: and deletes", statuses <= {200, 204}, statuses)
    is_low_again(node, what, "disk")
    check("space: writes are taken again", node.put("after") == 200)
    node.end()


def in_background(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def still(build, directory):
    """Two workers over a file system that is frozen: whoever writes stands still."""
    what = "threads"
    image = os.path.join(directory, "image")
    with open(image, "wb") as file:
        file.truncate(768 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    node = Node(build, directory, what, "--workers", "2", "--free-floor", "64M",
                mount=f'mount -o loop "{image}"')
    answers, refused, threads = bucket(node), [], []
    check("threads: an object is there to be deleted", node.put("gone") == 200)
    freeze = ["nsenter", "-t", str(node.pid), "-m", "fsfreeze"]
    subprocess.run([*freeze, "-f", node.mountpath], check=True)
    try:
        threads = [in_background(lambda: node.ask("DELETE", "/v1/objects/bucket/gone"))]
        grade, _ = node.await_grade("disk", lambda grade: grade == HIGH)
        check("disk: a commit that its disk does not take is high", grade == HIGH, grade)
        threads += [in_background(lambda name=name: answers.update({name: node.put(name)}))
                    for name in [f"during-{i}" for i in range(8)]]
        grade, _ = node.await_grade(what, lambda grade: grade == CRITICAL)
        check("threads: jobs that wait for two workers without end are critical", grade == CRITICAL,
              grade)
        control_answers(node, what)
        data_is_refused(node, what, refused)
    finally:
        subprocess.run([*freeze, "-u", node.mountpath], check=True)
    for thread in threads:
        thread.join()
    is_low_again(node, what, what)
    is_low_again(node, "disk", "disk")
    check("threads: who was in goes on, who waited is served or told to slow down",
          set(answers.values()) <= {200, 429} and 200 in answers.values(), answers)
    nothing_is_lost(node, what, answers, refused)
    node.end()


def main():
    build, directory = sys.argv[1:]
    libraries = subprocess.run(["ldd", os.path.join(build, "loded")], capture_output=True,
                               check=False).stdout
    if b"san.so" in libraries:
        skip("memory", "a sanitizer takes memory of its own, beyond any limit that is worth it")
    else:
        memory(build, directory)
    descriptors(build, directory)
    if os.geteuid() != 0:
        skip("space and threads", "mounting needs root")
    elif subprocess.run(["unshare", "-m", "--propagation", "private", "true"],
                        check=False).returncode != 0:
        skip("space and threads", "no mount namespace may be made here")
    else:
        space(build, directory)
        if os.path.exists("/dev/loop-control"):
            still(build, directory)
        else:
            skip("threads", "there are no loop devices")
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


main()
