# SPDX-License-Identifier: Apache-2.0
"""If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since on GetObject and HeadObject."""

from datetime import timedelta, timezone
from email.utils import format_datetime

import pytest
from expect import is_raw_refusal

OTHER = '"0123456789abcdef0123456789abcdef"'


@pytest.fixture(scope="module")
def filled(s3, make_module_bucket):
    name = make_module_bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"0123456789")
    return name


@pytest.fixture(scope="module")
def facts(s3, filled):
    """What the conditions are about: the ETag, and times before, at and after the write."""
    head = s3.head_object(Bucket=filled, Key="k")
    at = head["LastModified"].astimezone(timezone.utc)
    times = {"before": at - timedelta(hours=1), "at": at, "after": at + timedelta(seconds=1)}
    return {name: format_datetime(time, usegmt=True) for name, time in times.items()} | {
        "etag": head["ETag"],
        "bare": head["ETag"].strip('"'),
        "weak": "W/" + head["ETag"],
        "any": "*",
        "other": OTHER,
        "list": f"{OTHER}, {head['ETag']}",
        "none": f'{OTHER}, "x"',
    }


# Each row: header fields by the name of their value in facts, and the status that S3 gives.
CASES = [
    ({"If-Match": "etag"}, 200),
    ({"If-Match": "bare"}, 200),
    ({"If-Match": "any"}, 200),
    ({"If-Match": "list"}, 200),
    ({"If-Match": "other"}, 412),
    ({"If-Match": "none"}, 412),
    ({"If-None-Match": "etag"}, 304),
    ({"If-None-Match": "bare"}, 304),
    ({"If-None-Match": "weak"}, 304),
    ({"If-None-Match": "any"}, 304),
    ({"If-None-Match": "list"}, 304),
    ({"If-None-Match": "other"}, 200),
    ({"If-Modified-Since": "before"}, 200),
    ({"If-Modified-Since": "at"}, 304),
    ({"If-Unmodified-Since": "before"}, 412),
    ({"If-Unmodified-Since": "at"}, 200),
    ({"If-Unmodified-Since": "after"}, 200),
    # RFC 9110 13.2.2, and S3 says so too: If-Match decides over If-Unmodified-Since
    ({"If-Match": "etag", "If-Unmodified-Since": "before"}, 200),
    ({"If-Match": "other", "If-Unmodified-Since": "after"}, 412),
    # and If-None-Match over If-Modified-Since
    ({"If-None-Match": "etag", "If-Modified-Since": "before"}, 304),
    ({"If-None-Match": "other", "If-Modified-Since": "at"}, 200),
    ({"If-Match": "etag", "If-None-Match": "other"}, 200),
    ({"If-Match": "other", "If-None-Match": "etag"}, 412),
]


def name_case(case):
    return "-".join(f"{name[3:]}={value}" for name, value in case.items())


# SPEC: S3 GetObject, HeadObject / conditional headers
@pytest.mark.parametrize("case,status", CASES, ids=[name_case(case) for case, _ in CASES])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_decide_the_status(raw, filled, facts, method, case, status):
    headers = [(name, facts[value]) for name, value in case.items()]

    response = raw.request(method, f"/{filled}/k", headers=headers)

    assert response.status == status, response
    if status == 304:
        assert response.body == b""
        assert response.headers["ETag"] == facts["etag"]
        assert response.headers["Last-Modified"] == facts["at"]
    elif method == "HEAD":
        assert response.body == b""
    elif status == 412:
        is_raw_refusal(response, "PreconditionFailed", 412, f"/{filled}/k")
        assert response.xml().findtext("Condition") in case
    else:
        assert response.body == b"0123456789"


# SPEC: S3 GetObject / If-Modified-Since in the future, or not a date, is ignored
@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since"])
@pytest.mark.parametrize("value", ["not a date", "2030-01-01", "0", ""])
def test_bad_date_is_ignored(raw, filled, name, value):
    response = raw.request("GET", f"/{filled}/k", headers=[(name, value)])

    assert response.status == 200, response


# SPEC: RFC 9110 5.6.7 / the two obsolete date forms mean the same
def test_obsolete_dates_are_understood(raw, s3, filled):
    at = s3.head_object(Bucket=filled, Key="k")["LastModified"] - timedelta(days=1)

    for form in ("%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"):
        headers = [("If-Unmodified-Since", at.strftime(form))]
        assert raw.request("GET", f"/{filled}/k", headers=headers).status == 412


# SPEC: S3 GetObject / a condition on a missing key is still NoSuchKey
@pytest.mark.parametrize("header", [("If-Match", "*"), ("If-None-Match", "*"), ("If-Match", OTHER)])
def test_condition_on_a_missing_key_is_not_found(raw, filled, header):
    response = raw.request("GET", f"/{filled}/none", headers=[header])

    is_raw_refusal(response, "NoSuchKey", 404, f"/{filled}/none")


# SPEC: S3 GetObject / a condition and a range: the condition first
def test_condition_comes_before_the_range(raw, filled, facts):
    with_range = [("Range", "bytes=0-1")]

    kept = raw.request("GET", f"/{filled}/k", headers=with_range + [("If-Match", facts["etag"])])
    failed = raw.request("GET", f"/{filled}/k", headers=with_range + [("If-Match", OTHER)])
    same = raw.request(
        "GET", f"/{filled}/k", headers=with_range + [("If-None-Match", facts["etag"])]
    )

    assert (kept.status, failed.status, same.status) == (206, 412, 304)
