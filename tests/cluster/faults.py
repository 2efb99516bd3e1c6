# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a cluster, and the proof that it did.

A Fault begins, ends (all is whole again, though not yet ready), and then says in one sentence how it is known to
have bitten; without that the run does not count.  Each draws its victim from the run's generator.
"""

import email.utils
import glob
import os
import subprocess
import time

import s3_client
from cluster_nodes import POLL_S, http_status
from network import run

SHIFTS_S = (30, 240)  # within what nodes grant each other, and beyond it; S3's signatures grant 900
DELAY_MS, JITTER_MS = 150, 100
LOSS_PERCENT = 25
ELECTION_TIMEOUT_S = 20
SMALL_DISK_BYTES = 1 << 30  # holds the packs of a whole series; in memory as far as it is used
LEASE_ENDS_S = 9  # CLUSTER_SESSION_TTL_MS (6 s) and an election
CALM_S = 60


class NoBite(Exception):
    """The fault was to happen, and there is no sign of it."""


class Fault:
    needs_network = False
    needs_etcd = 0  # members
    needs_cluster = False
    moves_data = False
    leaving = None  # a node that does not become ready again

    def __init__(self, cluster, rng, folder):
        self.cluster = cluster
        self.rng = rng
        self.folder = folder

    def begin(self):
        pass

    def end(self):
        pass

    def settle(self):
        """After all nodes are ready again."""

    def evidence(self):
        raise NotImplementedError

    def require(self, is_true, sentence):
        if not is_true:
            raise NoBite(f"{type(self).__name__}: not so: {sentence}")
        return sentence

    # ---- victims ----

    def a_target(self):
        return self.rng.choice(self.cluster.targets())

    def a_gateway(self):
        return self.rng.choice(self.cluster.gateways())

    def others(self, program):
        """Addresses of all that a program speaks to, the clients' too."""
        return [other.address for other in self.cluster.programs() if other is not program] \
            + [self.cluster.network.gateway]


class Nothing(Fault):
    """The load alone."""

    def evidence(self):
        return "no fault"


class KillTarget(Fault):
    """kill -9 of a target, and its return."""

    def begin(self):
        self.victim = self.a_target()
        self.pid = self.victim.pid
        self.victim.kill()
        self.was_dead = not self.victim.is_alive()

    def end(self):
        self.victim.start()

    def evidence(self):
        return self.require(self.was_dead and self.victim.pid != self.pid,
                            f"{self.victim.name}: process {self.pid} killed, {self.victim.pid} came")


class KillGateway(KillTarget):
    """The same of a gateway."""

    needs_cluster = True

    def a_target(self):
        return self.a_gateway()


class PauseTarget(Fault):
    """SIGSTOP for a while, then SIGCONT: a node that wakes up with the past in its hands."""

    def begin(self):
        self.victim = self.a_target()
        self.victim.pause()
        time.sleep(POLL_S)
        self.was_paused = self.victim.is_paused()
        self.began = time.monotonic()

    def end(self):
        self.was_paused = self.was_paused and self.victim.is_paused()
        self.seconds = time.monotonic() - self.began
        self.was_down = None
        if self.cluster.is_clustered and self.seconds > LEASE_ENDS_S:
            self.was_down = self.cluster.seen_down(self.victim.name)
        self.victim.resume()

    def evidence(self):
        self.require(self.was_down is not False, f"the lease of {self.victim.name} ended")
        return self.require(self.was_paused, f"{self.victim.name} stood still {self.seconds:.1f} s"
                            + (", its lease ended" if self.was_down else ""))


class PauseGateway(PauseTarget):
    """The same of a gateway: its view of the map is old when it wakes up."""

    needs_cluster = True

    def a_target(self):
        return self.a_gateway()


class NetworkFault(Fault):
    needs_network = True
    what = "packets dropped"
    ends_lease = False  # long enough, it does
    was_down = None
    began = None

    def end(self):
        if self.ends_lease and self.cluster.is_clustered and self.began is not None \
                and time.monotonic() - self.began > LEASE_ENDS_S:
            self.was_down = self.cluster.seen_down(self.victim.name)
        self.count = self.cluster.network.heal(self.victim.name)

    def evidence(self):
        self.require(self.was_down is not False, f"the lease of {self.victim.name} ended")
        return self.require(self.count > 0, f"{self.victim.name}: {self.count} {self.what}"
                            + (", its lease ended" if self.was_down else ""))


class CutTarget(NetworkFault):
    """A target that reaches nobody, and that nobody reaches."""

    ends_lease = True

    def begin(self):
        self.began = time.monotonic()
        self.victim = self.a_target()
        self.cluster.network.cut(self.victim.name, self.others(self.victim))


class CutGatewayFromTarget(NetworkFault):
    """One gateway does not reach one target; all others do."""

    needs_cluster = True

    def begin(self):
        self.victim = self.a_gateway()
        self.cluster.network.cut(self.victim.name, [self.a_target().address])


class CutFromEtcd(NetworkFault):
    """A node that serves its peers and clients, and cannot be told of a new map."""

    needs_cluster = True

    ends_lease = True

    def begin(self):
        self.began = time.monotonic()
        self.victim = self.rng.choice(self.cluster.nodes)
        self.cluster.network.cut(self.victim.name, [one.address for one in self.cluster.etcd])


class OneWayLoss(NetworkFault):
    """A target hears all and is not heard, or the other way round."""

    def begin(self):
        self.victim = self.a_target()
        is_deaf = self.rng.randrange(2) == 0
        self.cluster.network.cut(self.victim.name, self.others(self.victim),
                                 incoming=is_deaf, outgoing=not is_deaf)


class SomeLoss(NetworkFault):
    """A bad cable."""

    def begin(self):
        self.victim = self.a_target()
        self.cluster.network.cut(self.victim.name, self.others(self.victim), percent=LOSS_PERCENT)


class Delay(NetworkFault):
    """A long wire."""

    what = f"packets held {DELAY_MS} to {DELAY_MS + JITTER_MS} ms"

    def begin(self):
        self.victim = self.a_target()
        self.cluster.network.delay(self.victim.name, self.others(self.victim), DELAY_MS, JITTER_MS)


def faketime_library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    return found[0] if found else None


class ClockShift(Fault):
    """A target whose wall clock is minutes off (its monotonic one is not)."""

    def begin(self):
        self.victim = self.a_target()
        self.shift_s = self.rng.choice(SHIFTS_S) * self.rng.choice((-1, 1))
        self.victim.stop()
        self.victim.extra_environment = {
            "LD_PRELOAD": faketime_library(), "FAKETIME": f"{self.shift_s:+d}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        self.victim.start()
        self.victim.wait_ready()
        self.seen_s = self._offset_s()

    def _offset_s(self):
        """What its own answers say of the time."""
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-D", "-", "--noproxy", "*",
                               self.victim.admin + "/healthz/live"],
                              capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            if line.lower().startswith("date:"):
                when = email.utils.parsedate_to_datetime(line.partition(":")[2].strip())
                return when.timestamp() - time.time()
        return 0.0

    def end(self):
        self.victim.stop()
        self.victim.extra_environment = {}
        self.victim.start()

    def evidence(self):
        return self.require(abs(self.seen_s - self.shift_s) < 10,
                            f"{self.victim.name} answered with a clock {self.seen_s:+.0f} s off")


class FullDisk(Fault):
    """The disk of a target is full, and then it is not."""

    def begin(self):
        self.victim = next(node for node in self.cluster.targets()
                           if node.mountpath_folder != node.folder)
        self.balloon = os.path.join(self.victim.mountpath_folder, "balloon")
        file = os.open(self.balloon, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for size in (1 << 20, 4096):  # until nothing more fits
                block = bytes(size)
                while True:
                    os.write(file, block)
        except OSError:
            pass
        finally:
            os.close(file)
        stat = os.statvfs(self.victim.mountpath_folder)
        self.free = stat.f_bavail * stat.f_frsize
        self.refused = 0

    def end(self):
        """Some keys of these live there: at least one is refused."""
        s3 = s3_client.S3Client(self.cluster.endpoints(), self.cluster.access_key,
                                self.cluster.secret_key)
        for number in range(60):
            try:
                answer = s3.request(0, "PUT", "linear", f"disk-{number}", body=bytes(50_000))
                self.refused += answer.status >= 500
            except (s3_client.Unknown, s3_client.NotSent):
                pass
        s3.close()
        os.unlink(self.balloon)

    def evidence(self):
        return self.require(self.free < 1 << 20 and self.refused > 0,
                            f"{self.victim.name}: {self.free} bytes free, {self.refused} of 60 puts "
                            "refused with 5xx")


class EtcdLeaderKill(Fault):
    """kill -9 of etcd's leader, a new one, and the return of the old."""

    needs_cluster = True
    needs_etcd = 3

    def begin(self):
        self.victim = self._leader()
        self.victim.kill()
        self.next = self._leader()

    def _leader(self):
        deadline = time.monotonic() + ELECTION_TIMEOUT_S
        while time.monotonic() < deadline:
            for member in self.cluster.etcd:
                if member.is_alive() and member.is_leader():
                    return member
            time.sleep(POLL_S)
        raise NoBite("etcd has no leader")

    def end(self):
        self.victim.start()

    def evidence(self):
        return self.require(self.next is not self.victim,
                            f"{self.victim.name} led and was killed, {self.next.name} leads")


class EtcdGone(Fault):
    """All of etcd is gone for a while: data go on under the last map."""

    needs_cluster = True

    def begin(self):
        for member in self.cluster.etcd:
            member.kill()
        self.was_gone = not any(http_status(member.url + "/health", 1)[0]
                                for member in self.cluster.etcd)
        self.began = time.monotonic()

    def end(self):
        self.seconds = time.monotonic() - self.began
        for member in self.cluster.etcd:
            member.start()

    def evidence(self):
        return self.require(self.was_gone, f"no member of etcd answered for {self.seconds:.0f} s")


class MapChange(Fault):
    """A change of the map under load, and back again."""

    needs_cluster = True
    moves_data = True

    def begin(self):
        self.before = self.cluster.map_version()
        self.change()

    def evidence(self):
        after = self.cluster.map_version()
        return self.require(after > self.before, f"map version {self.before} became {after}")


class Maintenance(MapChange):
    """A target leaves for maintenance, and returns before or after the rebalance has ended."""

    def change(self):
        self.victim = self.a_target()
        self.cluster.lode("cluster", "maintenance", self.victim.name)

    def end(self):
        self.cluster.lode("cluster", "return", self.victim.name)


class Join(MapChange):
    """A target joins, and leaves for good again."""

    def change(self):
        self.victim = self.cluster.add_node("target", self.cluster.targets()[0].mountpath_count)
        self.victim.start()
        self.victim.wait_ready()

    def end(self):
        self.cluster.lode("cluster", "decommission", self.victim.name)
        self.leaving = self.victim

    def settle(self):
        self.cluster.wait_left(self.victim.name, CALM_S)
        self.victim.stop()
        self.cluster.nodes.remove(self.victim)
        done = self.victim.fsck(verify=True)
        self.require(done.returncode == 0, f"fsck of {self.victim.name} is clean: {done.stdout}")


FAULTS = {"none": Nothing, "kill-target": KillTarget, "kill-gateway": KillGateway,
          "pause-target": PauseTarget, "pause-gateway": PauseGateway, "cut-target": CutTarget,
          "cut-gateway-from-target": CutGatewayFromTarget, "cut-from-etcd": CutFromEtcd,
          "one-way-loss": OneWayLoss, "some-loss": SomeLoss, "delay": Delay,
          "clock-shift": ClockShift, "full-disk": FullDisk, "etcd-leader-kill": EtcdLeaderKill,
          "etcd-gone": EtcdGone, "maintenance": Maintenance, "join": Join}


def why_not(fault, cluster):
    """None, or why this fault cannot be made here."""
    kind = FAULTS[fault]
    if kind.needs_cluster and not cluster.is_clustered:
        return "this loded cannot join a cluster"
    if kind.moves_data and not cluster.moves_data():
        return "this lode knows no maintenance"
    if kind.needs_network and cluster.network is None:
        return "no network namespaces"
    if len(cluster.etcd) < kind.needs_etcd:
        return f"needs {kind.needs_etcd} members of etcd"
    if kind is ClockShift and faketime_library() is None:
        return "libfaketime is not installed"
    if kind is FullDisk and not any(node.mountpath_folder != node.folder
                                    for node in cluster.targets()):
        return "no small disk (mounting needs root)"
    return None


class SmallDisk:
    """A tmpfs for the mountpaths of one node.  Those of dead tests are taken away first."""

    def __init__(self, folder):
        self.folder = folder
        with open("/proc/mounts", encoding="utf-8") as file:
            for line in file:
                source, place = line.split()[:2]
                owner = source.removeprefix("lode-test-")
                if owner != source and not os.path.exists(f"/proc/{owner}"):
                    run("umount", "--lazy", place, check=False)
        os.makedirs(folder, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}",
            f"lode-test-{os.getpid()}", folder)

    def remove(self):
        run("umount", "--lazy", self.folder, check=False)
