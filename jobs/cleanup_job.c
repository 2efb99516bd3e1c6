/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/cleanup_job.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/log.h"
#include "jobs/job_cluster.h"
#include "jobs/rebalance_job.h"
#include "jobs/resilver_job.h"
#include "object/object_cluster.h"
#include "object/ownership.h"
#include "object/rebalance_cleanup.h"

#include "base/banned.h"

/* With fewer there is nobody who could be another's owner. */
#define TARGETS_MIN 2

struct cleanup_job_options {
    bool is_forced;
};

/* ---- the job ---- */

static void
append_left(const struct rebalance_cleanup_result *result, struct buffer *json)
{
    buffer_printf(json, ",\"left\":%" PRIu64 ",\"left_why\":{",
                  rebalance_cleanup_left_count(result));
    for (size_t i = 0; i < CLEANUP_LEFT_COUNT; i++) {
        buffer_printf(json, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
                      cleanup_left_name((enum cleanup_left)i), result->left_counts[i]);
    }
    buffer_append_string(json, "},\"examples\":[");
    for (size_t i = 0; i < result->example_count; i++) {
        const struct cleanup_example *example = &result->examples[i];

        buffer_append_string(json, i > 0 ? ",{\"bucket\":" : "{\"bucket\":");
        log_append_json_string(json, bytes_of_string(example->bucket));
        buffer_append_string(json, ",\"key\":");
        log_append_json_string(json, bytes_of_string(example->key));
        buffer_append_string(json, ",\"why\":");
        log_append_json_string(json, bytes_of_string(example->why));
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

static void
progress_note(const struct rebalance_cleanup_result *result, void *arg)
{
    struct job_run *run = arg;
    const struct cleanup_job_options *options = job_run_options(run);
    struct buffer json = BUFFER_INIT;
    char text[JOB_TEXT_SIZE];

    buffer_printf(&json,
                  "{\"why\":\"%s\",\"forced\":%s,\"scanned\":%" PRIu64 ",\"misplaced\":%" PRIu64
                  ",\"removed\":%" PRIu64 ",\"removed_bytes\":%" PRIu64 ",\"quarantined\":%" PRIu64
                  ",\"quarantined_bytes\":%" PRIu64,
                  options->is_forced ? "cleanup, forced" : "cleanup",
                  options->is_forced ? "true" : "false", result->scanned_count,
                  result->misplaced_count, result->removed_count, result->removed_bytes,
                  result->quarantined_count, result->quarantined_bytes);
    append_left(result, &json);
    buffer_append_char(&json, '}');
    snprintf(text, sizeof(text),
             "%" PRIu64 " misplaced copies: %" PRIu64 " removed, %" PRIu64 " quarantined, %" PRIu64
             " left",
             result->misplaced_count, result->removed_count, result->quarantined_count,
             rebalance_cleanup_left_count(result));
    job_run_progress(run, result->scanned_count, 0, text);
    job_run_report(run, buffer_bytes(&json));
    buffer_release(&json);
}

static enum status
cleanup_run(struct job_run *run, struct error *err)
{
    const struct cleanup_job_options *options = job_run_options(run);
    const struct rebalance_cleanup_options cleanup = {.is_forced = options->is_forced,
                                                      .is_cancelled = job_run_is_stopped(run),
                                                      .progress = progress_note,
                                                      .arg = run};
    struct rebalance_cleanup_result result;
    enum status st = rebalance_cleanup_run(job_run_store(run), &cleanup, &result, err);

    progress_note(&result, run);
    log_info(NULL, "cleanup_ended",
             "Of %" PRIu64 " misplaced copies %" PRIu64 " were removed, %" PRIu64
             " quarantined, %" PRIu64 " left",
             result.misplaced_count, result.removed_count, result.quarantined_count,
             rebalance_cleanup_left_count(&result));
    rebalance_cleanup_result_release(&result);
    return st;
}

const struct job_kind cleanup_job = {.name = REBALANCE_JOB_NAME "-cleanup", .run = cleanup_run};

/* ---- one target ---- */

static enum status
check_own(struct job_registry *registry, struct object_store *store, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct job_info *jobs;
    size_t count;
    enum status st = rebalance_cleanup_check(store, err);

    job_list(registry, &arena, &jobs, &count);
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (jobs[i].state == JOB_RUNNING && (strcmp(jobs[i].kind, cleanup_job.name) == 0 ||
                                             strcmp(jobs[i].kind, resilver_job.name) == 0)) {
            st = fail(err, ST_BUSY, "the job %s runs", jobs[i].id);
        }
    }
    arena_release(&arena);
    return st;
}

static enum status
start_own(struct job_registry *registry, const char *id, bool is_forced, struct error *err)
{
    const struct cleanup_job_options options = {.is_forced = is_forced};

    return job_start_as(registry, &cleanup_job, id, &options, sizeof(options), err);
}

enum status
cleanup_job_serve(struct job_registry *registry, struct object_store *store, struct bytes arguments,
                  struct error *err)
{
    json_t *root = json_loadb(arguments.data, arguments.size, JSON_REJECT_DUPLICATES, NULL);
    const char *op = json_string_value(json_object_get(root, "op"));
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const char *id = json_string_value(json_object_get(root, "id"));
    const json_t *value = json_object_get(root, "value");
    enum status st;

    if (op == NULL || kind == NULL || strcmp(kind, cleanup_job.name) != 0) {
        st = fail(err, ST_NOT_IMPLEMENTED, "A job of that kind cannot be started from elsewhere");
    } else if (strcmp(op, "check") == 0) {
        st = check_own(registry, store, err);
    } else if (strcmp(op, "start") == 0 && id != NULL && strlen(id) < JOB_ID_SIZE &&
               strncmp(id, cleanup_job.name, strlen(cleanup_job.name)) == 0) {
        st = check_own(registry, store, err);
        if (st == ST_OK) {
            st = start_own(registry, id, json_is_true(json_object_get(value, "force")), err);
        }
    } else {
        st = fail(err, ST_INVALID, "What is asked of a job is not understood");
    }
    json_decref(root);
    return st;
}

/* ---- all of them ---- */

static enum status
check_map(const struct cluster_map *map, struct error *err)
{
    size_t count = 0;

    if (map->stage != STAGE_DONE) {
        return fail(err, ST_BUSY, "rebalance-%" PRIu64 " is under way: a cleanup waits for its end",
                    map->placement_version);
    }
    for (size_t i = 0; i < map->node_count; i++) {
        count += cluster_node_is_placed(&map->nodes[i]) && !map->nodes[i].is_down;
    }
    return count >= TARGETS_MIN
               ? ST_OK
               : fail(err, ST_INVALID, "A cleanup needs at least %d active targets that are up",
                      TARGETS_MIN);
}

static struct bytes
write_arguments(struct arena *arena, const char *op, const char *id, bool is_forced)
{
    return arena_printf_bytes(arena,
                              "{\"op\":\"%s\",\"kind\":\"%s\",\"id\":\"%s\",\"value\":{\"force\":"
                              "%s}}",
                              op, cleanup_job.name, id, is_forced ? "true" : "false");
}

static bool
is_down(const struct cluster_map *map, struct bytes id)
{
    const struct cluster_node *node = cluster_map_find(map, id);

    return node == NULL || node->is_down;
}

static enum status
check_all(struct job_registry *registry, struct object_store *store, const struct cluster_map *map,
          struct arena *arena, struct error *err)
{
    struct job_node_answer *answers;
    size_t count;
    struct error why = ERROR_INIT;
    enum status st =
        object_store_ownership(store) != NULL ? check_own(registry, store, &why) : ST_OK;

    if (st != ST_OK) {
        return fail(err, st, "A cleanup cannot begin now: %s", why.text);
    }
    job_cluster_ask(store, map, JOB_START_VERB, true, write_arguments(arena, "check", "", false),
                    arena, &answers, &count);
    for (size_t i = 0; i < count; i++) {
        if (answers[i].status != ST_OK && !is_down(map, answers[i].node_id)) {
            return fail(err, answers[i].status == ST_MOVED ? ST_BUSY : answers[i].status,
                        "A cleanup cannot begin now: of target %.*s, %.*s",
                        BYTES_ARGS(answers[i].node_id), BYTES_ARGS(answers[i].text));
        }
    }
    return ST_OK;
}

/* Whoever cannot begin is named; the others have begun. */
static enum status
start_all(struct job_registry *registry, struct object_store *store, const struct cluster_map *map,
          const char *id, bool is_forced, struct arena *arena, struct buffer *text,
          struct error *err)
{
    struct job_node_answer *answers;
    struct error why = ERROR_INIT;
    size_t count;
    size_t started_count = 0;

    if (object_store_ownership(store) != NULL) {
        if (start_own(registry, id, is_forced, &why) == ST_OK) {
            started_count++;
        } else {
            buffer_printf(text, "not on this node: %s; ", why.text);
        }
    }
    job_cluster_ask(store, map, JOB_START_VERB, true,
                    write_arguments(arena, "start", id, is_forced), arena, &answers, &count);
    for (size_t i = 0; i < count; i++) {
        if (answers[i].status == ST_OK) {
            started_count++;
        } else {
            buffer_printf(text, "not on target %.*s: %.*s; ", BYTES_ARGS(answers[i].node_id),
                          BYTES_ARGS(answers[i].text));
        }
    }
    if (started_count == 0) {
        return fail(err, ST_UNAVAILABLE, "The cleanup did not begin on any target: %.*s",
                    BYTES_ARGS(buffer_bytes(text)));
    }
    buffer_printf(text, "%zu targets look for misplaced copies", started_count);
    return ST_OK;
}

enum status
cleanup_job_start(struct job_registry *registry, struct object_store *store, bool is_forced,
                  struct arena *arena, char ret_id[JOB_ID_SIZE], struct bytes *ret_text,
                  struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    struct cluster_map *map = cluster != NULL ? cluster->get_map(cluster->arg) : NULL;
    struct buffer text = BUFFER_INIT;
    enum status st = map != NULL ? check_map(map, err)
                                 : fail(err, ST_UNAVAILABLE, "This node has no cluster map yet");

    if (st == ST_OK) {
        st = check_all(registry, store, map, arena, err);
    }
    if (st == ST_OK) {
        job_make_id(&cleanup_job, ret_id);
        st = start_all(registry, store, map, ret_id, is_forced, arena, &text, err);
    }
    if (st == ST_OK) {
        *ret_text = arena_copy(arena, buffer_bytes(&text));
    }
    buffer_release(&text);
    cluster_map_unref(map);
    return st;
}
