#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway and a target as real processes that speak TLS to each other: large bodies both ways, and
certificates that must not do.  usage: peer_tls_test.py LODED_FOLDER DIRECTORY; TAP on standard output.
LODE_TEST_LONG=1: bodies of 1 GiB."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from cluster_certificates import Authority  # noqa: E402
from cluster_nodes import Cluster, free_ports, show_logs  # noqa: E402

MIB = 1 << 20
LARGE = (1024 if os.environ.get("LODE_TEST_LONG") else 96) * MIB
# What a gateway may grow by while it passes LARGE on: its buffers, not the object.
GROWTH_MAX = 32 * MIB
RECOVERY_S = 15
results = []


def check(name, is_right, more=""):
    """One line of TAP."""
    results.append(bool(is_right))
    print(f"{'ok' if is_right else 'not ok'} {len(results)} - {name}", flush=True)
    if not is_right:
        print(f"# {more}", flush=True)


def curl(cluster, path, *arguments):
    """The finished process of a signed request; its standard output ends with the status."""
    if "-o" not in arguments:
        arguments = ("-o", "/dev/null", *arguments)
    return subprocess.run(
        ["curl", "-sS", "--max-time", "300", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
         f"{cluster.access_key}:{cluster.secret_key}", "-H",
         "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-w", "%{http_code}", *arguments,
         cluster.endpoints()[0] + path], capture_output=True, text=True, check=False)


def status_of(done):
    """As curl saw it."""
    return done.stdout[-3:]


def resident(pid):
    """Bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def wait_until(what):
    """True once it holds."""
    end = time.monotonic() + RECOVERY_S
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.2)
    return False


def log_has(node, text, start):
    """Since that size of the log."""
    with open(node.log_path, "rb") as log:
        log.seek(start)
        return text.encode() in log.read()


def large_bodies(cluster, directory):
    """In and out through the gateway."""
    gateway = cluster.gateways()[0]
    source, back = os.path.join(directory, "large"), os.path.join(directory, "back")
    piece = os.urandom(8 * MIB)
    with open(source, "wb") as file:
        for number in range(LARGE // len(piece)):
            file.write(number.to_bytes(8, "big") + piece[8:])
    check("a small one first", status_of(curl(cluster, "/sealed/small", "-T", __file__)) == "200")
    before = resident(gateway.pid)
    put = curl(cluster, "/sealed/large", "-T", source)
    check("a large body goes in", status_of(put) == "200", put)
    get = curl(cluster, "/sealed/large", "-o", back)
    is_same = subprocess.run(["cmp", source, back], check=False).returncode == 0
    check("and comes out", status_of(get) == "200" and is_same, get)
    growth = resident(gateway.pid) - before
    check("without staying in the gateway's memory", growth < GROWTH_MAX, growth)
    print(f"# {LARGE // MIB} MiB each way, the gateway grew by {growth // 1024} KiB")
    os.remove(source)
    os.remove(back)


def strangers(cluster):
    """What others hear on the peer listener: nothing."""
    target = cluster.targets()[0]
    with socket.create_connection((target.address, target.peer_port), timeout=10) as plain:
        plain.sendall(b"POST /peer/v1/list HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        answer = plain.recv(100)
    check("clear text is not answered", b"HTTP" not in answer, answer)
    context = ssl.create_default_context(cafile=cluster.authority().certificate)
    said = ""
    try:
        with socket.create_connection((target.address, target.peer_port), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname=target.address) as wrapped:
            wrapped.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            said = wrapped.recv(100)
    except (ssl.SSLError, ConnectionError) as error:
        said = error
    check("who shows no certificate is not answered", not said or isinstance(said, Exception), said)


def bad_certificate(cluster, name, node, certificate, sentences):
    """The node restarts with it: 503 to the client, and each log says why."""
    former, node.certificate = node.certificate, certificate
    sizes = {one: os.path.getsize(one.log_path) for one in cluster.nodes}
    node.stop()
    node.start()
    node.wait_ready()
    done = curl(cluster, "/sealed/small")
    check(f"{name}: 503", status_of(done) == "503", done)
    for role, text in sentences:
        one = cluster.gateways()[0] if role == "gateway" else cluster.targets()[0]
        check(f"{name}: the {role}'s log says so",
              wait_until(lambda: log_has(one, text, sizes[one])), one.log_end())
    node.certificate = former


def without_tls(cluster, name, node, sentences):
    """As bad_certificate, of a node that was started without --peer-tls-..."""
    cluster.has_tls = False
    try:
        bad_certificate(cluster, name, node, None, sentences)
    finally:
        cluster.has_tls = True


def all_bad(cluster, directory):
    """One after the other, each healed by the next restart."""
    gateway, target = cluster.gateways()[0], cluster.targets()[0]
    own = cluster.authority()
    other = Authority(os.path.join(directory, "foreign"), "foreign")
    name = f"IP:{target.address}"
    bad_certificate(cluster, "a gateway of another authority", gateway, other.sign("stranger", name),
                    [("gateway", "refused this node's certificate"),
                     ("target", "unable to get local issuer certificate")])
    bad_certificate(cluster, "a gateway whose certificate has expired", gateway,
                    own.sign("expired", name, is_expired=True),
                    [("gateway", "refused this node's certificate"),
                     ("target", "certificate has expired")])
    without_tls(cluster, "a gateway without TLS", gateway,
                [("gateway", "closed the connection"), ("target", "http request")])
    gateway.stop()
    gateway.start()
    gateway.wait_ready()
    bad_certificate(cluster, "a target of another name", target,
                    own.sign("misnamed", "DNS:elsewhere"), [("gateway", "IP address mismatch")])
    without_tls(cluster, "a target without TLS", target, [("gateway", "does not speak TLS")])


def renewal(cluster):
    """A target whose certificate is replaced while it serves."""
    target = cluster.targets()[0]
    own = cluster.authority()
    target.certificate = own.sign("renewed", "DNS:elsewhere")
    target.stop()
    target.start()
    target.wait_ready()
    check("before: 503", status_of(curl(cluster, "/sealed/small")) == "503")
    own.sign("renewed", f"IP:{target.address}")
    target.signal(signal.SIGHUP)
    check("SIGHUP takes the new certificate, and nothing restarts",
          wait_until(lambda: status_of(curl(cluster, "/sealed/small")) == "200"), target.log_end())
    with open(target.certificate[1], "w", encoding="ascii") as key:
        key.write("no key")
    size = os.path.getsize(target.log_path)
    target.signal(signal.SIGHUP)
    check("one that cannot be used is refused in the log, and the former stays",
          wait_until(lambda: log_has(target, "certificates_kept", size)) and
          status_of(curl(cluster, "/sealed/small")) == "200", target.log_end())


def by_name(cluster):
    """A target that others call by a name, of which one address leads nowhere."""
    target = cluster.targets()[0]
    own = cluster.authority()
    target.certificate = own.sign("named", "DNS:localhost")
    target.extra_options = ["--peer-address", f"localhost:{target.peer_port}"]
    target.stop()
    target.start()
    target.wait_ready()
    check("a target with a name is found", wait_until(
        lambda: status_of(curl(cluster, "/sealed/small")) == "200"), cluster.gateways()[0].log_end())
    listing = curl(cluster, "/sealed?list-type=2")
    check("also by threads that wait", status_of(listing) == "200", listing)
    size = os.path.getsize(cluster.gateways()[0].log_path)
    target.extra_options = ["--peer-address", "no-such-name.invalid"]
    target.stop()
    target.start()
    target.wait_ready()
    done = curl(cluster, "/sealed/small")
    check("a name that nobody knows: 503", status_of(done) == "503", done)
    check("and the gateway's log says so",
          wait_until(lambda: log_has(cluster.gateways()[0], "no-such-name.invalid", size)),
          cluster.gateways()[0].log_end())
    target.certificate = own.sign("sixth", "IP:::1")
    target.extra_options = ["--peer-listen", f"[::1]:{target.peer_port}"]
    target.stop()
    target.start()
    target.wait_ready()
    check("at an address of IPv6", wait_until(
        lambda: status_of(curl(cluster, "/sealed/small")) == "200"), cluster.gateways()[0].log_end())
    target.extra_options = []
    target.certificate = None
    target.stop()
    target.start()
    target.wait_ready()
    check("and its number again", wait_until(
        lambda: status_of(curl(cluster, "/sealed/small")) == "200"))


def refusals_at_start(cluster, directory):
    """Sentences for who starts a node."""
    own = cluster.authority()
    certificate, key = own.sign("half", "DNS:half")
    cases = (
        ("a peer address that is none", ["--peer-address", "http://a:1"], "cannot reach this one"),
        ("clear text to other machines", ["--public-url", "http://192.0.2.1:80"], "--insecure-peer"),
        ("a certificate without authorities",
         ["--peer-tls-cert", certificate, "--peer-tls-key", key], "must be set together"),
        ("a key that is none", ["--peer-tls-cert", certificate, "--peer-tls-key", certificate,
                                "--peer-tls-ca", own.certificate], "cannot be used"))
    for name, options, sentence in cases:
        port = free_ports(1)[0]
        done = subprocess.run(
            [cluster.loded, "--role", "gateway", "--data", os.path.join(directory, "refused"),
             "--listen", "127.0.0.1:0", "--admin-listen", "none", "--cluster", cluster.name,
             "--peer-listen", f"0.0.0.0:{port}", "--etcd", cluster.etcd[0].url,
             "--public-url", "http://127.0.0.1:80", *options],
            capture_output=True, text=True, check=False, timeout=60)
        check(f"{name}: refused at start", done.returncode != 0 and sentence in done.stderr, done)


def main():
    """Start, test, stop."""
    build, directory = sys.argv[1:]
    cluster = Cluster(os.path.join(directory, "cluster"), build=build, has_tls=True)
    cluster.is_bound = True
    cluster.describe(gateways=1, targets=1, mountpaths=1)
    # A sanitizer keeps what was freed, up to 256 MiB: TLS frees a piece of memory for each record.
    for node in cluster.nodes:
        node.extra_environment["ASAN_OPTIONS"] = ":".join(
            filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=8"]))
    try:
        cluster.start()
        made = curl(cluster, "/sealed", "-X", "PUT")
        check("a bucket is made", status_of(made) == "200", made)
        large_bodies(cluster, directory)
        strangers(cluster)
        all_bad(cluster, directory)
        renewal(cluster)
        by_name(cluster)
        refusals_at_start(cluster, directory)
    finally:
        if not all(results):
            show_logs(cluster)
        cluster.kill_all()
    print(f"1..{len(results)}")


main()
