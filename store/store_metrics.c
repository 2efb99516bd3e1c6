/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_metrics.h"

#include "meta/meta_db.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/reclaimer.h"
#include "store/space.h"

#include "base/banned.h"

/* How a home stands now. */
struct home_view {
    uint64_t quarantined;
    uint64_t absent;
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t free_floor_bytes;
    uint64_t pack_bytes;
    uint64_t pack_live_bytes;
    uint64_t chunk_files;
    uint64_t reclaim_waiting;
};

/* X(member, help); the name is lode_store_<member>.  Those of an absent home are zeros. */
#define HOME_GAUGE_LIST(X)                                                                         \
    X(quarantined, "1: a sync or write failed, the mountpath takes no writes.")                    \
    X(absent, "1: the mountpath is registered and cannot be opened.")                              \
    X(total_bytes, "Size of the file system.")                                                     \
    X(free_bytes, "Free space on the file system.")                                                \
    X(free_floor_bytes, "Below this much free space writes are refused.")                          \
    X(pack_bytes, "Size of all packs that records name.")                                          \
    X(pack_live_bytes, "Bytes in packs that records name.")                                        \
    X(chunk_files, "Chunk files that records of this mountpath name: an estimate.")                \
    X(reclaim_waiting, "Dropped files, packs and pages that wait for syncs and readers.")

static void
look_at(struct home *home, struct home_view *view)
{
    struct store_space packs = {0};

    bool is_held = home_hold(home); /* a detached one is not closed meanwhile */

    *view = (struct home_view){
        .quarantined = is_held && home_state(home) == HOME_QUARANTINED,
        .absent = !is_held,
        .free_floor_bytes = home->store->options.free_floor_bytes,
    };
    if (!is_held) {
        return;
    }
    home_pack_totals(home, &packs);
    view->pack_bytes = packs.pack_bytes;
    view->pack_live_bytes = packs.pack_live_bytes;
    space_get(home->space, &view->total_bytes, &view->free_bytes);
    view->chunk_files = meta_db_estimate_count(home->db, FAMILY_CHUNK);
    view->reclaim_waiting = reclaimer_waiting_count(home->reclaimer);
    home_unhold(home);
}

/* All lines of one name stand together, as the format demands. */
static void
append_gauges(struct store *store, struct buffer *out)
{
    struct home_view views[MOUNTPATH_MAX];
    size_t count = store_home_count(store);

    for (size_t i = 0; i < count; i++) {
        look_at(store_home_at(store, i), &views[i]);
    }
#define HOME_GAUGE_APPEND(member, help_text)                                                       \
    for (size_t i = 0; i < count; i++) {                                                           \
        struct metric gauge = {.kind = METRIC_GAUGE,                                               \
                               .name = "lode_store_" #member,                                      \
                               .help = help_text,                                                  \
                               .labels = store_home_at(store, i)->metrics->labels[0],              \
                               .value = (int64_t)views[i].member};                                 \
                                                                                                   \
        metric_append(out, &gauge, i == 0);                                                        \
    }
    HOME_GAUGE_LIST(HOME_GAUGE_APPEND)
#undef HOME_GAUGE_APPEND
}

void
store_append_metrics(struct store *store, struct buffer *out)
{
    size_t count = store_home_count(store);

    append_gauges(store, out);
    for (size_t counter = 0; counter < HOME_COUNTER_COUNT; counter++) {
        for (size_t i = 0; i < count; i++) {
            metric_append(out, &store_home_at(store, i)->metrics->counters[counter], i == 0);
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t kind = 0; kind < HOME_SYNC_KIND_COUNT; kind++) {
            metric_append(out, &store_home_at(store, i)->metrics->syncs[kind], i == 0 && kind == 0);
        }
    }
}
