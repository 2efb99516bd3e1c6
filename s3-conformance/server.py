# SPDX-License-Identifier: Apache-2.0
"""Starts and ends the server under test: a fresh loded of its own, or one that runs already.

Environment: LODE_BUILD (folder of the binaries, default build/ of this tree),
S3_CONFORMANCE_SCHEME (http or https).  With an endpoint given, the root keys come from
LODE_ROOT_ACCESS_KEY and LODE_ROOT_SECRET_KEY, and S3_CONFORMANCE_CA names its CA file.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import namedtuple
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
DOMAIN = "s3.localhost"
REGION = "us-east-1"
READY_TIMEOUT_S = 60  # a loaded 2-core machine under a sanitizer needs some of it
END_TIMEOUT_S = 30  # graceful drain; longer is a fault of the server
POLL_S = 0.02

Account = namedtuple("Account", "name access_key secret_key")


def build_folder():
    return (TREE / os.environ.get("LODE_BUILD", "build")).resolve()


def free_ports(count):
    """Ports that are free now: all are held at once, so that none is given twice."""
    held = []
    for _ in range(count):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        held.append(listener)
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1 and the S3 domain; returns (certificate, key)."""
    certificate, key = folder / "tls-cert.pem", folder / "tls-key.pem"
    names = f"IP:127.0.0.1,DNS:localhost,DNS:{DOMAIN},DNS:*.{DOMAIN}"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=lode-conformance"]
    command += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


class Server:
    """Endpoint, root account and CA of the server under test."""

    def __init__(self, endpoint, root, ca_file=None):
        self.endpoint = endpoint
        self.root = root
        self.ca_file = ca_file
        self.domain = DOMAIN

    @property
    def scheme(self):
        return self.endpoint.partition(":")[0]

    @property
    def host(self):
        return self.endpoint.partition("://")[2]

    def at(self, endpoint):
        """The same server under another address."""
        return Server(endpoint, self.root, self.ca_file)

    def log_size(self):
        return 0

    def log_since(self, _offset):
        return ""

    def is_alive(self):
        return True

    def end(self):
        """Nothing to do: somebody else started it."""


class OwnServer(Server):
    """A loded with a temporary data folder, started and ended here."""

    def __init__(self, scheme="http", extra_options=()):
        self.folder = Path(tempfile.mkdtemp(prefix="lode-conformance-"))
        self.data = self.folder / "data"
        self.data.mkdir()
        self.log_path = self.folder / "loded.log"
        self.binary = build_folder() / "loded"
        port, self.admin_port = free_ports(2)
        root = Account("root", "LODEROOT" + secrets.token_hex(6).upper(), secrets.token_urlsafe(30))
        ca_file = None
        self.options = ["--listen", f"127.0.0.1:{port}", "--data", str(self.data)]
        self.options += ["--admin-listen", f"127.0.0.1:{self.admin_port}", "--domain", DOMAIN]
        if scheme == "https":
            certificate, key = make_certificate(self.folder)
            ca_file = str(certificate)
            self.options += ["--tls-cert", str(certificate), "--tls-key", str(key)]
        self.options += extra_options
        super().__init__(f"{scheme}://127.0.0.1:{port}", root, ca_file)
        self.process = None

    def start(self):
        environment = dict(os.environ)
        environment["LODE_ROOT_ACCESS_KEY"] = self.root.access_key
        environment["LODE_ROOT_SECRET_KEY"] = self.root.secret_key
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self.is_ready():
            if not self.is_alive():
                raise RuntimeError(
                    f"loded ended with {self.process.returncode}:\n{self.log_since(0)}"
                )
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"loded is not ready after {READY_TIMEOUT_S} s:\n{self.log_since(0)}"
                )
            time.sleep(POLL_S)

    def is_ready(self):
        url = f"http://127.0.0.1:{self.admin_port}/healthz/ready"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def log_size(self):
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def log_since(self, offset):
        if not self.log_path.exists():
            return ""
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")

    def stop(self):
        """End the process by its id; returns its exit status."""
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def fsck(self):
        """Check the data of the stopped server; returns the finished process."""
        command = [str(self.binary), "--fsck", "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def end(self):
        if self.process is not None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
