/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the cluster as one JSON object, for operators. */
#include <inttypes.h>

#include "base/log.h"
#include "cluster/cluster_internal.h"

#include "base/banned.h"

static const char *
truth(bool value)
{
    return value ? "true" : "false";
}

static void
append_text(struct buffer *out, const char *name, struct bytes text)
{
    buffer_printf(out, ",\"%s\":", name);
    log_append_json_string(out, text);
}

/* known: in the map, or NULL; live: its own value, or NULL. */
static void
append_node(struct buffer *out, const struct cluster_node *known, const struct node_value *live)
{
    bool is_gateway = known != NULL ? known->is_gateway : live->is_gateway;
    bool is_target = known != NULL ? known->is_target : live->is_target;

    buffer_append_string(out, "{\"id\":");
    log_append_json_string(out, known != NULL ? known->id : live->id);
    buffer_printf(out, ",\"gateway\":%s,\"target\":%s,\"state\":\"%s\",\"up\":%s",
                  truth(is_gateway), truth(is_target),
                  known != NULL ? node_state_name(known->state) : "joining", truth(live != NULL));
    append_text(out, "public_url", known != NULL ? known->public_url : live->public_url);
    append_text(out, "peer_address", known != NULL ? known->peer_address : live->peer_address);
    if (live != NULL) {
        append_text(out, "release", live->release);
        buffer_printf(out,
                      ",\"incarnation\":%" PRIu64 ",\"applied_version\":%" PRIu64
                      ",\"stage_version\":%" PRIu64 ",\"stage\":\"%s\"",
                      live->incarnation, live->applied_version, live->stage_version,
                      placement_stage_name(live->stage));
    }
    buffer_append_char(out, '}');
}

static void
append_nodes(struct buffer *out, const struct cluster_survey *survey)
{
    size_t count = 0;

    buffer_append_string(out, ",\"nodes\":[");
    for (size_t i = 0; survey->map != NULL && i < survey->map->node_count; i++) {
        const struct cluster_node *node = &survey->map->nodes[i];

        buffer_append_string(out, count++ > 0 ? "," : "");
        append_node(out, node, cluster_survey_node(survey, node->id));
    }
    for (size_t i = 0; i < survey->node_count; i++) {
        if (survey->map == NULL || cluster_map_find(survey->map, survey->nodes[i].id) == NULL) {
            buffer_append_string(out, count++ > 0 ? "," : "");
            append_node(out, NULL, &survey->nodes[i]);
        }
    }
    buffer_append_char(out, ']');
}

/* Whose acknowledgment is missing? */
static void
append_pending(struct buffer *out, const struct cluster_survey *survey)
{
    size_t count = 0;

    if (survey->pending == NULL || survey->map == NULL) {
        buffer_append_string(out, ",\"pending\":null");
        return;
    }
    buffer_printf(out, ",\"pending\":{\"version\":%" PRIu64 ",\"waits_for\":[",
                  survey->pending->version);
    for (size_t i = 0; i < survey->map->node_count; i++) {
        struct bytes id = survey->map->nodes[i].id;
        const struct node_value *live = cluster_survey_node(survey, id);

        if (cluster_map_takes_from(survey->map, survey->pending, id) &&
            (live == NULL || live->acknowledged_revision != survey->pending->revision)) {
            buffer_append_string(out, count++ > 0 ? "," : "");
            log_append_json_string(out, id);
        }
    }
    buffer_append_string(out, "]}");
}

static void
append_requests(struct buffer *out, const struct cluster_survey *survey)
{
    size_t count = 0;

    buffer_append_string(out, ",\"requests\":[");
    for (size_t i = 0; i < survey->request_count; i++) {
        const struct cluster_request *request = &survey->requests[i];

        if (request->state == REQUEST_WAITING ||
            (request->action == CLUSTER_JOIN && request->state == REQUEST_REFUSED)) {
            buffer_printf(out, "%s{\"action\":\"%s\",\"state\":\"%s\"", count++ > 0 ? "," : "",
                          cluster_action_name(request->action), request_state_name(request->state));
            append_text(out, "node", request->node_id);
            append_text(out, "text", request->text);
            buffer_append_char(out, '}');
        }
    }
    buffer_append_char(out, ']');
}

void
cluster_describe(struct cluster *cluster, struct buffer *out)
{
    struct cluster_survey survey;
    struct error err = ERROR_INIT;
    enum status st = cluster_check_confirmed(cluster, &err);

    cluster_survey_read(cluster->control, &survey);
    buffer_append_string(out, "{\"cluster\":");
    log_append_json_string(out, cluster_id(cluster));
    append_text(out, "node", cluster_self_id(cluster));
    append_text(out, "leader", survey.leader_id);
    buffer_printf(out, ",\"confirmed\":%s", truth(st == ST_OK));
    append_text(out, "reason", st == ST_OK ? BYTES_NONE : bytes_of_string(err.text));
    if (survey.map != NULL) {
        buffer_printf(out,
                      ",\"version\":%" PRIu64 ",\"placement\":%" PRIu64 ",\"finished\":%" PRIu64
                      ",\"stage\":\"%s\"",
                      survey.map->version, survey.map->placement_version,
                      survey.map->finished_version, placement_stage_name(survey.map->stage));
    } else {
        buffer_append_string(out,
                             ",\"version\":0,\"placement\":0,\"finished\":0,\"stage\":\"done\"");
    }
    append_nodes(out, &survey);
    append_pending(out, &survey);
    append_requests(out, &survey);
    buffer_append_string(out, "}\n");
    cluster_survey_release(&survey);
}
