/* SPDX-License-Identifier: Apache-2.0 */
#include "object/native_checksum.h"

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"

#include "base/banned.h"

static const struct {
    const char *name;
    size_t size;
    enum digest_kind kind; /* of those that stream/digest.h computes */
} TYPES[NATIVE_CHECKSUM_TYPE_COUNT] = {
    [NATIVE_CHECKSUM_NONE] = {"none", 0, DIGEST_COUNT},
    [NATIVE_CHECKSUM_XXHASH] = {"xxhash", 8, DIGEST_COUNT},
    [NATIVE_CHECKSUM_XXHASH2] = {"xxhash2", 8, DIGEST_COUNT},
    [NATIVE_CHECKSUM_MD5] = {"md5", 16, DIGEST_MD5},
    [NATIVE_CHECKSUM_CRC32C] = {"crc32c", 4, DIGEST_CRC32C},
    [NATIVE_CHECKSUM_SHA256] = {"sha256", 32, DIGEST_SHA256},
};

const char *
native_checksum_name(enum native_checksum_type type)
{
    CHECK(type < NATIVE_CHECKSUM_TYPE_COUNT);
    return TYPES[type].name;
}

enum status
native_checksum_find(struct bytes name, enum native_checksum_type *ret_type, struct error *err)
{
    for (size_t i = 0; i < NATIVE_CHECKSUM_TYPE_COUNT; i++) {
        if (bytes_equal_string(name, TYPES[i].name)) {
            *ret_type = (enum native_checksum_type)i;
            return ST_OK;
        }
    }
    if (bytes_equal_string(name, "sha512")) {
        return fail(err, ST_NOT_IMPLEMENTED, "checksum type \"sha512\" is not supported");
    }
    return fail(err, ST_INVALID, "invalid checksum type \"%.*s\"",
                (int)(name.size < 32 ? name.size : 32), name.data);
}

void
native_checksum_format(const struct native_checksum *checksum, char out[NATIVE_CHECKSUM_TEXT_SIZE])
{
    encode_hex(bytes_of(checksum->value, checksum->size), out);
}

enum status
native_checksum_parse(enum native_checksum_type type, struct bytes text,
                      struct native_checksum *ret_checksum, struct error *err)
{
    struct native_checksum checksum = {.type = type, .size = TYPES[type].size};

    if (text.size != 2 * checksum.size || decode_hex(text, checksum.value) != ST_OK) {
        return fail(err, ST_INVALID, "a checksum of type %s is written in %zu hex digits",
                    TYPES[type].name, 2 * checksum.size);
    }
    *ret_checksum = checksum;
    return ST_OK;
}

bool
native_checksum_equal(const struct native_checksum *a, const struct native_checksum *b)
{
    return a->type == b->type && a->size == b->size && memcmp(a->value, b->value, a->size) == 0;
}

void
native_checksum_of_record(const struct object_record *record, struct native_checksum *ret_checksum)
{
    const struct checksum *checksum = &record->checksum;
    enum native_checksum_type type = NATIVE_CHECKSUM_NONE;

    *ret_checksum = record->native_checksum;
    if (ret_checksum->type != NATIVE_CHECKSUM_NONE ||
        native_checksum_parse(NATIVE_CHECKSUM_MD5, record->etag, ret_checksum, NULL) == ST_OK) {
        return;
    }
    if (checksum->type == CHECKSUM_FULL_OBJECT && checksum->algorithm == CHECKSUM_CRC32C) {
        type = NATIVE_CHECKSUM_CRC32C;
    } else if (checksum->type == CHECKSUM_FULL_OBJECT && checksum->algorithm == CHECKSUM_SHA256) {
        type = NATIVE_CHECKSUM_SHA256;
    }
    if (type != NATIVE_CHECKSUM_NONE && checksum->size == TYPES[type].size) {
        ret_checksum->type = type;
        ret_checksum->size = checksum->size;
        memcpy(ret_checksum->value, checksum->value, checksum->size);
    }
}

void
native_digest_init(struct native_digest *digest, enum native_checksum_type type)
{
    CHECK(type < NATIVE_CHECKSUM_TYPE_COUNT);
    digest->type = type;
    if (TYPES[type].kind != DIGEST_COUNT) {
        digest_init(&digest->digest, TYPES[type].kind);
    } else {
        hash_stream_init(&digest->xxhash, 0);
    }
}

void
native_digest_update(struct native_digest *digest, struct bytes data)
{
    if (TYPES[digest->type].kind != DIGEST_COUNT) {
        digest_update(&digest->digest, data);
    } else if (digest->type != NATIVE_CHECKSUM_NONE) {
        hash_stream_update(&digest->xxhash, data);
    }
}

void
native_digest_final(struct native_digest *digest, struct native_checksum *ret_checksum)
{
    struct native_checksum checksum = {.type = digest->type, .size = TYPES[digest->type].size};

    if (TYPES[digest->type].kind != DIGEST_COUNT) {
        struct digest_value value;

        digest_final(&digest->digest, &value);
        memcpy(checksum.value, value.data, checksum.size);
    } else if (digest->type != NATIVE_CHECKSUM_NONE) {
        encode_u64_be(checksum.value, hash_stream_value(&digest->xxhash));
    }
    *ret_checksum = checksum;
}

void
native_digest_release(struct native_digest *digest)
{
    digest_release(&digest->digest);
}
