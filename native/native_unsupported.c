/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AIStore's API has and this server does not, or not yet: refused in AIStore's own form, so
 * that clients know that it is the server and not their request.  Never an empty success.
 */
#include "base/check.h"
#include "native/native_route.h"

#include "base/banned.h"

static enum status
refuse(struct native_call *call, struct error *err)
{
    return fail(err, ST_NOT_IMPLEMENTED, "%s is not supported", call->route->doc);
}

static enum status
refuse_streamed(struct native_call *call, struct error *err)
{
    return refuse(call, err);
}

/* Their examples come last, in the order of the rows. */
#define UNSUPPORTED_STEP 1000

#define UNSUPPORTED(method_, path_, selector_, action_, body_, what_)                              \
    {                                                                                              \
        .name = "NativeUnsupported", .method = (method_), .path = (path_),                         \
        .selector = (selector_), .action = (action_), .body = (body_), .doc = (what_),             \
        .fails = {501}, .example = {.step = UNSUPPORTED_STEP, .http_status = 501},                 \
        .prepare = (body_) == NATIVE_BODY_STREAMED ? refuse_streamed : NULL, .run = refuse         \
    }
#define BUCKET "/v1/buckets/{bucket}"
#define OBJECT "/v1/objects/{bucket}/{object}"
#define MESSAGE(method, path, action, what)                                                        \
    UNSUPPORTED(method, path, NULL, action, NATIVE_BODY_MESSAGE, what)
#define PLAIN(method, path, what) UNSUPPORTED(method, path, NULL, NULL, NATIVE_BODY_NONE, what)

static const struct native_route ROUTES[] = {
    MESSAGE("DELETE", BUCKET, "evict-remote-bck", "evicting a bucket without a remote backend"),
    MESSAGE("DELETE", BUCKET, "evict-listrange", "evicting objects without a remote backend"),
    MESSAGE("DELETE", BUCKET, "destroy-inventory", "native bucket inventory"),
    MESSAGE("GET", BUCKET, "show-inventory", "native bucket inventory"),
    MESSAGE("GET", BUCKET, "summary-shard", "summary of shards"),
    MESSAGE("GET", "/v1/buckets", "summary-bck", "summary of all buckets at once"),
    MESSAGE("POST", BUCKET, "create-inventory", "native bucket inventory"),
    MESSAGE("POST", BUCKET, "prefetch-listrange", "prefetching without a remote backend"),
    MESSAGE("POST", BUCKET, "etl-bck", "ETL"),
    MESSAGE("POST", BUCKET, "etl-listrange", "ETL"),
    MESSAGE("POST", BUCKET, "index-shard", "indexing of shards"),
    MESSAGE("POST", BUCKET, "make-n-copies", "mirroring"),
    MESSAGE("POST", BUCKET, "ec-encode", "erasure coding"),
    MESSAGE("PUT", BUCKET, "archive", "archiving objects"),
    MESSAGE("POST", "/v1/objects/{bucket}", "blob-download",
            "blob download without a remote backend"),
    MESSAGE("DELETE", OBJECT, "evict-listrange", "evicting an object without a remote backend"),
    MESSAGE("POST", OBJECT, "blob-download", "blob download without a remote backend"),
    UNSUPPORTED("PUT", OBJECT, "archpath", NULL, NATIVE_BODY_STREAMED, "appending to an archive"),
    UNSUPPORTED("PUT", OBJECT, "etl_name", NULL, NATIVE_BODY_STREAMED, "ETL"),
    PLAIN("GET", "/v1/etl", "ETL"),
    PLAIN("PUT", "/v1/etl", "ETL"),
    PLAIN("GET", "/v1/etl/{name}", "ETL"),
    PLAIN("DELETE", "/v1/etl/{name}", "ETL"),
    PLAIN("POST", "/v1/etl/{name}/start", "ETL"),
    PLAIN("POST", "/v1/etl/{name}/stop", "ETL"),
    PLAIN("GET", "/v1/etl/{name}/logs", "ETL"),
    PLAIN("GET", "/v1/etl/{name}/logs/{target}", "ETL"),
    PLAIN("GET", "/v1/etl/{name}/health", "ETL"),
    PLAIN("GET", "/v1/etl/{name}/metrics", "ETL"),
    PLAIN("GET", "/v1/ml/moss", "get-batch"),
    PLAIN("GET", "/v1/ml/moss/{bucket}", "get-batch"),
    PLAIN("GET", "/v1/download", "download"),
    PLAIN("POST", "/v1/download", "download"),
    PLAIN("DELETE", "/v1/download/{name}", "download"),
    PLAIN("GET", "/v1/sort", "dsort"),
    PLAIN("POST", "/v1/sort", "dsort"),
    PLAIN("DELETE", "/v1/sort", "dsort"),
    PLAIN("DELETE", "/v1/sort/{name}", "dsort"),
    PLAIN("GET", "/v1/daemon", "this question to a node"),
    PLAIN("GET", "/v1/reverse/daemon", "this question to a node"),
    PLAIN("PUT", "/v1/daemon", "this action on a node"),
    PLAIN("PUT", "/v1/reverse/daemon", "this action on a node"),
    PLAIN("PUT", "/v1/reverse/daemon/{name}", "this action on a node"),
    PLAIN("POST", "/v1/reverse/daemon/{name}", "this action on a node"),
    PLAIN("DELETE", "/v1/reverse/daemon/{name}", "this action on a node"),
    PLAIN("GET", "/v1/cluster", "this question to the cluster"),
    PLAIN("POST", "/v1/cluster", "this action on the cluster"),
    PLAIN("PUT", "/v1/cluster/{name}", "this action on the cluster"),
    PLAIN("POST", "/v1/cluster/{name}", "this action on the cluster"),
    PLAIN("POST", "/v1/tokens", "token authentication"),
    PLAIN("DELETE", "/v1/tokens", "token authentication"),
};

/* SPEC: AIStore cmn/err.go. */
static const struct native_named_shape SHAPES[] = {
    {"Error", "{tcode?: text, message: text, method: text, url_path: text, remote_addr: text, "
              "caller: text, node: text, status: int}"},
};

const struct native_route_table native_routes_unsupported = {.routes = ROUTES,
                                                             .count = ARRAY_COUNT(ROUTES),
                                                             .shapes = SHAPES,
                                                             .shape_count = ARRAY_COUNT(SHAPES)};
