/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets: list, create, destroy, HEAD, properties, summary.
 * SPEC: AIStore ais/prxbck.go, api/bucket.go.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "native/native_bprops.h"
#include "native/native_drain.h"
#include "native/native_route.h"
#include "object/bucket_value.h"

#include "base/banned.h"

#define BUCKETS_PATH "/v1/buckets"
#define BUCKET_PATH "/v1/buckets/{bucket}"
/* SPEC: AIStore presence=: only what is there, without or with properties; only what is not. */
#define PRESENCE_OUTSIDE_ONLY "5"

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
        if ((ns_name.size > 0 && !bytes_equal(ns_name, bck.namespace_name)) ||
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

static struct bytes
summary_id(struct native_call *call)
{
    unsigned char salt[6];
    char text[2 * sizeof(salt) + 1];

    entropy_fill(salt, sizeof(salt));
    encode_hex(bytes_of(salt, sizeof(salt)), text);
    return arena_copy(call->arena, bytes_of_string(text));
}

/* SPEC: AIStore: HEAD with bsumm_remote first answers 202 and an id, then 200 with the summary. */
static enum status
head_bucket(struct native_call *call, struct error *err)
{
    bool wants_summary = native_call_parameter(call, "bsumm_remote").size > 0;
    struct buffer text = BUFFER_INIT;
    struct native_count count;
    enum status st = native_call_open_bucket(call, ACTION_LIST_BUCKET, err);

    if (st != ST_OK) {
        return st;
    }
    native_bprops_append(&call->bck, &call->bucket, &text);
    native_reply_header(call, "Ais-Bucket-Props", arena_copy(call->arena, buffer_bytes(&text)));
    buffer_clear(&text);
    if (wants_summary && native_call_parameter(call, "uuid").size == 0) {
        native_reply_header(call, "Ais-Xaction-Id", summary_id(call));
        call->reply.http_status = 202;
    } else if (wants_summary) {
        st = native_drain_count(&call->bucket, call->object_name, &count, err);
        if (st == ST_OK) {
            append_summary(call, &count, &text);
            native_reply_header(call, "Ais-Bucket-Summ",
                                arena_copy(call->arena, buffer_bytes(&text)));
        }
    }
    buffer_release(&text);
    return st;
}

/* SPEC: the first call answers 202 with an id, those with the id 200. */
static enum status
summarize_bucket(struct native_call *call, struct error *err)
{
    struct native_count count;
    struct bytes prefix = native_json_text(call->message.value, "prefix");
    enum status st = native_call_open_bucket(call, ACTION_LIST_BUCKET, err);

    if (st == ST_OK && native_json_text(call->message.value, "uuid").size == 0) {
        native_reply_text(call, summary_id(call));
        call->reply.http_status = 202;
        return ST_OK;
    }
    if (st == ST_OK) {
        st = native_drain_count(&call->bucket, prefix, &count, err);
    }
    if (st == ST_OK) {
        buffer_append_char(&call->reply.body, '[');
        append_summary(call, &count, &call->reply.body);
        buffer_append_char(&call->reply.body, ']');
        native_reply_json(call);
    }
    return st;
}

static const struct native_route ROUTES[] = {
    {.name = "NativeListBuckets",
     .method = "GET",
     .path = BUCKETS_PATH,
     .action = "list",
     .body = NATIVE_BODY_MESSAGE,
     .is_bucket_optional = true,
     .query = "presence: 5 shows none, others all",
     .takes = "{\"action\": \"list\"}, or nothing",
     .answers = "200 with a JSON array of buckets",
     .doc = "List the buckets that the caller may see.",
     .run = list_buckets},
    {.name = "NativeListBuckets",
     .method = "GET",
     .path = BUCKETS_PATH,
     .action = "",
     .body = NATIVE_BODY_MESSAGE,
     .is_bucket_optional = true,
     .query = "presence: 5 shows none, others all",
     .takes = "nothing",
     .answers = "200 with a JSON array of buckets",
     .doc = "List the buckets that the caller may see.",
     .run = list_buckets},
    {.name = "NativeSummarizeBucket",
     .method = "GET",
     .path = BUCKET_PATH,
     .action = "summary-bck",
     .body = NATIVE_BODY_MESSAGE,
     .query = "none",
     .takes = "{\"action\": \"summary-bck\", \"value\": {\"uuid\", \"prefix\"}}",
     .answers = "202 with an id; with that id 200 and a JSON array of one summary; 404",
     .doc = "Count objects and bytes of a bucket.",
     .run = summarize_bucket},
    {.name = "NativeHeadBucket",
     .method = "HEAD",
     .path = BUCKET_PATH,
     .query = "bsumm_remote: also a summary, after a 202 with Ais-Xaction-Id; uuid: that id",
     .takes = "nothing",
     .answers = "200 with Ais-Bucket-Props and Ais-Bucket-Summ; 202; 404 with Hdr-Error",
     .doc = "Ask for a bucket's properties.",
     .run = head_bucket},
    {.name = "NativeHeadBucket",
     .method = "HEAD",
     .path = BUCKET_PATH "/{object}",
     .query = "bsumm_remote, uuid: as above",
     .takes = "nothing; what follows the bucket is a prefix",
     .answers = "200 with Ais-Bucket-Props and Ais-Bucket-Summ; 202; 404 with Hdr-Error",
     .doc = "Ask for a bucket's properties and the summary of a prefix.",
     .run = head_bucket},
    {.name = "NativeCreateBucket",
     .method = "POST",
     .path = BUCKET_PATH,
     .action = "create-bck",
     .body = NATIVE_BODY_MESSAGE,
     .query = "none",
     .takes = "{\"action\": \"create-bck\", \"value\": properties or null}",
     .answers = "200; 400; 409; 501 for a property that has no effect here",
     .doc = "Create a bucket.",
     .run = create_bucket},
    {.name = "NativeDestroyBucket",
     .method = "DELETE",
     .path = BUCKET_PATH,
     .action = "destroy-bck",
     .body = NATIVE_BODY_MESSAGE,
     .query = "none",
     .takes = "{\"action\": \"destroy-bck\"}",
     .answers = "200; 404; 409 if others keep writing into it",
     .doc = "Destroy a bucket with all that is in it.",
     .run = destroy_bucket},
};

const struct native_route_table native_routes_of_buckets = {ROUTES, ARRAY_COUNT(ROUTES)};

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

static const struct native_route PROPERTY_ROUTES[] = {
    {.name = "NativeSetBucketProps",
     .method = "PATCH",
     .path = BUCKET_PATH,
     .action = "set-bprops",
     .body = NATIVE_BODY_MESSAGE,
     .query = "none",
     .takes = "{\"action\": \"set-bprops\", \"value\": {\"checksum\": {\"type\": ...}, "
              "\"chunks\": {\"chunk_size\": ...}}}",
     .answers = "200; 400 unknown property; 404; 501 for one that has no effect here",
     .doc = "Change properties of a bucket.",
     .run = set_properties},
    {.name = "NativeResetBucketProps",
     .method = "PATCH",
     .path = BUCKET_PATH,
     .action = "reset-bprops",
     .body = NATIVE_BODY_MESSAGE,
     .query = "none",
     .takes = "{\"action\": \"reset-bprops\"}",
     .answers = "200; 404",
     .doc = "Give a bucket the properties of a new one.",
     .run = reset_properties},
};

const struct native_route_table native_routes_of_bucket_properties = {PROPERTY_ROUTES,
                                                                      ARRAY_COUNT(PROPERTY_ROUTES)};
