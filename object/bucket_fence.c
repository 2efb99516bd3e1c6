/* SPDX-License-Identifier: Apache-2.0 */
#include "object/bucket_fence.h"

#include <inttypes.h>

#include "object/object_internal.h"

#include "base/banned.h"

struct metric bucket_fenced_total = {
    .kind = METRIC_COUNTER,
    .name = "lode_cluster_bucket_fenced_total",
    .help = "Requests of other nodes refused because they were decided under a former value of "
            "their bucket."};

uint64_t
bucket_fence_revision(struct object_store *store, struct bytes name)
{
    struct bucket_properties properties;
    enum bucket_state state;
    struct bucket_entry *entry = bucket_table_find(store->buckets, name, &properties, &state);
    uint64_t revision = entry != NULL ? atomic_load(&entry->revision) : 0;

    bucket_entry_release(&entry);
    return revision == BUCKET_REVISION_GONE ? 0 : revision;
}

enum status
bucket_fence_check(struct object_store *store, struct bytes name, uint64_t revision,
                   uint64_t *ret_known, struct error *err)
{
    uint64_t own = bucket_fence_revision(store, name);

    if (own == revision) {
        return ST_OK;
    }
    if (own > revision) {
        *ret_known = own;
        metric_add(&bucket_fenced_total, 1);
        return fail(err, ST_MOVED, "the bucket has changed since revision %" PRIu64, revision);
    }
    return ST_WOULD_WAIT;
}

enum status
bucket_fence_catch_up(struct object_store *store, struct bytes name, uint64_t revision,
                      struct error *err)
{
    enum status st = ST_BUSY;

    if (atomic_fetch_add(&store->fence_waiting_count, 1) < BUCKET_CATCH_UP_MAX) {
        st = control_wait(store->control, revision, BUCKET_CATCH_UP_MS, NULL);
        if (st != ST_OK) {
            st = bucket_refresh(store, name, err);
        }
    } else {
        st = fail(err, ST_BUSY, "too many requests wait for what is new about buckets");
    }
    atomic_fetch_sub(&store->fence_waiting_count, 1);
    return st;
}

enum status
bucket_fence_require(struct object_store *store, struct bytes name, uint64_t revision,
                     uint64_t *ret_known, struct error *err)
{
    enum status st = bucket_fence_check(store, name, revision, ret_known, err);

    if (st != ST_WOULD_WAIT) {
        return st;
    }
    *ret_known = revision; /* where it is refused: the sender has nothing to learn */
    st = bucket_fence_catch_up(store, name, revision, err);
    if (st != ST_OK) {
        return st == ST_BUSY ? fail(err, ST_MOVED, "the bucket's value is not known here yet") : st;
    }
    st = bucket_fence_check(store, name, revision, ret_known, err);
    if (st != ST_WOULD_WAIT) {
        return st;
    }
    if (bucket_fence_revision(store, name) != 0) {
        return fail(err, ST_UNAVAILABLE,
                    "the bucket's value of revision %" PRIu64 " cannot be read here", revision);
    }
    *ret_known = control_revision(store->control);
    metric_add(&bucket_fenced_total, 1);
    return fail(err, ST_MOVED, "the bucket was deleted");
}
