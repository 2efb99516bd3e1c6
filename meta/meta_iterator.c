/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/memory.h"
#include "meta/meta_internal.h"
#include "meta/meta_key.h"

#include "base/banned.h"

/* Jobs read far ahead and leave the cache to those who ask again. */
#define JOB_READAHEAD_BYTES ((size_t)256 << 10)

struct meta_iterator {
    struct meta_db *db;
    rocksdb_readoptions_t *options; /* points into lower and upper */
    rocksdb_iterator_t *iterator;
    char *lower;
    size_t lower_size;
    char *upper;
    size_t upper_size;
    struct buffer shown[2]; /* key and value, only where view_for_tsan copies */
};

#ifdef __SANITIZE_THREAD__
/* RocksDB shows keys and values in its own memory, which it publishes by atomics that an
 * uninstrumented library does not tell ThreadSanitizer about.  Under it, views are of copies that
 * were made unseen. */
__attribute__((no_sanitize("thread"))) static struct bytes
view_for_tsan(struct bytes view, struct buffer *out)
{
    volatile char *to;

    buffer_clear(out);
    to = buffer_reserve(out, view.size + 1);
    for (size_t i = 0; i < view.size; i++) {
        to[i] = view.data[i];
    }
    out->size = view.size;
    return buffer_bytes(out);
}
#else
static struct bytes
view_for_tsan(struct bytes view, struct buffer *out)
{
    (void)out;
    return view;
}
#endif

struct meta_snapshot {
    struct meta_db *db;
    const rocksdb_snapshot_t *snapshot; /* NULL: the database is read-only and never changes */
};

struct meta_snapshot *
meta_snapshot_create(struct meta_db *db)
{
    struct meta_snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

    snapshot->db = db;
    if (!db->is_read_only) {
        snapshot->snapshot = rocksdb_create_snapshot(db->rocksdb);
    }
    return snapshot;
}

void
meta_snapshot_destroy(struct meta_snapshot **take_snapshot)
{
    struct meta_snapshot *snapshot = *take_snapshot;

    if (snapshot != NULL) {
        if (snapshot->snapshot != NULL) {
            rocksdb_release_snapshot(snapshot->db->rocksdb, snapshot->snapshot);
        }
        free(snapshot);
        *take_snapshot = NULL;
    }
}

struct meta_iterator *
meta_iterator_open(struct meta_db *db, const struct meta_scan *scan)
{
    struct meta_iterator *iterator = xcalloc(1, sizeof(*iterator));

    iterator->db = db;
    iterator->options = rocksdb_readoptions_create();
    if (scan->lower.size > 0) {
        iterator->lower = xmemdup(scan->lower.data, scan->lower.size);
        iterator->lower_size = scan->lower.size;
        rocksdb_readoptions_set_iterate_lower_bound(iterator->options, iterator->lower,
                                                    iterator->lower_size);
    }
    if (scan->upper.size > 0) {
        iterator->upper = xmemdup(scan->upper.data, scan->upper.size);
        iterator->upper_size = scan->upper.size;
        rocksdb_readoptions_set_iterate_upper_bound(iterator->options, iterator->upper,
                                                    iterator->upper_size);
    }
    if (scan->snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(iterator->options, scan->snapshot->snapshot);
    }
    if (scan->keep_cache_cold) {
        rocksdb_readoptions_set_fill_cache(iterator->options, 0);
        rocksdb_readoptions_set_readahead_size(iterator->options, JOB_READAHEAD_BYTES);
    }
    iterator->iterator =
        rocksdb_create_iterator_cf(db->rocksdb, iterator->options, db->families[scan->family]);
    meta_iterator_seek(iterator, scan->lower);
    return iterator;
}

void
meta_iterator_close(struct meta_iterator **take_iterator)
{
    struct meta_iterator *iterator = *take_iterator;

    if (iterator != NULL) {
        rocksdb_iter_destroy(iterator->iterator);
        rocksdb_readoptions_destroy(iterator->options);
        buffer_release(&iterator->shown[0]);
        buffer_release(&iterator->shown[1]);
        free(iterator->lower);
        free(iterator->upper);
        free(iterator);
        *take_iterator = NULL;
    }
}

void
meta_iterator_seek(struct meta_iterator *iterator, struct bytes key)
{
    /* RocksDB takes a NULL key for a bug even where its size is zero. */
    rocksdb_iter_seek(iterator->iterator, key.size > 0 ? key.data : "", key.size);
}

void
meta_iterator_seek_before(struct meta_iterator *iterator, struct bytes key)
{
    rocksdb_iter_seek_for_prev(iterator->iterator, key.size > 0 ? key.data : "", key.size);
}

void
meta_iterator_next(struct meta_iterator *iterator)
{
    CHECK(rocksdb_iter_valid(iterator->iterator));
    rocksdb_iter_next(iterator->iterator);
}

bool
meta_iterator_is_valid(struct meta_iterator *iterator)
{
    return rocksdb_iter_valid(iterator->iterator);
}

struct bytes
meta_iterator_key(struct meta_iterator *iterator)
{
    struct bytes key;

    key.data = rocksdb_iter_key(iterator->iterator, &key.size);
    return view_for_tsan(key, &iterator->shown[0]);
}

struct bytes
meta_iterator_value(struct meta_iterator *iterator)
{
    struct bytes value;

    value.data = rocksdb_iter_value(iterator->iterator, &value.size);
    return view_for_tsan(value, &iterator->shown[1]);
}

enum status
meta_iterator_status(struct meta_iterator *iterator, struct error *err)
{
    char *message = NULL;

    rocksdb_iter_get_error(iterator->iterator, &message);
    return message == NULL ? ST_OK : meta_fail(iterator->db, message, "scanning", err);
}

enum status
meta_db_next_keys(struct meta_db *db, enum family family, struct meta_key *at, struct arena *arena,
                  struct bytes *keys, size_t capacity, size_t *ret_count, struct error *err)
{
    struct meta_iterator *iterator = meta_iterator_open(
        db, &(struct meta_scan){
                .family = family, .lower = meta_key_bytes(at), .keep_cache_cold = true});
    size_t count = 0;
    enum status st = ST_OK;

    for (meta_iterator_seek(iterator, meta_key_bytes(at));
         meta_iterator_is_valid(iterator) && count < capacity && st == ST_OK;
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        if (key.size >= sizeof(at->data)) {
            st = fail(err, ST_CORRUPT, "the key of a record is too long");
        } else {
            keys[count++] = arena_copy(arena, key);
            memcpy(at->data, key.data, key.size);
            at->data[key.size] = 0; /* the next key there can be */
            at->size = key.size + 1;
        }
    }
    if (st == ST_OK && !meta_iterator_is_valid(iterator)) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    *ret_count = count;
    return st;
}
