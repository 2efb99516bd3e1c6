/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/record_codec.h"

#include "base/check.h"
#include "base/encode.h"

#include "base/banned.h"

#define VARINT_BYTES_MAX 10

void
record_begin(enum record_kind kind, const struct seq *seq, struct buffer *out)
{
    char *at = buffer_reserve(out, RECORD_HEADER_BYTES + RECORD_SEQ_BYTES);

    at[0] = 'L';
    at[1] = (char)kind;
    at[2] = RECORD_FORMAT_VERSION;
    at[3] = 0;
    out->size += RECORD_HEADER_BYTES;
    if (seq != NULL) {
        encode_u64_be(at + RECORD_SEQ_OFFSET, seq->map_version);
        encode_u64_be(at + RECORD_SEQ_OFFSET + 8, seq->counter);
        out->size += RECORD_SEQ_BYTES;
    }
}

static size_t
encode_varint(unsigned char *out, uint64_t value)
{
    size_t size = 0;

    while (value >= 0x80) {
        out[size++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out[size++] = (unsigned char)value;
    return size;
}

void
record_put_varint(struct buffer *out, uint64_t value)
{
    out->size += encode_varint((unsigned char *)buffer_reserve(out, VARINT_BYTES_MAX), value);
}

void
record_put_field(struct buffer *out, enum record_tag tag, struct bytes payload)
{
    buffer_append_char(out, (char)tag);
    record_put_varint(out, payload.size);
    buffer_append_bytes(out, payload);
}

void
record_put_number(struct buffer *out, enum record_tag tag, uint64_t value)
{
    unsigned char encoded[VARINT_BYTES_MAX];

    if (value != 0) {
        record_put_field(out, tag, bytes_of(encoded, encode_varint(encoded, value)));
    }
}

void
record_put_text(struct buffer *out, enum record_tag tag, struct bytes text)
{
    if (text.size > 0) {
        record_put_field(out, tag, text);
    }
}

void
record_put_time(struct buffer *out, enum record_tag tag, int64_t time_ns)
{
    unsigned char encoded[8];

    if (time_ns != 0) {
        encode_u64_be(encoded, (uint64_t)time_ns);
        record_put_field(out, tag, bytes_of(encoded, sizeof(encoded)));
    }
}

void
record_put_checksum(struct buffer *out, enum record_tag tag, const struct checksum *checksum)
{
    unsigned char payload[2 + CHECKSUM_VALUE_MAX];

    if (checksum->algorithm == CHECKSUM_NONE) {
        return;
    }
    CHECK(checksum->size <= CHECKSUM_VALUE_MAX);
    payload[0] = (unsigned char)checksum->algorithm;
    payload[1] = (unsigned char)checksum->type;
    memcpy(payload + 2, checksum->value, checksum->size);
    record_put_field(out, tag, bytes_of(payload, 2 + checksum->size));
}

static enum status
check_header(struct bytes value, const struct record_form *form, struct record_survey *survey,
             struct error *err)
{
    size_t size = RECORD_HEADER_BYTES + (form->has_seq ? RECORD_SEQ_BYTES : 0);

    if (value.size < size || value.data[0] != 'L' || value.data[1] != (char)form->kind) {
        return fail(err, ST_CORRUPT, "a record does not begin as one of kind '%c'",
                    (char)form->kind);
    }
    if (value.data[2] != RECORD_FORMAT_VERSION || value.data[3] != 0) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "a record of kind '%c' has format %u, newer than this program's %d",
                    (char)form->kind, (unsigned char)value.data[2], RECORD_FORMAT_VERSION);
    }
    if (form->has_seq) {
        survey->seq.map_version = decode_u64_be(value.data + RECORD_SEQ_OFFSET);
        survey->seq.counter = decode_u64_be(value.data + RECORD_SEQ_OFFSET + 8);
    }
    survey->fields = bytes_slice(value, size, value.size);
    return ST_OK;
}

static bool
cut_field(struct bytes *fields, struct record_field *ret_field)
{
    struct bytes rest = *fields;
    uint64_t size;

    if (rest.size == 0) {
        return false;
    }
    ret_field->tag = (enum record_tag)(unsigned char)rest.data[0];
    rest = bytes_slice(rest, 1, rest.size);
    if (!record_cut_varint(&rest, &size) || size > rest.size) {
        return false;
    }
    ret_field->payload = bytes_slice(rest, 0, size);
    ret_field->whole = bytes_of(fields->data, (size_t)(rest.data - fields->data) + size);
    *fields = bytes_slice(rest, size, rest.size);
    return true;
}

static bool
is_known(const struct record_form *form, enum record_tag tag)
{
    return (tag & ~RECORD_TAG_CRITICAL) <= RECORD_TAG_NUMBER_MAX &&
           (form->known & RECORD_TAG_BIT(tag)) != 0;
}

enum status
record_survey(struct bytes value, const struct record_form *form, struct record_survey *ret_survey,
              struct error *err)
{
    struct record_survey survey = {.metadata_count = 0};
    struct record_field field;
    struct bytes rest;
    uint64_t seen = 0;
    enum status st = check_header(value, form, &survey, err);

    if (st != ST_OK) {
        return st;
    }
    for (rest = survey.fields; rest.size > 0;) {
        if (!cut_field(&rest, &field)) {
            return fail(err, ST_CORRUPT, "a field of a '%c' record is cut off", (char)form->kind);
        }
        if (!is_known(form, field.tag)) {
            if ((field.tag & RECORD_TAG_CRITICAL) != 0) {
                return fail(err, ST_NOT_IMPLEMENTED,
                            "a '%c' record needs field %d, which this program does not know",
                            (char)form->kind, field.tag & ~RECORD_TAG_CRITICAL);
            }
            survey.unknown_size += field.whole.size;
            continue;
        }
        if ((seen & RECORD_TAG_BIT(field.tag) & ~form->repeated) != 0) {
            return fail(err, ST_CORRUPT, "field %d of a '%c' record appears twice",
                        field.tag & ~RECORD_TAG_CRITICAL, (char)form->kind);
        }
        seen |= RECORD_TAG_BIT(field.tag);
        survey.metadata_count += field.tag == TAG_METADATA;
        survey.extent_count += field.tag == TAG_EXTENT;
        survey.part_entry_count += field.tag == TAG_PART_ENTRY;
    }
    *ret_survey = survey;
    return ST_OK;
}

bool
record_next(struct bytes *fields, struct record_field *ret_field)
{
    return cut_field(fields, ret_field);
}

struct bytes
record_unknown(const struct record_survey *survey, const struct record_form *form,
               struct arena *arena)
{
    struct bytes rest = survey->fields;
    struct record_field field;
    char *copy;
    size_t size = 0;

    if (survey->unknown_size == 0) {
        return BYTES_NONE;
    }
    copy = arena_alloc(arena, survey->unknown_size);
    while (record_next(&rest, &field)) {
        if (!is_known(form, field.tag)) {
            memcpy(copy + size, field.whole.data, field.whole.size);
            size += field.whole.size;
        }
    }
    CHECK(size == survey->unknown_size);
    return bytes_of(copy, size);
}

bool
record_cut_varint(struct bytes *payload, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < payload->size && i < VARINT_BYTES_MAX; i++) {
        unsigned char byte = (unsigned char)payload->data[i];

        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            return false;
        }
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (byte == 0 && i > 0) {
                return false; /* one form per number */
            }
            *payload = bytes_slice(*payload, i + 1, payload->size);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool
record_cut_bytes(struct bytes *payload, size_t size, struct bytes *ret_bytes)
{
    if (payload->size < size) {
        return false;
    }
    *ret_bytes = bytes_slice(*payload, 0, size);
    *payload = bytes_slice(*payload, size, payload->size);
    return true;
}

bool
record_get_number(struct bytes payload, uint64_t *ret_value)
{
    return record_cut_varint(&payload, ret_value) && payload.size == 0;
}

bool
record_get_time(struct bytes payload, int64_t *ret_time_ns)
{
    if (payload.size != 8) {
        return false;
    }
    *ret_time_ns = (int64_t)decode_u64_be(payload.data);
    return true;
}

bool
record_get_checksum(struct bytes payload, struct checksum *ret_checksum)
{
    static const size_t SIZES[] = {
        [CHECKSUM_CRC32] = 4, [CHECKSUM_CRC32C] = 4,  [CHECKSUM_CRC64NVME] = 8,
        [CHECKSUM_SHA1] = 20, [CHECKSUM_SHA256] = 32,
    };
    struct checksum checksum = {CHECKSUM_NONE, CHECKSUM_FULL_OBJECT, {0}, 0};
    unsigned char algorithm;

    if (payload.size < 2) {
        return false;
    }
    algorithm = (unsigned char)payload.data[0];
    if (algorithm == CHECKSUM_NONE || algorithm >= ARRAY_COUNT(SIZES) ||
        (unsigned char)payload.data[1] > CHECKSUM_COMPOSITE ||
        payload.size - 2 != SIZES[algorithm]) {
        return false;
    }
    checksum.algorithm = (enum checksum_algorithm)algorithm;
    checksum.type = (enum checksum_type)payload.data[1];
    checksum.size = payload.size - 2;
    memcpy(checksum.value, payload.data + 2, checksum.size);
    *ret_checksum = checksum;
    return true;
}

enum status
record_decode(struct record_decoder *decoder, struct bytes value, struct error *err)
{
    const struct record_form *form = decoder->form;
    struct record_collector collector = {NULL, 0, NULL, 0};
    struct record_survey survey;
    struct record_field field;
    struct bytes rest;
    enum status st = record_survey(value, form, &survey, err);

    if (st != ST_OK) {
        return st;
    }
    if (decoder->arena != NULL) {
        record_collector_init(&collector, &survey, decoder->arena);
    }
    for (rest = survey.fields; record_next(&rest, &field);) {
        if (!decoder->take(&field, &collector, decoder->record)) {
            return fail(err, ST_CORRUPT, "field %d of %s is malformed",
                        field.tag & ~RECORD_TAG_CRITICAL, form->name);
        }
    }
    decoder->seq = survey.seq;
    if (decoder->arena != NULL) {
        decoder->unknown_tags = record_unknown(&survey, form, decoder->arena);
    }
    return ST_OK;
}
