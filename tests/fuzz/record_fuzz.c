/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All decoders of what stands on disks: the first byte of the input chooses one.  Whatever is
 * accepted must encode to bytes that decode to the same.
 */
#include "base/check.h"
#include "base/memory.h"
#include "meta/former_record.h"
#include "meta/meta_key.h"
#include "meta/upload_record.h"
#include "store/chunk_format.h"
#include "store/pack_format.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool recode_fn(struct bytes input, struct arena *arena, struct buffer *out);

static bool
recode_object(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct object_record record;
    struct object_record summary;

    if (object_record_decode(input, arena, &record, NULL) != ST_OK) {
        return false;
    }
    CHECK(object_record_decode_summary(input, &summary, NULL) == ST_OK);
    CHECK(summary.size == record.size && bytes_equal(summary.etag, record.etag));
    object_record_encode(&record, out);
    return true;
}

static bool
recode_upload(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct upload_record record;

    if (upload_record_decode(input, arena, &record, NULL) != ST_OK) {
        return false;
    }
    upload_record_encode(&record, out);
    return true;
}

static bool
recode_part(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct part_record record;

    if (part_record_decode(input, arena, &record, NULL) != ST_OK) {
        return false;
    }
    part_record_encode(&record, out);
    return true;
}

static bool
recode_extent_page(struct bytes input, struct arena *arena, struct buffer *out)
{
    const struct extent *extents;
    size_t count;

    if (extent_page_decode(input, arena, &extents, &count, NULL) != ST_OK) {
        return false;
    }
    extent_page_encode(extents, count, out);
    return true;
}

static bool
recode_part_page(struct bytes input, struct arena *arena, struct buffer *out)
{
    const struct part_entry *entries;
    size_t count;

    if (part_page_decode(input, arena, &entries, &count, NULL) != ST_OK) {
        return false;
    }
    part_page_encode(entries, count, out);
    return true;
}

static bool
recode_key(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct meta_key key;
    struct bytes name;
    struct upload_id id;
    uint64_t bucket_id;
    uint32_t number;

    if (meta_key_parse_upload(input, &bucket_id, &name, &id, &number) == ST_OK) {
        if (number == 0) {
            meta_key_upload(&key, bucket_id, name, id);
        } else {
            meta_key_part(&key, bucket_id, name, id, number);
        }
    } else if (meta_key_parse_object(input, &bucket_id, &name) == ST_OK) {
        meta_key_object(&key, bucket_id, name);
    } else {
        return false;
    }
    CHECK(bytes_equal(meta_key_bytes(&key), input));
    buffer_append_bytes(out, meta_key_bytes(&key));
    return true;
}

/* Blocks of a fixed size: what the input lacks is zero. */
static unsigned char *
pad(struct bytes input, struct arena *arena, size_t size)
{
    unsigned char *block = arena_calloc(arena, 1, size);

    memcpy(block, input.data, input.size < size ? input.size : size);
    return block;
}

static bool
recode_pack_entry(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct pack_entry entry;

    if (pack_entry_decode(pad(input, arena, PACK_ENTRY_HEADER_BYTES), &entry, NULL) != ST_OK) {
        return false;
    }
    pack_entry_encode(&entry, (unsigned char *)buffer_reserve(out, PACK_ENTRY_HEADER_BYTES));
    out->size += PACK_ENTRY_HEADER_BYTES;
    return true;
}

static bool
recode_pack_header(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct pack_header header;

    if (pack_header_decode(pad(input, arena, PACK_HEADER_BYTES), &header, NULL) != ST_OK) {
        return false;
    }
    pack_header_encode(&header, (unsigned char *)buffer_reserve(out, PACK_HEADER_BYTES));
    out->size += PACK_HEADER_BYTES;
    return true;
}

static bool
recode_chunk_header(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct chunk_header header;

    if (chunk_header_decode(pad(input, arena, CHUNK_HEADER_BYTES), &header, NULL) != ST_OK) {
        return false;
    }
    chunk_header_encode(&header, (unsigned char *)buffer_reserve(out, CHUNK_HEADER_BYTES));
    out->size += CHUNK_HEADER_BYTES;
    return true;
}

static bool
recode_former(struct bytes input, struct arena *arena, struct buffer *out)
{
    struct former_record record;

    if (former_record_decode(input, arena, &record, NULL) != ST_OK) {
        return false;
    }
    former_record_encode(&record, out);
    return true;
}

static recode_fn *const RECODERS[] = {
    recode_object, recode_upload,     recode_part,        recode_extent_page,  recode_part_page,
    recode_key,    recode_pack_entry, recode_pack_header, recode_chunk_header, recode_former,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    recode_fn *recode;

    if (size == 0) {
        return 0;
    }
    recode = RECODERS[data[0] % ARRAY_COUNT(RECODERS)];
    if (recode(bytes_of(data + 1, size - 1), &arena, &once)) {
        CHECK(recode(buffer_bytes(&once), &arena, &twice));
        CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    }
    arena_release(&arena);
    buffer_release(&once);
    buffer_release(&twice);
    return 0;
}
