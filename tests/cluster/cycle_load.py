# SPDX-License-Identifier: Apache-2.0
"""The load of cycles_test.py: worker processes that know what each of their keys must hold.

A key is changed by one worker only, one request at a time, so what it holds is known, but for requests without an answer: until
such a key has been read again, long enough after, it may hold either.  Workers note each request that failed
with its times; whether that was allowed is decided by who knows which nodes were down then.
"""

import hashlib
import multiprocessing
import random
import time
import traceback

import values
from s3_client import NotSent, S3Client, Unknown

BUCKET = "cycles"
SETTLE_S = 6.0  # a request given up has ended by then: longer than the client's own timeout
RETRY_S = 0.02
OPEN_UPLOADS_MAX = 3
PART_BYTES_MIN = 5 << 20
CHUNK_BYTES = 1 << 20  # of the bucket: the smallest there can be
ABSENT = ()  # a value is a tuple of the names of its parts
VERBS = {"put": 30, "get": 35, "delete": 15, "copy": 5, "upload": 15}


class Broken(Exception):
    """A promise was broken."""


def content(value):
    return b"".join(values.content(name) for name in value)


def etag(value, is_upload):
    if not is_upload:
        return values.etag(value[0])
    digests = b"".join(bytes.fromhex(values.etag(name)) for name in value)
    return hashlib.md5(digests).hexdigest() + f"-{len(value)}"


def draw_size(rng):
    kind = rng.randrange(100)
    if kind < 80:
        return rng.randrange(30, 3000)
    if kind < 97:
        return rng.randrange(3000, 60_000)
    if kind < 99 or rng.randrange(4) != 0:
        return rng.randrange(300_000, 900_000)  # a chunk file
    return rng.randrange(1_100_000, 2_500_000)  # several: see CHUNK_BYTES


class Key:
    def __init__(self, name):
        self.name = name
        self.value = ABSENT
        self.is_upload = False  # its ETag is that of an upload
        self.others = []  # (value, is_upload) of requests without an answer
        self.settled_at = 0.0

    def allowed(self):
        return [(self.value, self.is_upload)] + self.others


class Upload:
    def __init__(self, key, upload_id, names):
        self.key = key
        self.id = upload_id
        self.names = names  # of its parts
        self.etags = []


class Worker:
    """Runs in a process of its own."""

    def __init__(self, number, options):
        self.number = number
        self.rng = random.Random(f"{options['seed']}-{number}")
        self.s3 = S3Client(options["endpoints"], options["access_key"], options["secret_key"])
        self.keys = [Key(f"{options['prefix']}w{number:02d}/{i:06d}")
                     for i in range(options["keys"])]
        # Most keys are written once and then only read: they move, and must stay the same.
        self.still = int(len(self.keys) * options["still"])
        self.uploads = []
        self.doubtful = {}  # id or "" -> key: created, completed without an answer
        self.count = 0
        self.failures = []
        self.answers = 0

    def new_name(self, size=None):
        self.count += 1
        return f"c{self.number}-{self.count}-{size or draw_size(self.rng)}"

    # ---- asking ----

    def ask(self, method, key, wanted=(200, 204, 404), **options):
        """The answer, or None and a note of the failure."""
        gateway = self.rng.randrange(len(self.s3.hosts))
        began = time.monotonic()
        try:
            answer = self.s3.request(gateway, method, BUCKET, key, **options)
            if answer.status in wanted and not (answer.body[:400].find(b"<Error>") >= 0
                                                and answer.status == 200):
                self.answers += 1
                return answer
            why = f"{answer.status} {answer.code}: {answer.xml().findtext('Message')}"
            if answer.status < 500 and answer.status != 409:
                raise Broken(f"{method} {key}: {answer.status} {answer.body[:300]!r}")
        except (Unknown, NotSent) as error:
            why = f"{type(error).__name__}: {error}"
        self.failures.append(
            (began, time.monotonic(), f"{method} {key} by gateway {gateway}: {why}", gateway))
        time.sleep(RETRY_S)
        return None

    def change(self, key, value, is_upload, answer):
        if answer is None:
            key.others.append((value, is_upload))
            key.settled_at = time.monotonic() + SETTLE_S
        else:
            key.value, key.is_upload, key.others = value, is_upload, []

    def settle(self, key):
        """Read a key whose last change had no answer; returns whether it is known now."""
        if not key.others:
            return True
        if time.monotonic() < key.settled_at:
            return False
        return self.check(key)

    def check(self, key):
        """What it holds is what it may hold, byte for byte."""
        answer = self.ask("GET", key.name)
        if answer is None:
            return False
        if answer.status == 404 and answer.code != "NoSuchKey":
            raise Broken(f"GET {key.name}: {answer.code}")
        found = None
        for value, is_upload in key.allowed():
            if answer.status == 404:
                if value == ABSENT:
                    found = (value, is_upload)
            elif value != ABSENT and answer.body == content(value) \
                    and answer.etag == etag(value, is_upload):
                found = (value, is_upload)
        if found is None:
            held = "nothing" if answer.status == 404 else values.of_body(answer.body)
            raise Broken(f"{key.name} holds {held} (ETag {answer.etag}), it may hold "
                         f"{[value for value, _ in key.allowed()]}")
        if not key.others or time.monotonic() >= key.settled_at:
            key.value, key.is_upload = found
            key.others = []
        return True

    # ---- what workers do ----

    def put(self, key):
        value = (self.new_name(),)
        self.change(key, value, False,
                    self.ask("PUT", key.name, wanted=(200,), body=content(value)))

    def get(self, key):
        self.check(key)

    def delete(self, key):
        self.change(key, ABSENT, False, self.ask("DELETE", key.name, wanted=(204,)))

    def copy(self, key):
        source = self.rng.choice(self.keys[:self.still] or self.keys)
        if source is key or source.others or source.value == ABSENT or source.is_upload:
            return
        answer = self.ask("PUT", key.name, wanted=(200,),
                          headers={"x-amz-copy-source": f"/{BUCKET}/{source.name}"})
        self.change(key, source.value, False, answer)

    def upload(self, key):
        """Uploads go on while nodes come and go: begun in one step, ended in another."""
        if len(self.uploads) < OPEN_UPLOADS_MAX:
            answer = self.ask("POST", key.name, wanted=(200,), query={"uploads": ""})
            if answer is not None:
                sizes = [PART_BYTES_MIN] if self.rng.randrange(8) == 0 else []
                names = [self.new_name(size) for size in sizes + [self.rng.randrange(100, 500_000)]]
                self.uploads.append(Upload(key, answer.xml().findtext("UploadId"), names))
            else:
                self.doubtful[""] = key.name
            return
        upload = self.rng.choice(self.uploads)
        if len(upload.etags) < len(upload.names):
            number = len(upload.etags) + 1
            answer = self.ask("PUT", upload.key.name, wanted=(200,),
                              query={"uploadId": upload.id, "partNumber": number},
                              body=values.content(upload.names[number - 1]))
            if answer is not None:
                upload.etags.append(answer.etag)
        elif self.settle(upload.key):
            self.uploads.remove(upload)
            parts = "".join(f"<Part><PartNumber>{i + 1}</PartNumber><ETag>{one}</ETag></Part>"
                            for i, one in enumerate(upload.etags))
            body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
            answer = self.ask("POST", upload.key.name, wanted=(200,), body=body,
                              query={"uploadId": upload.id})
            self.change(upload.key, tuple(upload.names), True, answer)
            if answer is None:
                self.doubtful[upload.id] = upload.key.name

    def step(self):
        verb = self.rng.choices(list(VERBS), list(VERBS.values()))[0]
        if verb == "get" and self.still and self.rng.randrange(2):
            self.get(self.keys[self.rng.randrange(self.still)])
            return
        key = self.keys[self.rng.randrange(self.still, len(self.keys))]
        if self.settle(key):
            getattr(self, verb)(key)

    def fill(self):
        for key in self.keys:
            while key.value == ABSENT:
                self.put(key)
                if key.others:
                    time.sleep(SETTLE_S)
                    self.settle(key)

    def report(self, violation=None):
        held = {key.name: [(value, etag(value, is_upload) if value else "")
                           for value, is_upload in key.allowed()] for key in self.keys}
        failures, self.failures = self.failures, []
        answers, self.answers = self.answers, 0
        return {"violation": violation, "failures": failures, "answers": answers, "held": held,
                "uploads": {upload.id: upload.key.name for upload in self.uploads},
                "doubtful": self.doubtful}

    def look(self, share):
        """With the load at rest: each share-th key, a different one each time, by each gateway."""
        self.look_count = getattr(self, "look_count", -1) + 1
        for key in self.keys[self.look_count % share::share]:
            for gateway in range(len(self.s3.hosts)):
                self.look_at(key, gateway)

    def look_at(self, key, gateway):
        try:
            answer = self.s3.request(gateway, "GET", BUCKET, key.name)
        except (Unknown, NotSent) as error:
            raise Broken(f"gateway {gateway}: {key.name} at rest: {error}") from None
        self.answers += 1
        allowed = [value for value, _ in key.allowed()]
        if answer.status == 404 and ABSENT in allowed:
            return
        if answer.status != 200 or answer.body not in [content(v) for v in allowed if v]:
            raise Broken(f"gateway {gateway}: {key.name} at rest: {answer.status}, "
                         f"{values.of_body(answer.body)[:80]}, it may hold {allowed}")


class Lister:
    """Walks through everything, again and again: in order, each key that stays exactly once."""

    def __init__(self, options):
        self.s3 = S3Client(options["endpoints"], options["access_key"], options["secret_key"])
        self.rng = random.Random(f"{options['seed']}-list")
        self.prefix = options["prefix"]
        self.page = options["page"]
        self.still = set(options["still_keys"])
        self.failures = []
        self.answers = 0

    def walk(self, gateway):
        """[(key, ETag)], or None and a note of the failure."""
        found, token = [], None
        while True:
            query = {"list-type": 2, "prefix": self.prefix, "max-keys": self.page}
            query.update({"continuation-token": token} if token else {})
            began = time.monotonic()
            try:
                answer = self.s3.request(gateway, "GET", BUCKET, query=query)
                why = f"{answer.status} {answer.code}" if answer.status != 200 else None
            except (Unknown, NotSent) as error:
                why = f"{type(error).__name__}: {error}"
            if why is not None:
                self.failures.append(
                    (began, time.monotonic(), f"list by gateway {gateway}: {why}", gateway))
                time.sleep(RETRY_S)
                return None
            self.answers += 1
            root = answer.xml()
            found += [(entry.findtext("Key"), entry.findtext("ETag").strip('"'))
                      for entry in root.iter("Contents")]
            if root.findtext("IsTruncated") != "true":
                return found
            token = root.findtext("NextContinuationToken")

    def uploads(self, gateway):
        """{id: key} of what ListMultipartUploads shows, in pages, or None and a note."""
        found, marker = {}, {}
        while True:
            began = time.monotonic()
            try:
                answer = self.s3.request(gateway, "GET", BUCKET,
                                         query={"uploads": "", "max-uploads": 7, **marker})
                why = f"{answer.status} {answer.code}" if answer.status != 200 else None
            except (Unknown, NotSent) as error:
                why = f"{type(error).__name__}: {error}"
            if why is not None:
                self.failures.append((began, time.monotonic(),
                                      f"uploads by gateway {gateway}: {why}", gateway))
                time.sleep(RETRY_S)
                return None
            self.answers += 1
            root = answer.xml()
            for entry in root.iter("Upload"):
                if entry.findtext("UploadId") in found:
                    raise Broken(f"an upload of {entry.findtext('Key')} is listed twice")
                found[entry.findtext("UploadId")] = entry.findtext("Key")
            if root.findtext("IsTruncated") != "true":
                return found
            marker = {"key-marker": root.findtext("NextKeyMarker"),
                      "upload-id-marker": root.findtext("NextUploadIdMarker")}

    def step(self):
        gateway = self.rng.randrange(len(self.s3.hosts))
        self.uploads(gateway)
        found = self.walk(gateway)
        if found is None:
            return
        keys = [key for key, _ in found]
        for before, after in zip(keys, keys[1:]):
            if before >= after:
                raise Broken(f"listing: {after} comes after {before}")
        missing = self.still - set(keys)
        if missing:
            raise Broken(f"listing: {len(missing)} keys are missing, {sorted(missing)[:5]}")

    def report(self, violation=None):
        failures, self.failures = self.failures, []
        answers, self.answers = self.answers, 0
        return {"violation": violation, "failures": failures, "answers": answers, "held": {},
                "uploads": {}, "doubtful": {}}

    def look(self, share):
        pass


def work(worker, pipe):
    """fill: once; run: until the next word; report; end."""
    while True:
        try:
            word = pipe.recv()
        except EOFError:
            return
        violation = None
        try:
            if word == "fill":
                worker.fill()
            if word.startswith("look"):
                worker.look(int(word.split()[1]))
            while word == "run" and not pipe.poll():
                worker.step()
        except Broken as error:
            violation = str(error)
        except Exception:  # a fault of the test: no worker ends without a word
            violation = traceback.format_exc()
        if word == "end":
            return
        pipe.send(worker.report(violation))


class Load:
    """All workers; begin() and pause() are called by turns."""

    def __init__(self, endpoints, access_key, secret_key, seed, keys, workers, page):
        options = {"endpoints": endpoints, "access_key": access_key, "secret_key": secret_key,
                   "seed": seed, "keys": keys // workers, "prefix": "", "still": 0.8, "page": page}
        people = [Worker(number, options) for number in range(workers)]
        self.processes = []
        options["still_keys"] = [key.name for one in people for key in one.keys[:one.still]]
        for one in people + [Lister(options)]:
            mine, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=work, args=(one, theirs), daemon=True)
            process.start()
            theirs.close()
            self.processes.append((process, mine))
        self.lister = Lister(options)
        self.failures = []
        self.answers = 0
        self.held = {}
        self.uploads = {}  # id -> key: open ones
        self.doubtful = {}

    def tell(self, word):
        for _, pipe in self.processes:
            pipe.send(word)

    def collect(self):
        """Raises Broken with the first promise that was broken."""
        reports = [pipe.recv() for _, pipe in self.processes]
        self.failures = [failure for report in reports for failure in report["failures"]]
        self.answers = sum(report["answers"] for report in reports)
        self.uploads, self.doubtful = {}, {}
        for report in reports:
            self.held.update(report["held"])
            self.uploads.update(report["uploads"])
            self.doubtful.update(report["doubtful"])
        broken = [report["violation"] for report in reports if report["violation"]]
        if broken:
            raise Broken("; ".join(broken[:3]))

    def fill(self):
        for _, pipe in self.processes[:-1]:
            pipe.send("fill")
        self.processes[-1][1].send("report")
        self.collect()

    def begin(self):
        self.tell("run")

    def pause(self):
        self.tell("pause")  # ends "run", and is answered like it
        reports_of_run = None
        try:
            self.collect()
        except Broken as error:
            reports_of_run = error
        failures, answers = self.failures, self.answers
        self.collect()
        self.failures, self.answers = failures + self.failures, answers + self.answers
        if reports_of_run is not None:
            raise reports_of_run

    def end(self):
        for process, pipe in self.processes:
            if process.is_alive():
                try:
                    pipe.send("end")
                except OSError:
                    pass
        for process, _ in self.processes:
            process.join(10)
            if process.is_alive():
                process.kill()

    def verify(self, share):
        """With the load at rest: the whole listings, and each share-th object, by each gateway.  share
        0: no object."""
        self.lister.s3.close()
        for gateway in range(len(self.lister.s3.hosts)):
            found = self.lister.walk(gateway)
            open_uploads = self.lister.uploads(gateway)
            if found is None or open_uploads is None:
                raise Broken(f"no listing at rest: {self.lister.failures[-1][2]}")
            self.compare(found, gateway)
            self.compare_uploads(open_uploads, gateway)
        if share != 0:
            self.tell(f"look {share}")
            self.collect()

    def compare_uploads(self, found, gateway):
        missing = set(self.uploads) - set(found)
        if missing:
            raise Broken(f"gateway {gateway}: uploads are not listed: {sorted(missing)[:5]}")
        for upload_id, key in found.items():
            if upload_id not in self.uploads and upload_id not in self.doubtful \
                    and "" not in self.doubtful:
                raise Broken(f"gateway {gateway}: an upload of {key} that ended is listed")

    def compare(self, found, gateway):
        keys = [key for key, _ in found]
        if len(set(keys)) != len(keys) or keys != sorted(keys):
            raise Broken(f"gateway {gateway}: keys are listed twice, or not in order")
        listed = dict(found)
        for key, allowed in self.held.items():
            tag = listed.pop(key, "")
            if tag not in [etag_ for _, etag_ in allowed]:
                raise Broken(f"gateway {gateway}: {key} is listed with ETag {tag or 'nothing'}, "
                             f"it may hold {allowed}")
        if listed:
            raise Broken(f"gateway {gateway}: never written, or deleted: {sorted(listed)[:5]}")
