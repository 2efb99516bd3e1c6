/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way in: PUT, append and flush, multipart uploads.  An append handle is an upload
 * in disguise: each append is a part, flush completes it, and nothing is visible before.
 * SPEC: AIStore ais/tgtobj.go, ais/tgtmpt.go; api/object.go AppendObject.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"
#include "native/native_attributes.h"
#include "native/native_intake.h"
#include "native/native_route.h"
#include "object/multipart.h"
#include "object/native_checksum.h"
#include "object/object_copy.h"
#include "object/object_route.h"

#include "base/banned.h"

/* A handle has four fields, of which AIStore's gateways read the first: tid|upload|type|part */
#define HANDLE_FIELD_COUNT 4

/* ---- PUT ---- */

/* Ais-Checksum-Type and -Value, if they were sent. */
static enum status
read_given(const struct native_call *call, struct native_checksum *ret_given, struct error *err)
{
    struct bytes type_name = http_request_header(call->http, "ais-checksum-type");
    struct bytes value = http_request_header(call->http, "ais-checksum-value");
    enum native_checksum_type type;
    enum status st;

    *ret_given = (struct native_checksum){.type = NATIVE_CHECKSUM_NONE};
    if (type_name.size == 0 || value.size == 0) {
        return ST_OK;
    }
    st = native_checksum_find(type_name, &type, err);
    if (st != ST_OK || type == NATIVE_CHECKSUM_NONE) {
        return st;
    }
    return native_checksum_parse(type, value, ret_given, err);
}

static enum status
prepare_put(struct native_call *call, struct error *err)
{
    struct native_intake *upload = native_intake_create(call);
    enum status st = native_intake_open(call, &upload->options, err);

    if (st == ST_OK) {
        st = read_given(call, &call->given.given, err);
    }
    if (st == ST_OK) {
        call->given.type = call->bucket.properties.native_checksum;
        upload->options.native = &call->given;
    }
    return st;
}

static void
reply_put(struct native_call *call, const struct object_put_result *result)
{
    struct object_record record = {.native_checksum = result->native_checksum,
                                   .etag = arena_copy(call->arena, bytes_of_string(result->etag)),
                                   .overwrite_count = result->overwrite_count,
                                   .created_ns = result->created_ns};

    native_attributes_reply(call, &record,
                            NATIVE_ATTRIBUTE_CHECKSUM | NATIVE_ATTRIBUTE_VERSION |
                                NATIVE_ATTRIBUTE_ATIME);
}

static enum status
put_run(struct native_call *call, struct error *err)
{
    struct object_put_result result;
    enum status st = object_put_commit(call->put, &result, err);

    if (st == ST_OK) {
        reply_put(call, &result);
    }
    return st;
}

/* ---- parts ---- */

static enum status
begin_upload(struct native_call *call, struct upload_id *ret_id, struct error *err)
{
    struct multipart_create_options options = {.key = call->object_name};
    enum status st = native_call_check_object_name(call->object_name, err);

    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    return st == ST_OK ? multipart_create(&call->bucket, &options, ret_id, err) : st;
}

static enum status
create_upload(struct native_call *call, struct error *err)
{
    struct upload_id id;
    enum status st = begin_upload(call, &id, err);

    if (st == ST_OK) {
        native_reply_text(call,
                          object_upload_name(call->native->objects, id, BYTES_NONE, call->arena));
    }
    return st;
}

static enum status
read_upload_id(const struct native_call *call, struct upload_id *ret_id, struct error *err)
{
    struct bytes node;

    return object_upload_parse(native_call_parameter(call, "uploadId"), ret_id, &node, err);
}

static enum status
prepare_part(struct native_call *call, struct error *err)
{
    struct native_intake *upload = native_intake_create(call);
    uint64_t number = 0;
    enum status st = read_upload_id(call, &upload->upload, err);

    if (st == ST_OK && (bytes_parse_u64(native_call_parameter(call, "partNumber"), PART_NUMBER_MAX,
                                        &number) != ST_OK ||
                        number == 0)) {
        st = fail(err, ST_INVALID, "part number must be positive and at most %d", PART_NUMBER_MAX);
    }
    if (st == ST_OK) {
        st = native_intake_open(call, &upload->options, err);
    }
    upload->options.upload = &upload->upload;
    upload->options.part_number = (uint32_t)number;
    return st;
}

static enum status
commit_part(struct native_call *call, struct error *err)
{
    struct object_put_result result;
    enum status st = object_put_commit(call->put, &result, err);

    if (st == ST_OK) {
        native_reply_header(call, "ETag", arena_printf_bytes(call->arena, "\"%s\"", result.etag));
    }
    return st;
}

static struct bytes
unquoted(struct bytes etag)
{
    return etag.size >= 2 && etag.data[0] == '"' && etag.data[etag.size - 1] == '"'
               ? bytes_slice(etag, 1, etag.size - 1)
               : etag;
}

/* Exactly those that were uploaded.  SPEC: AIStore mpt-complete: value [{"part-number", "etag"}].
 */
static enum status
read_parts(struct native_call *call, struct multipart_complete_options *options, struct error *err)
{
    const json_t *value = call->message.value;
    size_t count = json_array_size(value);
    struct multipart_part *parts = arena_calloc(call->arena, count + 1, sizeof(*parts));

    if (count == 0 || count > PART_NUMBER_MAX) {
        return fail(err, ST_INVALID, "the message names no parts, or more than %d",
                    PART_NUMBER_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *part = json_array_get(value, i);
        int64_t number = native_json_number(part, "part-number", 0);
        size_t at = i;

        if (number < 1 || number > PART_NUMBER_MAX) {
            return fail(err, ST_INVALID, "part number must be positive and at most %d",
                        PART_NUMBER_MAX);
        }
        while (at > 0 && parts[at - 1].number > (uint32_t)number) { /* in any order */
            parts[at] = parts[at - 1];
            at--;
        }
        parts[at] = (struct multipart_part){.number = (uint32_t)number,
                                            .etag = unquoted(native_json_text(part, "etag"))};
    }
    options->parts = parts;
    options->part_count = count;
    return ST_OK;
}

static enum status
finish_upload(struct native_call *call, struct multipart_complete_options *options,
              struct error *err)
{
    struct object_put_result result;
    enum status st;

    options->key = call->object_name;
    options->size = OBJECT_SIZE_UNKNOWN;
    options->is_native = true;
    st = multipart_complete(&call->bucket, options, &result, err);
    if (st == ST_OK) {
        native_reply_header(call, "ETag", arena_printf_bytes(call->arena, "\"%s\"", result.etag));
    }
    return st;
}

static enum status
complete_upload(struct native_call *call, struct error *err)
{
    struct multipart_complete_options options = {0};
    struct part_record *there;
    size_t count;
    bool is_truncated;
    enum status st = read_upload_id(call, &options.id, err);

    if (st == ST_OK) {
        st = read_parts(call, &options, err);
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    if (st == ST_OK) {
        st = multipart_list_parts(&call->bucket, call->object_name, options.id, 0, PART_NUMBER_MAX,
                                  call->arena, &there, &count, &is_truncated, err);
    }
    if (st == ST_NO_SUCH_UPLOAD &&
        call->has_bucket) { /* completed, and the answer was lost: it is told again */
        return finish_upload(call, &options, err);
    }
    if (st == ST_OK && count != options.part_count) {
        st = fail(err, ST_NOT_IMPLEMENTED,
                  "partial completion is not supported: %zu parts uploaded, %zu listed", count,
                  options.part_count);
    }
    return st == ST_OK ? finish_upload(call, &options, err) : st;
}

static enum status
abort_upload(struct native_call *call, struct error *err)
{
    struct upload_id id;
    enum status st = read_upload_id(call, &id, err);

    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_ABORT_UPLOAD, err);
    }
    return st == ST_OK ? multipart_abort(&call->bucket, call->object_name, id, err) : st;
}

/* ---- append ---- */

static enum status
parse_handle(struct native_call *call, struct bytes *ret_node, struct upload_id *ret_id,
             uint64_t *ret_part, struct error *err)
{
    struct bytes rest = native_call_parameter(call, "append_handle");
    struct bytes fields[HANDLE_FIELD_COUNT];

    for (size_t i = 0; i < HANDLE_FIELD_COUNT; i++) {
        fields[i] = bytes_cut(&rest, '|');
    }
    /* In a cluster the request was placed by it. */
    if ((call->native->cluster == NULL && !bytes_equal_string(fields[0], call->native->node_id)) ||
        upload_id_parse(fields[1], ret_id, NULL) != ST_OK ||
        bytes_parse_u64(fields[3], PART_NUMBER_MAX, ret_part) != ST_OK) {
        return fail(err, ST_INVALID, "invalid append handle");
    }
    *ret_node = fields[0];
    return ST_OK;
}

/* The first append begins the upload, which needs a worker: with the first bytes. */
struct native_append {
    struct native_intake upload; /* first */
    uint64_t part;               /* of this append; 0: none yet */
    struct bytes node;           /* that began it; empty: this one */
};

/* What the object holds when it is first appended to comes first.  SPEC: AIStore ais/tgtobj.go, the
 * append that has no handle yet; the SDK's as_file("a"). */
static enum status
append_what_is_there(struct native_append *append, struct error *err)
{
    struct native_call *call = append->upload.call;
    struct object_get_options look = {
        .key = call->object_name, .is_head = true, .mode = READ_MAY_WAIT};
    struct object_copy_options copy = {.source = &call->bucket,
                                       .source_key = call->object_name,
                                       .key = call->object_name,
                                       .is_native = true,
                                       .upload = &append->upload.upload};
    struct object_get_result there;
    struct object_copy_result result;
    enum status st = object_get(&call->bucket, &look, call->arena, &there, err);

    if (st == ST_NO_SUCH_KEY) {
        return ST_OK;
    }
    copy.source_conditions.if_match = st == ST_OK ? there.record.etag : BYTES_NONE;
    for (uint64_t at = 0; st == ST_OK && at < there.record.size; at += PART_BYTES_MAX) {
        uint64_t left = there.record.size - at;

        copy.part_number = (uint32_t)append->part++;
        copy.range =
            (struct object_range){.kind = RANGE_FROM_TO,
                                  .from = at,
                                  .to = at + (left < PART_BYTES_MAX ? left : PART_BYTES_MAX) - 1};
        st = object_copy(&call->bucket, &copy, &result, err);
    }
    /* It was replaced meanwhile: the client may try again. */
    return st == ST_PRECONDITION || st == ST_NO_SUCH_KEY
               ? fail(err, ST_CONFLICT, "the object changed while it was appended to")
               : st;
}

static enum status
append_begin(struct native_append *append, struct error *err)
{
    struct native_call *call = append->upload.call;
    struct multipart_create_options options = {.key = call->object_name};
    bool is_left = false;
    enum status st = ST_OK;

    if (append->part == 0) {
        st = multipart_create(&call->bucket, &options, &append->upload.upload, err);
        append->part = st == ST_OK ? 1 : 0;
        if (st == ST_OK) {
            st = append_what_is_there(append, err);
            is_left = st != ST_OK;
        }
    }
    if (is_left &&
        multipart_abort(&call->bucket, call->object_name, append->upload.upload, NULL) != ST_OK) {
        log_warn(&(struct log_context){.bucket = call->bucket.name}, "append_upload_left",
                 "An append that could not begin leaves an upload without parts");
    }
    append->upload.options.upload = &append->upload.upload;
    append->upload.options.part_number = (uint32_t)append->part;
    return st;
}

static enum status
append_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct native_append *append = (struct native_append *)sink;
    enum status st = append->upload.call->put == NULL ? append_begin(append, err) : ST_OK;

    return st == ST_OK ? native_intake_write(sink, data, err) : st;
}

static enum status
append_finish(struct sink *sink, struct error *err)
{
    struct native_append *append = (struct native_append *)sink;
    enum status st = append->upload.call->put == NULL ? append_begin(append, err) : ST_OK;

    return st == ST_OK ? native_intake_finish(sink, err) : st;
}

static const struct sink_ops APPEND_OPS = {append_write, append_finish, native_intake_release};

static enum status
prepare_append(struct native_call *call, struct error *err)
{
    struct native_append *append = arena_calloc(call->arena, 1, sizeof(*append));
    enum status st = native_intake_open(call, &append->upload.options, err);

    append->upload.sink.ops = &APPEND_OPS;
    append->upload.call = call;
    call->sink = &append->upload.sink;
    if (st == ST_OK && native_call_parameter(call, "append_handle").size > 0) {
        st = parse_handle(call, &append->node, &append->upload.upload, &append->part, err);
        append->part++;
        if (st == ST_OK && append->part > PART_NUMBER_MAX) {
            st = fail(err, ST_INVALID, "an object can be appended to %d times", PART_NUMBER_MAX);
        }
    }
    return st;
}

static enum status
commit_append(struct native_call *call, struct error *err)
{
    struct native_append *append = (struct native_append *)call->sink;
    struct bytes node =
        append->node.size > 0 ? append->node : bytes_of_string(call->native->node_id);
    struct object_put_result result;
    char text[UPLOAD_ID_TEXT_SIZE];
    enum status st = object_put_commit(call->put, &result, err);

    if (st == ST_OK) {
        upload_id_format(append->upload.upload, text);
        native_reply_header(call, "Ais-Append-Handle",
                            arena_printf_bytes(call->arena, "%.*s|%s|none|%" PRIu64,
                                               BYTES_ARGS(node), text, append->part));
    }
    return st;
}

/* All parts so far are the object. */
static enum status
flush_append(struct native_call *call, struct error *err)
{
    struct multipart_complete_options options = {0};
    struct multipart_part *parts;
    struct bytes node;
    uint64_t part;
    enum status st = parse_handle(call, &node, &options.id, &part, err);

    if (st == ST_OK && http_request_header(call->http, "ais-checksum-value").size > 0) {
        st = fail(err, ST_NOT_IMPLEMENTED, "a checksum with flush is not supported");
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    if (st != ST_OK) {
        return st;
    }
    parts = arena_calloc(call->arena, part + 1, sizeof(*parts));
    for (uint64_t i = 0; i < part; i++) {
        parts[i].number = (uint32_t)i + 1;
    }
    options.parts = parts;
    options.part_count = part;
    return finish_upload(call, &options, err);
}

#define OBJECT_PATH "/v1/objects/{bucket}/{object}"

static const struct native_field PART_NUMBER = {.name = "partNumber",
                                                .doc = "Place of the part.",
                                                .number_min = 1,
                                                .number_max = PART_NUMBER_MAX};
static const struct native_field APPEND_TYPE = {
    .name = "append_type", .doc = "What is done.", .words = "append flush"};
static const struct native_field APPEND_HANDLE = {
    .name = "append_handle", .doc = "What the append before answered; the first has none."};
static const struct native_field SKIP_VERSION_CHECK = {
    .name = "skip_vc", .doc = "Accepted: there is nothing to skip.", .is_bool = true};
static const struct native_field REPLY_HANDLE = {.name = "Ais-Append-Handle",
                                                 .doc = "For the next append, or flush."};

static const struct native_route ROUTES[] = {
    {.name = "NativeUploadPart",
     .method = "PUT",
     .load_class = LOAD_DATA,
     .path = OBJECT_PATH,
     .selector = "uploadId",
     .body = NATIVE_BODY_STREAMED,
     .doc = "Upload one part.",
     .needs = {&native_field_upload_id, &PART_NUMBER},
     .takes = "the part's bytes",
     .answers = {{.http_status = 200, .doc = "It is durable.", .headers = {&native_field_etag}}},
     .fails = {404, 507},
     .example = {.step = 130,
                 .path = "demo/big",
                 .query = "uploadId=$UPLOAD&partNumber=1",
                 .body = "the first part"},
     .prepare = prepare_part,
     .run = commit_part},
    {.name = "NativeAppend",
     .method = "PUT",
     .load_class = LOAD_DATA,
     .path = OBJECT_PATH,
     .selector = "append_type=append",
     .body = NATIVE_BODY_STREAMED,
     .doc = "Append to an object that is not visible before it is flushed.",
     .needs = {&APPEND_TYPE},
     .query = {&APPEND_HANDLE},
     .takes = "bytes",
     .answers = {{.http_status = 200, .doc = "They are durable.", .headers = {&REPLY_HANDLE}}},
     .fails = {404, 507},
     .example = {.step = 160,
                 .path = "demo/log",
                 .query = "append_type=append&append_handle=",
                 .body = "one line",
                 .keeps = "HANDLE",
                 .keeps_header = "Ais-Append-Handle"},
     .prepare = prepare_append,
     .run = commit_append},
    {.name = "NativeFlush",
     .method = "PUT",
     .path = OBJECT_PATH,
     .selector = "append_type=flush",
     .doc = "Make visible what was appended.",
     .needs = {&APPEND_TYPE, &APPEND_HANDLE},
     .answers = {{.http_status = 200,
                  .doc = "The object is there.",
                  .headers = {&native_field_etag}}},
     .fails = {404, 501, 507},
     .example = {.step = 170,
                 .path = "demo/log",
                 .query = "append_type=flush&append_handle=$HANDLE"},
     .run = flush_append},
    {.name = "NativeCreateUpload",
     .method = "POST",
     .path = OBJECT_PATH,
     .action = "mpt-upload",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Begin a multipart upload.",
     .takes = "{action: 'mpt-upload'}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The upload's id."}},
     .fails = {404, 507},
     .example = {.step = 120, .path = "demo/big", .keeps = "UPLOAD"},
     .run = create_upload},
    {.name = "NativeCompleteUpload",
     .method = "POST",
     .path = OBJECT_PATH,
     .action = "mpt-complete",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Make an object of the parts, which must be all that were uploaded.",
     .needs = {&native_field_upload_id},
     .takes = "{action: 'mpt-complete', value: [{part-number: int, etag?: text}]}",
     .answers = {{.http_status = 200,
                  .doc = "The object is there.",
                  .headers = {&native_field_etag}}},
     .fails = {404, 501, 507},
     .example = {.step = 140,
                 .path = "demo/big",
                 .query = "uploadId=$UPLOAD",
                 .body = "{\"action\": \"mpt-complete\", \"value\": [{\"part-number\": 1}]}"},
     .run = complete_upload},
    {.name = "NativeAbortUpload",
     .method = "DELETE",
     .path = OBJECT_PATH,
     .action = "mpt-abort",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Give a multipart upload up.",
     .needs = {&native_field_upload_id},
     .takes = "{action: 'mpt-abort'}",
     .answers = {{.http_status = 200, .doc = "Its parts are gone."}},
     .fails = {404},
     .example = {.step = 150,
                 .first = "NativeCreateUpload",
                 .path = "demo/big",
                 .query = "uploadId=$UPLOAD"},
     .run = abort_upload},
};

const struct native_route_table native_routes_of_uploads = {.routes = ROUTES,
                                                            .count = ARRAY_COUNT(ROUTES)};

/* The plain PUT stands behind all rows that select by a parameter: see native_route.c. */
static const struct native_route PUT_ROUTE[] = {
    {.name = "NativePutObject",
     .method = "PUT",
     .load_class = LOAD_DATA,
     .path = OBJECT_PATH,
     .body = NATIVE_BODY_STREAMED,
     .doc = "Write an object; one that has these bytes already is left as it is.",
     .query = {&SKIP_VERSION_CHECK, &APPEND_TYPE},
     .headers = {&native_field_checksum_type, &native_field_checksum_value},
     .takes = "the object's bytes",
     .answers = {{.http_status = 200,
                  .doc = "It is durable.",
                  .headers = {&native_field_checksum_type, &native_field_checksum_value,
                              &native_field_version, &native_field_atime}}},
     .fails = {404, 501, 507},
     .example = {.step = 40, .body = "world"},
     .prepare = prepare_put,
     .run = put_run},
};

const struct native_route_table native_routes_of_put = {.routes = PUT_ROUTE,
                                                        .count = ARRAY_COUNT(PUT_ROUTE)};
