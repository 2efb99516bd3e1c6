# SPDX-License-Identifier: Apache-2.0
"""Refusals that the contract of no single route tells."""

from concurrent.futures import ThreadPoolExecutor

import requests

ROUNDS_MAX = 100
OBJECTS = 100  # enough for a copy to run while others are asked for
CLIENTS = 48  # three times as many as jobs may run


def test_other_methods_of_a_path_are_told(reference):
    """SPEC: AIStore cmn/err.go: 405 with Allow."""
    answer = requests.request("TRACE", f"{reference.endpoint}/v1/health", timeout=20)
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET"
    assert answer.json()["status"] == 405


def test_who_comes_too_often_is_told_when_to_come_back(reference):
    """A node runs sixteen jobs at once: of more that are asked for together, one is too early."""
    url = f"{reference.endpoint}/v1/buckets/often"
    assert requests.post(url, json={"action": "create-bck"}, timeout=20).status_code == 200
    for number in range(OBJECTS):
        requests.put(f"{reference.endpoint}/v1/objects/often/{number}", data=b"x", timeout=20)

    def start(_):
        return requests.post(
            url + "?bck_to=ais/@%23/often-copy/", json={"action": "copy-bck"}, timeout=20
        )

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(ROUNDS_MAX):
            answers = list(pool.map(start, range(CLIENTS)))
            assert {answer.status_code for answer in answers} <= {200, 429}
            early = [answer for answer in answers if answer.status_code == 429]
            if early:
                break
    reference.wait_for_jobs()
    assert early and int(early[0].headers["Retry-After"]) > 0
    assert early[0].json()["tcode"] == "ErrBusy"
