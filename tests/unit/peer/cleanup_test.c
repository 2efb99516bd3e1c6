/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Misplaced copies under a finished placement: two targets get the keys, then a map in which a
 * third one owns some of them is the finished one at once, as if the disks of the two had been put
 * back.  SPEC: rule 11 of docs/cluster-protocol.md, capability P4 to P11.
 */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "object/object_current.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "object/rebalance_cleanup.h"
#include "tests/unit/peer/placement_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PATIENCE_S 60

static const struct shape FINISHED = {
    .version = 3, .placement = 3, .finished = 3, .stage = STAGE_DONE, .has_third = true};

static struct s3_fixture *ask = &placement_cluster.ask;
static atomic_bool is_cancelled;

/* What the third target has of a key that is its own, beside the misplaced copy. */
enum owned { NEWER, SAME, DIFFERENT, AHEAD, NOTHING, OWNED_COUNT };

static const char *
path_of(int number)
{
    static char path[64];

    snprintf(path, sizeof(path), "/photos/key-%02d", number);
    return path;
}

static void
key_of(int number, struct bucket *bucket, struct test_node *node, struct meta_key *ret_key)
{
    struct error err = ERROR_INIT;
    char name[16];

    snprintf(name, sizeof(name), "key-%02d", number);
    EXPECT_OK(bucket_open(node->store, principal_of_root(), BYTES_LITERAL("photos"),
                          ACTION_LIST_BUCKET, bucket, &err),
              &err);
    meta_key_object(ret_key, bucket->id, bytes_of_string(name));
}

static bool
is_thirds(int number)
{
    char name[16];

    snprintf(name, sizeof(name), "key-%02d", number);
    return cluster_fixture_owner(&placement_cluster, "photos", name) == placement_third();
}

static struct home *
home_of(struct test_node *node)
{
    return store_home_at(object_store_store(node->store), 0);
}

struct planted {
    const struct meta_key *key;
    uint64_t bucket_id;
    const struct object_record *record;
};

static enum status
decide_planted(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const struct planted *planted = arg;
    struct buffer value = BUFFER_INIT;

    (void)view;
    (void)err;
    object_record_encode(planted->record, &value);
    commit_put(commit, FAMILY_OBJECT, meta_key_bytes(planted->key), buffer_bytes(&value));
    object_current_count(commit, planted->bucket_id, NULL, planted->record);
    buffer_release(&value);
    return ST_OK;
}

/* The record of the key at whichever of the two has it, changed, at the third. */
static void
plant(int number, enum owned owned)
{
    struct arena arena = ARENA_INIT;
    struct meta_value value = META_VALUE_INIT;
    struct object_record record;
    struct bucket bucket;
    struct meta_key key;
    struct error err = ERROR_INIT;
    enum status st = ST_NOT_FOUND;

    key_of(number, &bucket, placement_third(), &key);
    for (size_t i = 0; i < 2 && st != ST_OK; i++) {
        st = meta_db_get(home_db(home_of(cluster_fixture_target(&placement_cluster, i))),
                         FAMILY_OBJECT, meta_key_bytes(&key), true, &value, &err);
    }
    EXPECT_OK(st, &err);
    EXPECT_OK(object_record_decode(value.data, &arena, &record, &err), &err);
    if (owned == DIFFERENT) {
        record.etag = BYTES_LITERAL("00000000000000000000000000000000");
    } else if (owned == AHEAD) {
        record.seq.counter--;
    }
    EXPECT_OK(
        commit_run(&(struct commit_options){.home = home_of(placement_third()),
                                            .durability = DURABILITY_STRICT,
                                            .decide = decide_planted,
                                            .arg = &(struct planted){&key, bucket.id, &record}},
                   NULL, &err),
        &err);
    meta_value_release(&value);
    arena_release(&arena);
    bucket_close(&bucket);
}

/* counts: misplaced keys of each kind.  Returns their sum. */
static uint64_t
misplace(uint64_t counts[OWNED_COUNT])
{
    uint64_t count = 0;

    memset(counts, 0, OWNED_COUNT * sizeof(*counts));
    placement_start();
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        s3_ask(ask, 200, "PUT", path_of(i), NULL, path_of(i));
    }
    placement_activate_all(&FINISHED);
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        enum owned owned = (enum owned)(count % OWNED_COUNT);

        if (!is_thirds(i)) {
            continue;
        }
        if (owned == NEWER) {
            s3_ask(ask, 200, "PUT", path_of(i), NULL, "newer");
        } else if (owned != NOTHING) {
            plant(i, owned);
        }
        counts[owned]++;
        count++;
    }
    CHECK(counts[NOTHING] > 0);
    return count;
}

/* Nobody sees a misplaced copy. */
static void
expect_clients_view(void)
{
    size_t count = 0;
    char expected[64];

    s3_ask(ask, 200, "GET", "/photos?list-type=2", NULL, NULL);
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        bool is_third = is_thirds(i);
        enum owned owned = (enum owned)(count % OWNED_COUNT);
        bool is_there = !is_third || owned != NOTHING;

        count += is_third;
        snprintf(expected, sizeof(expected), "<Key>key-%02d</Key>", i);
        EXPECT((strstr(s3_body(ask), expected) != NULL) == is_there);
    }
    count = 0;
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        bool is_third = is_thirds(i);
        enum owned owned = (enum owned)(count % OWNED_COUNT);

        count += is_third;
        if (is_third && owned == NOTHING) {
            s3_ask(ask, 404, "GET", path_of(i), NULL, NULL);
        } else {
            s3_ask(ask, 200, "GET", path_of(i), NULL, NULL);
            EXPECT_STRING(is_third && owned == NEWER ? "newer" : path_of(i), s3_body(ask));
        }
    }
}

static void
add(struct rebalance_cleanup_result *sum, struct rebalance_cleanup_result *part)
{
    sum->scanned_count += part->scanned_count;
    sum->misplaced_count += part->misplaced_count;
    sum->removed_count += part->removed_count;
    sum->removed_bytes += part->removed_bytes;
    sum->quarantined_count += part->quarantined_count;
    for (size_t i = 0; i < CLEANUP_LEFT_COUNT; i++) {
        sum->left_counts[i] += part->left_counts[i];
    }
    sum->example_count += part->example_count;
    rebalance_cleanup_result_release(part);
}

static enum status
clean(bool is_forced, struct rebalance_cleanup_result *ret_sum, struct error *err)
{
    const struct rebalance_cleanup_options options = {.is_forced = is_forced,
                                                      .is_cancelled = &is_cancelled};
    enum status first = ST_OK;

    memset(ret_sum, 0, sizeof(*ret_sum));
    for (size_t i = 0; i < 3; i++) {
        struct rebalance_cleanup_result part;
        enum status st = rebalance_cleanup_run(cluster_fixture_target(&placement_cluster, i)->store,
                                               &options, &part, err);

        first = first == ST_OK ? st : first;
        add(ret_sum, &part);
    }
    return first;
}

static size_t
count_quarantined(const char *suffix)
{
    size_t count = 0;

    for (size_t i = 0; i < 3; i++) {
        struct test_node *node = cluster_fixture_target(&placement_cluster, i);
        char *path = xasprintf("%s/quarantine", node->mountpath);
        DIR *directory = opendir(path);
        struct dirent *entry;

        while (directory != NULL && (entry = readdir(directory)) != NULL) {
            size_t length = strlen(entry->d_name);

            count += length > strlen(suffix) &&
                     strcmp(entry->d_name + length - strlen(suffix), suffix) == 0;
        }
        if (directory != NULL) {
            closedir(directory);
        }
        free(path);
    }
    return count;
}

TEST(what_the_owner_has_as_well_or_newer_is_removed_the_rest_is_named)
{
    struct rebalance_cleanup_result sum;
    struct error err = ERROR_INIT;
    uint64_t counts[OWNED_COUNT];
    uint64_t count = misplace(counts);

    expect_clients_view();
    EXPECT_OK(clean(false, &sum, &err), &err);

    EXPECT_INT(count, sum.misplaced_count);
    EXPECT_INT(counts[NEWER] + counts[SAME], sum.removed_count);
    EXPECT(sum.removed_bytes > 0);
    EXPECT_INT(counts[DIFFERENT], sum.left_counts[CLEANUP_LEFT_DIFFERENT]);
    EXPECT_INT(counts[AHEAD], sum.left_counts[CLEANUP_LEFT_AHEAD]);
    EXPECT_INT(counts[NOTHING], sum.left_counts[CLEANUP_LEFT_UNKNOWN]);
    EXPECT_INT(count - sum.removed_count, sum.example_count);
    EXPECT_INT(0, sum.quarantined_count);
    EXPECT_INT(0, count_quarantined(".json"));
    expect_clients_view();

    EXPECT_OK(clean(false, &sum, &err), &err);
    EXPECT_INT(0, sum.removed_count);
    EXPECT_INT(counts[DIFFERENT] + counts[AHEAD] + counts[NOTHING], sum.misplaced_count);
    placement_finish();
}

TEST(force_puts_into_quarantine_what_may_not_be_removed)
{
    struct rebalance_cleanup_result sum;
    struct error err = ERROR_INIT;
    uint64_t counts[OWNED_COUNT];
    uint64_t count = misplace(counts);
    uint64_t kept = counts[DIFFERENT] + counts[AHEAD] + counts[NOTHING];

    EXPECT_OK(clean(true, &sum, &err), &err);

    EXPECT_INT(count - kept, sum.removed_count);
    EXPECT_INT(kept, sum.quarantined_count);
    EXPECT_INT(kept, count_quarantined(".json"));
    EXPECT_INT(kept, count_quarantined(".data"));
    expect_clients_view();
    EXPECT_OK(clean(true, &sum, &err), &err);
    EXPECT_INT(0, sum.misplaced_count);
    EXPECT_INT(kept, count_quarantined(".json"));
    placement_finish();
}

/* An owner that cannot be asked may have it, so not even force touches the copy. */
TEST(nothing_is_done_without_the_owners_word)
{
    struct shape shape = FINISHED;
    struct rebalance_cleanup_result sum;
    struct error err = ERROR_INIT;
    uint64_t counts[OWNED_COUNT];
    uint64_t count = misplace(counts);

    shape.version = 4;
    shape.is_third_down = true;
    placement_activate_all(&shape);
    EXPECT_OK(clean(true, &sum, &err), &err);
    EXPECT_INT(count, sum.left_counts[CLEANUP_LEFT_UNREACHABLE]);
    EXPECT_INT(0, sum.removed_count + sum.quarantined_count);
    EXPECT_INT(0, count_quarantined(""));
    placement_finish();
}

static void
expect_refused(enum status expected, const char *why)
{
    struct rebalance_cleanup_result sum;
    struct error err = ERROR_INIT;

    EXPECT_STATUS(expected, clean(true, &sum, &err));
    EXPECT(strstr(err.text, why) != NULL);
    EXPECT_INT(0, sum.removed_count + sum.quarantined_count);
}

/* Preflight: while keys move, while a map is pending, and when it is told to stop. */
TEST(cleanup_waits_for_the_end_of_every_change)
{
    struct shape shape = FINISHED;
    uint64_t counts[OWNED_COUNT];

    (void)misplace(counts);
    shape.version = 4;
    shape.placement = 4;
    shape.has_third = false;
    shape.formers_have_third[0] = true;
    shape.former_count = 1;
    shape.stage = STAGE_MOVE;
    placement_stop_all(&shape);
    expect_refused(ST_BUSY, "pending");

    placement_activate_all(&shape);
    expect_refused(ST_BUSY, "rebalance-4 is under way");
    placement_finish();

    (void)misplace(counts);
    atomic_store(&is_cancelled, true);
    expect_refused(ST_CANCELLED, "stopped");
    atomic_store(&is_cancelled, false);
    placement_finish();
}

/* The first page was looked at: another placement begins. */
static void
begin_placement(const struct rebalance_cleanup_result *result, void *arg)
{
    struct shape *shape = arg;

    if (shape->version == 3 && result->scanned_count > 0) {
        *shape = (struct shape){.version = 4,
                                .placement = 4,
                                .finished = 3,
                                .stage = STAGE_MOVE,
                                .has_third = false,
                                .formers_have_third = {true},
                                .former_count = 1};
        placement_activate_all(shape);
    }
}

TEST(cleanup_ends_when_a_placement_begins)
{
    struct shape shape = FINISHED;
    const struct rebalance_cleanup_options options = {
        .is_cancelled = &is_cancelled, .progress = begin_placement, .arg = &shape};
    struct rebalance_cleanup_result result;
    struct error err = ERROR_INIT;
    uint64_t counts[OWNED_COUNT];

    (void)misplace(counts);
    EXPECT_STATUS(ST_CANCELLED,
                  rebalance_cleanup_run(cluster_fixture_target(&placement_cluster, 0)->store,
                                        &options, &result, &err));
    EXPECT(strstr(err.text, "rebalance-4") != NULL);
    EXPECT(result.removed_count > 0); /* what was done until then stays */
    rebalance_cleanup_result_release(&result);
    placement_finish();
}

/* Rule 6H: the same targets once more.  What only a misplaced copy has goes to its owner, and what
 * the owner has as new or newer stays. */
TEST(rebalance_by_hand_brings_misplaced_copies_to_their_owners)
{
    struct shape shape = {.version = 4,
                          .placement = 4,
                          .finished = 3,
                          .stage = STAGE_MOVE,
                          .has_third = true,
                          .formers_have_third = {true},
                          .former_count = 1};
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;
    uint64_t counts[OWNED_COUNT];
    struct error err = ERROR_INIT;
    struct cluster_map *map;
    size_t count = 0;

    (void)misplace(counts);
    placement_activate_all(&shape);
    map = placement_map(&shape);
    expect_clients_view();
    for (size_t i = 0; i < 3; i++) {
        struct test_node *node = cluster_fixture_target(&placement_cluster, i);
        bool is_done = false;

        rebalance_start(object_store_rebalance(node->store));
        rebalance_notice(object_store_rebalance(node->store));
        while (!is_done) {
            EXPECT_OK(ownership_target_ops.holds_barrier(object_store_ownership(node->store), map,
                                                         &is_done, &err),
                      &err);
            EXPECT(clock_monotonic_ns() < end_ns);
            sched_yield();
        }
    }
    for (int i = 0; i < PLACEMENT_KEY_COUNT; i++) {
        bool is_newer = is_thirds(i) && count++ % OWNED_COUNT == NEWER;

        s3_ask(ask, 200, "GET", path_of(i), NULL, NULL);
        EXPECT_STRING(is_newer ? "newer" : path_of(i), s3_body(ask));
    }
    cluster_map_unref(map);
    placement_finish();
}
