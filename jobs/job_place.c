/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/job_place.h"

#include <stdio.h>

#include "base/entropy.h"
#include "base/field_codec.h"
#include "jobs/job_kinds.h"
#include "object/object_cluster.h"
#include "object/ownership.h"

#include "base/banned.h"

/* It writes a file and starts a thread. */
#define PLACE_TIMEOUT_MS 10000

/* Arguments of the verb: numbers never change. */
enum argument { ARGUMENT_KIND = 1 | FIELD_CRITICAL, ARGUMENT_ID = 2 | FIELD_CRITICAL };

enum status
job_place_serve(struct job_registry *registry, struct bytes arguments, struct bytes body,
                struct error *err)
{
    struct bytes kind_name = BYTES_NONE;
    struct bytes id = BYTES_NONE;
    const struct job_kind *kind;
    char id_text[JOB_ID_SIZE];
    struct field field;
    enum status st;

    while ((st = field_next(&arguments, &field)) == ST_OK) {
        if (field.tag == ARGUMENT_KIND) {
            kind_name = field.payload;
        } else if (field.tag == ARGUMENT_ID) {
            id = field.payload;
        } else if ((field.tag & FIELD_CRITICAL) != 0) {
            return fail(err, ST_INVALID, "an argument of a job cannot be read");
        }
    }
    kind = job_kind_find(kind_name);
    if (kind == NULL) {
        return fail(err, ST_NOT_IMPLEMENTED, "jobs of kind %.*s are not known here",
                    (int)(kind_name.size < 64 ? kind_name.size : 64), kind_name.data);
    }
    /* It becomes the name of a file. */
    if (st != ST_NOT_FOUND || id.size >= sizeof(id_text) ||
        !bytes_has_prefix(id, bytes_of_string(kind->name)) ||
        bytes_find_char(id, 0, '/') != SIZE_MAX) {
        return fail(err, ST_INVALID, "the arguments of a job are cut");
    }
    snprintf(id_text, sizeof(id_text), "%.*s", BYTES_ARGS(id));
    return job_start_as(registry, kind, id_text, body.data, body.size, err);
}

/* Any of those that are up; NULL: none is. */
static const struct cluster_node *
choose(const struct cluster_map *map)
{
    const struct cluster_node *fitting[CLUSTER_NODES_MAX];
    size_t count = 0;
    uint32_t draw;

    for (size_t i = 0; i < map->node_count; i++) {
        const struct cluster_node *node = &map->nodes[i];

        if (cluster_node_is_placed(node) && !node->is_down && node->peer_address.size > 0) {
            fitting[count++] = node;
        }
    }
    entropy_fill(&draw, sizeof(draw));
    return count > 0 ? fitting[draw % count] : NULL;
}

static enum status
start_at(const struct object_cluster *cluster, const struct cluster_map *map,
         const struct cluster_node *node, const struct job_kind *kind, const char *id,
         struct bytes options, struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct error why = ERROR_INIT;
    enum status st;

    field_put_text(&arguments, ARGUMENT_KIND, bytes_of_string(kind->name));
    field_put_text(&arguments, ARGUMENT_ID, bytes_of_string(id));
    st = peer_call(cluster->peers,
                   &(struct peer_call_options){
                       .node_id = node->id,
                       .address = node->peer_address,
                       .verb = JOB_RUN_VERB,
                       .head = {.map_version = map->version, .arguments = buffer_bytes(&arguments)},
                       .body = options,
                       .timeout_ms = PLACE_TIMEOUT_MS},
                   &arena, &result, &why);
    if (st != ST_OK) {
        st = fail(err, st == ST_MOVED || st == ST_TIMEOUT || st == ST_CLOSED ? ST_UNAVAILABLE : st,
                  "The job was to run at target %.*s: %s", BYTES_ARGS(node->id), why.text);
    }
    source_release(&result.payload);
    buffer_release(&arguments);
    arena_release(&arena);
    return st;
}

/* Another node.  One that has a newer map says so, and is asked again. */
static enum status
start_elsewhere(const struct object_cluster *cluster, const struct job_kind *kind, const char *id,
                struct bytes options, struct error *err)
{
    enum status st = cluster->fetch_map(cluster->arg, 0, err);
    struct cluster_map *map = st == ST_OK ? cluster->get_map(cluster->arg) : NULL;
    const struct cluster_node *node = map != NULL ? choose(map) : NULL;

    if (st == ST_OK) {
        st = node != NULL ? start_at(cluster, map, node, kind, id, options, err)
                          : fail(err, ST_UNAVAILABLE, "No target is up that could run the job");
    }
    cluster_map_unref(map);
    return st;
}

enum status
job_place_start(struct job_registry *registry, struct object_store *store,
                const struct job_kind *kind, struct bytes options, char ret_id[JOB_ID_SIZE],
                struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    char id[JOB_ID_SIZE];
    enum status st;

    if (options.size > JOB_RUN_BODY_MAX) {
        return fail(err, ST_TOO_LARGE, "the message of the job is longer than %zu bytes",
                    JOB_RUN_BODY_MAX);
    }
    job_make_id(kind, id);
    if (cluster == NULL || object_store_ownership(store) != NULL) {
        st = job_start_as(registry, kind, id, options.data, options.size, err);
    } else {
        st = start_elsewhere(cluster, kind, id, options, err);
    }
    if (st == ST_OK) {
        memcpy(ret_id, id, JOB_ID_SIZE);
    }
    return st;
}
