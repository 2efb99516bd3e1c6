/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_survey.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

#include "base/banned.h"

static void
keep_map(struct cluster_survey *survey, const struct control_value *value)
{
    survey->map_status =
        cluster_map_parse(value->value, value->revision, &survey->map, &survey->map_error);
    if (survey->map_status != ST_OK) {
        log_error(NULL, "cluster_map_bad", "%s", survey->map_error.text);
    }
}

static void
keep_request(struct cluster_survey *survey, const struct control_value *value)
{
    struct bytes id = bytes_slice(value->key, strlen(CLUSTER_REQUEST_PREFIX), value->key.size);
    struct error err = ERROR_INIT;

    if (survey->request_count < CLUSTER_SURVEY_REQUESTS_MAX) {
        if (cluster_request_parse(id, value->value, value->revision, &survey->arena,
                                  &survey->requests[survey->request_count], &err) == ST_OK) {
            survey->request_count++;
        } else {
            log_error(NULL, "cluster_request_bad", "%s", err.text);
        }
    }
}

static enum status
keep(const struct control_value *value, void *arg, struct error *err)
{
    struct cluster_survey *survey = arg;

    (void)err;
    if (bytes_equal_string(value->key, CLUSTER_MAP_KEY)) {
        keep_map(survey, value);
    } else if (bytes_equal_string(value->key, CLUSTER_PENDING_KEY)) {
        struct error bad = ERROR_INIT;

        if (cluster_map_parse(value->value, value->revision, &survey->pending, &bad) != ST_OK) {
            log_error(NULL, "cluster_pending_bad", "%s", bad.text);
        }
    } else if (bytes_equal_string(value->key, CLUSTER_LEADER_KEY)) {
        survey->leader_id = arena_copy(&survey->arena, value->value);
    } else if (bytes_has_prefix(value->key, BYTES_LITERAL(CLUSTER_REQUEST_PREFIX))) {
        keep_request(survey, value);
    }
    return ST_OK;
}

static enum status
keep_node(const struct control_value *value, void *arg, struct error *err)
{
    struct cluster_survey *survey = arg;
    struct bytes id = bytes_slice(value->key, strlen(NODE_VALUE_PREFIX), value->key.size);
    struct error bad = ERROR_INIT;

    (void)err;
    if (survey->node_count < CLUSTER_NODES_MAX) {
        if (node_value_parse(id, value->value, value->revision, &survey->arena,
                             &survey->nodes[survey->node_count], &bad) == ST_OK) {
            survey->node_count++;
        } else {
            log_error(NULL, "node_value_bad", "%s", bad.text);
        }
    }
    return ST_OK;
}

static int
compare_requests(const void *a, const void *b)
{
    const struct cluster_request *first = a;
    const struct cluster_request *second = b;

    return first->revision < second->revision ? -1 : first->revision > second->revision;
}

void
cluster_survey_read(struct control *control, struct cluster_survey *survey)
{
    enum status st;

    memset(survey, 0, sizeof(*survey));
    survey->nodes = arena_calloc(&survey->arena, CLUSTER_NODES_MAX, sizeof(*survey->nodes));
    survey->requests =
        arena_calloc(&survey->arena, CLUSTER_SURVEY_REQUESTS_MAX, sizeof(*survey->requests));
    st = control_list(control, BYTES_LITERAL("cluster/"), keep, survey, NULL);
    if (st == ST_OK) {
        st = control_list(control, BYTES_LITERAL(NODE_VALUE_PREFIX), keep_node, survey, NULL);
    }
    CHECK(st == ST_OK); /* what is in memory can be listed */
    qsort(survey->requests, survey->request_count, sizeof(*survey->requests), compare_requests);
}

void
cluster_survey_release(struct cluster_survey *survey)
{
    cluster_map_unref(survey->map);
    cluster_map_unref(survey->pending);
    arena_release(&survey->arena);
}

const struct node_value *
cluster_survey_node(const struct cluster_survey *survey, struct bytes id)
{
    for (size_t i = 0; i < survey->node_count; i++) {
        if (bytes_equal(survey->nodes[i].id, id)) {
            return &survey->nodes[i];
        }
    }
    return NULL;
}

const struct cluster_request *
cluster_survey_request(const struct cluster_survey *survey, struct bytes id)
{
    for (size_t i = 0; i < survey->request_count; i++) {
        if (bytes_equal(survey->requests[i].id, id)) {
            return &survey->requests[i];
        }
    }
    return NULL;
}
