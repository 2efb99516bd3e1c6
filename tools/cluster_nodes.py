# SPDX-License-Identifier: Apache-2.0
"""A cluster of real processes on one machine: etcd, gateways, targets.

Used by tools/playground and tests/cluster/.  Each program has a folder of its own (data, log,
mountpaths) below the cluster's; everything needed to find it again is in `cluster.json` there, so a
cluster can be stopped by another process than the one that started it.  A process is known by its
id and the time it started at, so a number used again by the system is never signalled.

A loded that cannot speak to etcd yet (no --etcd in its --help) is started as a single node of role
`all`: the degenerate cluster.
"""

import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from cluster_certificates import Authority

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOOPBACK = "127.0.0.1"
READY_TIMEOUT_S = 60  # a loaded 2-core machine under a sanitizer needs some of it
STOP_TIMEOUT_S = 40  # graceful drain (30 s at most) and a little
KILL_TIMEOUT_S = 10
POLL_S = 0.02
HEARTBEAT_MS, ELECTION_MS = 100, 1000  # etcd's own defaults; said here because tests count on them
STATE = "cluster.json"
LOG_LINE_SHOWN = 300
PORT_MIN, PORT_ATTEMPTS = 10240, 50
PR_SET_PDEATHSIG = 1  # of linux/prctl.h


class ClusterError(Exception):
    """What cannot be done, in a sentence for people."""


def first_ephemeral_port():
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            return int(file.read().split()[0])
    except OSError:
        return PORT_MIN


def free_ports(count, address=LOOPBACK):
    """Ports that are free now; all are held at once, so none comes twice.  From below those that the
    kernel gives to outgoing connections: one of these would be lost to the first node that speaks to
    etcd before it listens."""
    end = first_ephemeral_port()
    held = []
    for _ in range(count):
        listener = socket.socket()
        for attempt in range(PORT_ATTEMPTS):
            is_last = attempt == PORT_ATTEMPTS - 1 or end <= PORT_MIN
            port = 0 if is_last else PORT_MIN + secrets.randbelow(end - PORT_MIN)
            try:
                listener.bind((address, port))
                break
            except OSError:
                continue
        held.append(listener)
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


def supports_cluster(loded):
    """Does this loded know how to join a cluster?  Until it does, its --role is `only all`."""
    text = subprocess.run([loded, "--help"], capture_output=True, text=True, check=False).stdout
    return "--etcd" in text and "--peer-listen" in text and "only all" not in text


def start_time_of(pid):
    """Clock ticks since boot at which the process started; None: there is none, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def http_status(url, timeout_s=5, data=None):
    """(status, body), or (0, b"") when nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, data=data, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()
    except (urllib.error.URLError, OSError):
        return 0, b""


def die_with_parent():
    """Run in a child before its program: a test that is killed leaves no process behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """One process with a folder, a log and an address."""

    def __init__(self, name, folder, address=LOOPBACK, namespace=None, pid=0, started=None):
        self.name = name
        self.folder = folder
        self.address = address
        self.namespace = namespace  # a network namespace, None: the machine's own
        self.pid = pid
        self.started = started
        self.process = None  # if it is a child of this process
        self.wrapper = []  # put before the command, e.g. a tool that shifts its clock
        self.extra_environment = {}
        self.is_bound = False  # dies with the process that starts it

    @property
    def log_path(self):
        return os.path.join(self.folder, "log")

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def is_ready(self):
        raise NotImplementedError

    def is_alive(self):
        if self.process is not None:
            self.process.poll()  # collects it if it has ended
        return bool(self.pid) and start_time_of(self.pid) == self.started is not None

    def start(self):
        if self.is_alive():
            return
        os.makedirs(self.folder, exist_ok=True)
        command = self.wrapper + self.command()
        if self.namespace is not None:
            command = ["ip", "netns", "exec", self.namespace] + command
        environment = dict(os.environ, **self.environment(), **self.extra_environment)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=die_with_parent if self.is_bound else None)
        self.pid = self.process.pid
        self.started = start_time_of(self.pid)

    def wait_ready(self, timeout_s=READY_TIMEOUT_S):
        deadline = time.monotonic() + timeout_s
        while not self.is_ready():
            if not self.is_alive():
                raise ClusterError(f"{self.name} ended at its start; its log says:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"{self.name} is not ready after {timeout_s} s; its log says:\n{self.log_end()}")
            time.sleep(POLL_S)

    def log_end(self, size=3000):
        try:
            with open(self.log_path, "rb") as log:
                log.seek(max(0, os.path.getsize(self.log_path) - size))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return "(no log)"

    def signal(self, number):
        if self.is_alive():
            os.kill(self.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def is_paused(self):
        try:
            with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as file:
                return file.read().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def wait_gone(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def kill(self):
        """kill -9, and it is gone when this returns."""
        self.signal(signal.SIGKILL)
        if not self.wait_gone(KILL_TIMEOUT_S):
            raise ClusterError(f"{self.name} (process {self.pid}) survived SIGKILL")

    def stop(self):
        """SIGTERM and its drain; SIGKILL if that takes too long.  Returns whether it drained."""
        self.resume()
        self.signal(signal.SIGTERM)
        if self.wait_gone(STOP_TIMEOUT_S):
            return True
        self.kill()
        return False

    def state(self):
        return {"name": self.name, "kind": type(self).__name__, "address": self.address,
                "namespace": self.namespace, "pid": self.pid, "started": self.started}


class EtcdMember(Program):
    """One member of the control store."""

    def __init__(self, name, folder, ports=None, **options):
        super().__init__(name, folder, **options)
        self.client_port, self.peer_port = ports or free_ports(2)
        self.members = [self]  # of its cluster; set by the cluster

    @property
    def url(self):
        return f"http://{self.address}:{self.client_port}"

    @property
    def peer_url(self):
        return f"http://{self.address}:{self.peer_port}"

    def command(self):
        others = ",".join(f"{member.name}={member.peer_url}" for member in self.members)
        return ["etcd", "--name", self.name, "--data-dir", os.path.join(self.folder, "data"),
                "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                "--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url,
                "--initial-cluster", others, "--initial-cluster-state", "new",
                "--initial-cluster-token", "lode", "--heartbeat-interval", str(HEARTBEAT_MS),
                "--election-timeout", str(ELECTION_MS), "--logger", "zap"]

    def status(self):
        """The member's own view, {} if it does not answer."""
        code, body = http_status(self.url + "/v3/maintenance/status", data=b"{}")
        return json.loads(body) if code == 200 else {}

    def is_ready(self):
        return http_status(self.url + "/health")[0] == 200

    def is_leader(self):
        status = self.status()
        return bool(status) and status.get("leader") == status["header"]["member_id"]

    def state(self):
        return dict(super().state(), ports=[self.client_port, self.peer_port])


class LodeNode(Program):
    """One loded: a gateway, a target, or both in one."""

    def __init__(self, name, folder, role, cluster, ports=None, mountpaths=1, **options):
        super().__init__(name, folder, **options)
        self.role = role
        self.cluster = cluster
        self.port, self.admin_port, self.peer_port = ports or free_ports(3)
        self.mountpath_count = mountpaths
        self.extra_options = []  # for a test
        self.certificate = None  # (file, key) to use instead of one made for it
        self.mountpath_folder = folder  # elsewhere for a disk of its own, e.g. a small one

    @property
    def endpoint(self):
        return f"http://{self.address}:{self.port}"

    @property
    def admin(self):
        return f"http://{self.address}:{self.admin_port}"

    def mountpaths(self):
        if self.role == "gateway":
            return []
        return [os.path.join(self.mountpath_folder, f"mp{i + 1}")
                for i in range(self.mountpath_count)]

    def storage_options(self):
        options = ["--data", os.path.join(self.folder, "data")]
        for path in self.mountpaths():
            options += ["--mountpath", path]
        return options

    def cluster_options(self):
        if not self.cluster.is_clustered:
            return []
        options = ["--cluster", self.cluster.name, "--etcd",
                   ",".join(member.url for member in self.cluster.etcd)]
        return options + (["--insecure-etcd"] if self.address != LOOPBACK else [])

    def peer_options(self):
        """How it speaks to other nodes."""
        if self.cluster.has_tls:
            authority = self.cluster.authority()
            certificate, key = self.certificate or authority.sign(self.name, f"IP:{self.address}")
            return ["--peer-tls-cert", certificate, "--peer-tls-key", key,
                    "--peer-tls-ca", authority.certificate]
        return ["--insecure-peer"] if self.address != LOOPBACK else []

    def command(self):
        command = [self.cluster.loded, "--role", self.role, "--node-id", self.name,
                   "--listen", f"{self.address}:{self.port}",
                   "--admin-listen", f"{self.address}:{self.admin_port}"]
        if self.cluster.is_clustered:
            command += ["--peer-listen", f"{self.address}:{self.peer_port}"] + self.peer_options()
        return (command + self.cluster_options() + self.storage_options()
                + self.cluster.node_options + self.extra_options)

    def environment(self):
        return {"LODE_ROOT_ACCESS_KEY": self.cluster.access_key,
                "LODE_ROOT_SECRET_KEY": self.cluster.secret_key}

    def start(self):
        for path in [os.path.join(self.folder, "data")] + self.mountpaths():
            os.makedirs(path, exist_ok=True)
        super().start()

    def is_ready(self):
        return http_status(self.admin + "/healthz/ready")[0] == 200

    def metrics(self):
        """{name with labels: value} of /metrics; {} if it does not answer."""
        code, body = http_status(self.admin + "/metrics")
        values = {}
        for line in body.decode().splitlines() if code == 200 else []:
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values

    def fsck(self, verify=False):
        """Check the data of the stopped node; returns the finished process."""
        command = [self.cluster.loded, "--fsck", *self.cluster_options(), *self.storage_options()]
        return subprocess.run(command + (["--verify"] if verify else []), capture_output=True,
                              text=True, check=False)

    def state(self):
        return dict(super().state(), ports=[self.port, self.admin_port, self.peer_port],
                    role=self.role, mountpaths=self.mountpath_count)


def show_logs(cluster):
    """For the output of a test that failed: how each node's log ends, longest for one that fell."""
    for node in cluster.nodes:
        is_alive = node.is_alive()
        print(f"# the end of {node.name}'s log{'' if is_alive else ' (it has ended)'}:")
        for line in node.log_end(6000).splitlines()[-5 if is_alive else -15:]:
            print(f"#   {line[:LOG_LINE_SHOWN]}")


class Cluster:
    """All programs of one cluster, in order of their start."""

    def __init__(self, folder, build=None, network=None, node_options=(), has_tls=False):
        self.folder = os.path.abspath(folder)
        self.build = build or os.environ.get("LODE_BUILDDIR") or os.path.join(TREE, "build")
        self.loded = os.path.join(self.build, "loded")
        self.network = network  # gives out addresses and namespaces; None: loopback
        self.name = "playground"
        self.node_options = list(node_options)
        self.has_tls = has_tls  # between nodes
        self.access_key = "LODE" + secrets.token_hex(8).upper()
        self.secret_key = secrets.token_urlsafe(30)
        self.etcd = []
        self.nodes = []
        self.is_bound = False  # its programs die with this process: for tests
        self.is_clustered = supports_cluster(self.loded) if os.path.exists(self.loded) else False

    # ---- who is there ----

    def programs(self):
        return self.etcd + self.nodes

    def gateways(self):
        return [node for node in self.nodes if node.role in ("gateway", "all")]

    def targets(self):
        return [node for node in self.nodes if node.role in ("target", "all")]

    def endpoints(self):
        return [node.endpoint for node in self.gateways()]

    def find(self, name):
        for program in self.programs():
            if program.name == name:
                return program
        names = ", ".join(program.name for program in self.programs())
        raise ClusterError(f"there is no {name}; there are: {names or 'none'}")

    def authority(self):
        """Of the certificates of its nodes."""
        return Authority(os.path.join(self.folder, "tls"))

    # ---- making it ----

    def _place(self, name):
        """Where a program of this name lives: options of Program."""
        if self.network is None:
            return {}
        return self.network.place(name)

    def _ports(self, count, place):
        """In a namespace of its own every port is free; then the numbers are the same for all."""
        if place.get("namespace"):
            return list(range(9000, 9000 + count))
        return free_ports(count)

    def add_etcd(self, count):
        if shutil.which("etcd") is None:
            raise ClusterError("etcd is missing: apt-get install etcd-server")
        for i in range(count):
            name = f"etcd-{i + 1}"
            place = self._place(name)
            self.etcd.append(EtcdMember(name, os.path.join(self.folder, name),
                                        ports=self._ports(2, place), **place))
        for member in self.etcd:
            member.members = self.etcd
            member.is_bound = self.is_bound

    def add_node(self, role, mountpaths=1):
        """Described, not started.  A name is given once: the id of a node that has left is refused."""
        number = 1 + sum(node.role == role for node in self.nodes)
        names = {node.name for node in self.nodes}
        while f"{role}-{number:02d}" in names \
                or os.path.exists(os.path.join(self.folder, f"{role}-{number:02d}")):
            number += 1
        name = f"{role}-{number:02d}" if role != "all" else f"node-{number:04d}"
        place = self._place(name)
        node = LodeNode(name, os.path.join(self.folder, name), role, self,
                        ports=self._ports(3, place), mountpaths=mountpaths, **place)
        node.is_bound = self.is_bound
        self.nodes.append(node)
        return node

    def describe(self, gateways=2, targets=3, mountpaths=2, etcd_members=1):
        """The programs of a whole cluster; without support for clusters, of one node."""
        if not self.is_clustered:
            self.add_node("all", mountpaths)
            return
        self.add_etcd(etcd_members)
        for _ in range(targets):
            self.add_node("target", mountpaths)
        for _ in range(gateways):
            self.add_node("gateway")

    # ---- running it ----

    def start(self):
        """All at once, as after a power cut; returns when each is ready."""
        if not os.access(self.loded, os.X_OK):
            raise ClusterError(f"there is no {self.loded}: ./run --build makes it")
        os.makedirs(self.folder, exist_ok=True)
        for group in (self.etcd, self.nodes):
            for program in group:
                program.start()
            self.save()
            for program in group:
                program.wait_ready()

    def _stop_group(self, group):
        for program in group:
            program.resume()
            program.signal(signal.SIGTERM)
        return [program.name for program in group if not program.stop()]

    def stop_nodes(self):
        """All but etcd.  Returns the names of those that had to be killed."""
        return self._stop_group(self.nodes)

    def stop(self):
        """Nodes first, so that they can say good-bye."""
        killed = self.stop_nodes() + self._stop_group(self.etcd)
        self.save()
        return killed

    def kill_all(self):
        """For the end of a test that failed."""
        for program in self.programs():
            program.resume()
            program.kill()

    def lode(self, *arguments, check=True, endpoint=None, timeout_s=120):
        """Run the CLI as root; returns the finished process."""
        command = [os.path.join(self.build, "lode"), "--endpoint", endpoint or self.endpoints()[0],
                   "--quiet", *arguments]
        environment = dict(os.environ, LODE_ACCESS_KEY=self.access_key,
                           LODE_SECRET_KEY=self.secret_key)
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              check=False, timeout=timeout_s)
        if check and done.returncode != 0:
            raise ClusterError(f"lode {' '.join(arguments)}: exit {done.returncode}: "
                               f"{done.stdout}{done.stderr}")
        return done

    # ---- what its nodes say of it ----

    def health(self, node):
        """`/healthz/cluster` of one node: version and stage of its map, who is down; {} if mute."""
        _, body = http_status(node.admin + "/healthz/cluster", 2)
        try:
            return json.loads(body)
        except ValueError:
            return {}

    def map_version(self):
        """The newest that any node works by; 0: no node tells."""
        return max([self.health(node).get("version", 0) for node in self.nodes], default=0)

    def seen_down(self, name):
        """Does another node know that this one's lease has ended?"""
        others = [node for node in self.nodes if node.name != name and node.is_alive()]
        if any(node.name == name for node in self.targets()):
            return any(name in self.health(node).get("down", []) for node in others)
        # Health names those that have keys; a gateway is only counted.
        return any(node.metrics().get("lode_cluster_down_nodes", 0) > 0 for node in others)

    def is_calm(self):
        """All nodes work by one map, nothing moves, nobody is down."""
        seen = [self.health(node) for node in self.nodes]
        return len({one.get("version") for one in seen}) == 1 and all(
            one.get("stage") == "done" and not one.get("down") for one in seen)

    def wait_calm(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while self.is_clustered and not self.is_calm():
            if time.monotonic() > deadline:
                seen = {node.name: self.health(node) for node in self.nodes}
                raise ClusterError(f"no calm after {timeout_s} s: {json.dumps(seen)}")
            time.sleep(0.1)

    def members(self):
        """The ids in the map."""
        return {node["id"] for node in json.loads(self.lode("--json", "show", "cluster").stdout)["nodes"]}

    def wait_left(self, name, timeout_s):
        """A decommissioned node is in the map until its keys have moved."""
        deadline = time.monotonic() + timeout_s
        while name in self.members():
            if time.monotonic() > deadline:
                raise ClusterError(f"{name} has not left after {timeout_s} s")
            time.sleep(0.1)

    def moves_data(self):
        """Can targets join and leave with their data?  Then `lode` has verbs for sending a node
        into maintenance."""
        done = subprocess.run([os.path.join(self.build, "lode"), "--help"], capture_output=True,
                              text=True, check=False)
        return "maintenance" in done.stdout

    # ---- finding it again ----

    @property
    def state_path(self):
        return os.path.join(self.folder, STATE)

    def save(self):
        if not os.path.isdir(self.folder):
            return
        state = {"access_key": self.access_key, "secret_key": self.secret_key, "name": self.name,
                 "build": self.build, "node_options": self.node_options,
                 "is_clustered": self.is_clustered, "has_tls": self.has_tls,
                 "programs": [program.state() for program in self.programs()]}
        descriptor = os.open(self.state_path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(state, file, indent=1)
        os.replace(self.state_path + ".new", self.state_path)

    @classmethod
    def load(cls, folder):
        """The cluster that lives in this folder; None: none does."""
        try:
            with open(os.path.join(folder, STATE), encoding="utf-8") as file:
                state = json.load(file)
        except FileNotFoundError:
            return None
        cluster = cls(folder, state["build"], node_options=state["node_options"],
                      has_tls=state.get("has_tls", False))
        cluster.access_key, cluster.secret_key = state["access_key"], state["secret_key"]
        cluster.name, cluster.is_clustered = state["name"], state["is_clustered"]
        for entry in state["programs"]:
            common = {key: entry[key] for key in ("address", "namespace", "pid", "started", "ports")}
            home = os.path.join(cluster.folder, entry["name"])
            if entry["kind"] == "EtcdMember":
                cluster.etcd.append(EtcdMember(entry["name"], home, **common))
            else:
                cluster.nodes.append(LodeNode(entry["name"], home, entry["role"], cluster,
                                              mountpaths=entry["mountpaths"], **common))
        for member in cluster.etcd:
            member.members = cluster.etcd
        return cluster
