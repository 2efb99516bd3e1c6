/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_headers.h"

#include "base/check.h"

#include "base/banned.h"

struct known_header {
    struct bytes name;
    bool is_list;
};

static const struct known_header KNOWN[S3_HEADER_COUNT] = {
#define S3_HEADER_ROW(id, text, is_list) {BYTES_LITERAL(text), is_list},
    S3_HEADER_LIST(S3_HEADER_ROW)
#undef S3_HEADER_ROW
};

#define NAME_BYTES_MAX 64
#define NO_HEADER 255

_Static_assert(S3_HEADER_COUNT < NO_HEADER, "header ids are bytes");

/* Headers of one length form a chain: a name is compared with two or three others. */
static unsigned char first_of_length[NAME_BYTES_MAX + 1];
static unsigned char next_of_same_length[S3_HEADER_COUNT];

__attribute__((constructor)) static void
build_chains(void)
{
    memset(first_of_length, NO_HEADER, sizeof(first_of_length));
    for (size_t i = 0; i < S3_HEADER_COUNT; i++) {
        CHECK(KNOWN[i].name.size <= NAME_BYTES_MAX);
        next_of_same_length[i] = first_of_length[KNOWN[i].name.size];
        first_of_length[KNOWN[i].name.size] = (unsigned char)i;
    }
}

static size_t
find_header(struct bytes name)
{
    size_t id;

    if (name.size > NAME_BYTES_MAX) {
        return NO_HEADER;
    }
    id = first_of_length[name.size];
    while (id != NO_HEADER && memcmp(name.data, KNOWN[id].name.data, name.size) != 0) {
        id = next_of_same_length[id];
    }
    return id;
}

static enum status
take_header(const struct http_header *header, struct arena *arena, struct s3_headers *headers,
            struct error *err)
{
    size_t id = find_header(header->name);
    struct bytes *slot;

    if (id == NO_HEADER) {
        if (bytes_has_prefix(header->name, BYTES_LITERAL("x-amz-meta-"))) {
            headers->metadata_count++;
        } else if (bytes_has_prefix(header->name, BYTES_LITERAL("x-lode-"))) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "There is no header %.*s; known are x-lode-durability, "
                           "x-lode-chunk-size, x-lode-chunk-spread and x-lode-verify-read.",
                           (int)(header->name.size < 64 ? header->name.size : 64),
                           header->name.data);
        }
        return ST_OK;
    }
    slot = &headers->values[id];
    if (slot->data == NULL) {
        *slot = header->value.data != NULL ? header->value : BYTES_LITERAL("");
    } else if (KNOWN[id].is_list) {
        *slot =
            arena_printf_bytes(arena, "%.*s,%.*s", BYTES_ARGS(*slot), BYTES_ARGS(header->value));
    } else if (!bytes_equal(*slot, header->value)) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "The header %.*s was sent more than once with different values.",
                       BYTES_ARGS(header->name));
    }
    return ST_OK;
}

enum status
s3_headers_read(const struct http_header *all, size_t all_count, struct arena *arena,
                struct s3_headers *ret_headers, struct error *err)
{
    enum status st = ST_OK;
    size_t size = 0;

    memset(ret_headers, 0, sizeof(*ret_headers));
    ret_headers->all = all;
    ret_headers->all_count = all_count;
    for (size_t i = 0; st == ST_OK && i < all_count; i++) {
        size += all[i].name.size + all[i].value.size;
        st = take_header(&all[i], arena, ret_headers, err);
    }
    if (st == ST_OK && size > S3_HEADER_SECTION_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "RequestHeaderSectionTooLarge",
                       "Your request header section has %zu bytes; the maximum allowed size is "
                       "%d.",
                       size, S3_HEADER_SECTION_BYTES_MAX);
    }
    return st;
}

const char *
s3_header_name(enum s3_header_id id)
{
    return KNOWN[id].name.data;
}

enum status
s3_headers_refuse(const struct s3_headers *headers, const enum s3_header_id *ids, size_t count,
                  struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (s3_has_header(headers, ids[i])) {
            return fail(err, ST_NOT_IMPLEMENTED,
                        "The header %s implies functionality that is not implemented.",
                        s3_header_name(ids[i]));
        }
    }
    return ST_OK;
}
