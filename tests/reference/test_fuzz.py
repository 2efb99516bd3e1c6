# SPDX-License-Identifier: Apache-2.0
"""schemathesis asks a running loded what the reference allows, and what it does not allow.

LODE_TEST_SEED replays a run, LODE_TEST_LONG=1 tries more.
"""

import json
import os
import secrets

import conftest
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

IS_LONG = os.environ.get("LODE_TEST_LONG") == "1"
CASES = 100 if IS_LONG else 10
SEED = int(os.environ.get("LODE_TEST_SEED") or str(secrets.randbits(32)), 0)
# 501 is AIStore's "unsupported"; nothing here makes a disk full or a node unreachable.
SERVER_ERRORS = {501}
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
BUCKET = "fuzz"
NAMES = ("hello", "a/b", "100%", "ü")
# Values that exist, or mean something: three cases in four have these where they have any.
KNOWN = {
    "bucket": [BUCKET],
    "object": NAMES,
    "bck_to": ["ais/@#/fuzz-copy/", "ais/@#/fuzz/", "ais/@#ns/fuzz/"],
    "object_to": ["ais/@#/fuzz/copy", "ais/@#/nowhere/copy", "ais/@#/fuzz/hello"],
    "props": ["name,size", "checksum,version,custom", "chunked,location,copies,ec", "cached"],
    "Range": ["bytes=0-3", "bytes=2-", "bytes=-3", "bytes=9-", "bytes=0-1,3-4", "bytes=3-1"],
    "Ais-Checksum-Type": ["xxhash2", "md5", "none", "sha512", "crc32c"],
}
SETTINGS = settings(
    max_examples=CASES,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def operations(document):
    """Those that the server has, by their names; the others are all one refusal."""
    schema = schemathesis.openapi.from_dict(document)
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if "unsupported" not in operation.tags:
            found[operation.definition.raw["operationId"]] = operation
    return found


OPERATIONS = operations(conftest.read())


@pytest.fixture(scope="module")
def session(reference):
    with requests.Session() as made:
        yield made


def prepare(reference, session):
    """The bucket and its objects, again: an operation may have taken them away."""
    url = f"{reference.endpoint}/v1/buckets/{BUCKET}"
    answer = session.post(url, json={"action": "create-bck"}, timeout=20)
    assert answer.status_code in (200, 409)
    session.patch(url, json={"action": "reset-bprops"}, timeout=20)
    for name in NAMES:
        path = requests.utils.quote(name, safe="")
        url = f"{reference.endpoint}/v1/objects/{BUCKET}/{path}"
        assert session.put(url, data=b"content", timeout=20).status_code == 200


def check_failure(reference, case, answer):
    """Every failure is AIStore's error, and its status is the answer's."""
    if case.method.upper() == "HEAD":
        failure = json.loads(answer.headers["hdr-error"][0])
    else:
        assert answer.headers["content-type"][0] == "application/json", answer.headers
        failure = json.loads(answer.content)
    schema = reference.document["components"]["schemas"]["Error"]
    Draft202012Validator(schema).validate(failure)
    assert failure["status"] == answer.status_code and failure["message"]


def ask(reference, session, operation, mode):
    print(f"LODE_TEST_SEED={SEED}")

    @seed(SEED)
    @SETTINGS
    @given(
        case=operation.as_strategy(generation_mode=mode),
        known=strategies.fixed_dictionaries(
            {name: strategies.sampled_from(values) for name, values in KNOWN.items()}
        ),
        is_known=strategies.sampled_from([True, True, True, False]),
    )
    def run(case, known, is_known):
        if is_known:
            for container in (case.path_parameters, case.query, case.headers):
                for name in set(container or ()) & set(known):
                    container[name] = known[name]
            if mode == GenerationMode.POSITIVE and case.query:
                case.query.pop("provider", None)
                case.query.pop("namespace", None)
        answer = case.call(base_url=reference.endpoint, session=session, timeout=30)
        assert answer.status_code < 500 or answer.status_code in SERVER_ERRORS, answer.content
        if answer.status_code >= 400:
            check_failure(reference, case, answer)
        if mode == GenerationMode.POSITIVE:
            case.validate_response(answer, checks=CHECKS)

    run()


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_allowed_is_answered_as_declared(reference, session, name):
    prepare(reference, session)
    ask(reference, session, OPERATIONS[name], GenerationMode.POSITIVE)
    assert reference.server.is_alive(), reference.server.log_since(0)


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_not_allowed_is_refused_in_aistores_form(reference, session, name):
    prepare(reference, session)
    ask(reference, session, OPERATIONS[name], GenerationMode.NEGATIVE)
    assert reference.server.is_alive(), reference.server.log_since(0)


def test_an_answer_of_another_shape_is_told(reference, session):
    """The checks can fail: here is a document that errs about the names of buckets."""
    prepare(reference, session)
    document = conftest.read()
    document["components"]["schemas"]["Bck"]["properties"]["name"] = {"type": "integer"}
    with pytest.raises(FailureGroup):
        ask(reference, session, operations(document)["ListBuckets"], GenerationMode.POSITIVE)
