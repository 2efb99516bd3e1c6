/* SPDX-License-Identifier: Apache-2.0 */
/* SPEC: IAM CreateUser, GetUser, ListUsers, DeleteUser.  Only root administers users. */
#include "base/xml_writer.h"
#include "iam/iam_call.h"

#include "base/banned.h"

static void
append_user(struct iam_call *call, struct bytes name, const struct user *user)
{
    bool is_root = user == NULL;

    xml_element_string(&call->result, "Path", "/");
    xml_element(&call->result, "UserName", name);
    xml_element(&call->result, "UserId", name);
    xml_element(&call->result, "Arn",
                arena_printf_bytes(call->arena, "arn:aws:iam::000000000000:%s%.*s",
                                   is_root ? "" : "user/", BYTES_ARGS(name)));
    if (!is_root) {
        iam_call_date(call, "CreateDate", user->created_s);
    }
}

static enum status
required(struct bytes value, const char *name, struct error *err)
{
    return value.size > 0 ? ST_OK
                          : fail_as(err, ST_INVALID, "ValidationError",
                                    "1 validation error detected: Value at '%s' failed to satisfy "
                                    "constraint: Member must not be null",
                                    name);
}

enum status
iam_create_user(struct iam_call *call, struct error *err)
{
    struct bytes path = iam_call_parameter(call, "Path");
    struct bytes name;
    struct user user;
    enum status st = iam_call_user(call, "CreateUser", false, &name, err);

    if (st == ST_OK) {
        st = required(iam_call_parameter(call, "UserName"), "userName", err);
    }
    if (st == ST_OK) {
        st = iam_call_refuse(call, "Tags", err);
    }
    if (st == ST_OK) {
        st = iam_call_refuse(call, "PermissionsBoundary", err);
    }
    if (st == ST_OK && path.data != NULL && !bytes_equal_string(path, "/")) {
        st = fail_as(err, ST_NOT_IMPLEMENTED, "NotImplemented",
                     "A Path other than / is not implemented.");
    }
    if (st == ST_OK) {
        st = user_create(call->credentials, name, &user, call->arena, err);
    }
    if (st == ST_OK) {
        xml_open(&call->result, "User");
        append_user(call, user.name, &user);
        xml_close(&call->result, "User");
    }
    return st;
}

enum status
iam_get_user(struct iam_call *call, struct error *err)
{
    struct bytes name;
    struct user user = {0};
    bool is_root;
    enum status st = iam_call_user(call, "GetUser", true, &name, err);

    if (st != ST_OK) {
        return st;
    }
    is_root =
        principal_is_root(call->principal) && bytes_equal(name, principal_user(call->principal));
    if (!is_root) {
        st = user_get(call->credentials, name, call->arena, &user, err);
    }
    if (st == ST_OK) {
        xml_open(&call->result, "User");
        append_user(call, name, is_root ? NULL : &user);
        xml_close(&call->result, "User");
    }
    return st;
}

enum status
iam_list_users(struct iam_call *call, struct error *err)
{
    struct bytes prefix = iam_call_parameter(call, "PathPrefix");
    struct bytes ignored;
    struct bytes marker;
    struct user *users = NULL;
    size_t count = 0;
    size_t count_max = 0;
    size_t i = 0;
    size_t end;
    enum status st = iam_call_user(call, "ListUsers", false, &ignored, err);

    if (st == ST_OK) {
        st = iam_call_page(call, &marker, &count_max, err);
    }
    if (st == ST_OK) {
        st = user_list(call->credentials, call->arena, &users, &count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (prefix.data != NULL && !bytes_equal_string(prefix, "/")) {
        count = 0; /* every user's path is / */
    }
    while (i < count && marker.data != NULL && bytes_compare(users[i].name, marker) <= 0) {
        i++;
    }
    end = count - i > count_max ? i + count_max : count;
    xml_open(&call->result, "Users");
    for (; i < end; i++) {
        xml_open(&call->result, "member");
        append_user(call, users[i].name, &users[i]);
        xml_close(&call->result, "member");
    }
    xml_close(&call->result, "Users");
    xml_element_bool(&call->result, "IsTruncated", end < count);
    if (end < count) {
        xml_element(&call->result, "Marker", users[end - 1].name);
    }
    return ST_OK;
}

enum status
iam_delete_user(struct iam_call *call, struct error *err)
{
    struct bytes name;
    enum status st = iam_call_user(call, "DeleteUser", false, &name, err);

    if (st == ST_OK) {
        st = required(iam_call_parameter(call, "UserName"), "userName", err);
    }
    return st != ST_OK ? st : user_delete(call->credentials, name, err);
}
