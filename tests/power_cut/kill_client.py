# SPDX-License-Identifier: Apache-2.0
"""A small S3 client of our own for the kill test: one connection, SigV4, no retries.

No retries, because a repeated request would blur what was promised: an answer of 2xx is a promise,
everything else leaves the outcome open.
"""
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree

REGION = "us-east-1"
TIMEOUT_S = 30
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Refused(Exception):
    """An answer other than 2xx."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.body = body


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    def __init__(self, port, access_key, secret_key):
        self.host = f"127.0.0.1:{port}"
        self.port = port
        self.access_key = access_key
        self.secret_key = secret_key
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _sign(self, method, path, query, headers, payload_hash):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        headers["host"] = self.host
        headers["x-amz-date"] = stamp
        headers["x-amz-content-sha256"] = payload_hash
        names = sorted(headers)
        canonical = "\n".join(
            [method, path, query]
            + [f"{name}:{headers[name]}" for name in names]
            + ["", ";".join(names), payload_hash]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, digest])
        key = _hmac(("AWS4" + self.secret_key).encode(), stamp[:8])
        for part in (REGION, "s3", "aws4_request"):
            key = _hmac(key, part)
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )

    def request(self, method, bucket, key="", query=None, headers=None, body=b""):
        """Returns (headers, body); Refused, or OSError and HTTPException when the line breaks."""
        headers = dict(headers or {})
        path = "/" + bucket + ("/" + urllib.parse.quote(key, safe="/-_.~") if key else "")
        pairs = sorted((query or {}).items())
        text = "&".join(
            urllib.parse.quote(name, safe="-_.~") + "=" + urllib.parse.quote(str(value), safe="-_.~")
            for name, value in pairs
        )
        is_small = len(body) < 4096
        self._sign(
            method, path, text, headers,
            hashlib.sha256(body).hexdigest() if is_small else "UNSIGNED-PAYLOAD",
        )
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=TIMEOUT_S
            )
        try:
            target = path + ("?" + text if text else "")
            self.connection.request(method, target, body=body, headers=headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if answer.status // 100 != 2:
            raise Refused(answer.status, content)
        return {name.lower(): value for name, value in answer.getheaders()}, content

    def list_keys(self, bucket, page=100):
        """Every key with its size and ETag, over all pages."""
        found = {}
        token = None
        while True:
            query = {"list-type": "2", "max-keys": page}
            if token is not None:
                query["continuation-token"] = token
            root = xml.etree.ElementTree.fromstring(self.request("GET", bucket, query=query)[1])
            for entry in root.iter(NAMESPACE + "Contents"):
                found[entry.find(NAMESPACE + "Key").text] = (
                    int(entry.find(NAMESPACE + "Size").text),
                    entry.find(NAMESPACE + "ETag").text.strip('"'),
                )
            if root.find(NAMESPACE + "IsTruncated").text != "true":
                return found
            token = root.find(NAMESPACE + "NextContinuationToken").text

    def begin_upload(self, bucket, key, headers):
        body = self.request("POST", bucket, key, {"uploads": ""}, headers)[1]
        return xml.etree.ElementTree.fromstring(body).find(NAMESPACE + "UploadId").text

    def list_parts(self, bucket, key, upload_id):
        body = self.request("GET", bucket, key, {"uploadId": upload_id})[1]
        root = xml.etree.ElementTree.fromstring(body)
        return {
            int(part.find(NAMESPACE + "PartNumber").text): part.find(NAMESPACE + "ETag").text.strip('"')
            for part in root.iter(NAMESPACE + "Part")
        }

    def complete_upload(self, bucket, key, upload_id, etags):
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etags[number]}</ETag></Part>"
            for number in sorted(etags)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        answer = self.request("POST", bucket, key, {"uploadId": upload_id}, body=body)[1]
        root = xml.etree.ElementTree.fromstring(answer)
        if root.tag != NAMESPACE + "CompleteMultipartUploadResult":
            raise Refused(200, answer)
        return root.find(NAMESPACE + "ETag").text.strip('"')
