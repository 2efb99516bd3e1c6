/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects: GET, HEAD, DELETE, custom metadata, rename, copy, and the lock that we do not have.
 * SPEC: AIStore ais/tgtobj.go, cmn/objattrs.go; the SDK's object.py.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "native/native_attributes.h"
#include "native/native_route.h"
#include "native/native_store.h"
#include "net/http_date.h"
#include "object/object_copy.h"
#include "object/object_custom.h"
#include "object/object_delete.h"
#include "object/object_get.h"

#include "base/banned.h"

#define RANGE_UNIT "bytes="

/* SPEC: RFC 9110 section 14.2: one range; what is no range of bytes is ignored, several are
 * refused. */
static enum status
parse_range(struct bytes text, struct object_range *ret_range, struct error *err)
{
    struct object_range range = {.kind = RANGE_NONE};
    struct bytes last = bytes_trim(text);
    struct bytes first;
    enum status st = ST_OK;

    *ret_range = range;
    if (!bytes_has_prefix(last, BYTES_LITERAL(RANGE_UNIT))) {
        return ST_OK;
    }
    last = bytes_slice(last, sizeof(RANGE_UNIT) - 1, last.size);
    if (bytes_find_char(last, 0, ',') != SIZE_MAX) {
        return fail(err, ST_INVALID_RANGE, "multiple ranges are not supported");
    }
    first = bytes_cut(&last, '-');
    if (first.size == 0) {
        range.kind = RANGE_LAST;
        st = bytes_parse_u64(last, UINT64_MAX, &range.last);
    } else {
        range.kind = last.size == 0 ? RANGE_FROM : RANGE_FROM_TO;
        st = bytes_parse_u64(first, UINT64_MAX, &range.from);
        if (st == ST_OK && last.size > 0) {
            st = bytes_parse_u64(last, UINT64_MAX, &range.to);
        }
    }
    if (st != ST_OK) {
        return fail(err, ST_INVALID_RANGE, "invalid range \"%.*s\"",
                    (int)(text.size < 64 ? text.size : 64), text.data);
    }
    *ret_range = range;
    return ST_OK;
}

/* What belongs to later work must not be answered with the plain object. */
static enum status
refuse_unsupported(const struct native_call *call, struct error *err)
{
    static const char *const PARAMETERS[] = {"archpath", "archregx", "archmime", "etl_name",
                                             "etl_pipeline"};

    for (size_t i = 0; i < ARRAY_COUNT(PARAMETERS); i++) {
        if (native_call_parameter(call, PARAMETERS[i]).size > 0) {
            return fail(err, ST_NOT_IMPLEMENTED, "%s is not supported", PARAMETERS[i]);
        }
    }
    if (native_is_true(http_request_header(call->http, "ais-blob-download"))) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "blob download is not supported: the bucket has no remote backend");
    }
    return ST_OK;
}

static enum status
get_object(struct native_call *call, struct error *err)
{
    struct object_get_options options = {.key = call->object_name, .mode = call->mode};
    struct object_get_result result = {.source = NULL};
    enum status st = refuse_unsupported(call, err);

    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_GET_OBJECT, err);
    }
    if (st == ST_OK) {
        st = parse_range(http_request_header(call->http, "range"), &options.range, err);
    }
    if (st == ST_OK) {
        st = object_get(&call->bucket, &options, call->arena, &result, err);
        if (st == ST_INVALID_RANGE) {
            native_reply_header(
                call, "Content-Range",
                arena_printf_bytes(call->arena, "bytes */%" PRIu64, result.record.size));
        }
    }
    if (st != ST_OK) {
        return st;
    }
    call->reply.content_type = "application/octet-stream";
    native_reply_header(call, "Accept-Ranges", BYTES_LITERAL("bytes"));
    native_attributes_reply(call, &result.record,
                            NATIVE_ATTRIBUTE_ATIME | NATIVE_ATTRIBUTE_VERSION |
                                NATIVE_ATTRIBUTE_CUSTOM | NATIVE_ATTRIBUTE_ETAG |
                                (result.is_partial ? 0 : NATIVE_ATTRIBUTE_CHECKSUM));
    if (result.is_partial) {
        call->reply.http_status = 206;
        native_reply_header(
            call, "Content-Range",
            arena_printf_bytes(call->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, result.offset,
                               result.offset + result.length - 1, result.record.size));
    }
    call->reply.source = result.source;
    call->reply.content_length = result.length;
    call->reply.has_content_length = true;
    return ST_OK;
}

/* HEAD tolerates a slash at the end of the name. */
static enum status
head_object(struct native_call *call, struct error *err)
{
    struct object_get_options options = {
        .key = call->object_name, .is_head = true, .mode = call->mode};
    struct object_get_result result = {.source = NULL};
    struct bytes properties = native_call_parameter(call, "props");
    unsigned int wanted = NATIVE_ATTRIBUTES_OF_HEAD;
    enum status st = ST_OK;

    if (properties.size > 0) {
        st = native_attributes_parse(properties, &wanted, err);
    }
    options.counts_chunks = (wanted & NATIVE_ATTRIBUTE_CHUNKED) != 0;
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_GET_OBJECT, err);
    }
    if (st == ST_OK) {
        st = object_get(&call->bucket, &options, call->arena, &result, err);
    }
    if (st != ST_OK) {
        return st;
    }
    native_attributes_reply(call, &result.record, wanted);
    if (result.chunk_count > 0) {
        native_reply_number(call, "Ais-Chunks-Count", result.chunk_count);
        native_reply_number(call, "Ais-Chunks-Max-Chunk-Size", result.chunk_bytes);
    }
    native_reply_header(call, "Ais-Present", BYTES_LITERAL("true"));
    call->reply.content_length = result.record.size;
    call->reply.has_content_length = true;
    return ST_OK;
}

/* SPEC: AIStore: DELETE of what is not there is 404, unlike S3's. */
static enum status
delete_object(struct native_call *call, struct error *err)
{
    struct object_get_options look = {
        .key = call->object_name, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result found;
    enum status st = native_call_open_bucket(call, ACTION_DELETE_OBJECT, err);

    if (st == ST_OK) {
        st = object_get(&call->bucket, &look, call->arena, &found, err);
    }
    if (st == ST_OK) {
        st = native_store_delete(&call->bucket, call->object_name, err);
    }
    return st;
}

/* SPEC: AIStore PATCH object: the value of the message; set-new-custom replaces all. */
static enum status
set_custom(struct native_call *call, struct error *err)
{
    const json_t *value = call->message.value;
    struct metadata_entry *entries =
        arena_alloc(call->arena, (json_object_size(value) + 1) * sizeof(*entries));
    struct object_custom_options options = {
        .key = call->object_name,
        .entries = entries,
        .replaces = native_query_is_true(&call->query, "set-new-custom"),
    };
    const char *name;
    json_t *text;
    enum status st;

    if (!json_is_object(value)) {
        return fail(err, ST_INVALID, "custom metadata must be an object of names and texts");
    }
    json_object_foreach((json_t *)value, name, text)
    {
        if (!json_is_string(text)) {
            return fail(err, ST_INVALID, "custom metadata \"%.64s\" is no text", name);
        }
        entries[options.count++] = (struct metadata_entry){
            .name = bytes_of_string(name),
            .value = bytes_of(json_string_value(text), json_string_length(text))};
    }
    st = native_attributes_check_custom(entries, options.count, err);
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    if (st == ST_OK) {
        st = object_custom_set(&call->bucket, &options, err);
    }
    return st == ST_TOO_LARGE
               ? fail(err, ST_INVALID, "custom metadata exceeds %d bytes", OBJECT_CUSTOM_BYTES_MAX)
               : st;
}

/* SPEC: AIStore PUT object ?object_to=uname. */
static enum status
copy_object(struct native_call *call, struct error *err)
{
    struct bytes uname = native_call_parameter(call, "object_to");
    struct native_bck bck;
    struct bytes name;
    struct bucket destination;
    enum status st = refuse_unsupported(call, err);

    if (st == ST_OK) {
        st = native_bck_parse_uname(uname, call->arena, &bck, &name, err);
    }
    if (st == ST_OK) {
        st = native_call_check_object_name(name, err);
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_GET_OBJECT, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = native_call_open_other(call, &bck, ACTION_PUT_OBJECT, &destination, err);
    if (st != ST_OK) {
        if (st == ST_NO_SUCH_BUCKET) {
            call->bck = bck; /* the one that is named in the answer */
        }
        return st;
    }
    if (destination.id == call->bucket.id && bytes_equal(name, call->object_name)) {
        st = fail(err, ST_INVALID, "cannot copy object onto itself");
    } else {
        st = native_store_copy(&call->bucket, call->object_name, &destination, name, err);
    }
    bucket_close(&destination);
    return st;
}

/* SPEC: AIStore rename-obj: name of the message. */
static enum status
rename_object(struct native_call *call, struct error *err)
{
    struct bytes to = call->message.name;
    enum status st = native_call_check_object_name(to, err);

    if (st == ST_OK && bytes_equal(to, call->object_name)) {
        st = fail(err, ST_INVALID, "cannot rename object \"%.*s\" onto itself",
                  (int)(to.size < 128 ? to.size : 128), to.data);
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    if (st == ST_OK) {
        st = native_store_rename(&call->bucket, call->object_name, to, err);
    }
    return st;
}

/* Nobody locks a key here (ARCHITECTURE.md): an object that is there is never locked. */
static enum status
check_lock(struct native_call *call, struct error *err)
{
    struct object_get_options look = {
        .key = call->object_name, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_get_result found;
    enum status st = native_call_open_bucket(call, ACTION_GET_OBJECT, err);

    return st == ST_OK ? object_get(&call->bucket, &look, call->arena, &found, err) : st;
}

#define OBJECT_PATH "/v1/objects/{bucket}/{object}"

static const struct native_field LATEST_VERSION = {
    .name = "latest-ver", .doc = "Accepted: here is no older version.", .is_bool = true};
static const struct native_field SILENT = {
    .name = "sln", .doc = "Accepted: a missing object is not logged anyway.", .is_bool = true};
static const struct native_field SYNCHRONIZE = {
    .name = "synchronize", .doc = "Accepted: there is no remote object.", .is_bool = true};
static const struct native_field ARCHIVE_PATH = {.name = "archpath", .doc = "Unless empty: 501."};
static const struct native_field ARCHIVE_REGX = {.name = "archregx", .doc = "Unless empty: 501."};
static const struct native_field ARCHIVE_MIME = {.name = "archmime", .doc = "Unless empty: 501."};
static const struct native_field ETL_NAME = {.name = "etl_name", .doc = "Unless empty: 501."};
static const struct native_field ETL_PIPELINE = {.name = "etl_pipeline",
                                                 .doc = "Unless empty: 501."};
static const struct native_field PROPERTIES = {
    .name = "props",
    .doc = "Names with commas between them: name, size, checksum, atime, version, custom, etag, "
           "last-modified, copies, location, ec, chunked; others are refused."};
static const struct native_field REPLACES_CUSTOM = {
    .name = "set-new-custom", .doc = "Replace all that there are, do not merge.", .is_bool = true};
static const struct native_field OBJECT_TO = {
    .name = "object_to", .doc = "Destination as provider/@uuid#namespace/bucket/object."};
static const struct native_field RANGE = {.name = "Range",
                                          .doc = "One range: bytes=a-b, bytes=a- or bytes=-n."};
static const struct native_field CONTENT_RANGE = {.name = "Content-Range",
                                                  .doc = "Which bytes these are."};
static const struct native_field CUSTOM = {
    .name = "Ais-Custom-Md", .doc = "name=value of a custom property; one header for each."};
static const struct native_field PRESENT = {
    .name = "Ais-Present", .doc = "The object is here.", .words = "true"};

static const struct native_field CHUNK_COUNT = {
    .name = "Ais-Chunks-Count", .doc = "Chunks, of an object that has more than one."};
static const struct native_field CHUNK_SIZE = {.name = "Ais-Chunks-Max-Chunk-Size",
                                               .doc = "Bytes of the largest of them."};

static const struct native_route ROUTES[] = {
    {.name = "NativeGetObject",
     .method = "GET",
     .load_class = LOAD_DATA,
     .path = OBJECT_PATH,
     .is_tried_on_loop = true,
     .doc = "Read an object or a range of it.",
     .query = {&LATEST_VERSION, &SILENT, &ARCHIVE_PATH, &ARCHIVE_REGX, &ARCHIVE_MIME, &ETL_NAME,
               &ETL_PIPELINE},
     .headers = {&RANGE},
     .answers = {{.http_status = 200,
                  .media = NATIVE_BYTES,
                  .doc = "The object.",
                  .headers = {&native_field_checksum_type, &native_field_checksum_value,
                              &native_field_version, &native_field_atime, &native_field_etag,
                              &CUSTOM}},
                 {.http_status = 206,
                  .media = NATIVE_BYTES,
                  .doc = "The range.",
                  .headers = {&CONTENT_RANGE, &native_field_version, &native_field_atime,
                              &native_field_etag, &CUSTOM}}},
     .fails = {404, 416, 501},
     .example = {.step = 50, .header = "Range: bytes=1-3", .http_status = 206},
     .run = get_object},
    {.name = "NativeHeadObject",
     .method = "HEAD",
     .path = OBJECT_PATH,
     .is_tried_on_loop = true,
     .doc = "Ask for an object's size and properties.",
     .query = {&PROPERTIES, &LATEST_VERSION, &SILENT},
     .answers = {{.http_status = 200,
                  .doc = "Content-Length is the object's size.",
                  .headers = {&PRESENT, &native_field_checksum_type, &native_field_checksum_value,
                              &native_field_version, &native_field_atime, &native_field_etag,
                              &CUSTOM, &CHUNK_COUNT, &CHUNK_SIZE}}},
     .fails = {404},
     .example = {.step = 60, .query = "props=size,version,custom"},
     .run = head_object},
    {.name = "NativeDeleteObject",
     .method = "DELETE",
     .path = OBJECT_PATH,
     .body = NATIVE_BODY_MESSAGE,
     .action = "",
     .doc = "Delete an object.",
     .answers = {{.http_status = 200, .doc = "It is gone."}},
     .fails = {404},
     .example = {.step = 900},
     .run = delete_object},
    {.name = "NativeSetCustom",
     .method = "PATCH",
     .path = OBJECT_PATH,
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Set custom properties of an object: at most 2 KiB together.",
     .query = {&REPLACES_CUSTOM},
     .takes = "{action?: text, value: {*: text}}",
     .answers = {{.http_status = 200, .doc = "They are set."}},
     .fails = {404},
     .example = {.step = 70, .body = "{\"value\": {\"colour\": \"blue\"}}"},
     .run = set_custom},
    {.name = "NativeCopyObject",
     .method = "PUT",
     .load_class = LOAD_DATA,
     .path = OBJECT_PATH,
     .selector = "object_to",
     .doc = "Copy an object with its checksum and properties.",
     .needs = {&OBJECT_TO},
     .query = {&LATEST_VERSION, &SYNCHRONIZE, &ETL_NAME, &ETL_PIPELINE},
     .answers = {{.http_status = 200, .doc = "The copy is durable."}},
     .fails = {404, 501, 507},
     .example = {.step = 80, .query = "object_to=ais/@%23/demo/copy"},
     .run = copy_object},
    {.name = "NativeRenameObject",
     .method = "POST",
     .path = OBJECT_PATH,
     .body = NATIVE_BODY_MESSAGE,
     .action = "rename-obj",
     .doc = "Rename an object inside its bucket: a copy, then a delete.",
     .takes = "{action: 'rename-obj', name: text}",
     .answers = {{.http_status = 200, .doc = "It has the new name."}},
     .fails = {404, 507},
     .example = {.step = 90,
                 .path = "demo/copy",
                 .body = "{\"action\": \"rename-obj\", \"name\": \"renamed\"}"},
     .run = rename_object},
    {.name = "NativeCheckLock",
     .method = "POST",
     .path = OBJECT_PATH,
     .body = NATIVE_BODY_MESSAGE,
     .action = "check-lock",
     .doc = "Ask whether an object is locked; no object ever is.",
     .takes = "{action: 'check-lock'}",
     .answers = {{.http_status = 200, .doc = "Not locked."}},
     .fails = {404},
     .example = {.step = 100},
     .run = check_lock},
};

const struct native_route_table native_routes_of_objects = {.routes = ROUTES,
                                                            .count = ARRAY_COUNT(ROUTES)};
