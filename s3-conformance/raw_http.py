# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 requests byte by byte, for what no client library would send.

A RawClient belongs to one account and one server.  Each request uses a connection of its own and
reads one response; Connection is there for the tests that need more than that.
"""

import hashlib
import http.client
import socket
import ssl
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlsplit

import sigv4

TIMEOUT_S = 30  # longer than any answer takes, shorter than a run can wait


class RawResponse:
    """Status, headers and body of one answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def xml(self):
        """The document with its namespace taken off the tags."""
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    @property
    def error_code(self):
        return self.xml().findtext("Code")

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:400]!r}>"


class Connection:
    """One TCP or TLS connection that sends what it is given."""

    def __init__(self, endpoint, ca_file=None):
        parts = urlsplit(endpoint)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            self.socket = context.wrap_socket(self.socket, server_hostname=parts.hostname)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Returns False when the server has stopped reading: its answer may still be there."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            return False

    def receive(self, method="GET"):
        """The next final response."""
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        body = response.read()
        return RawResponse(response.status, response.headers, body)

    def receive_line(self):
        """The next line, byte by byte, so that nothing after it is taken."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self.socket.recv(1)
            if not byte:
                break
            line += byte
        return line

    def end_sending(self):
        """Say that no more comes, and wait until the server has closed its side too."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(65536):
                pass
        except (ConnectionResetError, OSError):
            pass  # closed with bytes of ours unread: that ends it as well

    def is_closed_by_server(self):
        """Waits for the end of the stream; any further byte means it is still in use."""
        try:
            return self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True


def head_bytes(method, target, headers):
    lines = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


class SignedHead:
    """A signed request head, still open to change, and what its chunks are signed with."""

    def __init__(self, method, path, query, headers, timestamp, signature):
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.timestamp = timestamp
        self.signature = signature

    @property
    def target(self):
        return f"{self.path}?{self.query}" if self.query else self.path

    def to_bytes(self):
        return head_bytes(self.method, self.target, self.headers)


class RawClient:
    """Signs and sends requests for one account."""

    def __init__(
        self, endpoint, access_key, secret_key, ca_file=None, region="us-east-1", service="s3"
    ):
        self.endpoint = endpoint
        self.ca_file = ca_file
        self.host = urlsplit(endpoint).netloc
        self.signer = sigv4.Signer(access_key, secret_key, region, service)

    def connect(self):
        return Connection(self.endpoint, self.ca_file)

    def sign(
        self,
        method,
        path,
        query="",
        headers=(),
        payload_hash=sigv4.UNSIGNED_PAYLOAD,
        timestamp=None,
        host=None,
        unsigned=(),
    ):
        """headers are signed, unsigned ones are only sent.  payload_hash None: no such header."""
        timestamp = timestamp or sigv4.amz_date()
        signed = [("Host", host or self.host), ("x-amz-date", timestamp)]
        if payload_hash is not None:
            signed.append(("x-amz-content-sha256", payload_hash))
        signed.extend(headers)
        value, signature = self.signer.authorization(
            timestamp, method, path, query, signed, payload_hash or sigv4.EMPTY_SHA256
        )
        sent = signed + list(unsigned) + [("Authorization", value)]
        return SignedHead(method, path, query, sent, timestamp, signature)

    def send_head(self, head, body=b""):
        """Send a prepared head and body on a new connection."""
        return self.exchange(head.to_bytes() + body, head.method)

    def exchange(self, data, method="GET"):
        """Send these bytes and nothing else; returns the response to them."""
        with self.connect() as connection:
            connection.send(data)
            return connection.receive(method)

    def request(self, method, path, query="", headers=(), body=None, payload_hash=None, **options):
        """A well-formed signed request; the payload hash is that of the body unless given."""
        headers = list(headers)
        content = b"" if body is None else body
        if payload_hash is None:
            payload_hash = hashlib.sha256(content).hexdigest()
        if body is not None and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(content))))
        head = self.sign(method, path, query, headers, payload_hash, **options)
        return self.send_head(head, content)

    def presigned(self, method, path, query="", expires=300, timestamp=None, headers=(), host=None):
        """The target (path and query) of a presigned request."""
        signed = [("Host", host or self.host)] + list(headers)
        query = self.signer.presigned_query(
            method, path, query, signed, timestamp or sigv4.amz_date(), expires
        )
        return f"{path}?{query}"

    def unsigned_request(self, method, target, headers=(), body=None, host=None):
        """Send a request with no signature of its own (anonymous, presigned, hand-signed)."""
        sent = [("Host", host or self.host)] + list(headers)
        if body is not None and not any(name.lower() == "content-length" for name, _ in sent):
            sent.append(("Content-Length", str(len(body))))
        return self.exchange(head_bytes(method, target, sent) + (body or b""), method)
