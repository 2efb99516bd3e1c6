/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_query.h"

#include <inttypes.h>

#include "base/encode.h"

#include "base/banned.h"

static bool
has_escape(struct bytes text, bool plus_is_space)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '%' || (plus_is_space && text.data[i] == '+')) {
            return true;
        }
    }
    return false;
}

/* In place of base's decode_uri, which needs a buffer: this is on the way of every request. */
static enum status
decode_escapes(struct bytes text, bool plus_is_space, char *out, size_t *ret_size)
{
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (c == '%') {
            if (text.size - i < 3 || decode_hex(bytes_slice(text, i + 1, i + 3), &c) != ST_OK) {
                return ST_INVALID;
            }
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[size++] = c;
    }
    *ret_size = size;
    return ST_OK;
}

enum status
s3_decode(struct bytes text, bool plus_is_space, struct arena *arena, struct bytes *ret_text,
          struct error *err)
{
    struct bytes decoded = text;

    if (has_escape(text, plus_is_space)) {
        char *out = arena_alloc(arena, text.size);

        if (decode_escapes(text, plus_is_space, out, &decoded.size) != ST_OK) {
            return fail_as(err, ST_INVALID, "InvalidURI",
                           "The URI has a broken percent-escape (%% and two hex digits).");
        }
        decoded.data = out;
    }
    if (decoded.size != 0 && memchr(decoded.data, '\0', decoded.size) != NULL) {
        return fail_as(err, ST_INVALID, "InvalidURI", "The URI contains a NUL byte.");
    }
    if (!bytes_is_utf8(decoded)) {
        return fail_as(err, ST_INVALID, "InvalidURI",
                       "The URI is not UTF-8 after percent-decoding.");
    }
    *ret_text = decoded;
    return ST_OK;
}

/* A path that cannot be decoded is an InvalidURI; a parameter is an argument. */
static enum status
decode_part(struct bytes text, struct arena *arena, struct bytes *ret_text, struct error *err)
{
    enum status st = s3_decode(text, true, arena, ret_text, err);

    if (st != ST_OK && err != NULL) {
        err->dialect_code = "InvalidArgument";
    }
    return st;
}

static enum status
parse_parameter(struct bytes text, struct arena *arena, struct s3_parameter *ret_parameter,
                struct error *err)
{
    struct s3_parameter parameter = {.value = bytes_of(text.data, 0)};
    enum status st = decode_part(bytes_cut(&text, '='), arena, &parameter.name, err);

    if (st == ST_OK && text.size != 0) {
        parameter.has_value = true;
        st = decode_part(text, arena, &parameter.value, err);
    }
    if (st == ST_OK) {
        *ret_parameter = parameter;
    }
    return st;
}

enum status
s3_query_parse(struct bytes query, struct arena *arena, struct s3_query *ret_query,
               struct error *err)
{
    struct s3_query parsed = {NULL, 0};
    size_t capacity = 0;

    if (query.size == 0) {
        *ret_query = parsed;
        return ST_OK;
    }
    for (size_t at = 0; at != SIZE_MAX; at = bytes_find_char(query, at + 1, '&')) {
        capacity++;
    }
    if (capacity > S3_QUERY_PARAMETERS_MAX) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "The query has %zu parameters; at most %d are accepted.", capacity,
                       S3_QUERY_PARAMETERS_MAX);
    }
    parsed.parameters = arena_alloc(arena, (capacity + 1) * sizeof(*parsed.parameters));
    while (query.size != 0) {
        struct bytes text = bytes_cut(&query, '&');
        enum status st;

        if (text.size == 0) {
            continue;
        }
        st = parse_parameter(text, arena, &parsed.parameters[parsed.count], err);
        if (st != ST_OK) {
            return st;
        }
        parsed.count++;
    }
    *ret_query = parsed;
    return ST_OK;
}

const struct s3_parameter *
s3_query_find(const struct s3_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (bytes_equal_string(query->parameters[i].name, name)) {
            return &query->parameters[i];
        }
    }
    return NULL;
}

struct bytes
s3_query_value(const struct s3_query *query, const char *name)
{
    const struct s3_parameter *parameter = s3_query_find(query, name);

    if (parameter == NULL) {
        return BYTES_NONE;
    }
    return parameter->value.data != NULL ? parameter->value : BYTES_LITERAL("");
}

enum status
s3_query_u64(const struct s3_query *query, const char *name, uint64_t min, uint64_t max,
             uint64_t *ret_value, struct error *err)
{
    const struct s3_parameter *parameter = s3_query_find(query, name);
    uint64_t value;

    if (parameter == NULL) {
        return ST_OK;
    }
    if (bytes_parse_u64(parameter->value, max, &value) != ST_OK || value < min) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "The parameter %s must be an integer from %" PRIu64 " to %" PRIu64 ".", name,
                       min, max);
    }
    *ret_value = value;
    return ST_OK;
}
