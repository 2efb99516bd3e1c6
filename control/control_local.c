/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads take a reference to the current snapshot and need no more.  A change goes:
 *
 *   take the turn (one change at a time, in order of arrival at the lock) -> compare the revision
 *   -> write value and revision in one synced batch -> exchange the snapshot -> call the watchers
 *   -> give the turn back
 *
 * Failure: what RocksDB reports is final.  Whether the batch is on disk is then unknown, so the
 * snapshot stays as it was and every later change is refused until the program opens the database
 * again and reads what is there; reads go on.  The turn is a flag with a condition variable and not
 * a mutex, because no lock is held across a sync or a callback.
 *
 * On disk: "control/<key>" -> version byte, revision (8 bytes, big-endian), value; and
 * "control-revision" -> revision (8 bytes), written with every change so that a deletion does not
 * let it fall back.
 */
#include "control/control_local.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/lock.h"
#include "base/memory.h"
#include "control/control_snapshot.h"
#include "meta/meta_db.h"

#include "base/banned.h"

#define KEY_PREFIX "control/"
#define KEY_REVISION "control-revision"
#define RECORD_VERSION 1
#define RECORD_HEAD_BYTES 9

/* Everything is in memory already; the database is read once, at open. */
#define CACHE_BYTES ((size_t)1 << 20)
#define WRITE_BUFFER_BYTES ((size_t)4 << 20)
#define WAL_BYTES_MAX ((size_t)16 << 20)

struct watcher {
    struct watcher *next;
    struct bytes prefix; /* owned */
    control_changed_fn *changed;
    void *arg;
};

struct control_local {
    struct control_driver driver;
    struct meta_cache *cache;
    struct meta_db *db;
    struct meta_batch *batch; /* whoever has the turn */
    struct buffer record;     /* whoever has the turn */
    struct watcher *watchers; /* whoever has the turn */
    pthread_mutex_t lock;
    pthread_cond_t turn_is_free;
    bool is_turn_taken;                /* guarded by lock */
    bool has_failed;                   /* guarded by lock */
    struct control_snapshot *snapshot; /* guarded by lock */
};

static struct control_local *
local_from(struct control_driver *driver)
{
    return CONTAINER_OF(struct control_local, driver, driver);
}

static struct control_snapshot *
snapshot_get(struct control_local *local)
{
    struct control_snapshot *snapshot = NULL;

    WITH_LOCK (&local->lock) {
        snapshot = control_snapshot_ref(local->snapshot);
    }
    return snapshot;
}

/* True: the database still takes changes. */
static bool
turn_take(struct control_local *local)
{
    bool is_usable = false;

    WITH_LOCK (&local->lock) {
        while (local->is_turn_taken) {
            CHECK(pthread_cond_wait(&local->turn_is_free, &local->lock) == 0);
        }
        local->is_turn_taken = true;
        is_usable = !local->has_failed;
    }
    return is_usable;
}

static void
turn_give(struct control_local *local)
{
    WITH_LOCK (&local->lock) {
        local->is_turn_taken = false;
        CHECK(pthread_cond_signal(&local->turn_is_free) == 0);
    }
}

static enum status
local_get(struct control_driver *driver, struct bytes key, struct arena *arena,
          struct control_value *ret_value, struct error *err)
{
    struct control_snapshot *snapshot = snapshot_get(local_from(driver));
    const struct control_value *value = control_snapshot_find(snapshot, key);

    if (value != NULL) {
        *ret_value = (struct control_value){.key = arena_copy(arena, value->key),
                                            .value = arena_copy(arena, value->value),
                                            .revision = value->revision};
    }
    control_snapshot_unref(snapshot);
    return value != NULL ? ST_OK : fail(err, ST_NOT_FOUND, "there is no such control value");
}

static enum status
local_list(struct control_driver *driver, struct bytes prefix, control_found_fn *found, void *arg,
           struct error *err)
{
    struct control_snapshot *snapshot = snapshot_get(local_from(driver));
    enum status st = ST_OK;

    for (size_t i = control_snapshot_lower_bound(snapshot, prefix);
         st == ST_OK && i < snapshot->count &&
         bytes_has_prefix(snapshot->entries[i]->value.key, prefix);
         i++) {
        st = found(&snapshot->entries[i]->value, arg, err);
    }
    control_snapshot_unref(snapshot);
    return st;
}

static uint64_t
local_revision(struct control_driver *driver)
{
    struct control_snapshot *snapshot = snapshot_get(local_from(driver));
    uint64_t revision = snapshot->revision;

    control_snapshot_unref(snapshot);
    return revision;
}

/* has_turn.  Value NULL data: delete. */
static enum status
write_change(struct control_local *local, struct bytes key, struct bytes value, uint64_t revision,
             struct error *err)
{
    unsigned char number[8];
    char name[sizeof(KEY_PREFIX) + CONTROL_KEY_BYTES_MAX];
    struct bytes full_key = {name, sizeof(KEY_PREFIX) - 1 + key.size};
    enum status st;

    memcpy(name, KEY_PREFIX, sizeof(KEY_PREFIX) - 1);
    memcpy(name + sizeof(KEY_PREFIX) - 1, key.data, key.size);
    encode_u64_be(number, revision);
    meta_batch_clear(local->batch);
    if (value.data == NULL) {
        meta_batch_delete(local->batch, FAMILY_NODE, full_key);
    } else {
        buffer_clear(&local->record);
        buffer_append_char(&local->record, RECORD_VERSION);
        buffer_append(&local->record, number, sizeof(number));
        buffer_append_bytes(&local->record, value);
        meta_batch_put(local->batch, FAMILY_NODE, full_key, buffer_bytes(&local->record));
    }
    meta_batch_put(local->batch, FAMILY_NODE, BYTES_LITERAL(KEY_REVISION),
                   bytes_of(number, sizeof(number)));
    st = meta_db_write(local->db, local->batch, true, err);
    meta_batch_clear(local->batch);
    if (local->record.data != NULL) {
        memory_wipe(local->record.data, local->record.size);
    }
    return st;
}

/* has_turn.  Exchange the snapshot and tell the watchers. */
static void
publish_change(struct control_local *local, struct control_snapshot *next,
               const struct control_value *value)
{
    struct control_snapshot *old = NULL;

    WITH_LOCK (&local->lock) {
        old = local->snapshot;
        local->snapshot = next;
    }
    for (struct watcher *watcher = local->watchers; watcher != NULL; watcher = watcher->next) {
        if (bytes_has_prefix(value->key, watcher->prefix)) {
            watcher->changed(value, watcher->arg);
        }
    }
    control_snapshot_unref(old);
}

static enum status
check_expected(const struct control_snapshot *snapshot, struct bytes key, bool is_delete,
               uint64_t expected_revision, struct error *err)
{
    const struct control_value *old = control_snapshot_find(snapshot, key);
    uint64_t revision = old != NULL ? old->revision : CONTROL_MUST_NOT_EXIST;

    if (expected_revision == CONTROL_ANY_REVISION) {
        return is_delete && old == NULL ? fail(err, ST_NOT_FOUND, "there is no such control value")
                                        : ST_OK;
    }
    if (revision != expected_revision) {
        return fail(err, ST_CONFLICT,
                    "the control value is at revision %" PRIu64 ", expected was %" PRIu64, revision,
                    expected_revision);
    }
    return ST_OK;
}

/* Value NULL data: delete. */
static enum status
change(struct control_local *local, struct bytes key, struct bytes value,
       uint64_t expected_revision, uint64_t *ret_revision, struct error *err)
{
    bool is_usable = turn_take(local);
    /* Only the holder of the turn replaces it. */
    struct control_snapshot *snapshot = local->snapshot;
    uint64_t revision = snapshot->revision + 1;
    struct control_entry *entry = NULL;
    enum status st = check_expected(snapshot, key, value.data == NULL, expected_revision, err);

    if (st != ST_OK) {
        goto out;
    }
    if (!is_usable) {
        st = fail(err, ST_IO, "an earlier write of control values failed; restart to read them");
        goto out;
    }
    st = write_change(local, key, value, revision, err);
    if (st != ST_OK) {
        WITH_LOCK (&local->lock) {
            local->has_failed = true;
        }
        goto out;
    }
    if (value.data != NULL) {
        entry = control_entry_create(key, value, revision);
    }
    publish_change(local, control_snapshot_with(snapshot, key, entry, revision),
                   entry != NULL ? &entry->value
                                 : &(struct control_value){.key = key, .revision = revision});
    *ret_revision = revision;
out:
    turn_give(local);
    return st;
}

static enum status
local_put(struct control_driver *driver, struct bytes key, struct bytes value,
          uint64_t expected_revision, uint64_t *ret_revision, struct error *err)
{
    if (value.data == NULL) {
        value = BYTES_LITERAL("");
    }
    return change(local_from(driver), key, value, expected_revision, ret_revision, err);
}

static enum status
local_remove(struct control_driver *driver, struct bytes key, uint64_t expected_revision,
             struct error *err)
{
    uint64_t revision;

    return change(local_from(driver), key, BYTES_NONE, expected_revision, &revision, err);
}

static int
compare_by_revision(const void *a, const void *b)
{
    uint64_t first = (*(struct control_entry *const *)a)->value.revision;
    uint64_t second = (*(struct control_entry *const *)b)->value.revision;

    return first < second ? -1 : first > second;
}

static enum status
local_watch(struct control_driver *driver, struct bytes prefix, control_changed_fn *changed,
            void *arg, struct error *err)
{
    struct control_local *local = local_from(driver);
    struct watcher *watcher = xcalloc(1, sizeof(*watcher));
    struct control_entry **entries;
    struct control_snapshot *snapshot;
    size_t count = 0;

    watcher->prefix = bytes_of(xmemdup(prefix.data, prefix.size), prefix.size);
    watcher->changed = changed;
    watcher->arg = arg;
    (void)turn_take(local);
    snapshot = local->snapshot;
    entries = xmalloc((snapshot->count + 1) * sizeof(*entries));
    for (size_t i = control_snapshot_lower_bound(snapshot, prefix);
         i < snapshot->count && bytes_has_prefix(snapshot->entries[i]->value.key, prefix); i++) {
        entries[count++] = snapshot->entries[i];
    }
    qsort(entries, count, sizeof(*entries), compare_by_revision);
    for (size_t i = 0; i < count; i++) {
        changed(&entries[i]->value, arg);
    }
    watcher->next = local->watchers;
    local->watchers = watcher;
    turn_give(local);
    free(entries);
    return ST_OK;
}

static void
local_close(struct control_driver *driver)
{
    struct control_local *local = local_from(driver);

    if (local->db != NULL) {
        meta_db_close(&local->db);
    }
    meta_cache_destroy(&local->cache);
    meta_batch_destroy(&local->batch);
    buffer_release(&local->record);
    while (local->watchers != NULL) {
        struct watcher *watcher = local->watchers;

        local->watchers = watcher->next;
        free((void *)(uintptr_t)watcher->prefix.data);
        free(watcher);
    }
    control_snapshot_unref(local->snapshot);
    CHECK(pthread_mutex_destroy(&local->lock) == 0);
    CHECK(pthread_cond_destroy(&local->turn_is_free) == 0);
    free(local);
}

static const struct control_driver_ops LOCAL_OPS = {
    .get = local_get,
    .put = local_put,
    .remove = local_remove,
    .list = local_list,
    .watch = local_watch,
    .revision = local_revision,
    .close = local_close,
};

/* One record of the family into *snapshot. */
static enum status
load_record(struct bytes key, struct bytes record, struct control_snapshot **snapshot,
            struct error *err)
{
    struct bytes prefix = BYTES_LITERAL(KEY_PREFIX);
    uint64_t revision;

    if (bytes_equal_string(key, KEY_REVISION)) {
        if (record.size != 8) {
            return fail(err, ST_CORRUPT, "the control revision has %zu bytes, not 8", record.size);
        }
        revision = decode_u64_be(record.data);
        if (revision > (*snapshot)->revision) {
            (*snapshot)->revision = revision;
        }
        return ST_OK;
    }
    if (!bytes_has_prefix(key, prefix)) {
        return ST_OK;
    }
    if (record.size < RECORD_HEAD_BYTES || record.data[0] != RECORD_VERSION) {
        return fail(err, ST_CORRUPT, "control value %.*s is not of a known form", BYTES_ARGS(key));
    }
    revision = decode_u64_be(record.data + 1);
    control_snapshot_append(
        snapshot,
        control_entry_create(bytes_slice(key, prefix.size, key.size),
                             bytes_slice(record, RECORD_HEAD_BYTES, record.size), revision));
    return ST_OK;
}

static enum status
load_all(struct control_local *local, struct error *err)
{
    struct meta_scan scan = {.family = FAMILY_NODE};
    struct meta_iterator *iterator = meta_iterator_open(local->db, &scan);
    enum status st = ST_OK;

    meta_iterator_seek(iterator, BYTES_LITERAL(""));
    for (; st == ST_OK && meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        st = load_record(meta_iterator_key(iterator), meta_iterator_value(iterator),
                         &local->snapshot, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}

/* mkdir, and the parent's entry on disk: a database whose directory is lost is lost.  Also when it
 * is there already: whoever made it may have been killed before the sync. */
static enum status
make_directory(const char *directory, struct error *err)
{
    char *copy = NULL;
    int fd = -1;
    enum status st = ST_OK;

    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return fail_errno(err, ST_IO, "cannot create directory %s", directory);
    }
    copy = xstrdup(directory);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        st = fail_errno(err, ST_IO, "cannot sync the directory that holds %s", directory);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    return st;
}

enum status
control_local_open(const char *directory, struct control_driver **ret_driver, struct error *err)
{
    struct control_local *local = NULL;
    enum status st = make_directory(directory, err);

    if (st != ST_OK) {
        return st;
    }
    local = xcalloc(1, sizeof(*local));
    local->driver.ops = &LOCAL_OPS;
    CHECK(pthread_mutex_init(&local->lock, NULL) == 0);
    CHECK(pthread_cond_init(&local->turn_is_free, NULL) == 0);
    local->snapshot = control_snapshot_create(0);
    local->batch = meta_batch_create();
    local->cache = meta_cache_create(CACHE_BYTES);
    st = meta_db_open(&(struct meta_db_options){.directory = directory,
                                                .cache = local->cache,
                                                .write_buffer_bytes = WRITE_BUFFER_BYTES,
                                                .wal_max_bytes = WAL_BYTES_MAX,
                                                .create_if_missing = true},
                      &local->db, err);
    if (st == ST_OK) {
        st = load_all(local, err);
    }
    if (st != ST_OK) {
        local_close(&local->driver);
        return st;
    }
    *ret_driver = &local->driver;
    return ST_OK;
}
