/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_handler.h"

#include <inttypes.h>
#include <jansson.h>

#include "auth/authenticate.h"
#include "auth/authorize.h"
#include "base/log.h"
#include "jobs/fsck_job.h"
#include "jobs/job_cluster.h"
#include "jobs/job_json.h"
#include "jobs/resilver_job.h"
#include "native/native_answer.h"
#include "native/native_api.h"
#include "native/native_cluster.h"
#include "native/native_mountpath.h"
#include "native/native_rebalance.h"

#include "base/banned.h"

/* Files of writes under way have no record yet. */
#define NATIVE_FSCK_ORPHAN_AGE_S INT64_C(3600)

/* One request on its way through the loop and a worker. */
struct operator_call {
    struct native *native;
};

bool
native_accepts(const struct http_request *request)
{
    return bytes_equal_string(request->path, "/v1") ||
           bytes_has_prefix(request->path, BYTES_LITERAL("/v1/"));
}

/* Administration is root's.  The principal is used here and nowhere else. */
static enum status
require_administrator(struct native *native, const struct http_request *request,
                      struct arena *arena, struct error *err)
{
    struct authenticate_options options = {.credentials = native->credentials, .service = "s3"};
    struct authentication authentication;
    enum status st = authenticate(&options, request, arena, &authentication, err);

    if (st == ST_OK) {
        struct authorize_facts facts = {.principal = authentication.principal,
                                        .action = ACTION_ADMINISTER_NODE};

        st = authorize(&facts, err);
        authentication_release(&authentication);
    }
    return st;
}

/* GET /v1/cluster?what=lode-jobs[&id=ID] */
static void
list_jobs(struct http_exchange *exchange, struct job_registry *registry, struct bytes id)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct job_info *jobs = NULL;
    struct buffer body = BUFFER_INIT;
    size_t count = 0;
    size_t shown_count = 0;

    job_list(registry, arena, &jobs, &count);
    buffer_append_char(&body, '[');
    for (size_t i = 0; i < count; i++) {
        if (id.size == 0 || bytes_equal_string(id, jobs[i].id)) {
            buffer_append_string(&body, shown_count++ > 0 ? "," : "");
            job_json_append(&jobs[i], NULL, &body);
        }
    }
    buffer_append_string(&body, "]\n");
    if (id.size > 0 && shown_count == 0) {
        struct error err = ERROR_INIT;

        fail(&err, ST_NOT_FOUND, "There is no job %.*s", BYTES_ARGS(id));
        native_answer_error(exchange, 404, &err);
    } else {
        native_answer(exchange, "application/json", buffer_bytes(&body));
    }
    buffer_release(&body);
}

static enum status
start_fsck(struct native *native, const json_t *value, struct buffer *answer, struct error *err)
{
    struct fsck_job_options options = {.verifies_bytes =
                                           json_is_true(json_object_get(value, "verify"))};
    char id[JOB_ID_SIZE];
    enum status st = job_start(native->jobs, &fsck_job, &options, sizeof(options), id, err);

    if (st == ST_OK) {
        buffer_append_string(answer, id);
    }
    return st;
}

static enum status
start_resilver(struct native *native, struct buffer *answer, struct error *err)
{
    char id[JOB_ID_SIZE];
    enum status st = resilver_job_ensure(native->jobs, native->objects, id, err);

    if (st == ST_OK) {
        buffer_append_string(answer, id);
    }
    return st;
}

/* PUT /v1/cluster with an action message. */
enum status
native_operator_run(struct native *native, struct bytes body, struct buffer *answer,
                    struct error *err)
{
    json_error_t where;
    json_t *root = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, &where);
    const char *action = json_string_value(json_object_get(root, "action"));
    const char *name = json_string_value(json_object_get(root, "name"));
    enum status st;

    if (action == NULL) {
        st = fail(err, ST_INVALID, "The body is no action message: %s",
                  root == NULL ? where.text : "it has no \"action\"");
    } else if (strcmp(action, "lode-fsck") == 0) {
        st = start_fsck(native, json_object_get(root, "value"), answer, err);
    } else if (native_cluster_accepts(action)) {
        const json_t *value = json_object_get(root, "value");

        st = native_cluster_run(native->cluster, native->control, action, name,
                                json_is_true(json_object_get(value, "confirm_stopped")), answer,
                                err);
    } else if (strcmp(action, "lode-job-stop") == 0 && name != NULL) {
        st = job_cluster_stop(native->jobs, native->objects, bytes_of_string(name), err);
    } else if (strcmp(action, "lode-rebalance") == 0) {
        const json_t *value = json_object_get(root, "value");

        st = native_rebalance_start(native, json_is_true(json_object_get(value, "cleanup")),
                                    json_is_true(json_object_get(value, "force")), answer, err);
    } else if (strcmp(action, "lode-resilver") == 0) {
        st = start_resilver(native, answer, err);
    } else {
        bool is_known;

        st = native_mountpath_action(native, action, name, &is_known, answer, err);
        if (!is_known) {
            st = fail(err, ST_NOT_IMPLEMENTED, "The action '%.64s' is not known here", action);
        }
    }
    json_decref(root);
    return st;
}

ON_WORKER static void
show_mountpaths(struct http_exchange *exchange)
{
    struct operator_call *call = http_exchange_data(exchange);
    struct buffer answer = BUFFER_INIT;

    native_mountpath_list(call->native, &answer);
    native_answer(exchange, "application/json", buffer_bytes(&answer));
    buffer_release(&answer);
}

static struct bytes
query_value(struct bytes query, const char *name)
{
    while (query.size > 0) {
        struct bytes value = bytes_cut(&query, '&');
        struct bytes own_name = bytes_cut(&value, '=');

        if (bytes_equal_string(own_name, name)) {
            return value;
        }
    }
    return BYTES_NONE;
}

/* On a worker, since other nodes are asked. */
ON_WORKER static void
show_all_jobs(struct http_exchange *exchange)
{
    struct operator_call *call = http_exchange_data(exchange);
    struct bytes query = http_exchange_request(exchange)->query;
    const struct job_query asked = {.id = query_value(query, "id"),
                                    .kind = query_value(query, "kind"),
                                    .is_all =
                                        bytes_equal_string(query_value(query, "all"), "true")};
    struct buffer answer = BUFFER_INIT;
    struct error err = ERROR_INIT;
    enum status st =
        bytes_equal_string(query_value(query, "what"), "lode-rebalance")
            ? native_rebalance_show(call->native, asked.id, &answer, &err)
            : job_cluster_show(call->native->jobs, call->native->objects, &asked, &answer, &err);

    if (st == ST_OK) {
        native_answer(exchange, "application/json", buffer_bytes(&answer));
    } else {
        native_answer_error(exchange, native_http_status(err.code), &err);
    }
    buffer_release(&answer);
}

static void
begin_call(struct http_exchange *exchange, struct native *native)
{
    struct operator_call *call = arena_calloc(http_exchange_arena(exchange), 1, sizeof(*call));

    call->native = native;
    http_exchange_set_data(exchange, call);
}

/* GET /v1/cluster?what=lode-... */
static void
answer_operator(struct http_exchange *exchange, struct native *native, struct bytes what)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct error err = ERROR_INIT;

    if (require_administrator(native, request, http_exchange_arena(exchange), &err) != ST_OK) {
        native_answer_error(exchange, native_http_status(err.code), &err);
    } else if (bytes_equal_string(what, "lode-jobs")) {
        list_jobs(exchange, native->jobs, query_value(request->query, "id"));
    } else if (bytes_equal_string(what, "lode-all-jobs") ||
               bytes_equal_string(what, "lode-rebalance")) {
        begin_call(exchange, native);
        http_exchange_run_on_worker(exchange, show_all_jobs);
    } else if (bytes_equal_string(what, "lode-mountpaths")) {
        begin_call(exchange, native);
        http_exchange_run_on_worker(exchange, show_mountpaths);
    } else if (bytes_equal_string(what, "lode-cluster")) {
        native_cluster_show(exchange, native->cluster);
    } else {
        fail(&err, ST_NOT_IMPLEMENTED, "GET of /v1/cluster with what=%.*s is not known here",
             BYTES_ARGS(what));
        native_answer_error(exchange, 501, &err);
    }
}

void
native_handle(struct http_exchange *exchange, struct native *native)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct bytes what = query_value(request->query, "what");

    if (bytes_equal_string(request->path, "/v1/cluster") &&
        bytes_equal_string(request->method, "GET") &&
        bytes_has_prefix(what, BYTES_LITERAL("lode-"))) {
        answer_operator(exchange, native, what);
    } else {
        native_api_handle(exchange, native);
    }
}
