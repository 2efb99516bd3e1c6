# SPDX-License-Identifier: Apache-2.0
"""The last test of a run: the server ends cleanly and its data check out."""

import pytest
from conftest import STOPPED
from server import OwnServer

SANITIZER_WORDS = ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "LeakSanitizer")


@pytest.fixture
def stopped(server, request):
    if not isinstance(server, OwnServer):
        pytest.skip("the server was not started here, so it is not stopped here either")
    request.config.stash[STOPPED] = True
    return server, server.stop()


# SPEC: loded / SIGTERM drains and ends with 0; after all that went before, the log shows no fault;
# --fsck finds none
def test_server_ends_and_its_data_check_out(stopped, main, alt):
    server, status = stopped

    log = server.log_since(0)
    assert status == 0, f"loded ended with {status}"
    assert not [word for word in SANITIZER_WORDS if word in log]
    for secret in (server.root.secret_key, main.secret_key, alt.secret_key):
        assert secret not in log, "a secret stands in the log"
    check = server.fsck()
    assert check.returncode == 0, check.stdout + check.stderr
