/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_query.h"

#include "base/check.h"
#include "base/encode.h"

#include "base/banned.h"

enum status
native_decode(struct bytes text, bool plus_is_space, struct arena *arena, struct bytes *ret_text,
              struct error *err)
{
    struct buffer decoded = BUFFER_INIT;
    enum status st = decode_uri(text, plus_is_space, &decoded);

    if (st == ST_OK) {
        *ret_text = arena_copy(arena, buffer_bytes(&decoded));
    } else {
        st = fail(err, ST_INVALID, "the URL has a broken percent escape");
    }
    buffer_release(&decoded);
    return st;
}

enum status
native_query_parse(struct bytes text, struct arena *arena, struct native_query *ret_query,
                   struct error *err)
{
    struct native_query query = {
        .parameters = arena_alloc(arena, NATIVE_QUERY_COUNT_MAX * sizeof(*query.parameters))};

    while (text.size > 0) {
        struct bytes value = bytes_cut(&text, '&');
        struct bytes name = bytes_cut(&value, '=');
        struct native_parameter *parameter = &query.parameters[query.count];
        enum status st;

        if (name.size == 0) {
            continue;
        }
        if (query.count == NATIVE_QUERY_COUNT_MAX) {
            return fail(err, ST_INVALID, "the query has more than %d parameters",
                        NATIVE_QUERY_COUNT_MAX);
        }
        st = native_decode(name, true, arena, &parameter->name, err);
        if (st == ST_OK) {
            st = native_decode(value, true, arena, &parameter->value, err);
        }
        if (st != ST_OK) {
            return st;
        }
        query.count++;
    }
    *ret_query = query;
    return ST_OK;
}

struct bytes
native_query_get(const struct native_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (bytes_equal_string(query->parameters[i].name, name)) {
            struct bytes value = query->parameters[i].value;

            return value.data != NULL ? value : BYTES_LITERAL("");
        }
    }
    return BYTES_NONE;
}

bool
native_is_true(struct bytes text)
{
    static const char *const WORDS[] = {"1", "t", "true", "y", "yes", "on"};

    for (size_t i = 0; i < ARRAY_COUNT(WORDS); i++) {
        if (bytes_equal_ignore_case(text, WORDS[i])) {
            return true;
        }
    }
    return false;
}

bool
native_query_is_true(const struct native_query *query, const char *name)
{
    return native_is_true(native_query_get(query, name));
}
