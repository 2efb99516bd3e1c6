# SPDX-License-Identifier: Apache-2.0
"""One client of the recorder: what it asks in S3's dialect, and what it was told."""

import base64
import hashlib
import random
import time

import values
from s3_client import NotSent, S3Client, Unknown

NS = 1_000_000_000
BUCKET = "linear"
WEIGHTS = {"put": 20, "create": 10, "replace": 10, "multipart": 3, "get": 20, "head": 8,
           "delete": 10, "multi_delete": 2, "copy": 8, "list": 9}
REST_AFTER_NOT_SENT_S = 0.05
REST_AFTER_UNKNOWN_S = 0.1  # each such write stays open for ever, and makes the judge's work harder
FINAL_READ_S = 60  # after the faults are gone, all keys must be readable within this
FINAL_RETRY_S = 0.1
PAGES_MAX = 50  # of one walk
# Refusals that name a request which was not carried out, and may come at any time.
REFUSED = {"ConditionalRequestConflict", "OperationAborted"}


class Unexpected(Exception):
    """An answer that no fault explains."""


class Client:
    """One client: its choices, its connections, and what it was told."""

    weights = WEIGHTS
    connection_class = S3Client

    def __init__(self, number, options):
        self.number = number
        self.options = options
        self.rng = random.Random(f"{options['seed']}-{number}")
        self.s3 = self.connection_class(options["endpoints"], options["access_key"],
                                        options["secret_key"])
        self.gateway = 0
        self.count = 0
        self.walks = 0
        self.ops = []
        self.seen = {}  # key -> a value it held lately, and the ETag
        self.unexpected = []
        self.not_sent = 0
        self.call_ns = self.return_ns = 0  # of the last request
        self.why = ""  # the last outcome that was unknown, or 5xx
        self.whys = {}  # how often

    # ---- asking and noting ----

    def ask(self, method, key="", **options):
        return self.ask_with(lambda: self.s3.request(self.gateway, method, BUCKET, key, **options))

    def ask_with(self, request):
        """The answer, or None: unknown.  5xx is unknown too: it may come after the admission."""
        self.call_ns = time.monotonic_ns()
        try:
            answer = request()
        except Unknown as error:
            self.note_why(str(error).partition(":")[0])
            return None
        finally:
            self.return_ns = time.monotonic_ns()
        if answer.status >= 500:
            self.note_why(f"{answer.status} {answer.code}: "
                          f"{answer.xml().findtext('Message') or answer.body[:100]}")
            return None
        return answer

    def note_why(self, why):
        self.why = why
        self.whys[why] = self.whys.get(why, 0) + 1

    def note(self, op, answer_result, **members):
        entry = {"op": op, "client": self.number, "gateway": f"gateway {self.gateway}",
                 "call": self.call_ns,
                 "return": None if answer_result == "unknown" else self.return_ns,
                 "result": answer_result}
        if answer_result == "unknown":
            entry["why"] = self.why
        entry.update(members)
        self.ops.append(entry)

    def refuse(self, what, answer):
        """True: it was not carried out.  Anything else that is no answer is reported."""
        if answer.code in REFUSED:
            return True
        raise Unexpected(f"{what}: {answer.status} {answer.body[:300]!r}")

    def key(self):
        return f"{self.options['prefix']}{self.rng.randrange(self.options['keys']):03d}"

    def new_value(self):
        self.count += 1
        return values.draw_name(self.rng, self.number, self.count)

    def note_write(self, op, key, answer, members, what):
        """A put or delete, from its answer; what a condition can refuse is refused."""
        has_condition = "if_match" in members or "if_none_match" in members
        if answer is None:
            self.note(op, "unknown", key=key, **members)
        elif answer.status in (200, 204) and not (answer.body and answer.xml().tag == "Error"):
            self.note(op, "ok", key=key, **members)
            if "value" in members:
                self.note_seen(key, members["value"], values.etag(members["value"]))
        elif answer.status == 412 and has_condition:
            if not is_native_etag(members.pop("etag", "")):
                self.note(op, "failed", key=key, **members)
        elif answer.status == 404 and answer.code == "NoSuchKey" and "if_match" in members:
            self.note(op, "absent", key=key, **members)
        elif answer.status == 200:
            self.note(op, "unknown", key=key, **members)
        else:
            self.refuse(what, answer)

    def note_seen(self, key, value, etag):
        self.seen[key] = (value, etag)

    # ---- what clients do ----

    def put(self, key=None, members=None, headers=None):
        key = key or self.key()
        value = self.new_value()
        headers = dict(headers or {}, **{"x-amz-meta-value": value})
        members = dict(members or {}, value=value)
        answer = self.ask("PUT", key, headers=headers, body=values.content(value))
        if answer is not None and answer.status == 200 and answer.etag != values.etag(value):
            raise Unexpected(f"PUT of {key} answered ETag {answer.etag}")
        self.note_write("put", key, answer, members, "PUT")

    def create(self):
        self.put(members={"if_none_match": "*"}, headers={"if-none-match": "*"})

    def replace(self):
        key = self.key()
        if key not in self.seen:
            return self.get(key)
        old, etag = self.seen[key]
        return self.put(key, {"if_match": old, "etag": etag}, {"if-match": f'"{etag}"'})

    def multipart(self):
        key, value = self.key(), self.new_value()
        begun = self.ask("POST", key, query={"uploads": ""}, headers={"x-amz-meta-value": value})
        upload = begun.xml().findtext("UploadId") if begun is not None else None
        if not upload:
            return
        part = self.ask("PUT", key, query={"uploadId": upload, "partNumber": 1},
                        body=values.content(value))
        if part is None or part.status != 200:
            return
        is_create = self.rng.randrange(3) == 0
        body = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
                f"{part.etag}</ETag></Part></CompleteMultipartUpload>").encode()
        answer = self.ask("POST", key, query={"uploadId": upload}, body=body,
                          headers={"if-none-match": "*"} if is_create else {})
        members = {"value": value}
        if is_create:
            members["if_none_match"] = "*"
        self.note_write("put", key, answer, members, "completion")
        self.seen.pop(key, None)  # its ETag is that of an upload

    def get(self, key=None, method="GET"):
        key = key or self.key()
        answer = self.ask(method, key)
        op = method.lower()
        if answer is None:
            return None
        if answer.status == 404 and (method == "HEAD" or answer.code == "NoSuchKey"):
            self.note(op, "absent", key=key)
            self.seen.pop(key, None)
            return answer
        if answer.status != 200:
            self.refuse(method, answer)
        named = answer.headers.get("x-amz-meta-value", "")
        value = values.of_body(answer.body) if method == "GET" else named
        if not named:  # a native write: whether its bytes and its ETag are of one is found in write()
            value = value or f"etag:{answer.etag}"
            self.note(op, "ok", key=key, value=value, etag=answer.etag)
            if value.count("-") == 2 and is_native_etag(answer.etag):
                self.note_seen(key, value, answer.etag)
            return answer
        is_plain = value.count("-") == 2 and answer.etag == values.etag(value)
        is_in_parts = value.count("-") == 2 and answer.etag == values.etag_in_parts(value)
        if value != named or not (is_plain or is_in_parts):
            value = f"mixed:body {value}, metadata {named}, etag {answer.etag}"
        self.note(op, "ok", key=key, value=value)
        if is_plain:
            self.note_seen(key, value, answer.etag)
        return answer

    def head(self):
        return self.get(method="HEAD")

    def delete(self):
        key = self.key()
        if self.rng.randrange(4) == 0 and key in self.seen:
            old, etag = self.seen[key]
            answer = self.ask("DELETE", key, headers={"if-match": f'"{etag}"'})
            self.note_write("delete", key, answer, {"if_match": old, "etag": etag}, "DELETE")
        else:
            self.note_write("delete", key, self.ask("DELETE", key), {}, "DELETE")

    def multi_delete(self):
        keys = sorted({self.key(), self.key()})
        body = ("<Delete>" + "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
                + "</Delete>").encode()
        answer = self.ask("POST", query={"delete": ""}, body=body,
                          headers={"content-md5": content_md5(body)})
        if answer is not None and answer.status != 200:
            self.refuse("DeleteObjects", answer)
            return
        root = answer.xml() if answer is not None else None
        deleted = {e.findtext("Key") for e in root.iter("Deleted")} if root is not None else set()
        for key in keys:
            self.note("delete", "ok" if key in deleted else "unknown", key=key)

    def copy(self):
        source, key = self.key(), self.key()
        if source == key:
            return
        headers = {"x-amz-copy-source": f"/{BUCKET}/{source}"}
        members = {"source": source}
        if self.rng.randrange(3) == 0 and source in self.seen:
            members["source_if_match"], etag = self.seen[source]
            headers["x-amz-copy-source-if-match"] = f'"{etag}"'
        answer = self.ask("PUT", key, headers=headers)
        if answer is None or (answer.status == 200 and answer.xml().tag != "CopyObjectResult"):
            self.note("copy", "unknown", key=key, **members)
        elif answer.status == 200:
            etag = answer.xml().findtext("ETag", "").strip('"')
            self.note("copy", "ok", key=key, value=f"etag:{etag}", **members)
        elif answer.status == 404 and answer.code == "NoSuchKey":
            self.note("copy", "absent", key=key, **members)
        elif answer.status == 412 and "source_if_match" in members:
            if not is_native_etag(etag):
                self.note("copy", "source_failed", key=key, **members)
        else:
            self.refuse("copy", answer)

    def list(self, page_size=None):
        """One walk over all keys; returns whether it came to its end."""
        self.walks += 1
        walk = self.number * 1_000_000 + self.walks
        page_size = page_size or self.rng.choice([1, 2, 3, 5, 1000])
        is_old = self.rng.randrange(4) == 0
        prefix, after, token = self.options["prefix"], "", None
        for _ in range(PAGES_MAX):
            query = {"prefix": prefix, "max-keys": page_size}
            if is_old:
                query.update({"marker": after} if after else {})
            else:
                query["list-type"] = 2
                query.update({"continuation-token": token} if token else {})
            answer = self.ask("GET", query=query)
            if answer is None:
                return False
            if answer.status != 200:
                self.refuse("listing", answer)
                return False
            root = answer.xml()
            entries = [[e.findtext("Key"), "etag:" + e.findtext("ETag", "").strip('"')]
                       for e in root.iter("Contents")]
            is_truncated = root.findtext("IsTruncated") == "true"
            if is_truncated and not entries:
                raise Unexpected("a truncated page without a key")
            self.note("page", "ok", walk=walk, prefix=prefix, after=after, entries=entries,
                      truncated=is_truncated)
            if not is_truncated:
                return True
            after, token = entries[-1][0], root.findtext("NextContinuationToken")
        return False

    # ---- the loop ----

    def step(self):
        verbs = list(self.weights)
        verb = self.rng.choices(verbs, [self.weights[name] for name in verbs])[0]
        self.gateway = self.rng.randrange(len(self.s3.hosts))
        try:
            getattr(self, verb)()
            if self.ops and self.ops[-1]["result"] == "unknown":
                time.sleep(REST_AFTER_UNKNOWN_S)
        except NotSent:
            self.not_sent += 1
            time.sleep(REST_AFTER_NOT_SENT_S)
        except Unexpected as error:
            self.unexpected.append(f"client {self.number}, gateway {self.gateway}: {error}")

    def run(self, end_ns):
        pause_s = 1.0 / self.options["rate"]
        while (now := time.monotonic_ns()) < end_ns and len(self.unexpected) < 10:
            self.step()
            spent_s = (time.monotonic_ns() - now) / NS
            time.sleep(max(0.0, pause_s * self.rng.uniform(0.5, 1.5) - spent_s))

    def final(self):
        """When all is whole again: each key, and the listing, through each gateway."""
        for gateway in range(len(self.s3.hosts)):
            self.gateway = gateway
            for number in range(self.options["keys"]):
                key = f"{self.options['prefix']}{number:03d}"
                self.until_done(lambda key=key: self.get(key) is not None, key)
                self.until_done(lambda key=key: self.get(key, "HEAD") is not None, key)
            self.until_done(lambda: self.list(3), "the listing")

    def until_done(self, attempt, what):
        """The first thing that cannot be read ends it."""
        deadline = time.monotonic() + (0 if self.unexpected else FINAL_READ_S)
        while time.monotonic() < deadline:
            try:
                if attempt():
                    return
            except NotSent:
                pass
            time.sleep(FINAL_RETRY_S)
        if not self.unexpected:
            self.unexpected.append(f"gateway {self.gateway}: {what} cannot be read after the faults"
                                   f": {self.why}")


def is_native_etag(etag):
    """Of a native PUT.  The same bytes may have another one as well, so a condition on it that did
    not hold says nothing of the value."""
    return etag.endswith("-1")


def content_md5(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()
