/* SPDX-License-Identifier: Apache-2.0 */
/* After a placement's end: its marks, then its tombstones; newer ones are spared. */
#include "base/fault.h"
#include "object/placement_rules.h"
#include "object/rebalance_internal.h"
#include "store/commit.h"

#include "base/banned.h"

struct drop {
    struct rebalance_scan *scan;
    const struct bytes *keys;
    size_t count;
    enum placement_sweep sweep;
};

static enum status
decide_drop(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    struct drop *drop = arg;
    enum status st = ST_OK;

    for (size_t i = 0; i < drop->count && st == ST_OK; i++) {
        struct former_record mark;
        struct bytes value;

        st = commit_view_get(view, FAMILY_FORMER, drop->keys[i], &value, err);
        if (st == ST_NOT_FOUND) {
            st = ST_OK;
            continue;
        }
        if (st == ST_OK) {
            st = former_record_decode(value, commit_arena(commit), &mark, err);
        }
        if (st == ST_OK &&
            placement_sweeps_mark(&mark, drop->sweep, drop->scan->map->finished_version)) {
            commit_delete(commit, FAMILY_FORMER, drop->keys[i]);
        }
    }
    return st;
}

static enum status
run_drop(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
         enum placement_sweep sweep, struct error *err)
{
    struct drop drop = {scan, keys, count, sweep};
    enum status st;

    FAULT_KILL("drop_before_commit");
    st = commit_run(&(struct commit_options){.home = scan->home,
                                             .durability = DURABILITY_STRICT,
                                             .decide = decide_drop,
                                             .arg = &drop},
                    NULL, err);
    FAULT_KILL("drop_after_commit");
    return st;
}

enum status
rebalance_drop_moved(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                     struct error *err)
{
    return run_drop(scan, keys, count, PLACEMENT_SWEEP_MOVED, err);
}

enum status
rebalance_drop_all(struct rebalance_scan *scan, const struct bytes *keys, size_t count,
                   struct error *err)
{
    return run_drop(scan, keys, count, PLACEMENT_SWEEP_ALL, err);
}
