# SPDX-License-Identifier: Apache-2.0
"""AWS Signature Version 4, written from its specification.

The raw requests of this suite are signed here and not by botocore, so that one wrong byte can be
put anywhere: into a header, a chunk, a trailer or a query parameter.
"""

import hashlib
import hmac
from datetime import datetime, timezone
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
ECDSA_CHUNKS = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
ECDSA_CHUNKS_TRAILER = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"


def amz_date(moment=None):
    """The timestamp form of x-amz-date, for now or for an aware datetime."""
    return (moment or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ")


def uri_encode(raw, safe=""):
    """Percent-encode bytes or text as SigV4 wants it: only A-Za-z0-9-._~ stay."""
    return quote(raw, safe=safe + "-._~")


def canonical_query(query):
    """Sort and re-encode the query string as it stands in the request target."""
    pairs = []
    for item in query.split("&") if query else []:
        if not item:
            continue
        name, _, value = item.partition("=")
        pairs.append((uri_encode(unquote_to_bytes(name)), uri_encode(unquote_to_bytes(value))))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_path(path):
    """S3 signs the path as sent, encoded once, with no segment taken away."""
    return uri_encode(unquote_to_bytes(path), safe="/")


def canonical_request(method, path, query, headers, signed_names, payload_hash):
    """headers: (name, value) pairs as sent; signed_names: lower case names, any order."""
    names = sorted(signed_names)
    lines = []
    for name in names:
        values = [" ".join(value.split()) for key, value in headers if key.lower() == name]
        lines.append(f"{name}:{','.join(values)}\n")
    return "\n".join(
        [
            method,
            canonical_path(path),
            canonical_query(query),
            "".join(lines),
            ";".join(names),
            payload_hash,
        ]
    )


class Signer:
    """The key, region and service of one account: what a signature depends on besides the bytes."""

    def __init__(self, access_key, secret_key, region="us-east-1", service="s3"):
        self.access_key = access_key
        self.secret_key = secret_key
        self.region = region
        self.service = service

    def scope(self, timestamp):
        return f"{timestamp[:8]}/{self.region}/{self.service}/aws4_request"

    def hmac(self, timestamp, text):
        """Lower-case hex signature of a string to sign."""
        key = ("AWS4" + self.secret_key).encode()
        for word in (timestamp[:8], self.region, self.service, "aws4_request"):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def request_signature(self, timestamp, canonical):
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return self.hmac(
            timestamp, "\n".join([ALGORITHM, timestamp, self.scope(timestamp), digest])
        )

    def chunk_signature(self, timestamp, previous, data):
        return self.hmac(
            timestamp,
            "\n".join(
                [
                    ALGORITHM + "-PAYLOAD",
                    timestamp,
                    self.scope(timestamp),
                    previous,
                    EMPTY_SHA256,
                    hashlib.sha256(data).hexdigest(),
                ]
            ),
        )

    def trailer_signature(self, timestamp, previous, trailers):
        """trailers: (name, value) pairs without x-amz-trailer-signature."""
        text = "".join(
            f"{name}:{value}\n"
            for name, value in sorted((n.lower(), v.strip()) for n, v in trailers)
        )
        return self.hmac(
            timestamp,
            "\n".join(
                [
                    ALGORITHM + "-TRAILER",
                    timestamp,
                    self.scope(timestamp),
                    previous,
                    hashlib.sha256(text.encode()).hexdigest(),
                ]
            ),
        )

    def authorization(self, timestamp, method, path, query, headers, payload_hash):
        """Sign all given headers; returns (Authorization value, signature)."""
        names = sorted({name.lower() for name, _ in headers})
        signature = self.request_signature(
            timestamp, canonical_request(method, path, query, headers, names, payload_hash)
        )
        value = (
            f"{ALGORITHM} Credential={self.access_key}/{self.scope(timestamp)}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return value, signature

    def presigned_query(
        self, method, path, query, headers, timestamp, expires, payload_hash=UNSIGNED_PAYLOAD
    ):
        """The whole query string with the X-Amz- parameters and the signature."""
        names = ";".join(sorted({name.lower() for name, _ in headers}))
        parameters = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{self.access_key}/{self.scope(timestamp)}"),
            ("X-Amz-Date", timestamp),
            ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", names),
        ]
        extra = "&".join(f"{name}={uri_encode(value)}" for name, value in parameters)
        query = f"{query}&{extra}" if query else extra
        canonical = canonical_request(method, path, query, headers, names.split(";"), payload_hash)
        return f"{query}&X-Amz-Signature={self.request_signature(timestamp, canonical)}"
