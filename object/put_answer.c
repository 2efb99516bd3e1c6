/* SPDX-License-Identifier: Apache-2.0 */
#include "object/put_answer.h"

#include "base/field_codec.h"

#include "base/banned.h"

/* Numbers never change. */
enum answer {
    ANSWER_SEQ_VERSION = 1 | FIELD_CRITICAL,
    ANSWER_SEQ_COUNTER = 2 | FIELD_CRITICAL,
    ANSWER_ETAG = 3,
    ANSWER_OVERWRITE_COUNT = 4,
    ANSWER_CREATED_NS = 5,
    ANSWER_UNCHANGED = 6
};

void
put_answer_write(const struct put_answer *answer, struct buffer *out)
{
    field_put_number(out, ANSWER_SEQ_VERSION, answer->seq.map_version);
    field_put_number(out, ANSWER_SEQ_COUNTER, answer->seq.counter);
    field_put_text(out, ANSWER_ETAG, answer->etag);
    if (answer->has_overwrite_count) {
        field_put_number(out, ANSWER_OVERWRITE_COUNT, answer->overwrite_count);
    }
    if (answer->has_created) {
        field_put_number(out, ANSWER_CREATED_NS, (uint64_t)answer->created_ns);
    }
    field_put_number(out, ANSWER_UNCHANGED, answer->is_unchanged);
}

/* SPEC: RFC 9110 section 8.8.3: etagc, without the quotes that dialects put around it. */
static bool
is_etag(struct bytes text)
{
    bool is_good = text.size < PUT_ANSWER_ETAG_BYTES_MAX;

    for (size_t i = 0; i < text.size && is_good; i++) {
        is_good = text.data[i] > ' ' && text.data[i] < 0x7f && text.data[i] != '"';
    }
    return is_good;
}

static bool
read_field(const struct field *field, struct put_answer *answer)
{
    struct bytes payload = field->payload;
    uint64_t number = 0;

    switch (field->tag) {
    case ANSWER_SEQ_VERSION:
        return field_number(payload, UINT64_MAX, &answer->seq.map_version);
    case ANSWER_SEQ_COUNTER:
        return field_number(payload, UINT64_MAX, &answer->seq.counter);
    case ANSWER_ETAG:
        answer->etag = payload;
        return is_etag(payload);
    case ANSWER_OVERWRITE_COUNT:
        answer->has_overwrite_count = true;
        return field_number(payload, UINT64_MAX, &answer->overwrite_count);
    case ANSWER_CREATED_NS:
        answer->has_created = field_number(payload, INT64_MAX, &number);
        answer->created_ns = (int64_t)number;
        return answer->has_created;
    case ANSWER_UNCHANGED:
        answer->is_unchanged = field_number(payload, 1, &number) && number == 1;
        return true;
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
put_answer_read(struct bytes text, struct put_answer *ret_answer, struct error *err)
{
    struct put_answer answer = {.seq = {0, 0}};
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!read_field(&field, &answer)) {
            return fail(err, ST_INVALID, "a field of how a PUT ended cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || answer.seq.map_version == 0) {
        return fail(err, ST_INVALID, "what was told of how a PUT ended is malformed");
    }
    *ret_answer = answer;
    return ST_OK;
}
