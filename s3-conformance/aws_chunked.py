# SPDX-License-Identifier: Apache-2.0
"""The aws-chunked content coding in its signed and unsigned forms.

A builder yields the frames of a body as a list of bytes, so that a test can change, drop or repeat
any one of them before they are joined.
"""

CRLF = b"\r\n"
CHUNK_BYTES = 64 * 1024  # what clients use; every chunk but the last must have 8 KiB or more


def split(data, chunk_bytes=CHUNK_BYTES):
    return [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]


def trailer_lines(trailers):
    return b"".join(f"{name}:{value}".encode() + CRLF for name, value in trailers)


def signed_frames(signer, head, data, trailers=None, chunk_bytes=CHUNK_BYTES):
    """Frames of the chunk-signed forms; the last one is the zero chunk with all that follows it."""
    frames = []
    previous = head.signature
    for chunk in split(data, chunk_bytes):
        previous = signer.chunk_signature(head.timestamp, previous, chunk)
        frames.append(f"{len(chunk):x};chunk-signature={previous}".encode() + CRLF + chunk + CRLF)
    previous = signer.chunk_signature(head.timestamp, previous, b"")
    last = f"0;chunk-signature={previous}".encode() + CRLF
    if trailers is not None:
        signature = signer.trailer_signature(head.timestamp, previous, trailers)
        last += trailer_lines(trailers)
        last += b"x-amz-trailer-signature:" + signature.encode() + CRLF
    frames.append(last + CRLF)
    return frames


def unsigned_frames(data, trailers=(), chunk_bytes=CHUNK_BYTES):
    """Frames of the unsigned form with a trailer."""
    frames = [
        f"{len(chunk):x}".encode() + CRLF + chunk + CRLF for chunk in split(data, chunk_bytes)
    ]
    frames.append(b"0" + CRLF + trailer_lines(trailers) + CRLF)
    return frames


def http_chunked(data, chunk_bytes=100_000):
    """Wrap bytes in HTTP's own chunked transfer coding."""
    body = b"".join(
        f"{len(chunk):x}".encode() + CRLF + chunk + CRLF for chunk in split(data, chunk_bytes)
    )
    return body + b"0" + CRLF + CRLF
