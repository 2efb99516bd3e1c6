/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything of the cluster that stands in the control store, read at once: the map and the pending
 * map as of one revision.  Values that cannot be understood are logged and left out.
 */
#ifndef CLUSTER_CLUSTER_SURVEY_H
#define CLUSTER_CLUSTER_SURVEY_H

#include "cluster/cluster_request.h"
#include "cluster/node_value.h"
#include "control/control.h"

#define CLUSTER_MAP_KEY "cluster/map"
#define CLUSTER_PENDING_KEY "cluster/pending"
#define CLUSTER_LEADER_KEY "cluster/leader"
/* Requests beyond this many are not looked at before others are answered. */
#define CLUSTER_SURVEY_REQUESTS_MAX 256

struct cluster_survey {
    struct arena arena;
    struct cluster_map *map;     /* NULL: none; a reference */
    struct cluster_map *pending; /* NULL: none; a reference */
    enum status map_status;      /* not ST_OK: the map that is there cannot be understood */
    struct error map_error;
    struct bytes leader_id; /* empty: none */
    size_t node_count;
    struct node_value *nodes; /* in order of id */
    size_t request_count;
    struct cluster_request *requests; /* in order of revision */
};

void cluster_survey_read(struct control *control, struct cluster_survey *survey);
void cluster_survey_release(struct cluster_survey *survey);
/* NULL: its lease does not live. */
const struct node_value *cluster_survey_node(const struct cluster_survey *survey, struct bytes id);
const struct cluster_request *cluster_survey_request(const struct cluster_survey *survey,
                                                     struct bytes id);

#endif
