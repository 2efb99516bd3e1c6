/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to auth/ (tools and tests watch over that): what a principal is.  Only authenticate.c
 * makes one for a request, after the signature was found right, and authenticate_vouch.c, after
 * that of the gateway which authenticated it.
 */
#ifndef AUTH_PRINCIPAL_PRIVATE_H
#define AUTH_PRINCIPAL_PRIVATE_H

#include "auth/principal.h"

struct principal {
    bool is_root;
    bool is_anonymous; /* root's rights on buckets and objects only */
    struct bytes user;
    struct bytes access_key;
};

#endif
