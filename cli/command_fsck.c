/* SPDX-License-Identifier: Apache-2.0 */
/* lode fsck: starts the check as a job of the running server and shows how it goes. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"

#include "base/banned.h"

/* How often the server is asked; the first answer comes at once for a small store. */
#define POLL_INTERVAL_MS 200

static enum status
fetch_job(struct command_context *context, const char *id, json_t **ret_job, struct error *err)
{
    struct s3_client_request request = {
        .method = "GET",
        .bucket = BYTES_LITERAL("v1"),
        .key = BYTES_LITERAL("cluster"),
        .query = arena_printf(context->arena, "id=%s&what=lode-jobs", id)};
    struct s3_client_response response;
    json_t *jobs = NULL;
    enum status st = s3_client_send(context->client, &request, context->arena, &response, err);

    if (st != ST_OK) {
        return st;
    }
    jobs = json_loadb(response.body.data, response.body.size, 0, NULL);
    *ret_job = json_incref(json_array_get(jobs, 0));
    json_decref(jobs);
    return *ret_job != NULL ? ST_OK : fail(err, ST_INVALID, "The server's answer holds no job");
}

static void
show_progress(const struct command_context *context, const json_t *job, bool is_over)
{
    if (context->options->is_json || context->options->is_quiet || !isatty(STDERR_FILENO)) {
        return;
    }
    if (is_over) {
        fprintf(stderr, "\r\033[K");
    } else {
        fprintf(stderr, "\r\033[Kchecked %" JSON_INTEGER_FORMAT " records and files",
                json_integer_value(json_object_get(job, "done")));
    }
}

static json_int_t
count_findings(const json_t *report)
{
    const char *kind;
    json_t *count;
    json_int_t sum = 0;

    json_object_foreach(json_object_get(report, "findings"), kind, count)
    {
        sum += json_integer_value(count);
    }
    return sum;
}

static void
print_text(const json_t *report)
{
    const json_t *first = json_object_get(report, "first");

    for (size_t i = 0; i < json_array_size(first); i++) {
        const json_t *finding = json_array_get(first, i);

        printf("%s: %s: %s\n", json_string_value(json_object_get(finding, "finding")),
               json_string_value(json_object_get(finding, "home")),
               json_string_value(json_object_get(finding, "what")));
    }
    printf("%" JSON_INTEGER_FORMAT " findings; %" JSON_INTEGER_FORMAT
           " objects, %" JSON_INTEGER_FORMAT " uploads, %" JSON_INTEGER_FORMAT
           " files, %" JSON_INTEGER_FORMAT " bytes verified\n",
           count_findings(report), json_integer_value(json_object_get(report, "objects")),
           json_integer_value(json_object_get(report, "uploads")),
           json_integer_value(json_object_get(report, "files")),
           json_integer_value(json_object_get(report, "verified_bytes")));
}

/* A job that failed, and findings, make the exit code 1. */
static enum status
print_report(const struct command_context *context, const json_t *job, struct error *err)
{
    const json_t *report = json_object_get(job, "report");
    const char *state = json_string_value(json_object_get(job, "state"));

    if (context->options->is_json) {
        char *text = json_dumps(job, JSON_COMPACT);

        printf("%s\n", text);
        free(text);
    } else if (report != NULL) {
        print_text(report);
    }
    if (state == NULL || strcmp(state, "finished") != 0) {
        return fail(err, ST_INTERNAL, "The check did not end: %s",
                    json_string_value(json_object_get(job, "text")));
    }
    return count_findings(report) == 0 ? ST_OK : fail(err, ST_CORRUPT, "There are findings");
}

enum status
command_fsck(struct command_context *context, struct error *err)
{
    struct s3_client_request request = {
        .method = "PUT",
        .bucket = BYTES_LITERAL("v1"),
        .key = BYTES_LITERAL("cluster"),
        .body = context->options->is_verifying
                    ? BYTES_LITERAL("{\"action\":\"lode-fsck\",\"value\":{\"verify\":true}}")
                    : BYTES_LITERAL("{\"action\":\"lode-fsck\",\"value\":{}}")};
    struct s3_client_response response;
    json_t *job = NULL;
    bool is_running = true;
    const char *id;
    enum status st = s3_client_send(context->client, &request, context->arena, &response, err);

    if (st != ST_OK) {
        return st;
    }
    id = arena_string(context->arena, response.body);
    while (st == ST_OK && is_running) {
        json_decref(job);
        job = NULL;
        st = fetch_job(context, id, &job, err);
        if (st == ST_OK) {
            const char *state = json_string_value(json_object_get(job, "state"));

            is_running = state != NULL && strcmp(state, "running") == 0;
            show_progress(context, job, !is_running);
            if (is_running) {
                clock_pause_ns(POLL_INTERVAL_MS * CLOCK_NS_PER_MS);
            }
        }
    }
    if (st == ST_OK) {
        st = print_report(context, job, err);
    }
    json_decref(job);
    return st;
}
