# SPDX-License-Identifier: Apache-2.0
"""What scenarios share: the data of a run, loads, and how two are compared."""

import contextlib
import fcntl
import json
import os
import re
import statistics
import tempfile
import time

import measure
import peers

MIB = 1 << 20
LOCK_PATIENCE_S = 40
LOCK_PAUSE_S = 15
LOCK_POLL_S = 0.02


class Run:
    """What the scenarios share."""

    def __init__(self, options):
        self.build = options.build
        self.rounds = options.rounds
        self.seconds = options.seconds
        self.scale = options.scale
        self.output = options.output
        self.locks = options.lock
        self.directory = tempfile.mkdtemp(prefix="lode-bench-", dir=options.directory)
        os.chmod(self.directory, 0o755)  # h2o serves as another user

    def path(self, name):
        """A file or directory of this run."""
        return os.path.join(self.directory, name)

    def _try_locks(self, held):
        """All of them within LOCK_PATIENCE_S, or none: who waits for the first holds up others."""
        end = time.monotonic() + LOCK_PATIENCE_S
        for path in self.locks:
            file = held.enter_context(open(path, "a", encoding="ascii"))
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > end:
                        held.close()
                        return False
                    time.sleep(LOCK_POLL_S)
        return True

    @contextlib.contextmanager
    def alone(self):
        """While samples are taken; preparing them may share the machine."""
        with contextlib.ExitStack() as held:
            while not self._try_locks(held):
                time.sleep(LOCK_PAUSE_S)
            yield

    def report(self, scenario, name, value):
        """One figure, printed and kept."""
        print(f"{scenario:12} {name:56} {value}", flush=True)
        if self.output:
            with open(self.output, "a", encoding="utf-8") as file:
                file.write(json.dumps({"scenario": scenario, "name": name, "value": value}) + "\n")

    def get_load(self, server, bucket, keys, connections, signed, key_format="k%08llu"):
        """A closed loop of GETs over random keys."""
        arguments = ["--bucket", bucket, "--keys", keys, "--key-format", key_format,
                     "--connections", connections, "--seconds", self.seconds]
        command = peers.sink(self.build, server, *arguments, *([] if signed else ["--unsigned"]))
        return lambda: measure.sample(server.pid, command, getattr(server, "environment", None))


def fill_files(root, bucket, count, size):
    """The same bytes as static files."""
    os.makedirs(os.path.join(root, bucket))
    data = os.urandom(size)
    for number in range(count):
        with open(os.path.join(root, bucket, f"k{number:08}"), "wb") as file:
            file.write(data)


def fill_bucket(run, lode, bucket, count, size, connections=32):
    """The same keys in loded."""
    command = peers.sink(run.build, lode, "--method", "PUT", "--bucket", bucket, "--keys", count,
                         "--sequential", "--requests", count, "--body", size, "--connections", connections,
                         "--seconds", 3600)
    result = measure.sample(lode.pid, command, lode.environment)
    if result["errors"] or result["requests"] != count:
        raise SystemExit(f"filling {bucket} failed: {result}")
    return result


def compare_gets(run, scenario, loads, per, unit, best_of):
    """Server CPU per unit of each candidate, and theirs over ours."""
    with run.alone():
        kept, discarded = measure.compare(list(loads), run.rounds, lambda name: loads[name]())
    cost = {name: [per(one) for one in samples] for name, samples in kept.items()}
    for name, values in cost.items():
        run.report(scenario, f"{name}: server CPU per {unit}", measure.spread(values))
        run.report(scenario, f"{name}: requests/s",
                   measure.spread([one["requests_per_s"] for one in kept[name]]))
    run.report(scenario, "samples thrown away", discarded)
    if not any(cost[name] for name in best_of):
        run.report(scenario, "ratio", "void: other work disturbed every sample of the peers")
        return
    best = min(statistics.median(cost[name]) for name in best_of if cost[name])
    for name in loads:
        if name not in best_of and cost[name]:
            run.report(scenario, f"ratio: best of {', '.join(best_of)} / {name}",
                       f"{best / statistics.median(cost[name]):.3f}")


def walk(s3, bucket, page_times, **query):
    """All pages of a listing; the number of keys."""
    token = None
    keys = 0
    while True:
        if token:
            query["continuation-token"] = token
        begin = time.monotonic()
        status, body = s3.request("GET", f"/{bucket}", {"list-type": 2, **query})
        page_times.append(time.monotonic() - begin)
        if status != 200:
            raise SystemExit(f"listing answered {status}: {body[:300]}")
        keys += body.count(b"<Key>") + body.count(b"<CommonPrefixes>")
        found = re.search(rb"<NextContinuationToken>(.*?)</NextContinuationToken>", body)
        if not found:
            return keys
        token = found.group(1).decode()
