/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lode mountpath and lode show mountpath: disks of the node that is asked.  With --watch the
 * command ends when the resilver does.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/command.h"

#include "base/banned.h"

/* How often the server is asked while a resilver is watched. */
#define POLL_INTERVAL_MS 250

static const char *const VERBS[] = {"attach", "detach", "enable", "disable", "forget"};

static enum status
ask(struct command_context *context, const char *query, json_t **ret_answer, struct error *err)
{
    const struct s3_client_request request = {.method = "GET",
                                              .bucket = BYTES_LITERAL("v1"),
                                              .key = BYTES_LITERAL("cluster"),
                                              .query = query};
    struct s3_client_response response;
    enum status st = s3_client_send(context->client, &request, context->arena, &response, err);

    if (st == ST_OK) {
        *ret_answer = json_loadb(response.body.data, response.body.size, 0, NULL);
        st = *ret_answer != NULL ? ST_OK
                                 : fail(err, ST_INVALID, "The server's answer cannot be read");
    }
    return st;
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void
format_size(const json_t *object, const char *name, char out[16])
{
    progress_format_size((uint64_t)json_integer_value(json_object_get(object, name)), out, 16);
}

static void
print_one(const json_t *mountpath)
{
    char total[16];
    char left[16];
    const char *note = text_of(mountpath, "why");

    format_size(mountpath, "total_bytes", total);
    format_size(mountpath, "free_bytes", left);
    if (json_is_true(json_object_get(mountpath, "emptying"))) {
        note = note[0] != '\0' ? note : "is being emptied: leave it where it is";
    } else if (json_is_true(json_object_get(mountpath, "may_be_pulled"))) {
        note = "may be pulled";
    }
    printf("%-10s %-12s %10s %10s  %s%s%s\n", text_of(mountpath, "role"),
           text_of(mountpath, "state"), left, total, text_of(mountpath, "directory"),
           note[0] != '\0' ? "  " : "", note);
}

static void
print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    printf("%s\n", text);
    free(text);
}

static enum status
show(struct command_context *context, struct error *err)
{
    json_t *answer = NULL;
    const json_t *mountpaths;
    enum status st = ask(context, "what=lode-mountpaths", &answer, err);

    if (st != ST_OK) {
        return st;
    }
    mountpaths = json_object_get(answer, "mountpaths");
    if (context->options->is_json) {
        print_json(answer);
    } else {
        printf("%-10s %-12s %10s %10s  %s\n", "ROLE", "STATE", "FREE", "SIZE", "DIRECTORY");
        for (size_t i = 0; i < json_array_size(mountpaths); i++) {
            print_one(json_array_get(mountpaths, i));
        }
        if (json_is_true(json_object_get(answer, "resilver_due"))) {
            printf("a resilver has work to do; `lode mountpath ls --watch` follows it\n");
        }
    }
    json_decref(answer);
    return ST_OK;
}

/* The newest resilver; a new reference, or NULL: there was none. */
static enum status
fetch_resilver(struct command_context *context, json_t **ret_job, struct error *err)
{
    json_t *jobs = NULL;
    enum status st = ask(context, "what=lode-jobs", &jobs, err);

    *ret_job = NULL;
    for (size_t i = 0; st == ST_OK && i < json_array_size(jobs) && *ret_job == NULL; i++) {
        json_t *job = json_array_get(jobs, i);

        if (strcmp(text_of(job, "kind"), "resilver") == 0) {
            *ret_job = json_incref(job);
        }
    }
    json_decref(jobs);
    return st;
}

static void
show_progress(const struct command_context *context, const json_t *job, bool is_over)
{
    if (context->options->is_json || context->options->is_quiet || !isatty(STDERR_FILENO)) {
        return;
    }
    fprintf(stderr, "\r\033[K%s", is_over ? "" : text_of(job, "text"));
}

/* A new line of text or JSON at the end. */
static enum status
print_end(const struct command_context *context, const json_t *job, struct error *err)
{
    if (context->options->is_json) {
        print_json(job);
    } else {
        printf("resilver %s: %s\n", text_of(job, "state"), text_of(job, "text"));
    }
    return strcmp(text_of(job, "state"), "finished") == 0
               ? ST_OK
               : fail(err, ST_UNAVAILABLE, "The resilver did not end: %s", text_of(job, "text"));
}

static enum status
watch(struct command_context *context, struct error *err)
{
    bool is_running = true;
    enum status st = ST_OK;

    while (st == ST_OK && is_running) {
        json_t *job = NULL;

        st = fetch_resilver(context, &job, err);
        is_running = job != NULL && strcmp(text_of(job, "state"), "running") == 0;
        if (st == ST_OK && job != NULL) {
            show_progress(context, job, !is_running);
            if (is_running) {
                clock_pause_ns(POLL_INTERVAL_MS * CLOCK_NS_PER_MS);
            } else {
                st = print_end(context, job, err);
            }
        }
        json_decref(job);
    }
    return st;
}

static enum status
change(struct command_context *context, const char *verb, struct error *err)
{
    struct buffer body = BUFFER_INIT;
    struct s3_client_request request = {
        .method = "PUT", .bucket = BYTES_LITERAL("v1"), .key = BYTES_LITERAL("cluster")};
    struct s3_client_response response;
    json_t *answer;
    char *directory = realpath(context->words[1], NULL);
    enum status st;

    /* A disk that is gone has no real path any more: as it was given. */
    buffer_printf(&body, "{\"action\":\"lode-mountpath-%s\",\"name\":", verb);
    log_append_json_string(&body,
                           bytes_of_string(directory != NULL ? directory : context->words[1]));
    buffer_append_char(&body, '}');
    free(directory);
    request.body = buffer_bytes(&body);
    st = s3_client_send(context->client, &request, context->arena, &response, err);
    buffer_release(&body);
    if (st != ST_OK) {
        return st;
    }
    answer = json_loadb(response.body.data, response.body.size, 0, NULL);
    if (context->options->is_json) {
        print_json(answer);
    } else {
        printf("generation %" JSON_INTEGER_FORMAT "%s\n",
               json_integer_value(json_object_get(answer, "generation")),
               json_is_true(json_object_get(answer, "resilver")) ? ": a resilver moves the data"
                                                                 : "");
        if (json_object_get(answer, "lost") != NULL) {
            printf("%" JSON_INTEGER_FORMAT " objects are lost and listed in %s%s\n",
                   json_integer_value(json_object_get(answer, "lost")), text_of(answer, "losses"),
                   json_is_true(json_object_get(answer, "loss_unknown"))
                       ? "; the mountpath could not be read, so there are more"
                       : "");
        }
    }
    json_decref(answer);
    return context->options->is_watching ? watch(context, err) : ST_OK;
}

static enum status
list(struct command_context *context, struct error *err)
{
    enum status st = context->options->is_watching ? watch(context, err) : ST_OK;

    return st == ST_OK ? show(context, err) : st;
}

enum status
command_mountpath(struct command_context *context, struct error *err)
{
    const char *verb = context->words[0];

    if (strcmp(verb, "ls") == 0 && context->word_count == 1) {
        return list(context, err);
    }
    for (size_t i = 0; i < ARRAY_COUNT(VERBS) && context->word_count == 2; i++) {
        if (strcmp(verb, VERBS[i]) == 0) {
            return change(context, verb, err);
        }
    }
    return fail(err, ST_INVALID,
                "Usage: lode mountpath ls, or lode mountpath "
                "attach|detach|enable|disable|forget DIRECTORY");
}

enum status
command_show_mountpath(struct command_context *context, struct error *err)
{
    return list(context, err);
}
