/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_cluster.h"

#include <inttypes.h>

#include "base/log.h"
#include "cluster/cluster_key.h"

#include "base/banned.h"

#define ACTION_PREFIX "lode-cluster-"
#define ROTATE_KEY "rotate-key"

static enum status
not_clustered(struct error *err)
{
    return fail(err, ST_INVALID, "This node is alone: it was started without --etcd");
}

static void
append_answer(struct buffer *answer, const char *state, struct bytes text)
{
    buffer_printf(answer, "{\"state\":\"%s\",\"text\":", state);
    log_append_json_string(answer, text);
    buffer_append_string(answer, "}\n");
}

static enum status
rotate(struct control *control, struct buffer *answer, struct error *err)
{
    struct arena arena = ARENA_INIT;
    uint64_t number = 0;
    enum status st = cluster_key_rotate(control, &number, err);

    if (st == ST_OK) {
        append_answer(answer, "done",
                      arena_printf_bytes(&arena,
                                         "Nodes sign with key %" PRIu64
                                         " now; the former one is accepted for %" PRId64
                                         " more minutes",
                                         number, CLUSTER_KEY_GRACE_S / 60));
    }
    arena_release(&arena);
    return st;
}

enum status
native_cluster_run(struct cluster *cluster, struct control *control, const char *action,
                   const char *name, bool is_confirmed_stopped, struct buffer *answer,
                   struct error *err)
{
    struct bytes verb = bytes_of_string(action + strlen(ACTION_PREFIX));
    struct cluster_request request = {.node_id = bytes_of_string(name),
                                      .is_confirmed_stopped = is_confirmed_stopped};
    struct arena arena = ARENA_INIT;
    struct bytes text;
    enum status st;

    if (cluster == NULL) {
        return not_clustered(err);
    }
    if (bytes_equal_string(verb, ROTATE_KEY)) {
        return rotate(control, answer, err);
    }
    if (cluster_action_parse(verb, &request.action) != ST_OK || request.action == CLUSTER_JOIN) {
        return fail(err, ST_NOT_IMPLEMENTED, "The action '%.64s' is not known here", action);
    }
    if (!cluster_id_is_valid(request.node_id)) {
        return fail(err, ST_INVALID, "\"name\" must be the id of a node");
    }
    st = cluster_ask(cluster, &request, NATIVE_CLUSTER_WAIT_MS, &arena, &text, err);
    if (st == ST_OK) {
        append_answer(answer, "done", text);
    } else if (st == ST_TIMEOUT && err != NULL) {
        append_answer(answer, "waiting", bytes_of_string(err->text));
        st = ST_OK;
    }
    arena_release(&arena);
    return st;
}

enum status
native_cluster_show(struct cluster *cluster, struct buffer *out, struct error *err)
{
    if (cluster == NULL) {
        return not_clustered(err);
    }
    cluster_describe(cluster, out);
    return ST_OK;
}
