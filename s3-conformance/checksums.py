# SPDX-License-Identifier: Apache-2.0
"""The five checksums of S3, computed without any S3 client."""

import base64
import hashlib
import zlib

try:
    from awscrt import checksums as fast
except ImportError:  # Debian's knows less or is not there: slower, same values
    fast = None

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def _table(polynomial):
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


_CRC32C_TABLE = _table(0x82F63B78)  # Castagnoli, reflected
_CRC64NVME_TABLE = _table(0x9A6C9329AC4BC9B5)  # NVM Express, reflected


def _crc(data, table, mask):
    value = mask
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ mask


def crc32c(data):
    return fast.crc32c(data) if hasattr(fast, "crc32c") else _crc(data, _CRC32C_TABLE, 0xFFFFFFFF)


def crc64nvme(data):
    if hasattr(fast, "crc64nvme"):
        return fast.crc64nvme(data)
    return _crc(data, _CRC64NVME_TABLE, 0xFFFFFFFFFFFFFFFF)


def digest(algorithm, data):
    """The checksum as bytes."""
    if algorithm == "CRC32":
        return zlib.crc32(data).to_bytes(4, "big")
    if algorithm == "CRC32C":
        return crc32c(data).to_bytes(4, "big")
    if algorithm == "CRC64NVME":
        return crc64nvme(data).to_bytes(8, "big")
    return hashlib.new(algorithm.lower(), data).digest()


def value(algorithm, data):
    """The checksum as it stands in headers and XML."""
    return base64.b64encode(digest(algorithm, data)).decode()


def composite(algorithm, parts):
    """Checksum of the parts' checksums, with the number of parts."""
    joined = b"".join(digest(algorithm, part) for part in parts)
    return f"{value(algorithm, joined)}-{len(parts)}"


def header(algorithm):
    return f"x-amz-checksum-{algorithm.lower()}"


def member(algorithm):
    """The name of the checksum in boto3's parameters and results."""
    return f"Checksum{algorithm}"


def md5_hex(data):
    return hashlib.md5(data).hexdigest()


def md5_base64(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def multipart_etag(parts):
    joined = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(joined).hexdigest()}-{len(parts)}"'
