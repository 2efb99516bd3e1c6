/* SPDX-License-Identifier: Apache-2.0 */
/* A share on this node: its buckets, its threads, and how it is stopped. */
#include <pthread.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/field_codec.h"
#include "base/lock.h"
#include "jobs/job_pause.h"
#include "jobs/walk_share.h"
#include "object/object_get.h"

#include "base/banned.h"

/* Shares at once that can be stopped: a job has one on each node. */
#define SHARES_MAX 64

/* ---- buckets ---- */

static enum status
open_bucket(struct object_store *store, struct bytes name, uint64_t id, enum action action,
            struct bucket *ret_bucket, struct error *err)
{
    struct bucket bucket;
    enum status st = bucket_open_refreshed(store, principal_of_root(), name, action, &bucket, err);

    if (st == ST_OK && bucket.id != id) { /* this node may not have heard of a new one yet */
        bucket_close(&bucket);
        st = bucket_refresh(store, name, err);
        if (st == ST_OK) {
            st = bucket_open(store, principal_of_root(), name, action, &bucket, err);
        }
    }
    if (st != ST_OK) {
        return st;
    }
    if (bucket.id != id) {
        bucket_close(&bucket);
        return fail(err, ST_NO_SUCH_BUCKET,
                    "the bucket %.*s that the job began with was deleted, and another made",
                    BYTES_ARGS(name));
    }
    *ret_bucket = bucket;
    return ST_OK;
}

enum status
walk_share_open(struct walk_share *share, struct object_store *store, const struct walk_kind *kind,
                const struct walk_message *message, struct error *err)
{
    enum status st;

    *share = (struct walk_share){.store = store,
                                 .kind = kind,
                                 .is_dry_run = message->is_dry_run,
                                 .started_ns = message->started_ns,
                                 .prepend = message->prepend,
                                 .extra = message->extra};
    st = open_bucket(store, message->source, message->source_id, ACTION_GET_OBJECT, &share->source,
                     err);
    if (st == ST_OK && message->destination.size > 0) {
        st = open_bucket(store, message->destination, message->destination_id, ACTION_PUT_OBJECT,
                         &share->destination, err);
        if (st != ST_OK) {
            bucket_close(&share->source);
        }
        share->has_destination = st == ST_OK;
    }
    return st;
}

void
walk_share_close(struct walk_share *share)
{
    bucket_close(&share->source);
    if (share->has_destination) {
        bucket_close(&share->destination);
    }
}

/* ---- who can be stopped ---- */

struct share_entry {
    char job_id[JOB_ID_SIZE];
    atomic_bool is_stopped;
    bool is_taken;
};

static pthread_mutex_t shares_lock = PTHREAD_MUTEX_INITIALIZER;
static struct share_entry shares[SHARES_MAX]; /* guarded by shares_lock, but is_stopped */

static atomic_bool is_closing;

atomic_bool *
walk_share_enter(struct bytes job_id)
{
    atomic_bool *found = NULL;

    WITH_LOCK (&shares_lock) {
        for (size_t i = 0; i < SHARES_MAX && found == NULL && !atomic_load(&is_closing); i++) {
            struct share_entry *entry = &shares[i];

            if (!entry->is_taken) {
                entry->is_taken = true;
                snprintf(entry->job_id, sizeof(entry->job_id), "%.*s", BYTES_ARGS(job_id));
                atomic_store(&entry->is_stopped, false);
                found = &entry->is_stopped;
            }
        }
    }
    return found;
}

void
walk_share_leave(const atomic_bool *is_stopped)
{
    WITH_LOCK (&shares_lock) {
        for (size_t i = 0; i < SHARES_MAX; i++) {
            if (&shares[i].is_stopped == is_stopped) {
                shares[i].is_taken = false;
            }
        }
    }
}

bool
walk_stop_shares(const char *job_id)
{
    bool is_found = false;

    WITH_LOCK (&shares_lock) {
        for (size_t i = 0; i < SHARES_MAX; i++) {
            if (shares[i].is_taken && strcmp(shares[i].job_id, job_id) == 0) {
                atomic_store(&shares[i].is_stopped, true);
                is_found = true;
            }
        }
    }
    return is_found;
}

void
walk_close_shares(void)
{
    WITH_LOCK (&shares_lock) {
        atomic_store(&is_closing, true);
        for (size_t i = 0; i < SHARES_MAX; i++) {
            atomic_store(&shares[i].is_stopped, true);
        }
    }
}

/* ---- work ---- */

struct crew {
    const struct walk_share *share;
    enum walk_step step;
    struct walk_item *items;
    size_t count;
    size_t slice;
    atomic_size_t next;
};

static atomic_int helper_count;

static void
look(const struct walk_share *share, struct walk_item *item)
{
    struct object_get_options options = {.key = item->name, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result result;
    struct arena arena = ARENA_INIT;

    item->status = object_get(&share->source, &options, &arena, &result, &item->error);
    if (item->status == ST_OK) {
        item->size = result.record.size;
        walk_item_set_etag(item, result.record.etag);
    }
    arena_release(&arena);
}

static void
do_slice(const struct crew *crew, struct walk_item *items, size_t count)
{
    const struct walk_kind *kind = crew->share->kind;

    for (size_t i = 0; i < count; i++) {
        items[i].error = ERROR_INIT;
        items[i].status = ST_OK;
        if (atomic_load(crew->share->is_stopped)) {
            items[i].status = fail(&items[i].error, ST_CANCELLED, "it was stopped");
        } else if (crew->step == WALK_LOOK) {
            look(crew->share, &items[i]);
        }
    }
    if (crew->step == WALK_WORK && kind->work != NULL && !atomic_load(crew->share->is_stopped)) {
        kind->work(crew->share, items, count);
    }
}

static void
work_on(struct crew *crew)
{
    int64_t began_ns = clock_monotonic_ns();
    size_t at;

    while ((at = atomic_fetch_add(&crew->next, crew->slice)) < crew->count) {
        size_t left = crew->count - at;

        do_slice(crew, &crew->items[at], left < crew->slice ? left : crew->slice);
        job_pause(crew->share->store, clock_monotonic_ns() - began_ns, crew->share->is_stopped);
        began_ns = clock_monotonic_ns();
    }
}

static void *
helper_main(void *arg)
{
    affinity_set(AFFINITY_WORKER, "job-share");
    work_on(arg);
    return NULL;
}

/* Beside the caller's own thread. */
static int
reserve_helpers(int wanted)
{
    int before = atomic_fetch_add(&helper_count, wanted);
    int given = before + wanted <= WALK_THREADS_ALL ? wanted : WALK_THREADS_ALL - before;

    given = given > 0 ? given : 0;
    atomic_fetch_sub(&helper_count, wanted - given);
    return given;
}

void
walk_share_work(const struct walk_share *share, enum walk_step step, struct walk_item *items,
                size_t count)
{
    struct crew crew = {
        .share = share,
        .step = step,
        .items = items,
        .count = count,
        .slice = step == WALK_WORK && share->kind->slice_max > 0 ? share->kind->slice_max : 1,
    };
    size_t slices = (count + crew.slice - 1) / crew.slice;
    size_t thread_max =
        object_store_is_clustered(share->store) ? WALK_THREADS_CLUSTERED : WALK_THREADS;
    pthread_t threads[WALK_THREADS];
    int started = 0;
    int reserved;

    assert_on_worker();
    if (step == WALK_LOOK) {
        crew.slice = 64; /* reads of records, mostly in memory */
        slices = (count + crew.slice - 1) / crew.slice;
    }
    slices = slices < thread_max ? slices : thread_max;
    reserved = slices > 1 ? reserve_helpers((int)slices - 1) : 0;
    while (started < reserved && pthread_create(&threads[started], NULL, helper_main, &crew) == 0) {
        started++;
    }
    work_on(&crew);
    for (int i = 0; i < started; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    atomic_fetch_sub(&helper_count, reserved);
}
