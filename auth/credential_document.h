/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to auth/: the JSON documents behind "user/<name>" and "key/<access key>".
 */
#ifndef AUTH_CREDENTIAL_DOCUMENT_H
#define AUTH_CREDENTIAL_DOCUMENT_H

#include "base/arena.h"
#include "base/bytes.h"

struct credential_document {
    void *json;
    struct bytes user;   /* of a key; view until release */
    struct bytes secret; /* of a key; view until release */
    int64_t created_s;
};

/* False: not of a known form; nothing to release then. */
bool credential_document_read(struct bytes text, bool is_key,
                              struct credential_document *ret_document);
void credential_document_release(struct credential_document *document);

/* user and secret without data: a user's document.  They hold neither quotes nor backslashes. */
void credential_document_write(struct buffer *out, int64_t created_s, struct bytes user,
                               struct bytes secret);

/* prefix and name as the key of a control value. */
struct bytes credential_document_key(struct arena *arena, const char *prefix, struct bytes name);

#endif
