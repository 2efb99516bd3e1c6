/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/rebalance_job.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/memory.h"
#include "jobs/rebalance_report.h"
#include "store/home.h"

#include "base/banned.h"

/* Runs without a thread of the registry: rebalance_job_observe is told. */
static const struct job_kind REBALANCE_JOB = {.name = REBALANCE_JOB_NAME};

struct rebalance_jobs {
    struct job_registry *registry;
    struct rebalance *rebalance;
    struct store *store;
    /* From reading to showing, before lock: what is older never takes the place of what is newer.
     */
    pthread_mutex_t show_lock;
    pthread_mutex_t lock;
    bool is_running;              /* guarded by lock */
    char id[JOB_ID_SIZE];         /* guarded by lock */
    struct rebalance_report base; /* guarded by lock: before a restart, and the times of stages */
    int64_t stage_began_ns;       /* guarded by lock: monotonic */
    uint64_t expected_count;      /* guarded by lock: keys that there are to look at, about */
};

void
rebalance_job_id(uint64_t placement, char ret_id[JOB_ID_SIZE])
{
    CHECK(snprintf(ret_id, JOB_ID_SIZE, REBALANCE_JOB_NAME "-%" PRIu64, placement) < JOB_ID_SIZE);
}

/* ---- what is shown ---- */

static void
show_locked(struct rebalance_jobs *jobs, const struct rebalance_progress *progress)
{
    struct rebalance_report report = {.placement = 0};
    struct buffer json = BUFFER_INIT;
    char text[JOB_TEXT_SIZE];
    char id[JOB_ID_SIZE] = "";
    uint64_t expected_count = 0;

    WITH_LOCK (&jobs->lock) {
        expected_count = jobs->expected_count;
        if (jobs->is_running && jobs->base.placement == progress->placement) {
            rebalance_report_sum(&jobs->base, progress, &report);
            if (report.stage < STAGE_DONE) {
                report.wall_ns[report.stage] += clock_monotonic_ns() - jobs->stage_began_ns;
            }
            memcpy(id, jobs->id, sizeof(id));
        }
    }
    if (id[0] != '\0') {
        rebalance_report_format(&report, &json);
        rebalance_report_describe(&report, text, sizeof(text));
        job_update(jobs->registry, id, report.scanned_count, expected_count, text,
                   buffer_bytes(&json));
    }
    buffer_release(&json);
}

static void
show(struct rebalance_jobs *jobs, const struct rebalance_progress *progress)
{
    WITH_LOCK (&jobs->show_lock) {
        show_locked(jobs, progress);
    }
}

static void
refresh(void *arg)
{
    struct rebalance_jobs *jobs = arg;
    struct rebalance_progress progress;

    WITH_LOCK (&jobs->show_lock) {
        rebalance_progress_get(jobs->rebalance, &progress);
        show_locked(jobs, &progress);
    }
}

/* ---- how it goes ---- */

/* What a kill left in the history, by a map that is known now. */
static void
settle_cut_off(struct rebalance_jobs *jobs, const struct cluster_map *map)
{
    struct arena arena = ARENA_INIT;
    struct job_info *infos;
    size_t count;

    job_list(jobs->registry, &arena, &infos, &count);
    for (size_t i = 0; i < count; i++) {
        struct job_info *info = &infos[i];
        struct rebalance_report report;
        struct buffer json = BUFFER_INIT;

        if (info->state != JOB_STOPPED || strcmp(info->kind, REBALANCE_JOB_NAME) != 0) {
            continue;
        }
        rebalance_report_parse(info->report, &report);
        if (report.preempted_by != 0 || report.placement > map->placement_version ||
            (report.placement == map->placement_version && map->stage != STAGE_DONE)) {
            continue;
        }
        if (report.placement == map->placement_version ||
            report.placement == map->finished_version) {
            info->state = JOB_FINISHED;
            report.stage = STAGE_DONE;
            snprintf(info->text, sizeof(info->text), "it ended while this node was away");
        } else {
            report.preempted_by = map->placement_version;
            snprintf(info->text, sizeof(info->text),
                     REBALANCE_JOB_NAME "-%" PRIu64 " took its place while this node was away",
                     map->placement_version);
        }
        rebalance_report_format(&report, &json);
        info->report = buffer_bytes(&json);
        job_amend(jobs->registry, info);
        buffer_release(&json);
    }
    arena_release(&arena);
}

/* newer: 0, or the placement that takes over. */
static void
end(struct rebalance_jobs *jobs, const struct rebalance_progress *progress, uint64_t newer)
{
    struct error err = ERROR_INIT;
    char id[JOB_ID_SIZE];
    bool was_running = false;

    WITH_LOCK (&jobs->lock) {
        was_running = jobs->is_running;
        jobs->base.preempted_by = newer;
        memcpy(id, jobs->id, sizeof(id));
    }
    if (!was_running) {
        return;
    }
    show(jobs, progress);
    WITH_LOCK (&jobs->lock) {
        jobs->is_running = false;
    }
    if (newer != 0) {
        (void)fail(&err, ST_CANCELLED,
                   REBALANCE_JOB_NAME "-%" PRIu64 " took its place before it had ended", newer);
    }
    job_end(jobs->registry, id, newer != 0 ? ST_CANCELLED : ST_OK, &err);
}

/* What a pass over all homes looks at. */
static uint64_t
count_keys(struct store *store)
{
    static const enum family FAMILIES[] = {FAMILY_OBJECT, FAMILY_FORMER, FAMILY_UPLOAD};
    uint64_t count = 0;

    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);

        if (!home_is_holder(home) || !home_hold(home)) {
            continue;
        }
        for (size_t k = 0; k < ARRAY_COUNT(FAMILIES); k++) {
            count += meta_db_estimate_count(home_db(home), FAMILIES[k]);
        }
        home_unhold(home);
    }
    return count;
}

static void
begin(struct rebalance_jobs *jobs, const struct cluster_map *map)
{
    uint64_t expected_count = count_keys(jobs->store);
    struct rebalance_report base = {.placement = 0};
    struct arena arena = ARENA_INIT;
    struct job_info previous;
    char id[JOB_ID_SIZE];

    settle_cut_off(jobs, map);
    rebalance_job_id(map->placement_version, id);
    if (!job_begin(jobs->registry, &REBALANCE_JOB, id, &arena, &previous)) {
        arena_release(&arena);
        return;
    }
    if (previous.id[0] != '\0') {
        rebalance_report_parse(previous.report, &base);
    }
    base.placement = map->placement_version;
    base.stage = map->stage;
    base.preempted_by = 0;
    if (base.why[0] == '\0') {
        rebalance_report_why(map, base.why);
    }
    WITH_LOCK (&jobs->lock) {
        jobs->base = base;
        jobs->is_running = true;
        jobs->expected_count = expected_count;
        jobs->stage_began_ns = clock_monotonic_ns();
        memcpy(jobs->id, id, sizeof(id));
    }
    arena_release(&arena);
}

/* All targets have reached the end of a stage: its time is known. */
static bool
note_stage(struct rebalance_jobs *jobs, const struct cluster_map *map)
{
    int64_t now_ns = clock_monotonic_ns();
    bool is_new = false;

    WITH_LOCK (&jobs->lock) {
        enum placement_stage stage = jobs->base.stage;

        is_new = jobs->is_running && jobs->base.placement == map->placement_version &&
                 stage != map->stage && stage < STAGE_DONE;
        if (is_new) {
            jobs->base.wall_ns[stage] += now_ns - jobs->stage_began_ns;
            jobs->base.stage = map->stage;
            jobs->stage_began_ns = now_ns;
        }
    }
    return is_new;
}

static void
observe(void *arg, const struct cluster_map *map, const struct rebalance_progress *progress)
{
    struct rebalance_jobs *jobs = arg;
    uint64_t known = 0;

    if (progress->placement == 0) {
        settle_cut_off(jobs, map); /* nothing was done here since the start */
        return;
    }
    if (progress->placement < map->placement_version) {
        end(jobs, progress, map->placement_version);
        return;
    }
    WITH_LOCK (&jobs->lock) {
        known = jobs->base.placement;
    }
    if (known != progress->placement) {
        begin(jobs, map);
    }
    if (note_stage(jobs, map)) {
        show(jobs, progress);
        job_checkpoint(jobs->registry);
    }
    if (map->stage == STAGE_DONE) {
        end(jobs, progress, 0);
    }
}

static void
close_run(void *arg)
{
    struct rebalance_jobs *jobs = arg;
    struct error err = ERROR_INIT;
    char id[JOB_ID_SIZE];

    rebalance_observe(jobs->rebalance, NULL, NULL);
    refresh(jobs);
    WITH_LOCK (&jobs->lock) {
        jobs->is_running = false;
        memcpy(id, jobs->id, sizeof(id));
    }
    (void)fail(&err, ST_CANCELLED, "the process ended; it goes on at the next start");
    job_end(jobs->registry, id, ST_CANCELLED, &err);
}

struct rebalance_jobs *
rebalance_jobs_create(struct job_registry *registry, struct object_store *store)
{
    struct rebalance *rebalance = object_store_rebalance(store);
    struct rebalance_jobs *jobs;

    if (rebalance == NULL) {
        return NULL;
    }
    jobs = xcalloc(1, sizeof(*jobs));
    jobs->registry = registry;
    jobs->rebalance = rebalance;
    jobs->store = object_store_store(store);
    CHECK(pthread_mutex_init(&jobs->show_lock, NULL) == 0);
    CHECK(pthread_mutex_init(&jobs->lock, NULL) == 0);
    job_registry_set_source(
        registry, &(struct job_source){.refresh = refresh, .close = close_run, .arg = jobs});
    rebalance_observe(rebalance, observe, jobs);
    return jobs;
}

void
rebalance_jobs_destroy(struct rebalance_jobs **take_jobs)
{
    struct rebalance_jobs *jobs = *take_jobs;

    if (jobs == NULL) {
        return;
    }
    CHECK(pthread_mutex_destroy(&jobs->lock) == 0);
    CHECK(pthread_mutex_destroy(&jobs->show_lock) == 0);
    free(jobs);
    *take_jobs = NULL;
}
