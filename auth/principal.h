/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a request comes from, verified.  The struct is private to auth/: the only way to get one is
 * authenticate() (or principal_of_root, for the programs themselves), and no operation of object/
 * can be called without one, so a route that forgets to authenticate does not compile.
 */
#ifndef AUTH_PRINCIPAL_H
#define AUTH_PRINCIPAL_H

#include "base/bytes.h"

struct principal;

bool principal_is_root(const struct principal *principal);
/* Nobody signed; allowed by the operator (authenticate_native_anonymous). */
bool principal_is_anonymous(const struct principal *principal);
/* Id of the user that owns what this principal creates; root's is "root". */
struct bytes principal_user(const struct principal *principal);
struct bytes principal_display_name(const struct principal *principal);
struct bytes principal_access_key(const struct principal *principal);

/* For jobs and commands of the program itself, never for a request. */
const struct principal *principal_of_root(void);

#endif
