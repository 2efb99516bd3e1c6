/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads take a reference to the current snapshot and need no more.  A commit goes:
 *
 *   take the turn (one commit at a time, in order of arrival at the lock) -> compare the revisions
 *   -> write values and revision in one synced batch -> exchange the snapshot -> call the watchers
 *   -> give the turn back
 *
 * Failure: what RocksDB reports is final.  Whether the batch is on disk is then unknown, so the
 * snapshot stays as it was and every later change is refused until the program opens the database
 * again and reads what is there; reads go on.  The turn is a flag with a condition variable and not
 * a mutex, because no lock is held across a sync or a callback.
 *
 * On disk: "control/<key>" -> version byte, revision (8 bytes, big-endian), value; and
 * "control-revision" -> revision (8 bytes), written with every change so that a deletion does not
 * let it fall back.  Values with a lease end with the process, so only their revision is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "control/control_driver.h"
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

struct control_local {
    struct control_driver driver;
    struct meta_cache *cache;
    struct meta_db *db;
    struct meta_batch *batch; /* whoever has the turn */
    struct buffer record;     /* whoever has the turn */
    bool has_failed;          /* whoever has the turn */
    _Atomic uint64_t last_lease;
};

static struct control_local *
local_from(struct control_driver *driver)
{
    return CONTAINER_OF(struct control_local, driver, driver);
}

/* has_turn */
static void
add_change(struct control_local *local, const struct control_change *change, uint64_t revision)
{
    unsigned char number[8];
    char name[sizeof(KEY_PREFIX) + CONTROL_KEY_BYTES_MAX];
    struct bytes full_key = {name, sizeof(KEY_PREFIX) - 1 + change->key.size};

    memcpy(name, KEY_PREFIX, sizeof(KEY_PREFIX) - 1);
    memcpy(name + sizeof(KEY_PREFIX) - 1, change->key.data, change->key.size);
    if (change->action == CONTROL_DELETE || change->lease != 0) {
        meta_batch_delete(local->batch, FAMILY_NODE, full_key);
        return;
    }
    encode_u64_be(number, revision);
    buffer_clear(&local->record);
    buffer_append_char(&local->record, RECORD_VERSION);
    buffer_append(&local->record, number, sizeof(number));
    buffer_append_bytes(&local->record, change->value);
    meta_batch_put(local->batch, FAMILY_NODE, full_key, buffer_bytes(&local->record));
    memory_wipe(local->record.data, local->record.size);
}

/* has_turn */
static enum status
write_changes(struct control_local *local, const struct control_change *changes, size_t count,
              uint64_t revision, struct error *err)
{
    unsigned char number[8];
    enum status st;

    meta_batch_clear(local->batch);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].action != CONTROL_COMPARE) {
            add_change(local, &changes[i], revision);
        }
    }
    encode_u64_be(number, revision);
    meta_batch_put(local->batch, FAMILY_NODE, BYTES_LITERAL(KEY_REVISION),
                   bytes_of(number, sizeof(number)));
    st = meta_db_write(local->db, local->batch, true, err);
    meta_batch_clear(local->batch);
    return st;
}

/* has_turn.  Exchange the snapshot and tell the watchers. */
static void
publish_changes(struct control_local *local, const struct control_snapshot *old,
                const struct control_change *changes, size_t count, uint64_t revision)
{
    struct control_snapshot *next = NULL;
    struct control_value told[CONTROL_CHANGE_COUNT_MAX];
    size_t told_count = 0;

    for (size_t i = 0; i < count; i++) {
        const struct control_change *change = &changes[i];
        const struct control_value *present = control_snapshot_find(old, change->key);
        struct control_value *value = &told[told_count];
        struct control_snapshot *before = next;
        bool is_put = change->action == CONTROL_PUT;

        if (change->action == CONTROL_COMPARE) {
            continue;
        }
        *value = (struct control_value){.key = change->key, .revision = revision};
        if (is_put) {
            value->value = change->value.data != NULL ? change->value : BYTES_LITERAL("");
            value->create_revision = present != NULL ? present->create_revision : revision;
            value->lease = change->lease;
        }
        next = control_snapshot_with(before != NULL ? before : old, change->key,
                                     is_put ? control_entry_create(value) : NULL, revision);
        if (before != NULL) {
            control_snapshot_unref(before);
        }
        told_count++;
    }
    control_view_publish(local->driver.view, next, told, told_count);
}

static enum status
check_change(const struct control_snapshot *snapshot, const struct control_change *change,
             struct error *err)
{
    const struct control_value *old = control_snapshot_find(snapshot, change->key);
    uint64_t revision = old != NULL ? old->revision : CONTROL_MUST_NOT_EXIST;

    if (change->expected_revision == CONTROL_ANY_REVISION) {
        return change->action == CONTROL_DELETE && old == NULL
                   ? fail(err, ST_NOT_FOUND, "there is no such control value")
                   : ST_OK;
    }
    if (revision != change->expected_revision) {
        return fail(err, ST_CONFLICT,
                    "the control value is at revision %" PRIu64 ", expected was %" PRIu64, revision,
                    change->expected_revision);
    }
    return ST_OK;
}

static enum status
check_all(const struct control_snapshot *snapshot, const struct control_change *changes,
          size_t count, const struct control_guard *guard, struct error *err)
{
    if (guard != NULL) {
        const struct control_value *leader =
            control_snapshot_find(snapshot, bytes_of_string(guard->key));

        if (leader == NULL || leader->create_revision != guard->create_revision) {
            return fail(err, ST_MOVED, "this node does not hold %s any more", guard->key);
        }
    }
    for (size_t i = 0; i < count; i++) {
        enum status st = check_change(snapshot, &changes[i], err);

        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

static enum status
local_commit(struct control_driver *driver, const struct control_change *changes, size_t count,
             const struct control_guard *guard, int64_t timeout_ms, uint64_t *ret_revision,
             struct error *err)
{
    struct control_local *local = local_from(driver);
    struct control_snapshot *snapshot;
    uint64_t revision;
    enum status st;

    control_view_turn_take(driver->view);
    snapshot = control_view_snapshot(driver->view);
    revision = snapshot->revision + 1;
    st = check_all(snapshot, changes, count, guard, err);
    if (st != ST_OK) {
        goto out;
    }
    if (local->has_failed) {
        st = fail(err, ST_IO, "an earlier write of control values failed; restart to read them");
        goto out;
    }
    st = write_changes(local, changes, count, revision, err);
    if (st != ST_OK) {
        local->has_failed = true;
        goto out;
    }
    publish_changes(local, snapshot, changes, count, revision);
    *ret_revision = revision;
out:
    control_view_turn_give(driver->view);
    control_snapshot_unref(snapshot);
    return st;
}

/* The store and its only user are one process, so there is nothing to miss. */
static enum status
local_refresh(struct control_driver *driver, struct bytes key, int64_t timeout_ms,
              struct error *err)
{
    return ST_OK;
}

/* A lease of a single node holds as long as the process; only revoking it ends it. */
static enum status
local_lease_grant(struct control_driver *driver, int64_t ttl_s, int64_t timeout_ms,
                  uint64_t *ret_lease, struct error *err)
{
    *ret_lease = atomic_fetch_add(&local_from(driver)->last_lease, 1) + 1;
    return ST_OK;
}

static enum status
local_lease_keep(struct control_driver *driver, uint64_t lease, int64_t timeout_ms,
                 struct error *err)
{
    return ST_OK;
}

static enum status
local_lease_revoke(struct control_driver *driver, uint64_t lease, int64_t timeout_ms,
                   struct error *err)
{
    struct control_snapshot *snapshot = control_view_snapshot(driver->view);
    enum status st = ST_OK;

    for (size_t i = 0; st == ST_OK && i < snapshot->count; i++) {
        const struct control_value *value = &snapshot->entries[i]->value;
        struct control_change change = {
            .action = CONTROL_DELETE, .key = value->key, .expected_revision = value->revision};
        uint64_t revision;

        if (value->lease != lease) {
            continue;
        }
        st = local_commit(driver, &change, 1, NULL, timeout_ms, &revision, err);
        if (st == ST_CONFLICT) { /* it was replaced or deleted meanwhile */
            st = ST_OK;
        }
    }
    control_snapshot_unref(snapshot);
    return st;
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
    control_view_destroy(&driver->view);
    free(local);
}

static const struct control_driver_ops LOCAL_OPS = {
    .commit = local_commit,
    .refresh = local_refresh,
    .lease_grant = local_lease_grant,
    .lease_keep = local_lease_keep,
    .lease_revoke = local_lease_revoke,
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
    control_snapshot_append(snapshot,
                            control_entry_create(&(struct control_value){
                                .key = bytes_slice(key, prefix.size, key.size),
                                .value = bytes_slice(record, RECORD_HEAD_BYTES, record.size),
                                .revision = revision,
                                .create_revision = revision,
                            }));
    return ST_OK;
}

static enum status
load_all(struct control_local *local, struct error *err)
{
    struct meta_scan scan = {.family = FAMILY_NODE};
    struct meta_iterator *iterator = meta_iterator_open(local->db, &scan);
    struct control_snapshot *snapshot = control_snapshot_create(0);
    enum status st = ST_OK;

    meta_iterator_seek(iterator, BYTES_LITERAL(""));
    for (; st == ST_OK && meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        st =
            load_record(meta_iterator_key(iterator), meta_iterator_value(iterator), &snapshot, err);
    }
    if (st == ST_OK) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    control_view_publish(local->driver.view, snapshot, NULL, 0);
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
control_open_local(const char *directory, struct control **ret_control, struct error *err)
{
    struct control_local *local = NULL;
    enum status st = make_directory(directory, err);

    if (st != ST_OK) {
        return st;
    }
    local = xcalloc(1, sizeof(*local));
    local->driver.ops = &LOCAL_OPS;
    local->driver.view = control_view_create();
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
    *ret_control = control_create(&local->driver);
    return ST_OK;
}
