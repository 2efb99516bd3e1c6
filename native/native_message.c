/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_message.h"

#include <strings.h>

#include "base/banned.h"

const json_t *
native_json_get(const json_t *object, const char *name)
{
    const json_t *found = json_object_get(object, name);
    const char *key;
    json_t *value;

    if (found == NULL && json_is_object(object)) {
        json_object_foreach((json_t *)object, key, value)
        {
            if (strcasecmp(key, name) == 0) {
                found = value;
                break;
            }
        }
    }
    return json_is_null(found) ? NULL : found;
}

struct bytes
native_json_text(const json_t *object, const char *name)
{
    const json_t *value = native_json_get(object, name);

    return json_is_string(value) ? bytes_of(json_string_value(value), json_string_length(value))
                                 : BYTES_NONE;
}

bool
native_json_bool(const json_t *object, const char *name)
{
    return json_is_true(native_json_get(object, name));
}

int64_t
native_json_number(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *value = native_json_get(object, name);
    uint64_t number;

    if (json_is_integer(value)) {
        return json_integer_value(value);
    }
    if (json_is_string(value) &&
        bytes_parse_u64(bytes_of(json_string_value(value), json_string_length(value)), INT64_MAX,
                        &number) == ST_OK) {
        return (int64_t)number;
    }
    return fallback;
}

enum status
native_message_parse(struct bytes body, struct native_message *ret_message, struct error *err)
{
    struct native_message message = {.root = NULL};
    json_error_t where;

    if (bytes_trim(body).size > 0) {
        message.root = json_loadb(body.data, body.size, JSON_ALLOW_NUL, &where);
        if (message.root == NULL) {
            return fail(err, ST_INVALID, "failed to unmarshal the action message: %s", where.text);
        }
        if (!json_is_object(message.root)) {
            json_decref(message.root);
            return fail(err, ST_INVALID, "the body is no JSON object");
        }
    }
    message.action = native_json_text(message.root, "action");
    message.name = native_json_text(message.root, "name");
    message.value = native_json_get(message.root, "value");
    *ret_message = message;
    return ST_OK;
}

void
native_message_release(struct native_message *message)
{
    json_decref(message->root);
    *message = (struct native_message){.root = NULL};
}
