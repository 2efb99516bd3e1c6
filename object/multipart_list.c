/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open uploads in order of key and id.  The family also holds parts and uploads that were completed
 * or aborted: both are passed by one seek per upload.
 */
#include "base/check.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/home_merge.h"
#include "object/multipart_list_own.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/object_route.h"

#include "base/banned.h"

struct upload_list {
    const struct bucket *bucket;
    const struct multipart_list_options *options;
    struct arena *arena;
    struct home_merge merge;
    struct multipart_upload_entry *entries; /* heap while it grows */
    size_t count;
    size_t capacity;
    bool is_truncated;
};

/* Where the page begins. */
static void
list_start(const struct upload_list *list, struct meta_key *ret_key)
{
    const struct multipart_list_options *options = list->options;
    struct bytes marker = options->key_marker;
    struct bytes common;

    if (marker.size > META_KEY_NAME_MAX) {
        marker.size = META_KEY_NAME_MAX;
    }
    common = object_key_common_prefix(marker, options->prefix, options->delimiter);
    if (common.size > 0 && !options->is_continued) {
        meta_key_object(ret_key, list->bucket->id, common);
        CHECK(meta_key_successor(ret_key));
    } else if (marker.size == 0 || bytes_compare(marker, options->prefix) < 0) {
        meta_key_object(ret_key, list->bucket->id, options->prefix);
    } else if (options->has_upload_id_marker) {
        meta_key_upload(ret_key, list->bucket->id, marker, options->upload_id_marker);
        CHECK(meta_key_successor(ret_key));
    } else {
        /* Behind all uploads of that key: they go on with a zero byte. */
        meta_key_object(ret_key, list->bucket->id, marker);
        ret_key->data[ret_key->size++] = 1;
    }
}

static void
entry_add(struct upload_list *list, const struct multipart_upload_entry *entry)
{
    if (list->count == list->options->count_max) {
        list->is_truncated = true;
        return;
    }
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        list->entries = xrealloc_array(list->entries, list->capacity, sizeof(*list->entries));
    }
    list->entries[list->count++] = *entry;
}

/* While uploads may be on their way, also what says that they are not open, or not here. */
static bool
counts(const struct upload_list *list, enum upload_state state)
{
    return multipart_list_shows(state) || (list->options->is_flat && state != UPLOAD_ARRIVING);
}

static enum status
list_take(struct upload_list *list, struct error *err)
{
    struct multipart_upload_entry entry = {.is_prefix = false};
    struct meta_key past;
    struct bytes name;
    struct bytes common;
    uint64_t bucket_id;
    uint32_t number;
    enum status st;

    if (meta_key_parse_upload(home_merge_key(&list->merge), &bucket_id, &name, &entry.id,
                              &number) != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of an upload is malformed");
    }
    meta_key_upload(&past, bucket_id, name, entry.id);
    if (number == 0) {
        struct bytes value = arena_copy(list->arena, home_merge_value(&list->merge));

        st = upload_record_decode(value, list->arena, &entry.record, err);
        if (st != ST_OK) {
            return st;
        }
    }
    if (number == 0 && counts(list, entry.record.state)) {
        common = list->options->is_flat ? BYTES_NONE
                                        : object_key_common_prefix(name, list->options->prefix,
                                                                   list->options->delimiter);
        entry.is_prefix = common.size > 0;
        entry.key = arena_copy(list->arena, common.size > 0 ? common : name);
        if (entry.is_prefix) {
            meta_key_object(&past, bucket_id, common);
        } else {
            entry.name =
                object_upload_name(list->bucket->store, entry.id, entry.record.origin, list->arena);
        }
        entry_add(list, &entry);
    }
    CHECK(meta_key_successor(&past));
    home_merge_skip_to(&list->merge, meta_key_bytes(&past));
    return ST_OK;
}

static enum status
list_run(struct upload_list *list, struct error *err)
{
    struct meta_key lower;
    struct meta_key upper;
    struct meta_key start;
    enum status st;

    meta_key_object(&lower, list->bucket->id, list->options->prefix);
    upper = lower;
    CHECK(meta_key_successor(&upper));
    list_start(list, &start);
    st = home_merge_open(&list->merge, list->bucket->store->store,
                         &(struct meta_scan){.family = FAMILY_UPLOAD,
                                             .lower = meta_key_bytes(&lower),
                                             .upper = meta_key_bytes(&upper)},
                         err);
    if (st != ST_OK) {
        return st;
    }
    home_merge_seek(&list->merge, meta_key_bytes(&start));
    while (st == ST_OK && home_merge_is_valid(&list->merge) && !list->is_truncated) {
        st = list_take(list, err);
    }
    if (st == ST_OK && !list->is_truncated) {
        st = home_merge_status(&list->merge, err);
    }
    home_merge_close(&list->merge);
    return st;
}

enum status
multipart_list_local(const struct bucket *bucket, const struct multipart_list_options *options,
                     struct arena *arena, struct multipart_upload_entry **ret_entries,
                     size_t *ret_count, bool *ret_is_truncated, struct error *err)
{
    struct upload_list list = {.bucket = bucket, .options = options, .arena = arena};
    enum status st = ST_OK;

    assert_on_worker();
    if (options->count_max > 0 && options->prefix.size <= META_KEY_NAME_MAX) {
        st = list_run(&list, err);
    }
    if (st == ST_OK) {
        *ret_entries = arena_alloc(arena, list.count * sizeof(*list.entries));
        if (list.count > 0) {
            memcpy(*ret_entries, list.entries, list.count * sizeof(*list.entries));
        }
        *ret_count = list.count;
        *ret_is_truncated = list.is_truncated;
    }
    free(list.entries);
    return st;
}
