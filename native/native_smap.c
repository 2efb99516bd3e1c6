/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_smap.h"

#include <inttypes.h>

#include "base/log.h"
#include "cluster/cluster_survey.h"
#include "cluster/placement.h"

#include "base/banned.h"

/* SPEC: AIStore core/meta/snode.go: flags of a node. */
#define FLAG_IC 2U
#define FLAG_MAINTENANCE 4U
#define FLAG_DECOMMISSION 8U

static struct bytes
host_of(struct bytes url)
{
    size_t at = bytes_find(url, 0, BYTES_LITERAL("://"));

    url = bytes_slice(url, at == SIZE_MAX ? 0 : at + 3, url.size);
    return bytes_cut(&url, '/');
}

/* url: "http://host:port". */
static void
append_net(const struct native_call *call, const char *member, struct bytes url, struct buffer *out)
{
    struct bytes host = host_of(url);
    bool is_tls = bytes_has_prefix(url, BYTES_LITERAL("https://"));
    size_t colon = SIZE_MAX;

    for (size_t i = 0; i < host.size; i++) {
        colon = host.data[i] == ':' ? i : host.data[i] == ']' ? SIZE_MAX : colon;
    }
    buffer_printf(out, "\"%s\":{\"node_ip_addr\":", member);
    log_append_json_string(out, colon == SIZE_MAX ? host : bytes_slice(host, 0, colon));
    buffer_append_string(out, ",\"daemon_port\":");
    log_append_json_string(out, colon == SIZE_MAX ? bytes_of_string(is_tls ? "443" : "80")
                                                  : bytes_slice(host, colon + 1, host.size));
    buffer_append_string(out, ",\"direct_url\":");
    log_append_json_string(
        out, arena_printf_bytes(call->arena, "http%s://%.*s", is_tls ? "s" : "", BYTES_ARGS(host)));
    buffer_append_char(out, '}');
}

static void
append_snode(const struct native_call *call, const char *type, const struct cluster_node *node,
             struct buffer *out)
{
    unsigned int flags = strcmp(type, "proxy") == 0 ? FLAG_IC : 0;

    flags |= node->state == NODE_MAINTENANCE ? FLAG_MAINTENANCE : 0;
    flags |= node->state == NODE_DECOMMISSION ? FLAG_DECOMMISSION : 0;
    buffer_append_char(out, '{');
    append_net(call, "public_net", node->public_url, out);
    buffer_append_char(out, ',');
    append_net(call, "intra_control_net", node->public_url, out);
    buffer_append_char(out, ',');
    append_net(call, "intra_data_net", node->public_url, out);
    buffer_printf(
        out,
        ",\"daemon_type\":\"%s\",\"daemon_id\":\"%.*s\",\"flags\":%u,\"id_digest\":%" PRIu64 "}",
        type, BYTES_ARGS(node->id), flags, placement_node_digest(node->id));
}

/* Where the client reached us, so it can reach us there again. */
static struct cluster_node
lone_node(const struct native_call *call)
{
    return (struct cluster_node){
        .id = bytes_of_string(call->native->node_id),
        .is_gateway = true,
        .is_target = true,
        .public_url =
            arena_printf_bytes(call->arena, "%s://%.*s", call->http->is_tls ? "https" : "http",
                               BYTES_ARGS(call->http->host)),
    };
}

static struct cluster_map *
map_of(const struct native_call *call)
{
    return call->native->cluster != NULL ? cluster_map_get(call->native->cluster) : NULL;
}

void
native_smap_append_self(const struct native_call *call, struct buffer *out)
{
    struct cluster_map *map = map_of(call);
    struct cluster_node lone = lone_node(call);
    const struct cluster_node *node = map != NULL ? cluster_self(call->native->cluster, map) : NULL;

    node = node != NULL ? node : &lone;
    append_snode(call, node->is_target ? "target" : "proxy", node, out);
    cluster_map_unref(map);
}

/* The leader where it is a gateway, else the first gateway that is up. */
static const struct cluster_node *
primary_of(const struct native_call *call, const struct cluster_map *map)
{
    const struct cluster_node *primary = NULL;
    struct cluster_survey survey;

    cluster_survey_read(call->native->control, &survey);
    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (node->is_gateway && !node->is_down &&
            (primary == NULL || bytes_equal(node->id, survey.leader_id))) {
            primary = node;
        }
    }
    cluster_survey_release(&survey);
    return primary;
}

static void
append_nodes(const struct native_call *call, const char *type, const struct cluster_map *map,
             struct buffer *out)
{
    bool is_proxy = strcmp(type, "proxy") == 0;
    size_t count = 0;

    buffer_append_char(out, '{');
    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (is_proxy ? node->is_gateway : node->is_target) {
            buffer_printf(out, "%s\"%.*s\":", count++ > 0 ? "," : "", BYTES_ARGS(node->id));
            append_snode(call, type, node, out);
        }
    }
    buffer_append_char(out, '}');
}

static void
append_map(const struct native_call *call, const struct cluster_map *map,
           const struct cluster_node *primary, struct bytes uuid, struct buffer *out)
{
    buffer_append_string(out, "{\"pmap\":");
    append_nodes(call, "proxy", map, out);
    buffer_append_string(out, ",\"proxy_si\":");
    append_snode(call, "proxy", primary, out);
    buffer_append_string(out, ",\"tmap\":");
    append_nodes(call, "target", map, out);
    buffer_printf(out, ",\"uuid\":\"%.*s\",\"creation_time\":\"\",\"version\":\"%" PRIu64 "\"}",
                  BYTES_ARGS(uuid), map->version);
}

void
native_smap_append(const struct native_call *call, struct buffer *out)
{
    struct cluster_map *map = map_of(call);
    struct cluster_node lone = lone_node(call);
    struct cluster_map alone = {.version = 1, .node_count = 1, .nodes = &lone};
    const struct cluster_node *primary;

    if (map == NULL) {
        append_map(call, &alone, &lone, lone.id, out);
        return;
    }
    primary = primary_of(call, map);
    if (primary == NULL) { /* no gateway is up: who answers stands in for it */
        primary = cluster_self(call->native->cluster, map);
    }
    append_map(call, map, primary != NULL ? primary : &lone, native_smap_uuid(call), out);
    cluster_map_unref(map);
}

struct bytes
native_smap_uuid(const struct native_call *call)
{
    return call->native->cluster != NULL ? cluster_id(call->native->cluster)
                                         : bytes_of_string(call->native->node_id);
}

uint64_t
native_smap_version(const struct native_call *call)
{
    struct cluster_map *map = map_of(call);
    uint64_t version = map != NULL ? map->version : 1;

    cluster_map_unref(map);
    return version;
}

struct bytes
native_smap_primary_url(const struct native_call *call)
{
    struct cluster_map *map = map_of(call);
    const struct cluster_node *primary = map != NULL ? primary_of(call, map) : NULL;
    struct bytes url =
        primary != NULL ? arena_copy(call->arena, primary->public_url) : lone_node(call).public_url;

    cluster_map_unref(map);
    return url;
}
