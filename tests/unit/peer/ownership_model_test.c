/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three targets in one process, clients that know what each answer has to be, and a leader that
 * does to the map what it may at any moment: pending, acknowledged, activated or withdrawn, the
 * next placement before the last one has ended, the stages of its end.  Mountpaths come and go and
 * targets start anew meanwhile, and what they say to each other is delayed and lost.  At the end
 * everything is where it has to be, once.
 *
 * The seed gives what clients, leader and links do; the moments at which threads run are not its.
 * LODE_TEST_LONG=1: at least 200,000 operations; LODE_TEST_OPERATIONS=N: so many.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "object/ownership.h"
#include "object/rebalance.h"
#include "tests/unit/peer/cluster_fixture.h"
#include "tests/unit/peer/faulty_link.h"
#include "tests/unit/peer/map_shape.h"
#include "tests/unit/peer/model_client.h"
#include "tests/unit/peer/model_disks.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define CLIENT_COUNT 3
#define SHORT_OPS 1200
#define LONG_OPS 210000
/* Between two things that the leader does (ms). */
#define PACE_MS_MAX 8
#define FAULTS_MS_MAX 150
/* Longer than a rebalance takes to move what few keys there are. */
#define LONG_WAY_MS_MAX 40
#define PATIENCE_S 120
/* Every other of so many parts of a run is without disturbances: no request may fail then. */
#define PART_COUNT 4

struct scheduler {
    struct cluster_fixture cluster;
    struct faulty_link *links[MAP_SHAPE_TARGETS];
    pthread_mutex_t apply_locks[MAP_SHAPE_TARGETS]; /* one map after the other on each node */
    struct map_shape shape;
    struct prng prng;
    struct model model;
    struct model_client clients[CLIENT_COUNT];
    struct model_disks *disks;
    uint64_t counts[8]; /* what was done, by struct deed */
};

enum deed { ACTIVATED, WITHDRAWN, ENDED, STARTED_ANEW, FAULTS };

static struct scheduler *scheduler;

/* ---- maps ---- */

static struct test_node *
node_at(size_t index)
{
    return &scheduler->cluster.nodes[index];
}

/* The newest map becomes the node's, as the cluster's thread does it: its keys first. */
static enum status
apply_newest(struct test_node *node, struct error *err)
{
    size_t index = (size_t)(node - scheduler->cluster.nodes);
    struct cluster_map *map;
    enum status st = ST_OK;

    CHECK(pthread_mutex_lock(&scheduler->apply_locks[index]) == 0);
    CHECK(pthread_mutex_lock(&scheduler->cluster.lock) == 0);
    map = cluster_map_ref(scheduler->cluster.map);
    CHECK(pthread_mutex_unlock(&scheduler->cluster.lock) == 0);
    if (node->map == NULL || map->version > node->map->version) {
        st = ownership_target_ops.activate(object_store_ownership(node->store), map, err);
        if (st == ST_OK) {
            cluster_fixture_use_map(&scheduler->cluster, node, map);
        }
    }
    cluster_map_unref(map);
    CHECK(pthread_mutex_unlock(&scheduler->apply_locks[index]) == 0);
    return st;
}

static void
pause_a_while(uint64_t ms_max)
{
    clock_pause_ns((int64_t)prng_below(&scheduler->prng, ms_max * 1000 + 1) * 1000);
}

static void
shuffle(size_t order[MAP_SHAPE_TARGETS])
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        size_t other = prng_below(&scheduler->prng, i + 1);

        order[i] = order[other];
        order[other] = i;
    }
}

/* What the control store has; nodes hear of it one after the other, or ask before. */
static void
activate(const struct map_shape *shape)
{
    struct cluster_map *map = map_shape_create(shape);
    size_t order[MAP_SHAPE_TARGETS] = {0};

    scheduler->shape = *shape;
    cluster_fixture_use_map(&scheduler->cluster, NULL, map);
    cluster_map_unref(map);
    shuffle(order);
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct error err = ERROR_INIT;

        if (prng_below(&scheduler->prng, 3) == 0) {
            pause_a_while(PACE_MS_MAX);
        }
        EXPECT_OK(apply_newest(node_at(order[i]), &err), &err);
    }
}

static unsigned int
other_targets(void)
{
    unsigned int placed;

    do {
        placed = 1 + (unsigned int)prng_below(&scheduler->prng, (1U << MAP_SHAPE_TARGETS) - 1);
    } while (placed == scheduler->shape.placed);
    return placed;
}

/* SPEC: docs/cluster-protocol.md, rule 3. */
static void
change_placement(void)
{
    struct map_shape next = scheduler->shape;
    struct cluster_map *pending;
    struct cluster_map *now;
    size_t order[MAP_SHAPE_TARGETS] = {0};
    bool is_withdrawn = prng_below(&scheduler->prng, 4) == 0;

    map_shape_place(&next, other_targets());
    pending = map_shape_create(&next);
    now = map_shape_create(&scheduler->shape);
    shuffle(order);
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct error err = ERROR_INIT;

        EXPECT_OK(ownership_target_ops.stop_admitting(
                      object_store_ownership(node_at(order[i])->store), pending, &err),
                  &err);
        if (prng_below(&scheduler->prng, 3) == 0) {
            pause_a_while(PACE_MS_MAX);
        }
    }
    for (size_t i = 0; i < MAP_SHAPE_TARGETS && is_withdrawn; i++) {
        struct error err = ERROR_INIT;

        EXPECT_OK(ownership_target_ops.resume_admitting(
                      object_store_ownership(node_at(order[i])->store), now, &err),
                  &err);
    }
    if (!is_withdrawn) {
        activate(&next);
    }
    scheduler->counts[is_withdrawn ? WITHDRAWN : ACTIVATED]++;
    cluster_map_unref(pending);
    cluster_map_unref(now);
}

static bool
is_stage_done(void)
{
    struct cluster_map *map = map_shape_create(&scheduler->shape);
    bool are_done = true;

    for (size_t i = 0; i < MAP_SHAPE_TARGETS && are_done && map->stage != STAGE_SETTLE; i++) {
        struct error err = ERROR_INIT;

        EXPECT_OK(ownership_target_ops.holds_barrier(object_store_ownership(node_at(i)->store), map,
                                                     &are_done, &err),
                  &err);
    }
    cluster_map_unref(map);
    return are_done;
}

/* SPEC: docs/cluster-protocol.md, rules 6.5 and 6.6. */
static void
advance_if_done(void)
{
    struct map_shape next = scheduler->shape;

    if (next.stage != STAGE_DONE && is_stage_done()) {
        map_shape_advance(&next);
        activate(&next);
        scheduler->counts[ENDED] += next.stage == STAGE_SETTLE;
    }
}

/* ---- disturbances ---- */

static void
disturb(bool begins)
{
    if (begins) {
        atomic_fetch_add(&scheduler->model.disturbed_count, 1);
    } else {
        atomic_store(&scheduler->model.calm_ns, clock_monotonic_ns());
        atomic_fetch_sub(&scheduler->model.disturbed_count, 1);
    }
}

static void
set_faults(const struct faulty_link_faults *faults)
{
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        faulty_link_set_faults(scheduler->links[i], faults);
    }
}

/* The leader goes on meanwhile, so this is one of its steps, and the end of it another. */
static void
toggle_faults(bool *are_on)
{
    static const struct faulty_link_faults NONE = {0, 0, 0};
    struct faulty_link_faults some = {.cut = 1 + (unsigned int)prng_below(&scheduler->prng, 60),
                                      .delay = (unsigned int)prng_below(&scheduler->prng, 200),
                                      .delay_ms_max = 20};

    if (*are_on) {
        set_faults(&NONE);
        disturb(false);
    } else {
        disturb(true);
        set_faults(&some);
        scheduler->counts[FAULTS]++;
    }
    *are_on = !*are_on;
}

/* With LODE_TEST_LONG_WAY: the way to one target is long, so what asks all of them hears that one
 * late, after keys have left it.  No fault.  A page that takes no notice of marks is found by it.
 */
static void
lengthen_a_link(void)
{
    static const struct faulty_link_faults NONE = {0, 0, 0};
    static const struct faulty_link_faults LONG = {0, 700, LONG_WAY_MS_MAX};

    if (getenv("LODE_TEST_LONG_WAY") != NULL) {
        set_faults(&NONE);
        faulty_link_set_faults(scheduler->links[prng_below(&scheduler->prng, MAP_SHAPE_TARGETS)],
                               &LONG);
    }
}

static void
serve(size_t index)
{
    struct test_node *node = node_at(index);

    cluster_fixture_start_server(node);
    faulty_link_set_node(scheduler->links[index], node->peer_port);
    atomic_store(&scheduler->model.ports[index], node->public_port);
    rebalance_start(object_store_rebalance(node->store));
    rebalance_notice(object_store_rebalance(node->store));
}

/* Nothing is pending: what a start does then is the business of cluster/. */
static void
start_anew(size_t index)
{
    struct test_node *node = node_at(index);
    struct error err = ERROR_INIT;

    disturb(true);
    model_disks_suspend(scheduler->disks, index);
    atomic_store(&scheduler->model.ports[index], 1);
    faulty_link_set_node(scheduler->links[index], 0);
    rebalance_stop(object_store_rebalance(node->store));
    cluster_fixture_close_node(node);
    pause_a_while(PACE_MS_MAX);
    cluster_fixture_reopen_node(node);
    object_store_own_keys(node->store);
    cluster_fixture_use_map(&scheduler->cluster, node, NULL);
    EXPECT_OK(apply_newest(node, &err), &err);
    serve(index);
    model_disks_resume(scheduler->disks, index);
    disturb(false);
    scheduler->counts[STARTED_ANEW]++;
}

/* ---- the run ---- */

static void
begin(uint64_t seed, uint64_t op_count)
{
    struct map_shape shape = {
        .version = 2, .placement = 2, .finished = 2, .stage = STAGE_DONE, .placed = 3};

    scheduler->prng = prng_init(seed);
    scheduler->model.seed = seed;
    CHECK(pthread_mutex_init(&scheduler->model.lock, NULL) == 0);
    cluster_fixture_open(&scheduler->cluster, 0, MAP_SHAPE_TARGETS);
    scheduler->cluster.fetch_map = apply_newest;
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct test_node *node = node_at(i);

        CHECK(pthread_mutex_init(&scheduler->apply_locks[i], NULL) == 0);
        scheduler->links[i] = faulty_link_create(seed + i * 1000000);
        faulty_link_set_node(scheduler->links[i], node->peer_port);
        shape.peer_ports[i] = faulty_link_port(scheduler->links[i]);
        shape.public_ports[i] = node->public_port;
        atomic_store(&scheduler->model.ports[i], node->public_port);
        object_store_own_keys(node->store);
    }
    activate(&shape);
    s3_ask(&scheduler->cluster.ask, 200, "PUT", "/photos", NULL, "");
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        rebalance_start(object_store_rebalance(node_at(i)->store));
    }
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        model_client_init(&scheduler->clients[i], &scheduler->model, i, op_count / CLIENT_COUNT);
    }
    scheduler->disks =
        model_disks_start(&scheduler->model, scheduler->cluster.nodes, MAP_SHAPE_TARGETS, seed + 1);
}

static void
do_something(bool *are_faults_on, bool may_disturb)
{
    uint64_t draw = prng_below(&scheduler->prng, may_disturb ? 100 : 80);

    atomic_fetch_add(&scheduler->model.step_count, 1);
    if (*are_faults_on && !may_disturb) {
        toggle_faults(are_faults_on);
    }
    if (!*are_faults_on) {
        lengthen_a_link();
    }
    if (draw < 30 && scheduler->shape.former_count < MAP_SHAPE_FORMERS_MAX) {
        change_placement();
    } else if (draw < 80) {
        advance_if_done();
    } else if (draw < 95) {
        toggle_faults(are_faults_on);
        pause_a_while(FAULTS_MS_MAX);
    } else {
        start_anew(prng_below(&scheduler->prng, MAP_SHAPE_TARGETS));
    }
    pause_a_while(PACE_MS_MAX);
}

static void
wait_for_end_of_placement(void)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * CLOCK_NS_PER_S;

    while (scheduler->shape.stage != STAGE_DONE) {
        advance_if_done();
        if (clock_monotonic_ns() > end_ns) {
            struct rebalance_progress progress;

            for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
                rebalance_progress_get(object_store_rebalance(node_at(i)->store), &progress);
                printf("# target-%zu: stage %d, %s\n", i + 1, (int)progress.stage, progress.text);
            }
            test_failed(__FILE__, __LINE__, "the placement does not end");
        }
        sched_yield();
    }
}

static uint64_t
count_at(struct home *home, enum family family)
{
    struct meta_iterator *iterator =
        meta_iterator_open(home_db(home), &(struct meta_scan){.family = family});
    uint64_t count = 0;

    for (meta_iterator_seek(iterator, BYTES_LITERAL("")); meta_iterator_is_valid(iterator);
         meta_iterator_next(iterator)) {
        count++;
    }
    meta_iterator_close(&iterator);
    return count;
}

static uint64_t
count_family(struct test_node *node, enum family family)
{
    struct store *store = object_store_store(node->store);
    uint64_t count = 0;

    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);

        if (home_hold(home)) {
            count += count_at(home, family);
            home_unhold(home);
        }
    }
    return count;
}

/* All keys, whoever wrote them, in one page. */
static uint64_t
count_listed(void)
{
    struct s3_fixture *asking = &scheduler->cluster.ask;
    const char *at;
    uint64_t count = 0;

    s3_ask(asking, 200, "GET", "/photos?list-type=2&max-keys=1000", NULL, NULL);
    for (at = s3_body(asking); (at = strstr(at, "<Key>")) != NULL; at++) {
        count++;
    }
    EXPECT(strstr(s3_body(asking), "<IsTruncated>true") == NULL || count == 1000);
    return count;
}

static void
expect_no_violation(void)
{
    if (atomic_load(&scheduler->model.has_violation)) {
        test_failed(__FILE__, __LINE__, "%s", scheduler->model.violation);
    }
}

static void
verify(void)
{
    uint64_t records = 0;
    uint64_t listed;

    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        model_client_verify(&scheduler->clients[i]);
    }
    expect_no_violation();
    cluster_fixture_choose(&scheduler->cluster, node_at(0));
    listed = count_listed();
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        struct object_fixture objects = {.store = node_at(i)->store};
        struct fsck_summary summary;

        records += count_family(node_at(i), FAMILY_OBJECT);
        EXPECT_INT(0, count_family(node_at(i), FAMILY_FORMER));
        fixture_free_dropped(&objects);
        fixture_check(&objects,
                      &(struct fsck_options){.verifies_bytes = true, .orphan_age_s = 3600},
                      &summary);
        for (int k = 0; k < FSCK_FINDING_COUNT; k++) {
            EXPECT_INT(0, summary.finding_counts[k]);
        }
    }
    if (listed < 1000) {
        EXPECT_INT(listed, records);
    }
}

static void
end(void)
{
    printf("# result: %llu operations, %llu unknown, %llu excused; %llu maps activated, %llu "
           "withdrawn, %llu placements ended, %llu starts, %llu times faults, %llu changes of "
           "mountpaths\n",
           (unsigned long long)atomic_load(&scheduler->model.op_count),
           (unsigned long long)atomic_load(&scheduler->model.unknown_count),
           (unsigned long long)atomic_load(&scheduler->model.excused_count),
           (unsigned long long)scheduler->counts[ACTIVATED],
           (unsigned long long)scheduler->counts[WITHDRAWN],
           (unsigned long long)scheduler->counts[ENDED],
           (unsigned long long)scheduler->counts[STARTED_ANEW],
           (unsigned long long)scheduler->counts[FAULTS],
           (unsigned long long)model_disks_change_count(scheduler->disks));
    model_disks_destroy(&scheduler->disks);
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        model_client_release(&scheduler->clients[i]);
    }
    for (size_t i = 0; i < MAP_SHAPE_TARGETS; i++) {
        rebalance_stop(object_store_rebalance(node_at(i)->store));
        faulty_link_destroy(&scheduler->links[i]);
    }
    cluster_fixture_close(&scheduler->cluster);
}

/* SPEC: docs/cluster-protocol.md, rules 3 to 8. */
TEST(answers_are_exact_whatever_happens_to_the_map)
{
    static struct scheduler the_scheduler;
    const char *chosen = getenv("LODE_TEST_OPERATIONS");
    uint64_t op_count = chosen != NULL                     ? strtoull(chosen, NULL, 10)
                        : getenv("LODE_TEST_LONG") != NULL ? LONG_OPS
                                                           : SHORT_OPS;
    struct prng prng = test_prng();
    pthread_t threads[CLIENT_COUNT];
    bool are_faults_on = false;

    scheduler = &the_scheduler;
    begin(prng_u64(&prng), op_count);
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        CHECK(pthread_create(&threads[i], NULL, model_client_main, &scheduler->clients[i]) == 0);
    }
    while (atomic_load(&scheduler->model.op_count) < op_count / CLIENT_COUNT * CLIENT_COUNT &&
           !atomic_load(&scheduler->model.has_violation)) {
        uint64_t part = atomic_load(&scheduler->model.op_count) * PART_COUNT / op_count;

        do_something(&are_faults_on, part % 2 == 1);
    }
    if (are_faults_on) {
        toggle_faults(&are_faults_on);
    }
    set_faults(&(struct faulty_link_faults){0, 0, 0});
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    model_disks_stop(scheduler->disks);
    expect_no_violation();
    wait_for_end_of_placement();
    verify();
    end();
}
