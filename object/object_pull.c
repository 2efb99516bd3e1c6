/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_pull.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/field_codec.h"
#include "base/memory.h"
#include "object/object_cluster.h"
#include "object/object_put.h"

#include "base/banned.h"

/* One piece of what is pulled. */
#define PIECE_BYTES ((size_t)256 << 10)

/* Arguments of the verb: numbers never change. */
enum argument {
    ARGUMENT_BUCKET_ID = 1 | FIELD_CRITICAL,
    ARGUMENT_IF_MATCH = 2 | FIELD_CRITICAL,
    ARGUMENT_IF_NONE_MATCH = 3 | FIELD_CRITICAL,
    ARGUMENT_IF_MODIFIED_SINCE = 4 | FIELD_CRITICAL,   /* text */
    ARGUMENT_IF_UNMODIFIED_SINCE = 5 | FIELD_CRITICAL, /* text */
    ARGUMENT_RANGE = 6 | FIELD_CRITICAL,               /* first and last byte */
    ARGUMENT_SIZE_MAX = 7 | FIELD_CRITICAL
};

struct pull_arguments {
    uint64_t bucket_id;
    struct object_conditions conditions;
    bool has_range;
    uint64_t from;
    uint64_t to;
    uint64_t size_max;
};

/* ---- arguments ---- */

static void
put_time(struct buffer *out, uint8_t tag, bool has_time, int64_t time_s)
{
    struct buffer payload = BUFFER_INIT;

    if (has_time) {
        field_put_varint(&payload, (uint64_t)time_s);
        field_put(out, tag, buffer_bytes(&payload));
    }
    buffer_release(&payload);
}

static void
put_given(struct buffer *out, uint8_t tag, struct bytes text)
{
    if (text.data != NULL) {
        field_put(out, tag, text);
    }
}

static void
write_arguments(const struct object_copy_options *options, struct buffer *out)
{
    const struct object_conditions *conditions = &options->source_conditions;
    struct buffer range = BUFFER_INIT;

    field_put_number(out, ARGUMENT_BUCKET_ID, options->source->id);
    put_given(out, ARGUMENT_IF_MATCH, conditions->if_match);
    put_given(out, ARGUMENT_IF_NONE_MATCH, conditions->if_none_match);
    put_time(out, ARGUMENT_IF_MODIFIED_SINCE, conditions->has_if_modified_since,
             conditions->if_modified_since_s);
    put_time(out, ARGUMENT_IF_UNMODIFIED_SINCE, conditions->has_if_unmodified_since,
             conditions->if_unmodified_since_s);
    if (options->upload != NULL && options->range.kind == RANGE_FROM_TO) {
        field_put_varint(&range, options->range.from);
        field_put_varint(&range, options->range.to);
        field_put(out, ARGUMENT_RANGE, buffer_bytes(&range));
    }
    field_put_number(out, ARGUMENT_SIZE_MAX,
                     options->upload != NULL ? PART_BYTES_MAX : OBJECT_COPY_BYTES_MAX);
    buffer_release(&range);
}

static bool
read_time(struct bytes payload, bool *ret_has, int64_t *ret_time_s)
{
    uint64_t value;

    *ret_has = field_number(payload, UINT64_MAX, &value);
    *ret_time_s = *ret_has ? (int64_t)value : 0;
    return *ret_has;
}

static bool
read_argument(const struct field *field, struct pull_arguments *arguments)
{
    struct object_conditions *conditions = &arguments->conditions;
    struct bytes payload = field->payload;

    switch (field->tag) {
    case ARGUMENT_BUCKET_ID:
        return field_number(payload, UINT64_MAX, &arguments->bucket_id);
    case ARGUMENT_IF_MATCH:
        conditions->if_match = payload;
        return true;
    case ARGUMENT_IF_NONE_MATCH:
        conditions->if_none_match = payload;
        return true;
    case ARGUMENT_IF_MODIFIED_SINCE:
        return read_time(payload, &conditions->has_if_modified_since,
                         &conditions->if_modified_since_s);
    case ARGUMENT_IF_UNMODIFIED_SINCE:
        return read_time(payload, &conditions->has_if_unmodified_since,
                         &conditions->if_unmodified_since_s);
    case ARGUMENT_RANGE:
        arguments->has_range = true;
        return field_cut_varint(&payload, &arguments->from) &&
               field_cut_varint(&payload, &arguments->to) && payload.size == 0 &&
               arguments->from <= arguments->to;
    case ARGUMENT_SIZE_MAX:
        return field_number(payload, UINT64_MAX, &arguments->size_max);
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

static enum status
read_arguments(struct bytes bytes, struct pull_arguments *ret_arguments, struct error *err)
{
    struct pull_arguments arguments = {.size_max = 0};
    struct field field;
    enum status st;

    while ((st = field_next(&bytes, &field)) == ST_OK) {
        if (!read_argument(&field, &arguments)) {
            return fail(err, ST_INVALID, "an argument of a pull cannot be read");
        }
    }
    if (st != ST_NOT_FOUND) {
        return fail(err, ST_INVALID, "the arguments of a pull are malformed");
    }
    *ret_arguments = arguments;
    return ST_OK;
}

/* ---- the source's owner ---- */

static enum status
check_pulled(const struct pull_arguments *arguments, const struct object_get_result *result,
             struct error *err)
{
    enum status st = object_conditions_check_source(&arguments->conditions, &result->record, err);

    if (st != ST_OK) {
        return st;
    }
    if (arguments->has_range && arguments->to >= result->record.size) {
        return fail(err, ST_INVALID_RANGE, "the range ends behind the source");
    }
    if (result->length > arguments->size_max) {
        return fail_as(err, ST_TOO_LARGE, "InvalidRequest",
                       "The specified copy source is larger than the maximum allowable size for a "
                       "copy source: %llu",
                       (unsigned long long)arguments->size_max);
    }
    return ST_OK;
}

static struct bytes
encode_without_layout(const struct object_record *record, struct arena *arena)
{
    struct object_record copy = *record;
    struct buffer out = BUFFER_INIT;
    struct bytes bytes;

    memset(&copy.layout, 0, sizeof(copy.layout));
    object_record_encode(&copy, &out);
    bytes = arena_copy(arena, buffer_bytes(&out));
    buffer_release(&out);
    return bytes;
}

enum status
object_pull_serve(const struct bucket *bucket, struct bytes key, struct bytes arguments_bytes,
                  struct arena *arena, struct object_pulled *ret_pulled, struct error *err)
{
    struct object_get_options options = {.key = key, .mode = READ_MAY_WAIT};
    struct object_get_result result = {.source = NULL};
    struct pull_arguments arguments;
    struct object_route route;
    enum status st = read_arguments(arguments_bytes, &arguments, err);

    if (st == ST_OK) {
        st = bucket_check_id(bucket, arguments.bucket_id, err);
    }
    if (st == ST_OK) {
        st = object_route(bucket, key, BYTES_NONE, arena, &route, err);
    }
    if (st == ST_OK && !route.is_local) {
        st = fail(err, ST_MOVED, "the key is another node's");
    }
    if (st != ST_OK) {
        return st;
    }
    if (arguments.has_range) {
        options.range = (struct object_range){
            .kind = RANGE_FROM_TO, .from = arguments.from, .to = arguments.to};
    }
    st = object_get(bucket, &options, arena, &result, err);
    if (st == ST_OK) {
        st = check_pulled(&arguments, &result, err);
    }
    if (st != ST_OK) {
        source_release(&result.source);
        return st;
    }
    ret_pulled->record = encode_without_layout(&result.record, arena);
    ret_pulled->source = result.source;
    ret_pulled->length = result.length;
    return ST_OK;
}

/* ---- the destination's owner ---- */

/* What AIStore's PUT keeps of it: the checksum that it has.  Otherwise it is copied as S3 does. */
static bool
fill_native(const struct object_copy_options *options, const struct object_record *source,
            struct native_put_options *native, struct object_put_options *put)
{
    if (options->upload != NULL || source->native_checksum.type == NATIVE_CHECKSUM_NONE) {
        return false;
    }
    *native = (struct native_put_options){.type = source->native_checksum.type,
                                          .given = source->native_checksum};
    put->native = native;
    put->is_copied = true;
    return true;
}

static void
fill_put(const struct object_copy_options *options, const struct object_record *source,
         uint64_t size, struct native_put_options *native, struct object_put_options *put)
{
    enum checksum_algorithm wanted = options->checksum_algorithm != CHECKSUM_NONE
                                         ? options->checksum_algorithm
                                         : source->checksum.algorithm;

    *put = (struct object_put_options){
        .key = options->key,
        .size = size,
        .attributes = options->replaces_attributes ? options->attributes : source->attributes,
        .conditions = options->conditions,
        .upload = options->upload,
        .part_number = options->part_number,
    };
    if (options->upload != NULL) {
        return; /* a part has the checksum that its upload wants */
    }
    put->custom = source->custom;
    if (options->is_native && fill_native(options, source, native, put)) {
        return;
    }
    put->expectation.checksum.algorithm = wanted;
    put->expectation.is_computed = true;
    if (wanted == source->checksum.algorithm && source->checksum.type == CHECKSUM_FULL_OBJECT) {
        put->expectation.checksum = source->checksum;
    }
}

static enum status
write_pulled(struct object_put *put, struct source *payload, uint64_t size, struct error *err)
{
    char *piece = xmalloc(PIECE_BYTES);
    enum status st = ST_OK;

    while (st == ST_OK && size > 0) {
        size_t part = 0;

        st = source_read(payload, READ_MAY_WAIT, piece,
                         size < PIECE_BYTES ? (size_t)size : PIECE_BYTES, &part, err);
        if (st != ST_OK || part == 0) {
            st = fail(err, ST_UNAVAILABLE, "the source of the copy was lost on its way");
        } else {
            st = sink_write(object_put_sink(put), bytes_of(piece, part), err);
            size -= part;
        }
    }
    if (st == ST_OK) {
        st = sink_finish(object_put_sink(put), err);
    }
    free(piece);
    return st;
}

/* As the record says; of a part that is a matter of a second. */
static int64_t
created_of(const struct bucket *destination, const struct object_copy_options *options,
           struct arena *arena, int64_t before_ns)
{
    struct object_get_options head = {.key = options->key, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result = {.source = NULL};

    if (options->upload == NULL && object_get(destination, &head, arena, &result, NULL) == ST_OK) {
        return result.record.created_ns;
    }
    return before_ns;
}

static enum status
put_pulled(const struct bucket *destination, const struct object_copy_options *options,
           const struct object_record *source, struct source *payload, uint64_t size,
           struct arena *arena, struct object_copy_result *ret_result, struct error *err)
{
    struct native_put_options native;
    struct object_put_options put_options;
    struct object_put_result result;
    struct object_put *put = NULL;
    int64_t before_ns = clock_wall_ns();
    enum status st;

    fill_put(options, source, size, &native, &put_options);
    st = object_put_open(destination, &put_options, &put, err);
    if (st == ST_OK) {
        st = write_pulled(put, payload, size, err);
    }
    if (st == ST_OK) {
        st = object_put_commit(put, &result, err);
    }
    object_put_release(&put);
    if (st == ST_OK) {
        memset(ret_result, 0, sizeof(*ret_result));
        memcpy(ret_result->etag, result.etag, sizeof(ret_result->etag));
        ret_result->checksum = result.checksum;
        ret_result->seq = result.seq;
        ret_result->created_ns = created_of(destination, options, arena, before_ns);
    }
    return st;
}

static enum status
read_record(const struct peer_answer *answer, const struct object_copy_options *options,
            struct arena *arena, struct object_record *ret_record, uint64_t *ret_size,
            struct error *err)
{
    enum status st = object_record_decode(answer->fields, arena, ret_record, err);

    if (st == ST_OK) {
        *ret_size = options->upload != NULL && options->range.kind == RANGE_FROM_TO
                        ? options->range.to - options->range.from + 1
                        : ret_record->size;
    }
    return st == ST_OK ? ST_OK : fail(err, ST_INTERNAL, "the record of a copy cannot be read");
}

enum status
object_pull(const struct bucket *destination, const struct object_copy_options *options,
            const struct object_route *route, struct object_copy_result *ret_result,
            struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(destination->store);
    struct peer_call_result call = {.payload = NULL};
    struct arena arena = ARENA_INIT;
    struct buffer arguments = BUFFER_INIT;
    struct object_record source;
    uint64_t size = 0;
    enum status st;

    if (options->upload != NULL && options->range.kind != RANGE_NONE &&
        (options->range.kind != RANGE_FROM_TO || options->range.to < options->range.from)) {
        return fail(err, ST_INVALID_RANGE, "the range to be copied has no first and last byte");
    }
    write_arguments(options, &arguments);
    st = peer_call(
        cluster->peers,
        &(struct peer_call_options){.node_id = route->node_id,
                                    .address = route->address,
                                    .verb = "read",
                                    .head = {.map_version = route->map_version,
                                             .bucket = options->source->name,
                                             .bucket_revision = bucket_revision(options->source),
                                             .key = options->source_key,
                                             .arguments = buffer_bytes(&arguments)},
                                    .is_apart = options->is_of_job},
        &arena, &call, err);
    if (st == ST_OK) {
        st = read_record(&call.answer, options, &arena, &source, &size, err);
    }
    if (st == ST_OK) {
        st = put_pulled(destination, options, &source, call.payload, size, &arena, ret_result, err);
    } else if (st == ST_TIMEOUT || st == ST_CLOSED) {
        st = fail(err, ST_UNAVAILABLE, "The node that has the source of the copy did not answer");
    }
    source_release(&call.payload);
    buffer_release(&arguments);
    arena_release(&arena);
    return st;
}
