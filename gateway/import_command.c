/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's id comes from its store, opened read-only; its control values and its root key go into
 * the cluster; then its data directory notes where they are.  Interrupted anywhere, the same
 * command goes on.
 */
#include "gateway/import_command.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cluster/cluster_import.h"
#include "gateway/gateway.h"
#include "gateway/root_key.h"
#include "object/object_control.h"

#include "base/banned.h"

struct import_state {
    const struct config *config;
    struct object_store_options options;
    struct store *store;
    struct control *from;
    struct control *to;
    struct buffer root_key; /* its document; empty: from the environment */
};

static enum status
open_node(struct import_state *state, struct error *err)
{
    const struct config *config = state->config;
    const char *mountpaths[CONFIG_LIST_MAX];
    char *default_path = NULL;
    size_t count = gateway_mountpaths(config, &default_path, mountpaths);
    struct root_key key = {.is_new = false};
    enum status st;

    gateway_object_store_options(config, mountpaths, count, &state->options);
    state->options.store.read_only = true;
    state->options.store.is_background_off = true;
    st = object_control_open_single(config->data, &state->from, err);
    if (st == ST_OK) {
        st = store_open(&state->options.store, &state->store, err);
    }
    if (st == ST_OK) {
        st = root_key_load(config->data, &key, err);
    }
    if (st == ST_OK && !key.is_environment) {
        root_key_format(&key, &state->root_key);
    }
    root_key_wipe(&key);
    free(default_path);
    return st;
}

static enum status
import(struct import_state *state, struct error *err)
{
    const struct config *config = state->config;
    struct control_value more = {.key = BYTES_NONE};
    struct cluster_identity identity;
    struct cluster_note note = {.map_version = 1};
    uint64_t count = 0;
    enum status st;

    state->options.etcd.client_id = store_node_id(state->store);
    st = control_open_etcd(&state->options.etcd, &state->to, err);
    if (st == ST_OK) {
        if (state->root_key.size > 0) {
            more.key = BYTES_LITERAL(ROOT_KEY_CONTROL_KEY);
            more.value = buffer_bytes(&state->root_key);
        }
        st = cluster_import(state->from, state->to, store_node_id(state->store), &more, &identity,
                            &count, err);
    }
    if (st == ST_OK) {
        memcpy(note.id, identity.id, sizeof(note.id));
        st = cluster_note_write(config->data, &note, err);
    }
    if (st == ST_OK) {
        st = object_control_set_cluster(config->data, config->cluster, err);
    }
    if (st == ST_OK) {
        printf("Cluster %s was made of node %s, with %" PRIu64 " values. Start it as before, with "
               "--etcd %s --cluster %s.\n",
               identity.id, store_node_id(state->store), count, config->etcd, config->cluster);
    }
    return st;
}

int
import_command(const struct config *config)
{
    struct import_state state = {.config = config};
    char cluster[CONTROL_CLUSTER_NAME_BYTES_MAX + 2] = "";
    struct error err = ERROR_INIT;
    enum status st = object_control_cluster(config->data, cluster, &err);

    if (st == ST_OK && config->etcd == NULL) {
        st = fail(&err, ST_INVALID, "--init-cluster needs --etcd URL: where the cluster will be");
    } else if (st == ST_OK && cluster[0] != '\0') {
        st = fail(&err, ST_EXISTS, "%s belongs to the cluster %s already", config->data, cluster);
    }
    if (st == ST_OK) {
        st = open_node(&state, &err);
    }
    if (st == ST_OK) {
        st = import(&state, &err);
    }
    control_close(&state.to);
    control_close(&state.from);
    store_close(&state.store);
    memory_wipe(state.root_key.data, state.root_key.size);
    buffer_release(&state.root_key);
    if (st != ST_OK) {
        fprintf(stderr, "loded: %s\n", err.text);
    }
    return st == ST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
