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
#include "base/load.h"
#include "base/log.h"
#include "native/native_bprops.h"
#include "native/native_config.h"
#include "native/native_drain.h"
#include "native/native_route.h"
#include "native/native_smap.h"

#include "base/banned.h"

#define DAEMON_PATH "/v1/daemon"
#define REVERSE_PATH "/v1/reverse/daemon"
/* SPEC: AIStore cmn/cos/node_state.go: node started and cluster started; then what is the matter.
 */
#define STATE_FLAGS_OK 6
static const struct {
    enum load_dimension dimension;
    enum load_grade grade;
    uint64_t flag;
} STATE_FLAGS_OF_LOAD[] = {
    {LOAD_MEMORY, LOAD_CRITICAL, 512}, {LOAD_MEMORY, LOAD_HIGH, 4096},
    {LOAD_CPU, LOAD_HIGH, 2097152},    {LOAD_THREADS, LOAD_CRITICAL, 32768},
    {LOAD_THREADS, LOAD_HIGH, 16384},
};
/* Of a mountpath that is at its floor, or near it. */
#define STATE_FLAG_OUT_OF_SPACE 256
#define STATE_FLAG_LOW_CAPACITY 2048

static enum status
show_health(struct native_call *call, struct error *err)
{
    uint64_t uptime_ns = (uint64_t)(clock_monotonic_ns() - call->native->started_ns);

    (void)err;
    native_reply_number(call, "Ais-Node-Uptime", uptime_ns);
    native_reply_number(call, "Ais-Cluster-Uptime", uptime_ns);
    return ST_OK;
}

static enum status
show_smap(struct native_call *call, struct error *err)
{
    (void)err;
    native_smap_append(call, &call->reply.body);
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
    struct bytes uuid = native_smap_uuid(call);
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
    buffer_printf(out, "}},\"uuid\":\"%.*s\",\"version\":\"%" PRIu64 "\"}", BYTES_ARGS(uuid),
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

static uint64_t
state_flags(const struct load *load)
{
    enum load_grade space = load_grade_of_space(load);
    uint64_t flags = STATE_FLAGS_OK;

    for (size_t i = 0; i < ARRAY_COUNT(STATE_FLAGS_OF_LOAD); i++) {
        if (load_grade(load, STATE_FLAGS_OF_LOAD[i].dimension) == STATE_FLAGS_OF_LOAD[i].grade) {
            flags |= STATE_FLAGS_OF_LOAD[i].flag;
        }
    }
    flags |= space == LOAD_CRITICAL ? STATE_FLAG_OUT_OF_SPACE : 0;
    flags |= space == LOAD_HIGH ? STATE_FLAG_LOW_CAPACITY : 0;
    return flags;
}

/* What this process may have, which in a container is less than the machine. */
static void
append_system(const struct load *node_load, struct buffer *out)
{
    double load[3] = {0, 0, 0};
    uint64_t total;
    uint64_t available;

    CHECK(getloadavg(load, 3) <= 3);
    load_memory(node_load, &available, &total);
    if (total == 0) {
        struct sysinfo info;

        CHECK(sysinfo(&info) == 0);
        total = (uint64_t)info.totalram * info.mem_unit;
        available = (uint64_t)(info.freeram + info.bufferram) * info.mem_unit;
    }
    buffer_printf(out,
                  "{\"mem_used\":%" PRIu64 ",\"mem_avail\":%" PRIu64
                  ",\"pct_mem_used\":%.2f,\"load_avg\":{\"One\":%.2f,\"Five\":%.2f,"
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
    const struct load *load = object_store_load(call->native->objects);
    struct buffer *out = &call->reply.body;
    enum status st = check_node(call, err);

    if (st != ST_OK) {
        return st;
    }
    buffer_append_string(out, "{\"snode\":");
    native_smap_append_self(call, out);
    buffer_printf(out,
                  ",\"tracker\":{\"up.ns.time\":%" PRId64 ",\"state.flags\":%" PRIu64 "},\"load\":",
                  clock_monotonic_ns() - call->native->started_ns, state_flags(load));
    load_append_json(load, out);
    buffer_append_string(out, ",\"capacity\":");
    append_capacity(call, out);
    buffer_printf(out,
                  ",\"status\":\"\",\"deployment\":\"linux\",\"ais_version\":\"lode\","
                  "\"build_time\":\"\",\"k8s_pod_name\":\"\",\"cluster\":{\"flags\":%" PRIu64 "},"
                  "\"sys_info\":",
                  state_flags(load));
    append_system(load, out);
    buffer_printf(out, ",\"smap_version\":\"%" PRIu64 "\"}", native_smap_version(call));
    native_reply_json(call);
    return ST_OK;
}

static enum status
show_snode(struct native_call *call, struct error *err)
{
    enum status st = check_node(call, err);

    if (st == ST_OK) {
        native_smap_append_self(call, &call->reply.body);
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

#define CLUSTER_PATH "/v1/cluster"

static const struct native_field READINESS = {
    .name = "readiness", .doc = "The same answer.", .is_bool = true};
static const struct native_field PRIMARY_READY = {
    .name = "prr", .doc = "The same answer.", .is_bool = true};
static const struct native_field NODE_UPTIME = {
    .name = "Ais-Node-Uptime", .doc = "Since it was started, ns.", .number_max = UINT64_MAX};
static const struct native_field CLUSTER_UPTIME = {
    .name = "Ais-Cluster-Uptime", .doc = "Likewise.", .number_max = UINT64_MAX};

static const struct native_named_shape SHAPES[] = {
    {"Net", "{node_ip_addr: text, daemon_port: text, direct_url: text}"},
    {"Snode", "{public_net: Net, intra_control_net: Net, intra_data_net: Net, "
              "daemon_type: 'proxy' | 'target', daemon_id: text, flags: int, id_digest: int}"},
    {"Smap", "{pmap: {*: Snode}, proxy_si: Snode, tmap: {*: Snode}, uuid: text, "
             "creation_time: text, version: digits}"},
    {"Bmd", "{providers: {ais: {*: {*: Bprops}}}, uuid: text, version: digits}"},
    {"Config", "{checksum: {type: text, ...}, chunks: {chunk_size: text, ...}, "
               "versioning: {enabled: bool, ...}, auth: {client_auth_required: bool}, "
               "net: {http: {use_https: bool}}, proxy: {primary_url: text, ...}, uuid: text, "
               "config_version: digits, features: digits, ...}"},
    {"Grade", "'low' | 'moderate' | 'high' | 'critical'"},
    {"NodeStatus",
     "{snode: Snode, tracker: {*: int}, load: {memory: Grade, cpu: Grade, disk: Grade, "
     "threads: Grade, descriptors: Grade}, capacity: {mountpaths: {*: any}, cs_err: text, "
     "total_used: digits, total_avail: digits, pct_max: int, pct_avg: int, pct_min: int}, "
     "status: text, deployment: text, ais_version: text, build_time: text, k8s_pod_name: text, "
     "cluster: {flags: int}, sys_info: {mem_used: int, mem_avail: int, "
     "pct_mem_used: number, load_avg: {One: number, Five: number, Fifteen: number}}, "
     "smap_version: digits}"},
};

static const struct native_route ROUTES[] = {
    {.name = "NativeHealth",
     .method = "GET",
     .path = "/v1/health",
     .is_tried_on_loop = true, /* also where every worker waits */
     .doc = "Ask whether the node serves; needs no credentials.",
     .query = {&READINESS, &PRIMARY_READY},
     .answers = {{.http_status = 200,
                  .doc = "It does.",
                  .headers = {&NODE_UPTIME, &CLUSTER_UPTIME}}},
     .example = {.step = 10},
     .run = show_health},
    {.name = "NativeSmap",
     .method = "GET",
     .path = DAEMON_PATH,
     .selector = "what=smap",
     .doc = "Show the nodes with their digests and addresses.",
     .answers =
         {{.http_status = 200, .media = NATIVE_JSON, .shape = "Smap", .doc = "The cluster map."}},
     .example = {.step = 300},
     .run = show_smap},
    {.name = "NativeBmd",
     .method = "GET",
     .path = DAEMON_PATH,
     .selector = "what=bmd",
     .doc = "Show all buckets with their properties.",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "Bmd",
                  .doc = "By provider, namespace and name."}},
     .example = {.step = 301},
     .run = show_bmd},
    {.name = "NativeConfig",
     .method = "GET",
     .path = DAEMON_PATH,
     .selector = "what=config",
     .doc = "Show this node's configuration in AIStore's form.",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "Config",
                  .doc = "The configuration."}},
     .example = {.step = 302},
     .run = show_config},
    {.name = "NativeNodeStatus",
     .method = "GET",
     .path = DAEMON_PATH,
     .selector = "what=node_status",
     .doc = "Show this node's state and space.",
     .headers = {&native_field_node_id},
     .answers =
         {{.http_status = 200, .media = NATIVE_JSON, .shape = "NodeStatus", .doc = "The state."}},
     .fails = {404},
     .example = {.step = 303},
     .run = show_status},
    {.name = "NativeSnode",
     .method = "GET",
     .path = DAEMON_PATH,
     .selector = "what=snode",
     .doc = "Show this node.",
     .headers = {&native_field_node_id},
     .answers = {{.http_status = 200, .media = NATIVE_JSON, .shape = "Snode", .doc = "The node."}},
     .fails = {404},
     .example = {.step = 304},
     .run = show_snode},
    {.name = "NativeVersion",
     .method = "GET",
     .path = DAEMON_PATH,
     .selector = "what=software_version",
     .doc = "Show which software this is.",
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The version."}},
     .example = {.step = 305},
     .run = show_version},
    {.name = "NativeReverseSmap",
     .method = "GET",
     .path = REVERSE_PATH,
     .selector = "what=smap",
     .doc = "Show the map that a node has.",
     .headers = {&native_field_node_id},
     .answers =
         {{.http_status = 200, .media = NATIVE_JSON, .shape = "Smap", .doc = "The cluster map."}},
     .example = {.step = 310},
     .run = show_smap},
    {.name = "NativeReverseBmd",
     .method = "GET",
     .path = REVERSE_PATH,
     .selector = "what=bmd",
     .doc = "Show all buckets as a node knows them.",
     .headers = {&native_field_node_id},
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "Bmd",
                  .doc = "By provider, namespace and name."}},
     .example = {.step = 311},
     .run = show_bmd},
    {.name = "NativeReverseConfig",
     .method = "GET",
     .path = REVERSE_PATH,
     .selector = "what=config",
     .doc = "Show the configuration of a node.",
     .headers = {&native_field_node_id},
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "Config",
                  .doc = "The configuration."}},
     .example = {.step = 312},
     .run = show_config},
    {.name = "NativeReverseNodeStatus",
     .method = "GET",
     .path = REVERSE_PATH,
     .selector = "what=node_status",
     .doc = "Show the state and space of a node.",
     .headers = {&native_field_node_id},
     .answers =
         {{.http_status = 200, .media = NATIVE_JSON, .shape = "NodeStatus", .doc = "The state."}},
     .fails = {404},
     .example = {.step = 313},
     .run = show_status},
    {.name = "NativeReverseVersion",
     .method = "GET",
     .path = REVERSE_PATH,
     .selector = "what=software_version",
     .doc = "Show which software a node is.",
     .headers = {&native_field_node_id},
     .answers = {{.http_status = 200, .media = NATIVE_TEXT, .doc = "The version."}},
     .example = {.step = 314},
     .run = show_version},
    {.name = "NativeClusterConfig",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=cluster_config",
     .doc = "Show the configuration in AIStore's form.",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "Config",
                  .doc = "The configuration."}},
     .example = {.step = 320},
     .run = show_config},
    {.name = "NativeRemotes",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=remote",
     .doc = "Show attached clusters; there are none.",
     .answers = {{.http_status = 200,
                  .media = NATIVE_JSON,
                  .shape = "{a: [any], ver: int}",
                  .doc = "An empty list."}},
     .example = {.step = 321},
     .run = show_nothing_attached},
    {.name = "NativeBackends",
     .method = "GET",
     .path = CLUSTER_PATH,
     .selector = "what=backends",
     .doc = "Show the providers that buckets may have.",
     .answers =
         {{.http_status = 200, .media = NATIVE_JSON, .shape = "[text]", .doc = "ais alone."}},
     .example = {.step = 322},
     .run = show_backends},
};

const struct native_route_table native_routes_of_nodes = {.routes = ROUTES,
                                                          .load_class = LOAD_CONTROL,
                                                          .count = ARRAY_COUNT(ROUTES),
                                                          .shapes = SHAPES,
                                                          .shape_count = ARRAY_COUNT(SHAPES)};
