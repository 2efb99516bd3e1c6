/* SPDX-License-Identifier: Apache-2.0 */
#include "object/completion.h"

#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "object/extent_pages.h"
#include "object/object_checksum.h"
#include "object/object_internal.h"
#include "object/upload_current.h"

#include "base/banned.h"

enum status
completion_request_check(const struct multipart_complete_options *options, struct error *err)
{
    if (options->part_count == 0 || options->part_count > PART_NUMBER_MAX) {
        return fail_as(err, ST_INVALID, "MalformedXML", "a completion names 1 to %d parts",
                       PART_NUMBER_MAX);
    }
    for (size_t i = 0; i < options->part_count; i++) {
        if (i > 0 && options->parts[i].number <= options->parts[i - 1].number) {
            return fail(err, ST_INVALID_PART_ORDER, "part %u follows part %u",
                        options->parts[i].number, options->parts[i - 1].number);
        }
    }
    return ST_OK;
}

static enum status
part_check(const struct completion *completion, const struct multipart_part *asked,
           const struct part_record *part, struct error *err)
{
    const struct upload_record *upload = &completion->upload;
    bool is_composite =
        upload->checksum_algorithm != CHECKSUM_NONE && upload->checksum_type == CHECKSUM_COMPOSITE;
    char etag[2 * 16 + 1];

    encode_hex(bytes_of(part->md5, sizeof(part->md5)), etag);
    if (!(completion->options->is_native && asked->etag.size == 0) &&
        !bytes_equal_string(asked->etag, etag)) {
        return fail(err, ST_INVALID_PART, "part %u has another ETag", asked->number);
    }
    if (asked->checksum.algorithm == CHECKSUM_NONE) {
        return is_composite
                   ? fail_as(err, ST_INVALID, "InvalidRequest",
                             "The upload was created using the %s checksum algorithm. The "
                             "complete request must include the checksum for each part. It was "
                             "missing for part %u in the request.",
                             digest_suffix(object_checksum_digest(upload->checksum_algorithm)),
                             asked->number)
                   : ST_OK;
    }
    /* An upload without an algorithm keeps CRC64NVME of its parts; what else the client sent with a
     * part was verified then and is not kept. */
    if (upload->checksum_algorithm == CHECKSUM_NONE &&
        asked->checksum.algorithm != part->checksum.algorithm) {
        return ST_OK;
    }
    if (!object_checksum_equal(&asked->checksum, &part->checksum)) {
        return fail(err, ST_INVALID_PART, "part %u has another checksum", asked->number);
    }
    return ST_OK;
}

/* Finds the parts of the request among those that exist, in one pass over both. */
static enum status
parts_choose(struct completion *completion, struct error *err)
{
    const struct multipart_complete_options *options = completion->options;
    uint64_t size_min = completion->bucket->store->part_bytes_min;
    size_t at = 0;

    completion->chosen =
        arena_alloc(&completion->arena, options->part_count * sizeof(struct part_record *));
    for (size_t i = 0; i < options->part_count; i++) {
        const struct multipart_part *asked = &options->parts[i];
        enum status st;

        while (at < completion->existing_count && completion->existing[at].number < asked->number) {
            at++;
        }
        if (at == completion->existing_count || completion->existing[at].number != asked->number) {
            return fail(err, ST_INVALID_PART, "part %u was not uploaded", asked->number);
        }
        completion->chosen[i] = &completion->existing[at];
        st = part_check(completion, asked, completion->chosen[i], err);
        if (st != ST_OK) {
            return st;
        }
    }
    for (size_t i = 0; i + 1 < options->part_count; i++) {
        if (completion->chosen[i]->size < size_min && !options->is_native) {
            return fail(
                err, ST_PART_TOO_SMALL, "part %u has %llu bytes, and all but the last need %llu",
                completion->chosen[i]->number, (unsigned long long)completion->chosen[i]->size,
                (unsigned long long)size_min);
        }
    }
    return ST_OK;
}

/* Sizes, ETag, checksum, part table. */
static enum status
parts_sum(struct completion *completion, struct error *err)
{
    size_t count = completion->options->part_count;
    bool has_algorithm = completion->upload.checksum_algorithm != CHECKSUM_NONE;
    struct object_checksum sum;
    struct digest md5;
    struct digest_value value;
    char hex[2 * DIGEST_SIZE_MAX + 1];

    completion->entries = arena_calloc(&completion->arena, count, sizeof(*completion->entries));
    object_checksum_init(&sum,
                         has_algorithm ? completion->upload.checksum_algorithm : CHECKSUM_CRC64NVME,
                         has_algorithm ? completion->upload.checksum_type : CHECKSUM_FULL_OBJECT);
    digest_init(&md5, DIGEST_MD5);
    completion->size = 0;
    for (size_t i = 0; i < count; i++) {
        const struct part_record *part = completion->chosen[i];

        completion->entries[i] = (struct part_entry){.number = part->number,
                                                     .offset = completion->size,
                                                     .size = part->size,
                                                     .checksum = part->checksum};
        completion->size += part->size; /* at most 10,000 times 5 GiB: no overflow */
        digest_update(&md5, bytes_of(part->md5, sizeof(part->md5)));
        object_checksum_add(&sum, &part->checksum, part->size);
    }
    digest_final(&md5, &value);
    digest_release(&md5);
    object_checksum_finish(&sum, &completion->checksum);
    encode_hex(digest_value_bytes(&value), hex);
    snprintf(completion->etag, sizeof(completion->etag), "%.32s-%zu", hex, count);
    if (completion->size > OBJECT_BYTES_MAX) {
        return fail_as(err, ST_TOO_LARGE, "EntityTooLarge",
                       "the parts have %llu bytes together, more than the %llu of the largest "
                       "object",
                       (unsigned long long)completion->size, (unsigned long long)OBJECT_BYTES_MAX);
    }
    return ST_OK;
}

static enum status
whole_check(const struct completion *completion, struct error *err)
{
    const struct multipart_complete_options *options = completion->options;

    if (options->size != OBJECT_SIZE_UNKNOWN && options->size != completion->size) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The provided 'x-amz-mp-object-size' header value %llu does not match what "
                       "was computed: %llu",
                       (unsigned long long)options->size, (unsigned long long)completion->size);
    }
    if (options->has_checksum_type && options->checksum_type != completion->checksum.type) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The upload was created with another checksum type than the request names");
    }
    if (options->checksum.algorithm == CHECKSUM_NONE) {
        return ST_OK;
    }
    if (options->checksum.algorithm != completion->checksum.algorithm) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The upload's checksum algorithm is %s, not the one that was sent",
                       object_checksum_name(completion->checksum.algorithm));
    }
    if (!object_checksum_equal(&options->checksum, &completion->checksum)) {
        return fail_as(err, ST_DIGEST_MISMATCH, "BadDigest",
                       "The %s you specified did not match the calculated checksum.",
                       object_checksum_name(options->checksum.algorithm));
    }
    return ST_OK;
}

static size_t
part_extent_count(const struct layout *layout)
{
    return layout->kind == LAYOUT_EXTENTS ? layout->extent_count : 1;
}

static enum status
extents_collect(struct completion *completion, struct error *err)
{
    size_t count = completion->options->part_count;
    size_t capacity = 0;

    for (size_t i = 0; i < count; i++) {
        capacity += part_extent_count(&completion->chosen[i]->layout);
    }
    completion->extents = arena_calloc(&completion->arena, capacity, sizeof(struct extent));
    completion->extent_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct part_record *part = completion->chosen[i];
        const struct layout *layout = &part->layout;
        struct extent *next = &completion->extents[completion->extent_count];

        switch (layout->kind) {
        case LAYOUT_NONE:
            break;
        case LAYOUT_EXTENTS:
            memcpy(next, layout->extents, layout->extent_count * sizeof(*next));
            completion->extent_count += layout->extent_count;
            break;
        case LAYOUT_PAGES:
            *next = (struct extent){
                .kind = EXTENT_INDIRECT, .length = part->size, .write_id = layout->write_id};
            completion->extent_count++;
            break;
        case LAYOUT_INLINE:
            return fail(err, ST_CORRUPT, "part %u stands in its record", part->number);
        }
    }
    return ST_OK;
}

static enum status
layout_build(struct completion *completion, struct error *err)
{
    struct layout *layout = &completion->record.layout;
    enum status st;

    if (completion->options->part_count == 1 && completion->size > 0) {
        *layout = completion->chosen[0]->layout;
        return ST_OK;
    }
    st = extents_collect(completion, err);
    if (st != ST_OK) {
        return st;
    }
    extent_pages_layout(completion->extents, completion->extent_count, layout);
    return ST_OK;
}

static void
records_encode(struct completion *completion)
{
    int64_t now_ns = clock_wall_ns();
    struct upload_record upload = {
        .created_ns = completion->upload.created_ns,
        .state = UPLOAD_COMPLETED,
        .checksum_algorithm = completion->upload.checksum_algorithm,
        .checksum_type = completion->upload.checksum_type,
        .owner = completion->upload.owner,
        .initiator = completion->upload.initiator,
        .completed_ns = now_ns,
        .completed_etag = bytes_of_string(completion->etag),
        .completed_checksum = completion->checksum,
        .unknown_tags = completion->upload.unknown_tags,
    };
    struct object_record *record = &completion->record;

    record->created_ns = now_ns;
    record->size = completion->size;
    record->stored_size = completion->size;
    record->etag = bytes_of_string(completion->etag);
    record->checksum = completion->checksum;
    record->part_count = (uint32_t)completion->options->part_count;
    record->owner = completion->upload.owner;
    record->attributes = completion->upload.attributes;
    buffer_clear(&completion->encoded_upload);
    upload_record_encode(&upload, &completion->encoded_upload);
}

enum status
completion_build(struct completion *completion, struct error *err)
{
    bool is_truncated;
    enum status st =
        upload_parts_read(completion->ref.home, completion->ref.bucket_id, completion->ref.key,
                          completion->ref.id, 0, PART_NUMBER_MAX, &completion->arena,
                          &completion->existing, &completion->existing_count, &is_truncated, err);

    if (st == ST_OK) {
        st = parts_choose(completion, err);
    }
    if (st == ST_OK) {
        st = parts_sum(completion, err);
    }
    if (st == ST_OK) {
        st = whole_check(completion, err);
    }
    if (st == ST_OK) {
        st = layout_build(completion, err);
    }
    if (st == ST_OK) {
        records_encode(completion);
    }
    return st;
}

void
completion_release(struct completion *completion)
{
    buffer_release(&completion->encoded);
    buffer_release(&completion->encoded_upload);
    arena_release(&completion->arena);
}
