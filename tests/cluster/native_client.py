# SPDX-License-Identifier: Apache-2.0
"""Raw requests of AIStore's dialect, redirects followed by hand, no retries; see s3_client.py.

A redirect is not a retry: the gateway that answers one has done nothing.  So whoever cannot be
reached behind it was not sent the request, and only the last answer counts.
"""

import json
import urllib.parse

from s3_client import NotSent, S3Client, Unknown, query_text, quote

REDIRECTS = (301, 307, 308)
REDIRECTS_MAX = 8  # maps that differ for a moment send a client to and fro


class NativeClient(S3Client):
    """Signed where it comes in; a node that is redirected to believes the mark in the URL."""

    def native(self, host, method, path, query=None, body=b"", message=None):
        """path: below /v1, not escaped.  Returns the last Answer."""
        path = "/v1/" + quote(path, "/")
        query = query_text(query)
        headers = {}
        if message is not None:
            body = json.dumps(message).encode()
            headers["content-type"] = "application/json"
        answer = self.exchange(host, method, path, query, headers, body)
        for _ in range(REDIRECTS_MAX):
            if answer.status not in REDIRECTS:
                return answer
            url = urllib.parse.urlsplit(answer.headers["location"])
            answer = self.exchange(url.netloc, method, url.path, url.query, headers, body,
                                   is_signed=False)
        raise NotSent(f"redirected {REDIRECTS_MAX} times")


def error_of(answer):
    """AIStore's error document, {} if there is none."""
    try:
        document = json.loads(answer.headers.get("hdr-error") or answer.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


__all__ = ["NativeClient", "NotSent", "Unknown", "error_of"]
