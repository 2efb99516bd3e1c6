# SPDX-License-Identifier: Apache-2.0
"""A cluster under test in place of one server: two gateways, three targets, one address.

Connections alternate between the gateways (alternator.py).  Started by tools/cluster_nodes.py, as the
playground is.
"""

import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from alternator import Alternator
from server import DOMAIN, TREE, Account, OwnServer, build_folder, make_certificate

sys.path.insert(0, str(TREE / "tools"))
from cluster_nodes import Cluster, ClusterError, free_ports  # noqa: E402

GATEWAYS, TARGETS, MOUNTPATHS = 2, 3, 2
MEMORY = "256M"  # of each of five processes


class ClusterServer(OwnServer):
    """Behaves as OwnServer does; its log is that of all nodes."""

    def __init__(self, scheme="http"):  # pylint: disable=super-init-not-called
        self.folder = Path(tempfile.mkdtemp(prefix="lode-conformance-"))
        options = ["--domain", DOMAIN, "--memory", MEMORY]
        self.ca_file = None
        if scheme == "https":
            certificate, key = make_certificate(self.folder)
            self.ca_file = str(certificate)
            options += ["--tls-cert", str(certificate), "--tls-key", str(key)]
        self.cluster = Cluster(self.folder / "cluster", str(build_folder()), node_options=options)
        if not self.cluster.is_clustered:
            raise ClusterError(f"{self.cluster.loded} cannot join a cluster")
        self.cluster.access_key = "LODEROOT" + secrets.token_hex(6).upper()
        self.cluster.is_bound = True
        self.cluster.describe(GATEWAYS, TARGETS, MOUNTPATHS)
        self.root = Account("root", self.cluster.access_key, self.cluster.secret_key)
        self.domain = DOMAIN
        port = free_ports(1)[0]
        self.endpoint = f"{scheme}://127.0.0.1:{port}"
        self.alternator = Alternator([(node.address, node.port) for node in self.cluster.gateways()],
                                     port)

    @property
    def process(self):
        """That of the first node which has ended, else of any."""
        for program in self.cluster.programs():
            if not program.is_alive():
                return program.process
        return self.cluster.programs()[0].process

    def start(self):
        self.cluster.start()

    def is_ready(self):
        return all(program.is_ready() for program in self.cluster.programs())

    def is_alive(self):
        return all(program.is_alive() for program in self.cluster.programs())

    def log_size(self):
        return [Path(node.log_path).stat().st_size if Path(node.log_path).exists() else 0
                for node in self.cluster.nodes]

    def log_since(self, offset):
        offsets = offset or [0] * len(self.cluster.nodes)
        texts = []
        for node, start in zip(self.cluster.nodes, offsets):
            if Path(node.log_path).exists():
                data = Path(node.log_path).read_bytes()[start:].decode("utf-8", "replace")
                texts.append(f"--- {node.name}\n{data}")
        return "\n".join(texts)

    def stop(self):
        """0 if each gateway has had connections and every node ended with 0."""
        counts = self.alternator.counts
        killed = self.cluster.stop_nodes()
        codes = [node.process.returncode for node in self.cluster.nodes if node.process]
        print(f"connections: {list(counts.values())}, exit codes: {codes}, killed: {killed}")
        if killed or not all(counts.values()):
            return 1
        return next((code for code in codes if code != 0), 0)

    def fsck(self):
        output, worst = "", 0
        for node in self.cluster.targets():
            done = node.fsck()
            worst = max(worst, done.returncode)
            output += f"--- {node.name}\n{done.stdout}{done.stderr}"
        return subprocess.CompletedProcess([], worst, output, "")

    def end(self):
        self.alternator.end()
        self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
