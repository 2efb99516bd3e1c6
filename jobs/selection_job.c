/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/selection_job.h"

#include <stdio.h>

#include "auth/principal.h"
#include "base/check.h"
#include "base/memory.h"
#include "object/object_copy.h"
#include "object/object_delete.h"
#include "object/object_get.h"

#include "base/banned.h"

_Static_assert(WALK_BATCH_OBJECTS <= OBJECT_DELETE_KEYS_MAX, "after deletes a batch at once");

/* Keys of one call: their commits share a sync. */
#define DELETE_SLICE 128

_Static_assert(sizeof(((struct object_copy_result *)NULL)->etag) == WALK_NOTE_SIZE,
               "a note holds it");

/* ---- delete ---- */

static void
delete_some(const struct walk_share *share, struct walk_item *items, size_t count)
{
    struct object_delete_entry entries[DELETE_SLICE];
    struct error err = ERROR_INIT;
    enum status st;

    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct object_delete_entry){.key = items[i].name};
    }
    st = object_delete(&share->source, entries, count, &err);
    for (size_t i = 0; i < count; i++) {
        items[i].status = st == ST_OK ? entries[i].status : st;
        items[i].error = st == ST_OK ? entries[i].error : err;
    }
}

const struct walk_kind selection_delete = {
    .job = {.name = "delete-listrange",
            .is_concurrent = true,
            .is_resumable = true,
            .run = walk_run},
    .removes = true,
    .slice_max = DELETE_SLICE,
    .work = delete_some,
};

const struct walk_kind selection_summary = {
    .job = {.name = "summary-bck", .is_concurrent = true, .is_resumable = true, .run = walk_run},
};

/* ---- copy ---- */

/* Made by a run before this one: to make it again would count as an overwrite. */
static bool
is_there(const struct walk_share *share, const struct walk_item *item, struct bytes key,
         struct arena *arena)
{
    struct object_get_options options = {.key = key, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result;

    return item->is_repeated &&
           object_get(&share->destination, &options, arena, &result, NULL) == ST_OK &&
           result.record.size == item->size && bytes_equal_string(result.record.etag, item->etag) &&
           result.record.created_ns >= share->started_ns;
}

static void
copy_one(const struct walk_share *share, struct walk_item *item)
{
    struct arena arena = ARENA_INIT;
    struct bytes key = share->prepend.size > 0
                           ? arena_printf_bytes(&arena, "%.*s%.*s", BYTES_ARGS(share->prepend),
                                                BYTES_ARGS(item->name))
                           : item->name;
    struct object_copy_options options = {.source = &share->source,
                                          .source_key = item->name,
                                          .key = key,
                                          .is_native = true,
                                          .is_of_job = true};
    struct object_copy_result result;

    snprintf(item->note, sizeof(item->note), "%s", item->etag);
    item->status = ST_OK;
    if (!is_there(share, item, key, &arena)) {
        item->status = object_copy(&share->destination, &options, &result, &item->error);
        if (item->status == ST_OK) {
            memcpy(item->note, result.etag, sizeof(item->note));
        }
    }
    arena_release(&arena);
}

static void
copy_some(const struct walk_share *share, struct walk_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        copy_one(share, &items[i]);
    }
}

const struct walk_kind selection_copy = {
    .job = {.name = "copy-listrange", .is_concurrent = true, .is_resumable = true, .run = walk_run},
    .is_of_destination = true,
    .work = copy_some,
};

const struct walk_kind selection_copy_bucket = {
    .job = {.name = "copy-bck", .is_concurrent = true, .is_resumable = true, .run = walk_run},
    .is_of_destination = true,
    .work = copy_some,
};

/* ---- move ---- */

/* What was copied goes, unless it was replaced since: then it is listed, and copied, again. */
static enum status
delete_copied(const struct walk_share *share, struct walk_item *items, size_t count,
              struct error *err)
{
    struct object_delete_entry *entries = xcalloc(count, sizeof(*entries));
    enum status st;

    for (size_t i = 0; i < count; i++) {
        entries[i].key = items[i].name;
        entries[i].conditions.if_match = bytes_of_string(items[i].note);
    }
    st = object_delete(&share->source, entries, count, err);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (entries[i].status != ST_OK && entries[i].status != ST_PRECONDITION &&
            entries[i].status != ST_NO_SUCH_KEY) {
            st = entries[i].status;
            if (err != NULL) {
                *err = entries[i].error;
            }
        }
    }
    free(entries);
    return st;
}

/* What is written into the source meanwhile is moved too, until it is empty. */
static enum status
delete_source(const struct walk_share *share, struct error *err)
{
    return bucket_delete(share->store, principal_of_root(), share->source.name, err);
}

const struct walk_kind selection_move_bucket = {
    .job = {.name = "move-bck", .is_concurrent = true, .is_resumable = true, .run = walk_run},
    .is_of_destination = true,
    .removes = true,
    .work = copy_some,
    .after = delete_copied,
    .finish = delete_source,
};
