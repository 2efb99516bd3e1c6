/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/meta_db.h"

#include <errno.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"
#include "meta/manifest_tail.h"
#include "meta/meta_internal.h"
#include "meta/open_origin.h"

#include "base/banned.h"

/* A listing that met too many tombstones asks for a flush; more often would make small files. */
#define FLUSH_REQUEST_INTERVAL_NS (10 * CLOCK_NS_PER_S)

static const char *const FAMILY_NAMES[FAMILY_COUNT] = {
    [FAMILY_OBJECT] = "object", [FAMILY_VERSION] = "version", [FAMILY_FORMER] = "former",
    [FAMILY_LAYOUT] = "layout", [FAMILY_CHUNK] = "chunk",     [FAMILY_PACK] = "pack",
    [FAMILY_UPLOAD] = "upload", [FAMILY_ATIME] = "atime",     [FAMILY_CHANGE] = "change",
    [FAMILY_NODE] = "node",
};

const char *
family_name(enum family family)
{
    CHECK(family < FAMILY_COUNT);
    return FAMILY_NAMES[family];
}

/* The C API reports a status as text only; its first words are its class. */
static enum status
classify(const char *message)
{
    static const struct {
        const char *prefix;
        enum status code;
    } CLASSES[] = {
        {"Result incomplete", ST_WOULD_WAIT},
        {"Corruption", ST_CORRUPT},
        {"NotFound", ST_NOT_FOUND},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CLASSES); i++) {
        if (strncmp(message, CLASSES[i].prefix, strlen(CLASSES[i].prefix)) == 0) {
            return CLASSES[i].code;
        }
    }
    return strstr(message, "does not exist (create_if_missing is false)") != NULL ? ST_NOT_FOUND
                                                                                  : ST_IO;
}

enum status
meta_fail(struct meta_db *db, char *take_message, const char *doing, struct error *err)
{
    enum status code = classify(take_message);

    fail(err, code, "records in %s: %s failed: %s", db->directory, doing, take_message);
    rocksdb_free(take_message);
    return code;
}

static struct meta_db *
create_handle(const struct meta_db_options *options)
{
    struct meta_db *db = xcalloc(1, sizeof(*db));

    db->directory = xstrdup(options->directory);
    db->is_read_only = options->read_only;
    db->read_wait = rocksdb_readoptions_create();
    db->read_no_wait = rocksdb_readoptions_create();
    rocksdb_readoptions_set_read_tier(db->read_no_wait, 1 /* kBlockCacheTier */);
    db->write_synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(db->write_synced, 1);
    db->write_lazy = rocksdb_writeoptions_create();
    return db;
}

static void
destroy_handle(struct meta_db *db)
{
    rocksdb_readoptions_destroy(db->read_wait);
    rocksdb_readoptions_destroy(db->read_no_wait);
    rocksdb_writeoptions_destroy(db->write_synced);
    rocksdb_writeoptions_destroy(db->write_lazy);
    free(db->directory);
    free(db);
}

/* A database that is not there is an answer, not damage: RocksDB's own text tells them apart only
 * when it may write. */
static bool
is_missing(const char *directory)
{
    char *path = xasprintf("%s/CURRENT", directory);
    bool missing = access(path, F_OK) != 0 && errno == ENOENT;

    free(path);
    return missing;
}

static enum status
open_once(const struct meta_db_options *options, struct meta_db **ret_db, struct error *err)
{
    enum { COUNT = FAMILY_COUNT + 1 };
    const char *names[COUNT] = {META_DEFAULT_FAMILY};
    const rocksdb_options_t *settings[COUNT];
    rocksdb_column_family_handle_t *handles[COUNT] = {NULL};
    rocksdb_options_t *database;
    struct meta_db *db;
    enum status st = ST_OK;
    char *message = NULL;

    db = create_handle(options);
    database = meta_options_create(options);
    for (int i = 0; i < COUNT; i++) {
        names[i] = i == 0 ? META_DEFAULT_FAMILY : FAMILY_NAMES[i - 1];
        settings[i] = meta_family_options_create(options, i - 1);
    }
    if (options->read_only) {
        db->rocksdb = rocksdb_open_for_read_only_column_families(
            database, options->directory, COUNT, names, settings, handles, 0, &message);
    } else {
        db->rocksdb = rocksdb_open_column_families(database, options->directory, COUNT, names,
                                                   settings, handles, &message);
    }
    for (int i = 0; i < COUNT; i++) {
        rocksdb_options_destroy((rocksdb_options_t *)settings[i]);
    }
    rocksdb_options_destroy(database);
    if (message != NULL) {
        st = meta_fail(db, message, "opening", err);
        destroy_handle(db);
        return st;
    }
    db->default_family = handles[0];
    memcpy(db->families, &handles[1], sizeof(db->families));
    *ret_db = db;
    return ST_OK;
}

/* Can it be opened as it stands?  Changes nothing. */
static enum status
probe(const struct meta_db_options *options, struct error *err)
{
    struct meta_db_options reading = *options;
    struct meta_db *db = NULL;
    enum status st;

    reading.read_only = true;
    st = open_once(&reading, &db, err);
    meta_db_close(&db);
    return st;
}

/* The way back, should the power be lost in the middle; if that has happened, back first. */
static enum status
prepare_open(const struct meta_db_options *options, struct error *err)
{
    if (open_origin_is_left(options->directory) && probe(options, NULL) != ST_OK &&
        open_origin_restore(options->directory, err) == ST_IO) {
        return ST_IO;
    }
    return open_origin_write(options->directory, err);
}

enum status
meta_db_open(const struct meta_db_options *options, struct meta_db **ret_db, struct error *err)
{
    bool is_new = is_missing(options->directory);
    enum status st = ST_OK;

    if (!options->create_if_missing && is_new) {
        return fail(err, ST_NOT_FOUND, "there are no records in %s", options->directory);
    }
    if (options->read_only || is_new) {
        return open_once(options, ret_db, err);
    }
    st = prepare_open(options, err);
    if (st == ST_OK) {
        st = open_once(options, ret_db, err);
    }
    if (st == ST_CORRUPT && manifest_tail_cut(options->directory, NULL) == ST_OK) {
        st = open_once(options, ret_db, err);
    }
    if (st == ST_OK && (st = open_origin_remove(options->directory, err)) != ST_OK) {
        meta_db_close(ret_db);
    }
    return st;
}

/* What the log holds is in tables afterwards, so that the next start replays nothing. */
static void
flush_families(struct meta_db *db)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();

    rocksdb_flushoptions_set_wait(options, 1);
    for (int i = 0; i < FAMILY_COUNT; i++) {
        char *message = NULL;

        rocksdb_flush_cf(db->rocksdb, options, db->families[i], &message);
        rocksdb_free(message); /* nothing is lost: the log still holds it */
    }
    rocksdb_flushoptions_destroy(options);
}

void
meta_db_close(struct meta_db **take_db)
{
    struct meta_db *db = *take_db;

    if (db == NULL) {
        return;
    }
    if (!db->is_read_only && !atomic_load(&db->has_failed)) {
        flush_families(db);
    }
    for (int i = 0; i < FAMILY_COUNT; i++) {
        rocksdb_column_family_handle_destroy(db->families[i]);
    }
    rocksdb_column_family_handle_destroy(db->default_family);
    rocksdb_close(db->rocksdb);
    destroy_handle(db);
    *take_db = NULL;
}

void
meta_value_release(struct meta_value *value)
{
    if (value->handle != NULL) {
        rocksdb_pinnableslice_destroy(value->handle);
    }
    *value = META_VALUE_INIT;
}

enum status
meta_db_get(struct meta_db *db, enum family family, struct bytes key, bool may_wait,
            struct meta_value *ret_value, struct error *err)
{
    char *message = NULL;
    rocksdb_pinnableslice_t *slice;
    int sys_errno;

    if (may_wait && (sys_errno = FAULT_ERRNO("record_read")) != 0) {
        errno = sys_errno;
        return fail_errno(err, ST_IO, "records in %s: read failed", db->directory);
    }
    slice = rocksdb_get_pinned_cf(db->rocksdb, may_wait ? db->read_wait : db->read_no_wait,
                                  db->families[family], key.data, key.size, &message);
    if (message != NULL) {
        return meta_fail(db, message, "reading", err);
    }
    if (slice == NULL) {
        return fail(err, ST_NOT_FOUND, "no such %s record", family_name(family));
    }
    ret_value->handle = slice;
    ret_value->data.data = rocksdb_pinnableslice_value(slice, &ret_value->data.size);
    return ST_OK;
}

enum status
meta_db_sync(struct meta_db *db, struct error *err)
{
    char *message = NULL;
    int sys_errno = FAULT_ERRNO("record_log_sync");

    if (atomic_load(&db->has_failed)) {
        return fail(err, ST_IO, "records in %s: an earlier write failed", db->directory);
    }
    if (sys_errno != 0) {
        atomic_store(&db->has_failed, true);
        errno = sys_errno;
        return fail_errno(err, ST_IO, "records in %s: syncing the log failed", db->directory);
    }
    rocksdb_flush_wal(db->rocksdb, 1, &message);
    if (message != NULL) {
        atomic_store(&db->has_failed, true);
        return meta_fail(db, message, "syncing the log", err);
    }
    return ST_OK;
}

uint64_t
meta_db_estimate_count(struct meta_db *db, enum family family)
{
    uint64_t count = 0;

    if (rocksdb_property_int_cf(db->rocksdb, db->families[family], "rocksdb.estimate-num-keys",
                                &count) != 0) {
        return 0;
    }
    return count;
}

void
meta_db_request_flush(struct meta_db *db, enum family family)
{
    rocksdb_flushoptions_t *options;
    char *message = NULL;
    int64_t now = clock_monotonic_ns();
    int64_t last = atomic_load(&db->flush_requested_ns[family]);

    if (db->is_read_only || atomic_load(&db->has_failed) ||
        (last != 0 && now - last < FLUSH_REQUEST_INTERVAL_NS) ||
        !atomic_compare_exchange_strong(&db->flush_requested_ns[family], &last, now)) {
        return;
    }
    options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 0);
    rocksdb_flush_cf(db->rocksdb, options, db->families[family], &message);
    rocksdb_free(message); /* a request only; a failed flush shows at the next write */
    rocksdb_flushoptions_destroy(options);
}
