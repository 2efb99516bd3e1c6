/* SPDX-License-Identifier: Apache-2.0 */
#include "object/multipart.h"

#include <stdio.h>

#include "base/encode.h"
#include "object/upload_remove.h"
#include "stream/digest.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PARTS_MAX 16

/* An upload under way, with what its parts should be. */
struct uploading {
    struct object_fixture fixture;
    struct bucket bucket;
    struct upload_id id;
    struct multipart_part parts[PARTS_MAX];
    char etags[PARTS_MAX][64];
    size_t count;
    struct buffer whole;
};

static void
begin(struct uploading *up, enum checksum_algorithm algorithm, enum checksum_type type)
{
    struct error err;

    memset(up, 0, sizeof(*up));
    fixture_open(&up->fixture, test_directory(), 2);
    up->bucket = fixture_bucket(&up->fixture, "abc");
    EXPECT_OK(multipart_create(&up->bucket,
                               &(struct multipart_create_options){.key = {"k", 1},
                                                                  .checksum_algorithm = algorithm,
                                                                  .checksum_type = type},
                               &up->id, &err),
              &err);
}

static void
end(struct uploading *up)
{
    buffer_release(&up->whole);
    bucket_close(&up->bucket);
    fixture_expect_clean(&up->fixture);
    fixture_close(&up->fixture);
}

static void
add(struct uploading *up, uint32_t number, size_t size)
{
    struct object_put_result result;
    struct buffer data = BUFFER_INIT;
    struct error err;

    fixture_fill(&data, size, number);
    EXPECT_OK(fixture_part(&up->bucket, "k", up->id, number, buffer_bytes(&data), &result, &err),
              &err);
    memcpy(up->etags[up->count], result.etag, sizeof(result.etag));
    up->parts[up->count] = (struct multipart_part){
        .number = number,
        .etag = bytes_of_string(up->etags[up->count]),
        .checksum = result.checksum,
    };
    up->count++;
    buffer_append_bytes(&up->whole, buffer_bytes(&data));
    buffer_release(&data);
}

static enum status
complete(struct uploading *up, struct object_put_result *result, struct error *err)
{
    return multipart_complete(&up->bucket,
                              &(struct multipart_complete_options){.key = {"k", 1},
                                                                   .id = up->id,
                                                                   .parts = up->parts,
                                                                   .part_count = up->count,
                                                                   .size = OBJECT_SIZE_UNKNOWN},
                              result, err);
}

static void
expect_whole(struct uploading *up)
{
    struct buffer got = BUFFER_INIT;
    struct error err;

    EXPECT_OK(fixture_get(&up->bucket, "k", &got, &err), &err);
    EXPECT(bytes_equal(buffer_bytes(&up->whole), buffer_bytes(&got)));
    buffer_release(&got);
}

/* Upload ids have one text form. */
TEST(upload_ids_have_one_form)
{
    struct upload_id id;
    char text[UPLOAD_ID_TEXT_SIZE];

    EXPECT_STATUS(ST_OK,
                  upload_id_parse(BYTES_LITERAL("00112233445566778899aabbccddeeff"), &id, NULL));
    upload_id_format(id, text);
    EXPECT_STRING("00112233445566778899aabbccddeeff", text);
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  upload_id_parse(BYTES_LITERAL("00112233445566778899AABBCCDDEEFF"), &id, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, upload_id_parse(BYTES_LITERAL("0011"), &id, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, upload_id_parse(BYTES_LITERAL(""), &id, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  upload_id_parse(BYTES_LITERAL("00112233445566778899aabbccddeefg"), &id, NULL));
}

/* The bytes of the parts in order, whatever places they have: packs, one chunk file, many. */
TEST(the_object_is_its_parts_in_order)
{
    static const size_t SIZES[][3] = {
        {1024, 1024, 5},    {300000, 2000, 400},        {300000, 300000, 300000},
        {1500000, 1024, 0}, {1500000, 1500000, 700000}, {262144, 262144, 1}};
    struct uploading up;
    struct object_put_result result;
    struct error err;

    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        if (i == 0) {
            begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
        } else {
            EXPECT_OK(multipart_create(&up.bucket,
                                       &(struct multipart_create_options){.key = {"k", 1}}, &up.id,
                                       &err),
                      &err);
            up.count = 0;
            buffer_clear(&up.whole);
        }
        for (uint32_t part = 0; part < 3; part++) {
            add(&up, part * 3 + 2, SIZES[i][part]);
        }
        EXPECT_OK(complete(&up, &result, &err), &err);
        expect_whole(&up);
        EXPECT_INT(up.whole.size, result.size);
    }
    end(&up);
}

/* An upload of one part, also of an empty one, is an object of one part. */
TEST(one_part_is_enough)
{
    static const size_t SIZES[] = {0, 1, 100, 5000, 300000, 1500000};
    struct uploading up;
    struct object_put_result result;
    struct error err;

    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct object_get_options options = {
            .key = {"k", 1}, .part_number = 9, .mode = READ_MAY_WAIT};
        struct object_get_result got;
        struct arena arena = ARENA_INIT;
        struct buffer data = BUFFER_INIT;

        if (i == 0) {
            begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
        } else {
            EXPECT_OK(multipart_create(&up.bucket,
                                       &(struct multipart_create_options){.key = {"k", 1}}, &up.id,
                                       &err),
                      &err);
            up.count = 0;
            buffer_clear(&up.whole);
        }
        add(&up, 9, SIZES[i]);
        EXPECT_OK(complete(&up, &result, &err), &err);
        expect_whole(&up);
        EXPECT_OK(fixture_get_options(&up.bucket, &options, &arena, &got, &data, &err), &err);
        EXPECT(bytes_equal(buffer_bytes(&up.whole), buffer_bytes(&data)));
        EXPECT_INT(1, got.record.part_count);
        buffer_release(&data);
        arena_release(&arena);
    }
    end(&up);
}

/* SPEC: S3 CompleteMultipartUpload / ETag: MD5 of the parts' binary MD5s, "-", their number. */
TEST(etag_is_the_md5_of_the_parts_md5s)
{
    struct uploading up;
    struct object_put_result result;
    struct digest md5;
    struct digest_value value;
    struct error err;
    char expected[64];

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 2000);
    add(&up, 2, 10);
    EXPECT_OK(complete(&up, &result, &err), &err);
    digest_init(&md5, DIGEST_MD5);
    for (size_t i = 0; i < 2; i++) {
        char binary[16];

        EXPECT_STATUS(ST_OK, decode_hex(up.parts[i].etag, binary));
        digest_update(&md5, bytes_of(binary, 16));
    }
    digest_final(&md5, &value);
    digest_release(&md5);
    encode_hex(digest_value_bytes(&value), expected);
    memcpy(expected + 32, "-2", 3);
    EXPECT_STRING(expected, result.etag);
    end(&up);
}

/* SPEC: S3 checksums of multipart uploads: FULL_OBJECT is that of all bytes, COMPOSITE that of the
 * parts' binary values; without an algorithm CRC64NVME. */
TEST(checksums_are_whole_or_composite)
{
    static const struct {
        enum checksum_algorithm algorithm;
        enum checksum_type type;
        enum digest_kind kind;
    } CASES[] = {
        {CHECKSUM_NONE, CHECKSUM_FULL_OBJECT, DIGEST_CRC64NVME},
        {CHECKSUM_CRC64NVME, CHECKSUM_FULL_OBJECT, DIGEST_CRC64NVME},
        {CHECKSUM_CRC32, CHECKSUM_FULL_OBJECT, DIGEST_CRC32},
        {CHECKSUM_CRC32C, CHECKSUM_FULL_OBJECT, DIGEST_CRC32C},
        {CHECKSUM_CRC32, CHECKSUM_COMPOSITE, DIGEST_CRC32},
        {CHECKSUM_CRC32C, CHECKSUM_COMPOSITE, DIGEST_CRC32C},
        {CHECKSUM_SHA1, CHECKSUM_COMPOSITE, DIGEST_SHA1},
        {CHECKSUM_SHA256, CHECKSUM_COMPOSITE, DIGEST_SHA256},
    };
    struct uploading up;
    struct error err;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct object_put_result result;
        struct digest_value value;
        struct digest composite;

        EXPECT_OK(multipart_create(
                      &up.bucket,
                      &(struct multipart_create_options){.key = {"k", 1},
                                                         .checksum_algorithm = CASES[i].algorithm,
                                                         .checksum_type = CASES[i].type},
                      &up.id, &err),
                  &err);
        up.count = 0;
        buffer_clear(&up.whole);
        add(&up, 1, 70000);
        add(&up, 4, 1500);
        add(&up, 5, 7);
        EXPECT_OK(complete(&up, &result, &err), &err);
        EXPECT_INT(CASES[i].type, result.checksum.type);
        if (CASES[i].type == CHECKSUM_FULL_OBJECT) {
            digest_of(CASES[i].kind, buffer_bytes(&up.whole), &value);
        } else {
            digest_init(&composite, CASES[i].kind);
            for (size_t part = 0; part < 3; part++) {
                digest_update(&composite, bytes_of(up.parts[part].checksum.value,
                                                   up.parts[part].checksum.size));
            }
            digest_final(&composite, &value);
            digest_release(&composite);
        }
        EXPECT_BYTES(digest_value_bytes(&value),
                     bytes_of(result.checksum.value, result.checksum.size));
    }
    end(&up);
}

/* SPEC: S3 CreateMultipartUpload: not every algorithm has both types. */
TEST(impossible_checksum_types_are_refused)
{
    static const struct multipart_create_options BAD[] = {
        {{"k", 1}, {.metadata = NULL}, CHECKSUM_CRC64NVME, CHECKSUM_COMPOSITE},
        {{"k", 1}, {.metadata = NULL}, CHECKSUM_SHA1, CHECKSUM_FULL_OBJECT},
        {{"k", 1}, {.metadata = NULL}, CHECKSUM_SHA256, CHECKSUM_FULL_OBJECT},
    };
    struct uploading up;
    struct upload_id id;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    for (size_t i = 0; i < 3; i++) {
        EXPECT_STATUS(ST_INVALID, multipart_create(&up.bucket, &BAD[i], &id, NULL));
    }
    end(&up);
}

/* SPEC: S3 CompleteMultipartUpload: InvalidPart, InvalidPartOrder, EntityTooSmall; the upload goes
 * on after each. */
TEST(a_request_that_does_not_fit_the_parts_is_refused)
{
    struct uploading up;
    struct object_put_result result;
    struct multipart_part kept;
    struct error err = ERROR_INIT;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 2000);
    add(&up, 2, 1023);
    add(&up, 3, 5);
    EXPECT_STATUS(ST_PART_TOO_SMALL, complete(&up, &result, NULL));
    kept = up.parts[1];
    up.parts[1] = up.parts[0];
    EXPECT_STATUS(ST_INVALID_PART_ORDER, complete(&up, &result, NULL));
    up.parts[1] = up.parts[2];
    up.parts[2] = kept;
    EXPECT_STATUS(ST_INVALID_PART_ORDER, complete(&up, &result, NULL));
    up.parts[2] = up.parts[1];
    up.parts[1] = kept;
    up.parts[1].etag = up.parts[0].etag;
    EXPECT_STATUS(ST_INVALID_PART, complete(&up, &result, NULL));
    up.parts[1] = kept;
    up.parts[2].number = 4;
    EXPECT_STATUS(ST_INVALID_PART, complete(&up, &result, NULL));
    up.parts[2].number = 3;
    up.parts[2].checksum.value[0] ^= 1;
    EXPECT_STATUS(ST_INVALID_PART, complete(&up, &result, NULL));
    up.count = 0;
    EXPECT_STATUS(ST_INVALID, complete(&up, &result, &err));
    EXPECT_STRING("MalformedXML", err.dialect_code);
    up.count = 2;
    EXPECT_OK(complete(&up, &result, &err), &err);
    end(&up);
}

/* A part may be put again; what was left out of the completion is gone after it, and fits no later
 * one. */
TEST(parts_may_be_put_again_and_left_out)
{
    struct uploading up;
    struct object_put_result result;
    struct part_record *parts;
    struct arena arena = ARENA_INIT;
    struct error err;
    size_t count;
    bool is_truncated;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    for (uint32_t number = 1; number <= 5; number++) {
        EXPECT_OK(fixture_part(&up.bucket, "k", up.id, number, BYTES_LITERAL("old"), &result, &err),
                  &err);
    }
    add(&up, 2, 300000);
    add(&up, 4, 400);
    EXPECT_OK(multipart_list_parts(&up.bucket, BYTES_LITERAL("k"), up.id, 1, 3, &arena, &parts,
                                   &count, &is_truncated, &err),
              &err);
    EXPECT_INT(3, count);
    EXPECT(is_truncated);
    EXPECT_INT(2, parts[0].number);
    EXPECT_INT(300000, parts[0].size);
    EXPECT_OK(complete(&up, &result, &err), &err);
    expect_whole(&up);
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  multipart_list_parts(&up.bucket, BYTES_LITERAL("k"), up.id, 0, 9, &arena, &parts,
                                       &count, &is_truncated, NULL));
    arena_release(&arena);
    end(&up);
}

/* SPEC: S3 CompleteMultipartUpload: sent again, it answers the same; parts and aborts after it meet
 * no upload. */
TEST(a_repeated_completion_answers_the_same)
{
    struct uploading up;
    struct object_put_result first;
    struct object_put_result again;
    struct error err;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 2000);
    add(&up, 2, 5);
    EXPECT_OK(complete(&up, &first, &err), &err);
    EXPECT_OK(complete(&up, &again, &err), &err);
    EXPECT_STRING(first.etag, again.etag);
    EXPECT(memcmp(&first.checksum, &again.checksum, sizeof(first.checksum)) == 0);
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, multipart_abort(&up.bucket, BYTES_LITERAL("k"), up.id, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  fixture_part(&up.bucket, "k", up.id, 3, BYTES_LITERAL("x"), &again, NULL));
    expect_whole(&up);
    end(&up);
}

/* Whoever removes what is left of an upload may be late: a note that came meanwhile stays. */
TEST(removal_of_an_upload_leaves_the_note_of_its_completion)
{
    struct uploading up;
    struct object_put_result result;
    struct upload_ref ref;
    struct error err;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 2000);
    EXPECT_OK(complete(&up, &result, &err), &err);
    ref = (struct upload_ref){.home = store_home_of(object_store_store(up.fixture.store),
                                                    up.bucket.id, BYTES_LITERAL("k")),
                              .bucket_id = up.bucket.id,
                              .key = BYTES_LITERAL("k"),
                              .id = up.id};

    EXPECT_OK(upload_remove(&ref, DURABILITY_STRICT, true, &err), &err);

    EXPECT_OK(complete(&up, &result, &err), &err);
    end(&up);
}

/* After a day the record of a completed upload is removed, and with it the answer. */
TEST(completed_uploads_are_forgotten_in_time)
{
    struct uploading up;
    struct object_put_result result;
    struct error err;
    uint64_t removed = 0;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 2000);
    EXPECT_OK(complete(&up, &result, &err), &err);
    EXPECT_OK(
        upload_remove_leftovers(up.fixture.store, UPLOAD_COMPLETED_KEEP_S, NULL, &removed, &err),
        &err);
    EXPECT_INT(0, removed);
    EXPECT_OK(complete(&up, &result, &err), &err);
    EXPECT_OK(upload_remove_leftovers(up.fixture.store, 0, NULL, &removed, &err), &err);
    EXPECT_INT(1, removed);
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, complete(&up, &result, NULL));
    expect_whole(&up);
    end(&up);
}

/* An aborted upload takes its parts with it, however many. */
TEST(an_abort_removes_the_parts)
{
    struct uploading up;
    struct object_put_result result;
    struct bucket_counters counters;
    struct error err;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    for (uint32_t number = 1; number <= 150; number++) {
        EXPECT_OK(fixture_part(&up.bucket, "k", up.id, number, BYTES_LITERAL("x"), &result, &err),
                  &err);
    }
    EXPECT_OK(multipart_abort(&up.bucket, BYTES_LITERAL("k"), up.id, &err), &err);
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, multipart_abort(&up.bucket, BYTES_LITERAL("k"), up.id, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  fixture_part(&up.bucket, "k", up.id, 1, BYTES_LITERAL("x"), &result, NULL));
    EXPECT_STATUS(ST_NO_SUCH_KEY, fixture_get(&up.bucket, "k", &up.whole, NULL));
    EXPECT_OK(bucket_counters(&up.bucket, &counters, &err), &err);
    EXPECT_INT(0, counters.object_count);
    end(&up);
}

/* SPEC: S3 conditional writes hold for completions too. */
TEST(conditions_decide_over_a_completion)
{
    struct multipart_complete_options options = {.key = {"k", 1}, .size = OBJECT_SIZE_UNKNOWN};
    struct object_put_result result;
    struct uploading up;
    struct error err;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 2000);
    options.id = up.id;
    options.parts = up.parts;
    options.part_count = 1;
    options.conditions.if_match = BYTES_LITERAL("*");
    EXPECT_STATUS(ST_NO_SUCH_KEY, multipart_complete(&up.bucket, &options, &result, NULL));
    options.conditions = (struct object_conditions){.if_none_match = BYTES_LITERAL("*")};
    EXPECT_OK(fixture_put(&up.bucket, "k", BYTES_LITERAL("there"), &err), &err);
    EXPECT_STATUS(ST_PRECONDITION, multipart_complete(&up.bucket, &options, &result, NULL));
    EXPECT_OK(fixture_delete(&up.bucket, "k", &err), &err);
    options.size = 1999;
    EXPECT_STATUS(ST_INVALID, multipart_complete(&up.bucket, &options, &result, NULL));
    options.size = 2000;
    options.checksum = result.checksum =
        (struct checksum){.algorithm = CHECKSUM_CRC64NVME, .size = 8};
    EXPECT_STATUS(ST_DIGEST_MISMATCH, multipart_complete(&up.bucket, &options, &result, NULL));
    options.checksum = (struct checksum){.algorithm = CHECKSUM_NONE};
    options.has_checksum_type = true;
    options.checksum_type = CHECKSUM_COMPOSITE;
    EXPECT_STATUS(ST_INVALID, multipart_complete(&up.bucket, &options, &result, NULL));
    options.checksum_type = CHECKSUM_FULL_OBJECT;
    EXPECT_OK(multipart_complete(&up.bucket, &options, &result, &err), &err);
    expect_whole(&up);
    end(&up);
}

/* SPEC: S3 UploadPart: the part's checksum is of the upload's algorithm. */
TEST(a_part_with_another_algorithm_is_refused)
{
    struct object_put_options options = {.key = {"k", 1}, .size = 1, .part_number = 1};
    struct object_put_result result;
    struct digest_value value;
    struct uploading up;
    struct error err;

    begin(&up, CHECKSUM_SHA256, CHECKSUM_COMPOSITE);
    options.upload = &up.id;
    digest_of(DIGEST_CRC32, BYTES_LITERAL("x"), &value);
    options.expectation.checksum = (struct checksum){.algorithm = CHECKSUM_CRC32, .size = 4};
    memcpy(options.expectation.checksum.value, value.data, 4);
    EXPECT_STATUS(ST_INVALID,
                  fixture_put_options(&up.bucket, &options, BYTES_LITERAL("x"), &result, NULL));
    options.expectation.checksum.algorithm = CHECKSUM_NONE;
    EXPECT_OK(fixture_put_options(&up.bucket, &options, BYTES_LITERAL("x"), &result, &err), &err);
    EXPECT_INT(CHECKSUM_SHA256, result.checksum.algorithm);
    options.part_number = PART_NUMBER_MAX + 1;
    EXPECT_STATUS(ST_INVALID,
                  fixture_put_options(&up.bucket, &options, BYTES_LITERAL("x"), &result, NULL));
    options.part_number = 0;
    EXPECT_STATUS(ST_INVALID,
                  fixture_put_options(&up.bucket, &options, BYTES_LITERAL("x"), &result, NULL));
    end(&up);
}

/* SPEC: S3 GetObject / partNumber, GetObjectAttributes / ObjectParts */
TEST(the_part_table_gives_each_part)
{
    struct object_get_options options = {.key = {"k", 1}, .mode = READ_MAY_WAIT};
    struct object_get_result got;
    struct object_put_result result;
    struct arena arena = ARENA_INIT;
    struct buffer data = BUFFER_INIT;
    struct part_entry *entries;
    struct uploading up;
    struct error err;
    size_t count;
    bool is_truncated;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 2, 300000);
    add(&up, 5, 2000);
    add(&up, 7, 30);
    EXPECT_OK(complete(&up, &result, &err), &err);
    options.part_number = 5;
    EXPECT_OK(fixture_get_options(&up.bucket, &options, &arena, &got, &data, &err), &err);
    EXPECT_BYTES(bytes_slice(buffer_bytes(&up.whole), 300000, 302000), buffer_bytes(&data));
    EXPECT_INT(300000, got.offset);
    EXPECT_INT(3, got.record.part_count);
    options.part_number = 4;
    EXPECT_STATUS(ST_INVALID_PART, object_get(&up.bucket, &options, &arena, &got, NULL));
    options.part_number = 8;
    EXPECT_STATUS(ST_INVALID_PART, object_get(&up.bucket, &options, &arena, &got, NULL));
    EXPECT_OK(
        object_get_parts(&up.bucket, &got, 2, 1, &arena, &entries, &count, &is_truncated, &err),
        &err);
    EXPECT_INT(1, count);
    EXPECT(is_truncated);
    EXPECT_INT(5, entries[0].number);
    EXPECT_INT(2000, entries[0].size);
    EXPECT(memcmp(entries[0].checksum.value, up.parts[1].checksum.value, 8) == 0);
    buffer_release(&data);
    arena_release(&arena);
    end(&up);
}

/* A part, an abort or a completion of an upload that never was meets no upload. */
TEST(unknown_uploads_are_told)
{
    struct uploading up;
    struct object_put_result result;
    struct error err;

    begin(&up, CHECKSUM_NONE, CHECKSUM_FULL_OBJECT);
    add(&up, 1, 10);
    up.id.bytes[0] ^= 1;
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  fixture_part(&up.bucket, "k", up.id, 1, BYTES_LITERAL("x"), &result, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, multipart_abort(&up.bucket, BYTES_LITERAL("k"), up.id, NULL));
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD, complete(&up, &result, NULL));
    up.id.bytes[0] ^= 1;
    EXPECT_STATUS(ST_NO_SUCH_UPLOAD,
                  fixture_part(&up.bucket, "j", up.id, 1, BYTES_LITERAL("x"), &result, NULL));
    EXPECT_OK(complete(&up, &result, &err), &err);
    end(&up);
}
