/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_collector.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/commit_internal.h"
#include "store/home_metrics.h"
#include "store/pack_mover.h"
#include "store/pack_set.h"
#include "store/pack_walk.h"
#include "store/reclaimer.h"

#include "base/banned.h"

/* Packs may take 3/2 of their live bytes, plus some that are always half empty: the active one, the
 * next, and those in reserve. */
#define COLLECT_RATIO_NUMERATOR 3
#define COLLECT_RATIO_DENOMINATOR 2
#define COLLECT_SLACK_PACKS 2
/* Packs that could not be emptied (damaged entries) and are left alone until the next start. */
#define STUCK_MAX 64

struct pack_collector {
    struct home *home;
    uint64_t stuck_ids[STUCK_MAX];
    size_t stuck_count;
    uint64_t suspect_id; /* not emptied at the first attempt: a record may have moved meanwhile */
};

/* What one look at FAMILY_PACK tells. */
struct pack_survey {
    uint64_t capacity_bytes;
    uint64_t live_bytes;
    size_t count;
    bool has_victim;
    uint64_t victim_id;
    int64_t victim_live_bytes;
    uint64_t victim_capacity_bytes;
};

struct pack_collector *
pack_collector_create(struct home *home)
{
    struct pack_collector *collector = xcalloc(1, sizeof(*collector));

    collector->home = home;
    return collector;
}

void
pack_collector_destroy(struct pack_collector **take_collector)
{
    free(*take_collector);
    *take_collector = NULL;
}

static bool
is_stuck(const struct pack_collector *collector, uint64_t id)
{
    for (size_t i = 0; i < collector->stuck_count; i++) {
        if (collector->stuck_ids[i] == id) {
            return true;
        }
    }
    return false;
}

static void
look_at(struct pack_collector *collector, struct pack_survey *survey, struct bytes key,
        struct bytes value)
{
    uint64_t id;
    int64_t live;
    uint64_t capacity;

    if (key.size != 8 || value.size != 16) {
        return;
    }
    id = decode_u64_be(key.data);
    live = (int64_t)decode_u64_be(value.data);
    capacity = decode_u64_be(value.data + 8);
    survey->count++;
    survey->capacity_bytes += capacity;
    survey->live_bytes += (uint64_t)live;
    if (is_stuck(collector, id) || !pack_is_collectable(collector->home->packs, id) ||
        (survey->has_victim && live >= survey->victim_live_bytes)) {
        return;
    }
    survey->has_victim = true;
    survey->victim_id = id;
    survey->victim_live_bytes = live;
    survey->victim_capacity_bytes = capacity;
}

static enum status
survey_packs(struct pack_collector *collector, struct pack_survey *ret_survey, struct error *err)
{
    struct meta_scan scan = {.family = FAMILY_PACK, .keep_cache_cold = true};
    struct meta_iterator *iterator = meta_iterator_open(collector->home->db, &scan);
    enum status st;

    memset(ret_survey, 0, sizeof(*ret_survey));
    for (; meta_iterator_is_valid(iterator); meta_iterator_next(iterator)) {
        look_at(collector, ret_survey, meta_iterator_key(iterator), meta_iterator_value(iterator));
    }
    st = meta_iterator_status(iterator, err);
    meta_iterator_close(&iterator);
    return st;
}

static bool
is_worth_emptying(const struct pack_survey *survey)
{
    uint64_t allowed = survey->live_bytes / COLLECT_RATIO_DENOMINATOR * COLLECT_RATIO_NUMERATOR +
                       COLLECT_SLACK_PACKS * survey->victim_capacity_bytes;

    /* A full pack gives nothing back, whatever the sum says. */
    return survey->has_victim && survey->capacity_bytes > allowed &&
           (uint64_t)survey->victim_live_bytes < survey->victim_capacity_bytes / 10 * 9;
}

static enum status
decide_release(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const uint64_t *id = arg;
    struct bytes value;
    struct meta_key key;
    int64_t sum[2];
    enum status st;

    meta_key_pack(&key, *id);
    st = commit_view_get(view, FAMILY_PACK, meta_key_bytes(&key), &value, err);
    if (st != ST_OK) {
        return st;
    }
    if (value.size != 16 || decode_u64_be(value.data) != 0) {
        return fail(err, ST_CONFLICT, "a pack that still holds live bytes is not released");
    }
    sum[0] = 0;
    sum[1] = -(int64_t)decode_u64_be(value.data + 8);
    commit_delete(commit, FAMILY_PACK, meta_key_bytes(&key));
    meta_key_node(&key, NODE_PACK_TOTALS);
    commit_add(commit, FAMILY_NODE, &key, sum, ARRAY_COUNT(sum));
    commit_drop_pack(commit, *id);
    return ST_OK;
}

static enum status
release_pack(struct pack_collector *collector, uint64_t id, struct error *err)
{
    const struct commit_options options = {
        .home = collector->home, .decide = decide_release, .arg = &id};
    struct pack_set *packs = collector->home->packs;
    enum status st;

    pack_protect(packs, id); /* until it is recycled */
    st = commit_run(&options, NULL, err);
    if (st != ST_OK) {
        pack_unprotect(packs, id);
    } else {
        home_count(collector->home, HOME_PACKS_COLLECTED, 1);
    }
    return st;
}

static enum status
move_entries(struct pack_collector *collector, struct pack *pack, struct error *err)
{
    struct pack_mover *mover = pack_mover_create(collector->home);
    struct pack_walk walk;
    struct pack_walk_entry entry;
    enum status st = ST_OK;
    enum status drained;

    pack_walk_init(&walk, pack);
    while (st == ST_OK && home_state(collector->home) == HOME_PRESENT) {
        st = pack_walk_next(&walk, &entry, err);
        if (st == ST_OK && entry.is_sound) {
            st = pack_mover_move(mover, &entry.entry, entry.offset, entry.data, entry.key, err);
        }
    }
    drained = pack_mover_drain(mover, st == ST_NOT_FOUND ? err : NULL);
    pack_walk_release(&walk);
    pack_mover_destroy(&mover);
    return st == ST_NOT_FOUND ? drained : st;
}

static enum status
empty_pack(struct pack_collector *collector, uint64_t id, bool *ret_work_done, struct error *err)
{
    struct pack *pack;
    enum status st = pack_acquire(collector->home->packs, id, READ_MAY_WAIT, &pack, err);

    if (st == ST_OK) {
        st = move_entries(collector, pack, err);
        pack_release(pack);
    }
    if (st == ST_OK) {
        st = release_pack(collector, id, err);
    }
    if (st == ST_CONFLICT && reclaimer_waiting_count(collector->home->reclaimer) > 0) {
        *ret_work_done = false; /* dropped pages still count their bytes live: not now */
        return ST_OK;
    }
    if (st == ST_CONFLICT && collector->suspect_id != id) {
        collector->suspect_id = id;
        return ST_OK;
    }
    if (st == ST_CONFLICT || st == ST_CORRUPT) {
        /* Something in it cannot be moved: its bytes stay where they are, for fsck to report. */
        log_error(NULL, "pack_not_emptied", "%s: pack %016" PRIx64 ": %s",
                  home_directory(collector->home), id, err->text);
        if (collector->stuck_count < STUCK_MAX) {
            collector->stuck_ids[collector->stuck_count++] = id;
        }
        return ST_OK;
    }
    return st;
}

enum status
pack_collector_step(struct pack_collector *collector, bool *ret_work_done, struct error *err)
{
    struct pack_survey survey;
    struct error local = ERROR_INIT;
    enum status st;

    assert_on_worker();
    *ret_work_done = false;
    if (home_state(collector->home) != HOME_PRESENT) {
        return ST_OK;
    }
    st = survey_packs(collector, &survey, err);
    if (st != ST_OK || !survey.has_victim) {
        return st;
    }
    if (survey.victim_live_bytes == 0) {
        *ret_work_done = true;
        st = release_pack(collector, survey.victim_id, &local);
        st = st == ST_CONFLICT ? ST_OK : st;
    } else if (is_worth_emptying(&survey)) {
        *ret_work_done = true;
        st = empty_pack(collector, survey.victim_id, ret_work_done, &local);
    }
    if (st != ST_OK && err != NULL) {
        *err = local;
    }
    return st;
}
