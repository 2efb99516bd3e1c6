/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/authorize.h"

#include "auth/principal_private.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static enum status
ask(const struct principal *principal, enum action action, const char *owner, struct error *err)
{
    struct authorize_facts facts = {.principal = principal,
                                    .action = action,
                                    .bucket = BYTES_LITERAL("bucket"),
                                    .bucket_owner = bytes_of_string(owner)};

    return authorize(&facts, err);
}

/* Every action in one table, so that a new one is decided here too: sibling operations that were
 * forgotten are the most common authorization fault of this kind of server. */
TEST(every_action_is_decided_for_owner_stranger_and_root)
{
    static const struct principal ALICE = {.user = {"alice", 5}};
    struct error err = ERROR_INIT;

    for (enum action action = 0; action < ACTION_COUNT; action++) {
        bool is_free = action == ACTION_LIST_ALL_MY_BUCKETS || action == ACTION_CREATE_BUCKET;
        bool is_admin = action == ACTION_ADMINISTER_USERS || action == ACTION_ADMINISTER_NODE;

        EXPECT_STATUS(ST_OK, ask(principal_of_root(), action, "alice", &err));
        EXPECT_STATUS(is_admin ? ST_DENIED : ST_OK, ask(&ALICE, action, "alice", &err));
        EXPECT_STATUS(is_free ? ST_OK : ST_DENIED, ask(&ALICE, action, "bob", &err));
        EXPECT_STATUS(is_free ? ST_OK : ST_DENIED, ask(&ALICE, action, "alice2", &err));
        EXPECT_STATUS(is_free ? ST_OK : ST_DENIED, ask(&ALICE, action, "", &err));
    }
    EXPECT_STATUS(ST_DENIED, ask(&ALICE, ACTION_GET_OBJECT, "bob", &err));
    EXPECT_STRING("User alice is not authorized to perform: s3:GetObject", err.text);
}

/* A principal without a name owns nothing, not even what has no owner. */
TEST(nobody_owns_nothing)
{
    static const struct principal NOBODY = {.is_root = false};

    EXPECT_STATUS(ST_DENIED, ask(&NOBODY, ACTION_GET_OBJECT, "", NULL));
}

TEST(actions_have_the_names_of_policies)
{
    EXPECT_STRING("s3:PutObject", action_name(ACTION_PUT_OBJECT));
    EXPECT_STRING("lode:Administer", action_name(ACTION_ADMINISTER_NODE));
}
