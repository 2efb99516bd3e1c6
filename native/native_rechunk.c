/* SPDX-License-Identifier: Apache-2.0 */
/* SPEC: AIStore api/apc/rechunk.go, xact/xs/rechunk.go. */
#include "native/native_rechunk.h"

#include "base/check.h"
#include "jobs/rechunk_job.h"
#include "native/native_job_list.h"
#include "native/native_route.h"

#include "base/banned.h"

/* SPEC: while one runs over a bucket another is refused. */
static enum status
check_others(struct native_call *call, struct error *err)
{
    struct native_job_list list;
    enum status st = native_job_list(call, BYTES_NONE, true, &list, err);

    for (size_t i = 0; st == ST_OK && i < list.count; i++) {
        const struct job_info *job = &list.jobs[i].info;
        json_t *report = json_loadb(job->report.data, job->report.size, 0, NULL);

        if (job->state == JOB_RUNNING && strcmp(job->kind, rechunk_job.job.name) == 0 &&
            bytes_equal(native_json_text(report, "source"), call->bck.own_name)) {
            st = fail(err, ST_CONFLICT,
                      "the bucket is being rechunked already; to override, first stop the running "
                      "job \"%s\"",
                      job->id);
        }
        json_decref(report);
    }
    return st;
}

/* call->bck is the bucket, and it is not open yet. */
static enum status
start(struct native_call *call, bool has_policy, struct chunk_policy policy, struct bytes prefix,
      struct error *err)
{
    char id[JOB_ID_SIZE];
    enum status st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);

    if (st == ST_OK) {
        st = check_others(call, err);
    }
    if (st == ST_OK) {
        st = rechunk_job_start(
            call->native->jobs, call->native->objects,
            &(struct rechunk_job_options){
                .bucket = call->bck.own_name,
                .prefix = prefix,
                .policy = has_policy ? policy : bucket_chunk_policy(&call->bucket.properties)},
            id, err);
    }
    if (st == ST_OK) {
        native_reply_text(call, arena_copy(call->arena, bytes_of_string(id)));
    }
    return st;
}

/* SPEC: RechunkMsg; sizes are numbers of bytes, a chunk size there must be.  Without a message at
 * all the bucket's properties hold. */
static enum status
rechunk_bucket(struct native_call *call, struct error *err)
{
    const json_t *value = call->message.value;
    bool has_policy = native_json_get(value, "chunk-size") != NULL ||
                      native_json_get(value, "objsize-limit") != NULL;
    int64_t chunk = native_json_number(value, "chunk-size", 0);
    int64_t limit = native_json_number(value, "objsize-limit", 0);

    if (native_json_bool(value, "sync-remote")) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "sync-remote is not supported: the bucket has no remote backend");
    }
    if (has_policy && (chunk <= 0 || limit < 0)) {
        return fail(err, ST_INVALID, "rechunk: %s",
                    chunk <= 0 ? "chunk size is not set" : "objsize-limit is negative");
    }
    return start(
        call, has_policy,
        (struct chunk_policy){.chunk_bytes = (uint64_t)chunk, .limit_bytes = (uint64_t)limit},
        native_json_text(value, "prefix"), err);
}

enum status
native_rechunk_start(struct native_call *call, struct error *err)
{
    const json_t *bck = native_json_get(call->message.value, "bck");
    const json_t *ns = native_json_get(bck, "namespace");
    struct bytes ns_text =
        arena_printf_bytes(call->arena, "@%.*s#%.*s", BYTES_ARGS(native_json_text(ns, "uuid")),
                           BYTES_ARGS(native_json_text(ns, "name")));
    enum status st =
        native_json_text(bck, "name").size == 0
            ? fail(err, ST_INVALID, "a job of kind \"rechunk\" needs a bucket")
            : native_bck_init(native_json_text(bck, "provider"), ns_text,
                              native_json_text(bck, "name"), call->arena, &call->bck, err);

    return st == ST_OK
               ? start(call, false, (struct chunk_policy){.chunk_bytes = 0}, BYTES_NONE, err)
               : st;
}

static const struct native_route ROUTES[] = {
    {.name = "NativeRechunkBucket",
     .method = "POST",
     .path = "/v1/buckets/{bucket}",
     .action = "rechunk",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Start a job that writes a bucket's objects in chunks of chunk-size bytes if they have "
            "objsize-limit bytes or more, else in one piece; without a value, as the bucket's "
            "properties say. Reads and writes go on.",
     .takes = "{action: 'rechunk', value?: {chunk-size?: int, objsize-limit?: int, prefix?: text, "
              "sync-remote?: bool}}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {404, 409, 501},
     .example = {.step = 207,
                 .body = "{\"action\": \"rechunk\", \"value\": {\"chunk-size\": 1048576, "
                         "\"objsize-limit\": 2097152}}",
                 .keeps = "JOB"},
     .run = rechunk_bucket},
};

const struct native_route_table native_routes_of_rechunk = {.routes = ROUTES,
                                                            .count = ARRAY_COUNT(ROUTES)};
