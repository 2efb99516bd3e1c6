# SPDX-License-Identifier: Apache-2.0
"""A node alone, and 2 gateways with 3 targets, each asked by AIStore's Go clients."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "tools"))

import cluster_nodes  # noqa: E402

OPTIONS = ("--allow-anonymous-native",)
TIMEOUT_S = 120


class Servers:
    """Nodes of these roles, known by the first gateway."""

    def __init__(self, roles):
        self.folder = tempfile.mkdtemp(prefix="lode-cli-")
        self.promote_from = os.path.join(self.folder, "promote")
        os.mkdir(self.promote_from)
        self.cluster = cluster_nodes.Cluster(
            self.folder,
            build=os.environ.get("LODE_BUILD"),
            node_options=OPTIONS + ("--promote-from", self.promote_from),
        )
        self.cluster.is_bound = True
        self.cluster.is_clustered = len(roles) > 1
        if self.cluster.is_clustered:
            self.cluster.add_etcd(1)
        for role in roles:
            self.cluster.add_node(role)

    def start(self):
        self.cluster.start()
        self.endpoint = self.cluster.endpoints()[0]

    def end(self):
        try:
            self.cluster.kill_all()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        home = os.path.join(self.folder, "home")
        os.makedirs(home, exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": home, "AIS_ENDPOINT": self.endpoint}


@pytest.fixture(scope="session", params=["alone", "cluster"])
def servers(request):
    if request.param == "cluster" and shutil.which("etcd") is None:
        pytest.skip("etcd is not installed")
    own = Servers(("all",) if request.param == "alone" else ("gateway",) * 2 + ("target",) * 3)
    try:
        own.start()
        yield own
    finally:
        own.end()


@pytest.fixture
def ais(servers, tmp_path):
    """Runs the client; returns what it printed.  Fails where the client does, unless told not to."""
    program = os.environ.get("LODE_AIS")
    if not program:
        pytest.skip("ais is not installed")

    def run(*arguments, fails=False):
        done = subprocess.run(
            [program, *arguments],
            env=servers.environment(),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert (done.returncode != 0) == fails, f"ais {' '.join(arguments)}: {text}"
        return text

    return run


@pytest.fixture
def bucket(ais):
    url = "ais://cli-" + secrets.token_hex(5)
    ais("bucket", "create", url)
    yield url
    ais("bucket", "rm", url, "--yes")
