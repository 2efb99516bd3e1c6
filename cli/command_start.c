/* SPDX-License-Identifier: Apache-2.0 */
/* lode start rebalance [--cleanup [--force]], lode start rechunk BUCKET: prints the job's id. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/job_view.h"
#include "cli/text_table.h"

#include "base/banned.h"

/* Targets begin when they have heard of the new map, some hundred milliseconds later. */
#define WATCH_TRY_COUNT 50
#define WATCH_TRY_MS 200

static enum status
send_start(struct command_context *context, json_t **ret_answer, struct error *err)
{
    const struct cli_options *options = context->options;
    struct s3_client_request request = {
        .method = "PUT",
        .bucket = BYTES_LITERAL("v1"),
        .key = BYTES_LITERAL("cluster"),
        .body = arena_printf_bytes(
            context->arena,
            "{\"action\":\"lode-rebalance\",\"value\":{\"cleanup\":%s,\"force\":%s}}",
            options->is_cleanup ? "true" : "false", options->is_forced ? "true" : "false")};
    struct s3_client_response response;
    enum status st = s3_client_send(context->client, &request, context->arena, &response, err);

    if (st == ST_OK) {
        *ret_answer = json_loadb(response.body.data, response.body.size, 0, NULL);
        st = job_view_text(*ret_answer, "id")[0] != '\0'
                 ? ST_OK
                 : fail(err, ST_INVALID, "The server's answer is not understood");
    }
    return st;
}

static void
print_answer(const struct command_context *context, const json_t *answer)
{
    const char *text = job_view_text(answer, "text");

    if (context->options->is_json) {
        char *json = json_dumps(answer, JSON_COMPACT);

        printf("%s\n", json);
        free(json);
        return;
    }
    text_table_print_text(stdout, job_view_text(answer, "id"));
    fputc('\n', stdout);
    if (text[0] != '\0' && !context->options->is_quiet) {
        text_table_print_text(stderr, text);
        fputc('\n', stderr);
    }
}

static enum status
watch(struct command_context *context, const json_t *answer, struct error *err)
{
    char what[] = "rebalance";
    char *words[] = {what, arena_printf(context->arena, "%s", job_view_text(answer, "id"))};
    struct command_context shown = *context;
    enum status st = ST_NOT_FOUND;

    fflush(stdout);
    shown.words = words;
    shown.word_count = 2;
    for (size_t try = 0; st == ST_NOT_FOUND && try < WATCH_TRY_COUNT; try++) {
        clock_pause_ns(WATCH_TRY_MS * CLOCK_NS_PER_MS);
        st = command_show_rebalance(&shown, err);
    }
    return st;
}

/* By the bucket's chunks.* properties; the answer is the id alone. */
static enum status
start_rechunk(struct command_context *context, const char *bucket, struct error *err)
{
    struct s3_client_request request = {
        .method = "PUT", .bucket = BYTES_LITERAL("v1"), .key = BYTES_LITERAL("cluster")};
    struct s3_client_response response;
    struct buffer body = BUFFER_INIT;
    enum status st;

    buffer_append_string(
        &body, "{\"action\":\"start\",\"value\":{\"Kind\":\"rechunk\",\"Bck\":{\"name\":");
    log_append_json_string(&body, bytes_of_string(bucket));
    buffer_append_string(&body, "}}}");
    request.body = arena_copy(context->arena, buffer_bytes(&body));
    buffer_release(&body);
    st = s3_client_send(context->client, &request, context->arena, &response, err);
    if (st == ST_OK) {
        printf(context->options->is_json ? "{\"id\":\"%.*s\"}\n" : "%.*s\n",
               BYTES_ARGS(response.body));
    }
    return st;
}

enum status
command_start(struct command_context *context, struct error *err)
{
    json_t *answer = NULL;
    enum status st;

    if (strcmp(context->words[0], "rechunk") == 0) {
        return context->word_count == 2
                   ? start_rechunk(context, context->words[1], err)
                   : fail(err, ST_INVALID, "lode start rechunk needs the name of a bucket");
    }
    if (strcmp(context->words[0], "rebalance") != 0 || context->word_count != 1) {
        return fail(err, ST_INVALID, "lode start knows rebalance and rechunk BUCKET, not '%.40s'",
                    context->words[context->word_count - 1]);
    }
    if (context->options->is_forced && !context->options->is_cleanup) {
        return fail(err, ST_INVALID, "--force goes with --cleanup: it puts aside what is left");
    }
    st = send_start(context, &answer, err);
    if (st == ST_OK) {
        print_answer(context, answer);
    }
    if (st == ST_OK && context->options->is_watching) {
        st = watch(context, answer, err);
    }
    json_decref(answer);
    return st;
}
