# SPDX-License-Identifier: Apache-2.0
"""Servers that a run measures, each pinned to one core, each ended by its own process id."""

import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request

SERVER_CORE = "0"
# For wall-clock times of a server that hardly shares the machine: a start, one stream.
ALL_CORES = f"0-{os.cpu_count() - 1}"
CLIENT_CORE = "1"


def free_port():
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    """Until something accepts there."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"a server ended at its start with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.001)  # a start is measured too
    raise SystemExit(f"nothing listens on port {port}")


class Server:
    """A process with a port."""

    def __init__(self, name, command, port, environment=None, cores=SERVER_CORE):
        self.name = name
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", cores] + command,
                                        env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        wait_for(port, self.process)

    @property
    def pid(self):
        return self.process.pid

    def end(self):
        """SIGTERM, then wait."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def nginx(directory, root, sendfile=True):
    """Static files, one worker."""
    port = free_port()
    os.makedirs(directory, exist_ok=True)
    config = os.path.join(directory, f"nginx-{port}.conf")
    # A worker out of descriptors answers 500: leave some for its connections.
    files = min(100000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 5000)
    with open(config, "w", encoding="ascii") as file:
        file.write(f"""daemon off; worker_processes 1; pid {directory}/nginx-{port}.pid;
error_log {directory}/nginx-error.log; user root;
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile {'on' if sendfile else 'off'}; tcp_nopush on; tcp_nodelay on;
keepalive_requests 100000000; open_file_cache max={files}; client_body_temp_path {directory}/tmp;
server {{ listen 127.0.0.1:{port}; root {root}; }} }}
""")
    return Server("nginx", ["nginx", "-c", config, "-p", directory], port)


def h2o(directory, root):
    """Static files, one thread."""
    port = free_port()
    config = os.path.join(directory, f"h2o-{port}.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(f"""num-threads: 1
listen: {{host: 127.0.0.1, port: {port}}}
hosts:
  default:
    paths:
      /:
        file.dir: {root}
""")
    return Server("h2o", ["h2o", "-c", config], port)


def etcd(directory):
    """One member."""
    client, member = free_port(), free_port()
    urls = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{member}"
    return Server("etcd", ["etcd", "--data-dir", directory, "--listen-client-urls", urls[0],
                           "--advertise-client-urls", urls[0], "--listen-peer-urls", urls[1],
                           "--initial-advertise-peer-urls", urls[1], "--initial-cluster",
                           f"default={urls[1]}", "--logger", "zap", "--log-outputs",
                           directory + ".log"], client)


class Lode(Server):
    """loded over a data directory, with generated root keys."""

    def __init__(self, build, data, arguments=(), port=0, keys=None, cores=SERVER_CORE):
        self.data = data
        self.keys = keys or {"AWS_ACCESS_KEY_ID": "bench-root",
                             "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20)}
        self.environment = dict(os.environ, LODE_ROOT_ACCESS_KEY=self.keys["AWS_ACCESS_KEY_ID"],
                                LODE_ROOT_SECRET_KEY=self.keys["AWS_SECRET_ACCESS_KEY"],
                                **self.keys)
        port = port or free_port()
        super().__init__("lode", [os.path.join(build, "loded"), "--listen", f"127.0.0.1:{port}",
                                  "--admin-listen", "none", "--data", data, *arguments],
                         port, self.environment, cores)

    def wait_until_ready(self):
        """A node of a cluster listens before it has joined."""
        end = time.monotonic() + 60
        while not healthy(f"http://127.0.0.1:{self.port}/v1/health"):
            if time.monotonic() > end:
                raise SystemExit(f"the node on port {self.port} does not join its cluster")
            time.sleep(0.05)

    def cli(self, build, *words):
        """Run lode against this server."""
        subprocess.run([os.path.join(build, "lode"), "--endpoint", f"http://127.0.0.1:{self.port}",
                        "--quiet", *words], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)

    def create_bucket(self, name, **headers):
        """With x-lode-... headers, through curl's own SigV4."""
        command = ["curl", "-sS", "--fail-with-body", "-X", "PUT", "--aws-sigv4",
                   "aws:amz:us-east-1:s3", "--user",
                   f"{self.keys['AWS_ACCESS_KEY_ID']}:{self.keys['AWS_SECRET_ACCESS_KEY']}",
                   "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                   f"http://127.0.0.1:{self.port}/{name}"]
        for header, value in headers.items():
            command += ["-H", f"x-lode-{header.replace('_', '-')}: {value}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bucket {name}: {done.stdout} {done.stderr}")


def sink(build, server, *arguments):
    """The command line of our load generator, on the client's core."""
    return ["taskset", "-c", CLIENT_CORE, os.path.join(build, "bench/sink_client"), "--port",
            str(server.port), *map(str, arguments)]


def version_of(program):
    """One line about a peer."""
    if shutil.which(program) is None:
        raise SystemExit(f"{program} is missing: tools/install-packages bench")
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
    return re.sub(r"\s+", " ", (done.stdout + done.stderr).strip())[:80]


def healthy(url):
    """Does GET answer 200?"""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
