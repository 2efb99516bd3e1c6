/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marker CLUSTER_IMPORT_KEY first; then the values, one by one; at last, in one commit, the
 * identity and the map, and the marker goes.  Whoever finds the marker of the same node goes on: a
 * value that is there already must be the one that would be put.
 */
#include "cluster/cluster_import.h"

#include "base/log.h"
#include "base/memory.h"
#include "cluster/cluster_survey.h"

#include "base/banned.h"

struct import {
    struct control *to;
    uint64_t count;
};

struct emptiness {
    const char *node_id;
    uint64_t marker_revision; /* 0: there is none */
    uint64_t other_count;
    bool is_foreign; /* the marker is another node's */
};

static enum status
look(const struct control_value *value, void *arg, struct error *err)
{
    struct emptiness *emptiness = arg;

    (void)err;
    if (bytes_equal_string(value->key, CLUSTER_IMPORT_KEY)) {
        emptiness->marker_revision = value->revision;
        emptiness->is_foreign = !bytes_equal_string(value->value, emptiness->node_id);
    } else {
        emptiness->other_count++;
    }
    return ST_OK;
}

static enum status
begin(struct control *to, const char *node_id, uint64_t *ret_marker_revision, struct error *err)
{
    struct emptiness emptiness = {.node_id = node_id};
    enum status st = control_list(to, BYTES_NONE, look, &emptiness, err);

    if (st != ST_OK) {
        return st;
    }
    if (emptiness.is_foreign) {
        return fail(err, ST_EXISTS,
                    "Another node began to put its values into this cluster: finish its "
                    "--init-cluster, or use another --cluster name");
    }
    if (emptiness.marker_revision != 0) {
        *ret_marker_revision = emptiness.marker_revision;
        return ST_OK;
    }
    if (emptiness.other_count > 0) {
        return fail(err, ST_EXISTS,
                    "This cluster is not empty: --init-cluster needs a new --cluster name (a node "
                    "with an empty --data joins it without)");
    }
    return control_put(to, BYTES_LITERAL(CLUSTER_IMPORT_KEY), bytes_of_string(node_id),
                       CONTROL_MUST_NOT_EXIST, ret_marker_revision, err);
}

static enum status
copy_value(const struct control_value *value, void *arg, struct error *err)
{
    struct import *import = arg;
    struct arena arena = ARENA_INIT;
    struct control_value present;
    enum status st;

    if (bytes_has_prefix(value->key, BYTES_LITERAL("cluster/")) ||
        bytes_has_prefix(value->key, BYTES_LITERAL(NODE_VALUE_PREFIX))) {
        return ST_OK;
    }
    st = control_put(import->to, value->key, value->value, CONTROL_MUST_NOT_EXIST, NULL, err);
    if (st == ST_CONFLICT) {
        st = control_get(import->to, value->key, &arena, &present, err);
        if (st == ST_OK && !bytes_equal(present.value, value->value)) {
            st = fail(err, ST_EXISTS, "The cluster has another value %.*s already",
                      BYTES_ARGS(value->key));
        }
    }
    import->count += st == ST_OK;
    arena_release(&arena);
    return st;
}

static enum status
finish(struct control *to, const char *node_id, uint64_t marker_revision, struct error *err)
{
    struct cluster_node node = {.id = bytes_of_string(node_id),
                                .is_gateway = true,
                                .is_target = true,
                                .is_down = true,
                                .state = NODE_ACTIVE};
    struct cluster_map content = {.version = 1,
                                  .placement_version = 1,
                                  .finished_version = 1,
                                  .stage = STAGE_DONE,
                                  .node_count = 1,
                                  .nodes = &node};
    struct control_change changes[CLUSTER_IDENTITY_CHANGES + 2];
    char id[CLUSTER_ID_BYTES_MAX + 1];
    struct buffer json = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    struct cluster_map *map;
    enum status st;

    cluster_identity_make(&arena, id, changes);
    content.cluster_id = bytes_of_string(id);
    map = cluster_map_create(&content);
    cluster_map_format(map, &json);
    cluster_map_unref(map);
    changes[CLUSTER_IDENTITY_CHANGES] = (struct control_change){
        .action = CONTROL_PUT, .key = BYTES_LITERAL(CLUSTER_MAP_KEY), .value = buffer_bytes(&json)};
    changes[CLUSTER_IDENTITY_CHANGES + 1] =
        (struct control_change){.action = CONTROL_DELETE,
                                .key = BYTES_LITERAL(CLUSTER_IMPORT_KEY),
                                .expected_revision = marker_revision};
    st = control_commit(to, changes, CLUSTER_IDENTITY_CHANGES + 2, NULL, NULL, err);
    memory_wipe((char *)(uintptr_t)changes[1].value.data, changes[1].value.size);
    buffer_release(&json);
    arena_release(&arena);
    return st;
}

/* Has this node's import come to its end before, and nobody joined since? */
static bool
is_finished(struct control *to, const char *node_id)
{
    struct cluster_survey survey;
    bool is_mine;

    cluster_survey_read(to, &survey);
    is_mine = survey.map != NULL && survey.map->version == 1 && survey.map->node_count == 1 &&
              bytes_equal_string(survey.map->nodes[0].id, node_id);
    cluster_survey_release(&survey);
    return is_mine;
}

enum status
cluster_import(struct control *from, struct control *to, const char *node_id,
               const struct control_value *more, struct cluster_identity *ret_identity,
               uint64_t *ret_count, struct error *err)
{
    struct import import = {.to = to};
    uint64_t marker_revision = 0;
    enum status st;

    if (!cluster_id_is_valid(bytes_of_string(node_id))) {
        return fail(err, ST_INVALID,
                    "The node id %.80s cannot be used in a cluster: %d to %d of letters, digits, - "
                    "and _, which stand inside only",
                    node_id, CLUSTER_ID_BYTES_MIN, CLUSTER_ID_BYTES_MAX);
    }
    if (is_finished(to, node_id)) {
        *ret_count = 0;
        return cluster_identity_read(to, ret_identity, err);
    }
    st = begin(to, node_id, &marker_revision, err);
    if (st == ST_OK) {
        st = control_list(from, BYTES_NONE, copy_value, &import, err);
    }
    if (st == ST_OK && more->key.size > 0) {
        st = copy_value(more, &import, err);
    }
    if (st == ST_OK) {
        st = finish(to, node_id, marker_revision, err);
    }
    if (st == ST_OK) {
        st = cluster_identity_read(to, ret_identity, err);
    }
    if (st == ST_OK) {
        *ret_count = import.count;
    }
    return st;
}
