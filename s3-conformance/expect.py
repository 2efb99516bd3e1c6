# SPDX-License-Identifier: Apache-2.0
"""What a refusal must look like, and what it must leave behind: nothing."""

from contextlib import contextmanager
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refused(code, status, resource=None):
    """The boto3 call inside must fail with this S3 code and HTTP status (or one of a tuple)."""
    codes = (code,) if isinstance(code, str) else code
    statuses = (status,) if isinstance(status, int) else status
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    metadata = caught.value.response["ResponseMetadata"]
    assert error["Code"] in codes, caught.value.response
    assert metadata["HTTPStatusCode"] in statuses, caught.value.response
    assert error.get("Message"), "an error names what was wrong"
    if resource is not None:
        names_resource(error.get("Resource"), resource)


@contextmanager
def head_refused(status):
    """A HEAD has no body: its status (or one of a tuple) is all it can say."""
    statuses = (status,) if isinstance(status, int) else status
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in statuses


def is_raw_refusal(response, code, status, resource=None):
    """Assert that a raw response is S3's error document, complete."""
    codes = (code,) if isinstance(code, str) else code
    assert response.status == status, response
    root = response.xml()
    assert root.tag == "Error", response
    assert root.findtext("Code") in codes, response
    assert root.findtext("Message"), response
    assert response.headers["Content-Type"].startswith("application/xml"), response
    check_identity(root.findtext("Resource"), root.findtext("RequestId"), response.headers)
    if resource is not None:
        names_resource(root.findtext("Resource"), resource)


def names_resource(found, wanted):
    """Resource is the path of the bucket or object, which may be percent-encoded."""
    assert found is not None and unquote(found) == wanted, (found, wanted)


def check_identity(resource, request_id, headers):
    """Every error document names the resource and repeats the id that is in the header."""
    assert resource and resource.startswith("/"), f"Resource is {resource!r}"
    assert request_id, "no RequestId"
    assert request_id == headers.get("x-amz-request-id"), (request_id, dict(headers))


def check_client_error(http_response, parsed, model, **_):
    """boto3 event handler: every error that any test meets is complete, whatever it asserts."""
    if http_response.status_code < 400 or model.name.startswith("Head"):
        return
    if model.service_model.service_name != "s3":
        return
    metadata = parsed["ResponseMetadata"]
    headers = metadata["HTTPHeaders"]
    check_identity(parsed["Error"].get("Resource"), metadata.get("RequestId"), headers)


def nothing_left(s3, bucket):
    """The bucket holds no object, no version and no upload."""
    versions = s3.list_object_versions(Bucket=bucket)
    assert not versions.get("Versions"), versions
    assert not versions.get("DeleteMarkers"), versions
    assert not s3.list_objects_v2(Bucket=bucket).get("Contents")
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def only_keys(s3, bucket, *keys):
    """The bucket holds exactly these keys."""
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert listed == sorted(keys, key=lambda key: key.encode())


def content(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
