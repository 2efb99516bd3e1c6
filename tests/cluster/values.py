# SPDX-License-Identifier: Apache-2.0
"""Contents that say which write they are from.

A value's name ("c3-17-4096": client, number, size) determines its bytes, so whoever reads them can tell whether they are
whole, and from which write.  ETags are those of the bytes, so a listing can be compared too.
"""

import functools
import hashlib
import random
import struct

SIZES = ((100, 45), (3000, 30), (40_000, 20), (400_000, 5))  # record, pack, pack, chunk file


def draw_name(rng, client, number):
    """A name that no other write has."""
    longest = rng.choices([most for most, _ in SIZES], [weight for _, weight in SIZES])[0]
    return f"c{client}-{number}-{rng.randrange(longest // 2, longest)}"


def size(name):
    return int(name.rpartition("-")[2])


@functools.lru_cache(maxsize=256)
def content(name):
    head = name.encode() + b"\n"
    return head + random.Random(name).randbytes(max(0, size(name) - len(head)))


@functools.lru_cache(maxsize=65536)
def etag(name):
    return hashlib.md5(content(name)).hexdigest()


def etag_in_parts(name):
    """Of the same bytes uploaded as one part."""
    return hashlib.md5(bytes.fromhex(etag(name))).hexdigest() + "-1"


def native_etag(name, checksum):
    """Of a native PUT, whose checksum (XXH64, hexadecimal) takes the MD5's place."""
    return f"{checksum}{size(name):016x}-1"


def native_checksum(name):
    """For the few whose PUT was not answered; the others are told it."""
    return f"{xxh64(content(name)):016x}"


MASK = (1 << 64) - 1
PRIME = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
         0x27D4EB2F165667C5)


def _turn(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def _round(state, word):
    return _turn((state + word * PRIME[1]) & MASK, 31) * PRIME[0] & MASK


def xxh64(data):
    """With seed 0.  SPEC: xxhash_spec.md, XXH64."""
    end = len(data) - len(data) % 32
    if end:
        lanes = [(PRIME[0] + PRIME[1]) & MASK, PRIME[1], 0, -PRIME[0] & MASK]
        for words in struct.iter_unpack("<4Q", data[:end]):
            lanes = [_round(lane, word) for lane, word in zip(lanes, words)]
        hashed = sum(_turn(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            hashed = ((hashed ^ _round(0, lane)) * PRIME[0] + PRIME[3]) & MASK
    else:
        hashed = PRIME[4]
    hashed = (hashed + len(data)) & MASK
    rest = data[end:]
    while len(rest) >= 8:
        hashed ^= _round(0, int.from_bytes(rest[:8], "little"))
        hashed = (_turn(hashed, 27) * PRIME[0] + PRIME[3]) & MASK
        rest = rest[8:]
    if len(rest) >= 4:
        hashed ^= int.from_bytes(rest[:4], "little") * PRIME[0] & MASK
        hashed = (_turn(hashed, 23) * PRIME[1] + PRIME[2]) & MASK
        rest = rest[4:]
    for byte in rest:
        hashed ^= byte * PRIME[4] & MASK
        hashed = _turn(hashed, 11) * PRIME[0] & MASK
    hashed = (hashed ^ hashed >> 33) * PRIME[1] & MASK
    hashed = (hashed ^ hashed >> 29) * PRIME[2] & MASK
    return hashed ^ hashed >> 32


def of_body(body):
    """The name of the value that these bytes are; what is no value whole gets a name of its own."""
    name = body.partition(b"\n")[0].decode("ascii", "replace")
    if name.count("-") == 2 and name.rpartition("-")[2].isdigit() and len(name) < 64 \
            and len(body) <= 10_000_000 and content(name) == body:
        return name
    return f"torn:{len(body)}:{hashlib.md5(body).hexdigest()}"
