/* SPDX-License-Identifier: Apache-2.0 */
#include "store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/chunk_file.h"
#include "store/chunk_guard.h"
#include "store/commit_internal.h"
#include "store/committer.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/lazy_sync.h"
#include "store/node_record.h"
#include "store/pack_set.h"
#include "store/pack_witness.h"
#include "store/page_reclaim.h"
#include "store/pin_table.h"
#include "store/reclaimer.h"
#include "store/space.h"
#include "store/store_limits.h"

#include "base/banned.h"

/* FAMILY_NODE: how often this home was opened for writing. */
#define NODE_OPEN_NUMBER "open"

struct home *
home_create(struct store *store, const unsigned char *uuid, const char *directory)
{
    struct home *home = xcalloc(1, sizeof(*home));

    home->store = store;
    home->directory = xstrdup(directory);
    home->directory_fd = -1;
    memcpy(home->uuid, uuid, sizeof(home->uuid));
    home->is_read_only = store->options.read_only;
    home->pins = pin_table_create();
    home->metrics = home_metrics_create(directory);
    home_mark_absent(home, "it was not opened");
    return home;
}

void
home_mark_absent(struct home *home, const char *reason)
{
    free(home->absent_reason);
    home->absent_reason = xstrdup(reason);
    atomic_store(&home->state, HOME_ABSENT);
}

/* A value of two numbers; zeros if it is not there. */
static enum status
get_numbers(struct home *home, const char *name, uint64_t numbers[2], struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_node(&key, name);
    st = meta_db_get(home->db, FAMILY_NODE, meta_key_bytes(&key), true, &value, err);
    numbers[0] = 0;
    numbers[1] = 0;
    if (st == ST_OK && value.data.size != 16) {
        st = fail(err, ST_CORRUPT, "mountpath %s: the record %s is malformed", home->directory,
                  name);
    } else if (st == ST_OK) {
        numbers[0] = decode_u64_be(value.data.data);
        numbers[1] = decode_u64_be(value.data.data + 8);
    } else if (st == ST_NOT_FOUND) {
        st = ST_OK;
    }
    meta_value_release(&value);
    return st;
}

static enum status
count_open(struct home *home, struct error *err)
{
    struct meta_batch *batch = meta_batch_create();
    unsigned char value[16] = {0};
    struct meta_key key;
    enum status st;

    encode_u64_be(value, home->open_number);
    meta_key_node(&key, NODE_OPEN_NUMBER);
    meta_batch_put(batch, FAMILY_NODE, meta_key_bytes(&key), bytes_of(value, sizeof(value)));
    st = meta_db_write(home->db, batch, true, err);
    meta_batch_destroy(&batch);
    return st;
}

/* Homes open at the same time; the node goes on behind the greatest of their counters. */
static void
raise_seq(struct store *store, uint64_t counter)
{
    uint64_t seen = atomic_load(&store->seq_counter);

    while (seen < counter && !atomic_compare_exchange_weak(&store->seq_counter, &seen, counter)) {
        continue;
    }
}

/* Where the former run ended: batch and seq go on from there. */
static enum status
recover_numbers(struct home *home, struct error *err)
{
    uint64_t last[2];
    uint64_t opened[2];
    uint64_t newest[2];
    struct store *store = home->store;
    enum status st = get_numbers(home, NODE_LAST_BATCH, last, err);

    if (st == ST_OK) {
        st = get_numbers(home, NODE_OPEN_NUMBER, opened, err);
    }
    if (st == ST_OK) {
        st = get_numbers(home, NODE_NEWEST_PACKS, newest, err);
    }
    if (st != ST_OK) {
        return st;
    }
    atomic_store(&home->newest_packs[0], newest[0]);
    atomic_store(&home->newest_packs[1], newest[1]);
    home->open_number = opened[0] + 1;
    atomic_store(&home->published_batch, last[0]);
    atomic_store(&home->synced_batch, last[0]);
    raise_seq(store, last[1]);
    return home->is_read_only ? ST_OK : count_open(home, err);
}

static enum status
open_records(struct home *home, struct error *err)
{
    const struct store_options *options = &home->store->options;
    size_t count = home->store->home_count > 0 ? home->store->home_count : 1;
    size_t buffer_bytes = options->write_buffer_bytes / count;
    char *path = xasprintf("%s/meta", home->directory);
    struct meta_db_options settings = {
        .directory = path,
        .cache = home->store->cache,
        .write_buffer_bytes =
            buffer_bytes < WRITE_BUFFER_BYTES_MIN ? WRITE_BUFFER_BYTES_MIN : buffer_bytes,
        .wal_max_bytes = WAL_BYTES_MAX,
        .read_only = home->is_read_only,
    };
    enum status st = meta_db_open(&settings, &home->db, err);

    free(path);
    return st;
}

static void
close_records(struct home *home)
{
    meta_db_close(&home->db);
    close(home->directory_fd);
    home->directory_fd = -1;
}

enum status
home_open(struct home *home, struct error *err)
{
    const struct store_options *options = &home->store->options;
    enum status st;

    home->directory_fd = open(home->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (home->directory_fd < 0) {
        return fail_errno(err, ST_UNAVAILABLE, "mountpath %s cannot be opened", home->directory);
    }
    st = open_records(home, err);
    if (st == ST_OK) {
        st = recover_numbers(home, err);
    }
    if (st != ST_OK) {
        close_records(home);
        return st;
    }
    home->packs = pack_set_create(home, options->pack_bytes);
    home->reclaimer = reclaimer_create(home);
    st = page_reclaim_recover(home, home->reclaimer, err);
    if (st != ST_OK) {
        home_close(home);
        return st;
    }
    home->lazy = lazy_sync_create(home);
    home->space = space_create(home->directory_fd, options->free_floor_bytes);
    if (!home->is_read_only) {
        home->committer = committer_create(home);
    }
    atomic_store(&home->state, HOME_PRESENT);
    return ST_OK;
}

enum status
home_compare_note(struct home *home, struct error *err)
{
    struct node_note note;
    struct error why = ERROR_INIT;
    enum status st = node_get_note(home->store->node_db, home->uuid, &note, err);

    if (st != ST_OK || home_state(home) != HOME_PRESENT) {
        return st;
    }
    /* The number counted by this very start is not in the note yet. */
    if (home->open_number <= note.open_number ||
        atomic_load(&home->published_batch) < note.synced_batch) {
        fail(&why, ST_CORRUPT,
             "mountpath %s is older than this node remembers (start %" PRIu64 " of %" PRIu64
             ", batch %" PRIu64 " of %" PRIu64
             "): acknowledged writes are missing; it is open for reading only",
             home->directory, home->open_number, note.open_number,
             atomic_load(&home->published_batch), note.synced_batch);
        home_quarantine(home, &why);
    } else if (pack_witness_check(home, &why) != ST_OK) {
        home_quarantine(home, &why);
    }
    return ST_OK;
}

enum status
home_check_log(struct home *home, struct error *err)
{
    return pack_witness_check(home, err);
}

void
home_note(struct home *home)
{
    struct node_note note = {home->open_number, atomic_load(&home->synced_batch)};
    struct error err = ERROR_INIT;

    if (home_state(home) != HOME_PRESENT || home->is_read_only ||
        home->noted_batch == note.synced_batch) {
        return;
    }
    if (node_put_note(home->store->node_db, home->uuid, &note, &err) == ST_OK) {
        home->noted_batch = note.synced_batch;
    } else {
        log_warn(NULL, "home_not_noted", "%s", err.text);
    }
}

void
home_drain(struct home *home, int64_t until_ns)
{
    bool has_freed = true;

    while (has_freed && home->committer != NULL && home_state(home) == HOME_PRESENT &&
           reclaimer_waiting_count(home->reclaimer) > 0) {
        struct error err = ERROR_INIT;

        if (home_sync(home, &err) != ST_OK) {
            home_quarantine(home, &err);
            return;
        }
        has_freed = reclaimer_run(home->reclaimer, until_ns);
    }
}

void
home_stop(struct home *home)
{
    struct error err = ERROR_INIT;

    if (home == NULL || home->committer == NULL) {
        return;
    }
    committer_destroy(&home->committer);
    /* What relaxed commits left unsynced must be on disk before the log that names it is emptied
     * into tables. */
    if (home_state(home) == HOME_PRESENT && home_sync(home, &err) != ST_OK) {
        home_quarantine(home, &err);
    }
}

void
home_close(struct home *home)
{
    home_stop(home);
    lazy_sync_destroy(&home->lazy);
    reclaimer_destroy(&home->reclaimer);
    pack_set_destroy(&home->packs);
    space_destroy(&home->space);
    meta_db_close(&home->db);
    if (home->directory_fd >= 0) {
        close(home->directory_fd);
        home->directory_fd = -1;
    }
}

void
home_rename(struct home *home, const char *directory)
{
    CHECK(home->db == NULL);
    free(home->directory);
    home->directory = xstrdup(directory);
}

bool
home_hold(struct home *home)
{
    atomic_fetch_add(&home->holder_count, 1);
    if (home_state(home) == HOME_ABSENT) {
        home_unhold(home);
        return false;
    }
    return true;
}

void
home_unhold(struct home *home)
{
    atomic_fetch_sub(&home->holder_count, 1);
}

bool
home_is_unused(struct home *home)
{
    return atomic_load(&home->holder_count) == 0 && pin_table_oldest(home->pins) == UINT64_MAX;
}

void
home_destroy(struct home **take_home)
{
    struct home *home = *take_home;

    if (home == NULL) {
        return;
    }
    home_close(home);
    pin_table_destroy(&home->pins);
    home_metrics_destroy(&home->metrics);
    free(home->directory);
    free(home->absent_reason);
    free(atomic_load(&home->quarantine_reason));
    free(home);
    *take_home = NULL;
}

enum home_state
home_state(const struct home *home)
{
    return (enum home_state)atomic_load(&((struct home *)home)->state);
}

enum status
home_require_readable(struct home *home, struct error *err)
{
    if (home_state(home) == HOME_ABSENT) {
        return fail(err, ST_UNAVAILABLE, "mountpath %s is not available: %s", home->directory,
                    home->absent_reason);
    }
    return ST_OK;
}

enum status
home_require_commits(struct home *home, struct error *err)
{
    enum status st = home_require_readable(home, err);

    if (st != ST_OK) {
        return st;
    }
    if (home_state(home) == HOME_QUARANTINED) {
        return fail(err, ST_UNAVAILABLE,
                    "mountpath %s is quarantined: %s; restart the node when the disk is sound",
                    home->directory, atomic_load(&home->quarantine_reason));
    }
    if (home->is_read_only) {
        return fail(err, ST_UNAVAILABLE, "mountpath %s is open for reading only", home->directory);
    }
    return ST_OK;
}

enum status
home_require_writable(struct home *home, struct error *err)
{
    enum status st = home_require_commits(home, err);

    return st == ST_OK ? space_take(home->space, 0, home->directory, err) : st;
}

const char *
home_directory(const struct home *home)
{
    return home->directory;
}

const unsigned char *
home_uuid(const struct home *home)
{
    return home->uuid;
}

struct store *
home_store(const struct home *home)
{
    return home->store;
}

struct meta_db *
home_db(struct home *home)
{
    return home->db;
}

void
home_quarantine(struct home *home, const struct error *why)
{
    int expected = HOME_PRESENT;
    char *reason = xstrdup(why->text);
    char *none = NULL;

    if (!atomic_compare_exchange_strong(&home->quarantine_reason, &none, reason)) {
        free(reason); /* the first one counts */
    }
    if (atomic_compare_exchange_strong(&home->state, &expected, HOME_QUARANTINED)) {
        log_error(NULL, "home_quarantined",
                  "mountpath %s takes no writes and frees nothing until the node is restarted: %s",
                  home->directory, why->text);
    }
}

struct home_pin
home_pin(struct home *home)
{
    return (struct home_pin){home, pin_table_take(home->pins, atomic_load(&home->published_batch))};
}

void
home_unpin(struct home_pin *take_pin)
{
    if (take_pin->home != NULL) {
        pin_table_give_back(take_pin->home->pins, take_pin->slot);
        take_pin->home = NULL;
    }
}

uint64_t
home_freeable_batch(struct home *home)
{
    uint64_t synced = atomic_load(&home->synced_batch);
    uint64_t oldest = pin_table_oldest(home->pins);

    /* A pin of batch B was taken after B became visible: it cannot see what B dropped. */
    return synced < oldest ? synced : oldest;
}

enum status
home_sync(struct home *home, struct error *err)
{
    uint64_t published = atomic_load(&home->published_batch);
    uint64_t synced = atomic_load(&home->synced_batch);
    enum status st = lazy_sync_files(home->lazy, err);

    /* A strict batch has synced the log, but not what relaxed ones before it named. */
    if (st == ST_OK) {
        st = pack_set_sync_dirty(home->packs, err);
    }
    if (st == ST_OK && synced < published) {
        int64_t start_ns = clock_monotonic_ns();

        st = meta_db_sync(home->db, err);
        home_note_sync(home, HOME_SYNC_LOG, start_ns);
    }
    if (st != ST_OK) {
        return st;
    }
    while (synced < published &&
           !atomic_compare_exchange_weak(&home->synced_batch, &synced, published)) {
    }
    return ST_OK;
}

bool
home_has_chunk_under_way(struct home *home, struct chunk_id id)
{
    return chunk_guard_has(home->store->chunk_guard, id) ||
           reclaimer_has_chunk(home->reclaimer, id);
}

bool
home_has_pack_under_way(struct home *home, uint64_t pack_id)
{
    return !pack_is_collectable(home->packs, pack_id);
}

enum status
home_bucket_counters(struct home *home, uint64_t bucket_id, struct bucket_counters *ret_counters,
                     struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    int64_t counters[4] = {0};
    struct meta_key key;
    enum status st = home_require_readable(home, err);

    if (st != ST_OK) {
        return st;
    }
    meta_key_counters(&key, bucket_id);
    st = meta_db_get(home->db, FAMILY_NODE, meta_key_bytes(&key), true, &value, err);
    if (st == ST_OK && value.data.size != sizeof(counters)) {
        st = fail(err, ST_CORRUPT, "the counters of a bucket are malformed");
    }
    for (size_t i = 0; st == ST_OK && i < ARRAY_COUNT(counters); i++) {
        counters[i] = (int64_t)decode_u64_be(value.data.data + 8 * i);
    }
    meta_value_release(&value);
    if (st == ST_OK || st == ST_NOT_FOUND) {
        *ret_counters =
            (struct bucket_counters){counters[0], counters[1], counters[2], counters[3]};
        return ST_OK;
    }
    return st;
}

void
home_pack_totals(struct home *home, struct store_space *sum)
{
    uint64_t numbers[2];

    if (get_numbers(home, NODE_PACK_TOTALS, numbers, NULL) == ST_OK) {
        sum->pack_live_bytes += numbers[0];
        sum->pack_bytes += numbers[1];
    }
}
