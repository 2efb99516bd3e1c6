/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/meta_key.h"

#include "base/check.h"
#include "base/encode.h"

#include "base/banned.h"

#define BUCKET_ID_BYTES 8
#define UPLOAD_ID_BYTES sizeof(((struct upload_id *)0)->bytes)
#define PART_NUMBER_BYTES 4

/* First byte of a FAMILY_NODE key. */
#define NODE_COUNTERS 'b'
#define NODE_DROPPED_PAGES 'g'
#define NODE_MIRROR 'm'
#define NODE_NAMED 'n'

static void
append(struct meta_key *key, const void *data, size_t size)
{
    CHECK(size <= sizeof(key->data) - key->size);
    if (size > 0) {
        memcpy(key->data + key->size, data, size);
    }
    key->size += size;
}

static void
append_u64(struct meta_key *key, uint64_t value)
{
    unsigned char encoded[8];

    encode_u64_be(encoded, value);
    append(key, encoded, sizeof(encoded));
}

static void
append_u32(struct meta_key *key, uint32_t value)
{
    unsigned char encoded[4];

    encode_u32_be(encoded, value);
    append(key, encoded, sizeof(encoded));
}

void
meta_key_object(struct meta_key *out, uint64_t bucket_id, struct bytes name)
{
    CHECK(name.size <= META_KEY_NAME_MAX);
    out->size = 0;
    append_u64(out, bucket_id);
    append(out, name.data, name.size);
}

void
meta_key_versions(struct meta_key *out, uint64_t bucket_id, struct bytes name)
{
    meta_key_object(out, bucket_id, name);
    append(out, "", 1);
}

void
meta_key_upload(struct meta_key *out, uint64_t bucket_id, struct bytes name, struct upload_id id)
{
    meta_key_object(out, bucket_id, name);
    append(out, "", 1); /* NUL: no name is a prefix of another upload's key */
    append(out, id.bytes, sizeof(id.bytes));
}

void
meta_key_part(struct meta_key *out, uint64_t bucket_id, struct bytes name, struct upload_id id,
              uint32_t number)
{
    CHECK(number > 0);
    meta_key_upload(out, bucket_id, name, id);
    append_u32(out, number);
}

void
meta_key_extent_page(struct meta_key *out, struct write_id id, uint64_t offset)
{
    out->size = 0;
    append(out, id.bytes, sizeof(id.bytes));
    append(out, "x", 1);
    append_u64(out, offset);
}

void
meta_key_part_page(struct meta_key *out, struct write_id id, uint32_t first_number)
{
    out->size = 0;
    append(out, id.bytes, sizeof(id.bytes));
    append(out, "p", 1);
    append_u32(out, first_number);
}

void
meta_key_chunk(struct meta_key *out, struct chunk_id id)
{
    out->size = 0;
    append(out, id.bytes, sizeof(id.bytes));
}

void
meta_key_pack(struct meta_key *out, uint64_t pack_id)
{
    out->size = 0;
    append_u64(out, pack_id);
}

void
meta_key_counters(struct meta_key *out, uint64_t bucket_id)
{
    static const char KIND = NODE_COUNTERS;

    out->size = 0;
    append(out, &KIND, 1);
    append_u64(out, bucket_id);
}

void
meta_key_dropped_pages(struct meta_key *out, struct write_id id)
{
    static const char KIND = NODE_DROPPED_PAGES;

    out->size = 0;
    append(out, &KIND, 1);
    append(out, id.bytes, sizeof(id.bytes));
}

enum status
meta_key_parse_dropped_pages(struct bytes key, struct write_id *ret_id)
{
    if (key.size != 1 + sizeof(ret_id->bytes) || key.data[0] != NODE_DROPPED_PAGES) {
        return ST_CORRUPT;
    }
    memcpy(ret_id->bytes, key.data + 1, sizeof(ret_id->bytes));
    return ST_OK;
}

void
meta_key_mirror(struct meta_key *out, struct bytes key)
{
    static const char KIND = NODE_MIRROR;

    CHECK(key.size <= META_KEY_NAME_MAX);
    out->size = 0;
    append(out, &KIND, 1);
    append(out, key.data, key.size);
}

void
meta_key_node(struct meta_key *out, const char *name)
{
    static const char KIND = NODE_NAMED;

    out->size = 0;
    append(out, &KIND, 1);
    append(out, name, strlen(name));
}

enum status
meta_key_parse_object(struct bytes key, uint64_t *ret_bucket_id, struct bytes *ret_name)
{
    if (key.size < BUCKET_ID_BYTES || key.size > BUCKET_ID_BYTES + META_KEY_NAME_MAX) {
        return ST_CORRUPT;
    }
    *ret_bucket_id = decode_u64_be(key.data);
    *ret_name = bytes_slice(key, BUCKET_ID_BYTES, key.size);
    return ST_OK;
}

enum status
meta_key_parse_upload(struct bytes key, uint64_t *ret_bucket_id, struct bytes *ret_name,
                      struct upload_id *ret_id, uint32_t *ret_number)
{
    size_t name_end;
    size_t tail_size;

    if (key.size < BUCKET_ID_BYTES) {
        return ST_CORRUPT;
    }
    name_end = bytes_find_char(key, BUCKET_ID_BYTES, '\0');
    if (name_end == SIZE_MAX || name_end > BUCKET_ID_BYTES + META_KEY_NAME_MAX) {
        return ST_CORRUPT;
    }
    tail_size = key.size - name_end - 1;
    if (tail_size == UPLOAD_ID_BYTES + PART_NUMBER_BYTES) {
        uint32_t number = decode_u32_be(key.data + name_end + 1 + UPLOAD_ID_BYTES);

        if (number == 0) {
            return ST_CORRUPT;
        }
        *ret_number = number;
    } else if (tail_size == UPLOAD_ID_BYTES) {
        *ret_number = 0;
    } else {
        return ST_CORRUPT;
    }
    *ret_bucket_id = decode_u64_be(key.data);
    *ret_name = bytes_slice(key, BUCKET_ID_BYTES, name_end);
    memcpy(ret_id->bytes, key.data + name_end + 1, UPLOAD_ID_BYTES);
    return ST_OK;
}

bool
meta_key_successor(struct meta_key *key)
{
    while (key->size > 0 && key->data[key->size - 1] == 0xFF) {
        key->size--;
    }
    if (key->size == 0) {
        return false;
    }
    key->data[key->size - 1]++;
    return true;
}
