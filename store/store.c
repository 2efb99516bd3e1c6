/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start:  DATA/node -> node id -> registered mountpaths, each checked by its identity -> new ones
 * registered -> homes opened (O(log), nothing is scanned) -> committers -> upkeep.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/chunk_file.h"
#include "store/chunk_guard.h"
#include "store/health.h"
#include "store/home_internal.h"
#include "store/housekeeper.h"
#include "store/mirror.h"
#include "store/mountpath_setup.h"
#include "store/node_record.h"
#include "store/pack_set.h"
#include "store/space.h"
#include "store/store_limits.h"
#include "store/upkeep.h"

#include "base/banned.h"

/* Memtables of DATA/node: a few values. */
#define NODE_WRITE_BUFFER_BYTES ((size_t)4 << 20)
#define NODE_WAL_BYTES ((size_t)4 << 20)

void
store_options_init(struct store_options *options)
{
    *options = (struct store_options){
        .cache_bytes = CACHE_BYTES_DEFAULT,
        .write_buffer_bytes = WRITE_BUFFER_BYTES_DEFAULT,
        .free_floor_bytes = FREE_FLOOR_BYTES_DEFAULT,
        .sweep_age_s = SWEEP_AGE_S_DEFAULT,
        .lazy_sync_interval_ms = LAZY_SYNC_INTERVAL_MS_DEFAULT,
        .pack_bytes = PACK_BYTES_DEFAULT,
    };
}

static enum status
open_node_db(struct store *store, struct error *err)
{
    char *path = xasprintf("%s/node", store->data_directory);
    struct meta_db_options options = {
        .directory = path,
        .cache = store->cache,
        .write_buffer_bytes = NODE_WRITE_BUFFER_BYTES,
        .wal_max_bytes = NODE_WAL_BYTES,
        .create_if_missing = !store->options.read_only,
        .read_only = store->options.read_only,
    };
    enum status st = ST_OK;

    if (!store->options.read_only) {
        st = make_durable_directory(store->data_directory, err);
        if (st == ST_OK) { /* RocksDB would make it, but not sync its entry */
            st = make_durable_directory(path, err);
        }
    }
    if (st == ST_OK) {
        st = meta_db_open(&options, &store->node_db, err);
    }

    free(path);
    return st;
}

static char *
generate_node_id(void)
{
    unsigned char id[8];
    char hex[2 * sizeof(id) + 1];

    entropy_fill(id, sizeof(id));
    encode_hex(bytes_of(id, sizeof(id)), hex);
    return xstrdup(hex);
}

/* Placement hashes the id, so it never changes once it is chosen. */
static enum status
settle_node_id(struct store *store, const char *wanted, struct error *err)
{
    struct arena arena = ARENA_INIT;
    const char *kept = NULL;
    enum status st = node_get_id(store->node_db, &arena, &kept, err);

    if (st == ST_OK && wanted != NULL && strcmp(kept, wanted) != 0) {
        st = fail(err, ST_INVALID, "%s belongs to node %s, not to node %s", store->data_directory,
                  kept, wanted);
    } else if (st == ST_OK) {
        store->node_id = xstrdup(kept);
    } else if (st == ST_NOT_FOUND && !store->options.read_only) {
        store->node_id = wanted != NULL ? xstrdup(wanted) : generate_node_id();
        st = node_put_id(store->node_db, store->node_id, err);
    }
    arena_release(&arena);
    return st;
}

static void *
open_home_main(void *arg)
{
    struct home *home = arg;
    struct error err = ERROR_INIT;

    if (home_open(home, &err) != ST_OK) {
        home_mark_absent(home, err.text);
        log_error(NULL, "mountpath_absent", "mountpath %s is not available: %s", home->directory,
                  err.text);
    }
    return NULL;
}

/* All at once: after a crash each replays a log, on a disk of its own. */
static void
open_each_home(struct store *store)
{
    pthread_t threads[MOUNTPATH_MAX];
    size_t count = 0;

    for (size_t i = 0; i < store->home_count; i++) {
        if (store->homes[i]->absent_reason == NULL || store->homes[i]->is_expected) {
            CHECK(pthread_create(&threads[count++], NULL, open_home_main, store->homes[i]) == 0);
        }
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static enum status
open_homes(struct store *store, struct error *err)
{
    enum status st = ST_OK;

    open_each_home(store);
    for (size_t i = 0; i < store->home_count && !store->options.read_only; i++) {
        for (size_t j = 0; j < store->home_count && st == ST_OK; j++) {
            if (home_state(store->homes[i]) == HOME_PRESENT &&
                home_state(store->homes[j]) == HOME_PRESENT) {
                st = chunk_directories_create(store->homes[i], store->homes[j], err);
            }
        }
    }
    return st;
}

static bool
is_without_records(struct home *home, enum family family)
{
    struct meta_iterator *iterator =
        meta_iterator_open(home->db, &(struct meta_scan){.family = family});
    bool is_empty;

    meta_iterator_seek(iterator, BYTES_NONE);
    is_empty = !meta_iterator_is_valid(iterator) && meta_iterator_status(iterator, NULL) == ST_OK;
    meta_iterator_close(&iterator);
    return is_empty;
}

bool
home_is_empty(struct home *home)
{
    return is_without_records(home, FAMILY_OBJECT) && is_without_records(home, FAMILY_UPLOAD);
}

/* Mountpaths that were there before DATA knew them: if they hold nothing, all is where it belongs.
 */
static enum status
settle_anywhere(struct store *store, struct error *err)
{
    if (!store->placement.is_anywhere || store->options.read_only) {
        return ST_OK;
    }
    for (size_t i = 0; i < store->home_count; i++) {
        if (home_is_holder(store->homes[i]) &&
            (home_state(store->homes[i]) != HOME_PRESENT || !home_is_empty(store->homes[i]))) {
            return ST_OK;
        }
    }
    home_placement_finish(&store->placement);
    store_publish_placement(store);
    return store_write_placement(store, &store->placement, err);
}

/* Numbers of the former run are never given again: on from what was reserved, or from the last
 * one that a home has seen. */
static enum status
settle_seq(struct store *store, struct error *err)
{
    uint64_t reserved = 0;
    enum status st = node_get_seq(store->node_db, &reserved, err);

    if (st == ST_OK && reserved == 0 && atomic_load(&store->seq_counter) > 0) {
        /* DATA was lost: numbers after the last one seen may have been given. */
        reserved = atomic_load(&store->seq_counter) + SEQ_BLOCK;
    }
    if (st == ST_OK && atomic_load(&store->seq_counter) < reserved) {
        atomic_store(&store->seq_counter, reserved);
    }
    atomic_store(&store->seq_reserved, atomic_load(&store->seq_counter));
    return st;
}

/* Whoever comes first reserves the next block; others wait for it. */
static enum status
reserve_seq(struct store *store, uint64_t counter, struct error *err)
{
    bool is_mine = false;
    enum status st = ST_OK;

    WITH_LOCK (&store->seq_lock) {
        while (store->is_seq_reserving) {
            CHECK(pthread_cond_wait(&store->seq_changed, &store->seq_lock) == 0);
        }
        is_mine = store->is_seq_reserving = counter > atomic_load(&store->seq_reserved);
    }
    if (!is_mine) {
        return ST_OK;
    }
    st = node_put_seq(store->node_db, counter + SEQ_BLOCK, err);
    WITH_LOCK (&store->seq_lock) {
        if (st == ST_OK) {
            atomic_store(&store->seq_reserved, counter + SEQ_BLOCK);
        }
        store->is_seq_reserving = false;
        CHECK(pthread_cond_broadcast(&store->seq_changed) == 0);
    }
    return st;
}

enum status
store_next_seq(struct store *store, uint64_t *ret_counter, struct error *err)
{
    uint64_t counter = atomic_fetch_add(&store->seq_counter, 1) + 1;

    while (counter > atomic_load(&store->seq_reserved)) {
        enum status st = reserve_seq(store, counter, err);

        if (st != ST_OK) {
            return st;
        }
    }
    *ret_counter = counter;
    return ST_OK;
}

void
store_set_map_version(struct store *store, uint64_t version)
{
    CHECK(version >= atomic_load(&store->map_version));
    atomic_store(&store->map_version, version);
}

static struct store *
create_handle(const struct store_options *options)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->options = *options;
    store->options.mountpaths = NULL;
    atomic_init(&store->map_version, 1);
    store->data_directory = xstrdup(options->data_directory);
    store->cache = meta_cache_create(options->cache_bytes);
    CHECK(pthread_mutex_init(&store->seq_lock, NULL) == 0);
    CHECK(pthread_cond_init(&store->seq_changed, NULL) == 0);
    store->chunk_guard = chunk_guard_create();
    store->homes = xcalloc(MOUNTPATH_MAX, sizeof(*store->homes));
    store->guard = generation_guard_create();
    CHECK(pthread_mutex_init(&store->scan_lock, NULL) == 0);
    CHECK(pthread_mutex_init(&store->mountpath_lock, NULL) == 0);
    CHECK(pthread_cond_init(&store->mountpath_changed, NULL) == 0);
    if (store->options.pack_bytes < PACK_BYTES_MIN) {
        store->options.pack_bytes = PACK_BYTES_MIN;
    }
    return store;
}

enum status
store_open(const struct store_options *options, struct store **ret_store, struct error *err)
{
    struct store *store;
    enum status st;

    CHECK(options->data_directory != NULL && options->lazy_sync_interval_ms > 0);
    if (options->mountpath_count > MOUNTPATH_MAX) {
        return fail(err, ST_INVALID, "%zu mountpaths are more than %d", options->mountpath_count,
                    MOUNTPATH_MAX);
    }
    store = create_handle(options);
    st = open_node_db(store, err);
    if (st == ST_OK) {
        st = settle_node_id(store, options->node_id, err);
    }
    if (st == ST_OK) {
        st = mountpaths_settle(store, options, err);
    }
    if (st == ST_OK) {
        store_publish_placement(store);
        st = open_homes(store, err);
    }
    if (st == ST_OK) {
        st = settle_anywhere(store, err);
    }
    for (size_t i = 0; i < store->home_count && st == ST_OK && !options->read_only; i++) {
        st = home_compare_note(store->homes[i], err);
    }
    if (st == ST_OK) {
        st = mirror_open(store, &store->mirror, err);
    }
    if (st == ST_OK) {
        st = settle_seq(store, err);
    }
    if (st != ST_OK) {
        store_close(&store);
        return st;
    }
    if (!options->read_only) {
        store->housekeeper = housekeeper_create(store, options->is_background_off);
        store->upkeep = upkeep_create(store);
        store->health = health_create(store, !options->is_background_off);
    }
    *ret_store = store;
    return ST_OK;
}

void
store_close(struct store **take_store)
{
    struct store *store = *take_store;
    int64_t until_ns;

    if (store == NULL) {
        return;
    }
    health_destroy(&store->health);
    upkeep_destroy(&store->upkeep);
    housekeeper_destroy(&store->housekeeper);
    mirror_close(&store->mirror);
    until_ns = clock_monotonic_ns() + RECLAIM_STOP_MS * CLOCK_NS_PER_MS;
    for (size_t i = 0; i < store->home_count; i++) {
        home_drain(store->homes[i], until_ns); /* chunk files stand on any mountpath */
    }
    for (size_t i = 0; i < store->home_count; i++) {
        home_stop(store->homes[i]);
        home_note(store->homes[i]);
        home_destroy(&store->homes[i]);
    }
    chunk_guard_destroy(&store->chunk_guard);
    meta_db_close(&store->node_db);
    meta_cache_destroy(&store->cache);
    pthread_cond_destroy(&store->seq_changed);
    pthread_mutex_destroy(&store->seq_lock);
    home_placement_release(&store->placement);
    generation_guard_destroy(&store->guard);
    pthread_cond_destroy(&store->mountpath_changed);
    pthread_mutex_destroy(&store->mountpath_lock);
    pthread_mutex_destroy(&store->scan_lock);
    free(store->homes);
    free(store->node_id);
    free(store->data_directory);
    free(store);
    *take_store = NULL;
}

struct load *
store_load(const struct store *store)
{
    return store->options.load;
}

const char *
store_data_directory(const struct store *store)
{
    return store->data_directory;
}

const char *
store_node_id(const struct store *store)
{
    return store->node_id;
}

void
store_space(struct store *store, struct store_space *ret_space)
{
    struct store_space sum = {0};

    for (size_t i = 0; i < store->home_count; i++) {
        struct home *home = store->homes[i];
        uint64_t total = 0;
        uint64_t left = 0;

        if (home_hold(home)) { /* a detached one is not closed meanwhile */
            home_pack_totals(home, &sum);
            space_get(home->space, &total, &left);
            home_unhold(home);
        }
        sum.total_bytes += total;
        sum.free_bytes += left;
    }
    *ret_space = sum;
}

enum status
store_collect_once(struct store *store, bool *ret_work_done, struct error *err)
{
    CHECK(store->housekeeper != NULL);
    return housekeeper_collect(store->housekeeper, ret_work_done, err);
}

enum status
store_sweep_once(struct store *store, uint64_t *ret_removed_count, struct error *err)
{
    CHECK(store->housekeeper != NULL);
    return housekeeper_sweep(store->housekeeper, ret_removed_count, err);
}

enum status
store_mirror_put(struct store *store, struct bytes key, struct bytes value, struct error *err)
{
    return mirror_change(store->mirror, key, value, false, err);
}

enum status
store_mirror_delete(struct store *store, struct bytes key, struct error *err)
{
    return mirror_change(store->mirror, key, BYTES_NONE, true, err);
}

enum status
store_mirror_scan(struct store *store,
                  enum status (*found)(struct bytes key, struct bytes value, void *arg,
                                       struct error *err),
                  void *arg, struct error *err)
{
    return mirror_scan(store->mirror, found, arg, err);
}
