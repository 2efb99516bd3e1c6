/* SPDX-License-Identifier: Apache-2.0 */
/* lode cluster: what an operator asks the leader to do with a node. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cluster_view.h"

#include "base/banned.h"

#define WATCH_INTERVAL_MS 500

static const char *const VERBS[] = {"maintenance", "return", "decommission", "remove",
                                    "set-leader"};

static bool
is_verb(const char *word)
{
    for (size_t i = 0; i < sizeof(VERBS) / sizeof(VERBS[0]); i++) {
        if (strcmp(word, VERBS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum status
send_action(struct command_context *context, const char *verb, const char *id, json_t **ret_answer,
            struct error *err)
{
    json_t *message = json_pack("{s:s, s:s, s:{s:b}}", "action",
                                arena_printf(context->arena, "lode-cluster-%s", verb), "name",
                                id != NULL ? id : "", "value", "confirm_stopped",
                                context->options->is_confirmed_stopped ? 1 : 0);
    char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    struct s3_client_request request = {.method = "PUT",
                                        .bucket = BYTES_LITERAL("v1"),
                                        .key = BYTES_LITERAL("cluster"),
                                        .body = bytes_of_string(text)};
    struct s3_client_response response;
    enum status st;

    json_decref(message);
    if (text == NULL) {
        return fail(err, ST_INVALID, "The id of a node consists of letters, digits, - and _");
    }
    st = s3_client_send(context->client, &request, context->arena, &response, err);
    free(text);
    if (st == ST_OK) {
        *ret_answer = json_loadb(response.body.data, response.body.size, 0, NULL);
        st = json_is_string(json_object_get(*ret_answer, "text"))
                 ? ST_OK
                 : fail(err, ST_INVALID, "The server's answer is not understood");
    }
    return st;
}

/* Lines that change one after the other; on a terminal, one that is overwritten. */
static enum status
watch(struct command_context *context, struct error *err)
{
    bool is_terminal = isatty(STDOUT_FILENO) && !context->options->is_json;
    bool is_busy = true;
    enum status st = ST_OK;

    while (st == ST_OK && is_busy) {
        struct arena arena = ARENA_INIT;
        struct command_context round = *context;
        struct cluster_view view = {NULL};

        round.arena = &arena;
        st = cluster_view_fetch(&round, &view, err);
        if (st == ST_OK) {
            is_busy = cluster_view_is_busy(&view);
            if (context->options->is_json) {
                cluster_view_print_json(&view, stdout);
            } else {
                fputs(is_terminal ? "\r\033[K" : "", stdout);
                cluster_view_print_progress(&view, stdout);
                fputs(is_terminal && is_busy ? "" : "\n", stdout);
            }
            fflush(stdout);
        }
        cluster_view_release(&view);
        arena_release(&arena);
        if (st == ST_OK && is_busy) {
            clock_pause_ns(WATCH_INTERVAL_MS * CLOCK_NS_PER_MS);
        }
    }
    return st;
}

static bool
is_done(const json_t *answer)
{
    const char *state = json_string_value(json_object_get(answer, "state"));

    return state != NULL && strcmp(state, "done") == 0;
}

enum status
command_cluster(struct command_context *context, struct error *err)
{
    const char *verb = context->words[0];
    const char *id = context->word_count > 1 ? context->words[1] : NULL;
    bool is_rotation = strcmp(verb, "rotate-key") == 0;
    json_t *answer = NULL;
    bool is_waiting;
    enum status st;

    if (!is_rotation && !is_verb(verb)) {
        return fail(err, ST_INVALID,
                    "lode cluster knows maintenance, return, decommission, remove, set-leader and "
                    "rotate-key, not '%.40s'",
                    verb);
    }
    if (is_rotation != (id == NULL)) {
        return fail(err, ST_INVALID,
                    is_rotation ? "lode cluster rotate-key takes no node"
                                : "Which node?  lode show cluster lists them");
    }
    if (context->options->is_confirmed_stopped && strcmp(verb, "remove") != 0) {
        return fail(err, ST_INVALID, "--confirm-stopped goes with lode cluster remove only");
    }
    st = send_action(context, verb, id, &answer, err);
    if (st != ST_OK) {
        json_decref(answer);
        return st;
    }
    is_waiting = !is_done(answer);
    if (context->options->is_json) {
        char *text = json_dumps(answer, JSON_COMPACT);

        printf("%s\n", text);
        free(text);
    } else {
        printf("%s\n", json_string_value(json_object_get(answer, "text")));
    }
    if (context->options->is_watching && !is_rotation) {
        st = watch(context, err);
    } else if (is_waiting) {
        st = fail(err, ST_BUSY, "It goes on; see lode show cluster --watch");
    }
    json_decref(answer);
    return st;
}
