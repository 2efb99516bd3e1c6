/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_put_forward.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/field_codec.h"
#include "base/metrics.h"
#include "object/home_move.h"
#include "object/key_claim.h"
#include "object/object_checksum.h"
#include "object/object_cluster.h"
#include "object/object_internal.h"
#include "object/object_put_internal.h"
#include "object/put_answer.h"
#include "object/upload_current.h"
#include "object/upload_find.h"
#include "store/layout_reader.h"

#include "base/banned.h"

/* For each wait: the owner may pull an older object for a condition before it asks for the body,
 * and syncs a large one after it. */
#define FORWARD_TIMEOUT_MS (5 * 60 * 1000)

/* Arguments of the verb: numbers never change. */
enum argument {
    ARGUMENT_IF_MATCH = 1 | FIELD_CRITICAL,
    ARGUMENT_IF_NONE_MATCH = 2 | FIELD_CRITICAL,
    ARGUMENT_BUCKET_ID = 3 | FIELD_CRITICAL,
    ARGUMENT_RECORD = 4 | FIELD_CRITICAL, /* without its layout */
    ARGUMENT_NATIVE = 5 | FIELD_CRITICAL, /* 1: AIStore's PUT */
    ARGUMENT_UPLOAD = 6 | FIELD_CRITICAL, /* UploadPart: of this upload */
    ARGUMENT_PART_NUMBER = 7 | FIELD_CRITICAL
};

static struct metric forwarded_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_cluster_puts_passed_on_total",
    .help = "PUTs finished by another node, because their key went there while the body came."};

void
object_put_forward_register_metrics(void)
{
    metric_register(&forwarded_total);
}

/* ---- who had the key ---- */

/* What was written, read back, and whether anybody asked for it. */
struct body_source {
    struct source source; /* borrowed by the call: release does nothing */
    struct source *bytes; /* NULL before the first read */
    struct object_put *put;
    bool is_asked;
};

static enum status
body_open(struct body_source *body, struct error *err)
{
    struct object_put *put = body->put;
    struct home_pin pin = home_pin(put->home);
    struct layout layout = put->layout;
    enum status st;

    if (layout.kind == LAYOUT_PAGES) { /* no commit has put its pages */
        layout.kind = LAYOUT_EXTENTS;
        layout_writer_extents(put->writer, &layout.extents, &layout.extent_count);
    }
    st = layout_reader_open(
        &(struct layout_reader_options){
            .layout = &layout, .size = put->size, .length = put->size, .what = "a body on its way"},
        READ_MAY_WAIT, &pin, &body->bytes, err);
    home_unpin(&pin);
    return st;
}

static enum status
body_read(struct source *source, enum read_mode mode, char *out, size_t capacity, size_t *ret_size,
          struct error *err)
{
    struct body_source *body = CONTAINER_OF(struct body_source, source, source);
    enum status st = ST_OK;

    body->is_asked = true;
    if (body->bytes == NULL) {
        st = body_open(body, err);
    }
    return st == ST_OK ? source_read(body->bytes, mode, out, capacity, ret_size, err) : st;
}

static const struct source_ops BODY_OPS = {body_read, NULL, NULL};

static void
write_arguments(struct object_put *put, struct buffer *out)
{
    struct object_record record = put->record;

    memset(&record.layout, 0, sizeof(record.layout));
    if (put->is_part) { /* what the receiver compares with what it gets */
        record.size = record.stored_size = put->size;
        object_checksum_set(&record.checksum, put->record_algorithm, CHECKSUM_FULL_OBJECT,
                            &put->values[object_checksum_digest(put->record_algorithm)]);
        field_put(out, ARGUMENT_UPLOAD, bytes_of(&put->upload, sizeof(put->upload)));
        field_put_number(out, ARGUMENT_PART_NUMBER, put->part_number);
    }
    buffer_clear(&put->encoded);
    object_record_encode(&record, &put->encoded);
    field_put_text(out, ARGUMENT_IF_MATCH, put->conditions.if_match);
    field_put_text(out, ARGUMENT_IF_NONE_MATCH, put->conditions.if_none_match);
    field_put_number(out, ARGUMENT_BUCKET_ID, put->bucket.id);
    field_put(out, ARGUMENT_RECORD, buffer_bytes(&put->encoded));
    field_put_number(out, ARGUMENT_NATIVE, put->is_native);
}

/* What the client gets to see is what the owner keeps. */
static enum status
take_answer(struct object_put *put, struct bytes text, struct seq *ret_seq, struct error *err)
{
    struct put_answer answer;

    _Static_assert(PUT_ANSWER_ETAG_BYTES_MAX <= sizeof(((struct object_put_result *)NULL)->etag),
                   "an ETag that was read fits");
    if (put_answer_read(text, &answer, NULL) != ST_OK) {
        return fail(err, ST_UNAVAILABLE,
                    "the owner's answer cannot be read, the outcome is unknown");
    }
    if (answer.etag.size > 0) {
        put->record.etag = arena_copy(&put->arena, answer.etag);
    }
    if (answer.has_overwrite_count) {
        put->record.overwrite_count = answer.overwrite_count;
    }
    if (answer.has_created) {
        put->record.created_ns = answer.created_ns;
    }
    put->native.is_unchanged = answer.is_unchanged;
    *ret_seq = answer.seq;
    return ST_OK;
}

static enum status
call_owner(struct object_put *put, const struct object_route *route, struct seq *ret_seq,
           bool *ret_is_sent, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(put->bucket.store);
    struct body_source body = {.source = {&BODY_OPS}, .put = put};
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    enum status st;

    write_arguments(put, &arguments);
    st = peer_call(
        cluster->peers,
        &(struct peer_call_options){.node_id = route->node_id,
                                    .address = route->address,
                                    .verb = "put",
                                    .head = {.map_version = route->map_version,
                                             .bucket = put->bucket.name,
                                             .bucket_revision = bucket_revision(&put->bucket),
                                             .key = put->key,
                                             .arguments = buffer_bytes(&arguments)},
                                    .payload = put->size > 0 ? &body.source : NULL,
                                    .payload_size = put->size,
                                    .timeout_ms = FORWARD_TIMEOUT_MS},
        &arena, &result, err);
    if (st == ST_OK) {
        st = take_answer(put, result.answer.fields, ret_seq, err);
    } else if (put->size > 0 && !body.is_asked && st != ST_TIMEOUT &&
               (st == ST_BUSY || st == ST_CLOSED || st == ST_UNAVAILABLE)) {
        st = fail(err, ST_MOVED, "the key's new owner did not ask for the body yet");
    } else if (st == ST_TIMEOUT || st == ST_CLOSED || st == ST_INVALID || st == ST_BUSY ||
               st == ST_INCOMPLETE || st == ST_DIGEST_MISMATCH) {
        st = fail(err, ST_UNAVAILABLE, "the key's new owner did not answer as it should");
    }
    *ret_is_sent = body.is_asked;
    if (st != ST_MOVED) {
        metric_add(&forwarded_total, 1);
    }
    source_release(&result.payload);
    source_release(&body.bytes);
    buffer_release(&arguments);
    arena_release(&arena);
    return st;
}

enum status
object_put_forward(struct object_put *put, struct seq *ret_seq, bool *ret_is_sent,
                   struct error *err)
{
    struct cluster_map *map = ownership_map(object_store_ownership(put->bucket.store));
    const struct cluster_node *owner =
        cluster_map_owner_of(map, key_claim_digest(put->bucket.name, put->key));
    enum status st;

    if (owner == NULL || owner->is_down) {
        st = fail(err, ST_UNAVAILABLE, "the node that has this key now is down");
    } else if (bytes_equal(owner->id,
                           ownership_node_id(object_store_ownership(put->bucket.store)))) {
        st = fail(err, ST_MOVED, "the key is back");
    } else {
        st = call_owner(put,
                        &(struct object_route){.node_id = owner->id,
                                               .address = owner->peer_address,
                                               .map_version = map->version},
                        ret_seq, ret_is_sent, err);
    }
    cluster_map_unref(map);
    return st;
}

/* As clients call it: by the record that stays here until the placement ends, or else begun by this
 * node. */
static struct bytes
upload_name(struct object_put *put, struct arena *arena)
{
    struct object_store *store = put->bucket.store;
    struct upload_record record = {.origin = BYTES_NONE};
    struct home *home;

    store_enter(store->store);
    if (home_move_settle(store, put->bucket.id, put->key, &home, NULL, NULL) == ST_OK &&
        upload_get(home, put->bucket.id, put->key, put->upload, true, arena, &record, NULL) !=
            ST_OK) {
        record.origin = BYTES_NONE;
    }
    store_leave(store->store);
    return object_upload_name(store, put->upload, record.origin, arena);
}

enum status
object_put_forward_part(struct object_put *put, struct seq *ret_seq, bool *ret_is_sent,
                        struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct object_route route = {.is_local = true};
    const struct upload_find_options options = {
        .bucket = &put->bucket,
        .key = put->key,
        .name = upload_name(put, &arena),
        .end_ns = clock_monotonic_ns() + OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS};
    enum status st = upload_find(&options, &arena, &route, err);

    if (st == ST_OK && route.is_local) {
        upload_pin_give_back(put->bucket.store, put->upload);
        st = fail(err, ST_MOVED, "the upload is back");
    } else if (st == ST_OK) {
        st = call_owner(put, &route, ret_seq, ret_is_sent, err);
    }
    arena_release(&arena);
    return st;
}

/* ---- who has it ---- */

struct take_arguments {
    uint64_t bucket_id;
    struct bytes record;
    struct object_conditions conditions;
    bool is_native;
    bool has_upload;
    struct upload_id upload;
    uint64_t part_number;
};

static bool
take_argument(struct take_arguments *arguments, const struct field *field)
{
    uint64_t number;

    switch (field->tag) {
    case ARGUMENT_IF_MATCH:
        arguments->conditions.if_match = field->payload;
        return true;
    case ARGUMENT_IF_NONE_MATCH:
        arguments->conditions.if_none_match = field->payload;
        return true;
    case ARGUMENT_BUCKET_ID:
        return field_number(field->payload, UINT64_MAX, &arguments->bucket_id);
    case ARGUMENT_RECORD:
        arguments->record = field->payload;
        return true;
    case ARGUMENT_NATIVE:
        arguments->is_native = field_number(field->payload, 1, &number) && number == 1;
        return arguments->is_native;
    case ARGUMENT_UPLOAD:
        arguments->has_upload = field->payload.size == sizeof(arguments->upload);
        if (arguments->has_upload) {
            memcpy(&arguments->upload, field->payload.data, sizeof(arguments->upload));
        }
        return arguments->has_upload;
    case ARGUMENT_PART_NUMBER:
        return field_number(field->payload, PART_NUMBER_MAX, &arguments->part_number);
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

static enum status
read_arguments(struct bytes text, struct take_arguments *ret_arguments, struct error *err)
{
    struct take_arguments arguments = {.bucket_id = 0};
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!take_argument(&arguments, &field)) {
            return fail(err, ST_INVALID, "an argument of a PUT cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || arguments.record.size == 0 ||
        (arguments.has_upload && arguments.is_native)) {
        return fail(err, ST_INVALID, "the arguments of a PUT are cut");
    }
    *ret_arguments = arguments;
    return ST_OK;
}

enum status
object_put_take_open(const struct bucket *bucket, struct bytes key, struct bytes text,
                     struct object_put **ret_put, struct error *err)
{
    struct native_put_options native;
    struct take_arguments arguments = {.bucket_id = 0};
    struct object_record record;
    struct arena arena = ARENA_INIT;
    struct key_claim claim;
    enum status st = read_arguments(text, &arguments, err);

    if (st == ST_OK) {
        st = bucket_check_id(bucket, arguments.bucket_id, err);
    }
    if (st == ST_OK) {
        st = object_record_decode(arguments.record, &arena, &record, err);
    }
    /* A body that is not for this node is not asked for; with a part the open looks. */
    if (st == ST_OK && !arguments.has_upload) {
        st = key_claim_admit(bucket, key, READ_MAY_WAIT, &claim, err);
    }
    if (st == ST_OK) {
        struct object_put_options options = {
            .key = key,
            .size = record.size,
            .attributes = record.attributes,
            .conditions = arguments.conditions,
            .expectation.checksum = record.checksum,
            .custom = record.custom,
            .is_copied = record.custom.size > 0,
            .upload = arguments.has_upload ? &arguments.upload : NULL,
            .part_number = (uint32_t)arguments.part_number,
            .is_forwarded = true,
            .owner = record.owner.data != NULL ? record.owner : BYTES_LITERAL(""),
        };

        if (arguments.is_native) {
            native = (struct native_put_options){.type = record.native_checksum.type,
                                                 .given = record.native_checksum};
            options.native = &native;
        }
        st = object_put_open(bucket, &options, ret_put, err);
    }
    arena_release(&arena);
    return st;
}

enum status
object_put_take_commit(struct object_put *put, struct buffer *out, struct error *err)
{
    struct object_put_result result;
    enum status st = object_put_commit(put, &result, err);

    if (st == ST_OK) {
        put_answer_write(&(struct put_answer){.seq = result.seq,
                                              .etag = bytes_of_string(result.etag),
                                              .has_overwrite_count = true,
                                              .overwrite_count = result.overwrite_count,
                                              .has_created = true,
                                              .created_ns = result.created_ns,
                                              .is_unchanged = put->native.is_unchanged},
                         out);
    }
    return st;
}
