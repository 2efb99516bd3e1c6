# SPDX-License-Identifier: Apache-2.0
"""The IAM query API: users and access keys, with boto3's iam client and by raw requests."""

import secrets
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from conftest import make_client, new_user, remove_user
from expect import refused
from raw_http import RawClient
from server import Account

VERSION = "2010-05-08"


@pytest.fixture
def name(iam):
    """A user name that is free, and free again afterwards."""
    free = f"iam-{secrets.token_hex(4)}"
    yield free
    try:
        remove_user(iam, free)
    except iam.exceptions.NoSuchEntityException:
        pass


def raw_iam(server, account):
    return RawClient(
        server.endpoint, account.access_key, account.secret_key, server.ca_file, service="iam"
    )


def query(client, form, **options):
    headers = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
    return client.request("POST", "/", headers=headers, body=form.encode(), **options)


# SPEC: IAM CreateUser / name, id, ARN, path and date; ListUsers shows the user
def test_created_user_is_listed(iam, name):
    made = iam.create_user(UserName=name)["User"]

    assert made["UserName"] == name
    assert made["UserId"] and made["Path"] == "/"
    assert made["Arn"].startswith("arn:aws:iam::") and made["Arn"].endswith(f":user/{name}")
    assert abs(datetime.now(timezone.utc) - made["CreateDate"]) < timedelta(minutes=2)
    pages = iam.get_paginator("list_users").paginate()
    assert name in [user["UserName"] for page in pages for user in page["Users"]]


# SPEC: IAM CreateUser / EntityAlreadyExists
def test_user_cannot_be_created_twice(iam, name):
    iam.create_user(UserName=name)

    with refused("EntityAlreadyExists", 409):
        iam.create_user(UserName=name)


# SPEC: IAM CreateUser / ValidationError: letters, digits and +=,.@_- up to 64
@pytest.mark.parametrize("bad", ["", "a b", "a/b", "ü", "x" * 65, "a%00b", "a\nb"])
def test_bad_user_names_are_refused(server, root, iam, bad):
    response = query(raw_iam(server, root), f"Action=CreateUser&Version={VERSION}&UserName={bad}")

    assert response.status == 400, response
    assert response.xml().findtext(".//Code") in (
        "ValidationError",
        "InvalidInput",
        "MalformedInput",
    )


# SPEC: IAM CreateUser / every legal character
def test_legal_user_names_are_accepted(iam):
    free = f"A+=,.@_-{secrets.token_hex(20)}"

    iam.create_user(UserName=free)

    iam.delete_user(UserName=free)


# SPEC: IAM DeleteUser / the user is gone; NoSuchEntity for none
def test_deleted_user_is_gone(iam, name):
    iam.create_user(UserName=name)

    iam.delete_user(UserName=name)

    with refused("NoSuchEntity", 404):
        iam.delete_user(UserName=name)
    users = [user["UserName"] for user in iam.list_users()["Users"]]
    assert name not in users


# SPEC: IAM DeleteUser / DeleteConflict while the user has keys
def test_user_with_keys_cannot_be_deleted(iam, name):
    new_user(iam, name)

    with refused("DeleteConflict", 409):
        iam.delete_user(UserName=name)


# SPEC: IAM CreateAccessKey / the secret is shown once; the key works at once for S3
def test_created_key_works(server, iam, name):
    iam.create_user(UserName=name)

    key = iam.create_access_key(UserName=name)["AccessKey"]

    assert key["UserName"] == name and key["Status"] == "Active"
    assert len(key["AccessKeyId"]) >= 16 and len(key["SecretAccessKey"]) >= 32
    account = Account(name, key["AccessKeyId"], key["SecretAccessKey"])
    listing = make_client(server, account).list_buckets()
    assert listing["Buckets"] == []
    assert (listing["Owner"]["ID"], listing["Owner"]["DisplayName"]) == (name, name)


# SPEC: IAM ListAccessKeys / ids without secrets
def test_keys_are_listed_without_secrets(iam, name):
    account = new_user(iam, name)

    listed = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]

    assert [entry["AccessKeyId"] for entry in listed] == [account.access_key]
    assert listed[0]["UserName"] == name and listed[0]["Status"] == "Active"
    assert account.secret_key not in str(listed)


# SPEC: IAM CreateAccessKey / two keys per user, both work; LimitExceeded for the third
def test_user_has_at_most_two_keys(server, iam, name):
    first = new_user(iam, name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    second = Account(name, key["AccessKeyId"], key["SecretAccessKey"])

    with refused("LimitExceeded", 409):
        iam.create_access_key(UserName=name)

    for account in (first, second):
        make_client(server, account).list_buckets()


# SPEC: IAM DeleteAccessKey / the key is refused at once, another of the user stays good
def test_deleted_key_is_refused_at_once(server, iam, name):
    first = new_user(iam, name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    second = Account(name, key["AccessKeyId"], key["SecretAccessKey"])
    clients = [make_client(server, account) for account in (first, second)]
    for client in clients:
        client.list_buckets()

    iam.delete_access_key(UserName=name, AccessKeyId=first.access_key)

    with refused("InvalidAccessKeyId", 403):
        clients[0].list_buckets()
    clients[1].list_buckets()


# SPEC: IAM access keys / NoSuchEntity for users and keys that are not there
def test_keys_of_nobody_are_refused(iam, name):
    with refused("NoSuchEntity", 404):
        iam.create_access_key(UserName=name)
    with refused("NoSuchEntity", 404):
        iam.list_access_keys(UserName=name)
    iam.create_user(UserName=name)
    with refused("NoSuchEntity", 404):
        iam.delete_access_key(UserName=name, AccessKeyId="NOSUCHKEY00000000000")


# SPEC: IAM DeleteAccessKey / a key of another user is not found under this name
def test_key_of_another_user_is_not_deleted(server, iam, name, alt):
    iam.create_user(UserName=name)

    with refused("NoSuchEntity", 404):
        iam.delete_access_key(UserName=name, AccessKeyId=alt.access_key)

    make_client(server, alt).list_buckets()


# SPEC: IAM / AccessDenied for users who are not root, whatever they ask about others
@pytest.mark.parametrize(
    "operation,parameters",
    [("create_user", {"UserName": "conf-intruder"}), ("list_users", {}),
     ("delete_user", {"UserName": "{alt}"}), ("create_access_key", {"UserName": "{alt}"}),
     ("list_access_keys", {"UserName": "{alt}"}),
     ("delete_access_key", {"UserName": "{alt}", "AccessKeyId": "{key}"})],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_users_may_not_manage_users(server, iam, main, alt, operation, parameters):
    filled = {
        name: text.format(alt=alt.name, key=alt.access_key) for name, text in parameters.items()
    }

    with refused("AccessDenied", 403):
        getattr(make_client(server, main, "iam"), operation)(**filled)

    make_client(server, alt).list_buckets()
    assert "conf-intruder" not in [user["UserName"] for user in iam.list_users()["Users"]]


# SPEC: IAM / wrong signature, unknown key, no credentials, signature of another service
@pytest.mark.parametrize("flaw", ["secret", "key", "none", "service"])
def test_unauthenticated_calls_are_refused(server, root, iam, name, flaw):
    form = f"Action=CreateUser&Version={VERSION}&UserName={name}"
    if flaw == "none":
        client = raw_iam(server, root)
        response = client.unsigned_request("POST", "/", body=form.encode())
    else:
        account = {
            "secret": root._replace(secret_key="wrong"),
            "key": root._replace(access_key="UNKNOWNKEY0000000000"),
            "service": root,
        }[flaw]
        client = raw_iam(server, account)
        client.signer.service = "ec2" if flaw == "service" else "iam"
        response = query(client, form)

    assert response.status in (400, 403), response
    assert name not in [user["UserName"] for user in iam.list_users()["Users"]]


# SPEC: IAM / the body is part of the signature
def test_changed_form_is_refused(server, root, iam, name):
    client = raw_iam(server, root)
    form = f"Action=CreateUser&Version={VERSION}&UserName={name}".encode()
    head = client.sign(
        "POST", "/", headers=[("Content-Length", str(len(form)))], payload_hash="0" * 64
    )

    response = client.send_head(head, form)

    assert response.status in (400, 403), response
    assert name not in [user["UserName"] for user in iam.list_users()["Users"]]


# SPEC: AWS query protocol / unknown actions and versions, missing and empty parameters
@pytest.mark.parametrize(
    "form",
    ["", "Action=", "Action=NoSuchAction&Version=" + VERSION, "Version=" + VERSION,
     "Action=CreateUser", "Action=CreateUser&Version=" + VERSION, "Action=CreateUser&UserName=%zz",
     "&&&=", "Action=CreateUser&Version=1999-01-01&UserName=conf-old"],
)  # fmt: skip
def test_malformed_calls_are_refused(server, root, iam, form):
    before = [user["UserName"] for user in iam.list_users()["Users"]]

    response = query(raw_iam(server, root), form)

    assert 400 <= response.status < 500 or response.status == 501, response
    assert response.xml().findtext(".//Code"), response
    assert response.xml().findtext(".//Message"), response
    assert [user["UserName"] for user in iam.list_users()["Users"]] == before


# SPEC: AWS query protocol / errors are ErrorResponse documents with type, code and request id
def test_error_document_is_complete(iam, name):
    with pytest.raises(ClientError) as caught:
        iam.delete_user(UserName=name)

    response = caught.value.response
    assert response["Error"]["Type"] == "Sender"
    assert response["Error"]["Code"] == "NoSuchEntity"
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["RequestId"]


# SPEC: IAM ListUsers / MaxItems and Marker: each user on exactly one page
def test_user_pages_show_each_user_once(iam):
    stem = f"page-{secrets.token_hex(3)}"
    names = [f"{stem}-{number}" for number in range(5)]
    for user in names:
        iam.create_user(UserName=user)
    try:
        pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
        shown = [user["UserName"] for page in pages for user in page["Users"]]
    finally:
        for user in names:
            iam.delete_user(UserName=user)

    assert sorted(set(shown)) == sorted(shown)
    assert [user for user in shown if user.startswith(stem)] == names
