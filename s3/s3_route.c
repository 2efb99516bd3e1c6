/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_route.h"

#include "base/check.h"
#include "object/object_store.h"

#include "base/banned.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_PUT, METHOD_POST, METHOD_DELETE, METHOD_OPTIONS };

/* One row for each sub-resource and verb of the S3 model.  Where two rows differ only in the
 * companion, the one with a companion stands first and counts if that parameter is there. */
struct subresource {
    const char *name;
    bool is_of_object;
    enum method method;
    const char *companion; /* a parameter that must be there too, or NULL */
    bool is_optional;      /* without the companion the next row counts */
    enum s3_operation_id id;
};

#define BUCKET(name, method, id)                                                                   \
    {                                                                                              \
        name, false, METHOD_##method, NULL, false, id                                              \
    }
#define BUCKET_ID(name, method, id)                                                                \
    {                                                                                              \
        name, false, METHOD_##method, "id", true, id                                               \
    }
#define OBJECT(name, method, id)                                                                   \
    {                                                                                              \
        name, true, METHOD_##method, NULL, false, id                                               \
    }
#define OBJECT_WITH(name, method, companion, id)                                                   \
    {                                                                                              \
        name, true, METHOD_##method, companion, false, id                                          \
    }

static const struct subresource SUBRESOURCES[] = {
    BUCKET("abac", GET, S3_GET_BUCKET_ABAC),
    BUCKET("abac", PUT, S3_PUT_BUCKET_ABAC),
    BUCKET("accelerate", GET, S3_GET_BUCKET_ACCELERATE_CONFIGURATION),
    BUCKET("accelerate", PUT, S3_PUT_BUCKET_ACCELERATE_CONFIGURATION),
    BUCKET("acl", GET, S3_GET_BUCKET_ACL),
    BUCKET("acl", PUT, S3_PUT_BUCKET_ACL),
    BUCKET_ID("analytics", GET, S3_GET_BUCKET_ANALYTICS_CONFIGURATION),
    BUCKET("analytics", GET, S3_LIST_BUCKET_ANALYTICS_CONFIGURATIONS),
    BUCKET("analytics", PUT, S3_PUT_BUCKET_ANALYTICS_CONFIGURATION),
    BUCKET("analytics", DELETE, S3_DELETE_BUCKET_ANALYTICS_CONFIGURATION),
    BUCKET("cors", GET, S3_GET_BUCKET_CORS),
    BUCKET("cors", PUT, S3_PUT_BUCKET_CORS),
    BUCKET("cors", DELETE, S3_DELETE_BUCKET_CORS),
    BUCKET("delete", POST, S3_DELETE_OBJECTS),
    BUCKET("encryption", GET, S3_GET_BUCKET_ENCRYPTION),
    BUCKET("encryption", PUT, S3_PUT_BUCKET_ENCRYPTION),
    BUCKET("encryption", DELETE, S3_DELETE_BUCKET_ENCRYPTION),
    BUCKET_ID("intelligent-tiering", GET, S3_GET_BUCKET_TIERING_CONFIGURATION),
    BUCKET("intelligent-tiering", GET, S3_LIST_BUCKET_TIERING_CONFIGURATIONS),
    BUCKET("intelligent-tiering", PUT, S3_PUT_BUCKET_TIERING_CONFIGURATION),
    BUCKET("intelligent-tiering", DELETE, S3_DELETE_BUCKET_TIERING_CONFIGURATION),
    BUCKET_ID("inventory", GET, S3_GET_BUCKET_INVENTORY_CONFIGURATION),
    BUCKET("inventory", GET, S3_LIST_BUCKET_INVENTORY_CONFIGURATIONS),
    BUCKET("inventory", PUT, S3_PUT_BUCKET_INVENTORY_CONFIGURATION),
    BUCKET("inventory", DELETE, S3_DELETE_BUCKET_INVENTORY_CONFIGURATION),
    BUCKET("lifecycle", GET, S3_GET_BUCKET_LIFECYCLE_CONFIGURATION),
    BUCKET("lifecycle", PUT, S3_PUT_BUCKET_LIFECYCLE_CONFIGURATION),
    BUCKET("lifecycle", DELETE, S3_DELETE_BUCKET_LIFECYCLE),
    BUCKET("location", GET, S3_GET_BUCKET_LOCATION),
    BUCKET("logging", GET, S3_GET_BUCKET_LOGGING),
    BUCKET("logging", PUT, S3_PUT_BUCKET_LOGGING),
    BUCKET("metadataAnnotationTable", PUT, S3_UPDATE_METADATA_ANNOTATION_TABLE),
    BUCKET("metadataConfiguration", GET, S3_GET_BUCKET_METADATA_CONFIGURATION),
    BUCKET("metadataConfiguration", POST, S3_CREATE_BUCKET_METADATA_CONFIGURATION),
    BUCKET("metadataConfiguration", DELETE, S3_DELETE_BUCKET_METADATA_CONFIGURATION),
    BUCKET("metadataInventoryTable", PUT, S3_UPDATE_METADATA_INVENTORY_TABLE),
    BUCKET("metadataJournalTable", PUT, S3_UPDATE_METADATA_JOURNAL_TABLE),
    BUCKET("metadataTable", GET, S3_GET_BUCKET_METADATA_TABLE),
    BUCKET("metadataTable", POST, S3_CREATE_BUCKET_METADATA_TABLE),
    BUCKET("metadataTable", DELETE, S3_DELETE_BUCKET_METADATA_TABLE),
    BUCKET_ID("metrics", GET, S3_GET_BUCKET_METRICS_CONFIGURATION),
    BUCKET("metrics", GET, S3_LIST_BUCKET_METRICS_CONFIGURATIONS),
    BUCKET("metrics", PUT, S3_PUT_BUCKET_METRICS_CONFIGURATION),
    BUCKET("metrics", DELETE, S3_DELETE_BUCKET_METRICS_CONFIGURATION),
    BUCKET("notification", GET, S3_GET_BUCKET_NOTIFICATION_CONFIGURATION),
    BUCKET("notification", PUT, S3_PUT_BUCKET_NOTIFICATION_CONFIGURATION),
    BUCKET("object-lock", GET, S3_GET_OBJECT_LOCK_CONFIGURATION),
    BUCKET("object-lock", PUT, S3_PUT_OBJECT_LOCK_CONFIGURATION),
    BUCKET("ownershipControls", GET, S3_GET_BUCKET_OWNERSHIP_CONTROLS),
    BUCKET("ownershipControls", PUT, S3_PUT_BUCKET_OWNERSHIP_CONTROLS),
    BUCKET("ownershipControls", DELETE, S3_DELETE_BUCKET_OWNERSHIP_CONTROLS),
    BUCKET("policy", GET, S3_GET_BUCKET_POLICY),
    BUCKET("policy", PUT, S3_PUT_BUCKET_POLICY),
    BUCKET("policy", DELETE, S3_DELETE_BUCKET_POLICY),
    BUCKET("policyStatus", GET, S3_GET_BUCKET_POLICY_STATUS),
    BUCKET("publicAccessBlock", GET, S3_GET_PUBLIC_ACCESS_BLOCK),
    BUCKET("publicAccessBlock", PUT, S3_PUT_PUBLIC_ACCESS_BLOCK),
    BUCKET("publicAccessBlock", DELETE, S3_DELETE_PUBLIC_ACCESS_BLOCK),
    BUCKET("replication", GET, S3_GET_BUCKET_REPLICATION),
    BUCKET("replication", PUT, S3_PUT_BUCKET_REPLICATION),
    BUCKET("replication", DELETE, S3_DELETE_BUCKET_REPLICATION),
    BUCKET("requestPayment", GET, S3_GET_BUCKET_REQUEST_PAYMENT),
    BUCKET("requestPayment", PUT, S3_PUT_BUCKET_REQUEST_PAYMENT),
    BUCKET("session", GET, S3_CREATE_SESSION),
    BUCKET("tagging", GET, S3_GET_BUCKET_TAGGING),
    BUCKET("tagging", PUT, S3_PUT_BUCKET_TAGGING),
    BUCKET("tagging", DELETE, S3_DELETE_BUCKET_TAGGING),
    BUCKET("uploads", GET, S3_LIST_MULTIPART_UPLOADS),
    BUCKET("versioning", GET, S3_GET_BUCKET_VERSIONING),
    BUCKET("versioning", PUT, S3_PUT_BUCKET_VERSIONING),
    BUCKET("versions", GET, S3_LIST_OBJECT_VERSIONS),
    BUCKET("website", GET, S3_GET_BUCKET_WEBSITE),
    BUCKET("website", PUT, S3_PUT_BUCKET_WEBSITE),
    BUCKET("website", DELETE, S3_DELETE_BUCKET_WEBSITE),

    OBJECT("acl", GET, S3_GET_OBJECT_ACL),
    OBJECT("acl", PUT, S3_PUT_OBJECT_ACL),
    {"annotation", true, METHOD_GET, "annotationName", true, S3_GET_OBJECT_ANNOTATION},
    OBJECT("annotation", GET, S3_LIST_OBJECT_ANNOTATIONS),
    OBJECT("annotation", PUT, S3_PUT_OBJECT_ANNOTATION),
    OBJECT("annotation", DELETE, S3_DELETE_OBJECT_ANNOTATION),
    OBJECT("attributes", GET, S3_GET_OBJECT_ATTRIBUTES),
    OBJECT("encryption", PUT, S3_UPDATE_OBJECT_ENCRYPTION),
    OBJECT("legal-hold", GET, S3_GET_OBJECT_LEGAL_HOLD),
    OBJECT("legal-hold", PUT, S3_PUT_OBJECT_LEGAL_HOLD),
    OBJECT("renameObject", PUT, S3_RENAME_OBJECT),
    OBJECT("restore", POST, S3_RESTORE_OBJECT),
    OBJECT("retention", GET, S3_GET_OBJECT_RETENTION),
    OBJECT("retention", PUT, S3_PUT_OBJECT_RETENTION),
    OBJECT("select", POST, S3_SELECT_OBJECT_CONTENT),
    OBJECT("tagging", GET, S3_GET_OBJECT_TAGGING),
    OBJECT("tagging", PUT, S3_PUT_OBJECT_TAGGING),
    OBJECT("tagging", DELETE, S3_DELETE_OBJECT_TAGGING),
    OBJECT("torrent", GET, S3_GET_OBJECT_TORRENT),
    OBJECT("uploadId", GET, S3_LIST_PARTS),
    OBJECT_WITH("uploadId", PUT, "partNumber", S3_UPLOAD_PART),
    OBJECT("uploadId", POST, S3_COMPLETE_MULTIPART_UPLOAD),
    OBJECT("uploadId", DELETE, S3_ABORT_MULTIPART_UPLOAD),
    OBJECT("uploads", POST, S3_CREATE_MULTIPART_UPLOAD),
};

struct routing {
    const struct s3_route_input *input;
    enum method method;
    struct s3_route *route;
};

static bool
parse_method(struct bytes text, enum method *ret_method)
{
    static const char *const NAMES[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        if (bytes_equal_string(text, NAMES[i])) {
            *ret_method = (enum method)i;
            return true;
        }
    }
    return false;
}

struct bytes
s3_route_host_bucket(const struct s3_route_input *input, struct arena *arena)
{
    struct bytes host = input->host;
    size_t colon = bytes_find_char(host, 0, ':');
    char *lower;

    if (input->domain_count == 0 || host.size == 0 || host.data[0] == '[') {
        return BYTES_NONE;
    }
    if (colon != SIZE_MAX) {
        host.size = colon;
    }
    lower = arena_alloc(arena, host.size + 1);
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    host.data = lower;
    for (size_t i = 0; i < input->domain_count; i++) {
        struct bytes domain = input->domains[i];

        if (host.size > domain.size + 1 && bytes_has_suffix(host, domain) &&
            host.data[host.size - domain.size - 1] == '.') {
            return bytes_of(lower, host.size - domain.size - 1);
        }
    }
    return BYTES_NONE;
}

struct bytes
s3_route_resource(const struct s3_route_input *input, struct arena *arena)
{
    struct bytes bucket = s3_route_host_bucket(input, arena);
    struct bytes path = input->path;

    if (bucket.data != NULL) {
        return arena_printf_bytes(arena, "/%.*s%.*s", BYTES_ARGS(bucket), BYTES_ARGS(path));
    }
    if (bytes_equal_string(path, "/s3") || bytes_has_prefix(path, BYTES_LITERAL("/s3/"))) {
        path = bytes_slice(path, strlen("/s3"), path.size);
    }
    return path.size == 0 || bytes_find_char(path, 1, '/') == SIZE_MAX
               ? arena_printf_bytes(arena, "%.*s%s", BYTES_ARGS(path),
                                    bytes_equal_string(path, "/") ? "" : "/")
               : path;
}

static enum status
decode_key(struct bytes text, struct arena *arena, struct s3_route *route, struct error *err)
{
    struct bytes key;
    enum status st = s3_decode(text, false, arena, &key, err);

    if (st != ST_OK) {
        return st;
    }
    route->key = key;
    if (key.size > OBJECT_KEY_BYTES_MAX) {
        return fail_as(err, ST_INVALID, "KeyTooLongError",
                       "Your key is too long: it has %zu bytes and may have %d.", key.size,
                       OBJECT_KEY_BYTES_MAX);
    }
    return ST_OK;
}

/* Bucket and key from host and path. */
static enum status
split_path(const struct s3_route_input *input, struct arena *arena, struct s3_route *route,
           struct error *err)
{
    struct bytes rest = input->path;
    struct bytes bucket;
    struct bytes host_bucket;

    if (rest.size == 0 || rest.data[0] != '/') {
        return fail_as(err, ST_INVALID, "InvalidURI", "The path does not begin with a slash.");
    }
    rest = bytes_slice(rest, 1, rest.size);
    host_bucket = s3_route_host_bucket(input, arena);
    if (host_bucket.data != NULL) {
        route->bucket = host_bucket;
        return decode_key(rest, arena, route, err);
    }
    bucket = bytes_cut(&rest, '/');
    if (bytes_equal_string(bucket, "v1")) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "Paths that begin with /v1 belong to the native API, which this server does "
                    "not serve yet; S3 buckets have names of 3 characters or more.");
    }
    if (bytes_equal_string(bucket, "s3")) {
        bucket = bytes_cut(&rest, '/');
    }
    if (bucket.size == 0) {
        if (rest.size != 0) {
            return fail_as(err, ST_INVALID, "InvalidBucketName",
                           "The path names a key but no bucket.");
        }
        return ST_OK;
    }
    if (s3_decode(bucket, false, arena, &route->bucket, NULL) != ST_OK) {
        return fail_as(err, ST_INVALID, "InvalidBucketName",
                       "The specified bucket is not valid: its name is not percent-encoded "
                       "UTF-8 without NUL.");
    }
    return decode_key(rest, arena, route, err);
}

bool
s3_route_is_subresource(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(SUBRESOURCES); i++) {
        if (bytes_equal_string(name, SUBRESOURCES[i].name)) {
            return true;
        }
    }
    return false;
}

static bool
is_amz_parameter(const struct s3_parameter *parameter)
{
    return parameter->name.size > 6 &&
           bytes_equal_ignore_case(bytes_slice(parameter->name, 0, 6), "x-amz-");
}

/* The one sub-resource that the query names, NULL if none.  A parameter without a value on a write
 * is taken for a sub-resource that we do not know yet: it must not become the plain verb. */
static enum status
find_subresource(const struct routing *routing, const struct s3_parameter **ret_found,
                 struct error *err)
{
    const struct s3_query *query = &routing->route->query;
    const struct s3_parameter *found = NULL;
    bool is_write = routing->method == METHOD_PUT || routing->method == METHOD_POST ||
                    routing->method == METHOD_DELETE;

    for (size_t i = 0; i < query->count; i++) {
        const struct s3_parameter *parameter = &query->parameters[i];
        bool is_known = s3_route_is_subresource(parameter->name);

        if (!is_known && is_write && !parameter->has_value &&
            !bytes_equal_string(parameter->name, "versionId") &&
            !bytes_equal_string(parameter->name, "partNumber") && !is_amz_parameter(parameter)) {
            return fail(err, ST_NOT_IMPLEMENTED, "The sub-resource %.*s is not implemented.",
                        (int)(parameter->name.size < 64 ? parameter->name.size : 64),
                        parameter->name.data);
        }
        if (!is_known) {
            continue;
        }
        if (found != NULL && !bytes_equal(found->name, parameter->name)) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "Conflicting query string parameters: %.*s, %.*s.",
                           BYTES_ARGS(found->name), BYTES_ARGS(parameter->name));
        }
        found = parameter;
    }
    *ret_found = found;
    return ST_OK;
}

static enum status
accept(const struct routing *routing, enum s3_operation_id id)
{
    if (routing->input->has_copy_source && id == S3_PUT_OBJECT) {
        id = S3_COPY_OBJECT;
    } else if (routing->input->has_copy_source && id == S3_UPLOAD_PART) {
        id = S3_UPLOAD_PART_COPY;
    }
    routing->route->id = id;
    routing->route->operation = s3_operation_get(id);
    return ST_OK;
}

static enum status
not_allowed(const struct routing *routing, struct error *err)
{
    return fail_as(err, ST_INVALID, "MethodNotAllowed",
                   "The method %.*s is not allowed against this resource.",
                   BYTES_ARGS(routing->input->method));
}

static enum status
route_subresource(const struct routing *routing, const struct s3_parameter *parameter,
                  struct error *err)
{
    bool is_of_object = routing->route->key.size != 0;
    bool has_other_verb = false;

    for (size_t i = 0; i < ARRAY_COUNT(SUBRESOURCES) && routing->route->bucket.size != 0; i++) {
        const struct subresource *row = &SUBRESOURCES[i];

        if (row->is_of_object != is_of_object || !bytes_equal_string(parameter->name, row->name)) {
            continue;
        }
        if (row->method != routing->method) {
            has_other_verb = has_other_verb || s3_operation_get(row->id)->is_implemented;
            continue;
        }
        if (row->companion != NULL &&
            s3_query_find(&routing->route->query, row->companion) == NULL) {
            if (row->is_optional) {
                continue;
            }
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "This operation needs the parameter %s beside %s.", row->companion,
                           row->name);
        }
        return accept(routing, row->id);
    }
    if (has_other_verb) {
        return not_allowed(routing, err);
    }
    return fail(err, ST_NOT_IMPLEMENTED, "The sub-resource %.*s is not implemented here.",
                BYTES_ARGS(parameter->name));
}

static enum status
route_bucket(const struct routing *routing, struct error *err)
{
    struct bytes list_type;

    switch (routing->method) {
    case METHOD_GET:
        list_type = s3_query_value(&routing->route->query, "list-type");
        if (list_type.data == NULL) {
            return accept(routing, S3_LIST_OBJECTS);
        }
        if (!bytes_equal_string(list_type, "2")) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "The parameter list-type must be 2.");
        }
        return accept(routing, S3_LIST_OBJECTS_V2);
    case METHOD_HEAD:
        return accept(routing, S3_HEAD_BUCKET);
    case METHOD_PUT:
        return accept(routing, S3_CREATE_BUCKET);
    case METHOD_DELETE:
        return accept(routing, S3_DELETE_BUCKET);
    case METHOD_POST:
        if (bytes_equal_string(routing->route->bucket, "WriteGetObjectResponse")) {
            return accept(routing, S3_WRITE_GET_OBJECT_RESPONSE);
        }
        return accept(routing, S3_POST_OBJECT);
    case METHOD_OPTIONS:
        break;
    }
    return not_allowed(routing, err);
}

static enum status
route_object(const struct routing *routing, struct error *err)
{
    switch (routing->method) {
    case METHOD_GET:
        return accept(routing, S3_GET_OBJECT);
    case METHOD_HEAD:
        return accept(routing, S3_HEAD_OBJECT);
    case METHOD_PUT:
        if (s3_query_find(&routing->route->query, "partNumber") != NULL) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "This operation needs the parameter uploadId beside partNumber.");
        }
        return accept(routing, S3_PUT_OBJECT);
    case METHOD_DELETE:
        return accept(routing, S3_DELETE_OBJECT);
    case METHOD_POST:
    case METHOD_OPTIONS:
        break;
    }
    return not_allowed(routing, err);
}

enum status
s3_route(const struct s3_route_input *input, struct arena *arena, struct s3_route *ret_route,
         struct error *err)
{
    struct routing routing = {.input = input, .route = ret_route};
    const struct s3_parameter *subresource = NULL;
    enum status st;

    *ret_route = (struct s3_route){.id = S3_OPERATION_COUNT};
    st = split_path(input, arena, ret_route, err);
    if (st == ST_OK) {
        st = s3_query_parse(input->query, arena, &ret_route->query, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (!parse_method(input->method, &routing.method)) {
        return not_allowed(&routing, err);
    }
    if (routing.method == METHOD_OPTIONS) {
        return accept(&routing, S3_OPTIONS);
    }
    st = find_subresource(&routing, &subresource, err);
    if (st != ST_OK) {
        return st;
    }
    if (subresource != NULL) {
        return route_subresource(&routing, subresource, err);
    }
    if (ret_route->bucket.size == 0) {
        return routing.method == METHOD_GET ? accept(&routing, S3_LIST_BUCKETS)
                                            : not_allowed(&routing, err);
    }
    return ret_route->key.size == 0 ? route_bucket(&routing, err) : route_object(&routing, err);
}
