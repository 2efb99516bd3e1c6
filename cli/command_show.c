/* SPDX-License-Identifier: Apache-2.0 */
/* lode show: what the server's cluster looks like; the rest stands in command_mountpath.c and
 * command_job.c. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cluster_view.h"

#include "base/banned.h"

/* How often --watch asks the server. */
#define WATCH_INTERVAL_S 1

static enum status
show_once(struct command_context *context, bool is_node, struct error *err)
{
    const char *id = context->word_count > 1 ? context->words[1] : NULL;
    struct cluster_view view = {NULL};
    enum status st = cluster_view_fetch(context, &view, err);

    if (st == ST_INVALID && is_node && id == NULL) {
        st = cluster_view_fetch_alone(context, &view, err);
    }
    if (st == ST_OK && context->options->is_watching && isatty(STDOUT_FILENO)) {
        printf("\033[H\033[J"); /* home, and clear to the end */
    }
    if (st == ST_OK && is_node) {
        cluster_view_fetch_load(context, &view, id);
        st = cluster_view_print_node(&view, id, context->options->is_json, stdout, err);
    } else if (st == ST_OK && context->options->is_json) {
        cluster_view_print_json(&view, stdout);
    } else if (st == ST_OK) {
        cluster_view_print(&view, stdout);
    }
    fflush(stdout);
    cluster_view_release(&view);
    return st;
}

enum status
command_show(struct command_context *context, struct error *err)
{
    bool is_node = strcmp(context->words[0], "node") == 0;
    enum status st;

    if (strcmp(context->words[0], "mountpath") == 0 && context->word_count == 1) {
        return command_show_mountpath(context, err);
    }
    if (strcmp(context->words[0], "job") == 0) {
        return command_show_job(context, err);
    }
    if (strcmp(context->words[0], "rebalance") == 0) {
        return command_show_rebalance(context, err);
    }
    if (!is_node && strcmp(context->words[0], "cluster") != 0) {
        return fail(err, ST_INVALID,
                    "lode show knows cluster, node, mountpath, job and rebalance, not '%.40s'",
                    context->words[0]);
    }
    if (!is_node && context->word_count > 1) {
        return fail(err, ST_INVALID, "lode show %s takes no name", context->words[0]);
    }
    do {
        struct arena arena = ARENA_INIT;
        struct command_context round = *context;

        round.arena = &arena; /* watching for days keeps nothing */
        st = show_once(&round, is_node, err);
        arena_release(&arena);
        if (st == ST_OK && context->options->is_watching) {
            clock_pause_ns(WATCH_INTERVAL_S * CLOCK_NS_PER_S);
        }
    } while (st == ST_OK && context->options->is_watching);
    return st;
}
