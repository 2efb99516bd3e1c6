# SPDX-License-Identifier: Apache-2.0
"""Samples of one server under one load: CPU of the server's process tree, of the client, of everyone
else.  A sample that strangers disturbed is thrown away and taken again."""

import json
import os
import statistics
import subprocess

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Above this share of all CPU time used by neither server nor client a sample says nothing.
FOREIGN_SHARE_MAX = 0.05
STEAL_SHARE_MAX = 0.02


def descendants(pid):
    """pid and all below it."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found


def trees(pid):
    """A process id and all below it, or several such."""
    return [one for root in (pid if isinstance(pid, tuple) else (pid,)) for one in descendants(root)]


def cpu_seconds(pid):
    """User and system time of the process tree, or of several."""
    total = 0
    for one in trees(pid):
        try:
            with open(f"/proc/{one}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def machine_seconds():
    """(busy, stolen) time of all cores since boot."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    del idle, iowait
    return (user + nice + system + irq + softirq) / TICKS_PER_S, steal / TICKS_PER_S


def resident_bytes(pid):
    """Resident memory of the process tree, or of several."""
    total = 0
    for one in trees(pid):
        try:
            with open(f"/proc/{one}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


def sample(pid, command, environment):
    """Run a load (it prints one JSON line) against the server pid; None if the load failed."""
    busy, steal = machine_seconds()
    server = cpu_seconds(pid)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    server = cpu_seconds(pid) - server
    busy_after, steal_after = machine_seconds()
    try:
        result = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr or done.stdout}") from None
    if result.get("errors"):
        raise SystemExit(f"{' '.join(command)}: {result['errors']} errors, the last with status "
                         f"{result['last_error_status']}")
    wall = result["seconds"] * os.cpu_count()
    result["server_cpu_s"] = server
    result["foreign_share"] = max(0.0, busy_after - busy - server - result["client_cpu_s"]) / wall
    result["steal_share"] = (steal_after - steal) / wall
    return result


def is_clean(result):
    """Did nobody else disturb it?"""
    return result["foreign_share"] <= FOREIGN_SHARE_MAX and result["steal_share"] <= STEAL_SHARE_MAX


def compare(candidates, rounds, take):
    """Interleave A B C C B A ...; take(name) gives a sample.  Returns {name: [samples]}, and how many
    were thrown away."""
    kept = {name: [] for name in candidates}
    discarded = 0
    for number in range(rounds):
        order = candidates if number % 2 == 0 else list(reversed(candidates))
        for name in order:
            result = take(name)
            for _ in range(2):
                if is_clean(result):
                    break
                discarded += 1
                result = take(name)
            if is_clean(result):
                kept[name].append(result)
            else:
                discarded += 1
    return kept, discarded


def spread(values):
    """Median and range, as text."""
    if not values:
        return "no clean sample"
    return f"{statistics.median(values):.4g} ({min(values):.4g}-{max(values):.4g}, n={len(values)})"
