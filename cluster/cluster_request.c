/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_request.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/check.h"
#include "base/log.h"
#include "cluster/cluster_map.h"

#include "base/banned.h"

static const char *const ACTION_NAMES[] = {"join",   "maintenance", "return",   "decommission",
                                           "remove", "set-leader",  "rebalance"};
static const char *const STATE_NAMES[] = {"waiting", "done", "refused"};

const char *
cluster_action_name(enum cluster_action action)
{
    CHECK(action <= CLUSTER_REBALANCE);
    return ACTION_NAMES[action];
}

const char *
request_state_name(enum request_state state)
{
    CHECK(state <= REQUEST_REFUSED);
    return STATE_NAMES[state];
}

static bool
find_name(struct bytes text, const char *const *names, size_t count, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_string(text, names[i])) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

enum status
cluster_action_parse(struct bytes text, enum cluster_action *ret_action)
{
    size_t index;

    if (!find_name(text, ACTION_NAMES, ARRAY_COUNT(ACTION_NAMES), &index)) {
        return ST_INVALID;
    }
    *ret_action = (enum cluster_action)index;
    return ST_OK;
}

enum status
cluster_request_parse(struct bytes id, struct bytes json, uint64_t revision, struct arena *arena,
                      struct cluster_request *ret_request, struct error *err)
{
    struct cluster_request request = {.revision = revision};
    struct bytes action = BYTES_NONE;
    struct bytes state = BYTES_NONE;
    struct bytes node_id = BYTES_NONE;
    struct bytes text = BYTES_NONE;
    json_int_t incarnation = 0;
    int is_confirmed_stopped = 0;
    json_t *root = NULL;
    size_t index = 0;
    enum status st = ST_OK;

    if (json.size > CLUSTER_REQUEST_BYTES_MAX) {
        return fail(err, ST_CORRUPT, "A request to the leader has %zu bytes", json.size);
    }
    root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL ||
        json_unpack(root, "{s:s%, s:s%, s:b, s:I, s:s%, s:s% !}", "action", &action.data,
                    &action.size, "node", &node_id.data, &node_id.size, "confirm_stopped",
                    &is_confirmed_stopped, "incarnation", &incarnation, "state", &state.data,
                    &state.size, "text", &text.data, &text.size) != 0 ||
        incarnation < 0 || !cluster_id_is_valid(node_id) ||
        cluster_action_parse(action, &request.action) != ST_OK ||
        !find_name(state, STATE_NAMES, ARRAY_COUNT(STATE_NAMES), &index)) {
        st = fail(err, ST_CORRUPT, "A request to the leader is no such document");
    } else {
        request.id = arena_copy(arena, id);
        request.node_id = arena_copy(arena, node_id);
        request.text = arena_copy(arena, text);
        request.is_confirmed_stopped = is_confirmed_stopped != 0;
        request.incarnation = (uint64_t)incarnation;
        request.state = (enum request_state)index;
        *ret_request = request;
    }
    json_decref(root);
    return st;
}

void
cluster_request_format(const struct cluster_request *request, struct buffer *out)
{
    buffer_printf(
        out,
        "{\"action\":\"%s\",\"node\":\"%.*s\",\"confirm_stopped\":%s,\"incarnation\":%" PRIu64
        ",\"state\":\"%s\",\"text\":",
        cluster_action_name(request->action), BYTES_ARGS(request->node_id),
        request->is_confirmed_stopped ? "true" : "false", request->incarnation,
        request_state_name(request->state));
    log_append_json_string(out, request->text);
    buffer_append_char(out, '}');
}
