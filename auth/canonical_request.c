/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/canonical_request.h"

#include <stdlib.h>

#include "base/encode.h"

#include "base/banned.h"

struct parameter {
    struct bytes name;
    struct bytes value;
};

static enum status
encode_again(struct bytes text, bool is_path, struct arena *arena, struct bytes *ret_text,
             struct error *err)
{
    struct buffer decoded = BUFFER_INIT;
    struct buffer encoded = BUFFER_INIT;
    enum status st = decode_uri(text, !is_path, &decoded);

    if (st == ST_OK) {
        encode_uri(buffer_bytes(&decoded), is_path, &encoded);
        *ret_text = arena_copy(arena, buffer_bytes(&encoded));
    } else {
        st = fail(err, ST_INVALID, "an escape in the request's path or query is broken");
    }
    buffer_release(&decoded);
    buffer_release(&encoded);
    return st;
}

static int
compare_parameters(const void *a, const void *b)
{
    const struct parameter *first = a;
    const struct parameter *second = b;
    int order = bytes_compare(first->name, second->name);

    return order != 0 ? order : bytes_compare(first->value, second->value);
}

/* Insertion for the usual handful, which mostly comes sorted; qsort allocates and is slower. */
#define INSERTION_COUNT_MAX 16

static void
sort_parameters(struct parameter *parameters, size_t count)
{
    if (count > INSERTION_COUNT_MAX) {
        qsort(parameters, count, sizeof(*parameters), compare_parameters);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct parameter moved = parameters[i];
        size_t place = i;

        for (; place > 0 && compare_parameters(&parameters[place - 1], &moved) > 0; place--) {
            parameters[place] = parameters[place - 1];
        }
        parameters[place] = moved;
    }
}

static enum status
parse_query(const struct canonical_request *request, struct arena *arena,
            struct parameter **ret_parameters, size_t *ret_count, struct error *err)
{
    struct bytes rest = request->query;
    struct parameter *parameters;
    size_t count = 1;

    for (size_t i = 0; i < rest.size; i++) {
        count += rest.data[i] == '&';
    }
    parameters = arena_alloc(arena, count * sizeof(*parameters));
    count = 0;
    for (bool is_last = rest.size == 0; !is_last;) {
        size_t end = bytes_find_char(rest, 0, '&');
        struct bytes value = bytes_cut(&rest, '&');
        struct bytes name = bytes_cut(&value, '=');
        enum status st = ST_OK;

        is_last = end == SIZE_MAX;
        if (bytes_equal_string(name, CANONICAL_LEFT_OUT)) {
            continue;
        }
        if (request->form == CANONICAL_ENCODED_AGAIN) {
            if (name.size == 0 && value.size == 0) {
                continue;
            }
            st = encode_again(name, false, arena, &name, err);
            if (st == ST_OK) {
                st = encode_again(value, false, arena, &value, err);
            }
        }
        if (st != ST_OK) {
            return st;
        }
        parameters[count++] = (struct parameter){name, value};
    }
    sort_parameters(parameters, count);
    *ret_parameters = parameters;
    *ret_count = count;
    return ST_OK;
}

static enum status
append_query(const struct canonical_request *request, struct arena *arena, struct buffer *out,
             struct error *err)
{
    struct parameter *parameters = NULL;
    size_t count = 0;
    enum status st = parse_query(request, arena, &parameters, &count, err);

    for (size_t i = 0; st == ST_OK && i < count; i++) {
        if (i > 0) {
            buffer_append_char(out, '&');
        }
        buffer_append_bytes(out, parameters[i].name);
        buffer_append_char(out, '=');
        buffer_append_bytes(out, parameters[i].value);
    }
    return st;
}

/* Without space at the ends, and each run of spaces as one. */
static void
append_header_value(struct buffer *out, struct bytes value)
{
    char *to;
    size_t size = 0;

    value = bytes_trim(value);
    to = buffer_reserve(out, value.size + 1);
    for (size_t i = 0; i < value.size; i++) {
        bool is_space = value.data[i] == ' ' || value.data[i] == '\t';

        if (!is_space) {
            to[size++] = value.data[i];
        } else if (to[size - 1] != ' ') { /* the first is no space: size is not 0 */
            to[size++] = ' ';
        }
    }
    out->size += size;
}

static enum status
append_header(const struct canonical_request *request, struct bytes name, struct buffer *out,
              struct error *err)
{
    bool is_found = false;

    buffer_append_bytes(out, name);
    buffer_append_char(out, ':');
    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_equal(request->headers[i].name, name)) {
            if (is_found) {
                buffer_append_char(out, ',');
            }
            append_header_value(out, request->headers[i].value);
            is_found = true;
        }
    }
    buffer_append_char(out, '\n');
    return is_found ? ST_OK
                    : fail(err, ST_INVALID, "the signed header %.*s was not sent",
                           (int)(name.size < 64 ? name.size : 64), name.data);
}

enum status
canonical_request_append(const struct canonical_request *request, struct arena *arena,
                         struct buffer *out, struct error *err)
{
    struct bytes names = request->signed_headers;
    struct bytes path = request->path;
    enum status st = ST_OK;

    if (request->form == CANONICAL_ENCODED_AGAIN) {
        st = encode_again(path, true, arena, &path, err);
    }
    buffer_append_bytes(out, request->method);
    buffer_append_char(out, '\n');
    buffer_append_bytes(out, path);
    buffer_append_char(out, '\n');
    if (st == ST_OK) {
        st = append_query(request, arena, out, err);
    }
    buffer_append_char(out, '\n');
    while (st == ST_OK && names.size > 0) {
        st = append_header(request, bytes_cut(&names, ';'), out, err);
    }
    buffer_append_char(out, '\n');
    buffer_append_bytes(out, request->signed_headers);
    buffer_append_char(out, '\n');
    buffer_append_bytes(out, request->payload_line);
    return st;
}

bool
canonical_request_is_signed(struct bytes signed_headers, struct bytes name)
{
    while (signed_headers.size > 0) {
        if (bytes_equal(bytes_cut(&signed_headers, ';'), name)) {
            return true;
        }
    }
    return false;
}
