/* SPDX-License-Identifier: Apache-2.0 */
#include "object/resilver.h"

#include <inttypes.h>
#include <time.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "object/client_rest.h"
#include "object/object_internal.h"
#include "object/rebalance.h"
#include "object/resilver_internal.h"
#include "store/mountpath_change.h"
#include "store/mountpath_drain.h"

#include "base/banned.h"

/* Keys that are read at a time: an iterator pins files, so it is not kept. */
#define PAGE_KEY_COUNT 256
/* Keys in work at once: they share syncs. */
#define THREAD_COUNT 8
/* The cursor is saved after so many records: so much is looked at again after a stop. */
#define CURSOR_STEP 1024
/* Bytes of a leaving mountpath that readers still hold are looked for again after this long. */
#define DRAIN_WAIT_MS 100
/* After so many looks records are looked through again. */
#define DRAIN_WAIT_COUNT 100

/* Right behind the last key that was read: one byte longer. */
struct scan_position {
    unsigned char data[META_KEY_SIZE_MAX + 1];
    size_t size;
};

struct resilver_page {
    struct resilver *resilver;
    struct home *home;
    enum family family;
    resilver_key_fn *visit;
    struct arena arena;
    struct bytes keys[PAGE_KEY_COUNT];
    size_t count;
    _Atomic size_t next;
    enum status status; /* guarded by the resilver's lock: the first failure */
    struct error error;
};

enum status
resilver_check_cancelled(struct resilver *resilver, struct error *err)
{
    const atomic_bool *is_cancelled = resilver->options->is_cancelled;

    return is_cancelled != NULL && atomic_load(is_cancelled)
               ? fail(err, ST_CANCELLED, "the resilver was stopped")
               : ST_OK;
}

enum status
resilver_check_generation(struct resilver *resilver, struct error *err)
{
    return store_generation(resilver->store->store) == resilver->progress.generation
               ? ST_OK
               : fail(err, ST_CONFLICT, "the mountpaths changed again");
}

/* The next keys from *at on; *at moves behind them. */
static enum status
page_read(struct resilver_page *page, struct scan_position *at, bool *ret_is_last,
          struct error *err)
{
    struct meta_iterator *iterator = meta_iterator_open(
        home_db(page->home), &(struct meta_scan){.family = page->family,
                                                 .lower = bytes_of(at->data, at->size),
                                                 .keep_cache_cold = true});
    enum status st = ST_OK;

    arena_release(&page->arena);
    page->count = 0;
    for (meta_iterator_seek(iterator, bytes_of(at->data, at->size));
         meta_iterator_is_valid(iterator) && page->count < PAGE_KEY_COUNT && st == ST_OK;
         meta_iterator_next(iterator)) {
        struct bytes key = meta_iterator_key(iterator);

        if (key.size >= sizeof(at->data)) {
            st = fail(err, ST_CORRUPT, "the key of a record is too long");
        } else {
            page->keys[page->count++] = arena_copy(&page->arena, key);
            memcpy(at->data, key.data, key.size);
            at->data[key.size] = 0; /* the next key there can be */
            at->size = key.size + 1;
        }
    }
    *ret_is_last = !meta_iterator_is_valid(iterator);
    if (st == ST_OK && *ret_is_last) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    return st;
}

static bool
is_cancelled(void *arg)
{
    return resilver_check_cancelled(arg, NULL) != ST_OK;
}

static void *
page_main(void *arg)
{
    struct resilver_page *page = arg;
    struct client_rest rest;
    enum status st = ST_OK;
    size_t i;

    affinity_set(AFFINITY_WORKER, "lode-resilver");
    while (st == ST_OK && (i = atomic_fetch_add(&page->next, 1)) < page->count) {
        struct error err = ERROR_INIT;

        st = resilver_check_cancelled(page->resilver, &err);
        if (st == ST_OK) {
            client_rest_begin(&rest, page->resilver->store, is_cancelled, page->resilver);
            st = page->visit(page->resilver, page->home, page->family, page->keys[i], &err);
            client_rest_end(&rest, st != ST_OK);
        }
        WITH_LOCK (&page->resilver->lock) {
            page->resilver->progress.scanned_count++;
            if (st != ST_OK && page->status == ST_OK) {
                page->status = st;
                page->error = err;
            }
        }
    }
    return NULL;
}

static enum status
page_work(struct resilver_page *page, struct error *err)
{
    size_t thread_count = page->count < THREAD_COUNT ? page->count : THREAD_COUNT;
    pthread_t threads[THREAD_COUNT];

    page->status = ST_OK;
    atomic_store(&page->next, 0);
    for (size_t i = 0; i < thread_count; i++) {
        CHECK(pthread_create(&threads[i], NULL, page_main, page) == 0);
    }
    for (size_t i = 0; i < thread_count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    if (page->status != ST_OK && err != NULL) {
        *err = page->error;
    }
    return page->status;
}

static void
save_cursor(struct resilver *resilver, const struct home *home, enum family family,
            struct bytes key)
{
    struct store_cursor cursor = {
        .generation = resilver->progress.generation, .family = (unsigned int)family, .key = key};
    struct error err = ERROR_INIT;

    if (resilver->progress.scanned_count - resilver->saved_count < CURSOR_STEP) {
        return;
    }
    resilver->saved_count = resilver->progress.scanned_count;
    memcpy(cursor.uuid, home_uuid(home), sizeof(cursor.uuid));
    if (store_save_cursor(resilver->store->store, &cursor, &err) != ST_OK) {
        log_warn(NULL, "resilver_cursor_not_saved", "%s", err.text);
    }
}

enum status
resilver_scan(struct resilver *resilver, struct home *home, enum family family, struct bytes from,
              resilver_key_fn *visit, const char *doing, bool saves_cursor, struct error *err)
{
    struct resilver_page *page = xcalloc(1, sizeof(*page));
    struct scan_position at = {.size = 0};
    bool is_last = false;
    enum status st = ST_OK;

    *page = (struct resilver_page){
        .resilver = resilver, .home = home, .family = family, .visit = visit};
    if (from.size > sizeof(at.data)) {
        from = BYTES_NONE; /* no cursor of ours */
    }
    if (from.size > 0) {
        memcpy(at.data, from.data, from.size);
        at.size = from.size;
    }
    while (st == ST_OK && !is_last) {
        st = home_hold(home) ? ST_OK : home_require_readable(home, err);
        if (st != ST_OK) {
            break;
        }
        st = page_read(page, &at, &is_last, err);
        home_unhold(home);
        if (st == ST_OK) {
            st = page_work(page, err);
        }
        if (st == ST_OK && saves_cursor) {
            FAULT_KILL("resilver_before_cursor");
            save_cursor(resilver, home, family, bytes_of(at.data, at.size));
        }
        if (st == ST_OK && resilver->options->progress != NULL) {
            resilver->options->progress(&resilver->progress, doing, resilver->options->arg);
        }
    }
    arena_release(&page->arena);
    free(page);
    return st;
}

static bool
parse_name(enum family family, struct bytes key, uint64_t *ret_bucket_id, struct bytes *ret_name)
{
    struct upload_id id;
    uint32_t number;

    return family == FAMILY_OBJECT || family == FAMILY_FORMER
               ? meta_key_parse_object(key, ret_bucket_id, ret_name) == ST_OK
               : meta_key_parse_upload(key, ret_bucket_id, ret_name, &id, &number) == ST_OK;
}

/* resilver_key_fn: to its home, if that is another one. */
static enum status
bring_home(struct resilver *resilver, struct home *home, enum family family, struct bytes key,
           struct error *err)
{
    struct home_move_counts counts = {0};
    struct home *to = NULL;
    struct bytes name;
    uint64_t bucket_id;
    enum status st;

    if (!parse_name(family, key, &bucket_id, &name)) {
        return fail(err, ST_CORRUPT, "the key of a %s record is malformed", family_name(family));
    }
    store_enter(resilver->store->store);
    st = resilver_check_generation(resilver, err);
    if (st == ST_OK && store_home_of(resilver->store->store, bucket_id, name) != home) {
        st = home_move_settle(resilver->store, bucket_id, name, &to, &counts, err);
    }
    store_leave(resilver->store->store);
    WITH_LOCK (&resilver->lock) {
        resilver->progress.moved.object_count += counts.object_count;
        resilver->progress.moved.upload_count += counts.upload_count;
        resilver->progress.moved.byte_count += counts.byte_count;
        resilver->progress.moved.copied_bytes += counts.copied_bytes;
    }
    return st;
}

/* What has a home, ascending as the cursor needs it; and of it what names bytes. */
static const enum family FAMILIES[] = {FAMILY_OBJECT, FAMILY_FORMER, FAMILY_UPLOAD};
static const enum family FAMILIES_WITH_BYTES[] = {FAMILY_OBJECT, FAMILY_UPLOAD};

/* Is (home, family) before what the cursor of this generation says? */
static bool
is_done(const struct store_cursor *cursor, size_t home_index, size_t cursor_index,
        enum family family)
{
    if (cursor_index == SIZE_MAX || home_index > cursor_index) {
        return false;
    }
    return home_index < cursor_index || (unsigned int)family < cursor->family;
}

static size_t
index_of(struct store *store, const unsigned char *uuid)
{
    for (size_t i = 0; i < store_home_count(store); i++) {
        if (memcmp(home_uuid(store_home_at(store, i)), uuid, STORE_CURSOR_UUID_BYTES) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static enum status
bring_all_home(struct resilver *resilver, struct error *err)
{
    struct store *store = resilver->store->store;
    struct store_cursor cursor = {.generation = 0};
    struct arena arena = ARENA_INIT;
    size_t cursor_index = SIZE_MAX;
    enum status st = store_load_cursor(store, &arena, &cursor, err);

    if (st == ST_OK && cursor.generation == resilver->progress.generation) {
        cursor_index = index_of(store, cursor.uuid);
    }
    st = st == ST_NOT_FOUND ? ST_OK : st;
    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store, i);

        for (size_t j = 0; j < ARRAY_COUNT(FAMILIES) && st == ST_OK; j++) {
            bool is_here = i == cursor_index && (unsigned int)FAMILIES[j] == cursor.family;

            if (!home_is_holder(home) || is_done(&cursor, i, cursor_index, FAMILIES[j])) {
                continue;
            }
            st = home_require_commits(home, err);
            if (st == ST_OK) {
                st = resilver_scan(resilver, home, FAMILIES[j], is_here ? cursor.key : BYTES_NONE,
                                   bring_home, "keys to their homes", true, err);
            }
        }
    }
    arena_release(&arena);
    return st;
}

static enum status
evacuate_pass(struct resilver *resilver, struct error *err)
{
    struct store *store = resilver->store->store;
    enum status st = ST_OK;

    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store, i);

        for (size_t j = 0;
             j < ARRAY_COUNT(FAMILIES_WITH_BYTES) && st == ST_OK && home_is_active(home); j++) {
            st = home_require_commits(home, err);
            if (st == ST_OK) {
                st = resilver_scan(resilver, home, FAMILIES_WITH_BYTES[j], BYTES_NONE,
                                   resilver_evacuate, "bytes off mountpaths that take nothing new",
                                   false, err);
            }
        }
    }
    return st;
}

/* Readers, writers and what dropped pages name come to their end by themselves. */
static enum status
wait_for_drain(struct resilver *resilver, enum mountpath_drain *drain, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < DRAIN_WAIT_COUNT && st == ST_OK && *drain != MOUNTPATH_DRAINED; i++) {
        nanosleep(&(struct timespec){.tv_nsec = DRAIN_WAIT_MS * 1000000L}, NULL);
        st = resilver_check_cancelled(resilver, err);
        if (st == ST_OK) {
            st = resilver_check_generation(resilver, err);
        }
        if (st == ST_OK) {
            st = mountpaths_look(resilver->store->store, drain, err);
        }
    }
    return st;
}

/* Until nothing names or reads a chunk file there. */
static enum status
empty_mountpaths(struct resilver *resilver, struct error *err)
{
    struct store *store = resilver->store->store;
    bool has_losses = mountpaths_have_losses(store);
    enum mountpath_drain drain = MOUNTPATH_DRAINED;
    enum status st = mountpaths_look(store, &drain, err);

    while (st == ST_OK && (drain != MOUNTPATH_DRAINED || has_losses)) {
        uint64_t chunk_count = resilver->progress.chunk_count;

        if (drain == MOUNTPATH_NAMED || has_losses) {
            st = evacuate_pass(resilver, err);
            has_losses = false;
        }
        if (st == ST_OK) {
            st = mountpaths_look(store, &drain, err);
        }
        if (st == ST_OK && chunk_count == resilver->progress.chunk_count) {
            st = wait_for_drain(resilver, &drain, err);
        }
    }
    return st;
}

enum status
resilver_run(struct object_store *store, const struct resilver_options *options,
             struct resilver_progress *ret_progress, struct error *err)
{
    struct resilver resilver = {.store = store, .options = options};
    enum status st;

    assert_on_worker();
    CHECK(pthread_mutex_init(&resilver.lock, NULL) == 0);
    do {
        resilver.progress.generation = store_generation(store->store);
        st = ST_OK;
        if (store_is_unfinished(store->store)) {
            st = bring_all_home(&resilver, err);
            if (st == ST_OK) {
                st = empty_mountpaths(&resilver, err);
            }
            if (st == ST_OK) {
                st = store_finish_placement(store->store, resilver.progress.generation, err);
            }
        }
    } while (st == ST_CONFLICT && store_generation(store->store) != resilver.progress.generation);
    pthread_mutex_destroy(&resilver.lock);
    if (st == ST_OK && store->rebalance != NULL) {
        rebalance_notice(store->rebalance); /* it may have waited for this */
    }
    *ret_progress = resilver.progress;
    return st;
}
