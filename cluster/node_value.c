/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/node_value.h"

#include <inttypes.h>
#include <jansson.h>

#include "base/log.h"
#include "cluster/cluster_map_codec.h"

#include "base/banned.h"

static struct bytes
copy_string(struct arena *arena, const json_t *text)
{
    return arena_copy(arena, bytes_of(json_string_value(text), json_string_length(text)));
}

static bool
read_number(const json_t *root, const char *name, uint64_t *ret_value)
{
    const json_t *number = json_object_get(root, name);

    if (!json_is_integer(number) || json_integer_value(number) < 0) {
        return false;
    }
    *ret_value = (uint64_t)json_integer_value(number);
    return true;
}

/* What every format has. */
static enum status
read_head(json_t *root, struct arena *arena, struct node_value *value, struct error *err)
{
    value->cluster_id = copy_string(arena, json_object_get(root, "cluster"));
    value->release = copy_string(arena, json_object_get(root, "release"));
    if (!read_number(root, "format", &value->format) ||
        !read_number(root, "incarnation", &value->incarnation)) {
        return fail(err, ST_CORRUPT, "The value of node %.*s is no such document",
                    BYTES_ARGS(value->id));
    }
    return ST_OK;
}

static enum status
read_body(json_t *root, struct arena *arena, struct node_value *value, struct error *err)
{
    const json_t *stage = json_object_get(root, "stage");
    const json_t *is_gateway = json_object_get(root, "gateway");
    const json_t *is_target = json_object_get(root, "target");
    bool is_good = json_is_boolean(is_gateway) && json_is_boolean(is_target) &&
                   read_number(root, "applied_version", &value->applied_version) &&
                   read_number(root, "applied_revision", &value->applied_revision) &&
                   read_number(root, "acknowledged_revision", &value->acknowledged_revision) &&
                   read_number(root, "stage_version", &value->stage_version);

    value->is_gateway = json_is_true(is_gateway);
    value->is_target = json_is_true(is_target);
    value->public_url = copy_string(arena, json_object_get(root, "public_url"));
    value->peer_address = copy_string(arena, json_object_get(root, "peer_address"));
    value->stage = STAGE_MOVE;
    while (value->stage < STAGE_DONE && json_is_string(stage) &&
           strcmp(json_string_value(stage), placement_stage_name(value->stage)) != 0) {
        value->stage++;
    }
    is_good = is_good && json_is_string(stage) &&
              strcmp(json_string_value(stage), placement_stage_name(value->stage)) == 0 &&
              (value->is_gateway || value->is_target) && cluster_id_is_valid(value->cluster_id) &&
              cluster_address_is_valid(value->public_url) &&
              cluster_address_is_valid(value->peer_address);
    if (!is_good) {
        return fail(err, ST_CORRUPT, "The value of node %.*s contradicts itself",
                    BYTES_ARGS(value->id));
    }
    return ST_OK;
}

enum status
node_value_parse(struct bytes id, struct bytes json, uint64_t revision, struct arena *arena,
                 struct node_value *ret_value, struct error *err)
{
    struct node_value value = {.revision = revision};
    json_t *root = NULL;
    enum status st;

    if (!cluster_id_is_valid(id) || json.size > NODE_VALUE_BYTES_MAX) {
        return fail(err, ST_CORRUPT, "There is a node value of a bad name or size");
    }
    value.id = arena_copy(arena, id);
    root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    st = read_head(root, arena, &value, err);
    if (st == ST_OK && value.format == CLUSTER_FORMAT) {
        st = read_body(root, arena, &value, err);
    }
    if (st == ST_OK) {
        *ret_value = value;
    }
    json_decref(root);
    return st;
}

void
node_value_format(const struct node_value *value, struct buffer *out)
{
    buffer_printf(out,
                  "{\"format\":%" PRIu64 ",\"cluster\":\"%.*s\",\"incarnation\":%" PRIu64
                  ",\"gateway\":%s,\"target\":%s,\"release\":",
                  value->format, BYTES_ARGS(value->cluster_id), value->incarnation,
                  value->is_gateway ? "true" : "false", value->is_target ? "true" : "false");
    log_append_json_string(out, value->release);
    buffer_append_string(out, ",\"public_url\":");
    log_append_json_string(out, value->public_url);
    buffer_append_string(out, ",\"peer_address\":");
    log_append_json_string(out, value->peer_address);
    buffer_printf(out,
                  ",\"applied_version\":%" PRIu64 ",\"applied_revision\":%" PRIu64
                  ",\"acknowledged_revision\":%" PRIu64 ",\"stage_version\":%" PRIu64
                  ",\"stage\":\"%s\"}",
                  value->applied_version, value->applied_revision, value->acknowledged_revision,
                  value->stage_version, placement_stage_name(value->stage));
}
