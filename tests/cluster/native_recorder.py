# SPDX-License-Identifier: Apache-2.0
"""A client of the recorder that speaks AIStore's dialect, on the keys of those that speak S3.

It reads through gateways and straight from targets, writes whole objects and uploads, changes custom
properties (which must bring no old content back) and walks listings.  Conditions and copies that tell
what they copied are S3's alone; what an append brings about depends on what was there.
"""

import json

import values
from native_client import NativeClient, error_of
from s3_recorder import BUCKET, PAGES_MAX, Client, Unexpected

NATIVE_WEIGHTS = {"put": 24, "multipart": 6, "get": 18, "get_direct": 10, "head": 8,
                  "delete": 12, "custom": 6, "list": 9}
BUSY, CONFLICT, DENIED = 429, 409, 403
# A mark that is too old, or made before its target was started again: refused before it counts.
DENIED_BY_MARK = "redirect"


class NativeRecorder(Client):
    weights = NATIVE_WEIGHTS
    connection_class = NativeClient

    # ---- asking ----

    def ask_native(self, method, path, query=None, host=None, **options):
        """Like ask()."""
        host = host or self.s3.hosts[self.gateway]
        answer = self.ask_with(lambda: self.s3.native(
            host, method, path, dict(query or {}, provider="ais"), **options))
        if answer is not None and answer.status == BUSY:
            self.note_why(f"429: {answer.body[:100]!r}")
            return None
        return answer

    def ask_object(self, method, key, **options):
        return self.ask_native(method, f"objects/{BUCKET}/{key}", **options)

    def refuse(self, what, answer):
        message = error_of(answer).get("message", "")
        if answer.status == CONFLICT or (answer.status == DENIED and DENIED_BY_MARK in message):
            self.note_why(f"{answer.status}: {message}")
            return True
        raise Unexpected(f"native {what}: {answer.status} {answer.body[:300]!r}")

    def is_absent(self, answer):
        """404 of the object, not of its bucket."""
        return answer.status == 404 and error_of(answer).get("tcode") == "ErrNotFound"

    def note_native(self, op, key, answer, what, **members):
        """A write, from its answer."""
        if answer is None:
            self.note(op, "unknown", key=key, is_native=True, **members)
        elif answer.status == 200:
            self.note(op, "ok", key=key, is_native=True, **members)
        elif op == "delete" and self.is_absent(answer):
            self.note(op, "absent", key=key)
        else:
            self.refuse(what, answer)

    # ---- what clients do ----

    def put(self):
        key, value = self.key(), self.new_value()
        answer = self.ask_object("PUT", key, body=values.content(value))
        if answer is not None and answer.status == 200:
            told = answer.headers.get("ais-checksum-value")
            if told != values.native_checksum(value):
                raise Unexpected(f"native PUT of {key} answered checksum {told}")
        self.note_native("put", key, answer, "PUT", value=value)

    def multipart(self):
        key, value = self.key(), self.new_value()
        begun = self.ask_object("POST", key, message={"action": "mpt-upload"})
        if begun is None or begun.status != 200:
            return
        upload = begun.body.decode()
        part = self.ask_object("PUT", key, body=values.content(value),
                               query={"uploadId": upload, "partNumber": 1})
        if part is None or part.status != 200:
            return
        answer = self.ask_object("POST", key, query={"uploadId": upload},
                                 message={"action": "mpt-complete", "value": [{"part-number": 1}]})
        self.note_native("put", key, answer, "completion", value=value)

    def delete(self):
        key = self.key()
        self.note_native("delete", key, self.ask_object("DELETE", key), "DELETE")

    def custom(self):
        """Another property of what is there; a 404 is a reading too."""
        key = self.key()
        self.count += 1
        answer = self.ask_object("PATCH", key, message={
            "action": "", "value": {"touched": f"{self.number}-{self.count}"}})
        if answer is not None and self.is_absent(answer):
            self.note("head", "absent", key=key)
        elif answer is not None and answer.status != 200:
            self.refuse("PATCH", answer)

    def get(self, key=None, method="GET", host=None):
        key = key or self.key()
        answer = self.ask_object(method, key, host=host)
        if answer is None:
            return None
        if self.is_absent(answer):
            self.note(method.lower(), "absent", key=key)
            return answer
        if answer.status != 200:
            self.refuse(method, answer)
            return None
        value = values.of_body(answer.body) if method == "GET" else f"etag:{answer.etag}"
        members = {"value": value, "etag": answer.etag}
        if answer.headers.get("ais-checksum-value"):
            members["checksum"] = answer.headers["ais-checksum-value"]
        self.note(method.lower(), "ok", key=key, **members)
        return answer

    def get_direct(self):
        """From any target: one that has not the key sends the client on."""
        return self.get(host=self.rng.choice(self.options["targets"]))

    def list(self, page_size=None):
        """One walk over all keys; returns whether it came to its end."""
        self.walks += 1
        walk = self.number * 1_000_000 + self.walks
        page_size = page_size or self.rng.choice([1, 2, 3, 5, 1000])
        prefix, after = self.options["prefix"], ""
        for _ in range(PAGES_MAX):
            message = {"prefix": prefix, "pagesize": page_size, "continuation_token": after,
                       "props": "name,size,checksum", "flags": "0", "uuid": ""}
            answer = self.ask_native("GET", f"buckets/{BUCKET}",
                                     message={"action": "list", "value": message})
            if answer is None:
                return False
            if answer.status != 200:
                self.refuse("listing", answer)
                return False
            page = json.loads(answer.body)
            token = page["continuation_token"]
            entries = [[entry["name"], self.value_of(entry)] for entry in page["entries"] or []]
            if token and (not entries or token != entries[-1][0]):
                raise Unexpected(f"a page up to {entries[-1:]} has the token {token}")
            self.note("page", "ok", walk=walk, prefix=prefix, after=after, entries=entries,
                      truncated=bool(token))
            if not token:
                return True
            after = token
        return False

    @staticmethod
    def value_of(entry):
        """None: it was uploaded in parts, which have no checksum of the whole."""
        checksum = entry.get("checksum")
        return f"checksum:{checksum}:{entry['size']}" if checksum else None
