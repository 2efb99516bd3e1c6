/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What GET /v1/cluster?what=lode-cluster answered, and how people read it.  Texts come from the
 * server and are shown with control characters replaced.
 */
#ifndef CLI_CLUSTER_VIEW_H
#define CLI_CLUSTER_VIEW_H

#include <stdio.h>

#include "cli/command.h"

struct cluster_view {
    void *json; /* released by cluster_view_release */
};

MUST_USE enum status cluster_view_fetch(struct command_context *context,
                                        struct cluster_view *ret_view, struct error *err);
void cluster_view_release(struct cluster_view *view);
/* As one line of JSON. */
void cluster_view_print_json(const struct cluster_view *view, FILE *out);
/* The table of all nodes, and what is under way. */
void cluster_view_print(const struct cluster_view *view, FILE *out);
/* Of a node without a cluster: itself, as the only one. */
MUST_USE enum status cluster_view_fetch_alone(struct command_context *context,
                                              struct cluster_view *ret_view, struct error *err);
/* How loaded a node says it is (id NULL: the one that answered), for print_node.  A node that does
 * not answer says nothing. */
void cluster_view_fetch_load(struct command_context *context, struct cluster_view *view,
                             const char *id);
/* One node; id NULL: the one that answered.  ST_NOT_FOUND. */
MUST_USE enum status cluster_view_print_node(const struct cluster_view *view, const char *id,
                                             bool is_json, FILE *out, struct error *err);
/* "keys move to their owners", "nothing is under way" ... in one line, without a newline. */
void cluster_view_print_progress(const struct cluster_view *view, FILE *out);
/* Is a placement, a pending map or a request under way? */
bool cluster_view_is_busy(const struct cluster_view *view);

#endif
