/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/upload_record.h"

#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"

#include "tests/unit/golden.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static const struct extent CHUNK_EXTENT = {.kind = EXTENT_CHUNK,
                                           .length = 64 << 20,
                                           .write_id = {{1, 1, 1, 1}},
                                           .chunk_id = {{0xCC, 2}},
                                           .mountpath = {0xAA, 3},
                                           .table_crc = 0xDEADBEEF};
static const struct extent PACK_EXTENT = {.kind = EXTENT_PACK,
                                          .length = 4096,
                                          .write_id = {{9, 8, 7}},
                                          .pack_id = 0x1122334455667788,
                                          .offset = 8192};

static const struct metadata_entry METADATA[] = {
    {BYTES_LITERAL("camera"), BYTES_LITERAL("X100")},
    {BYTES_LITERAL("empty"), BYTES_LITERAL("")},
};

static struct object_record
sample_object(void)
{
    struct object_record record = {
        .seq = {3, 77},
        .created_ns = INT64_C(1700000000123456789),
        .size = 5 << 20,
        .stored_size = 5 << 20,
        .etag = BYTES_LITERAL("d41d8cd98f00b204e9800998ecf8427e-2"),
        .checksum = {CHECKSUM_CRC32C, CHECKSUM_COMPOSITE, {1, 2, 3, 4}, 4},
        .part_count = 2,
        .owner = BYTES_LITERAL("root"),
    };

    record.attributes.content[CONTENT_TYPE] = BYTES_LITERAL("image/jpeg");
    record.attributes.content[EXPIRES] = BYTES_LITERAL("");
    record.attributes.metadata = METADATA;
    record.attributes.metadata_count = 2;
    record.attributes.storage_class = BYTES_LITERAL("ARCHIVE");
    record.layout.kind = LAYOUT_EXTENTS;
    record.layout.write_id = CHUNK_EXTENT.write_id;
    record.layout.extents = &CHUNK_EXTENT;
    record.layout.extent_count = 1;
    return record;
}

static void
expect_same_object(const struct object_record *a, const struct object_record *b)
{
    struct buffer first = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;

    object_record_encode(a, &first);
    object_record_encode(b, &second);
    EXPECT_BYTES(buffer_bytes(&first), buffer_bytes(&second));
    buffer_release(&first);
    buffer_release(&second);
}

TEST(object_record_survives_encode_and_decode)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    object_record_encode(&record, &encoded);
    EXPECT_OK(object_record_decode(buffer_bytes(&encoded), &arena, &decoded, &err), &err);

    expect_same_object(&record, &decoded);
    EXPECT_INT(0, seq_compare(record.seq, decoded.seq));
    EXPECT_INT(record.size, decoded.size);
    EXPECT_BYTES(record.etag, decoded.etag);
    EXPECT_INT(2, decoded.attributes.metadata_count);
    EXPECT_BYTES(METADATA[0].value, decoded.attributes.metadata[0].value);
    EXPECT(decoded.attributes.content[EXPIRES].data != NULL);
    EXPECT(decoded.attributes.content[CACHE_CONTROL].data == NULL);
    EXPECT_INT(EXTENT_CHUNK, decoded.layout.extents[0].kind);
    EXPECT_INT(CHUNK_EXTENT.table_crc, decoded.layout.extents[0].table_crc);
    EXPECT(memcmp(CHUNK_EXTENT.mountpath, decoded.layout.extents[0].mountpath, 16) == 0);
    arena_release(&arena);
    buffer_release(&encoded);
}

TEST(object_record_encodes_as_its_golden_file)
{
    struct object_record record = sample_object();
    struct buffer encoded = BUFFER_INIT;

    object_record_encode(&record, &encoded);
    golden_expect("object_record_chunk", buffer_bytes(&encoded));
    buffer_clear(&encoded);
    record.layout = (struct layout){.kind = LAYOUT_INLINE, .inline_data = BYTES_LITERAL("hello")};
    object_record_encode(&record, &encoded);
    golden_expect("object_record_inline", buffer_bytes(&encoded));
    buffer_clear(&encoded);
    record.layout =
        (struct layout){.kind = LAYOUT_EXTENTS, .extents = &PACK_EXTENT, .extent_count = 1};
    object_record_encode(&record, &encoded);
    golden_expect("object_record_pack", buffer_bytes(&encoded));
    buffer_release(&encoded);
}

TEST(seq_stands_at_its_fixed_place)
{
    struct object_record record = sample_object();
    struct buffer encoded = BUFFER_INIT;

    object_record_encode(&record, &encoded);

    EXPECT_INT(3, decode_u64_be(encoded.data + RECORD_SEQ_OFFSET));
    EXPECT_INT(77, decode_u64_be(encoded.data + RECORD_SEQ_OFFSET + 8));
    buffer_release(&encoded);
}

TEST(summary_has_what_a_listing_shows)
{
    struct object_record record = sample_object();
    struct object_record summary;
    struct buffer encoded = BUFFER_INIT;
    struct error err = ERROR_INIT;

    object_record_encode(&record, &encoded);
    EXPECT_OK(object_record_decode_summary(buffer_bytes(&encoded), &summary, &err), &err);

    EXPECT_BYTES(record.etag, summary.etag);
    EXPECT_INT(record.size, summary.size);
    EXPECT_INT(record.created_ns, summary.created_ns);
    EXPECT_BYTES(record.attributes.storage_class, summary.attributes.storage_class);
    EXPECT_INT(0, summary.attributes.metadata_count);
    EXPECT_INT(LAYOUT_NONE, summary.layout.kind);
    buffer_release(&encoded);
}

/* A newer program's plain field must not be lost when an older one rewrites the record. */
TEST(unknown_plain_field_is_kept_and_written_back)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct buffer again = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    object_record_encode(&record, &encoded);
    buffer_append(&encoded, "\x3E\x03xyz", 5);
    buffer_append(&encoded, "\x7F\x00", 2);
    EXPECT_OK(object_record_decode(buffer_bytes(&encoded), &arena, &decoded, &err), &err);
    object_record_encode(&decoded, &again);

    EXPECT_BYTES(buffer_bytes(&encoded), buffer_bytes(&again));
    arena_release(&arena);
    buffer_release(&encoded);
    buffer_release(&again);
}

TEST(unknown_critical_field_is_refused)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;

    object_record_encode(&record, &encoded);
    buffer_append(&encoded, "\xBE\x01x", 3);

    EXPECT_STATUS(ST_NOT_IMPLEMENTED,
                  object_record_decode(buffer_bytes(&encoded), &arena, &decoded, NULL));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED,
                  object_record_decode_summary(buffer_bytes(&encoded), &decoded, NULL));
    arena_release(&arena);
    buffer_release(&encoded);
}

TEST(newer_format_version_is_refused)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;

    object_record_encode(&record, &encoded);
    encoded.data[2] = 2;

    EXPECT_STATUS(ST_NOT_IMPLEMENTED,
                  object_record_decode(buffer_bytes(&encoded), &arena, &decoded, NULL));
    arena_release(&arena);
    buffer_release(&encoded);
}

/* Cut anywhere, a record is refused or (between two fields) decodes to fewer fields; it never
 * reads past its end: run under ASan. */
TEST(record_cut_inside_a_field_is_corrupt)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    size_t refused_count = 0;

    object_record_encode(&record, &encoded);
    for (size_t size = 0; size < encoded.size; size++) {
        struct arena arena = ARENA_INIT;
        char *copy = xmemdup(encoded.data, size > 0 ? size : 1);
        enum status st = object_record_decode(bytes_of(copy, size), &arena, &decoded, NULL);

        EXPECT(st == ST_OK || st == ST_CORRUPT);
        refused_count += st == ST_CORRUPT;
        arena_release(&arena);
        free(copy);
    }

    EXPECT(refused_count > encoded.size - 20);
    buffer_release(&encoded);
}

TEST(field_given_twice_is_corrupt)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;

    object_record_encode(&record, &encoded);
    buffer_append(&encoded, "\x04\x01z", 3); /* a second ETag */

    EXPECT_STATUS(ST_CORRUPT, object_record_decode(buffer_bytes(&encoded), &arena, &decoded, NULL));
    arena_release(&arena);
    buffer_release(&encoded);
}

TEST(layout_that_contradicts_itself_is_corrupt)
{
    struct object_record record = sample_object();
    struct object_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;

    record.layout.extent_count = 0; /* extents announced, none there */
    object_record_encode(&record, &encoded);

    EXPECT_STATUS(ST_CORRUPT, object_record_decode(buffer_bytes(&encoded), &arena, &decoded, NULL));
    arena_release(&arena);
    buffer_release(&encoded);
}

TEST(upload_record_survives_and_matches_its_golden_file)
{
    struct upload_record record = {
        .seq = {1, 5},
        .created_ns = INT64_C(1700000000000000000),
        .state = UPLOAD_COMPLETED,
        .checksum_algorithm = CHECKSUM_SHA256,
        .checksum_type = CHECKSUM_COMPOSITE,
        .owner = BYTES_LITERAL("root"),
        .initiator = BYTES_LITERAL("alice"),
        .completed_ns = INT64_C(1700000001000000000),
        .completed_etag = BYTES_LITERAL("abc-1"),
    };
    struct upload_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct buffer again = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    record.attributes.content[CONTENT_TYPE] = BYTES_LITERAL("text/plain");
    upload_record_encode(&record, &encoded);
    EXPECT_OK(upload_record_decode(buffer_bytes(&encoded), &arena, &decoded, &err), &err);
    upload_record_encode(&decoded, &again);

    EXPECT_BYTES(buffer_bytes(&encoded), buffer_bytes(&again));
    EXPECT_INT(UPLOAD_COMPLETED, decoded.state);
    EXPECT_BYTES(record.initiator, decoded.initiator);
    golden_expect("upload_record", buffer_bytes(&encoded));
    arena_release(&arena);
    buffer_release(&encoded);
    buffer_release(&again);
}

TEST(part_record_survives_and_matches_its_golden_file)
{
    struct part_record record = {
        .seq = {1, 6},
        .number = 10000,
        .created_ns = INT64_C(1700000000000000000),
        .size = 4096,
        .md5 = {0xD4, 0x1D},
        .checksum = {CHECKSUM_CRC64NVME, CHECKSUM_FULL_OBJECT, {1, 2, 3, 4, 5, 6, 7, 8}, 8},
        .layout = {.kind = LAYOUT_EXTENTS, .extents = &PACK_EXTENT, .extent_count = 1},
    };
    struct part_record decoded;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    part_record_encode(&record, &encoded);
    EXPECT_OK(part_record_decode(buffer_bytes(&encoded), &arena, &decoded, &err), &err);

    EXPECT_INT(10000, decoded.number);
    EXPECT_INT(PACK_EXTENT.offset, decoded.layout.extents[0].offset);
    EXPECT_INT(8, decoded.checksum.size);
    golden_expect("part_record", buffer_bytes(&encoded));
    arena_release(&arena);
    buffer_release(&encoded);
}

TEST(pages_survive_and_match_their_golden_files)
{
    const struct extent extents[] = {
        CHUNK_EXTENT, PACK_EXTENT, {.kind = EXTENT_INDIRECT, .length = 77, .write_id = {{5}}}};
    const struct part_entry entries[] = {
        {1, 0, 5 << 20, {CHECKSUM_CRC32, CHECKSUM_FULL_OBJECT, {1, 2, 3, 4}, 4}},
        {7, 5 << 20, 100, {CHECKSUM_NONE, CHECKSUM_FULL_OBJECT, {0}, 0}}};
    const struct extent *decoded_extents;
    const struct part_entry *decoded_entries;
    size_t count = 0;
    struct buffer encoded = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;

    extent_page_encode(extents, 3, &encoded);
    golden_expect("extent_page", buffer_bytes(&encoded));
    EXPECT_OK(extent_page_decode(buffer_bytes(&encoded), &arena, &decoded_extents, &count, &err),
              &err);
    EXPECT_INT(3, count);
    EXPECT_INT(EXTENT_INDIRECT, decoded_extents[2].kind);
    EXPECT_INT(77, decoded_extents[2].length);
    EXPECT_STATUS(ST_CORRUPT,
                  part_page_decode(buffer_bytes(&encoded), &arena, &decoded_entries, &count, NULL));

    buffer_clear(&encoded);
    part_page_encode(entries, 2, &encoded);
    golden_expect("part_page", buffer_bytes(&encoded));
    EXPECT_OK(part_page_decode(buffer_bytes(&encoded), &arena, &decoded_entries, &count, &err),
              &err);
    EXPECT_INT(2, count);
    EXPECT_INT(7, decoded_entries[1].number);
    EXPECT_INT(5 << 20, decoded_entries[1].offset);
    EXPECT_INT(CHECKSUM_CRC32, decoded_entries[0].checksum.algorithm);
    arena_release(&arena);
    buffer_release(&encoded);
}

/* Any bytes: a status, and what is accepted decodes to the same again. */
TEST(flipped_bytes_never_break_the_decoder)
{
    struct object_record record = sample_object();
    struct buffer encoded = BUFFER_INIT;
    struct prng prng = test_prng();

    object_record_encode(&record, &encoded);
    for (int i = 0; i < 20000; i++) {
        struct arena arena = ARENA_INIT;
        struct object_record decoded;
        char *copy = xmemdup(encoded.data, encoded.size);

        for (uint64_t n = 1 + prng_below(&prng, 3); n > 0; n--) {
            copy[prng_below(&prng, encoded.size)] ^= (char)(1 << prng_below(&prng, 8));
        }
        if (object_record_decode(bytes_of(copy, encoded.size), &arena, &decoded, NULL) == ST_OK) {
            struct buffer again = BUFFER_INIT;
            struct object_record twice;

            object_record_encode(&decoded, &again);
            EXPECT_STATUS(ST_OK, object_record_decode(buffer_bytes(&again), &arena, &twice, NULL));
            expect_same_object(&decoded, &twice);
            buffer_release(&again);
        }
        arena_release(&arena);
        free(copy);
    }
    buffer_release(&encoded);
}
