/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_place.h"

#include "base/clock.h"
#include "native/native_route.h"
#include "object/object_cluster.h"
#include "object/object_route.h"
#include "object/upload_find.h"
#include "object/upload_pin.h"

#include "base/banned.h"

#define OBJECT_PATH "/v1/objects/{bucket}/{object}"
#define BUCKETS_PREFIX "/v1/buckets"
#define OBJECTS_PREFIX "/v1/objects"
#define RENAME "rename-obj"
#define UNSUPPORTED "NativeUnsupported" /* refused where it comes */

static bool
is_read(const struct native_call *call)
{
    return bytes_equal_string(call->http->method, "GET") ||
           bytes_equal_string(call->http->method, "HEAD");
}

static struct bytes
some_gateway(const struct native_call *call)
{
    struct cluster_map *map = cluster_map_get(call->native->cluster);
    struct bytes url = BYTES_NONE;

    for (size_t i = 0; i < map->node_count && url.size == 0; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (node->is_gateway && !node->is_down && node->state == NODE_ACTIVE) {
            url = arena_copy(call->arena, node->public_url);
        }
    }
    cluster_map_unref(map);
    return url;
}

enum status
native_place_check_role(const struct native_call *call, struct error *err)
{
    bool is_of_buckets = bytes_has_prefix(call->http->path, BYTES_LITERAL(BUCKETS_PREFIX));
    bool is_of_objects = bytes_has_prefix(call->http->path, BYTES_LITERAL(OBJECTS_PREFIX));
    struct bytes gateway;

    if (call->native->cluster == NULL || call->native->is_gateway || call->is_marked ||
        call->http->is_from_peer || !(is_of_buckets || (is_of_objects && !is_read(call)))) {
        return ST_OK;
    }
    gateway = some_gateway(call);
    return fail(err, ST_INVALID,
                "t[%s]: %.*s is expected to come through a gateway%s%.*s, this node is a target",
                call->native->node_id, BYTES_ARGS(call->http->method),
                gateway.size > 0 ? " such as " : "", (int)gateway.size,
                gateway.size > 0 ? gateway.data : "");
}

bool
native_place_has_key(const struct native_call *call)
{
    bool is_post = bytes_equal_string(call->http->method, "POST");

    return call->native->cluster != NULL && strcmp(call->route->path, OBJECT_PATH) == 0 &&
           strcmp(call->route->name, UNSUPPORTED) != 0 && (!is_post || call->has_message);
}

/* "<node>|<id>|..." is a handle; an upload's name is "<id>.<node>". */
static struct bytes
upload_of_handle(struct native_call *call)
{
    struct bytes rest = native_call_parameter(call, "append_handle");
    struct bytes node = bytes_cut(&rest, '|');
    struct bytes id = bytes_cut(&rest, '|');

    return id.size > 0
               ? arena_printf_bytes(call->arena, "%.*s.%.*s", BYTES_ARGS(id), BYTES_ARGS(node))
               : BYTES_NONE;
}

/* Bucket, key and upload by which the node is chosen: a copy is made by the owner of what it
 * makes. */
static enum status
read_key(struct native_call *call, struct bucket *bucket, struct bytes *ret_key,
         struct bytes *ret_upload, struct error *err)
{
    struct bytes copy_to = native_call_parameter(call, "object_to");
    struct native_bck bck = call->bck;
    enum status st = ST_OK;

    *ret_key = call->object_name;
    *ret_upload = native_call_parameter(call, "uploadId");
    if (copy_to.size > 0) {
        st = native_bck_parse_uname(copy_to, call->arena, &bck, ret_key, err);
    } else if (call->has_message && bytes_equal_string(call->message.action, RENAME)) {
        *ret_key = call->message.name;
    } else if (ret_upload->size == 0) {
        *ret_upload = upload_of_handle(call);
    }
    bucket->store = call->native->objects;
    bucket->name = bck.own_name;
    return st;
}

static void
fill_target(const struct object_route *route, bool *ret_is_local,
            struct native_redirect_target *ret_target)
{
    *ret_is_local = route->is_local;
    *ret_target = (struct native_redirect_target){
        .node_id = route->node_id, .url = route->public_url, .map_version = route->map_version};
}

/* Then call->upload is set. */
static bool
has_upload(struct native_call *call, struct bytes name)
{
    struct bytes node;

    return name.size > 0 && object_upload_parse(name, &call->upload, &node, NULL) == ST_OK;
}

enum status
native_place_find(struct native_call *call, bool *ret_is_local,
                  struct native_redirect_target *ret_target, struct error *err)
{
    struct bucket bucket = {.store = NULL};
    struct object_route route;
    struct bytes upload;
    struct bytes key;
    enum status st = read_key(call, &bucket, &key, &upload, err);

    if (st == ST_OK) {
        st = object_route(&bucket, key, upload, call->arena, &route, err);
    }
    if (st == ST_OK && route.is_local && !call->has_pin && has_upload(call, upload)) {
        call->has_pin = upload_pin_take(call->native->objects, call->upload);
        st = call->has_pin ? ST_OK : fail(err, ST_WOULD_WAIT, "the upload is about to leave");
    }
    if (st == ST_OK) {
        fill_target(&route, ret_is_local, ret_target);
    }
    return st;
}

enum status
native_place_search(struct native_call *call, bool *ret_is_local,
                    struct native_redirect_target *ret_target, struct error *err)
{
    struct upload_find_options options = {.end_ns = clock_monotonic_ns() +
                                                    OBJECT_MOVED_PATIENCE_MS * CLOCK_NS_PER_MS};
    struct bucket named = {.store = NULL};
    struct bucket bucket;
    struct object_route route;
    enum status st = read_key(call, &named, &options.key, &options.name, err);

    if (st == ST_OK) {
        st = bucket_open(call->native->objects, call->authentication.principal, named.name,
                         ACTION_GET_OBJECT, &bucket, err);
    }
    if (st != ST_OK) {
        return st;
    }
    options.bucket = &bucket;
    st = upload_find(&options, call->arena, &route, err);
    if (st == ST_OK) {
        call->has_pin = route.is_local && has_upload(call, options.name);
        fill_target(&route, ret_is_local, ret_target);
    }
    bucket_close(&bucket);
    return st;
}

bool
native_place_is_behind(const struct native_call *call)
{
    struct cluster_map *map;
    bool is_behind;

    if (!call->is_marked) {
        return false;
    }
    map = cluster_map_get(call->native->cluster);
    is_behind = map == NULL || map->version < call->mark.map_version;
    cluster_map_unref(map);
    return is_behind;
}

bool
native_place_lacks_bucket(const struct native_call *call)
{
    struct bucket bucket;
    enum status st;

    if (call->native->cluster == NULL || call->bucket_name.size == 0 ||
        call->bck.own_name.size == 0) {
        return false;
    }
    st = bucket_open(call->native->objects, call->authentication.principal, call->bck.own_name,
                     ACTION_LIST_BUCKET, &bucket, NULL);
    if (st == ST_OK) {
        bucket_close(&bucket);
    }
    return st == ST_NO_SUCH_BUCKET;
}
