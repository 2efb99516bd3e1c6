/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_head.h"

#include "base/check.h"
#include "base/field_codec.h"
#include "net/http_limits.h"

#include "base/banned.h"

/* On the wire: numbers and critical bits never change. */
enum head_tag {
    HEAD_TO = 1 | FIELD_CRITICAL,
    HEAD_MAP_VERSION = 2 | FIELD_CRITICAL,
    HEAD_BUCKET_REVISION = 3 | FIELD_CRITICAL,
    HEAD_PRINCIPAL = 4 | FIELD_CRITICAL,
    HEAD_REQUEST_ID = 5,
    HEAD_DEADLINE = 6,
    HEAD_HAS_PAYLOAD = 7 | FIELD_CRITICAL,
    HEAD_BUCKET = 8 | FIELD_CRITICAL,
    HEAD_KEY = 9 | FIELD_CRITICAL,
    HEAD_SEQ = 10 | FIELD_CRITICAL,
    HEAD_ARGUMENTS = 11 | FIELD_CRITICAL,
    HEAD_RELAY = 12 | FIELD_CRITICAL, /* method, path, host, client address, is_tls */
    HEAD_RELAY_QUERY = 13 | FIELD_CRITICAL,
    HEAD_RELAY_HEADER = 14 | FIELD_CRITICAL /* repeated: name, value */
};

enum answer_tag {
    ANSWER_STATUS = 1 | FIELD_CRITICAL,
    ANSWER_MAP_VERSION = 2,
    ANSWER_DIALECT_CODE = 3,
    ANSWER_SENTENCE = 4,
    ANSWER_FIELDS = 5 | FIELD_CRITICAL,
    ANSWER_BUCKET_REVISION = 6
};

static void
write_relayed(const struct peer_relayed *relayed, struct buffer *out)
{
    struct buffer payload = BUFFER_INIT;

    field_put_counted(&payload, relayed->method);
    field_put_counted(&payload, relayed->path);
    field_put_counted(&payload, relayed->host);
    field_put_counted(&payload, relayed->client_address);
    field_put_varint(&payload, relayed->is_tls);
    field_put(out, HEAD_RELAY, buffer_bytes(&payload));
    if (relayed->query.data != NULL) {
        field_put(out, HEAD_RELAY_QUERY, relayed->query);
    }
    for (size_t i = 0; i < relayed->header_count; i++) {
        buffer_clear(&payload);
        field_put_counted(&payload, relayed->headers[i].name);
        field_put_counted(&payload, relayed->headers[i].value);
        field_put(out, HEAD_RELAY_HEADER, buffer_bytes(&payload));
    }
    buffer_release(&payload);
}

void
peer_head_write(const struct peer_head *head, struct buffer *out)
{
    field_put_text(out, HEAD_TO, head->to);
    field_put_number(out, HEAD_MAP_VERSION, head->map_version);
    field_put_number(out, HEAD_BUCKET_REVISION, head->bucket_revision);
    field_put_text(out, HEAD_PRINCIPAL, head->principal);
    field_put_text(out, HEAD_REQUEST_ID, head->request_id);
    field_put_number(out, HEAD_DEADLINE, head->deadline_ms);
    field_put_number(out, HEAD_HAS_PAYLOAD, head->has_payload);
    field_put_text(out, HEAD_BUCKET, head->bucket);
    field_put_text(out, HEAD_KEY, head->key);
    if (head->seq_version != 0 || head->seq_counter != 0) {
        struct buffer payload = BUFFER_INIT;

        field_put_varint(&payload, head->seq_version);
        field_put_varint(&payload, head->seq_counter);
        field_put(out, HEAD_SEQ, buffer_bytes(&payload));
        buffer_release(&payload);
    }
    field_put_text(out, HEAD_ARGUMENTS, head->arguments);
    if (head->is_relay) {
        write_relayed(&head->relayed, out);
    }
}

static bool
read_relay(struct bytes payload, struct peer_relayed *relayed)
{
    uint64_t is_tls;

    if (!field_cut_counted(&payload, &relayed->method) ||
        !field_cut_counted(&payload, &relayed->path) ||
        !field_cut_counted(&payload, &relayed->host) ||
        !field_cut_counted(&payload, &relayed->client_address) ||
        !field_number(payload, 1, &is_tls)) {
        return false;
    }
    relayed->is_tls = is_tls == 1;
    return true;
}

static bool
read_relayed_header(struct bytes payload, struct arena *arena, struct peer_relayed *relayed)
{
    struct http_header *headers = (struct http_header *)(uintptr_t)relayed->headers;

    if (relayed->header_count == HTTP_HEADER_COUNT_MAX) {
        return false;
    }
    if (headers == NULL) {
        headers = arena_calloc(arena, HTTP_HEADER_COUNT_MAX, sizeof(*headers));
        relayed->headers = headers;
    }
    if (!field_cut_counted(&payload, &headers[relayed->header_count].name) ||
        !field_cut_counted(&payload, &headers[relayed->header_count].value)) {
        return false;
    }
    relayed->header_count++;
    return payload.size == 0;
}

static bool
read_seq(struct bytes payload, struct peer_head *head)
{
    return field_cut_varint(&payload, &head->seq_version) &&
           field_cut_varint(&payload, &head->seq_counter) && payload.size == 0;
}

static bool
read_flag(struct bytes payload, bool *ret_flag)
{
    uint64_t value = 0;
    bool is_read = field_number(payload, 1, &value);

    *ret_flag = value == 1;
    return is_read;
}

/* False: malformed.  *ret_is_known is not set for tags of other releases. */
static bool
read_field(const struct field *field, struct arena *arena, struct peer_head *head,
           bool *ret_is_known)
{
    *ret_is_known = true;
    switch (field->tag) {
    case HEAD_TO:
        head->to = field->payload;
        return true;
    case HEAD_MAP_VERSION:
        return field_number(field->payload, UINT64_MAX, &head->map_version);
    case HEAD_BUCKET_REVISION:
        return field_number(field->payload, UINT64_MAX, &head->bucket_revision);
    case HEAD_PRINCIPAL:
        head->principal = field->payload;
        return true;
    case HEAD_REQUEST_ID:
        head->request_id = field->payload;
        return true;
    case HEAD_DEADLINE:
        return field_number(field->payload, UINT64_MAX, &head->deadline_ms);
    case HEAD_HAS_PAYLOAD:
        return read_flag(field->payload, &head->has_payload);
    case HEAD_BUCKET:
        head->bucket = field->payload;
        return true;
    case HEAD_KEY:
        head->key = field->payload;
        return true;
    case HEAD_SEQ:
        return read_seq(field->payload, head);
    case HEAD_ARGUMENTS:
        head->arguments = field->payload;
        return true;
    case HEAD_RELAY:
        head->is_relay = true;
        return read_relay(field->payload, &head->relayed);
    case HEAD_RELAY_QUERY:
        head->relayed.query = field->payload;
        return true;
    case HEAD_RELAY_HEADER:
        return read_relayed_header(field->payload, arena, &head->relayed);
    default:
        *ret_is_known = false;
        return true;
    }
}

enum status
peer_head_read(struct bytes bytes, struct arena *arena, struct peer_head *ret_head,
               struct error *err)
{
    struct peer_head head = {.has_payload = false};
    struct field field;
    enum status st;

    while ((st = field_next(&bytes, &field)) == ST_OK) {
        bool is_known;

        if (!read_field(&field, arena, &head, &is_known)) {
            return fail(err, ST_INVALID, "field %u of a peer's head is malformed",
                        field.tag & ~FIELD_CRITICAL);
        }
        if (!is_known && (field.tag & FIELD_CRITICAL) != 0) {
            return fail(err, ST_NOT_IMPLEMENTED,
                        "a peer's head has field %u, which a newer release wrote; update this node",
                        field.tag & ~FIELD_CRITICAL);
        }
    }
    if (st != ST_NOT_FOUND) {
        return fail(err, ST_INVALID, "a peer's head is cut or malformed");
    }
    *ret_head = head;
    return ST_OK;
}

void
peer_answer_write(const struct peer_answer *answer, struct buffer *out)
{
    /* By name: numbers are a matter of the release. */
    field_put_text(out, ANSWER_STATUS, bytes_of_string(status_name(answer->status)));
    field_put_number(out, ANSWER_MAP_VERSION, answer->map_version);
    field_put_text(out, ANSWER_DIALECT_CODE, answer->dialect_code);
    field_put_text(out, ANSWER_SENTENCE, answer->sentence);
    field_put_text(out, ANSWER_FIELDS, answer->fields);
    field_put_number(out, ANSWER_BUCKET_REVISION, answer->bucket_revision);
}

enum status
peer_answer_read(struct bytes bytes, struct peer_answer *ret_answer, struct error *err)
{
    struct peer_answer answer = {.status = ST_INTERNAL};
    struct field field;
    enum status st;

    while ((st = field_next(&bytes, &field)) == ST_OK) {
        bool is_sane = true;

        switch (field.tag) {
        case ANSWER_STATUS:
            answer.status = status_of_name(field.payload.data, field.payload.size);
            break;
        case ANSWER_MAP_VERSION:
            is_sane = field_number(field.payload, UINT64_MAX, &answer.map_version);
            break;
        case ANSWER_DIALECT_CODE:
            answer.dialect_code = field.payload;
            break;
        case ANSWER_SENTENCE:
            answer.sentence = field.payload;
            break;
        case ANSWER_FIELDS:
            answer.fields = field.payload;
            break;
        case ANSWER_BUCKET_REVISION:
            is_sane = field_number(field.payload, UINT64_MAX, &answer.bucket_revision);
            break;
        default:
            is_sane = (field.tag & FIELD_CRITICAL) == 0;
        }
        if (!is_sane) {
            return fail(err, ST_INVALID, "field %u of a peer's answer cannot be read",
                        field.tag & ~FIELD_CRITICAL);
        }
    }
    if (st != ST_NOT_FOUND) {
        return fail(err, ST_INVALID, "a peer's answer is cut or malformed");
    }
    *ret_answer = answer;
    return ST_OK;
}
