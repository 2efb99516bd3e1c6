/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/model_disks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "object/mountpath_admin.h"
#include "object/resilver.h"
#include "store/mountpath_change.h"

#include "base/banned.h"

#define NODES_MAX 3
#define PAUSE_MS_MAX 400
/* One resilver in so many is stopped after a few pages. */
#define STOPPED_ONE_IN 3
/* Rounds of upkeep after which a mountpath that was detached is closed. */
#define UPKEEP_ROUNDS 20

struct model_disks {
    struct model *model;
    struct test_node *nodes;
    size_t node_count;
    pthread_mutex_t locks[NODES_MAX];
    char *more[NODES_MAX]; /* the second mountpath's directory */
    struct prng prng;
    pthread_t thread;
    atomic_bool is_over;
    _Atomic uint64_t change_count;
};

/* ---- resilver ---- */

struct limit {
    uint64_t pages_left; /* 0: to its end */
    atomic_bool is_stopped;
};

static void
count_page(const struct resilver_progress *progress, const char *doing, void *arg)
{
    struct limit *limit = arg;

    if (limit->pages_left > 0 && --limit->pages_left == 0) {
        atomic_store(&limit->is_stopped, true);
    }
}

static void
resilver(struct model_disks *disks, struct test_node *node, uint64_t page_count)
{
    struct limit limit = {.pages_left = page_count};
    const struct resilver_options options = {
        .is_cancelled = &limit.is_stopped, .progress = count_page, .arg = &limit};
    struct resilver_progress progress;
    struct error err = ERROR_INIT;
    enum status st = resilver_run(node->store, &options, &progress, &err);

    if (st != ST_OK && !(st == ST_CANCELLED && atomic_load(&limit.is_stopped))) {
        model_violated(disks->model, "the resilver of %s: %s: %s", node->id, status_name(st),
                       err.text);
    }
}

/* ---- changes ---- */

static const char *
role_of(const struct mountpath_view *views, size_t count, const char *directory)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(views[i].directory, directory) == 0) {
            return views[i].role;
        }
    }
    return "detached";
}

/* What is done next: one of both stays active. */
static void
choose(struct model_disks *disks, size_t index, enum mountpath_verb *ret_verb,
       const char **ret_directory)
{
    struct test_node *node = &disks->nodes[index];
    bool is_first_chosen = prng_below(&disks->prng, 3) == 0;
    struct mountpath_view *views;
    struct arena arena = ARENA_INIT;
    uint64_t generation;
    bool is_unfinished;
    bool is_more_active;
    bool is_first_active;
    size_t count;

    mountpath_list(node->store, &arena, &views, &count, &generation, &is_unfinished);
    is_more_active = strcmp(role_of(views, count, disks->more[index]), "active") == 0;
    is_first_active = strcmp(role_of(views, count, node->mountpath), "active") == 0;
    arena_release(&arena);
    if (!is_first_active || (is_first_chosen && is_more_active)) {
        *ret_verb = is_first_active ? MOUNTPATH_VERB_DISABLE : MOUNTPATH_VERB_ENABLE;
        *ret_directory = node->mountpath;
        return;
    }
    *ret_verb = is_more_active ? MOUNTPATH_VERB_DETACH : MOUNTPATH_VERB_ATTACH;
    *ret_directory = disks->more[index];
}

static void
change(struct model_disks *disks, size_t index)
{
    struct test_node *node = &disks->nodes[index];
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;
    enum mountpath_verb verb;
    const char *directory;
    enum status st;

    choose(disks, index, &verb, &directory);
    st = mountpath_admin(node->store, verb, directory, &outcome, &err);
    if (st == ST_OK) {
        atomic_fetch_add(&disks->change_count, 1);
    } else if (st != ST_BUSY) {
        model_violated(disks->model, "a change of mountpaths of %s: %s: %s", node->id,
                       status_name(st), err.text);
    }
}

static void *
disks_main(void *arg)
{
    struct model_disks *disks = arg;

    affinity_set(AFFINITY_WORKER, "model-disks");
    while (!atomic_load(&disks->is_over)) {
        size_t index = prng_below(&disks->prng, disks->node_count);
        struct store *store;

        CHECK(pthread_mutex_lock(&disks->locks[index]) == 0);
        store = object_store_store(disks->nodes[index].store);
        change(disks, index);
        resilver(disks, &disks->nodes[index],
                 prng_below(&disks->prng, STOPPED_ONE_IN) == 0 ? 1 + prng_below(&disks->prng, 4)
                                                               : 0);
        for (int i = 0; i < UPKEEP_ROUNDS; i++) {
            store_close_detached(store);
        }
        CHECK(pthread_mutex_unlock(&disks->locks[index]) == 0);
        clock_pause_ns((int64_t)prng_below(&disks->prng, PAUSE_MS_MAX) * CLOCK_NS_PER_MS);
    }
    return NULL;
}

/* ---- for the test ---- */

struct model_disks *
model_disks_start(struct model *model, struct test_node *nodes, size_t node_count, uint64_t seed)
{
    struct model_disks *disks = xcalloc(1, sizeof(*disks));

    CHECK(node_count <= NODES_MAX);
    disks->model = model;
    disks->nodes = nodes;
    disks->node_count = node_count;
    disks->prng = prng_init(seed);
    for (size_t i = 0; i < node_count; i++) {
        CHECK(pthread_mutex_init(&disks->locks[i], NULL) == 0);
        disks->more[i] = xasprintf("%s-more", nodes[i].mountpath);
        CHECK(mkdir(disks->more[i], 0700) == 0 || errno == EEXIST);
    }
    CHECK(pthread_create(&disks->thread, NULL, disks_main, disks) == 0);
    return disks;
}

void
model_disks_suspend(struct model_disks *disks, size_t node)
{
    CHECK(pthread_mutex_lock(&disks->locks[node]) == 0);
}

void
model_disks_resume(struct model_disks *disks, size_t node)
{
    CHECK(pthread_mutex_unlock(&disks->locks[node]) == 0);
}

void
model_disks_stop(struct model_disks *disks)
{
    atomic_store(&disks->is_over, true);
    CHECK(pthread_join(disks->thread, NULL) == 0);
    for (size_t i = 0; i < disks->node_count; i++) {
        resilver(disks, &disks->nodes[i], 0);
    }
}

uint64_t
model_disks_change_count(const struct model_disks *disks)
{
    return atomic_load(&((struct model_disks *)disks)->change_count);
}

void
model_disks_destroy(struct model_disks **take_disks)
{
    struct model_disks *disks = *take_disks;

    for (size_t i = 0; i < disks->node_count; i++) {
        CHECK(pthread_mutex_destroy(&disks->locks[i]) == 0);
        free(disks->more[i]);
    }
    free(disks);
    *take_disks = NULL;
}
