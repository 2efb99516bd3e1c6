/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   method LF  Content-MD5 LF  Content-Type LF  Expires LF
 *   name:value LF       of each x-amz-* header, by name
 *   /bucket/key         as it was sent, also where Host names the bucket
 *   ?name=value&...     of the parameters that are signed, by name, values decoded
 *
 * A value is decoded as the dialects decode it.  Values that hold '&' make the last line ambiguous:
 * that is the format's weakness, and why only S3's own list is in it (docs/decisions/005).
 */
#include "auth/sigv2_query.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/encode.h"

#include "base/banned.h"

#define AMZ_PREFIX BYTES_LITERAL("x-amz-")

/* SPEC: S3 / the sub-resources and overrides of CanonicalizedResource, as the SDKs have them. */
static const char *const SIGNED_NAMES[] = {
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
};

struct pair {
    struct bytes name;
    struct bytes value;
    bool has_value; /* parameters: a '=' was sent */
};

struct pairs {
    struct pair *items;
    size_t count;
};

bool
sigv2_query_signs(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(SIGNED_NAMES); i++) {
        if (bytes_equal_string(name, SIGNED_NAMES[i])) {
            return true;
        }
    }
    return false;
}

static enum status
decode(struct bytes text, struct arena *arena, struct bytes *ret_text, struct error *err)
{
    struct buffer decoded = BUFFER_INIT;
    enum status st = decode_uri(text, true, &decoded);

    if (st == ST_OK) {
        *ret_text = arena_copy(arena, buffer_bytes(&decoded));
    } else {
        st = fail_as(err, ST_INVALID, "InvalidArgument",
                     "The query has a broken percent-escape (%% and two hex digits).");
    }
    buffer_release(&decoded);
    return st;
}

/* Cut the next parameter off *rest, name and value decoded. */
static enum status
next_parameter(struct bytes *rest, struct arena *arena, struct pair *ret_pair, struct error *err)
{
    struct bytes value = bytes_cut(rest, '&');
    struct pair pair = {.has_value = bytes_find_char(value, 0, '=') != SIZE_MAX,
                        .value = BYTES_LITERAL("")};
    enum status st = decode(bytes_cut(&value, '='), arena, &pair.name, err);

    if (st == ST_OK && pair.has_value) {
        st = decode(value, arena, &pair.value, err);
    }
    if (st == ST_OK) {
        *ret_pair = pair;
    }
    return st;
}

static size_t
parameter_count_max(struct bytes query)
{
    size_t count = 1;

    for (size_t i = 0; i < query.size; i++) {
        count += query.data[i] == '&';
    }
    return count;
}

bool
sigv2_query_is_present(struct bytes query)
{
    while (query.size > 0) {
        struct bytes value = bytes_cut(&query, '&');
        struct bytes name = bytes_cut(&value, '=');

        if (bytes_equal_string(name, "AWSAccessKeyId") || bytes_equal_string(name, "Signature")) {
            return true;
        }
    }
    return false;
}

/* ---- parameters that are headers ---- */

/* Lower case, as net/ hands names over. */
static bool
is_header_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (c <= ' ' || c >= 0x7F || c == ':' || (c >= 'A' && c <= 'Z')) {
            return false;
        }
    }
    return true;
}

static bool
is_header_value(struct bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        if ((unsigned char)value.data[i] < ' ' || value.data[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

static enum status
add_header(const struct http_request *request, const struct pair *pair, struct http_header *headers,
           size_t *count, struct error *err)
{
    int shown = (int)(pair->name.size < 64 ? pair->name.size : 64);
    struct bytes value = bytes_trim(pair->value);
    bool is_sent = false;

    if (!is_header_name(pair->name) || !is_header_value(value)) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "A parameter that begins with x-amz- cannot be a header.");
    }
    if (*count - request->header_count == SIGV2_HEADER_PARAMETER_COUNT_MAX) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "More than %d parameters begin with x-amz-.",
                       SIGV2_HEADER_PARAMETER_COUNT_MAX);
    }
    for (size_t i = 0; i < *count; i++) {
        if (!bytes_equal(headers[i].name, pair->name)) {
            continue;
        }
        if (i >= request->header_count || !bytes_equal(headers[i].value, value)) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "%.*s was sent more than once, with the query or beside it.", shown,
                           pair->name.data);
        }
        is_sent = true;
    }
    if (!is_sent) {
        headers[(*count)++] = (struct http_header){pair->name, value};
    }
    return ST_OK;
}

enum status
sigv2_query_add_headers(const struct http_request *request, struct arena *arena,
                        struct http_request *ret_request, struct error *err)
{
    struct bytes rest = request->query;
    size_t count = request->header_count;
    struct http_header *headers =
        arena_alloc(arena, (count + parameter_count_max(rest)) * sizeof(*headers));
    enum status st = ST_OK;

    if (count > 0) {
        memcpy(headers, request->headers, count * sizeof(*headers));
    }
    while (rest.size > 0 && st == ST_OK) {
        struct pair pair;

        st = next_parameter(&rest, arena, &pair, err);
        if (st == ST_OK && bytes_has_prefix(pair.name, AMZ_PREFIX)) {
            st = add_header(request, &pair, headers, &count, err);
        }
    }
    if (st == ST_OK) {
        *ret_request = *request;
        ret_request->headers = headers;
        ret_request->header_count = count;
    }
    return st;
}

/* ---- the string to sign ---- */

/* By name only: of two headers the first stays first. */
static void
insert_sorted(struct pairs *pairs, struct pair pair)
{
    size_t place = pairs->count++;

    for (; place > 0 && bytes_compare(pairs->items[place - 1].name, pair.name) > 0; place--) {
        pairs->items[place] = pairs->items[place - 1];
    }
    pairs->items[place] = pair;
}

/* Value of a header that may stand once. */
static enum status
append_plain_header(const struct http_request *request, const char *name, struct buffer *out,
                    struct error *err)
{
    struct bytes value = BYTES_LITERAL("");
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_equal_string(request->headers[i].name, name)) {
            value = request->headers[i].value;
            count++;
        }
    }
    if (count > 1) {
        return fail_as(err, ST_INVALID, "InvalidArgument", "The header %s was sent more than once.",
                       name);
    }
    buffer_append_bytes(out, value);
    buffer_append_char(out, '\n');
    return ST_OK;
}

static void
append_amz_headers(const struct http_request *request, struct arena *arena, struct buffer *out)
{
    struct pairs sorted = {
        .items = arena_alloc(arena, (request->header_count + 1) * sizeof(struct pair))};

    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        if (bytes_has_prefix(header->name, AMZ_PREFIX)) {
            insert_sorted(&sorted, (struct pair){header->name, header->value, true});
        }
    }
    for (size_t i = 0; i < sorted.count; i++) {
        const struct pair *pair = &sorted.items[i];

        if (i > 0 && bytes_equal(pair->name, sorted.items[i - 1].name)) {
            out->size--; /* the LF of the line that goes on */
            buffer_append_char(out, ',');
        } else {
            buffer_append_bytes(out, pair->name);
            buffer_append_char(out, ':');
        }
        buffer_append_bytes(out, pair->value);
        buffer_append_char(out, '\n');
    }
}

static enum status
append_resource(const struct sigv2_query_options *options, struct buffer *out, struct error *err)
{
    struct buffer decoded = BUFFER_INIT;
    enum status st = ST_OK;

    if (options->form == CANONICAL_AS_SENT) {
        buffer_append_bytes(out, options->resource);
        return ST_OK;
    }
    if (decode_uri(options->resource, false, &decoded) == ST_OK) {
        encode_uri(buffer_bytes(&decoded), true, out);
    } else {
        st = fail_as(err, ST_INVALID, "InvalidURI",
                     "The path has a broken percent-escape (%% and two hex digits).");
    }
    buffer_release(&decoded);
    return st;
}

static enum status
append_parameters(struct bytes query, struct arena *arena, struct buffer *out, struct error *err)
{
    struct pairs sorted = {.items =
                               arena_alloc(arena, ARRAY_COUNT(SIGNED_NAMES) * sizeof(struct pair))};

    while (query.size > 0) {
        struct pair pair;
        enum status st = next_parameter(&query, arena, &pair, err);

        if (st != ST_OK) {
            return st;
        }
        if (!sigv2_query_signs(pair.name)) {
            continue;
        }
        for (size_t i = 0; i < sorted.count; i++) {
            if (bytes_equal(sorted.items[i].name, pair.name)) {
                return fail_as(err, ST_INVALID, "InvalidArgument",
                               "The parameter %.*s was sent more than once.",
                               BYTES_ARGS(pair.name));
            }
        }
        insert_sorted(&sorted, pair);
    }
    for (size_t i = 0; i < sorted.count; i++) {
        buffer_append_char(out, i == 0 ? '?' : '&');
        buffer_append_bytes(out, sorted.items[i].name);
        if (sorted.items[i].has_value) {
            buffer_append_char(out, '=');
            buffer_append_bytes(out, sorted.items[i].value);
        }
    }
    return ST_OK;
}

enum status
sigv2_query_append(const struct sigv2_query_options *options, struct arena *arena,
                   struct buffer *out, struct error *err)
{
    enum status st;

    buffer_append_bytes(out, options->request->method);
    buffer_append_char(out, '\n');
    st = append_plain_header(options->request, "content-md5", out, err);
    if (st == ST_OK) {
        st = append_plain_header(options->request, "content-type", out, err);
    }
    if (st != ST_OK) {
        return st;
    }
    buffer_append_bytes(out, options->expires);
    buffer_append_char(out, '\n');
    append_amz_headers(options->request, arena, out);
    st = append_resource(options, out, err);
    return st == ST_OK ? append_parameters(options->request->query, arena, out, err) : st;
}
