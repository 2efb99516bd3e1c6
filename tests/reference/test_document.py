# SPDX-License-Identifier: Apache-2.0
"""The document itself."""

import subprocess

import conftest
import server as lode_server
from openapi_spec_validator import validate


def test_it_is_what_the_contracts_say():
    command = [str(conftest.TREE / "tools" / "make-openapi"), "--check"]
    command.append(str(lode_server.build_folder() / "loded"))
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_stale_document_is_told(tmp_path):
    """The check can fail: the same program in a tree whose document lacks a line."""
    for folder in ("tools", "docs"):
        (tmp_path / folder).mkdir()
    tool = tmp_path / "tools" / "make-openapi"
    tool.write_bytes((conftest.TREE / "tools" / "make-openapi").read_bytes())
    tool.chmod(0o755)
    whole = (conftest.TREE / "docs" / "openapi.yaml").read_text(encoding="utf-8").splitlines(True)
    (tmp_path / "docs" / "openapi.yaml").write_text("".join(whole[:-1]), encoding="utf-8")
    command = [str(tool), "--check", str(lode_server.build_folder() / "loded")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1 and "run tools/make-openapi" in run.stdout


def test_it_is_valid_openapi():
    validate(conftest.read())


def test_operations_have_names_of_their_own():
    names = [
        operation["operationId"]
        for path in conftest.read()["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names))
