/* SPDX-License-Identifier: Apache-2.0 */
#include "object/rebalance_cleanup.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/copy_quarantine.h"
#include "object/key_claim.h"
#include "object/key_former.h"
#include "object/object_current.h"
#include "object/object_internal.h"
#include "object/rebalance_metrics.h"

#include "base/banned.h"

/* Keys that are read at once. */
#define PAGE_COUNT 256
/* A version of the map that moves nothing (a node down) came in between: asked again. */
#define TRY_COUNT 3

struct cleanup {
    struct object_store *store;
    const struct rebalance_cleanup_options *options;
    struct rebalance_cleanup_result *result;
    uint64_t placement; /* under which it began */
    uint64_t generation;
    struct home *home;
    struct bucket bucket; /* of the last key */
};

/* One copy. */
struct misplaced {
    struct cleanup *cleanup;
    const struct bucket *bucket;
    struct bytes key;
    uint64_t digest;
    struct cluster_map *map; /* under which its owner was asked */
    struct seq seq;          /* that was judged */
    uint64_t byte_count;
};

/* ---- whether it may go on ---- */

enum status
rebalance_cleanup_check(struct object_store *store, struct error *err)
{
    struct cluster_map *map = store->ownership != NULL ? ownership_map(store->ownership) : NULL;
    enum status st = ST_OK;

    if (map == NULL) {
        return fail(err, ST_UNAVAILABLE, "this node is no target of a cluster, or has no map yet");
    }
    if (map->stage != STAGE_DONE) {
        st = fail(err, ST_BUSY, "rebalance-%" PRIu64 " is under way", map->placement_version);
    } else if (ownership_check_page(store->ownership, map->version, NULL) != ST_OK) {
        st = fail(err, ST_BUSY, "a change of the cluster map is pending");
    } else if (store_is_unfinished(store->store)) {
        st = fail(err, ST_BUSY, "a resilver has keys to move between the node's disks");
    }
    cluster_map_unref(map);
    return st;
}

static enum status
check(struct cleanup *cleanup, struct error *err)
{
    struct error why = ERROR_INIT;
    struct cluster_map *map;
    bool is_same;

    if (atomic_load(cleanup->options->is_cancelled)) {
        return fail(err, ST_CANCELLED, "stopped");
    }
    if (rebalance_cleanup_check(cleanup->store, &why) != ST_OK) {
        return fail(err, ST_CANCELLED, "stopped, because %s", why.text);
    }
    map = ownership_map(cleanup->store->ownership);
    is_same = map->placement_version == cleanup->placement &&
              store_generation(cleanup->store->store) == cleanup->generation;
    cluster_map_unref(map);
    return is_same ? ST_OK : fail(err, ST_CANCELLED, "stopped, because targets or disks changed");
}

/* ---- what is left ---- */

/* A terminal, and a JSON reader, may choke on it. */
static char *
printable(struct bytes text)
{
    char *out = xstrndup(text.data, text.size);

    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) {
            out[i] = '?';
        }
    }
    return out;
}

static void
note_example(const struct misplaced *copy, const char *why, const char *what)
{
    struct rebalance_cleanup_result *result = copy->cleanup->result;

    if (result->example_count < CLEANUP_EXAMPLES_MAX) {
        result->examples[result->example_count++] =
            (struct cleanup_example){.bucket = printable(copy->bucket->name),
                                     .key = printable(copy->key),
                                     .why = xasprintf("%s: %s", what, why)};
    }
}

static void
leave(const struct misplaced *copy, enum cleanup_left left, const char *why)
{
    copy->cleanup->result->left_counts[left]++;
    note_example(copy, why, "left");
}

static enum cleanup_left
left_of(enum cleanup_verdict verdict)
{
    return verdict == CLEANUP_UNKNOWN ? CLEANUP_LEFT_UNKNOWN
           : verdict == CLEANUP_AHEAD ? CLEANUP_LEFT_AHEAD
                                      : CLEANUP_LEFT_DIFFERENT;
}

/* ---- removing ---- */

static enum status
decide_removal(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct misplaced *copy = arg;
    struct key_holding own;
    struct meta_key meta_key;
    enum status st =
        key_holding_get(commit, view, copy->bucket->id, copy->key, copy->map, &own, err);

    if (st == ST_OK && (!own.holding.has_record || seq_compare(own.record.seq, copy->seq) != 0)) {
        st = fail(err, ST_BUSY, "it changed meanwhile");
    }
    if (st == ST_OK) {
        st = object_current_drop(commit, view, &own.record, err);
    }
    if (st == ST_OK) {
        meta_key_object(&meta_key, copy->bucket->id, copy->key);
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&meta_key));
        object_current_count(commit, copy->bucket->id, &own.record, NULL);
    }
    return st;
}

/* When the committer takes it: the placement is the one under which the owner was asked, nothing
 * is pending, and so the key is still not this target's. */
static enum status
admit_removal(const void *arg, struct error *err)
{
    const struct misplaced *copy = arg;

    return ownership_check_page(copy->cleanup->store->ownership, copy->map->version, err);
}

static enum status
remove_copy(struct misplaced *copy, struct error *err)
{
    struct store *store = copy->cleanup->store->store;
    enum status st;

    FAULT_KILL("cleanup_before_removal");
    store_enter(store);
    st = store_generation(store) == copy->cleanup->generation
             ? commit_run(&(struct commit_options){.home = copy->cleanup->home,
                                                   .durability = DURABILITY_STRICT,
                                                   .decide = decide_removal,
                                                   .arg = copy,
                                                   .admit = admit_removal,
                                                   .admit_arg = copy},
                          NULL, err)
             : fail(err, ST_BUSY, "mountpaths changed meanwhile");
    store_leave(store);
    FAULT_KILL("cleanup_after_removal");
    return st;
}

/* ---- one copy ---- */

static enum status
ask_owner(const struct misplaced *copy, const struct cluster_node *owner, struct arena *arena,
          struct key_holding *ret_holding, struct error *err)
{
    const struct key_former_ask ask = {copy->bucket, copy->key, copy->map, owner, BYTES_NONE};
    struct key_item item;
    enum status st =
        owner->is_down ? fail(err, ST_UNAVAILABLE, "its owner %.*s is down", BYTES_ARGS(owner->id))
                       : key_former_ask(&ask, arena, &item, err);

    return st == ST_OK
               ? key_holding_decode(item.record, item.mark, copy->map, arena, ret_holding, err)
               : st;
}

static enum status
quarantine(const struct misplaced *copy, const struct key_holding *own, struct home_pin *take_pin,
           enum cleanup_verdict verdict, struct error *err)
{
    struct copy_quarantine put = {.home = copy->cleanup->home,
                                  .bucket = copy->bucket,
                                  .key = copy->key,
                                  .digest = copy->digest,
                                  .record = &own->record,
                                  .pin = *take_pin,
                                  .why = cleanup_verdict_text(verdict)};

    take_pin->home = NULL;
    return copy_quarantine_put(&put, err);
}

/* Judged; what stays is noted.  ST_MOVED: ask again. */
static enum status
treat(struct misplaced *copy, const struct key_holding *own, enum cleanup_verdict verdict,
      struct home_pin *take_pin, struct error *err)
{
    struct rebalance_cleanup_result *result = copy->cleanup->result;
    bool is_removal = cleanup_may_remove(verdict);
    enum status st = ST_OK;

    if (!is_removal && !copy->cleanup->options->is_forced) {
        leave(copy, left_of(verdict), cleanup_verdict_text(verdict));
        return ST_OK;
    }
    if (!is_removal) {
        st = quarantine(copy, own, take_pin, verdict, err);
    }
    if (st == ST_OK) {
        st = remove_copy(copy, err);
    }
    if (st == ST_OK && is_removal) {
        metric_add(&cleanup_removed_metric, 1);
        metric_add(&cleanup_removed_bytes_metric, (int64_t)copy->byte_count);
        result->removed_count++;
        result->removed_bytes += copy->byte_count;
    } else if (st == ST_OK) {
        metric_add(&cleanup_quarantined_metric, 1);
        result->quarantined_count++;
        result->quarantined_bytes += copy->byte_count;
        note_example(copy, cleanup_verdict_text(verdict), "quarantined");
    } else if (st != ST_MOVED) {
        leave(copy, st == ST_BUSY ? CLEANUP_LEFT_BUSY : CLEANUP_LEFT_FAILED, err->text);
        st = ST_OK;
    }
    return st;
}

static enum status
look_once(struct misplaced *copy, const struct cluster_node *owner, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct home_pin pin = home_pin(copy->cleanup->home); /* before the record is read */
    struct key_holding own;
    struct key_holding theirs;
    enum status st = key_holding_read(copy->cleanup->home, copy->bucket->id, copy->key, copy->map,
                                      &arena, &own, err);

    if (st == ST_OK && own.holding.has_record) {
        copy->seq = own.record.seq;
        copy->byte_count = own.record.stored_size;
        st = ask_owner(copy, owner, &arena, &theirs, err);
        if (st == ST_OK) {
            st = treat(copy, &own, cleanup_judge(&own, &theirs), &pin, err);
        } else if (st != ST_MOVED) {
            leave(copy, st == ST_BUSY ? CLEANUP_LEFT_BUSY : CLEANUP_LEFT_UNREACHABLE, err->text);
            st = ST_OK;
        }
    } else if (st != ST_OK) {
        leave(copy, CLEANUP_LEFT_FAILED, err->text);
        st = ST_OK;
    }
    home_unpin(&pin);
    arena_release(&arena);
    return st;
}

/* The map of now each time; NULL owner: the key is this target's, or nobody's. */
static enum status
visit(struct cleanup *cleanup, struct bytes name, struct error *err)
{
    struct ownership *ownership = cleanup->store->ownership;
    struct misplaced copy = {.cleanup = cleanup, .bucket = &cleanup->bucket, .key = name};
    enum status st = ST_MOVED;

    copy.digest = key_claim_digest(cleanup->bucket.name, name);
    for (size_t try = 0; st == ST_MOVED && try < TRY_COUNT; try++) {
        struct error failure = ERROR_INIT;
        const struct cluster_node *owner;

        st = check(cleanup, err);
        if (st != ST_OK) {
            return st;
        }
        st = ST_MOVED;
        copy.map = ownership_map(ownership);
        if (copy.map->stage != STAGE_DONE || copy.map->placement_version != cleanup->placement) {
            cluster_map_unref(copy.map); /* the next look at it says what began */
            continue;
        }
        owner = cluster_map_owner_of(copy.map, copy.digest);
        if (owner == NULL || bytes_equal(owner->id, ownership_node_id(ownership))) {
            st = ST_OK;
        } else {
            cleanup->result->misplaced_count += try == 0;
            st = look_once(&copy, owner, &failure);
            if (st == ST_MOVED && try + 1 == TRY_COUNT) {
                leave(&copy, CLEANUP_LEFT_BUSY, failure.text);
            }
        }
        cluster_map_unref(copy.map);
    }
    return ST_OK;
}

/* ---- all of them ---- */

static enum status
visit_key(struct cleanup *cleanup, struct bytes key, struct error *err)
{
    struct bytes name;
    uint64_t bucket_id;

    if (meta_key_parse_object(key, &bucket_id, &name) != ST_OK) {
        return fail(err, ST_CORRUPT, "the key of a record is malformed");
    }
    if (cleanup->bucket.entry == NULL || cleanup->bucket.id != bucket_id) {
        if (cleanup->bucket.entry != NULL) {
            bucket_close(&cleanup->bucket);
        }
        if (bucket_open_id(cleanup->store, bucket_id, &cleanup->bucket, NULL) != ST_OK) {
            cleanup->bucket.entry = NULL;
            return ST_OK; /* a bucket that was removed: others sweep it */
        }
    }
    return visit(cleanup, name, err);
}

static enum status
clean_home(struct cleanup *cleanup, struct error *err)
{
    struct bytes keys[PAGE_COUNT];
    struct arena arena = ARENA_INIT;
    struct meta_key at = {.size = 0};
    size_t count = 1;
    enum status st = home_require_commits(cleanup->home, err);

    if (st != ST_OK) {
        return st;
    }
    if (!home_hold(cleanup->home)) {
        return home_require_readable(cleanup->home, err);
    }
    while (st == ST_OK && count > 0) {
        st = check(cleanup, err);
        if (st == ST_OK) {
            st = meta_db_next_keys(home_db(cleanup->home), FAMILY_OBJECT, &at, &arena, keys,
                                   PAGE_COUNT, &count, err);
        }
        for (size_t i = 0; i < count && st == ST_OK; i++) {
            cleanup->result->scanned_count++;
            st = visit_key(cleanup, keys[i], err);
        }
        if (cleanup->options->progress != NULL) {
            cleanup->options->progress(cleanup->result, cleanup->options->arg);
        }
        arena_release(&arena);
    }
    home_unhold(cleanup->home);
    return st;
}

enum status
rebalance_cleanup_run(struct object_store *store, const struct rebalance_cleanup_options *options,
                      struct rebalance_cleanup_result *ret_result, struct error *err)
{
    struct cleanup cleanup = {.store = store,
                              .options = options,
                              .result = ret_result,
                              .generation = store_generation(store->store)};
    struct cluster_map *map;
    enum status st = rebalance_cleanup_check(store, err);
    enum status first = ST_OK;

    assert_on_worker();
    *ret_result = (struct rebalance_cleanup_result){.scanned_count = 0};
    if (st != ST_OK) {
        return st;
    }
    map = ownership_map(store->ownership);
    cleanup.placement = map->placement_version;
    cluster_map_unref(map);
    for (size_t i = 0; i < store_home_count(store->store) && st != ST_CANCELLED; i++) {
        struct error failure = ERROR_INIT;

        cleanup.home = store_home_at(store->store, i);
        if (home_is_holder(cleanup.home)) {
            st = clean_home(&cleanup, &failure);
        }
        if (st != ST_OK && (first == ST_OK || st == ST_CANCELLED)) {
            first = st;
            if (err != NULL) {
                *err = failure;
            }
        }
    }
    if (cleanup.bucket.entry != NULL) {
        bucket_close(&cleanup.bucket);
    }
    return first;
}

void
rebalance_cleanup_result_release(struct rebalance_cleanup_result *result)
{
    for (size_t i = 0; i < result->example_count; i++) {
        free(result->examples[i].bucket);
        free(result->examples[i].key);
        free(result->examples[i].why);
    }
    result->example_count = 0;
}

uint64_t
rebalance_cleanup_left_count(const struct rebalance_cleanup_result *result)
{
    uint64_t count = 0;

    for (size_t i = 0; i < CLEANUP_LEFT_COUNT; i++) {
        count += result->left_counts[i];
    }
    return count;
}

const char *
cleanup_left_name(enum cleanup_left left)
{
    static const char *const NAMES[CLEANUP_LEFT_COUNT] = {"unknown",     "ahead", "different",
                                                          "unreachable", "busy",  "failed"};

    CHECK(left < CLEANUP_LEFT_COUNT);
    return NAMES[left];
}
