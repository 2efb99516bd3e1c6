/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to iam/: one verified call with its parameters, and the XML that answers it.  Lives in
 * the exchange's arena.
 */
#ifndef IAM_IAM_CALL_H
#define IAM_IAM_CALL_H

#include "auth/credential_store.h"
#include "auth/principal.h"
#include "base/arena.h"

/* Parameters of one form; the operations have at most a handful. */
#define IAM_PARAMETER_COUNT_MAX 128

struct iam_parameter {
    struct bytes name;
    struct bytes value;
};

struct iam_call {
    struct credential_store *credentials;
    const struct principal *principal;
    struct arena *arena;
    struct iam_parameter parameters[IAM_PARAMETER_COUNT_MAX];
    size_t parameter_count;
    struct buffer result; /* what stands inside <ActionResult> */
};

/* ST_INVALID (MalformedQueryString): broken escapes, a name twice, too many. */
MUST_USE enum status iam_call_parse(struct iam_call *call, struct bytes body, struct error *err);
/* data NULL: it was not sent. */
struct bytes iam_call_parameter(const struct iam_call *call, const char *name);
/* Options that other servers of this API know and that we would silently ignore: 501. */
MUST_USE enum status iam_call_refuse(const struct iam_call *call, const char *prefix,
                                     struct error *err);
/* *ret_user: parameter UserName, else the caller.  ST_DENIED unless the caller is root or that user
 * itself and may_self. */
MUST_USE enum status iam_call_user(const struct iam_call *call, const char *action, bool may_self,
                                   struct bytes *ret_user, struct error *err);
/* Marker and MaxItems. */
MUST_USE enum status iam_call_page(const struct iam_call *call, struct bytes *ret_marker,
                                   size_t *ret_count_max, struct error *err);
void iam_call_date(struct iam_call *call, const char *element, int64_t time_s);

struct iam_operation {
    const char *action;
    const char *log_name;
    enum status (*run)(struct iam_call *call, struct error *err);
};

enum status iam_create_user(struct iam_call *call, struct error *err);
enum status iam_get_user(struct iam_call *call, struct error *err);
enum status iam_list_users(struct iam_call *call, struct error *err);
enum status iam_delete_user(struct iam_call *call, struct error *err);
enum status iam_create_access_key(struct iam_call *call, struct error *err);
enum status iam_list_access_keys(struct iam_call *call, struct error *err);
enum status iam_delete_access_key(struct iam_call *call, struct error *err);

#endif
