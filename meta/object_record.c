/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/object_record.h"

#include "base/check.h"
#include "meta/record_codec.h"

#include "base/banned.h"

static const struct record_form OBJECT_FORM = {
    .kind = RECORD_OBJECT,
    .name = "an object record",
    .has_seq = true,
    .known = RECORD_TAG_BIT(TAG_CREATED) | RECORD_TAG_BIT(TAG_SIZE) |
             RECORD_TAG_BIT(TAG_STORED_SIZE) | RECORD_TAG_BIT(TAG_ETAG) |
             RECORD_TAG_BIT(TAG_CHECKSUM) | RECORD_TAG_BIT(TAG_PART_COUNT) |
             RECORD_TAG_BIT(TAG_OWNER) | RECORD_TAG_BIT(TAG_CUSTOM_METADATA) |
             RECORD_TAG_BIT(TAG_VERSION_COUNTER) | RECORD_TAG_BIT(TAG_NATIVE_CHECKSUM) |
             RECORD_ATTRIBUTE_TAGS | RECORD_LAYOUT_TAGS,
    .repeated = RECORD_REPEATED_TAGS,
};

int
seq_compare(struct seq a, struct seq b)
{
    if (a.map_version != b.map_version) {
        return a.map_version < b.map_version ? -1 : 1;
    }
    if (a.counter != b.counter) {
        return a.counter < b.counter ? -1 : 1;
    }
    return 0;
}

static void
put_native(struct buffer *out, const struct object_record *record)
{
    const struct native_checksum *checksum = &record->native_checksum;
    unsigned char payload[1 + CHECKSUM_VALUE_MAX];

    record_put_text(out, TAG_CUSTOM_METADATA, record->custom);
    record_put_number(out, TAG_VERSION_COUNTER, record->overwrite_count);
    if (checksum->type != NATIVE_CHECKSUM_NONE) {
        CHECK(checksum->size <= CHECKSUM_VALUE_MAX);
        payload[0] = (unsigned char)checksum->type;
        memcpy(payload + 1, checksum->value, checksum->size);
        record_put_field(out, TAG_NATIVE_CHECKSUM, bytes_of(payload, 1 + checksum->size));
    }
}

/* A type of a newer version: as if there were none. */
static bool
get_native_checksum(struct bytes payload, struct native_checksum *ret_checksum)
{
    if (payload.size < 1 || payload.size > 1 + CHECKSUM_VALUE_MAX) {
        return false;
    }
    if ((unsigned char)payload.data[0] < NATIVE_CHECKSUM_TYPE_COUNT) {
        ret_checksum->type = (enum native_checksum_type)payload.data[0];
        ret_checksum->size = payload.size - 1;
        memcpy(ret_checksum->value, payload.data + 1, payload.size - 1);
    }
    return true;
}

void
object_record_encode(const struct object_record *record, struct buffer *out)
{
    record_begin(RECORD_OBJECT, &record->seq, out);
    record_put_time(out, TAG_CREATED, record->created_ns);
    record_put_number(out, TAG_SIZE, record->size);
    record_put_number(out, TAG_STORED_SIZE, record->stored_size);
    record_put_text(out, TAG_ETAG, record->etag);
    record_put_checksum(out, TAG_CHECKSUM, &record->checksum);
    record_put_number(out, TAG_PART_COUNT, record->part_count);
    record_put_text(out, TAG_OWNER, record->owner);
    record_put_attributes(out, &record->attributes);
    put_native(out, record);
    record_put_layout(out, &record->layout);
    buffer_append_bytes(out, record->unknown_tags);
}

/* One of the plain fields; false: malformed. */
static bool
get_plain(const struct record_field *field, struct object_record *record)
{
    uint64_t number;

    switch (field->tag) {
    case TAG_CREATED:
        return record_get_time(field->payload, &record->created_ns);
    case TAG_SIZE:
        return record_get_number(field->payload, &record->size);
    case TAG_STORED_SIZE:
        return record_get_number(field->payload, &record->stored_size);
    case TAG_ETAG:
        record->etag = field->payload;
        return true;
    case TAG_CHECKSUM:
        return record_get_checksum(field->payload, &record->checksum);
    case TAG_PART_COUNT:
        if (!record_get_number(field->payload, &number) || number > UINT32_MAX) {
            return false;
        }
        record->part_count = (uint32_t)number;
        return true;
    case TAG_OWNER:
        record->owner = field->payload;
        return true;
    case TAG_CUSTOM_METADATA:
        record->custom = field->payload;
        return true;
    case TAG_VERSION_COUNTER:
        return record_get_number(field->payload, &record->overwrite_count);
    case TAG_NATIVE_CHECKSUM:
        return get_native_checksum(field->payload, &record->native_checksum);
    default:
        return true; /* unknown and plain: kept apart */
    }
}

static bool
take_field(const struct record_field *field, struct record_collector *collector, void *arg)
{
    struct object_record *record = arg;
    bool is_mine = false;

    if (!record_get_attribute(field, collector, &record->attributes, &is_mine) ||
        (!is_mine && !record_get_layout(field, collector, &record->layout, &is_mine))) {
        return false;
    }
    return is_mine || get_plain(field, record);
}

enum status
object_record_decode(struct bytes value, struct arena *arena, struct object_record *ret_record,
                     struct error *err)
{
    struct object_record record = {.size = 0};
    struct record_decoder decoder = {
        .form = &OBJECT_FORM, .take = take_field, .record = &record, .arena = arena};
    enum status st = record_decode(&decoder, value, err);

    if (st != ST_OK) {
        return st;
    }
    if (!record_layout_is_sane(&record.layout)) {
        return fail(err, ST_CORRUPT, "the layout of an object record contradicts itself");
    }
    record.seq = decoder.seq;
    record.is_chunked = record.layout.kind == LAYOUT_PAGES || record.layout.extent_count > 1;
    record.unknown_tags = decoder.unknown_tags;
    *ret_record = record;
    return ST_OK;
}

/* layout.extent_count counts while fields are taken, and nothing else of the layout is set. */
static bool
take_summary(const struct record_field *field, struct record_collector *collector, void *arg)
{
    struct object_record *record = arg;

    switch (field->tag) {
    case TAG_STORAGE_CLASS:
        record->attributes.storage_class = field->payload;
        return true;
    case TAG_LAYOUT:
        record->is_chunked |= field->payload.size > 0 && field->payload.data[0] == LAYOUT_PAGES;
        return true;
    case TAG_EXTENT:
        record->is_chunked |= ++record->layout.extent_count > 1;
        return true;
    default:
        return get_plain(field, record);
    }
}

enum status
object_record_decode_summary(struct bytes value, struct object_record *ret_record,
                             struct error *err)
{
    struct object_record record = {.size = 0};
    struct record_decoder decoder = {.form = &OBJECT_FORM, .take = take_summary, .record = &record};
    enum status st = record_decode(&decoder, value, err);

    if (st != ST_OK) {
        return st;
    }
    record.seq = decoder.seq;
    record.layout.extent_count = 0;
    *ret_record = record;
    return ST_OK;
}
