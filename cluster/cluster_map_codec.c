/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_map_codec.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/check.h"

#include "base/banned.h"

bool
cluster_id_is_valid(struct bytes id)
{
    if (id.size < CLUSTER_ID_BYTES_MIN || id.size > CLUSTER_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool is_inner = (c == '-' || c == '_') && i > 0 && i + 1 < id.size;

        if (!is_alnum && !is_inner) {
            return false;
        }
    }
    return true;
}

bool
cluster_address_is_valid(struct bytes address)
{
    for (size_t i = 0; i < address.size; i++) {
        char c = address.data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '\\') {
            return false;
        }
    }
    return address.size <= CLUSTER_URL_BYTES_MAX;
}

static enum status
check_ids(const struct bytes *ids, size_t count, const char *what, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!cluster_id_is_valid(ids[i])) {
            return fail(err, ST_CORRUPT, "The cluster map has an invalid id among its %s", what);
        }
        if (i > 0 && bytes_compare(ids[i - 1], ids[i]) >= 0) {
            return fail(err, ST_CORRUPT, "The %s of the cluster map are not in order", what);
        }
    }
    return ST_OK;
}

static enum status
check_nodes(const struct cluster_map *map, struct error *err)
{
    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (!cluster_id_is_valid(node->id)) {
            return fail(err, ST_CORRUPT, "The cluster map has an invalid node id");
        }
        if (i > 0 && bytes_compare(map->nodes[i - 1].id, node->id) >= 0) {
            return fail(err, ST_CORRUPT, "The nodes of the cluster map are not in order");
        }
        if (cluster_map_is_removed(map, node->id)) {
            return fail(err, ST_CORRUPT, "Node %.*s of the cluster map was removed",
                        BYTES_ARGS(node->id));
        }
        if (!node->is_gateway && !node->is_target) {
            return fail(err, ST_CORRUPT, "Node %.*s of the cluster map has no role",
                        BYTES_ARGS(node->id));
        }
        if (!cluster_address_is_valid(node->public_url) ||
            !cluster_address_is_valid(node->peer_address)) {
            return fail(err, ST_CORRUPT, "Node %.*s of the cluster map has an invalid address",
                        BYTES_ARGS(node->id));
        }
    }
    return ST_OK;
}

static enum status
check_formers(const struct cluster_map *map, struct error *err)
{
    uint64_t version = map->finished_version;

    for (size_t i = 0; i < map->former_count; i++) {
        const struct cluster_placement *former = &map->formers[i];
        enum status st = check_ids(former->targets, former->target_count, "former targets", err);

        if (st != ST_OK) {
            return st;
        }
        if (i == 0 ? former->version != version : former->version <= version) {
            return fail(err, ST_CORRUPT,
                        "The former placements of the cluster map are not those "
                        "since the last finished one");
        }
        version = former->version;
        for (size_t k = 0; k < former->target_count; k++) {
            if (cluster_map_find(map, former->targets[k]) == NULL &&
                !cluster_map_is_removed(map, former->targets[k])) {
                return fail(err, ST_CORRUPT, "The cluster map does not know its former target %.*s",
                            BYTES_ARGS(former->targets[k]));
            }
        }
    }
    if (map->former_count == 0 ? version != map->placement_version
                               : version >= map->placement_version) {
        return fail(err, ST_CORRUPT,
                    "The placement of the cluster map does not follow its former "
                    "ones");
    }
    return ST_OK;
}

enum status
cluster_map_check(const struct cluster_map *map, struct error *err)
{
    enum status st;

    if (map->version == 0 || map->placement_version == 0 || map->placement_version > map->version ||
        map->version > INT64_MAX) {
        return fail(err, ST_CORRUPT, "The versions of the cluster map contradict each other");
    }
    if ((map->stage == STAGE_MOVE) != (map->former_count > 0)) {
        return fail(err, ST_CORRUPT, "The stage of the cluster map contradicts its placements");
    }
    if (!cluster_id_is_valid(map->cluster_id)) {
        return fail(err, ST_CORRUPT, "The cluster map has an invalid cluster id");
    }
    if (map->node_count > CLUSTER_NODES_MAX || map->former_count > CLUSTER_FORMERS_MAX ||
        map->removed_count > CLUSTER_REMOVED_MAX) {
        return fail(err, ST_CORRUPT, "The cluster map is larger than any can be");
    }
    st = check_ids(map->removed, map->removed_count, "removed ids", err);
    if (st == ST_OK) {
        st = check_nodes(map, err);
    }
    return st == ST_OK ? check_formers(map, err) : st;
}

static struct bytes
string_bytes(const json_t *text)
{
    return bytes_of(json_string_value(text), json_string_length(text));
}

/* Views into json, which outlives the content that is read. */
static enum status
read_ids(struct arena *arena, json_t *json, size_t max, struct bytes **ret_ids, size_t *ret_count,
         struct error *err)
{
    size_t count = json_array_size(json);
    struct bytes *ids;

    if (!json_is_array(json) || count > max) {
        return fail(err, ST_CORRUPT, "The cluster map has a bad list of ids");
    }
    ids = arena_calloc(arena, count, sizeof(*ids));
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(json, i);

        if (!json_is_string(id)) {
            return fail(err, ST_CORRUPT, "The cluster map has an id that is no text");
        }
        ids[i] = string_bytes(id);
    }
    *ret_ids = ids;
    *ret_count = count;
    return ST_OK;
}

static enum status
read_state(struct bytes text, enum node_state *ret_state, struct error *err)
{
    for (enum node_state state = NODE_ACTIVE; state <= NODE_DECOMMISSION; state++) {
        if (bytes_equal_string(text, node_state_name(state))) {
            *ret_state = state;
            return ST_OK;
        }
    }
    return fail(err, ST_CORRUPT, "The cluster map has a node in no known state");
}

static enum status
read_node(json_t *json, struct cluster_node *ret_node, struct error *err)
{
    struct cluster_node node = {.is_down = false};
    struct bytes state = BYTES_NONE;
    json_int_t incarnation = 0;
    int is_gateway = 0;
    int is_target = 0;
    int is_down = 0;
    json_error_t where;

    if (json_unpack_ex(json, &where, 0, "{s:s%, s:b, s:b, s:b, s:s%, s:s%, s:s%, s:I !}", "id",
                       &node.id.data, &node.id.size, "gateway", &is_gateway, "target", &is_target,
                       "down", &is_down, "state", &state.data, &state.size, "public_url",
                       &node.public_url.data, &node.public_url.size, "peer_address",
                       &node.peer_address.data, &node.peer_address.size, "incarnation",
                       &incarnation) != 0 ||
        incarnation < 0) {
        return fail(err, ST_CORRUPT, "The cluster map has a bad node: %.160s", where.text);
    }
    node.is_gateway = is_gateway != 0;
    node.is_target = is_target != 0;
    node.is_down = is_down != 0;
    node.incarnation = (uint64_t)incarnation;
    *ret_node = node;
    return read_state(state, &ret_node->state, err);
}

static enum status
read_nodes(json_t *json, struct cluster_map *content, struct error *err)
{
    enum status st = ST_OK;

    if (json_array_size(json) > CLUSTER_NODES_MAX) {
        return fail(err, ST_CORRUPT, "The cluster map has more than %d nodes", CLUSTER_NODES_MAX);
    }
    content->node_count = json_array_size(json);
    content->nodes = arena_calloc(&content->arena, content->node_count, sizeof(*content->nodes));
    for (size_t i = 0; i < content->node_count && st == ST_OK; i++) {
        st = read_node(json_array_get(json, i), &content->nodes[i], err);
    }
    return st;
}

static enum status
read_formers(json_t *json, struct cluster_map *content, struct error *err)
{
    enum status st = ST_OK;

    if (json_array_size(json) > CLUSTER_FORMERS_MAX) {
        return fail(err, ST_CORRUPT, "The cluster map has more than %d former placements",
                    CLUSTER_FORMERS_MAX);
    }
    content->former_count = json_array_size(json);
    content->formers =
        arena_calloc(&content->arena, content->former_count, sizeof(*content->formers));
    for (size_t i = 0; i < content->former_count && st == ST_OK; i++) {
        struct cluster_placement *former = &content->formers[i];
        json_int_t version = 0;
        json_t *targets = NULL;

        if (json_unpack(json_array_get(json, i), "{s:I, s:o !}", "version", &version, "targets",
                        &targets) != 0 ||
            version < 0) {
            return fail(err, ST_CORRUPT, "The cluster map has a bad former placement");
        }
        former->version = (uint64_t)version;
        st = read_ids(&content->arena, targets, CLUSTER_NODES_MAX, &former->targets,
                      &former->target_count, err);
    }
    return st;
}

static enum status
read_stage(struct bytes text, enum placement_stage *ret_stage, struct error *err)
{
    for (enum placement_stage stage = STAGE_MOVE; stage <= STAGE_DONE; stage++) {
        if (bytes_equal_string(text, placement_stage_name(stage))) {
            *ret_stage = stage;
            return ST_OK;
        }
    }
    return fail(err, ST_CORRUPT, "The cluster map is at no known stage");
}

static enum status
read_map(json_t *root, struct cluster_map *content, struct error *err)
{
    json_int_t version = 0;
    json_int_t placement = 0;
    json_int_t finished = 0;
    json_t *nodes = NULL;
    json_t *formers = NULL;
    json_t *removed = NULL;
    struct bytes stage = BYTES_NONE;
    json_int_t format = json_integer_value(json_object_get(root, "format"));
    json_error_t where;
    enum status st;

    if (format != CLUSTER_FORMAT && json_is_object(root)) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "The cluster map has format %" JSON_INTEGER_FORMAT
                    ", this loded knows format %d: install the version that the other nodes run",
                    format, CLUSTER_FORMAT);
    }
    if (json_unpack_ex(root, &where, 0, "{s:I, s:s%, s:I, s:I, s:I, s:s%, s:o, s:o, s:o !}",
                       "format", &format, "cluster", &content->cluster_id.data,
                       &content->cluster_id.size, "version", &version, "placement", &placement,
                       "finished", &finished, "stage", &stage.data, &stage.size, "nodes", &nodes,
                       "formers", &formers, "removed", &removed) != 0 ||
        version < 0 || placement < 0 || finished < 0 || !json_is_array(nodes) ||
        !json_is_array(formers)) {
        return fail(err, ST_CORRUPT, "The cluster map is no such document: %.160s", where.text);
    }
    content->version = (uint64_t)version;
    content->placement_version = (uint64_t)placement;
    content->finished_version = (uint64_t)finished;
    st = read_stage(stage, &content->stage, err);
    if (st == ST_OK) {
        st = read_nodes(nodes, content, err);
    }
    if (st == ST_OK) {
        st = read_formers(formers, content, err);
    }
    if (st == ST_OK) {
        st = read_ids(&content->arena, removed, CLUSTER_REMOVED_MAX, &content->removed,
                      &content->removed_count, err);
    }
    return st;
}

enum status
cluster_map_parse(struct bytes json, uint64_t revision, struct cluster_map **ret_map,
                  struct error *err)
{
    struct cluster_map content = {.revision = revision, .arena = ARENA_INIT};
    json_error_t where = {.text = ""};
    json_t *root = NULL;
    enum status st;

    if (json.size > CLUSTER_MAP_BYTES_MAX) {
        return fail(err, ST_CORRUPT, "The cluster map has %zu bytes", json.size);
    }
    root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return fail(err, ST_CORRUPT, "The cluster map is no JSON document: %.160s", where.text);
    }
    st = read_map(root, &content, err);
    if (st == ST_OK) {
        st = cluster_map_check(&content, err);
    }
    if (st == ST_OK) {
        *ret_map = cluster_map_create(&content);
    }
    arena_release(&content.arena);
    json_decref(root);
    return st;
}

static void
format_ids(struct buffer *out, const struct bytes *ids, size_t count)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "%s\"%.*s\"", i > 0 ? "," : "", BYTES_ARGS(ids[i]));
    }
    buffer_append_char(out, ']');
}

static const char *
truth(bool value)
{
    return value ? "true" : "false";
}

void
cluster_map_format(const struct cluster_map *map, struct buffer *out)
{
    buffer_printf(out,
                  "{\"format\":%d,\"cluster\":\"%.*s\",\"version\":%" PRIu64
                  ",\"placement\":%" PRIu64 ",\"finished\":%" PRIu64
                  ",\"stage\":\"%s\",\"nodes\":[",
                  CLUSTER_FORMAT, BYTES_ARGS(map->cluster_id), map->version, map->placement_version,
                  map->finished_version, placement_stage_name(map->stage));
    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        buffer_printf(
            out,
            "%s{\"id\":\"%.*s\",\"gateway\":%s,\"target\":%s,\"down\":%s,\"state\":\"%s\","
            "\"public_url\":\"%.*s\",\"peer_address\":\"%.*s\",\"incarnation\":%" PRIu64 "}",
            i > 0 ? "," : "", BYTES_ARGS(node->id), truth(node->is_gateway), truth(node->is_target),
            truth(node->is_down), node_state_name(node->state), BYTES_ARGS(node->public_url),
            BYTES_ARGS(node->peer_address), node->incarnation);
    }
    buffer_append_string(out, "],\"formers\":[");
    for (size_t i = 0; i < map->former_count; i++) {
        buffer_printf(out, "%s{\"version\":%" PRIu64 ",\"targets\":", i > 0 ? "," : "",
                      map->formers[i].version);
        format_ids(out, map->formers[i].targets, map->formers[i].target_count);
        buffer_append_char(out, '}');
    }
    buffer_append_string(out, "],\"removed\":");
    format_ids(out, map->removed, map->removed_count);
    buffer_append_char(out, '}');
}
