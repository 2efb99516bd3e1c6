/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/control/fake_meta_db.h"

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

struct record {
    struct record *next;
    struct buffer key;
    struct buffer value;
    bool is_delete; /* in batches */
};

struct meta_db {
    struct meta_db *next;
    char *directory;
    struct record *records;
    bool is_open;
};

struct meta_batch {
    struct record *first;
    struct record **last;
};

struct meta_iterator {
    struct meta_db *db;
    struct record *at;
};

static struct meta_db *databases;
static bool must_fail_write;
static bool must_fail_scan;
static size_t unsynced_write_count;
static int cache;

void
fake_meta_fail_next_write(void)
{
    must_fail_write = true;
}

void
fake_meta_fail_next_scan(void)
{
    must_fail_scan = true;
}

size_t
fake_meta_unsynced_write_count(void)
{
    return unsynced_write_count;
}

static struct meta_db *
find_database(const char *directory)
{
    struct meta_db *db = databases;

    while (db != NULL && strcmp(db->directory, directory) != 0) {
        db = db->next;
    }
    if (db == NULL) {
        db = xcalloc(1, sizeof(*db));
        db->directory = xstrdup(directory);
        db->next = databases;
        databases = db;
    }
    return db;
}

static struct record **
lower_bound(struct meta_db *db, struct bytes key)
{
    struct record **place = &db->records;

    while (*place != NULL && bytes_compare(buffer_bytes(&(*place)->key), key) < 0) {
        place = &(*place)->next;
    }
    return place;
}

static void
record_free(struct record *record)
{
    buffer_release(&record->key);
    buffer_release(&record->value);
    free(record);
}

static void
apply(struct meta_db *db, struct bytes key, struct bytes value, bool is_delete)
{
    struct record **place = lower_bound(db, key);

    if (*place != NULL && bytes_equal(buffer_bytes(&(*place)->key), key)) {
        struct record *old = *place;

        *place = old->next;
        record_free(old);
    }
    if (!is_delete) {
        struct record *record = xcalloc(1, sizeof(*record));

        buffer_append_bytes(&record->key, key);
        buffer_append_bytes(&record->value, value);
        record->next = *place;
        *place = record;
    }
}

void
fake_meta_put(const char *directory, struct bytes key, struct bytes value)
{
    apply(find_database(directory), key, value, false);
}

struct meta_cache *
meta_cache_create(size_t size_bytes)
{
    return (struct meta_cache *)&cache;
}

void
meta_cache_destroy(struct meta_cache **take_cache)
{
    *take_cache = NULL;
}

enum status
meta_db_open(const struct meta_db_options *options, struct meta_db **ret_db, struct error *err)
{
    struct meta_db *db = find_database(options->directory);

    CHECK(!db->is_open);
    db->is_open = true;
    *ret_db = db;
    return ST_OK;
}

void
meta_db_close(struct meta_db **take_db)
{
    (*take_db)->is_open = false;
    *take_db = NULL;
}

struct meta_batch *
meta_batch_create(void)
{
    struct meta_batch *batch = xcalloc(1, sizeof(*batch));

    batch->last = &batch->first;
    return batch;
}

void
meta_batch_clear(struct meta_batch *batch)
{
    while (batch->first != NULL) {
        struct record *record = batch->first;

        batch->first = record->next;
        record_free(record);
    }
    batch->last = &batch->first;
}

void
meta_batch_destroy(struct meta_batch **take_batch)
{
    meta_batch_clear(*take_batch);
    free(*take_batch);
    *take_batch = NULL;
}

static struct record *
batch_append(struct meta_batch *batch, struct bytes key)
{
    struct record *record = xcalloc(1, sizeof(*record));

    buffer_append_bytes(&record->key, key);
    *batch->last = record;
    batch->last = &record->next;
    return record;
}

void
meta_batch_put(struct meta_batch *batch, enum family family, struct bytes key, struct bytes value)
{
    CHECK(family == FAMILY_NODE);
    buffer_append_bytes(&batch_append(batch, key)->value, value);
}

void
meta_batch_delete(struct meta_batch *batch, enum family family, struct bytes key)
{
    CHECK(family == FAMILY_NODE);
    batch_append(batch, key)->is_delete = true;
}

enum status
meta_db_write(struct meta_db *db, struct meta_batch *batch, bool is_synced, struct error *err)
{
    CHECK(db->is_open);
    if (must_fail_write) {
        must_fail_write = false;
        return fail(err, ST_IO, "the test made this write fail");
    }
    unsynced_write_count += is_synced ? 0 : 1;
    for (struct record *record = batch->first; record != NULL; record = record->next) {
        apply(db, buffer_bytes(&record->key), buffer_bytes(&record->value), record->is_delete);
    }
    return ST_OK;
}

struct meta_iterator *
meta_iterator_open(struct meta_db *db, const struct meta_scan *scan)
{
    struct meta_iterator *iterator = xcalloc(1, sizeof(*iterator));

    CHECK(db->is_open && scan->family == FAMILY_NODE);
    iterator->db = db;
    return iterator;
}

void
meta_iterator_close(struct meta_iterator **take_iterator)
{
    free(*take_iterator);
    *take_iterator = NULL;
}

void
meta_iterator_seek(struct meta_iterator *iterator, struct bytes key)
{
    iterator->at = *lower_bound(iterator->db, key);
}

void
meta_iterator_next(struct meta_iterator *iterator)
{
    iterator->at = iterator->at->next;
}

bool
meta_iterator_is_valid(struct meta_iterator *iterator)
{
    return iterator->at != NULL;
}

struct bytes
meta_iterator_key(struct meta_iterator *iterator)
{
    return buffer_bytes(&iterator->at->key);
}

struct bytes
meta_iterator_value(struct meta_iterator *iterator)
{
    return buffer_bytes(&iterator->at->value);
}

enum status
meta_iterator_status(struct meta_iterator *iterator, struct error *err)
{
    if (must_fail_scan) {
        must_fail_scan = false;
        return fail(err, ST_CORRUPT, "the test made this scan fail");
    }
    return ST_OK;
}
