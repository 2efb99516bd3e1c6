/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/authorize.h"

#include "base/check.h"

#include "base/banned.h"

static const char *const NAMES[] = {
#define ACTION_ROW(name, text) text,
    ACTION_LIST(ACTION_ROW)
#undef ACTION_ROW
};

const char *
action_name(enum action action)
{
    CHECK(action < ACTION_COUNT);
    return NAMES[action];
}

static bool
is_allowed(const struct authorize_facts *facts)
{
    struct bytes user = principal_user(facts->principal);

    if (principal_is_anonymous(facts->principal)) {
        return facts->action != ACTION_ADMINISTER_USERS && facts->action != ACTION_ADMINISTER_NODE;
    }
    if (principal_is_root(facts->principal)) {
        return true;
    }
    switch (facts->action) {
    case ACTION_LIST_ALL_MY_BUCKETS: /* the list holds the caller's own buckets only */
    case ACTION_CREATE_BUCKET:
        return true;
    case ACTION_DELETE_BUCKET:
    case ACTION_LIST_BUCKET:
    case ACTION_GET_BUCKET_LOCATION:
    case ACTION_GET_BUCKET_CONFIGURATION:
    case ACTION_PUT_BUCKET_CONFIGURATION:
    case ACTION_LIST_BUCKET_VERSIONS:
    case ACTION_LIST_BUCKET_UPLOADS:
    case ACTION_GET_OBJECT:
    case ACTION_PUT_OBJECT:
    case ACTION_DELETE_OBJECT:
    case ACTION_GET_OBJECT_ATTRIBUTES:
    case ACTION_ABORT_UPLOAD:
    case ACTION_LIST_PARTS:
        return user.size > 0 && bytes_equal(facts->bucket_owner, user);
    case ACTION_ADMINISTER_USERS:
    case ACTION_ADMINISTER_NODE:
    case ACTION_COUNT:
        break;
    }
    return false;
}

enum status
authorize(const struct authorize_facts *facts, struct error *err)
{
    const char *name = action_name(facts->action);

    CHECK(facts->principal != NULL);
    if (is_allowed(facts)) {
        return ST_OK;
    }
    return fail(err, ST_DENIED, "User %.*s is not authorized to perform: %s",
                BYTES_ARGS(principal_user(facts->principal)), name);
}
