/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of a bucket, in msgpack or JSON.  The token is the last name of a full page; a page that
 * is not full is the last.  SPEC: AIStore cmn/objlist.go, ais/plstcx.go.
 */

#include "base/check.h"
#include "native/native_attributes.h"
#include "native/native_list_message.h"
#include "native/native_page.h"
#include "native/native_route.h"
#include "object/object_cluster.h"
#include "object/object_list.h"

#include "base/banned.h"

static enum status
list_objects(struct native_call *call, struct error *err)
{
    bool is_msgpack =
        bytes_equal_string(http_request_header(call->http, "accept"), "application/msgpack");
    struct native_list_message message;
    struct native_page page = {.location = native_attributes_location(call->native, call->arena),
                               .is_msgpack = is_msgpack};
    struct cluster_map *map = NULL;
    struct object_list_options options = {.count_max = 0};
    struct object_list_result result = {.count = 0};
    enum status st = native_list_message_parse(call->message.value, &message, err);

    if (st == ST_OK) {
        st = native_call_open_bucket(call, ACTION_LIST_BUCKET, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (call->native->cluster != NULL) {
        page.map = map = cluster_map_get(call->native->cluster);
        page.uname = object_cluster_uname(call->bucket.name, call->arena);
    }
    page.properties = message.properties;
    page.has_directories = !(message.flags & NATIVE_LIST_NO_DIRECTORIES);
    options.prefix = message.prefix;
    options.after = message.after;
    options.count_max = message.page_size;
    if (message.flags & NATIVE_LIST_NO_RECURSION) {
        options.delimiter = BYTES_LITERAL("/");
    }
    st = object_list(&call->bucket, &options, native_page_take, &page, call->arena, &result, err);
    if (st == ST_OK) {
        native_page_finish(&page, message.uuid,
                           result.count == message.page_size ? result.last : BYTES_NONE,
                           &call->reply.body);
        if (is_msgpack) {
            call->reply.content_type = "application/msgpack";
        } else {
            native_reply_json(call);
        }
    }
    cluster_map_unref(map);
    native_page_release(&page);
    return st;
}

static const struct native_named_shape SHAPES[] = {
    {"ListPage", "{uuid: text, continuation_token: text, entries: [ListEntry], flags: int}"},
    {"ListEntry", "{name: text, size?: digits, checksum?: text, atime?: text, version?: text, "
                  "location?: text, custom-md?: text, copies?: int, flags: int}"},
};

static const struct native_route ROUTES[] = {
    {.name = "NativeListObjects",
     .method = "GET",
     .path = "/v1/buckets/{bucket}",
     .action = "list",
     .body = NATIVE_BODY_MESSAGE,
     .doc =
         "List objects of a bucket, a page at a time; with the token of the page before, what "
         "follows it. Members of the msgpack form are UUID, ContinuationToken, Entries and Flags "
         "of n, s, cs, a, v, t, m, c and f.",
     .takes = "{action: 'list', value?: {prefix?: text, pagesize?: int, uuid?: text, props?: text, "
              "continuation_token?: text, start_after?: text, flags?: digits, target?: text}}",
     .answers = {{.http_status = 200,
                  .media = NATIVE_PAGE,
                  .shape = "ListPage",
                  .doc = "A page; the last has no token."}},
     .fails = {404, 501},
     .example = {.step = 110,
                 .body = "{\"action\": \"list\", \"value\": {\"props\": \"name,size,version\"}}"},
     .run = list_objects},
};

const struct native_route_table native_routes_of_listing = {.routes = ROUTES,
                                                            .count = ARRAY_COUNT(ROUTES),
                                                            .shapes = SHAPES,
                                                            .shape_count = ARRAY_COUNT(SHAPES)};
