/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/principal.h"

#include "auth/principal_private.h"

#include "base/banned.h"

bool
principal_is_root(const struct principal *principal)
{
    return principal->is_root;
}

bool
principal_is_anonymous(const struct principal *principal)
{
    return principal->is_anonymous;
}

struct bytes
principal_user(const struct principal *principal)
{
    return principal->user;
}

struct bytes
principal_display_name(const struct principal *principal)
{
    return principal->user;
}

struct bytes
principal_access_key(const struct principal *principal)
{
    return principal->access_key;
}

const struct principal *
principal_of_root(void)
{
    static const struct principal ROOT = {
        .is_root = true, .user = {"root", 4}, .access_key = {"", 0}};

    return &ROOT;
}
