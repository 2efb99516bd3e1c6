#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two gateways and three targets as real processes: large bodies both ways, and an owner that dies in
the middle.  usage: relay_test.py LODED_FOLDER DIRECTORY; TAP on standard output."""

import hashlib
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from cluster_nodes import Cluster, show_logs  # noqa: E402

MIB = 1 << 20
LARGE = 96 * MIB
KEYS = 24
# What a gateway may grow by while it passes LARGE on: its buffers, not the object.
GROWTH_MAX = 32 * MIB
RECOVERY_S = 30
PARTIAL_FILE = 18  # curl: fewer bytes came than were announced
results = []


def check(name, is_right, more=""):
    """One line of TAP."""
    results.append(bool(is_right))
    print(f"{'ok' if is_right else 'not ok'} {len(results)} - {name}", flush=True)
    if not is_right:
        print(f"# {more}", flush=True)


def curl(cluster, endpoint, path, *arguments, **options):
    """The finished process; its standard output ends with the status."""
    return subprocess.run(command(cluster, endpoint, path, *arguments), capture_output=True,
                          text=True, check=False, **options)


def command(cluster, endpoint, path, *arguments):
    """A signed request; -o comes first if it is wanted."""
    if "-o" not in arguments:
        arguments = ("-o", "/dev/null", *arguments)
    return ["curl", "-sS", "--max-time", "120", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
            f"{cluster.access_key}:{cluster.secret_key}", "-H",
            "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-w", "%{http_code}", *arguments, endpoint + path]


def status_of(done):
    """As curl saw it."""
    return done.stdout[-3:]


def resident(pid):
    """Bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def digest(path):
    """Of a file."""
    with open(path, "rb") as file:
        return hashlib.md5(file.read()).hexdigest()


def large_bodies(cluster, directory, first, second):
    """Through one gateway in, through the other out."""
    source, back = os.path.join(directory, "large"), os.path.join(directory, "back")
    with open(source, "wb") as file:
        for _ in range(LARGE // MIB):
            file.write(os.urandom(MIB))
    before = [resident(node.pid) for node in cluster.gateways()]
    put = curl(cluster, first, "/relay/large", "-T", source)
    check("a large body goes in through one gateway", status_of(put) == "200", put)
    get = curl(cluster, second, "/relay/large", "-o", back)
    check("and comes out through the other", status_of(get) == "200" and digest(source) == digest(back),
          get)
    growth = [resident(node.pid) - size for node, size in zip(cluster.gateways(), before)]
    check("without staying in their memory", max(growth) < GROWTH_MAX, growth)
    os.remove(back)
    return source


def keys_of(cluster, endpoint, target):
    """Those that answer 503 once that target is gone, and those that do not."""
    own, others = [], []
    target.kill()
    for number in range(KEYS):
        key = f"/relay/key-{number}"
        done = curl(cluster, endpoint, key)
        (own if status_of(done) == "503" else others).append(key)
        if status_of(done) not in ("200", "503"):
            check("no other answer than 200 and 503", False, done)
    return own, others


def wait_until(what):
    """True once it holds."""
    end = time.monotonic() + RECOVERY_S
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.2)
    return False


def owner_dies(cluster, source, first, second):
    """Before, during and after."""
    target = cluster.targets()[0]
    for number in range(KEYS):
        done = curl(cluster, first, f"/relay/key-{number}", "-T", __file__)
        if status_of(done) != "200":
            check("keys are written", False, done)
    own, others = keys_of(cluster, first, target)
    check("a dead owner's keys answer 503, the others 200", own and others, (own, others))
    listing = curl(cluster, second, "/relay?list-type=2")
    check("and a listing never ends short", status_of(listing) == "503", listing)
    target.start()
    target.wait_ready()
    check("they are back when it is",
          wait_until(lambda: all(status_of(curl(cluster, first, key)) == "200" for key in own)), own)
    put = curl(cluster, first, own[0], "-T", source)
    check("one of them becomes large", status_of(put) == "200", put)
    reading = subprocess.Popen(command(cluster, second, own[0], "--limit-rate", "8M"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    target.kill()
    output, errors = reading.communicate()
    check("an answer whose owner dies is cut", reading.returncode == PARTIAL_FILE,
          (reading.returncode, output, errors))
    target.start()
    target.wait_ready()
    wait_until(lambda: status_of(curl(cluster, first, own[0])) == "200")
    writing = subprocess.Popen(command(cluster, first, own[0], "-T", source, "--limit-rate", "8M"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    target.kill()
    output, errors = writing.communicate()
    check("a body whose owner dies is never answered 200",
          output[-3:] in ("500", "503") or writing.returncode != 0, (output, errors))
    target.start()
    target.wait_ready()
    check("and all keys are served again",
          wait_until(lambda: all(status_of(curl(cluster, second, key)) == "200"
                                 for key in own + others)))


def client_leaves(cluster, source, first):
    """What it sent stays nowhere."""
    done = curl(cluster, first, "/relay/left", "-T", source, "--limit-rate", "8M", "--max-time", "1")
    head = curl(cluster, first, "/relay/left", "-I")
    check("a client that leaves during its body leaves nothing", done.returncode != 0 and
          status_of(head) == "404", (done, head))


def main():
    """Start, test, stop."""
    build, directory = sys.argv[1:]
    cluster = Cluster(os.path.join(directory, "cluster"), build=build)
    cluster.is_bound = True
    cluster.describe(gateways=2, targets=3, mountpaths=1)
    try:
        cluster.start()
        first, second = cluster.endpoints()
        made = curl(cluster, first, "/relay", "-X", "PUT")
        check("a bucket is made", status_of(made) == "200", made)
        source = large_bodies(cluster, directory, first, second)
        client_leaves(cluster, source, first)
        owner_dies(cluster, source, first, second)
    finally:
        if not all(results):
            show_logs(cluster)
        cluster.kill_all()
    print(f"1..{len(results)}")


main()
