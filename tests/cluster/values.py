# SPDX-License-Identifier: Apache-2.0
"""Contents that say which write they are from.

A value's name ("c3-17-4096": client, number, size) determines its bytes, so whoever reads them can tell whether they are
whole, and from which write.  ETags are those of the bytes, so a listing can be compared too.
"""

import functools
import hashlib
import random

SIZES = ((100, 45), (3000, 30), (40_000, 20), (400_000, 5))  # record, pack, pack, chunk file


def draw_name(rng, client, number):
    """A name that no other write has."""
    size = rng.choices([size for size, _ in SIZES], [weight for _, weight in SIZES])[0]
    return f"c{client}-{number}-{rng.randrange(size // 2, size)}"


@functools.lru_cache(maxsize=256)
def content(name):
    size = int(name.rpartition("-")[2])
    head = name.encode() + b"\n"
    return head + random.Random(name).randbytes(max(0, size - len(head)))


@functools.lru_cache(maxsize=65536)
def etag(name):
    return hashlib.md5(content(name)).hexdigest()


def etag_in_parts(name):
    """Of the same bytes uploaded as one part."""
    return hashlib.md5(bytes.fromhex(etag(name))).hexdigest() + "-1"


def of_body(body):
    """The name of the value that these bytes are; what is no value whole gets a name of its own."""
    name = body.partition(b"\n")[0].decode("ascii", "replace")
    if name.count("-") == 2 and name.rpartition("-")[2].isdigit() and len(name) < 64 \
            and len(body) <= 10_000_000 and content(name) == body:
        return name
    return f"torn:{len(body)}:{hashlib.md5(body).hexdigest()}"
