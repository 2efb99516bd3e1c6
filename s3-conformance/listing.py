# SPDX-License-Identifier: Apache-2.0
"""Helpers of the listing tests: many keys at once, and pages followed to their end."""

from concurrent.futures import ThreadPoolExecutor

WRITERS = 8  # enough to share the server's commits, few enough for two cores


def put_keys(s3, bucket, keys):
    """Store each key with its own name as content."""
    with ThreadPoolExecutor(WRITERS) as pool:
        jobs = [
            pool.submit(s3.put_object, Bucket=bucket, Key=key, Body=key.encode()) for key in keys
        ]
        for job in jobs:
            job.result()


def in_order(keys):
    """S3's order: by the bytes of UTF-8."""
    return sorted(keys, key=lambda key: key.encode())


def keys_of(page, member="Contents"):
    return [entry["Key"] for entry in page.get(member, [])]


def prefixes_of(page):
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]


def entries_of(page, member="Contents"):
    """Keys and common prefixes of a page as one list in order."""
    return in_order(keys_of(page, member) + prefixes_of(page))


def expected_listing(keys, prefix="", delimiter=""):
    """What a listing must show: keys, and common prefixes, each once."""
    shown, rolled = [], []
    for key in in_order(keys):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            shown.append(key)
        elif key[: at + len(delimiter)] not in rolled:
            rolled.append(key[: at + len(delimiter)])
    return shown, rolled
