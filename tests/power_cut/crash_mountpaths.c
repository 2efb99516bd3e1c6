/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_mountpaths.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "object/mountpath_admin.h"
#include "object/resilver.h"
#include "tests/power_cut/crash_upload.h"

#include "base/banned.h"

#define DISK_COUNT 3
/* A resilver of one change in so many is stopped after a few pages. */
#define STOPPED_ONE_IN 3
#define STOPPED_PAGES_MAX 6
#define PAUSE_MS_MAX 20

static struct {
    struct crash_store *crash;
    struct prng prng;
    char directory[400];
    pthread_t thread;
    bool has_thread;
    atomic_bool is_over;
} keeper;

void
crash_mountpaths_prepare(const char *directory)
{
    char path[512];
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    snprintf(keeper.directory, sizeof(keeper.directory), "%s", directory);
    snprintf(path, sizeof(path), "%s/disk%d", directory, DISK_COUNT);
    CHECK(fd >= 0);
    CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
    CHECK(fsync(fd) == 0);
    close(fd);
}

/* ---- resilver ---- */

struct limit {
    uint64_t pages_left; /* 0: to its end */
    atomic_bool is_stopped;
};

static void
count_page(const struct resilver_progress *progress, const char *doing, void *arg)
{
    struct limit *limit = arg;

    if (atomic_load(&keeper.is_over) || (limit->pages_left > 0 && --limit->pages_left == 0)) {
        atomic_store(&limit->is_stopped, true);
    }
}

static enum status
resilver(struct object_store *store, uint64_t page_count, struct error *err)
{
    struct limit limit = {.pages_left = page_count};
    const struct resilver_options options = {
        .is_cancelled = &limit.is_stopped, .progress = count_page, .arg = &limit};
    struct resilver_progress progress;
    enum status st = resilver_run(store, &options, &progress, err);

    return st == ST_CANCELLED && atomic_load(&limit.is_stopped) ? ST_OK : st;
}

void
crash_mountpaths_finish(struct crash_store *crash)
{
    struct error err = ERROR_INIT;
    enum status st = resilver(crash->store, 0, &err);

    if (st != ST_OK && !crash->has_faults) {
        crash_store_broken("the resilver does not end after a start: %s", err.text);
    }
}

/* ---- changes ---- */

static const struct mountpath_view *
view_of(const struct mountpath_view *views, size_t count, const char *directory)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(views[i].directory, directory) == 0) {
            return &views[i];
        }
    }
    return NULL;
}

/* What can be done with that disk; false: nothing, or it is the last active one. */
static bool
choose_verb(const struct mountpath_view *view, size_t active_count, enum mountpath_verb *ret_verb)
{
    bool is_detach = prng_below(&keeper.prng, 2) == 0;

    if (view == NULL || strcmp(view->role, "detached") == 0) {
        *ret_verb = MOUNTPATH_VERB_ATTACH;
        return true;
    }
    if (strcmp(view->role, "disabled") == 0) {
        *ret_verb = MOUNTPATH_VERB_ENABLE;
        return true;
    }
    *ret_verb = is_detach ? MOUNTPATH_VERB_DETACH : MOUNTPATH_VERB_DISABLE;
    return strcmp(view->role, "active") == 0 && active_count > 1;
}

static void
change_one(void)
{
    struct object_store *store = keeper.crash->store;
    struct arena arena = ARENA_INIT;
    struct mountpath_outcome outcome;
    struct mountpath_view *views;
    struct error err = ERROR_INIT;
    enum mountpath_verb verb;
    uint64_t generation;
    bool is_unfinished;
    size_t count;
    size_t active_count = 0;
    char directory[512];
    enum status st = ST_OK;

    snprintf(directory, sizeof(directory), "%s/disk%d", keeper.directory,
             1 + (int)prng_below(&keeper.prng, DISK_COUNT));
    mountpath_list(store, &arena, &views, &count, &generation, &is_unfinished);
    for (size_t i = 0; i < count; i++) {
        active_count += strcmp(views[i].role, "active") == 0;
    }
    if (choose_verb(view_of(views, count, directory), active_count, &verb)) {
        st = mountpath_admin(store, verb, directory, &outcome, &err);
        atomic_fetch_add(&keeper.crash->model->mountpath_count, st == ST_OK);
    }
    arena_release(&arena);
    if (st != ST_OK && st != ST_BUSY) {
        crash_upload_note_failure(keeper.crash, st, "change of a mountpath", &err);
    }
}

static void *
keep_changing(void *arg)
{
    affinity_set(AFFINITY_WORKER, "mountpaths");
    while (!atomic_load(&keeper.is_over)) {
        struct error err = ERROR_INIT;
        uint64_t pages = prng_below(&keeper.prng, STOPPED_ONE_IN) == 0
                             ? 1 + prng_below(&keeper.prng, STOPPED_PAGES_MAX)
                             : 0;
        enum status st;

        change_one();
        st = resilver(keeper.crash->store, pages, &err);
        if (st != ST_OK) {
            crash_upload_note_failure(keeper.crash, st, "resilver", &err);
        }
        atomic_fetch_add(&keeper.crash->model->resilver_count,
                         !store_is_unfinished(object_store_store(keeper.crash->store)));
        clock_pause_ns((int64_t)prng_below(&keeper.prng, PAUSE_MS_MAX) * CLOCK_NS_PER_MS);
    }
    return NULL;
}

void
crash_mountpaths_start(struct crash_store *crash, uint64_t seed)
{
    keeper.crash = crash;
    keeper.prng = prng_init(seed ^ UINT64_C(0x6d6f756e74));
    keeper.has_thread = true;
    CHECK(pthread_create(&keeper.thread, NULL, keep_changing, NULL) == 0);
}

void
crash_mountpaths_stop(void)
{
    atomic_store(&keeper.is_over, true);
    if (keeper.has_thread) {
        CHECK(pthread_join(keeper.thread, NULL) == 0);
        keeper.has_thread = false;
    }
}
