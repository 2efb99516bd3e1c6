/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write id of a layout tells which bytes it names: as long as the record has the one that was
 * read, the new bytes are those of the object, whatever else of the record changed.  The part table
 * stands under the write id too, and is written again under the new one in the same commit: where
 * parts begin is told by it alone, never by chunks.
 */
#include "object/object_rechunk.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "object/client_rest.h"
#include "object/home_move.h"
#include "object/key_settle.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/object_key.h"
#include "object/part_table.h"
#include "store/extent_cursor.h"
#include "store/layout_reader.h"
#include "store/layout_writer.h"
#include "store/store_limits.h"

#include "base/banned.h"

/* What is read at a time. */
#define RECHUNK_BUFFER_BYTES ((size_t)256 << 10)
/* Between two rests. */
#define RECHUNK_PIECE_BYTES ((uint64_t)4 << 20)
/* Tries while others keep writing the object. */
#define RECHUNK_TRY_COUNT 4

struct rechunk {
    const struct bucket *bucket;
    const struct object_rechunk_options *options;
    struct arena arena;
    struct key_claim claim;
    struct meta_key key;
    struct home *home;
    uint64_t generation; /* under which the home was found */
    struct home_pin pin; /* older than source */
    struct object_record source;
    struct part_entry *parts;
    size_t part_count;
    uint64_t piece_bytes; /* of a full chunk */
    struct layout_writer *writer;
    struct layout written;
    struct buffer encoded;
    bool is_stale; /* it is another object by now */
};

/* ---- what is there ---- */

/* The caller has entered.  ST_NO_SUCH_KEY. */
static enum status
read_record(struct rechunk *rechunk, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(home_db(rechunk->home), FAMILY_OBJECT,
                                 meta_key_bytes(&rechunk->key), true, &value, err);

    if (st == ST_NOT_FOUND) {
        return fail(err, ST_NO_SUCH_KEY, "the key does not exist");
    }
    if (st == ST_OK) {
        st = object_record_decode(arena_copy(&rechunk->arena, value.data), &rechunk->arena,
                                  &rechunk->source, err);
    }
    meta_value_release(&value);
    return st;
}

static enum status
find_source(struct rechunk *rechunk, struct error *err)
{
    const struct bucket *bucket = rechunk->bucket;
    struct store *store = bucket->store->store;
    bool is_truncated;
    enum status st =
        key_claim_admit(bucket, rechunk->options->key, READ_MAY_WAIT, &rechunk->claim, err);

    if (st == ST_OK) {
        st = key_settle(&rechunk->claim, bucket, rechunk->options->key, err);
    }
    if (st != ST_OK) {
        return st;
    }
    store_enter(store);
    st = home_move_settle(bucket->store, bucket->id, rechunk->options->key, &rechunk->home, NULL,
                          err);
    rechunk->generation = store_generation(store);
    if (st == ST_OK) {
        st = home_require_readable(rechunk->home, err);
    }
    if (st == ST_OK) {
        rechunk->pin = home_pin(rechunk->home);
        st = read_record(rechunk, err);
    }
    if (st == ST_OK && rechunk->source.part_count > 0) {
        st = part_table_read(rechunk->home, rechunk->source.layout.write_id, 0, PART_NUMBER_MAX,
                             &rechunk->arena, &rechunk->parts, &rechunk->part_count, &is_truncated,
                             err);
    }
    store_leave(store);
    return st;
}

/* Are all chunks but the last full ones?  Looks at one page at a time. */
static enum status
has_such_chunks(struct rechunk *rechunk, bool *ret_has, struct error *err)
{
    const struct object_record *source = &rechunk->source;
    struct extent_cursor cursor;
    uint64_t position = 0;
    enum status st = ST_OK;

    *ret_has = true;
    if (source->layout.kind == LAYOUT_NONE || source->layout.kind == LAYOUT_INLINE) {
        return ST_OK;
    }
    extent_cursor_init(&cursor, rechunk->home, &source->layout, source->size);
    while (st == ST_OK && *ret_has && position < source->size) {
        const struct extent *extent;
        uint64_t start;
        uint64_t left = source->size - position;
        bool is_new;

        st = extent_cursor_seek(&cursor, position, READ_MAY_WAIT, &extent, &start, &is_new, err);
        if (st == ST_OK) {
            *ret_has =
                extent->length == (left < rechunk->piece_bytes ? left : rechunk->piece_bytes);
            position = start + extent->length;
        }
    }
    extent_cursor_release(&cursor);
    return st;
}

/* ---- the bytes ---- */

static enum status
copy_bytes(struct rechunk *rechunk, struct source *source, struct error *err)
{
    const atomic_bool *is_stopped = rechunk->options->is_stopped;
    char *buffer = xmalloc_aligned(RECHUNK_BUFFER_BYTES);
    uint64_t left = rechunk->source.size;
    uint64_t until_rest = RECHUNK_PIECE_BYTES;
    struct client_rest rest;
    enum status st = ST_OK;

    client_rest_begin_pinned(&rest, rechunk->bucket->store);
    while (left > 0 && st == ST_OK) {
        size_t size = 0;

        if (is_stopped != NULL && atomic_load(is_stopped)) {
            st = fail(err, ST_CANCELLED, "stopped");
            break;
        }
        st = source_read(source, READ_MAY_WAIT, buffer, RECHUNK_BUFFER_BYTES, &size, err);
        if (st == ST_OK && size == 0) {
            st = fail(err, ST_CORRUPT, "the bytes of an object ended early");
        }
        if (st == ST_OK) {
            st = layout_writer_write(rechunk->writer, bytes_of(buffer, size), err);
            left -= size;
        }
        until_rest -= size < until_rest ? size : until_rest;
        if (until_rest == 0) {
            client_rest_end(&rest, left == 0);
            client_rest_begin_pinned(&rest, rechunk->bucket->store);
            until_rest = RECHUNK_PIECE_BYTES;
        }
    }
    client_rest_end(&rest, st != ST_OK);
    free(buffer);
    return st;
}

static enum status
write_again(struct rechunk *rechunk, struct error *err)
{
    const struct object_record *record = &rechunk->source;
    const struct layout_writer_options options = {
        .home = rechunk->home,
        .bucket_id = rechunk->bucket->id,
        .key = rechunk->options->key,
        .is_piece = record->part_count > 0, /* a write id for the part table */
        .chunk_bytes = rechunk->piece_bytes,
        .chunk_spread = rechunk->bucket->properties.chunk_spread,
        .durability = DURABILITY_STRICT, /* before the old ones go */
        .size = record->size,
    };
    struct home_pin pin = home_pin(rechunk->home);
    struct source *source = NULL;
    enum status st = layout_writer_create(&options, &rechunk->writer, err);

    if (st == ST_OK) {
        st = layout_reader_open(&(struct layout_reader_options){.layout = &record->layout,
                                                                .size = record->size,
                                                                .length = record->size,
                                                                .what = "an object in chunks"},
                                READ_MAY_WAIT, &pin, &source, err);
    }
    home_unpin(&pin); /* unless the source took it */
    if (st == ST_OK) {
        st = copy_bytes(rechunk, source, err);
    }
    if (st == ST_OK) {
        st = layout_writer_finish(rechunk->writer, &rechunk->arena, &rechunk->written, err);
    }
    source_release(&source);
    return st;
}

/* ---- the decision ---- */

static enum status
decide_rechunk(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct rechunk *rechunk = arg;
    const struct object_record *old;
    struct object_record record;
    enum status st = object_current_get(commit, view, &rechunk->key, &old, err);

    if (st != ST_OK) {
        return st;
    }
    rechunk->is_stale =
        old == NULL || old->size != rechunk->source.size ||
        memcmp(&old->layout.write_id, &rechunk->source.layout.write_id, WRITE_ID_BYTES) != 0;
    if (rechunk->is_stale) {
        return fail(err, ST_CONFLICT, "the object changed while it was written in other chunks");
    }
    record = *old;
    record.layout = rechunk->written;
    layout_writer_put_pages(rechunk->writer, commit); /* naming reads them */
    st = commit_name_layout(commit, view, &rechunk->written, false, err);
    if (st == ST_OK) {
        st = object_current_drop(commit, view, old, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (record.part_count > 0) {
        part_table_put(commit, record.layout.write_id, rechunk->parts, rechunk->part_count);
    }
    buffer_clear(&rechunk->encoded);
    object_record_encode(&record, &rechunk->encoded);
    commit_put_record(commit, FAMILY_OBJECT, meta_key_bytes(&rechunk->key),
                      buffer_bytes(&rechunk->encoded));
    key_claim_mark(&rechunk->claim, commit, rechunk->bucket->id, rechunk->options->key, false);
    return ST_OK;
}

/* The caller has entered. */
static enum status
commit_entered(struct rechunk *rechunk, struct error *err)
{
    const struct bucket *bucket = rechunk->bucket;
    struct home *home = NULL;
    struct seq seq;
    enum status st =
        home_move_settle(bucket->store, bucket->id, rechunk->options->key, &home, NULL, err);

    if (st == ST_OK && rechunk->generation != store_generation(bucket->store->store)) {
        rechunk->is_stale = true;
        st = fail(err, ST_CONFLICT, "mountpaths changed while an object was written again");
    }
    if (st == ST_OK) {
        FAULT_KILL("rechunk_before_commit");
        st = key_claim_commit(&rechunk->claim,
                              &(struct commit_options){.home = home,
                                                       .durability = DURABILITY_STRICT,
                                                       .decide = decide_rechunk,
                                                       .arg = rechunk,
                                                       .is_refused = bucket->is_refusing_writes,
                                                       .writer = rechunk->writer},
                              &seq, err);
        FAULT_KILL("rechunk_after_commit");
    }
    if (st == ST_OK || object_commit_is_doubtful(st)) {
        layout_writer_disown(rechunk->writer);
    }
    return st;
}

static enum status
rechunk_once(struct rechunk *rechunk, struct object_rechunk_result *result, struct error *err)
{
    struct store *store = rechunk->bucket->store->store;
    bool has_such_already = false;
    enum status st = find_source(rechunk, err);

    if (st == ST_NO_SUCH_KEY && key_claim_check(&rechunk->claim, err) == ST_OK) {
        result->outcome = RECHUNK_GONE;
        return ST_OK;
    }
    if (st != ST_OK) {
        return st == ST_NO_SUCH_KEY ? ST_MOVED : st;
    }
    result->size = rechunk->source.size;
    rechunk->piece_bytes = rechunk->source.size <= PACK_DATA_BYTES_MAX
                               ? PACK_DATA_BYTES_MAX
                               : chunk_policy_piece(&rechunk->options->policy, result->size);
    st = has_such_chunks(rechunk, &has_such_already, err);
    if (st != ST_OK || has_such_already) {
        result->outcome = RECHUNK_KEPT;
        return st;
    }
    st = write_again(rechunk, err);
    if (st == ST_OK) {
        store_enter(store);
        st = commit_entered(rechunk, err);
        store_leave(store);
    }
    result->outcome = RECHUNK_WRITTEN;
    return st;
}

enum status
object_rechunk(const struct bucket *bucket, const struct object_rechunk_options *options,
               struct object_rechunk_result *ret_result, struct error *err)
{
    struct object_rechunk_result result = {.outcome = RECHUNK_OVERTAKEN};
    bool is_stale = true;
    enum status st = object_key_check(options->key, err);

    assert_on_worker();
    for (size_t try = 0; try < RECHUNK_TRY_COUNT && st == ST_OK && is_stale; try++) {
        struct rechunk rechunk = {.bucket = bucket, .options = options};

        meta_key_object(&rechunk.key, bucket->id, options->key);
        st = rechunk_once(&rechunk, &result, err);
        is_stale = st == ST_CONFLICT && rechunk.is_stale;
        st = is_stale ? ST_OK : st;
        layout_writer_destroy(&rechunk.writer);
        home_unpin(&rechunk.pin);
        buffer_release(&rechunk.encoded);
        arena_release(&rechunk.arena);
    }
    if (is_stale) {
        result.outcome = RECHUNK_OVERTAKEN;
    }
    if (st == ST_OK) {
        *ret_result = result;
    }
    return st;
}
