/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_rebalance.h"

#include "base/log.h"
#include "jobs/cleanup_job.h"
#include "jobs/job_cluster.h"
#include "jobs/rebalance_job.h"
#include "native/native_cluster.h"

#include "base/banned.h"

static enum status
require_cluster(const struct native *native, struct error *err)
{
    return native->cluster != NULL
               ? ST_OK
               : fail(err, ST_INVALID,
                      "This node is alone (it was started without --etcd): every key is its own, "
                      "and nothing is rebalanced. Between its disks keys are moved by a resilver; "
                      "lode show job shows it");
}

static void
append_answer(struct buffer *answer, struct bytes id, const char *state, struct bytes text)
{
    buffer_append_string(answer, "{\"id\":");
    log_append_json_string(answer, id);
    buffer_printf(answer, ",\"state\":\"%s\",\"text\":", state);
    log_append_json_string(answer, text);
    buffer_append_string(answer, "}\n");
}

/* The leader's answer begins with the id of the run. */
static enum status
start_by_hand(struct native *native, struct buffer *answer, struct error *err)
{
    const struct cluster_request request = {.action = CLUSTER_REBALANCE,
                                            .node_id = cluster_self_id(native->cluster)};
    struct arena arena = ARENA_INIT;
    struct bytes text = BYTES_NONE;
    enum status st =
        cluster_ask(native->cluster, &request, NATIVE_CLUSTER_WAIT_MS, &arena, &text, err);

    if (st == ST_OK) {
        struct bytes rest = text;
        struct bytes id = bytes_cut(&rest, ' ');
        bool is_new = bytes_has_prefix(rest, BYTES_LITERAL("began"));

        append_answer(answer, id, is_new ? "started" : "running", text);
    }
    arena_release(&arena);
    return st;
}

static enum status
start_cleanup(struct native *native, bool is_forced, struct buffer *answer, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct bytes text = BYTES_NONE;
    char id[JOB_ID_SIZE];
    enum status st =
        cleanup_job_start(native->jobs, native->objects, is_forced, &arena, id, &text, err);

    if (st == ST_OK) {
        append_answer(answer, bytes_of_string(id), "started", text);
    }
    arena_release(&arena);
    return st;
}

enum status
native_rebalance_start(struct native *native, bool is_cleanup, bool is_forced,
                       struct buffer *answer, struct error *err)
{
    enum status st = require_cluster(native, err);

    if (st != ST_OK) {
        return st;
    }
    if (is_forced && !is_cleanup) {
        return fail(err, ST_INVALID, "\"force\" goes with \"cleanup\"");
    }
    return is_cleanup ? start_cleanup(native, is_forced, answer, err)
                      : start_by_hand(native, answer, err);
}

enum status
native_rebalance_show(struct native *native, struct bytes id, struct buffer *answer,
                      struct error *err)
{
    const struct job_query query = {
        .id = id, .kind = BYTES_LITERAL(REBALANCE_JOB_NAME), .is_all = true};
    enum status st = require_cluster(native, err);

    return st == ST_OK ? job_cluster_show(native->jobs, native->objects, &query, answer, err) : st;
}
