/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets: list, create, destroy, HEAD, properties, summary.
 * SPEC: AIStore ais/prxbck.go, api/bucket.go.
 */
#include <inttypes.h>

#include "base/check.h"
#include "jobs/selection_job.h"
#include "native/native_bprops.h"
#include "native/native_drain.h"
#include "native/native_job_list.h"
#include "native/native_route.h"
#include "object/bucket_value.h"

#include "base/banned.h"

#define BUCKETS_PATH "/v1/buckets"
#define BUCKET_PATH "/v1/buckets/{bucket}"
/* SPEC: AIStore presence=: only what is there, without or with properties; only what is not. */
#define PRESENCE_OUTSIDE_ONLY "5"
/* Those that have an effect here; native_bprops.c refuses others unless they hold anyway. */
#define PROPERTIES_TO_SET                                                                          \
    "{checksum?: {type?: text, validate_warm_get?: bool}, "                                        \
    "chunks?: {objsize_limit?: text | int, chunk_size?: text | int}}"

static enum status
list_buckets(struct native_call *call, struct error *err)
{
    struct buffer *out = &call->reply.body;
    struct bucket_list_options options = {.count_max = BUCKET_COUNT_MAX};
    struct bytes ns_name = call->bck.namespace_name;
    struct bucket_info *buckets;
    size_t count;
    size_t shown_count = 0;
    bool is_truncated;
    enum status st = bucket_list(call->native->objects, call->authentication.principal, &options,
                                 call->arena, &buckets, &count, &is_truncated, err);

    if (st != ST_OK) {
        return st;
    }
    buffer_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        struct native_bck bck;

        native_bck_of_own_name(buckets[i].name, &bck);
        if ((call->message.name.size > 0 && !bytes_equal(call->message.name, bck.name)) ||
            (ns_name.size > 0 && !bytes_equal(ns_name, bck.namespace_name)) ||
            bytes_equal_string(native_call_parameter(call, "presence"), PRESENCE_OUTSIDE_ONLY)) {
            continue;
        }
        buffer_append_string(out, shown_count++ > 0 ? "," : "");
        native_bck_append_json(&bck, out);
    }
    buffer_append_char(out, ']');
    native_reply_json(call);
    return ST_OK;
}

static enum status
create_bucket(struct native_call *call, struct error *err)
{
    struct bucket_properties properties;
    struct buffer url = BUFFER_INIT;
    bool is_own = false;
    enum status st;

    bucket_properties_init(&properties);
    st = native_bprops_apply(call->message.value, &properties, err);
    if (st != ST_OK) {
        return st;
    }
    st = bucket_create_native(call->native->objects, call->authentication.principal,
                              call->bck.own_name, &properties, &is_own, err);
    if (st == ST_EXISTS) {
        native_bck_append_url(&call->bck, &url);
        st = fail_as(err, ST_EXISTS, "ErrBucketAlreadyExists", "bucket \"%.*s\" already exists",
                     (int)url.size, url.data);
        buffer_release(&url);
    }
    return st;
}

/* SPEC: AIStore destroy-bck: with all that is in it. */
static enum status
destroy_bucket(struct native_call *call, struct error *err)
{
    enum status st = native_call_open_bucket(call, ACTION_DELETE_BUCKET, err);

    return st == ST_OK ? native_drain_destroy(&call->bucket, err) : st;
}

static void
append_summary(struct native_call *call, const struct native_count *count, struct buffer *out)
{
    native_bck_append_json(&call->bck, out);
    CHECK(out->size > 0 && out->data[out->size - 1] == '}');
    out->size--;
    buffer_printf(
        out,
        ",\"ObjCount\":{\"obj_count_present\":\"%" PRIu64
        "\",\"obj_count_remote\":\"0\"},\"ObjSize\":{\"obj_min_size\":%" PRIu64
        ",\"obj_avg_size\":%" PRIu64 ",\"obj_max_size\":%" PRIu64
        "},\"TotalSize\":{\"size_on_disk\":\"%" PRIu64 "\",\"size_all_present_objs\":\"%" PRIu64
        "\",\"size_all_remote_objs\":\"0\",\"total_disks_size\":\"%" PRIu64
        "\"},\"used_pct\":%" PRIu64 ",\"is_present\":true}",
        count->object_count, count->size_min,
        count->object_count > 0 ? count->byte_count / count->object_count : 0, count->size_max,
        count->stored_bytes, count->byte_count, native_drain_disk_bytes(call->native->objects),
        native_drain_used_percent(call->native->objects, count->stored_bytes));
}

/* Starts the job that counts. */
static enum status
start_summary(struct native_call *call, struct bytes prefix, struct bytes *ret_id,
              struct error *err)
{
    const struct walk_options options = {.kind = &selection_summary,
                                         .source = call->bck.own_name,
                                         .template = prefix,
                                         .is_prefix = true};
    char id[JOB_ID_SIZE];
    enum status st = walk_start(call->native->jobs, call->native->objects, &options, id, err);

    if (st == ST_OK) {
        *ret_id = arena_copy(call->arena, bytes_of_string(id));
    }
    return st;
}

/* False: it is of another bucket. */
static bool
read_report(struct native_call *call, struct bytes text, struct native_count *count)
{
    json_t *report = json_loadb(text.data, text.size, 0, NULL);
    bool is_ours = bytes_equal(native_json_text(report, "source"), call->bck.own_name);

    *count = (struct native_count){
        .object_count = (uint64_t)native_json_number(report, "objects", 0),
        .byte_count = (uint64_t)native_json_number(report, "bytes", 0),
        .stored_bytes = (uint64_t)native_json_number(report, "stored_bytes", 0),
        .size_min = (uint64_t)native_json_number(report, "size_min", 0),
        .size_max = (uint64_t)native_json_number(report, "size_max", 0)};
    json_decref(report);
    return is_ours;
}

/* What the job has counted; ST_WOULD_WAIT: it is not done.  An id that is not known any more, or is
 * of another bucket: it is counted now. */
static enum status
take_summary(struct native_call *call, struct bytes id, struct bytes prefix,
             struct native_count *ret_count, struct error *err)
{
    struct native_job_list list;
    const struct job_info *job;
    enum status st = native_job_list(call, id, false, &list, err);

    if (st != ST_OK) {
        return st;
    }
    job = list.count > 0 ? &list.jobs[0].info : NULL;
    if (job == NULL && list.missing.size > 0) {
        return fail(err, ST_UNAVAILABLE, "node %.*s, which may have counted, does not answer",
                    BYTES_ARGS(list.missing));
    }
    if (job == NULL || strcmp(job->kind, selection_summary.job.name) != 0 ||
        !read_report(call, job->report, ret_count)) {
        return native_drain_count(&call->bucket, prefix, ret_count, err);
    }
    if (job->state == JOB_RUNNING) {
        return fail(err, ST_WOULD_WAIT, "it is being counted");
    }
    return job->state == JOB_FINISHED
               ? ST_OK
               : fail(err, ST_UNAVAILABLE, "the summary ended early: %s", job->text);
}

/* SPEC: AIStore: HEAD with bsumm_remote first answers 202 and an id, then 200 with the summary. */
static enum status
head_bucket(struct native_call *call, struct error *err)
{
    bool wants_summary = native_call_parameter(call, "bsumm_remote").size > 0;
    struct bytes id = native_call_parameter(call, "uuid");
    bool is_going_on = false;
    struct buffer text = BUFFER_INIT;
    struct native_count count;
    enum status st = native_call_open_bucket(call, ACTION_LIST_BUCKET, err);

    if (st != ST_OK) {
        return st;
    }
    native_bprops_append(&call->bck, &call->bucket, &text);
    native_reply_header(call, "Ais-Bucket-Props", arena_copy(call->arena, buffer_bytes(&text)));
    buffer_clear(&text);
    if (wants_summary && id.size == 0) {
        st = start_summary(call, call->object_name, &id, err);
        is_going_on = st == ST_OK;
    } else if (wants_summary) {
        st = take_summary(call, id, call->object_name, &count, err);
        is_going_on = st == ST_WOULD_WAIT;
        if (st == ST_OK) {
            append_summary(call, &count, &text);
            native_reply_header(call, "Ais-Bucket-Summ",
                                arena_copy(call->arena, buffer_bytes(&text)));
        }
    }
    if (is_going_on) {
        st = ST_OK;
        native_reply_header(call, "Ais-Xaction-Id", id);
        call->reply.http_status = 202;
    }
    buffer_release(&text);
    return st;
}

/* SPEC: the first call answers 202 with an id, those with it 202 until it is counted, then 200. */
static enum status
summarize_bucket(struct native_call *call, struct error *err)
{
    struct native_count count;
    struct bytes prefix = native_json_text(call->message.value, "prefix");
    struct bytes id = native_json_text(call->message.value, "uuid");
    enum status st = native_call_open_bucket(call, ACTION_LIST_BUCKET, err);

    if (st == ST_OK && id.size == 0) {
        st = start_summary(call, prefix, &id, err);
        st = st == ST_OK ? ST_WOULD_WAIT : st;
    } else if (st == ST_OK) {
        st = take_summary(call, id, prefix, &count, err);
    }
    if (st == ST_WOULD_WAIT) {
        native_reply_text(call, id);
        call->reply.http_status = 202;
        return ST_OK;
    }
    if (st == ST_OK) {
        buffer_append_char(&call->reply.body, '[');
        append_summary(call, &count, &call->reply.body);
        buffer_append_char(&call->reply.body, ']');
        native_reply_json(call);
    }
    return st;
}

static const struct native_field PRESENCE = {
    .name = "presence",
    .doc = "5: only buckets that are elsewhere, so none; other numbers: all.",
    .words = "0 1 2 3 4 5"};
static const struct native_field WITH_SUMMARY = {
    .name = "bsumm_remote",
    .doc = "Unless empty, also a summary; the first answer is then 202.",
    .is_bool = true};
static const struct native_field SUMMARY_ID = {.name = "uuid",
                                               .doc = "What the first answer said."};
static const struct native_field REPLY_PROPERTIES = {
    .name = "Ais-Bucket-Props", .doc = "The bucket's properties, JSON as of #Bprops."};
static const struct native_field REPLY_SUMMARY = {.name = "Ais-Bucket-Summ",
                                                  .doc = "The summary, JSON as of #BucketSummary."};
static const struct native_field REPLY_ID = {.name = "Ais-Xaction-Id",
                                             .doc = "Ask again with it as uuid."};

static const struct native_named_shape SHAPES[] = {
    {"Bck", "{name: text, provider: text, namespace: {uuid: text, name: text}}"},
    {"BucketSummary",
     "{name: text, provider: text, namespace: {uuid: text, name: text}, "
     "ObjCount: {obj_count_present: digits, obj_count_remote: digits}, "
     "ObjSize: {obj_min_size: int, obj_avg_size: int, obj_max_size: int}, "
     "TotalSize: {size_on_disk: digits, size_all_present_objs: digits, "
     "size_all_remote_objs: digits, total_disks_size: digits}, used_pct: int, is_present: bool}"},
};

static const struct native_route ROUTES[] = {
    {.name = "NativeListBuckets",
     .method = "GET",
     .path = BUCKETS_PATH,
     .action = "list",
     .is_action_optional = true,
     .body = NATIVE_BODY_MESSAGE,
     .is_bucket_optional = true,
     .doc = "List the buckets that the caller may see; with a name, that one if it is there.",
     .query = {&PRESENCE},
     .takes = "{action?: 'list' | '', name?: text}",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "[Bck]",
                  .doc = "In the order of their names."}},
     .fails = {501},
     .example = {.step = 30},
     .run = list_buckets},
    {.name = "NativeSummarizeBucket",
     .method = "GET",
     .path = BUCKET_PATH,
     .action = "summary-bck",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Count objects and bytes of a bucket.",
     .takes = "{action: 'summary-bck', value?: {uuid?: text, prefix?: text}}",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "[BucketSummary]",
                  .doc = "One summary."},
                 {.http_status = 202,
                  .media = NATIVE_TEXT,
                  .doc = "An id; ask again with it as uuid."}},
     .fails = {404},
     .example = {.step = 190, .http_status = 202},
     .run = summarize_bucket},
    {.name = "NativeHeadBucket",
     .method = "HEAD",
     .path = BUCKET_PATH,
     .doc = "Ask for a bucket's properties.",
     .query = {&PRESENCE, &WITH_SUMMARY, &SUMMARY_ID},
     .answers = {{.http_status = 200,
                  .doc = "It is there.",
                  .headers = {&REPLY_PROPERTIES, &REPLY_SUMMARY}},
                 {.http_status = 202,
                  .doc = "Ask again.",
                  .headers = {&REPLY_PROPERTIES, &REPLY_ID}}},
     .fails = {404},
     .example = {.step = 175},
     .run = head_bucket},
    {.name = "NativeHeadPrefix",
     .method = "HEAD",
     .path = BUCKET_PATH "/{object}",
     .doc = "Count objects and bytes whose names begin with what follows the bucket.",
     .needs = {&WITH_SUMMARY},
     .query = {&PRESENCE, &SUMMARY_ID},
     .answers =
         {{.http_status = 200, .doc = "Counted.", .headers = {&REPLY_PROPERTIES, &REPLY_SUMMARY}},
          {.http_status = 202, .doc = "Ask again.", .headers = {&REPLY_PROPERTIES, &REPLY_ID}}},
     .fails = {404},
     .example = {.step = 180, .query = "bsumm_remote=false&uuid=1"},
     .run = head_bucket},
    {.name = "NativeCreateBucket",
     .method = "POST",
     .path = BUCKET_PATH,
     .action = "create-bck",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Create a bucket; a property that cannot be set here is refused by its name.",
     .takes = "{action: 'create-bck', value?: " PROPERTIES_TO_SET "}",
     .answers = {{.http_status = 200, .doc = "It is there."}},
     .fails = {409, 501},
     .example = {.step = 20},
     .run = create_bucket},
    {.name = "NativeDestroyBucket",
     .method = "DELETE",
     .path = BUCKET_PATH,
     .action = "destroy-bck",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Destroy a bucket with all that is in it.",
     .takes = "{action: 'destroy-bck'}",
     .answers = {{.http_status = 200, .doc = "It is gone."}},
     .fails = {404, 409},
     .example = {.step = 910},
     .run = destroy_bucket},
};

const struct native_route_table native_routes_of_buckets = {.routes = ROUTES,
                                                            .count = ARRAY_COUNT(ROUTES),
                                                            .shapes = SHAPES,
                                                            .shape_count = ARRAY_COUNT(SHAPES)};

/* ---- properties ---- */

static enum status
set_properties(struct native_call *call, struct error *err)
{
    struct bucket_properties properties;
    enum status st = native_call_open_bucket(call, ACTION_PUT_BUCKET_CONFIGURATION, err);

    if (st != ST_OK) {
        return st;
    }
    properties = call->bucket.properties;
    st = native_bprops_apply(call->message.value, &properties, err);
    return st == ST_OK
               ? bucket_set_properties(call->native->objects, call->authentication.principal,
                                       call->bck.own_name, &properties, err)
               : st;
}

static enum status
reset_properties(struct native_call *call, struct error *err)
{
    struct bucket_properties properties;
    enum status st = native_call_open_bucket(call, ACTION_PUT_BUCKET_CONFIGURATION, err);

    bucket_properties_init(&properties);
    return st == ST_OK
               ? bucket_set_properties(call->native->objects, call->authentication.principal,
                                       call->bck.own_name, &properties, err)
               : st;
}

static const struct native_named_shape PROPERTY_SHAPES[] = {
    {"Bprops", NATIVE_BPROPS_SHAPE},
};

static const struct native_route PROPERTY_ROUTES[] = {
    {.name = "NativeSetBucketProps",
     .method = "PATCH",
     .path = BUCKET_PATH,
     .action = "set-bprops",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Change properties of a bucket; one that cannot be changed is refused by its name.",
     .takes = "{action: 'set-bprops', value?: " PROPERTIES_TO_SET "}",
     .answers = {{.http_status = 200, .doc = "They are changed."}},
     .fails = {404, 501},
     .example = {.step = 200,
                 .body = "{\"action\": \"set-bprops\", \"value\": "
                         "{\"checksum\": {\"type\": \"sha256\"}}}"},
     .run = set_properties},
    {.name = "NativeResetBucketProps",
     .method = "PATCH",
     .path = BUCKET_PATH,
     .action = "reset-bprops",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Give a bucket the properties of a new one.",
     .takes = "{action: 'reset-bprops'}",
     .answers = {{.http_status = 200, .doc = "They are changed."}},
     .fails = {404},
     .example = {.step = 205},
     .run = reset_properties},
};

const struct native_route_table native_routes_of_bucket_properties = {
    .routes = PROPERTY_ROUTES,
    .count = ARRAY_COUNT(PROPERTY_ROUTES),
    .shapes = PROPERTY_SHAPES,
    .shape_count = ARRAY_COUNT(PROPERTY_SHAPES)};
