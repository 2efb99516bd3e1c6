/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/upload_record.h"

#include "base/check.h"
#include "meta/record_codec.h"

#include "base/banned.h"

#define MD5_BYTES 16

static const struct record_form UPLOAD_FORM = {
    .kind = RECORD_UPLOAD,
    .name = "an upload record",
    .has_seq = true,
    .known = RECORD_TAG_BIT(TAG_CREATED) | RECORD_TAG_BIT(TAG_UPLOAD_STATE) |
             RECORD_TAG_BIT(TAG_UPLOAD_CHECKSUM) | RECORD_TAG_BIT(TAG_OWNER) |
             RECORD_TAG_BIT(TAG_INITIATOR) | RECORD_TAG_BIT(TAG_COMPLETED) |
             RECORD_TAG_BIT(TAG_COMPLETED_ETAG) | RECORD_TAG_BIT(TAG_COMPLETED_CHECKSUM) |
             RECORD_TAG_BIT(TAG_UPLOAD_ORIGIN) | RECORD_TAG_BIT(TAG_FORMER_DESTINATION) |
             RECORD_TAG_BIT(TAG_FORMER_GENERATION) | RECORD_ATTRIBUTE_TAGS,
    .repeated = RECORD_REPEATED_TAGS,
};

static const struct record_form PART_FORM = {
    .kind = RECORD_PART,
    .name = "a part record",
    .has_seq = true,
    .known = RECORD_TAG_BIT(TAG_CREATED) | RECORD_TAG_BIT(TAG_SIZE) | RECORD_TAG_BIT(TAG_CHECKSUM) |
             RECORD_TAG_BIT(TAG_PART_NUMBER) | RECORD_TAG_BIT(TAG_PART_MD5) | RECORD_LAYOUT_TAGS,
    .repeated = RECORD_REPEATED_TAGS,
};

void
upload_record_encode(const struct upload_record *record, struct buffer *out)
{
    char checksum[2] = {(char)record->checksum_algorithm, (char)record->checksum_type};

    record_begin(RECORD_UPLOAD, &record->seq, out);
    record_put_time(out, TAG_CREATED, record->created_ns);
    record_put_number(out, TAG_UPLOAD_STATE, record->state);
    if (record->checksum_algorithm != CHECKSUM_NONE) {
        record_put_field(out, TAG_UPLOAD_CHECKSUM, bytes_of(checksum, sizeof(checksum)));
    }
    record_put_text(out, TAG_OWNER, record->owner);
    record_put_text(out, TAG_INITIATOR, record->initiator);
    record_put_attributes(out, &record->attributes);
    record_put_text(out, TAG_UPLOAD_ORIGIN, record->origin);
    record_put_text(out, TAG_FORMER_DESTINATION, record->destination);
    record_put_number(out, TAG_FORMER_GENERATION, record->generation);
    record_put_time(out, TAG_COMPLETED, record->completed_ns);
    record_put_text(out, TAG_COMPLETED_ETAG, record->completed_etag);
    record_put_checksum(out, TAG_COMPLETED_CHECKSUM, &record->completed_checksum);
    buffer_append_bytes(out, record->unknown_tags);
}

static bool
get_upload_checksum(struct bytes payload, struct upload_record *record)
{
    if (payload.size != 2 || (unsigned char)payload.data[0] > CHECKSUM_SHA256 ||
        payload.data[0] == CHECKSUM_NONE || (unsigned char)payload.data[1] > CHECKSUM_COMPOSITE) {
        return false;
    }
    record->checksum_algorithm = (enum checksum_algorithm)payload.data[0];
    record->checksum_type = (enum checksum_type)payload.data[1];
    return true;
}

static bool
get_upload_field(const struct record_field *field, struct upload_record *record)
{
    uint64_t number;

    switch (field->tag) {
    case TAG_CREATED:
        return record_get_time(field->payload, &record->created_ns);
    case TAG_UPLOAD_STATE:
        if (!record_get_number(field->payload, &number) || number > UPLOAD_ARRIVING) {
            return false;
        }
        record->state = (enum upload_state)number;
        return true;
    case TAG_UPLOAD_CHECKSUM:
        return get_upload_checksum(field->payload, record);
    case TAG_OWNER:
        record->owner = field->payload;
        return true;
    case TAG_INITIATOR:
        record->initiator = field->payload;
        return true;
    case TAG_UPLOAD_ORIGIN:
        record->origin = field->payload;
        return true;
    case TAG_FORMER_DESTINATION:
        record->destination = field->payload;
        return true;
    case TAG_FORMER_GENERATION:
        return record_get_number(field->payload, &record->generation);
    case TAG_COMPLETED:
        return record_get_time(field->payload, &record->completed_ns);
    case TAG_COMPLETED_ETAG:
        record->completed_etag = field->payload;
        return true;
    case TAG_COMPLETED_CHECKSUM:
        return record_get_checksum(field->payload, &record->completed_checksum);
    default:
        return true; /* unknown and plain: kept apart */
    }
}

static bool
take_upload_field(const struct record_field *field, struct record_collector *collector, void *arg)
{
    struct upload_record *record = arg;
    bool is_mine = false;

    return record_get_attribute(field, collector, &record->attributes, &is_mine) &&
           (is_mine || get_upload_field(field, record));
}

enum status
upload_record_decode(struct bytes value, struct arena *arena, struct upload_record *ret_record,
                     struct error *err)
{
    struct upload_record record = {.created_ns = 0};
    struct record_decoder decoder = {
        .form = &UPLOAD_FORM, .take = take_upload_field, .record = &record, .arena = arena};
    enum status st = record_decode(&decoder, value, err);

    if (st != ST_OK) {
        return st;
    }
    record.seq = decoder.seq;
    record.unknown_tags = decoder.unknown_tags;
    *ret_record = record;
    return ST_OK;
}

void
part_record_encode(const struct part_record *record, struct buffer *out)
{
    record_begin(RECORD_PART, &record->seq, out);
    record_put_number(out, TAG_PART_NUMBER, record->number);
    record_put_time(out, TAG_CREATED, record->created_ns);
    record_put_number(out, TAG_SIZE, record->size);
    record_put_field(out, TAG_PART_MD5, bytes_of(record->md5, MD5_BYTES));
    record_put_checksum(out, TAG_CHECKSUM, &record->checksum);
    record_put_layout(out, &record->layout);
    buffer_append_bytes(out, record->unknown_tags);
}

static bool
get_part_field(const struct record_field *field, struct part_record *record)
{
    uint64_t number;

    switch (field->tag) {
    case TAG_PART_NUMBER:
        if (!record_get_number(field->payload, &number) || number > UINT32_MAX) {
            return false;
        }
        record->number = (uint32_t)number;
        return true;
    case TAG_CREATED:
        return record_get_time(field->payload, &record->created_ns);
    case TAG_SIZE:
        return record_get_number(field->payload, &record->size);
    case TAG_PART_MD5:
        if (field->payload.size != MD5_BYTES) {
            return false;
        }
        memcpy(record->md5, field->payload.data, MD5_BYTES);
        return true;
    case TAG_CHECKSUM:
        return record_get_checksum(field->payload, &record->checksum);
    default:
        return true; /* unknown and plain: kept apart */
    }
}

static bool
take_part_field(const struct record_field *field, struct record_collector *collector, void *arg)
{
    struct part_record *record = arg;
    bool is_mine = false;

    return record_get_layout(field, collector, &record->layout, &is_mine) &&
           (is_mine || get_part_field(field, record));
}

enum status
part_record_decode(struct bytes value, struct arena *arena, struct part_record *ret_record,
                   struct error *err)
{
    struct part_record record = {.number = 0};
    struct record_decoder decoder = {
        .form = &PART_FORM, .take = take_part_field, .record = &record, .arena = arena};
    enum status st = record_decode(&decoder, value, err);

    if (st != ST_OK) {
        return st;
    }
    if (record.number == 0 || !record_layout_is_sane(&record.layout)) {
        return fail(err, ST_CORRUPT, "a part record has no number or no sane layout");
    }
    record.seq = decoder.seq;
    record.unknown_tags = decoder.unknown_tags;
    *ret_record = record;
    return ST_OK;
}
