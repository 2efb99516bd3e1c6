/* SPDX-License-Identifier: Apache-2.0 */
/* A page of objects over all targets, and the page that a target gives for it. */
#include "base/check.h"
#include "base/field_codec.h"
#include "object/object_list.h"
#include "object/object_list_own.h"
#include "object/object_store.h"
#include "object/page_merge.h"

#include "base/banned.h"

/* Arguments of the verb: numbers never change. */
enum argument {
    /* 1: PAGE_ARGUMENT_BUCKET_ID */
    ARGUMENT_PREFIX = 2 | FIELD_CRITICAL,
    ARGUMENT_DELIMITER = 3 | FIELD_CRITICAL,
    ARGUMENT_AFTER = 4 | FIELD_CRITICAL,
    ARGUMENT_COUNT_MAX = 5 | FIELD_CRITICAL,
    ARGUMENT_CONTINUED = 6
};

struct list_merge {
    const struct bucket *bucket;
    const struct object_list_options *options;
};

/* ---- entries: nothing for a common prefix, else the record's summary ---- */

struct page_writer {
    struct buffer *out;
    struct buffer value; /* of the entry in hand; one for all */
};

/* What only AIStore's dialect shows; absent in entries of releases that do not know it. */
static void
put_native(struct buffer *value, const struct object_record *record)
{
    const struct native_checksum *checksum = &record->native_checksum;

    field_put_varint(value, record->stored_size);
    field_put_varint(value, record->overwrite_count);
    field_put_varint(value, checksum->type);
    field_put_counted(value, bytes_of(checksum->value, checksum->size));
    field_put_counted(value, record->custom);
    field_put_varint(value, record->is_chunked);
}

static bool
read_native(struct bytes value, struct object_record *record)
{
    struct bytes checksum;
    uint64_t is_chunked = 0;
    uint64_t type;

    if (value.size == 0) {
        record->stored_size = record->size;
        return true;
    }
    if (!field_cut_varint(&value, &record->stored_size) ||
        !field_cut_varint(&value, &record->overwrite_count) || !field_cut_varint(&value, &type) ||
        !field_cut_counted(&value, &checksum) || !field_cut_counted(&value, &record->custom) ||
        type >= NATIVE_CHECKSUM_TYPE_COUNT || checksum.size > CHECKSUM_VALUE_MAX ||
        (value.size > 0 && !field_cut_varint(&value, &is_chunked))) {
        return false;
    }
    record->is_chunked = is_chunked != 0;
    record->native_checksum.type = (enum native_checksum_type)type;
    record->native_checksum.size = checksum.size;
    memcpy(record->native_checksum.value, checksum.data, checksum.size);
    return true;
}

static void
put_entry(struct bytes name, const struct object_record *record, void *arg)
{
    struct page_writer *writer = arg;
    struct buffer *value = &writer->value;

    buffer_clear(value);
    if (record != NULL) {
        field_put_varint(value, (uint64_t)record->created_ns);
        field_put_varint(value, record->size);
        field_put_counted(value, record->etag);
        field_put_varint(value, record->checksum.algorithm);
        field_put_varint(value, record->checksum.type);
        field_put_counted(value, bytes_of(record->checksum.value, record->checksum.size));
        field_put_varint(value, record->part_count);
        field_put_counted(value, record->owner);
        field_put_varint(value, record->seq.map_version);
        field_put_varint(value, record->seq.counter);
        put_native(value, record);
    }
    page_put(writer->out, name, buffer_bytes(value));
}

bool
object_list_entry_read(struct bytes value, struct object_record *record)
{
    uint64_t created, algorithm, type, part_count;
    struct bytes checksum;

    memset(record, 0, sizeof(*record));
    if (!field_cut_varint(&value, &created) || !field_cut_varint(&value, &record->size) ||
        !field_cut_counted(&value, &record->etag) || !field_cut_varint(&value, &algorithm) ||
        !field_cut_varint(&value, &type) || !field_cut_counted(&value, &checksum) ||
        !field_cut_varint(&value, &part_count) || !field_cut_counted(&value, &record->owner) ||
        !field_cut_varint(&value, &record->seq.map_version) ||
        !field_cut_varint(&value, &record->seq.counter)) {
        return false;
    }
    if (algorithm > CHECKSUM_SHA256 || type > CHECKSUM_COMPOSITE || part_count > UINT32_MAX ||
        checksum.size > CHECKSUM_VALUE_MAX) {
        return false;
    }
    record->created_ns = (int64_t)created;
    record->checksum.algorithm = (enum checksum_algorithm)algorithm;
    record->checksum.type = (enum checksum_type)type;
    record->checksum.size = checksum.size;
    memcpy(record->checksum.value, checksum.data, checksum.size);
    record->part_count = (uint32_t)part_count;
    return read_native(value, record);
}

/* ---- while keys move: marks are entries too, told from records by a time of 0 ---- */

enum mark_kind { MARK_TOMBSTONE = 1, MARK_MOVED = 2 };

static void
put_listed(const struct listed_key *key, void *arg)
{
    struct page_writer *writer = arg;
    struct buffer *value = &writer->value;

    if (key->record != NULL) {
        put_entry(key->name, key->record, writer);
        return;
    }
    buffer_clear(value);
    field_put_varint(value, 0);
    field_put_varint(value, key->is_moved ? MARK_MOVED : MARK_TOMBSTONE);
    field_put_varint(value, key->seq.map_version);
    field_put_varint(value, key->seq.counter);
    page_put(writer->out, key->name, buffer_bytes(value));
}

bool
object_list_entry_weigh(struct bytes value, struct page_weight *ret_weight)
{
    struct page_weight weight = {.is_shown = true};
    struct bytes rest = value;
    struct object_record record;
    uint64_t created = 0;
    uint64_t kind = 0;

    if (!field_cut_varint(&rest, &created)) {
        return false;
    }
    if (created == 0) {
        weight.is_shown = false;
        if (!field_cut_varint(&rest, &kind) || !field_cut_varint(&rest, &weight.seq.map_version) ||
            !field_cut_varint(&rest, &weight.seq.counter) ||
            (kind != MARK_TOMBSTONE && kind != MARK_MOVED)) {
            return false;
        }
        weight.is_moved = kind == MARK_MOVED;
    } else if (!object_list_entry_read(value, &record)) {
        return false;
    } else {
        weight.seq = record.seq;
    }
    *ret_weight = weight;
    return true;
}

/* ---- a target's own page ---- */

static bool
counts(struct bytes key, void *arg)
{
    return page_owner_counts(arg, key);
}

static enum status
list_own(const struct bucket *bucket, const struct object_list_options *options,
         uint64_t map_version, struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    struct object_list_options own = *options;
    struct object_list_result result = {.count = 0};
    struct page_writer writer = {.out = out, .value = BUFFER_INIT};
    struct page_owner owner;
    enum status st = page_owner_open(&owner, bucket, map_version, err);
    enum status closed;

    if (st != ST_OK) {
        return st;
    }
    own.counts = counts;
    own.counts_arg = &owner;
    if (owner.map != NULL && owner.map->is_placing) {
        st = object_list_placing(bucket, options, owner.map, owner.node_id, put_listed, &writer,
                                 &result.is_truncated, err);
    } else {
        st = object_list_local(bucket, &own, put_entry, &writer, &owner.arena, &result, err);
    }
    buffer_release(&writer.value);
    closed = page_owner_close(&owner, bucket, st == ST_OK ? err : NULL);
    *ret_is_truncated = result.is_truncated;
    return st == ST_OK ? closed : st;
}

static bool
read_argument(const struct field *field, void *arg)
{
    struct object_list_options *options = arg;
    uint64_t is_continued = 0;

    switch (field->tag) {
    case ARGUMENT_PREFIX:
        options->prefix = field->payload;
        return true;
    case ARGUMENT_DELIMITER:
        options->delimiter = field->payload;
        return true;
    case ARGUMENT_AFTER:
        options->after = field->payload;
        return true;
    case ARGUMENT_CONTINUED:
        if (!field_number(field->payload, 1, &is_continued)) {
            return false;
        }
        options->is_continued = is_continued == 1;
        return true;
    case ARGUMENT_COUNT_MAX:
        return page_argument_count_max(field, OBJECT_LIST_PAGE_MAX, &options->count_max);
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
object_list_serve(const struct bucket *bucket, struct bytes arguments, uint64_t map_version,
                  struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    struct object_list_options options = {
        .prefix = BYTES_LITERAL(""), .delimiter = BYTES_LITERAL(""), .after = BYTES_LITERAL("")};
    enum status st = page_arguments_read(bucket, arguments, read_argument, &options, "a page", err);

    return st == ST_OK ? list_own(bucket, &options, map_version, out, ret_is_truncated, err) : st;
}

/* ---- the page of all ---- */

static void
write_arguments(const void *arg, struct bytes last, size_t count_max, struct buffer *out)
{
    const struct list_merge *merge = arg;
    const struct object_list_options *options = merge->options;

    field_put_number(out, PAGE_ARGUMENT_BUCKET_ID, merge->bucket->id);
    field_put_text(out, ARGUMENT_PREFIX, options->prefix);
    field_put_text(out, ARGUMENT_DELIMITER, options->delimiter);
    field_put_number(out, ARGUMENT_CONTINUED, last.data != NULL);
    field_put_text(out, ARGUMENT_AFTER, last.data != NULL ? last : options->after);
    field_put_number(out, ARGUMENT_COUNT_MAX, count_max);
}

static enum status
list_own_part(const void *arg, uint64_t map_version, struct bytes last, size_t count_max,
              struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    const struct list_merge *merge = arg;
    struct object_list_options options = *merge->options;

    options.count_max = count_max;
    if (last.data != NULL) {
        options.after = last;
        options.is_continued = true;
    }
    return list_own(merge->bucket, &options, map_version, out, ret_is_truncated, err);
}

static enum status
give(struct bytes page, object_list_fn *found, void *arg, struct bytes *ret_last, struct error *err)
{
    struct object_record record;
    struct bytes name, value;
    enum status st;

    while ((st = page_next(&page, &name, &value)) == ST_OK) {
        if (value.size != 0 && !object_list_entry_read(value, &record)) {
            return fail(err, ST_INVALID, "an entry of a node's page cannot be read");
        }
        found(name, value.size != 0 ? &record : NULL, arg);
        *ret_last = name;
    }
    return st == ST_NOT_FOUND ? ST_OK : fail(err, st, "a merged page cannot be read");
}

enum status
object_list(const struct bucket *bucket, const struct object_list_options *options,
            object_list_fn *found, void *arg, struct arena *arena,
            struct object_list_result *ret_result, struct error *err)
{
    struct list_merge merge = {bucket, options};
    struct object_list_result result = {.count = 0};
    struct buffer page = BUFFER_INIT;
    enum status st;

    if (!object_store_is_clustered(bucket->store)) {
        return object_list_local(bucket, options, found, arg, arena, ret_result, err);
    }
    if (options->count_max == 0 || options->prefix.size > OBJECT_KEY_BYTES_MAX) {
        *ret_result = result;
        return ST_OK;
    }
    st = page_merge_run(&(struct page_merge_options){.bucket = bucket,
                                                     .verb = "list",
                                                     .count_max = options->count_max,
                                                     .write_arguments = write_arguments,
                                                     .list_own = list_own_part,
                                                     .arg = &merge,
                                                     .weigh = object_list_entry_weigh,
                                                     .prefix = options->prefix,
                                                     .delimiter = options->delimiter},
                        &page, &result.count, &result.is_truncated, err);
    if (st == ST_OK) {
        st = give(buffer_bytes(&page), found, arg, &result.last, err);
    }
    if (st == ST_OK) {
        result.last = arena_copy(arena, result.last);
        *ret_result = result;
    }
    buffer_release(&page);
    return st;
}
