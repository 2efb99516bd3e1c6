/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPEC: IAM CreateAccessKey, ListAccessKeys, DeleteAccessKey.  Root administers all keys but its
 * own, which are the program's configuration; a user its own.
 */
#include "base/memory.h"
#include "base/xml_writer.h"
#include "iam/iam_call.h"

#include "base/banned.h"

static bool
is_root_itself(const struct iam_call *call, struct bytes user)
{
    return principal_is_root(call->principal) && bytes_equal(user, principal_user(call->principal));
}

enum status
iam_create_access_key(struct iam_call *call, struct error *err)
{
    struct bytes user;
    struct bytes secret;
    struct access_key key;
    enum status st = iam_call_user(call, "CreateAccessKey", true, &user, err);

    if (st == ST_OK && is_root_itself(call, user)) {
        st = fail_as(err, ST_INVALID, "ValidationError",
                     "The keys of root are set by configuration; name a user in UserName.");
    }
    if (st == ST_OK) {
        st = access_key_create(call->credentials, user, call->arena, &key, &secret, err);
    }
    if (st != ST_OK) {
        return st;
    }
    /* The secret is in this buffer once; room for all of it, so that no copy is left behind. */
    buffer_reserve(&call->result, 4096);
    xml_open(&call->result, "AccessKey");
    xml_element(&call->result, "UserName", key.user);
    xml_element(&call->result, "AccessKeyId", key.access_key);
    xml_element_string(&call->result, "Status", "Active");
    xml_element(&call->result, "SecretAccessKey", secret);
    iam_call_date(call, "CreateDate", key.created_s);
    xml_close(&call->result, "AccessKey");
    memory_wipe((char *)(uintptr_t)secret.data, secret.size);
    return ST_OK;
}

static void
append_metadata(struct iam_call *call, const struct access_key *key)
{
    xml_open(&call->result, "member");
    xml_element(&call->result, "UserName", key->user);
    xml_element(&call->result, "AccessKeyId", key->access_key);
    xml_element_string(&call->result, "Status", "Active");
    if (key->created_s > 0) {
        iam_call_date(call, "CreateDate", key->created_s);
    }
    xml_close(&call->result, "member");
}

enum status
iam_list_access_keys(struct iam_call *call, struct error *err)
{
    struct access_key of_root = {.access_key = principal_access_key(call->principal),
                                 .user = principal_user(call->principal)};
    struct access_key *keys = &of_root;
    struct bytes user;
    struct bytes marker;
    size_t count = 1;
    size_t count_max = 0;
    size_t i = 0;
    size_t end;
    enum status st = iam_call_user(call, "ListAccessKeys", true, &user, err);

    if (st == ST_OK) {
        st = iam_call_page(call, &marker, &count_max, err);
    }
    if (st == ST_OK && !is_root_itself(call, user)) {
        st = access_key_list(call->credentials, user, call->arena, &keys, &count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    while (i < count && marker.data != NULL && bytes_compare(keys[i].access_key, marker) <= 0) {
        i++;
    }
    end = count - i > count_max ? i + count_max : count;
    xml_element(&call->result, "UserName", user);
    xml_open(&call->result, "AccessKeyMetadata");
    for (; i < end; i++) {
        append_metadata(call, &keys[i]);
    }
    xml_close(&call->result, "AccessKeyMetadata");
    xml_element_bool(&call->result, "IsTruncated", end < count);
    if (end < count) {
        xml_element(&call->result, "Marker", keys[end - 1].access_key);
    }
    return ST_OK;
}

enum status
iam_delete_access_key(struct iam_call *call, struct error *err)
{
    struct bytes access_key = iam_call_parameter(call, "AccessKeyId");
    struct bytes user;
    enum status st = iam_call_user(call, "DeleteAccessKey", true, &user, err);

    if (st == ST_OK && access_key.size == 0) {
        st = fail_as(err, ST_INVALID, "ValidationError",
                     "1 validation error detected: Value at 'accessKeyId' failed to satisfy "
                     "constraint: Member must not be null");
    }
    return st != ST_OK ? st : access_key_delete(call->credentials, user, access_key, err);
}
