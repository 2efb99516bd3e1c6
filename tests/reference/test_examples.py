# SPDX-License-Identifier: Apache-2.0
"""Every example of the reference, as a reader would paste it, in the order of the steps."""

import json
import os
import subprocess

import conftest
import pytest
from jsonschema import Draft202012Validator

# The status and the type of each answer go to standard error, where no example looks.
PRELUDE = r"""
curl() { command curl --max-time 60 -w '%{stderr}\nanswer %{http_code} %{content_type}\n' "$@"; }
"""


def examples():
    found = []
    for path, methods in conftest.read()["paths"].items():
        for operation in methods.values():
            found.append((operation["x-example"]["step"], path, operation))
    found.sort(key=lambda item: item[:2])
    return found


@pytest.fixture(scope="module")
def shell(reference, tmp_path_factory):
    """Variables that examples keep for later ones."""
    environment = dict(os.environ)
    environment["LODE"] = reference.endpoint
    environment["LODE_ROOT_ACCESS_KEY"] = reference.server.root.access_key
    environment["LODE_ROOT_SECRET_KEY"] = reference.server.root.secret_key
    environment["PROMOTE"] = reference.promote_from
    environment["DISK"] = str(tmp_path_factory.mktemp("disk") / "mp2")
    return environment


def run(operation, environment):
    """Status, type and body of the last answer."""
    keeps = operation["x-example"].get("keeps")
    text = PRELUDE + operation["x-codeSamples"][0]["source"]
    text += f'printf "%s" "${keeps}"\n' if keeps else ""
    done = subprocess.run(
        ["bash", "-u", "-c", text], env=environment, capture_output=True, timeout=120, check=False
    )
    errors = done.stderr.decode("utf-8", "replace")
    lines = [line for line in errors.splitlines() if line.startswith("answer ")]
    assert lines, errors
    _, status, media = (lines[-1] + " ").split(" ", 2)
    if keeps:
        assert done.stdout, f"nothing was kept: {errors}"
        environment[keeps] = done.stdout.decode()
    return int(status), media.split(";")[0].strip(), done.stdout


def declared(document, operation, status):
    answer = operation["responses"][str(status)]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return answer.get("content", {})


@pytest.mark.parametrize(
    "operation", [pytest.param(item[2], id=item[2]["operationId"]) for item in examples()]
)
def test_example(reference, shell, operation):
    status, media, body = run(operation, shell)
    assert status == operation["x-example"]["status"], body
    content = declared(reference.document, operation, status)
    if "-I " not in operation["x-codeSamples"][0]["source"]:
        is_header_kept = "-o /dev/null" in operation["x-codeSamples"][0]["source"]
        assert media in content if content else is_header_kept or not body, (media, body)
    if media == "application/json" and body:
        schema = dict(content[media]["schema"], components=reference.document["components"])
        Draft202012Validator(schema).validate(json.loads(body))
    reference.wait_for_jobs()
