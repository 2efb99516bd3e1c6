/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/former_record.h"

#include "base/check.h"
#include "meta/record_codec.h"

#include "base/banned.h"

static const struct record_form FORMER_FORM = {
    .kind = RECORD_FORMER,
    .name = "the mark of a placement",
    .has_seq = true,
    .known = RECORD_TAG_BIT(TAG_FORMER_FLAGS) | RECORD_TAG_BIT(TAG_FORMER_GENERATION) |
             RECORD_TAG_BIT(TAG_FORMER_DESTINATION),
};

void
former_record_encode(const struct former_record *record, struct buffer *out)
{
    CHECK(record->flags != 0 && (record->flags & ~FORMER_FLAGS_ALL) == 0);
    CHECK(record->generation > 0 && record->destination.size <= FORMER_DESTINATION_BYTES_MAX);
    record_begin(RECORD_FORMER, &record->seq, out);
    record_put_number(out, TAG_FORMER_FLAGS, record->flags);
    record_put_number(out, TAG_FORMER_GENERATION, record->generation);
    record_put_text(out, TAG_FORMER_DESTINATION, record->destination);
    buffer_append_bytes(out, record->unknown_tags);
}

static bool
get_field(const struct record_field *field, struct former_record *record)
{
    uint64_t number;

    switch (field->tag) {
    case TAG_FORMER_FLAGS:
        if (!record_get_number(field->payload, &number) || number == 0 ||
            (number & ~(uint64_t)FORMER_FLAGS_ALL) != 0) {
            return false;
        }
        record->flags = (unsigned int)number;
        return true;
    case TAG_FORMER_GENERATION:
        return record_get_number(field->payload, &record->generation);
    case TAG_FORMER_DESTINATION:
        record->destination = field->payload;
        return field->payload.size > 0 && field->payload.size <= FORMER_DESTINATION_BYTES_MAX;
    default:
        return true; /* unknown and plain: kept apart */
    }
}

static bool
is_sane(const struct former_record *record)
{
    bool is_moved = (record->flags & FORMER_MOVED) != 0;

    return record->flags != 0 && record->generation > 0 &&
           is_moved == (record->destination.size > 0);
}

static bool
take_field(const struct record_field *field, struct record_collector *collector, void *arg)
{
    return get_field(field, arg);
}

enum status
former_record_decode(struct bytes value, struct arena *arena, struct former_record *ret_record,
                     struct error *err)
{
    struct former_record record = {.flags = 0};
    struct record_decoder decoder = {
        .form = &FORMER_FORM, .take = take_field, .record = &record, .arena = arena};
    enum status st = record_decode(&decoder, value, err);

    if (st != ST_OK) {
        return st;
    }
    if (!is_sane(&record)) {
        return fail(err, ST_CORRUPT, "the mark of a placement contradicts itself");
    }
    record.seq = decoder.seq;
    record.unknown_tags = decoder.unknown_tags;
    *ret_record = record;
    return ST_OK;
}
