# SPDX-License-Identifier: Apache-2.0
"""Uploads in each payload mode of SigV4, taken apart so that a test can spoil any piece."""

import hashlib

import aws_chunked
import sigv4
from checksums import header, value

SIGNED = (sigv4.SIGNED_CHUNKS, sigv4.SIGNED_CHUNKS_TRAILER)
TRAILED = (sigv4.SIGNED_CHUNKS_TRAILER, sigv4.UNSIGNED_TRAILER)
CHUNKED = (sigv4.SIGNED_CHUNKS, sigv4.SIGNED_CHUNKS_TRAILER, sigv4.UNSIGNED_TRAILER)
HASH = "hash"  # x-amz-content-sha256 is the digest itself
EVERY = (HASH, sigv4.UNSIGNED_PAYLOAD, *CHUNKED)
SHORT_NAMES = {
    HASH: "hash",
    sigv4.UNSIGNED_PAYLOAD: "unsigned",
    sigv4.SIGNED_CHUNKS: "signed-chunks",
    sigv4.SIGNED_CHUNKS_TRAILER: "signed-chunks-trailer",
    sigv4.UNSIGNED_TRAILER: "unsigned-trailer",
}


class Upload:
    """Head and frames of one upload.  Change them, then send()."""

    def __init__(self, raw, mode, path, data, query="", method="PUT", **options):
        """options: algorithm of the trailer (CRC32), trailers (name, value) instead of it, decoded
        (the announced length; None leaves it out), chunk_bytes, headers (signed)."""
        self.raw = raw
        self.mode = mode
        algorithm = options.get("algorithm", "CRC32")
        self.trailers = options.get("trailers", [(header(algorithm), value(algorithm, data))])
        chunk_bytes = options.get("chunk_bytes", aws_chunked.CHUNK_BYTES)
        headers = list(options.get("headers", ()))
        if mode in CHUNKED:
            headers.append(("Content-Encoding", "aws-chunked"))
            decoded = options.get("decoded", len(data))
            if decoded is not None:
                headers.append(("x-amz-decoded-content-length", str(decoded)))
        if mode in TRAILED:
            names = options.get("announced", ",".join(name for name, _ in self.trailers))
            if names:
                headers.append(("x-amz-trailer", names))
        payload_hash = hashlib.sha256(data).hexdigest() if mode == HASH else mode
        self.head = raw.sign(method, path, query, headers, payload_hash)
        if mode in SIGNED:
            trailers = self.trailers if mode in TRAILED else None
            self.frames = aws_chunked.signed_frames(
                raw.signer, self.head, data, trailers, chunk_bytes
            )
        elif mode == sigv4.UNSIGNED_TRAILER:
            self.frames = aws_chunked.unsigned_frames(data, self.trailers, chunk_bytes)
        else:
            self.frames = [data]

    def send(self, http_chunked=False):
        """Content-Length (or Transfer-Encoding) is sent but not signed, as S3 allows."""
        body = b"".join(self.frames)
        if http_chunked:
            self.head.headers.append(("Transfer-Encoding", "chunked"))
            body = aws_chunked.http_chunked(body)
        else:
            self.head.headers.append(("Content-Length", str(len(body))))
        return self.raw.send_head(self.head, body)
