/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes a job over chosen objects: delete and copy by list, template or prefix; copy and
 * rename a bucket.  SPEC: AIStore api/multiobj.go, api/bucket.go; EvdMsg, TCOMsg, TCBMsg.
 */
#include "base/check.h"
#include "jobs/name_template.h"
#include "jobs/selection_job.h"
#include "native/native_route.h"
#include "object/bucket_value.h"

#include "base/banned.h"

#define BUCKET_PATH "/v1/buckets/{bucket}"
/* Lists of names arrive in one message. */
#define NAMES_MAX 100000

static enum status
read_selection(struct native_call *call, struct walk_options *options, struct error *err)
{
    const json_t *value = call->message.value;
    const json_t *list = native_json_get(value, "objnames");
    struct bytes *names;

    options->template = native_json_text(value, "template");
    options->prepend = native_json_text(value, "prepend");
    options->is_dry_run = native_json_bool(value, "dry_run");
    if (json_array_size(list) == 0) {
        return ST_OK;
    }
    if (json_array_size(list) > NAMES_MAX || options->template.size > 0) {
        return fail(err, ST_INVALID,
                    "a selection has at most %d names, or a template, but not both", NAMES_MAX);
    }
    names = arena_alloc(call->arena, json_array_size(list) * sizeof(*names));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);

        if (!json_is_string(name) || json_string_length(name) == 0) {
            return fail(err, ST_INVALID, "name %zu of the list is no text", i);
        }
        names[i] = bytes_of(json_string_value(name), json_string_length(name));
    }
    options->names = names;
    options->name_count = json_array_size(list);
    return ST_OK;
}

static enum status
start_job(struct native_call *call, struct walk_options *options, struct error *err)
{
    char id[JOB_ID_SIZE];
    enum status st;

    options->source = call->bck.own_name;
    st = walk_start(call->native->jobs, call->native->objects, options, id, err);
    if (st == ST_OK) {
        native_reply_text(call, bytes_of_string(id));
    }
    return st;
}

static enum status
delete_selection(struct native_call *call, struct error *err)
{
    struct walk_options options = {.kind = &selection_delete};
    enum status st = native_call_open_bucket(call, ACTION_DELETE_OBJECT, err);

    if (st == ST_OK) {
        st = read_selection(call, &options, err);
    }
    return st == ST_OK ? start_job(call, &options, err) : st;
}

/* The destination, made with the source's properties if it is not there. */
static enum status
ensure_destination(struct native_call *call, const struct native_bck *bck, struct error *err)
{
    struct bucket bucket;
    bool is_own;
    enum status st = native_call_open_other(call, bck, ACTION_PUT_OBJECT, &bucket, err);

    if (st == ST_OK) {
        bucket_close(&bucket);
        return ST_OK;
    }
    if (st != ST_NO_SUCH_BUCKET) {
        return st;
    }
    st = bucket_create_native(call->native->objects, call->authentication.principal, bck->own_name,
                              &call->bucket.properties, &is_own, err);
    return st == ST_EXISTS ? ST_OK : st;
}

/* Of a bucket into itself: are the copies what is copied, or would they be listed and copied again,
 * without an end? */
static bool
copies_itself(const struct walk_options *options)
{
    struct name_template template;
    struct bytes prefix = options->template;
    bool is_listed =
        options->names == NULL &&
        (options->is_prefix ||
         (name_template_parse(prefix, &template, NULL) == ST_OK && template.range_count == 0));

    if (options->is_dry_run) {
        return false;
    }
    if (!is_listed || options->prepend.size == 0) {
        return options->prepend.size == 0;
    }
    /* The names of copies begin with prepend, then prefix. */
    for (size_t i = 0; i < prefix.size; i++) {
        char c = i < options->prepend.size ? options->prepend.data[i]
                                           : prefix.data[i - options->prepend.size];

        if (c != prefix.data[i]) {
            return false;
        }
    }
    return true;
}

static enum status
copy_to(struct native_call *call, const struct native_bck *bck, struct walk_options *options,
        struct error *err)
{
    enum status st = ST_OK;

    if (bytes_equal(bck->own_name, call->bck.own_name) && copies_itself(options)) {
        struct buffer url = BUFFER_INIT;

        native_bck_append_url(bck, &url);
        st = fail(err, ST_INVALID, "cannot %.*s bucket \"%.*s\" onto itself",
                  BYTES_ARGS(call->message.action), (int)url.size, url.data);
        buffer_release(&url);
    }
    if (st == ST_OK && !options->is_dry_run) {
        st = ensure_destination(call, bck, err);
        options->destination = bck->own_name;
    }
    return st == ST_OK ? start_job(call, options, err) : st;
}

/* What changes names or content on the way is not here yet. */
static enum status
refuse_transformation(const json_t *value, struct error *err)
{
    if (json_object_size(native_json_get(value, "ext")) > 0 ||
        native_json_text(value, "id").size > 0) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "changing names or content of copies (ext, ETL) is "
                    "not supported");
    }
    if (native_json_bool(value, "synchronize") || native_json_bool(value, "non-recurs")) {
        return fail(err, ST_NOT_IMPLEMENTED, "synchronize and non-recurs are not supported");
    }
    return ST_OK;
}

static enum status
copy_selection(struct native_call *call, struct error *err)
{
    struct walk_options options = {.kind = &selection_copy};
    const json_t *to = native_json_get(call->message.value, "tobck");
    const json_t *ns = native_json_get(to, "namespace");
    struct bytes ns_text =
        arena_printf_bytes(call->arena, "@%.*s#%.*s", BYTES_ARGS(native_json_text(ns, "uuid")),
                           BYTES_ARGS(native_json_text(ns, "name")));
    struct native_bck bck;
    enum status st = refuse_transformation(call->message.value, err);

    if (st == ST_OK && native_json_text(to, "name").size == 0) {
        st = fail(err, ST_INVALID, "tobck names no bucket");
    }
    if (st == ST_OK) {
        st = native_bck_init(native_json_text(to, "provider"), ns_text,
                             native_json_text(to, "name"), call->arena, &bck, err);
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_GET_OBJECT, err);
    }
    if (st == ST_OK) {
        st = read_selection(call, &options, err);
    }
    return st == ST_OK ? copy_to(call, &bck, &options, err) : st;
}

static enum status
read_bck_to(struct native_call *call, struct native_bck *ret_bck, struct error *err)
{
    struct bytes object;
    enum status st = native_bck_parse_uname(native_call_parameter(call, "bck_to"), call->arena,
                                            ret_bck, &object, err);

    return st == ST_OK && object.size > 0 ? fail(err, ST_INVALID, "bck_to names an object") : st;
}

static enum status
copy_bucket(struct native_call *call, struct error *err)
{
    struct walk_options options = {.kind = &selection_copy_bucket};
    struct native_bck bck;
    enum status st = refuse_transformation(call->message.value, err);

    if (st == ST_OK) {
        st = read_bck_to(call, &bck, err);
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_GET_OBJECT, err);
    }
    if (st == ST_OK) {
        options.template = native_json_text(call->message.value, "prefix");
        options.is_prefix = true;
        options.prepend = native_json_text(call->message.value, "prepend");
        options.is_dry_run = native_json_bool(call->message.value, "dry_run");
        st = copy_to(call, &bck, &options, err);
    }
    return st;
}

static enum status
rename_bucket(struct native_call *call, struct error *err)
{
    struct walk_options options = {.kind = &selection_move_bucket};
    struct native_bck bck;
    struct buffer url = BUFFER_INIT;
    bool is_own;
    enum status st = read_bck_to(call, &bck, err);

    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_DELETE_BUCKET, err);
    }
    if (st != ST_OK) {
        return st;
    }
    native_bck_append_url(&bck, &url);
    if (bytes_equal(bck.own_name, call->bck.own_name)) {
        st = fail(err, ST_INVALID, "cannot move-bck bucket \"%.*s\" onto itself", (int)url.size,
                  url.data);
    } else {
        st = bucket_create_native(call->native->objects, call->authentication.principal,
                                  bck.own_name, &call->bucket.properties, &is_own, err);
        if (st == ST_EXISTS) {
            st = fail_as(err, ST_EXISTS, "ErrBucketAlreadyExists", "bucket \"%.*s\" already exists",
                         (int)url.size, url.data);
        }
    }
    buffer_release(&url);
    options.destination = bck.own_name;
    return st == ST_OK ? start_job(call, &options, err) : st;
}

static const struct native_route ROUTES[] = {
    {.name = "NativeDeleteObjects",
     .method = "DELETE",
     .path = BUCKET_PATH,
     .action = "delete-listrange",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Start a job that deletes objects: those of a list, a template (\"shard-{0..99}.tar\") "
            "or a prefix.",
     .takes = "{action: 'delete-listrange', value?: {objnames?: [text], template?: text}}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {404},
     .example = {.step = 250,
                 .body = "{\"action\": \"delete-listrange\", \"value\": {\"objnames\": "
                         "[\"big\", \"log\"]}}",
                 .keeps = "JOB"},
     .run = delete_selection},
    {.name = "NativeCopyObjects",
     .method = "POST",
     .path = BUCKET_PATH,
     .action = "copy-listrange",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Start a job that copies objects to another bucket, which is created if need be.",
     .takes = "{action: 'copy-listrange', value: {tobck: {name: text, provider?: text, "
              "namespace?: {uuid?: text, name?: text}}, objnames?: [text], template?: text, "
              "prepend?: text, dry_run?: bool}}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {404, 501},
     .example = {.step = 210,
                 .body = "{\"action\": \"copy-listrange\", \"value\": {\"tobck\": {\"name\": "
                         "\"demo-copy\"}, \"objnames\": [\"hello\"]}}",
                 .keeps = "JOB"},
     .run = copy_selection},
    {.name = "NativeCopyBucket",
     .method = "POST",
     .path = BUCKET_PATH,
     .action = "copy-bck",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Start a job that copies a bucket; one that is not there is created.",
     .needs = {&native_field_bucket_to},
     .takes = "{action: 'copy-bck', value?: {prefix?: text, prepend?: text, dry_run?: bool}}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {404, 501},
     .example = {.step = 230, .query = "bck_to=ais/@%23/demo-copy/", .keeps = "JOB"},
     .run = copy_bucket},
    {.name = "NativeRenameBucket",
     .method = "POST",
     .path = BUCKET_PATH,
     .action = "move-bck",
     .body = NATIVE_BODY_MESSAGE,
     .doc = "Start a job that moves all objects to a new bucket and removes this one.",
     .needs = {&native_field_bucket_to},
     .takes = "{action: 'move-bck'}",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The job's id."}},
     .fails = {404, 409, 501},
     .example =
         {.step = 240, .path = "demo-copy", .query = "bck_to=ais/@%23/demo-moved/", .keeps = "JOB"},
     .run = rename_bucket},
};

const struct native_route_table native_routes_of_selections = {.routes = ROUTES,
                                                               .count = ARRAY_COUNT(ROUTES)};
