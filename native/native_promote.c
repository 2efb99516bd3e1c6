/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promote: files that lie on targets become objects.
 * SPEC: AIStore api/apc/promote.go, ais/prxtxn.go; the SDK's Object.promote.
 */
#include "base/check.h"
#include "jobs/promote_cluster.h"
#include "native/native_route.h"

#include "base/banned.h"

/* SPEC: the name of the message and src of its value say the same, or one of them says it. */
static enum status
read_path(const struct native_call *call, struct bytes *ret_path, struct error *err)
{
    struct bytes source = native_json_text(call->message.value, "src");
    struct bytes name = call->message.name;

    if (source.size > 0 && name.size > 0 && !bytes_equal(source, name)) {
        return fail(err, ST_INVALID, "conflicting promote source: \"%.*s\" vs \"%.*s\"",
                    (int)(name.size < 128 ? name.size : 128), name.data,
                    (int)(source.size < 128 ? source.size : 128), source.data);
    }
    *ret_path = source.size > 0 ? source : name;
    if (ret_path->size > PROMOTE_PATH_BYTES_MAX) {
        return fail(err, ST_INVALID, "a promote source has at most %zu bytes",
                    PROMOTE_PATH_BYTES_MAX);
    }
    return ret_path->size > 0 ? ST_OK
                              : fail(err, ST_INVALID, "invalid promote source: the path is empty");
}

/* What comes before the name of a file may end with a slash, else it is a name by itself. */
static enum status
check_name(struct bytes name, struct error *err)
{
    struct bytes checked = name;

    if (checked.size > 0 && checked.data[checked.size - 1] == '/') {
        checked.size--;
    }
    return name.size == 0 ? ST_OK : native_call_check_object_name(checked, err);
}

static enum status
promote(struct native_call *call, struct error *err)
{
    const json_t *value = call->message.value;
    struct promote_request request = {
        .message = {.bucket = call->bck.own_name,
                    .name = native_json_text(value, "obj"),
                    .is_recursive = native_json_bool(value, "rcr"),
                    .overwrites = native_json_bool(value, "ovw"),
                    .removes_source = native_json_bool(value, "dls")},
        .node_id = native_json_text(value, "tid"),
        .is_unshared = native_json_bool(value, "notshr"),
    };
    char id[JOB_ID_SIZE];
    enum status st = read_path(call, &request.message.path, err);

    if (st == ST_OK) {
        st = check_name(request.message.name, err);
    }
    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_PUT_OBJECT, err);
    }
    if (st == ST_OK) {
        st = promote_start(call->native->jobs, call->native->objects, &request, id, err);
    }
    if (st == ST_OK && id[0] != '\0') {
        native_reply_text(call, arena_copy(call->arena, bytes_of_string(id)));
    }
    return st;
}

static const struct native_route ROUTES[] = {
    {.name = "NativePromote",
     .method = "POST",
     .path = "/v1/objects/{bucket}",
     .action = "promote",
     .body = NATIVE_BODY_MESSAGE,
     .load_class = LOAD_DATA,
     .doc = "Make objects of a file or of the files of a directory that lie on targets, below a "
            "directory that those were given with --promote-from. tid: at this target alone; obj: "
            "name or what stands before it; rcr: with directories below; ovw: over objects that "
            "are there; dls: remove the files afterwards; notshr: targets see different files.",
     .takes = "{action: 'promote', name?: text, value?: {tid?: text, src?: text, obj?: text, "
              "rcr?: bool, ovw?: bool, dls?: bool, notshr?: bool}}",
     .answers = {{.http_status = 200,
                  .media = NATIVE_TEXT,
                  .doc = "The job's id; empty: it is done."}},
     .fails = {404, 409},
     .example = {.step = 206,
                 .body = "{\"action\": \"promote\", \"name\": \"$PROMOTE\", \"value\": {\"obj\": "
                         "\"promoted/\", \"rcr\": true}}",
                 .keeps = "JOB"},
     .run = promote},
};

const struct native_route_table native_routes_of_promote = {.routes = ROUTES,
                                                            .count = ARRAY_COUNT(ROUTES)};
