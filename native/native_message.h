/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Action messages: {"action": "...", "name": "...", "value": ...}, every member optional, keys
 * found without regard to case, as AIStore's servers do and its SDK relies on.  Any thread.
 * SPEC: AIStore api/apc/actmsg.go; cmn/cos/json.go.
 */
#ifndef NATIVE_NATIVE_MESSAGE_H
#define NATIVE_NATIVE_MESSAGE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/bytes.h"

struct native_message {
    json_t *root; /* owned; NULL: an empty body */
    struct bytes action;
    struct bytes name;
    const json_t *value; /* in root; NULL: none, or null */
};

/* Views point into root. ST_INVALID. */
MUST_USE enum status native_message_parse(struct bytes body, struct native_message *ret_message,
                                          struct error *err);
void native_message_release(struct native_message *message);

/* Member of an object, case ignored, exact case first; NULL: none, null, or no object. */
const json_t *native_json_get(const json_t *object, const char *name);
/* A string's bytes; BYTES_NONE: it is none. */
struct bytes native_json_text(const json_t *object, const char *name);
bool native_json_bool(const json_t *object, const char *name);
/* A number, or a string of digits; otherwise (or absent) fallback. */
int64_t native_json_number(const json_t *object, const char *name, int64_t fallback);

#endif
