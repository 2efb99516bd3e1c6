# SPDX-License-Identifier: Apache-2.0
"""The bytes that unit tests pin are what the SDK's own decoder reads."""

import os

from aistore.sdk.types import BucketList
from aistore.sdk.utils import decode_response

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")


class Answer:
    """As much of a response as the decoder looks at."""

    def __init__(self, content):
        self.content = content
        self.headers = {"Content-Type": "application/msgpack"}


def test_the_golden_page_decodes_with_every_property():
    with open(os.path.join(GOLDEN, "listing_page.hex"), encoding="ascii") as file:
        page = decode_response(BucketList, Answer(bytes.fromhex(file.read())))
    assert (page.uuid, page.continuation_token, page.flags) == ("u", "", 0)
    first, directory, empty = page.entries
    assert (first.name, first.size, first.version, first.copies, first.flags) == (
        "a/été", 5368709120, "7", 1, 64 + 8192)
    assert (first.checksum, first.location) == ("0123456789abcdef", "t[target-01]")
    assert first.atime == "21 Sep 26 14:13 UTC"
    assert first.is_cached() and not directory.is_cached()
    assert (directory.name, directory.size, directory.flags) == ("b/", 0, 256)
    assert (empty.name, empty.size, empty.version) == ("c", 0, "1")
