#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data go on while etcd is elsewhere: its leader is killed, all of its members are killed or silent for
longer than a lease lives, and come back.  Real processes: three members of etcd, two gateways, three
targets, and clients that count every answer which is not the right one.
usage: etcd_away_test.py LODED_FOLDER DIRECTORY; TAP on standard output.  LODE_TEST_LONG=1: minutes."""

import os
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
sys.path.insert(0, os.path.join(HERE, "..", "cluster"))
from cluster_nodes import Cluster, show_logs  # noqa: E402
from s3_client import NotSent, S3Client, Unknown  # noqa: E402

# Leases live 6 s; a confirmation is good for 10 minutes.
AWAY_S = 200 if os.environ.get("LODE_TEST_LONG") else 15
CALM_S = 60
CLIENTS = 3
KEYS = 24  # of each client, over all targets
ENOUGH = 20  # requests, for a claim that none fails
PACE_S = 0.02  # between a client's requests: the machine is shared
REQUEST_TIMEOUT_S = 20  # a busy machine is slow, not wrong
STOP_S = 9  # of a node while etcd is away: its drain has nothing to wait for; 10 s and more when it asks etcd
results = []


def check(name, is_right, more=""):
    """One line of TAP."""
    results.append(bool(is_right))
    print(f"{'ok' if is_right else 'not ok'} {len(results)} - {name}", flush=True)
    if not is_right:
        print(f"# {more}", flush=True)


class Load:
    """Clients of their own keys: writes, reads back, deletes, lists."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.failures = []
        self.count = 0
        self.threads = [threading.Thread(target=self.work, args=(number,))
                        for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        """Until it is over."""
        client = S3Client(self.cluster.endpoints(), self.cluster.access_key,
                          self.cluster.secret_key, timeout_s=REQUEST_TIMEOUT_S)
        turn = 0
        while not self.is_over.is_set():
            turn += 1
            key, body = f"client-{number}/{turn % KEYS}", f"{number}-{turn}".encode()
            self.expect(client, turn, 200, None, "PUT", key, body=body)
            self.expect(client, turn + 1, 200, body, "GET", key)
            if turn % 5 == 0:
                self.expect(client, turn, 204, None, "DELETE", key)
                self.expect(client, turn + 1, 404, None, "GET", key)
            if turn % 7 == 0:
                self.expect(client, turn, 200, None, "GET", "",
                            query={"list-type": 2, "prefix": f"client-{number}/"})
        client.close()

    def expect(self, client, gateway, status, content, method, key, **options):
        """One request through one of the gateways."""
        time.sleep(PACE_S)
        began = time.monotonic()
        try:
            answer = client.request(gateway % 2, method, "away", key, **options)
            is_right = answer.status == status and content in (None, answer.body)
            seen = f"{answer.status} {answer.body[:200]!r}"
        except (Unknown, NotSent) as error:
            is_right, seen = False, repr(error)
        with self.lock:
            self.count += 1
            if not is_right:
                self.failures.append(f"{method} {key} after {time.monotonic() - began:.1f} s: {seen}")

    def take(self):
        """What was counted since the last time."""
        with self.lock:
            taken = self.count, self.failures
            self.count, self.failures = 0, []
        return taken

    def end(self):
        """No more requests."""
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def judge(load, name):
    """Nothing failed, and there was something that could."""
    wait_for(lambda: load.count > ENOUGH)
    count, failures = load.take()
    print(f"# {name}: {count} requests, {len(failures)} wrong", flush=True)
    check(f"{name}: no request fails", count > ENOUGH and not failures, failures[:3])


def wait_for(what, timeout_s=CALM_S):
    """True once it holds."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.2)
    return False


def is_whole(cluster):
    """Every node has its lease, there is a leader, nobody is down."""
    return all(cluster.health(node).get("leader") and cluster.health(node).get("member") and
               not cluster.health(node).get("down") for node in cluster.nodes)


def bucket_is_made(cluster, name):
    """Control works: a change is answered when all nodes have it."""
    client = S3Client(cluster.endpoints(), cluster.access_key, cluster.secret_key,
                      timeout_s=REQUEST_TIMEOUT_S)
    try:
        return client.request(0, "PUT", name).status == 200
    except (Unknown, NotSent):
        return False
    finally:
        client.close()


def saw(cluster, event):
    """Did a node log it?  Shows that the fault bit."""
    for node in cluster.nodes:
        with open(node.log_path, "rb") as log:
            if f'"event":"{event}"'.encode() in log.read():
                return True
    return False


def lose_leader(cluster, load):
    """etcd's own: an election."""
    leader = next(member for member in cluster.etcd if member.is_leader())
    leader.kill()
    check("etcd elects another leader",
          wait_for(lambda: any(member.is_alive() and member.is_leader() for member in cluster.etcd)))
    check("changes go on after the election", wait_for(lambda: bucket_is_made(cluster, "elected")))
    judge(load, "etcd's leader is killed")
    leader.start()
    leader.wait_ready()


def lose_all(cluster, load, name, number):
    """For longer than a lease lives.  number: SIGKILL or SIGSTOP."""
    for member in cluster.etcd:
        if number == signal.SIGKILL:
            member.kill()
        else:
            member.signal(number)
    time.sleep(AWAY_S)
    check(f"{name}: leases are lost", wait_for(lambda: saw(cluster, "control_session_lost")))
    check(f"{name}: changes are refused", not bucket_is_made(cluster, "refused"))
    judge(load, f"{name} for {AWAY_S} s")
    for member in cluster.etcd:
        if number == signal.SIGKILL:
            member.start()
        else:
            member.resume()
    check(f"{name}: all nodes are back, none is down", wait_for(lambda: is_whole(cluster)),
          [cluster.health(node) for node in cluster.nodes])
    check(f"{name}: changes go on",
          wait_for(lambda: bucket_is_made(cluster, f"back-{int(number)}")))
    judge(load, f"{name}, and back")


def stop_without(cluster):
    """Nodes that end while etcd is away."""
    for member in cluster.etcd:
        member.signal(signal.SIGSTOP)
    for node in list(cluster.nodes):
        began = time.monotonic()
        is_drained = node.stop()
        took = time.monotonic() - began
        check(f"{node.name} stops without etcd", is_drained and took < STOP_S, f"{took:.1f} s")


def main():
    """Start, test, stop."""
    build, directory = sys.argv[1:]
    cluster = Cluster(os.path.join(directory, "cluster"), build=build)
    cluster.is_bound = True
    cluster.describe(gateways=2, targets=3, mountpaths=1, etcd_members=3)
    load = None
    try:
        cluster.start()
        cluster.wait_calm(CALM_S)
        check("a bucket is made", bucket_is_made(cluster, "away"))
        load = Load(cluster)
        lose_leader(cluster, load)
        lose_all(cluster, load, "etcd is killed", signal.SIGKILL)
        lose_all(cluster, load, "etcd is silent", signal.SIGSTOP)
        load.end()
        stop_without(cluster)
    finally:
        if load is not None:
            load.end()
        if not all(results):
            show_logs(cluster)
        cluster.kill_all()
    print(f"1..{len(results)}")


main()
