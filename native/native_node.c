/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node says of itself: health, the map, buckets, configuration, status.
 * SPEC: AIStore core/meta/smap.go, bmd.go; stats/api_wire.go; cmn/config.go.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/placement.h"
#include "native/native_bprops.h"
#include "native/native_config.h"
#include "native/native_drain.h"
#include "native/native_route.h"
#include "object/object_cluster.h"

#include "base/banned.h"

#define DAEMON_PATH "/v1/daemon"
#define REVERSE_PATH "/v1/reverse/daemon"
/* SPEC: node started and cluster started. */
#define STATE_FLAGS_OK 6

static enum status
show_health(struct native_call *call, struct error *err)
{
    uint64_t uptime_ns = (uint64_t)(clock_monotonic_ns() - call->native->started_ns);

    (void)err;
    native_reply_number(call, "Ais-Node-Uptime", uptime_ns);
    native_reply_number(call, "Ais-Cluster-Uptime", uptime_ns);
    return ST_OK;
}

/* Host is where the client reached us, so it can reach us there again. */
static void
append_net(const struct native_call *call, const char *member, struct buffer *out)
{
    struct bytes host = call->http->host;
    size_t colon = SIZE_MAX;

    for (size_t i = 0; i < host.size; i++) {
        colon = host.data[i] == ':' ? i : host.data[i] == ']' ? SIZE_MAX : colon;
    }
    buffer_printf(out, "\"%s\":{\"node_ip_addr\":", member);
    log_append_json_string(out, colon == SIZE_MAX ? host : bytes_slice(host, 0, colon));
    buffer_append_string(out, ",\"daemon_port\":");
    log_append_json_string(out, colon == SIZE_MAX
                                    ? bytes_of_string(call->http->is_tls ? "443" : "80")
                                    : bytes_slice(host, colon + 1, host.size));
    buffer_append_string(out, ",\"direct_url\":");
    log_append_json_string(out, arena_printf_bytes(call->arena, "%s://%.*s",
                                                   call->http->is_tls ? "https" : "http",
                                                   BYTES_ARGS(host)));
    buffer_append_char(out, '}');
}

static void
append_snode(const struct native_call *call, const char *type, struct buffer *out)
{
    buffer_append_char(out, '{');
    append_net(call, "public_net", out);
    buffer_append_char(out, ',');
    append_net(call, "intra_control_net", out);
    buffer_append_char(out, ',');
    append_net(call, "intra_data_net", out);
    buffer_printf(
        out, ",\"daemon_type\":\"%s\",\"daemon_id\":\"%s\",\"flags\":%d,\"id_digest\":%" PRIu64 "}",
        type, call->native->node_id, strcmp(type, "proxy") == 0 ? 2 : 0,
        placement_node_digest(bytes_of_string(call->native->node_id)));
}

static enum status
show_smap(struct native_call *call, struct error *err)
{
    struct buffer *out = &call->reply.body;

    if (call->native->cluster != NULL) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "the map of a cluster of several nodes is not supported here");
    }
    buffer_printf(out, "{\"pmap\":{\"%s\":", call->native->node_id);
    append_snode(call, "proxy", out);
    buffer_append_string(out, "},\"proxy_si\":");
    append_snode(call, "proxy", out);
    buffer_printf(out, ",\"tmap\":{\"%s\":", call->native->node_id);
    append_snode(call, "target", out);
    buffer_printf(out, "},\"uuid\":\"%s\",\"creation_time\":\"\",\"version\":\"1\"}",
                  call->native->node_id);
    native_reply_json(call);
    return ST_OK;
}

/* In the order of their names, which puts those of one namespace together. */
static void
append_buckets(struct native_call *call, const struct bucket_info *buckets, size_t count,
               struct buffer *out)
{
    struct bytes ns = BYTES_NONE;
    bool has_namespace = false;
    bool is_first = true;

    for (size_t i = 0; i < count; i++) {
        struct native_bck bck;
        struct bucket bucket;

        native_bck_of_own_name(buckets[i].name, &bck);
        if (bucket_open(call->native->objects, call->authentication.principal, buckets[i].name,
                        ACTION_LIST_BUCKET, &bucket, NULL) != ST_OK) {
            continue; /* gone since it was listed */
        }
        if (!has_namespace || !bytes_equal(ns, bck.namespace_name)) {
            ns = bck.namespace_name;
            buffer_printf(out, "%s\"@#%.*s\":{", has_namespace ? "}," : "", BYTES_ARGS(ns));
            has_namespace = true;
            is_first = true;
        }
        buffer_append_string(out, is_first ? "" : ",");
        is_first = false;
        log_append_json_string(out, bck.name);
        buffer_append_char(out, ':');
        native_bprops_append(&bck, &bucket, out);
        bucket_close(&bucket);
    }
    buffer_append_string(out, has_namespace ? "}" : "");
}

static enum status
show_bmd(struct native_call *call, struct error *err)
{
    struct buffer *out = &call->reply.body;
    struct bucket_list_options options = {.count_max = BUCKET_COUNT_MAX};
    struct bucket_info *buckets;
    size_t count;
    bool is_truncated;
    enum status st = bucket_list(call->native->objects, call->authentication.principal, &options,
                                 call->arena, &buckets, &count, &is_truncated, err);

    if (st != ST_OK) {
        return st;
    }
    buffer_append_string(out, "{\"providers\":{\"ais\":{");
    append_buckets(call, buckets, count, out);
    buffer_printf(out, "}},\"uuid\":\"%s\",\"version\":\"%" PRIu64 "\"}", call->native->node_id,
                  object_store_revision(call->native->objects));
    native_reply_json(call);
    return ST_OK;
}

static enum status
show_config(struct native_call *call, struct error *err)
{
    (void)err;
    native_config_append(call, &call->reply.body);
    native_reply_json(call);
    return ST_OK;
}

static enum status
show_version(struct native_call *call, struct error *err)
{
    (void)err;
    native_reply_text(call, BYTES_LITERAL("lode"));
    return ST_OK;
}

static void
append_capacity(struct native_call *call, struct buffer *out)
{
    uint64_t total = native_drain_disk_bytes(call->native->objects);
    uint64_t available = native_drain_free_bytes(call->native->objects);
    uint64_t percent = total > 0 ? (total - available) * 100 / total : 0;

    buffer_printf(out,
                  "{\"mountpaths\":{},\"cs_err\":\"\",\"total_used\":\"%" PRIu64
                  "\",\"total_avail\":\"%" PRIu64 "\",\"pct_max\":%" PRIu64 ",\"pct_avg\":%" PRIu64
                  ",\"pct_min\":%" PRIu64 "}",
                  total - available, available, percent, percent, percent);
}

static void
append_system(struct buffer *out)
{
    struct sysinfo info;
    double load[3] = {0, 0, 0};
    uint64_t unit;
    uint64_t total;
    uint64_t available;

    CHECK(sysinfo(&info) == 0);
    CHECK(getloadavg(load, 3) <= 3);
    unit = info.mem_unit;
    total = info.totalram * unit;
    available = (info.freeram + info.bufferram) * unit;
    buffer_printf(out,
                  "{\"mem_used\":\"%" PRIu64 "\",\"mem_avail\":\"%" PRIu64
                  "\",\"pct_mem_used\":%.2f,\"load_avg\":{\"One\":%.2f,\"Five\":%.2f,"
                  "\"Fifteen\":%.2f}}",
                  total - available, available,
                  total > 0 ? 100.0 * (double)(total - available) / (double)total : 0.0, load[0],
                  load[1], load[2]);
}

/* The node that the header names; without it, this one. */
static enum status
check_node(const struct native_call *call, struct error *err)
{
    struct bytes id = http_request_header(call->http, "ais-node-id");

    return id.size == 0 || bytes_equal_string(id, call->native->node_id)
               ? ST_OK
               : fail(err, ST_NOT_FOUND, "node \"%.*s\" does not exist",
                      (int)(id.size < 64 ? id.size : 64), id.data);
}

static enum status
show_status(struct native_call *call, struct error *err)
{
    struct buffer *out = &call->reply.body;
    enum status st = check_node(call, err);

    if (st != ST_OK) {
        return st;
    }
    buffer_append_string(out, "{\"snode\":");
    append_snode(call, "target", out);
    buffer_printf(out, ",\"tracker\":{\"up.ns.time\":%" PRId64 ",\"state.flags\":%d},\"capacity\":",
                  clock_monotonic_ns() - call->native->started_ns, STATE_FLAGS_OK);
    append_capacity(call, out);
    buffer_append_string(out, ",\"status\":\"\",\"deployment\":\"linux\",\"ais_version\":\"lode\","
                              "\"build_time\":\"\",\"k8s_pod_name\":\"\",\"cluster\":{\"flags\":6},"
                              "\"sys_info\":");
    append_system(out);
    buffer_append_string(out, ",\"smap_version\":\"1\"}");
    native_reply_json(call);
    return ST_OK;
}

static enum status
show_snode(struct native_call *call, struct error *err)
{
    enum status st = check_node(call, err);

    if (st == ST_OK) {
        append_snode(call, "target", &call->reply.body);
        native_reply_json(call);
    }
    return st;
}

static enum status
show_nothing_attached(struct native_call *call, struct error *err)
{
    (void)err;
    buffer_append_string(&call->reply.body, "{\"a\":[],\"ver\":1}");
    native_reply_json(call);
    return ST_OK;
}

static enum status
show_backends(struct native_call *call, struct error *err)
{
    (void)err;
    buffer_append_string(&call->reply.body, "[\"ais\"]");
    native_reply_json(call);
    return ST_OK;
}

#define NODE_ROUTE(name_, path_, what_, run_, answers_, doc_)                                      \
    {                                                                                              \
        .name = (name_), .method = "GET", .path = (path_), .selector = "what=" what_,              \
        .query = "what=" what_, .takes = "nothing", .answers = (answers_), .doc = (doc_),          \
        .run = (run_)                                                                              \
    }

static const struct native_route ROUTES[] = {
    {.name = "NativeHealth",
     .method = "GET",
     .path = "/v1/health",
     .query = "readiness, prr: the same answer",
     .takes = "nothing; no credentials",
     .answers = "200 with Ais-Node-Uptime and Ais-Cluster-Uptime in nanoseconds",
     .doc = "Ask whether the node serves.",
     .run = show_health},
    NODE_ROUTE("NativeSmap", DAEMON_PATH, "smap", show_smap, "200 with the cluster map; 501",
               "Show the nodes with their digests and addresses."),
    NODE_ROUTE("NativeBmd", DAEMON_PATH, "bmd", show_bmd, "200 with the properties of all buckets",
               "Show all buckets."),
    NODE_ROUTE("NativeConfig", DAEMON_PATH, "config", show_config, "200 with the configuration",
               "Show this node's configuration in AIStore's form."),
    NODE_ROUTE("NativeNodeStatus", DAEMON_PATH, "node_status", show_status, "200; 404",
               "Show this node's state and space."),
    NODE_ROUTE("NativeSnode", DAEMON_PATH, "snode", show_snode, "200; 404", "Show this node."),
    NODE_ROUTE("NativeVersion", DAEMON_PATH, "software_version", show_version, "200 with text",
               "Show which software this is."),
    NODE_ROUTE("NativeSmap", REVERSE_PATH, "smap", show_smap, "200 with the cluster map; 501",
               "Show the map that the node named in Ais-Node-Id has."),
    NODE_ROUTE("NativeBmd", REVERSE_PATH, "bmd", show_bmd, "200", "Show all buckets."),
    NODE_ROUTE("NativeConfig", REVERSE_PATH, "config", show_config, "200",
               "Show the configuration of a node."),
    NODE_ROUTE("NativeNodeStatus", REVERSE_PATH, "node_status", show_status, "200; 404",
               "Show the state of the node named in Ais-Node-Id."),
    NODE_ROUTE("NativeVersion", REVERSE_PATH, "software_version", show_version, "200 with text",
               "Show which software a node is."),
    NODE_ROUTE("NativeClusterConfig", "/v1/cluster", "cluster_config", show_config, "200",
               "Show the configuration in AIStore's form."),
    NODE_ROUTE("NativeRemotes", "/v1/cluster", "remote", show_nothing_attached,
               "200 with {\"a\": [], \"ver\": 1}", "Show attached clusters; there are none."),
    NODE_ROUTE("NativeBackends", "/v1/cluster", "backends", show_backends, "200 with [\"ais\"]",
               "Show the providers that buckets may have."),
};

const struct native_route_table native_routes_of_nodes = {ROUTES, ARRAY_COUNT(ROUTES)};
