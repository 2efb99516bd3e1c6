/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock is a read-write lock because each commit asks under it: readers compare digests and
 * leave, writers replace a pointer.  What was stopped is not noted on disk: a target that starts
 * reads map and pending map as of one revision and stops before it admits anything
 * (cluster/cluster_member.c), which says the same and cannot be out of date.
 */
#include "object/ownership.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "object/object_cluster.h"
#include "object/object_internal.h"
#include "object/rebalance.h"
#include "store/commit.h"

#include "base/banned.h"

struct ownership {
    struct object_store *store;
    struct bytes node_id;
    pthread_rwlock_t lock;
    struct cluster_map *map;     /* guarded by lock; NULL: nothing is admitted yet */
    struct cluster_map *pending; /* guarded by lock; stopped for it */
    pthread_mutex_t wait_lock;
    pthread_cond_t changed;  /* map or pending */
    size_t waiting_count;    /* guarded by wait_lock */
    uint64_t decision_count; /* guarded by wait_lock; grows when nothing is pending any more */
};

void
object_store_own_keys(struct object_store *store)
{
    struct ownership *ownership = xcalloc(1, sizeof(*ownership));
    pthread_condattr_t attributes;

    CHECK(store->ownership == NULL);
    ownership->store = store;
    ownership->node_id = bytes_of_string(store_node_id(store->store));
    CHECK(pthread_rwlock_init(&ownership->lock, NULL) == 0);
    CHECK(pthread_mutex_init(&ownership->wait_lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&ownership->changed, &attributes) == 0);
    store->rebalance = rebalance_create(store);
    store->ownership = ownership;
}

struct ownership *
object_store_ownership(const struct object_store *store)
{
    return store->ownership;
}

void
ownership_destroy(struct ownership **take_ownership)
{
    struct ownership *ownership = *take_ownership;

    if (ownership == NULL) {
        return;
    }
    cluster_map_unref(ownership->map);
    cluster_map_unref(ownership->pending);
    CHECK(pthread_rwlock_destroy(&ownership->lock) == 0);
    CHECK(pthread_mutex_destroy(&ownership->wait_lock) == 0);
    CHECK(pthread_cond_destroy(&ownership->changed) == 0);
    free(ownership);
    *take_ownership = NULL;
}

struct bytes
ownership_node_id(const struct ownership *ownership)
{
    return ownership->node_id;
}

struct cluster_map *
ownership_map(struct ownership *ownership)
{
    struct cluster_map *map = NULL;

    CHECK(pthread_rwlock_rdlock(&ownership->lock) == 0);
    if (ownership->map != NULL) {
        map = cluster_map_ref(ownership->map);
    }
    CHECK(pthread_rwlock_unlock(&ownership->lock) == 0);
    return map;
}

/* ---- questions ---- */

static bool
is_owner(const struct ownership *ownership, const struct cluster_map *map, uint64_t digest)
{
    const struct cluster_node *owner = cluster_map_owner_of(map, digest);

    return owner != NULL && bytes_equal(owner->id, ownership->node_id);
}

/* Has the owner had the key without a break since that placement?  What an older finished placement
 * was is not known any more. */
static bool
is_unbroken(const struct cluster_map *map, uint64_t digest, uint64_t placement)
{
    return placement == map->placement_version ||
           (placement >= map->finished_version &&
            placement >= cluster_map_owned_since_of(map, digest));
}

static enum status
check_locked(const struct ownership *ownership, uint64_t digest, uint64_t placement,
             struct ownership_view *ret_view, bool *ret_is_stopped, struct error *err)
{
    const struct cluster_map *map = ownership->map;

    if (map == NULL) {
        return fail(err, ST_UNAVAILABLE, "this node has no map of its cluster yet");
    }
    if (!is_owner(ownership, map, digest)) {
        return fail(err, ST_MOVED, "the key belongs to another node");
    }
    if (ownership->pending != NULL && !is_owner(ownership, ownership->pending, digest)) {
        *ret_is_stopped = true;
        return fail(err, ST_MOVED, "the key is about to belong to another node");
    }
    if (placement != 0 && !is_unbroken(map, digest, placement)) {
        return fail(err, ST_MOVED, "the key was another node's meanwhile");
    }
    *ret_view = (struct ownership_view){
        .map_version = map->version,
        .placement = map->placement_version,
        .finished_version = map->finished_version,
        .owned_since = map->is_placing ? cluster_map_owned_since_of(map, digest) : 0,
        .is_placing = map->is_placing,
    };
    return ST_OK;
}

enum status
ownership_check(struct ownership *ownership, uint64_t digest, uint64_t placement,
                struct ownership_view *ret_view, bool *ret_is_stopped, struct error *err)
{
    bool is_stopped = false;
    enum status st;

    CHECK(pthread_rwlock_rdlock(&ownership->lock) == 0);
    st = check_locked(ownership, digest, placement, ret_view, &is_stopped, err);
    CHECK(pthread_rwlock_unlock(&ownership->lock) == 0);
    if (ret_is_stopped != NULL) {
        *ret_is_stopped = is_stopped;
    }
    return st;
}

enum status
ownership_check_page(struct ownership *ownership, uint64_t map_version, struct error *err)
{
    enum status st = ST_OK;

    CHECK(pthread_rwlock_rdlock(&ownership->lock) == 0);
    if (ownership->map == NULL || ownership->map->version != map_version) {
        st = fail(err, ST_MOVED, "this node does not work by map %" PRIu64, map_version);
    } else if (ownership->pending != NULL) {
        st = fail(err, ST_MOVED, "this node has stopped for a newer map");
    }
    CHECK(pthread_rwlock_unlock(&ownership->lock) == 0);
    return st;
}

static bool
has_pending(struct ownership *ownership)
{
    bool has;

    CHECK(pthread_rwlock_rdlock(&ownership->lock) == 0);
    has = ownership->pending != NULL;
    CHECK(pthread_rwlock_unlock(&ownership->lock) == 0);
    return has;
}

enum status
ownership_wait(struct ownership *ownership, struct error *err)
{
    int64_t end_ns = clock_monotonic_ns() + OWNERSHIP_WAIT_MS * CLOCK_NS_PER_MS;
    struct timespec end = {end_ns / CLOCK_NS_PER_S, end_ns % CLOCK_NS_PER_S};
    enum status st = ST_OK;

    assert_on_worker();
    WITH_LOCK (&ownership->wait_lock) {
        uint64_t count = ownership->decision_count;

        if (ownership->waiting_count >= OWNERSHIP_WAITING_MAX) {
            st = fail(err, ST_MOVED, "too many requests wait for a change of the cluster map");
        } else if (has_pending(ownership)) {
            int failure = 0;

            ownership->waiting_count++;
            while (ownership->decision_count == count && failure == 0) {
                failure = pthread_cond_timedwait(&ownership->changed, &ownership->wait_lock, &end);
            }
            ownership->waiting_count--;
            if (ownership->decision_count == count) {
                st = fail(err, ST_UNAVAILABLE, "a change of the cluster map takes too long");
            }
        }
    }
    return st;
}

/* ---- cluster's thread ---- */

static void
replace(struct ownership *ownership, struct cluster_map *take_map, struct cluster_map *take_pending)
{
    struct cluster_map *old = NULL;
    struct cluster_map *old_pending;

    CHECK(pthread_rwlock_wrlock(&ownership->lock) == 0);
    if (take_map != NULL) {
        old = ownership->map;
        ownership->map = take_map;
        store_set_map_version(ownership->store->store, take_map->placement_version);
    }
    old_pending = ownership->pending;
    ownership->pending = take_pending;
    CHECK(pthread_rwlock_unlock(&ownership->lock) == 0);
    cluster_map_unref(old);
    cluster_map_unref(old_pending);
    if (take_pending == NULL) {
        WITH_LOCK (&ownership->wait_lock) {
            ownership->decision_count++;
            CHECK(pthread_cond_broadcast(&ownership->changed) == 0);
        }
    }
}

/* Behind every batch that is being synced. */
static enum status
pass_committers(struct ownership *ownership, struct error *err)
{
    struct store *store = ownership->store->store;
    enum status st = ST_OK;

    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store, i);

        if (home_is_holder(home) && home_state(home) == HOME_PRESENT) {
            st = commit_barrier(home, err);
            if (st != ST_OK && home_state(home) != HOME_PRESENT) {
                st = ST_OK; /* quarantined meanwhile: it commits nothing any more */
            }
        }
    }
    return st;
}

static enum status
stop_admitting(void *arg, const struct cluster_map *pending, struct error *err)
{
    struct ownership *ownership = arg;

    replace(ownership, NULL, cluster_map_ref((struct cluster_map *)pending));
    return pass_committers(ownership, err);
}

static enum status
resume_admitting(void *arg, const struct cluster_map *map, struct error *err)
{
    struct ownership *ownership = arg;

    (void)map;
    (void)err;
    replace(ownership, NULL, NULL);
    return ST_OK;
}

static enum status
activate(void *arg, const struct cluster_map *map, struct error *err)
{
    struct ownership *ownership = arg;

    (void)err;
    replace(ownership, cluster_map_ref((struct cluster_map *)map), NULL);
    rebalance_notice(ownership->store->rebalance);
    return ST_OK;
}

static enum status
holds_barrier(void *arg, const struct cluster_map *map, bool *ret_is_done, struct error *err)
{
    struct ownership *ownership = arg;

    return rebalance_is_done(ownership->store->rebalance, map, ret_is_done, err);
}

const struct cluster_target_ops ownership_target_ops = {
    .stop_admitting = stop_admitting,
    .resume_admitting = resume_admitting,
    .activate = activate,
    .holds_barrier = holds_barrier,
};
