/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators ask of this node and its cluster: our own actions and questions, all named
 * lode-..., below AIStore's /v1/cluster.  Root's key signs them.
 */
#include "base/check.h"
#include "jobs/fsck_job.h"
#include "jobs/job_cluster.h"
#include "jobs/job_json.h"
#include "jobs/resilver_job.h"
#include "native/native_cluster.h"
#include "native/native_mountpath.h"
#include "native/native_rebalance.h"
#include "native/native_route.h"

#include "base/banned.h"

#define CLUSTER_PATH "/v1/cluster"

static enum status
require_administrator(struct native_call *call, struct error *err)
{
    return native_call_authorize(call, ACTION_ADMINISTER_NODE, err);
}

/* ---- questions ---- */

static enum status
show_jobs(struct native_call *call, struct error *err)
{
    struct buffer *out = &call->reply.body;
    struct bytes id = native_call_parameter(call, "id");
    struct job_info *jobs;
    size_t count;
    size_t shown_count = 0;
    enum status st = require_administrator(call, err);

    if (st != ST_OK) {
        return st;
    }
    job_list(call->native->jobs, call->arena, &jobs, &count);
    buffer_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (id.size == 0 || bytes_equal_string(id, jobs[i].id)) {
            buffer_append_string(out, shown_count++ > 0 ? "," : "");
            job_json_append(&jobs[i], NULL, out);
        }
    }
    buffer_append_string(out, "]\n");
    if (id.size > 0 && shown_count == 0) {
        return fail(err, ST_NOT_FOUND, "There is no job %.*s", (int)(id.size < 64 ? id.size : 64),
                    id.data);
    }
    native_reply_json(call);
    return ST_OK;
}

static enum status
show_all_jobs(struct native_call *call, struct error *err)
{
    const struct job_query query = {.id = native_call_parameter(call, "id"),
                                    .kind = native_call_parameter(call, "kind"),
                                    .is_all = native_query_is_true(&call->query, "all")};
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = job_cluster_show(call->native->jobs, call->native->objects, &query, &call->reply.body,
                              err);
    }
    native_reply_json(call);
    return st;
}

static enum status
show_rebalance(struct native_call *call, struct error *err)
{
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = native_rebalance_show(call->native, native_call_parameter(call, "id"),
                                   &call->reply.body, err);
    }
    native_reply_json(call);
    return st;
}

static enum status
show_mountpaths(struct native_call *call, struct error *err)
{
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        native_mountpath_list(call->native, &call->reply.body);
    }
    native_reply_json(call);
    return st;
}

static enum status
show_cluster(struct native_call *call, struct error *err)
{
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = native_cluster_show(call->native->cluster, &call->reply.body, err);
    }
    native_reply_json(call);
    return st;
}

/* ---- actions ---- */

static enum status
start_fsck(struct native_call *call, struct error *err)
{
    struct fsck_job_options options = {.verifies_bytes =
                                           native_json_bool(call->message.value, "verify")};
    char id[JOB_ID_SIZE];
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = job_start(call->native->jobs, &fsck_job, &options, sizeof(options), id, err);
    }
    if (st == ST_OK) {
        native_reply_text(call, bytes_of_string(id));
    }
    return st;
}

static enum status
start_resilver(struct native_call *call, struct error *err)
{
    char id[JOB_ID_SIZE];
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = resilver_job_ensure(call->native->jobs, call->native->objects, id, err);
    }
    if (st == ST_OK) {
        native_reply_text(call, bytes_of_string(id));
    }
    return st;
}

static enum status
start_rebalance(struct native_call *call, struct error *err)
{
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = native_rebalance_start(call->native, native_json_bool(call->message.value, "cleanup"),
                                    native_json_bool(call->message.value, "force"),
                                    &call->reply.body, err);
    }
    native_reply_json(call);
    return st;
}

static enum status
stop_job(struct native_call *call, struct error *err)
{
    enum status st = require_administrator(call, err);

    return st == ST_OK ? job_cluster_stop(call->native->jobs, call->native->objects,
                                          call->message.name, err)
                       : st;
}

/* Texts that become paths and ids end where they seem to end. */
static enum status
read_name(struct native_call *call, const char **ret_name, struct error *err)
{
    struct bytes name = call->message.name;

    if (name.size > 0 && memchr(name.data, '\0', name.size) != NULL) {
        return fail(err, ST_INVALID, "\"name\" contains a NUL byte");
    }
    *ret_name = name.data != NULL ? arena_string(call->arena, name) : NULL;
    return ST_OK;
}

static enum status
change_mountpath(struct native_call *call, struct error *err)
{
    const char *directory;
    bool is_known;
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = read_name(call, &directory, err);
    }
    if (st == ST_OK) {
        st = native_mountpath_action(call->native, call->route->action, directory, &is_known,
                                     &call->reply.body, err);
        CHECK(is_known);
    }
    native_reply_json(call);
    return st;
}

static enum status
change_cluster(struct native_call *call, struct error *err)
{
    const char *name;
    enum status st = require_administrator(call, err);

    if (st == ST_OK) {
        st = read_name(call, &name, err);
    }
    if (st == ST_OK) {
        st = native_cluster_run(call->native->cluster, call->native->control, call->route->action,
                                name, native_json_bool(call->message.value, "confirm_stopped"),
                                &call->reply.body, err);
    }
    native_reply_json(call);
    return st;
}

/* ---- routes ---- */

static const struct native_field JOB_ID = {.name = "id", .doc = "Only this job."};
static const struct native_field JOB_KIND = {.name = "kind", .doc = "Only jobs of this kind."};
static const struct native_field ALL_JOBS = {
    .name = "all", .doc = "Also jobs that have ended.", .is_bool = true};

static const struct native_named_shape SHAPES[] = {
    {"OperatorJob", "{id: text, node?: text, kind: text, state: text, started_ns: int, "
                    "finished_ns: int, done: int, total: int, bytes: int, text: text, "
                    "report?: any}"},
    {"OperatorJobs", "{jobs: [OperatorJob], missing: [{node: text, why: text}]}"},
    {"Mountpaths", "{generation: int, resilver_due: bool, mountpaths: [{directory: text, "
                   "uuid: text, role: text, state: text, why: text, emptying: bool, "
                   "may_be_pulled: bool, total_bytes: int, free_bytes: int}]}"},
    {"MountpathChange", "{generation: int, resilver: bool, job: text, lost?: int, "
                        "loss_unknown?: bool, losses?: text}"},
    {"ClusterChange", "{state: 'done' | 'waiting', text: text}"},
    {"RebalanceStart", "{id: text, state: 'started' | 'running' | 'waiting', text: text}"},
    {"ClusterState",
     "{cluster: text, node: text, leader: text, confirmed: bool, reason: text, "
     "version: int, placement: int, finished: int, stage: text, "
     "nodes: [{id: text, gateway: bool, target: bool, state: text, up: bool, ...}], "
     "pending: {version: int, waits_for: [text]} | null, "
     "requests: [{action: text, state: text, node: text, text: text}]}"},
};

/* A question: GET ?what=lode-... */
#define ASK(name_, what_, run_)                                                                    \
    .name = (name_), .method = "GET", .path = CLUSTER_PATH, .selector = "what=" what_, .run = (run_)
/* An action: PUT {"action": "lode-..."} */
#define ACT(name_, action_, run_)                                                                  \
    .name = (name_), .method = "PUT", .path = CLUSTER_PATH, .action = (action_),                   \
    .body = NATIVE_BODY_MESSAGE, .run = (run_)

static const struct native_route ROUTES[] = {
    {ASK("LodeJobs", "lode-jobs", show_jobs), .doc = "List this node's jobs as operators see them.",
     .query = {&JOB_ID},
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "[OperatorJob]",
                  .doc = "The newest last."}},
     .fails = {404}, .example = {.step = 400, .is_signed = true}},
    {ASK("LodeAllJobs", "lode-all-jobs", show_all_jobs),
     .doc = "List the jobs of all nodes that answer, and those that do not.",
     .query = {&ALL_JOBS, &JOB_ID, &JOB_KIND},
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "OperatorJobs",
                  .doc = "Jobs, and nodes that are missing."}},
     .fails = {404}, .example = {.step = 401, .query = "all=true", .is_signed = true}},
    {ASK("LodeRebalance", "lode-rebalance", show_rebalance),
     .doc = "List the runs of the rebalance on all nodes; on a node that is alone: 400.",
     .query = {&JOB_ID},
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "OperatorJobs",
                  .doc = "Runs, and nodes that are missing."}},
     .fails = {404}, .example = {.step = 402, .is_signed = true, .http_status = 400}},
    {ASK("LodeMountpaths", "lode-mountpaths", show_mountpaths), .doc = "List this node's disks.",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "Mountpaths",
                  .doc = "Each with its state."}},
     .example = {.step = 403, .is_signed = true}},
    {ASK("LodeCluster", "lode-cluster", show_cluster),
     .doc = "Describe the cluster as this node sees it; on a node that is alone: 400.",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "ClusterState",
                  .doc = "Map, nodes, and what is under way."}},
     .example = {.step = 404, .is_signed = true, .http_status = 400}},
    {ACT("LodeFsck", "lode-fsck", start_fsck),
     .doc = "Start a check of this node's data; verify also reads every byte.",
     .takes = "{action: 'lode-fsck', value?: {verify?: bool}}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {409}, .example = {.step = 410, .is_signed = true, .keeps = "JOB"}},
    {ACT("LodeJobStop", "lode-job-stop", stop_job),
     .doc = "Ask a job of any node to stop; one that has ended is not found.",
     .takes = "{action: 'lode-job-stop', name: text}",
     .answers = {{.http_status = 200, .doc = "It has been told to stop."}}, .fails = {404, 409},
     .example = {.step = 411,
                 .is_signed = true,
                 .body = "{\"action\": \"lode-job-stop\", \"name\": \"$JOB\"}",
                 .http_status = 404}},
    {ACT("LodeResilver", "lode-resilver", start_resilver),
     .doc = "Go on with an unfinished resilver.", .takes = "{action: 'lode-resilver'}",
     .answers = {{.http_status = 200,
                  .media = NATIVE_TEXT,
                  .doc = "The job's id; nothing if there is none to do."}},
     .example = {.step = 412, .is_signed = true}},
    {ACT("LodeRebalanceStart", "lode-rebalance", start_rebalance),
     .doc = "Start a rebalance by hand; on a node that is alone: 400.",
     .takes = "{action: 'lode-rebalance', value?: {cleanup?: bool, force?: bool}}",
     .answers =
         {{.http_status = 200, .media = NATIVE_JSON, .shape = "RebalanceStart", .doc = "The run."}},
     .fails = {409, 501}, .example = {.step = 413, .is_signed = true, .http_status = 400}},
#define MOUNTPATH(name_, verb, step_, status_, doc_)                                               \
    {                                                                                              \
        ACT(name_, "lode-mountpath-" verb, change_mountpath),                                      \
            .doc = (doc_), .takes = "{action: 'lode-mountpath-" verb "', name: text}",             \
            .answers = {{.http_status = 200,                                                       \
                         .media = NATIVE_JSON,                                                     \
                         .shape = "MountpathChange",                                               \
                         .doc = "The change, and the resilver's job."}},                           \
            .fails = {404, 409}, .example = {                                                      \
                .step = (step_),                                                                   \
                .is_signed = true,                                                                 \
                .http_status = (status_),                                                          \
                .body = "{\"action\": \"lode-mountpath-" verb "\", \"name\": \"$DISK\"}"           \
            }                                                                                      \
    }
    MOUNTPATH("LodeMountpathAttach", "attach", 420, 200,
              "Attach a disk: the directory is its name."),
    MOUNTPATH("LodeMountpathDisable", "disable", 421, 200, "Take a disk out of use for a while."),
    MOUNTPATH("LodeMountpathEnable", "enable", 422, 200, "Use a disabled disk again."),
    MOUNTPATH("LodeMountpathDetach", "detach", 423, 200, "Empty a disk, so that it may be pulled."),
    MOUNTPATH("LodeMountpathForget", "forget", 424, 404,
              "Give up a disk that is gone, and list losses."),
#define CLUSTER(name_, verb, step_, value_, doc_)                                                  \
    {                                                                                              \
        ACT(name_, "lode-cluster-" verb, change_cluster),                                          \
            .doc = (doc_), .takes = "{action: 'lode-cluster-" verb "', name?: text" value_ "}",    \
            .answers = {{.http_status = 200,                                                       \
                         .media = NATIVE_JSON,                                                     \
                         .shape = "ClusterChange",                                                 \
                         .doc = "What has happened so far."}},                                     \
            .fails = {404, 409}, .example = {                                                      \
                .step = (step_),                                                                   \
                .is_signed = true,                                                                 \
                .http_status = 400                                                                 \
            }                                                                                      \
    }
    CLUSTER("LodeClusterMaintenance", "maintenance", 430, "",
            "Move the keys of the node named away from it; on a node that is alone: 400."),
    CLUSTER("LodeClusterReturn", "return", 431, "", "Take the node named back."),
    CLUSTER("LodeClusterDecommission", "decommission", 432, "",
            "Move the keys of the node named away for good."),
    CLUSTER("LodeClusterSetLeader", "set-leader", 433, "", "Let the node named lead."),
    CLUSTER("LodeClusterRemove", "remove", 434, ", value?: {confirm_stopped?: bool}",
            "Give up a node that is stopped, with its data."),
    CLUSTER("LodeClusterRotateKey", "rotate-key", 435, "",
            "Make a new key with which nodes sign for each other."),
};

const struct native_route_table native_routes_of_operators = {.routes = ROUTES,
                                                              .load_class = LOAD_CONTROL,
                                                              .count = ARRAY_COUNT(ROUTES),
                                                              .shapes = SHAPES,
                                                              .shape_count = ARRAY_COUNT(SHAPES)};
