# SPDX-License-Identifier: Apache-2.0
"""A network namespace for each node, joined by a bridge, and real faults between them.

Packets are dropped by nftables inside the namespace that is to be cut off, and its counters say how
many; they are delayed by packet_delay.py, which holds them in an NFQUEUE of iptables.  (tc's netem is
not in every kernel, and neither is nftables' own queue; these two are in Debian's and in smaller ones.)  Names carry the id of the process that made them: what a killed test left behind
is removed by the next one.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = "lode_fault"
QUEUE = 7
STARTED_TIMEOUT_S = 10


def run(*command, check=True, data=None):
    done = subprocess.run(command, input=data, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def why_unavailable():
    """None, or the reason why namespaces cannot be used here."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "nft", "iptables"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    network = None
    try:
        network = Network()
        place = network.place("probe")
        network.cut("probe", [place["address"]])
        network.heal("probe")
    except RuntimeError as error:
        return f"no namespaces here: {error}"
    finally:
        if network is not None:
            network.remove()
    return None


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}")


def remove_leftovers():
    """What dead tests have left."""
    for line in run("ip", "netns", "list", check=False).splitlines():
        match = re.match(r"lode(\d+)-\d+", line)
        if match and not is_alive(match.group(1)):
            run("ip", "netns", "del", match.group(0), check=False)
    for line in run("ip", "-o", "link", "show", "type", "bridge", check=False).splitlines():
        match = re.search(r"lodeb(\d+)", line)
        if match and not is_alive(match.group(1)):
            run("ip", "link", "del", match.group(0), check=False)


class Network:
    """The bridge of one test, and who is on it."""

    def __init__(self):
        self.pid = os.getpid()
        self.bridge = f"lodeb{self.pid}"
        self.places = {}
        self.delays = {}
        remove_leftovers()
        self.subnet = self._free_subnet()
        self.gateway = f"{self.subnet}.1"
        try:
            run("ip", "link", "add", self.bridge, "type", "bridge")
            run("ip", "addr", "add", f"{self.gateway}/24", "dev", self.bridge)
            run("ip", "link", "set", self.bridge, "up")
        except RuntimeError:
            self.remove()
            raise

    def _free_subnet(self):
        taken = run("ip", "-4", "addr", "show") + run("ip", "-4", "route", "show")
        for i in range(256):
            subnet = f"10.213.{(self.pid + i) % 256}"
            if f"{subnet}." not in taken:
                return subnet
        raise RuntimeError("no free subnet below 10.213.0.0/16")

    def place(self, name):
        """A namespace and an address for a program: options of cluster_nodes.Program."""
        number = len(self.places) + 1
        namespace = f"lode{self.pid}-{number}"
        outside = f"lv{self.pid}n{number}"
        address = f"{self.subnet}.{number + 9}"
        run("ip", "netns", "add", namespace)
        self.places[name] = {"namespace": namespace, "address": address}
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "link", "set", outside, "master", self.bridge, "up")
        run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        return dict(self.places[name])

    def address(self, name):
        return self.places[name]["address"]

    def _nft(self, name, *arguments, check=True, data=None):
        return run("ip", "netns", "exec", self.places[name]["namespace"], "nft", *arguments,
                   check=check, data=data)

    def _rules(self, name, addresses, verdict, incoming, outgoing):
        peers = "{ " + ", ".join(addresses) + " }"
        text = f"table inet {TABLE} {{\n"
        if incoming:
            text += (" chain incoming { type filter hook input priority 0;"
                     f" ip saddr {peers} {verdict};\n }}\n")
        if outgoing:
            text += (" chain outgoing { type filter hook output priority 0;"
                     f" ip daddr {peers} {verdict};\n }}\n")
        self._nft(name, "delete", "table", "inet", TABLE, check=False)
        self._nft(name, "-f", "-", data=text + "}\n")

    def cut(self, name, addresses, incoming=True, outgoing=True, percent=100):
        """Drop what comes from, or goes to, these addresses; all of it or some."""
        some = "" if percent == 100 else f"numgen random mod 100 < {percent} "
        self._rules(name, addresses, f"{some}counter drop", incoming, outgoing)

    def delay(self, name, addresses, delay_ms, jitter_ms=0):
        """Hold each packet to these addresses."""
        namespace = self.places[name]["namespace"]
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable,
             os.path.join(HERE, "packet_delay.py"), str(QUEUE), str(delay_ms), str(jitter_ms)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline().strip() != "ready":
            process.kill()
            process.wait()
            raise RuntimeError("packet_delay.py does not start")
        self.delays[name] = process
        run("ip", "netns", "exec", namespace, "iptables", "-A", "OUTPUT", "-d", ",".join(addresses),
            "-j", "NFQUEUE", "--queue-num", str(QUEUE), "--queue-bypass")

    def bitten(self, name):
        """How many packets the rules of this namespace have met."""
        listing = self._nft(name, "-j", "list", "table", "inet", TABLE, check=False)
        if not listing:
            return 0
        return sum(part["counter"]["packets"] for entry in json.loads(listing)["nftables"]
                   for part in entry.get("rule", {}).get("expr", []) if "counter" in part)

    def heal(self, name):
        """Everything passes again.  Returns how many packets the fault has met."""
        count = self.bitten(name)
        self._nft(name, "delete", "table", "inet", TABLE, check=False)
        process = self.delays.pop(name, None)
        if process is not None:
            run("ip", "netns", "exec", self.places[name]["namespace"], "iptables", "-F", "OUTPUT")
            process.send_signal(signal.SIGTERM)
            held = process.stdout.read().split()
            process.wait(STARTED_TIMEOUT_S)
            count = int(held[-1]) if held else 0
        return count

    def remove(self):
        for name in list(self.delays):
            self.delays.pop(name).kill()
        for place in self.places.values():
            for _ in range(50):  # a namespace is gone when its last process is
                if place["namespace"] not in run("ip", "netns", "list", check=False):
                    break
                run("ip", "netns", "del", place["namespace"], check=False)
                time.sleep(0.02)
        self.places.clear()
        run("ip", "link", "del", self.bridge, check=False)
