# SPDX-License-Identifier: Apache-2.0
"""A minimal signed S3 request over one kept connection, for what the load generator does not do."""

import datetime
import hashlib
import hmac
import http.client
import urllib.parse


class S3:
    """One connection to a loded of this run."""

    def __init__(self, port, keys):
        self.host = f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.keys = keys

    def _sign(self, method, path, query, headers):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = dict(headers, host=self.host)
        headers["x-amz-date"] = now
        headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
        names = ";".join(sorted(headers))
        canonical = "\n".join([method, path, query,
                               *[f"{name}:{headers[name]}" for name in sorted(headers)],
                               "", names, "UNSIGNED-PAYLOAD"])
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.keys["AWS_SECRET_ACCESS_KEY"]).encode()
        for word in (now[:8], "us-east-1", "s3", "aws4_request"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.keys['AWS_ACCESS_KEY_ID']}/"
                                    f"{scope}, SignedHeaders={names}, Signature={signature}")
        return headers

    def request(self, method, path, query=None, body=None, headers=None):
        """(status, body); query is a dictionary."""
        text = "&".join(f"{urllib.parse.quote(name, safe='-_.~')}="
                        f"{urllib.parse.quote(str(value), safe='-_.~')}"
                        for name, value in sorted((query or {}).items()))
        path = urllib.parse.quote(path, safe="/-_.~")
        signed = self._sign(method, path, text, headers or {})
        self.connection.request(method, path + ("?" + text if text else ""), body, signed)
        answer = self.connection.getresponse()
        return answer.status, answer.read()
