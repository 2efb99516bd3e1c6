/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_cluster.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "jobs/job_json.h"
#include "jobs/rebalance_job.h"
#include "jobs/walk_split.h"
#include "object/object_cluster.h"

#include "base/banned.h"

/* ---- asking ---- */

static void
finish(struct peer_pending **take_pending, struct arena *arena, struct job_node_answer *answer)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer text = BUFFER_INIT;
    struct error err = ERROR_INIT;

    answer->status = peer_call_finish(take_pending, arena, &result, &err);
    if (answer->status == ST_OK) {
        answer->status = peer_call_read_all(&result, JOB_CLUSTER_ANSWER_BYTES_MAX, &text, &err);
    }
    answer->text = arena_copy(arena, answer->status == ST_OK ? buffer_bytes(&text)
                                                             : bytes_of_string(err.text));
    source_release(&result.payload);
    buffer_release(&text);
}

/* NULL: it was not asked, and the answer says why. */
static struct peer_pending *
begin(struct object_store *store, const struct cluster_map *map, const struct cluster_node *node,
      const char *verb, struct bytes arguments, struct arena *arena, struct job_node_answer *answer)
{
    struct peer_pending *pending = NULL;
    struct error err = ERROR_INIT;

    answer->node_id = arena_copy(arena, node->id);
    if (node->is_down || node->peer_address.size == 0) {
        answer->status = fail(&err, ST_UNAVAILABLE, "it is down");
    } else {
        answer->status =
            peer_call_begin(object_store_cluster(store)->peers,
                            &(struct peer_call_options){
                                .node_id = node->id,
                                .address = node->peer_address,
                                .verb = verb,
                                .head = {.map_version = map->version, .arguments = arguments},
                                .timeout_ms = JOB_CLUSTER_TIMEOUT_MS,
                            },
                            arena, &pending, &err);
    }
    if (answer->status != ST_OK) {
        answer->text = arena_copy(arena, bytes_of_string(err.text));
        return NULL;
    }
    return pending;
}

void
job_cluster_ask(struct object_store *store, const struct cluster_map *map, const char *verb,
                bool are_targets_only, struct bytes arguments, struct arena *arena,
                struct job_node_answer **ret_answers, size_t *ret_count)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    size_t node_count = cluster != NULL && map != NULL ? map->node_count : 0;
    struct job_node_answer *answers = arena_calloc(arena, node_count + 1, sizeof(*answers));
    struct peer_pending **pending =
        arena_calloc(arena, node_count + 1, sizeof(struct peer_pending *));
    size_t count = 0;

    for (size_t i = 0; i < node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (!bytes_equal(node->id, cluster->node_id) && (node->is_target || !are_targets_only)) {
            pending[count] = begin(store, map, node, verb, arguments, arena, &answers[count]);
            count++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (pending[i] != NULL) {
            finish(&pending[i], arena, &answers[i]);
        }
    }
    *ret_answers = answers;
    *ret_count = count;
}

static struct cluster_map *
map_of(struct object_store *store)
{
    const struct object_cluster *cluster = object_store_cluster(store);

    return cluster != NULL ? cluster->get_map(cluster->arg) : NULL;
}

/* ---- what this node has ---- */

static bool
fits(const struct job_query *query, const struct job_info *job)
{
    if (query->id.size != 0) {
        return bytes_equal_string(query->id, job->id);
    }
    return (query->is_all || job->state == JOB_RUNNING) &&
           bytes_has_prefix(bytes_of_string(job->kind), query->kind);
}

static size_t
append_own(struct job_registry *registry, const struct object_store *store,
           const struct job_query *query, struct buffer *out)
{
    struct arena arena = ARENA_INIT;
    struct job_info *jobs;
    size_t count;
    size_t shown_count = 0;

    job_list(registry, &arena, &jobs, &count);
    for (size_t i = 0; i < count; i++) {
        if (!fits(query, &jobs[i])) {
            continue;
        }
        if (query->id.size == 0 && jobs[i].report.size > JOB_CLUSTER_REPORT_MAX) {
            jobs[i].report = BYTES_NONE;
        }
        buffer_append_string(out, shown_count++ > 0 ? "," : "");
        job_json_append(&jobs[i], object_store_node_id(store), out);
    }
    arena_release(&arena);
    return shown_count;
}

static struct bytes
member(const json_t *root, const char *name)
{
    const char *text = json_string_value(json_object_get(root, name));

    return bytes_of_string(text != NULL ? text : "");
}

/* "rebalance-7", not "rebalance-cleanup-...". */
static bool
is_placement(struct bytes id)
{
    static const struct bytes PREFIX = {REBALANCE_JOB_NAME "-", sizeof(REBALANCE_JOB_NAME)};

    return bytes_has_prefix(id, PREFIX) && id.size > PREFIX.size && id.data[PREFIX.size] >= '0' &&
           id.data[PREFIX.size] <= '9';
}

static void
stop_own(struct job_registry *registry, struct bytes id, struct buffer *out)
{
    char text[JOB_ID_SIZE];

    buffer_append_char(out, '[');
    if (id.size < sizeof(text)) {
        memcpy(text, id.data, id.size);
        text[id.size] = '\0';
        if (job_stop(registry, text, NULL) == ST_OK) {
            (void)walk_stop_shares(text);
            log_append_json_string(out, id);
        } else {
            (void)walk_stop_shares(text); /* of a job that runs elsewhere */
        }
    }
    buffer_append_char(out, ']');
}

enum status
job_cluster_serve(struct job_registry *registry, struct object_store *store, struct bytes arguments,
                  struct buffer *out, struct error *err)
{
    json_t *root = json_loadb(arguments.data, arguments.size, JSON_REJECT_DUPLICATES, NULL);
    struct bytes op = member(root, "op");
    struct job_query query = {.id = member(root, "id"),
                              .kind = member(root, "kind"),
                              .is_all = json_is_true(json_object_get(root, "all"))};
    enum status st = ST_OK;

    if (bytes_equal_string(op, "list")) {
        buffer_append_char(out, '[');
        (void)append_own(registry, store, &query, out);
        buffer_append_char(out, ']');
    } else if (bytes_equal_string(op, "stop") && query.id.size != 0) {
        stop_own(registry, query.id, out);
    } else {
        st = fail(err, ST_NOT_IMPLEMENTED, "What is asked of the jobs is not known here");
    }
    json_decref(root);
    return st;
}

/* ---- all nodes ---- */

static void
write_list(const struct job_query *query, struct buffer *out)
{
    buffer_append_string(out, "{\"op\":\"list\",\"id\":");
    log_append_json_string(out, query->id);
    buffer_append_string(out, ",\"kind\":");
    log_append_json_string(out, query->kind);
    buffer_printf(out, ",\"all\":%s}", query->is_all ? "true" : "false");
}

/* Another node's array, after *count others. */
static enum status
append_theirs(struct bytes text, struct buffer *out, size_t *count, struct error *err)
{
    json_t *jobs = json_loadb(text.data, text.size, 0, NULL);
    enum status st = json_is_array(jobs) ? ST_OK : fail(err, ST_INVALID, "its answer is no list");

    for (size_t i = 0; st == ST_OK && i < json_array_size(jobs); i++) {
        char *job = json_dumps(json_array_get(jobs, i), JSON_COMPACT);

        if (job != NULL) {
            buffer_append_string(out, (*count)++ > 0 ? "," : "");
            buffer_append_string(out, job);
        }
        free(job);
    }
    json_decref(jobs);
    return st;
}

static void
append_missing(const struct job_node_answer *answer, struct bytes why, struct buffer *out)
{
    buffer_append_string(out, out->size > 0 ? ",{\"node\":" : "{\"node\":");
    log_append_json_string(out, answer->node_id);
    buffer_append_string(out, ",\"why\":");
    log_append_json_string(out, why);
    buffer_append_char(out, '}');
}

enum status
job_cluster_show(struct job_registry *registry, struct object_store *store,
                 const struct job_query *query, struct buffer *out, struct error *err)
{
    struct cluster_map *map = map_of(store);
    struct arena arena = ARENA_INIT;
    struct buffer arguments = BUFFER_INIT;
    struct buffer missing = BUFFER_INIT;
    struct job_node_answer *answers;
    size_t answer_count;
    size_t count;

    write_list(query, &arguments);
    buffer_append_string(out, "{\"jobs\":[");
    count = append_own(registry, store, query, out);
    job_cluster_ask(store, map, JOB_VERB, false, buffer_bytes(&arguments), &arena, &answers,
                    &answer_count);
    for (size_t i = 0; i < answer_count; i++) {
        struct error failure = ERROR_INIT;

        if (answers[i].status != ST_OK) {
            append_missing(&answers[i], answers[i].text, &missing);
        } else if (append_theirs(answers[i].text, out, &count, &failure) != ST_OK) {
            append_missing(&answers[i], bytes_of_string(failure.text), &missing);
        }
    }
    buffer_append_string(out, "],\"missing\":[");
    buffer_append_bytes(out, buffer_bytes(&missing));
    buffer_append_string(out, "]}\n");
    buffer_release(&arguments);
    buffer_release(&missing);
    arena_release(&arena);
    cluster_map_unref(map);
    if (query->id.size != 0 && count == 0 && answer_count == 0) {
        return fail(err, ST_NOT_FOUND, "There is no job %.*s", BYTES_ARGS(query->id));
    }
    return ST_OK;
}

enum status
job_cluster_stop(struct job_registry *registry, struct object_store *store, struct bytes id,
                 struct error *err)
{
    struct cluster_map *map = map_of(store);
    struct arena arena = ARENA_INIT;
    struct buffer arguments = BUFFER_INIT;
    struct buffer own = BUFFER_INIT;
    struct job_node_answer *answers;
    size_t answer_count;
    bool is_stopped;

    if (is_placement(id)) {
        cluster_map_unref(map);
        return fail(err, ST_INVALID,
                    "A rebalance is not stopped: it ends when every key is with its owner, or "
                    "when a newer change of targets takes its place");
    }
    buffer_append_string(&arguments, "{\"op\":\"stop\",\"id\":");
    log_append_json_string(&arguments, id);
    buffer_append_char(&arguments, '}');
    stop_own(registry, id, &own);
    is_stopped = own.size > 2;
    job_cluster_ask(store, map, JOB_VERB, false, buffer_bytes(&arguments), &arena, &answers,
                    &answer_count);
    for (size_t i = 0; i < answer_count; i++) {
        is_stopped = is_stopped || (answers[i].status == ST_OK && answers[i].text.size > 2);
    }
    buffer_release(&arguments);
    buffer_release(&own);
    arena_release(&arena);
    cluster_map_unref(map);
    return is_stopped
               ? ST_OK
               : fail(err, ST_NOT_FOUND, "No job %.*s runs on a node that answers", BYTES_ARGS(id));
}
