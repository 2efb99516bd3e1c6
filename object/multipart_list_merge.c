/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of open uploads over all targets, and the page that a target gives for it.  An upload
 * counts where it is, whoever owns its key; while keys move it may be on its way, and what all
 * targets say of it is weighed.  Sort keys are the key, a zero byte and the id; those of common
 * prefixes are the prefix.
 */
#include "base/check.h"
#include "base/field_codec.h"
#include "cluster/cluster_map.h"
#include "object/multipart.h"
#include "object/multipart_list_own.h"
#include "object/object_route.h"
#include "object/page_merge.h"

#include "base/banned.h"

/* Arguments of the verb: numbers never change. */
enum argument {
    /* 1: PAGE_ARGUMENT_BUCKET_ID */
    ARGUMENT_PREFIX = 2 | FIELD_CRITICAL,
    ARGUMENT_DELIMITER = 3 | FIELD_CRITICAL,
    ARGUMENT_KEY_MARKER = 4 | FIELD_CRITICAL,
    ARGUMENT_ID_MARKER = 5 | FIELD_CRITICAL,
    ARGUMENT_COUNT_MAX = 6 | FIELD_CRITICAL,
    ARGUMENT_CONTINUED = 7 | FIELD_CRITICAL
};

#define ID_BYTES sizeof(((struct upload_id *)NULL)->bytes)

struct upload_merge {
    const struct bucket *bucket;
    const struct multipart_list_options *options;
};

/* ---- entries ---- */

static void
put_entry(struct buffer *out, const struct multipart_upload_entry *entry)
{
    struct buffer sort_key = BUFFER_INIT;
    struct buffer value = BUFFER_INIT;

    buffer_append_bytes(&sort_key, entry->key);
    if (!entry->is_prefix) {
        buffer_append_char(&sort_key, '\0');
        buffer_append(&sort_key, entry->id.bytes, ID_BYTES);
        field_put_counted(&value, entry->name);
        upload_record_encode(&entry->record, &value);
    }
    page_put(out, buffer_bytes(&sort_key), buffer_bytes(&value));
    buffer_release(&sort_key);
    buffer_release(&value);
}

/* False: the sort key of a common prefix. */
static bool
split_sort_key(struct bytes sort_key, struct bytes *ret_key, struct upload_id *ret_id)
{
    size_t end = bytes_find_char(sort_key, 0, '\0');

    *ret_key = bytes_slice(sort_key, 0, end == SIZE_MAX ? sort_key.size : end);
    if (end == SIZE_MAX || sort_key.size - end - 1 != ID_BYTES) {
        return false;
    }
    memcpy(ret_id->bytes, sort_key.data + end + 1, ID_BYTES);
    return true;
}

enum status
multipart_list_entry_read(struct bytes sort_key, struct bytes value, struct arena *arena,
                          struct multipart_upload_entry *ret_entry, struct error *err)
{
    struct multipart_upload_entry entry = {.is_prefix = value.size == 0};
    bool has_id;

    value = arena_copy(arena, value);
    has_id = split_sort_key(arena_copy(arena, sort_key), &entry.key, &entry.id);
    if (has_id == entry.is_prefix ||
        (!entry.is_prefix && !field_cut_counted(&value, &entry.name))) {
        return fail(err, ST_INVALID, "an entry of a node's page of uploads cannot be read");
    }
    *ret_entry = entry;
    return entry.is_prefix ? ST_OK : upload_record_decode(value, arena, &ret_entry->record, err);
}

/* ---- a target's own page ---- */

static enum status
list_own(const struct bucket *bucket, const struct multipart_list_options *options,
         uint64_t map_version, struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    struct multipart_list_options own_options = *options;
    struct multipart_upload_entry *entries;
    size_t count;
    struct page_owner owner;
    enum status st = page_owner_open(&owner, bucket, map_version, err);
    enum status closed;

    if (st != ST_OK) {
        return st;
    }
    own_options.is_flat = owner.map != NULL && owner.map->is_placing;
    st = multipart_list_local(bucket, &own_options, &owner.arena, &entries, &count,
                              ret_is_truncated, err);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        put_entry(out, &entries[i]);
    }
    closed = page_owner_close(&owner, bucket, st == ST_OK ? err : NULL);
    return st == ST_OK ? closed : st;
}

static bool
read_argument(const struct field *field, void *arg)
{
    struct multipart_list_options *options = arg;

    switch (field->tag) {
    case ARGUMENT_PREFIX:
        options->prefix = field->payload;
        return true;
    case ARGUMENT_DELIMITER:
        options->delimiter = field->payload;
        return true;
    case ARGUMENT_KEY_MARKER:
        options->key_marker = field->payload;
        return true;
    case ARGUMENT_ID_MARKER:
        if (field->payload.size != ID_BYTES) {
            return false;
        }
        memcpy(options->upload_id_marker.bytes, field->payload.data, ID_BYTES);
        options->has_upload_id_marker = true;
        return true;
    case ARGUMENT_CONTINUED:
        options->is_continued = true;
        return true;
    case ARGUMENT_COUNT_MAX:
        return page_argument_count_max(field, MULTIPART_LIST_PAGE_MAX, &options->count_max);
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
multipart_list_serve(const struct bucket *bucket, struct bytes arguments, uint64_t map_version,
                     struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    struct multipart_list_options options = {.prefix = BYTES_LITERAL(""),
                                             .delimiter = BYTES_LITERAL(""),
                                             .key_marker = BYTES_LITERAL("")};
    enum status st =
        page_arguments_read(bucket, arguments, read_argument, &options, "a page of uploads", err);

    return st == ST_OK ? list_own(bucket, &options, map_version, out, ret_is_truncated, err) : st;
}

/* ---- the page of all ---- */

/* The options for what stands behind the last entry. */
static struct multipart_list_options
options_behind(const struct upload_merge *merge, struct bytes last, size_t count_max)
{
    struct multipart_list_options options = *merge->options;

    options.count_max = count_max;
    if (last.data != NULL) {
        options.has_upload_id_marker =
            split_sort_key(last, &options.key_marker, &options.upload_id_marker);
        options.is_continued = options.has_upload_id_marker;
    }
    return options;
}

static void
write_arguments(const void *arg, struct bytes last, size_t count_max, struct buffer *out)
{
    const struct upload_merge *merge = arg;
    struct multipart_list_options options = options_behind(merge, last, count_max);

    field_put_number(out, PAGE_ARGUMENT_BUCKET_ID, merge->bucket->id);
    field_put_text(out, ARGUMENT_PREFIX, options.prefix);
    field_put_text(out, ARGUMENT_DELIMITER, options.delimiter);
    field_put_text(out, ARGUMENT_KEY_MARKER, options.key_marker);
    if (options.has_upload_id_marker) {
        field_put(out, ARGUMENT_ID_MARKER, bytes_of(options.upload_id_marker.bytes, ID_BYTES));
    }
    field_put_number(out, ARGUMENT_CONTINUED, options.is_continued);
    field_put_number(out, ARGUMENT_COUNT_MAX, count_max);
}

/* Not by seq: the word of who has it counts, and it had no other after another one's. */
static bool
weigh(struct bytes value, struct page_weight *ret_weight)
{
    struct upload_record record;
    struct arena arena = ARENA_INIT;
    struct bytes name;
    bool is_read = field_cut_counted(&value, &name) &&
                   upload_record_decode(value, &arena, &record, NULL) == ST_OK;

    if (is_read) {
        bool is_ended = record.state == UPLOAD_COMPLETED || record.state == UPLOAD_ABORTED;
        bool is_shown = multipart_list_shows(record.state);

        *ret_weight = (struct page_weight){
            .seq = {is_ended   ? 2
                    : is_shown ? 1
                               : 0,
                    0},
            .is_shown = is_shown,
            .is_moved = !is_ended && !is_shown,
        };
    }
    arena_release(&arena);
    return is_read;
}

static enum status
list_own_part(const void *arg, uint64_t map_version, struct bytes last, size_t count_max,
              struct buffer *out, bool *ret_is_truncated, struct error *err)
{
    const struct upload_merge *merge = arg;
    struct multipart_list_options options = options_behind(merge, last, count_max);

    return list_own(merge->bucket, &options, map_version, out, ret_is_truncated, err);
}

static enum status
read_page(struct bytes page, struct multipart_upload_entry *entries, struct arena *arena,
          struct error *err)
{
    struct bytes sort_key, value;
    size_t count = 0;
    enum status st;

    while ((st = page_next(&page, &sort_key, &value)) == ST_OK) {
        st = multipart_list_entry_read(sort_key, value, arena, &entries[count++], err);
        if (st != ST_OK) {
            return st;
        }
    }
    return st == ST_NOT_FOUND ? ST_OK : fail(err, st, "a merged page cannot be read");
}

enum status
multipart_list(const struct bucket *bucket, const struct multipart_list_options *options,
               struct arena *arena, struct multipart_upload_entry **ret_entries, size_t *ret_count,
               bool *ret_is_truncated, struct error *err)
{
    struct upload_merge merge = {bucket, options};
    struct buffer page = BUFFER_INIT;
    bool is_truncated = false;
    size_t count = 0;
    enum status st;

    if (!object_store_is_clustered(bucket->store)) {
        return multipart_list_local(bucket, options, arena, ret_entries, ret_count,
                                    ret_is_truncated, err);
    }
    st = page_merge_run(&(struct page_merge_options){.bucket = bucket,
                                                     .verb = "uploads",
                                                     .count_max = options->count_max,
                                                     .write_arguments = write_arguments,
                                                     .list_own = list_own_part,
                                                     .arg = &merge,
                                                     .weigh = weigh,
                                                     .prefix = options->prefix,
                                                     .delimiter = options->delimiter},
                        &page, &count, &is_truncated, err);
    if (st == ST_OK) {
        *ret_entries = arena_calloc(arena, count + 1, sizeof(**ret_entries));
        st = read_page(buffer_bytes(&page), *ret_entries, arena, err);
    }
    if (st == ST_OK) {
        *ret_count = count;
        *ret_is_truncated = is_truncated;
    }
    buffer_release(&page);
    return st;
}
