# SPDX-License-Identifier: Apache-2.0
"""Raw S3 requests with SigV4, one connection to each gateway, no retries.

What the client knows of a request is exactly one of three things: it was answered (Answer), it was
never sent (NotSent), or its outcome is unknown (Unknown).  A repeated request would blur that.
"""

import datetime
import hashlib
import hmac
import http.client
import select
import socket
import urllib.parse
import xml.etree.ElementTree

REGION = "us-east-1"
TIMEOUT_S = 5  # longer than a healthy answer takes, shorter than a fault lasts
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
SAFE = "-_.~"


class NotSent(Exception):
    """Nobody listens there: the request cannot have had an effect."""


class Unknown(Exception):
    """The line broke or nothing came in time."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body

    @property
    def etag(self):
        return self.headers.get("etag", "").strip('"')

    def xml(self):
        try:
            root = xml.etree.ElementTree.fromstring(self.body)
        except xml.etree.ElementTree.ParseError:
            return xml.etree.ElementTree.Element("Nothing")
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    @property
    def code(self):
        """S3's error code, or what stands in for it."""
        return (self.xml().findtext("Code") if self.body else None) or str(self.status)


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + SAFE)


def query_text(query):
    """As a signature wants it."""
    return "&".join(f"{quote(name)}={quote(str(value))}"
                    for name, value in sorted((query or {}).items()))


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3Client:
    """One account at several gateways; one thread at a time."""

    def __init__(self, endpoints, access_key, secret_key, timeout_s=TIMEOUT_S):
        self.hosts = [urllib.parse.urlsplit(endpoint).netloc for endpoint in endpoints]
        self.access_key = access_key
        self.secret_key = secret_key
        self.timeout_s = timeout_s
        self.connections = {}
        self.signing_key = (None, None)

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()

    def _key(self, day):
        if self.signing_key[0] != day:
            key = ("AWS4" + self.secret_key).encode()
            for word in (day, REGION, "s3", "aws4_request"):
                key = _hmac(key, word)
            self.signing_key = (day, key)
        return self.signing_key[1]

    def _sign(self, method, host, path, query, headers):
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        headers["host"] = host
        headers["x-amz-date"] = stamp
        headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
        names = sorted(headers)
        canonical = "\n".join(
            [method, path, query] + [f"{name}:{headers[name]}" for name in names]
            + ["", ";".join(names), "UNSIGNED-PAYLOAD"])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
        signature = hmac.new(self._key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}")

    def _connection(self, host):
        connection = self.connections.get(host)
        if connection is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the other side has ended it between two requests
            connection = None
            del self.connections[host]
        if connection is None:
            connection = http.client.HTTPConnection(host, timeout=self.timeout_s)
            try:
                connection.connect()
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                connection.close()
                raise NotSent(str(error)) from None
            self.connections[host] = connection
        return connection

    def request(self, gateway, method, bucket, key="", query=None, headers=None, body=b""):
        """Ask one gateway (by number); returns its Answer, whatever the status."""
        path = "/" + bucket + ("/" + quote(key, "/") if key else "")
        return self.exchange(self.hosts[gateway], method, path, query_text(query), headers, body)

    def exchange(self, host, method, path, query, headers=None, body=b"", is_signed=True):
        """One request and its Answer.  path and query as they are sent."""
        headers = dict(headers or {})
        if is_signed:
            self._sign(method, host, path, query, headers)
        connection = self._connection(host)
        try:
            connection.request(method, path + ("?" + query if query else ""), body=body,
                               headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            del self.connections[host]
            raise Unknown(f"{type(error).__name__}: {error}") from None
        if answer.will_close:
            connection.close()
            del self.connections[host]
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()},
                      content)
