/* SPDX-License-Identifier: Apache-2.0 */
/* lode show job, lode show rebalance, lode job wait, lode job stop. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/job_view.h"
#include "cli/rebalance_view.h"

#include "base/banned.h"

/* How long a server that does not answer is waited for, by who waits for a job. */
#define PATIENCE_NS (60 * CLOCK_NS_PER_S)
/* How often --watch asks the server. */
#define WATCH_INTERVAL_MS 500

typedef void print_fn(const struct job_view *view, const struct command_context *context);

/* lode show KIND [ID] */
struct show {
    const char *what;
    const char *id; /* NULL: all */
    bool is_all;
    print_fn *print;
    void (*print_progress)(const struct job_view *view, FILE *out, int columns);
    /* Watching ends when nothing that is shown runs; else only by Ctrl-C. */
    bool ends;
    /* A node that is away is waited for: its jobs go on when it is back. */
    bool is_patient;
};

static bool
is_terminal(const struct command_context *context)
{
    return isatty(STDOUT_FILENO) && !context->options->is_json;
}

static int
terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void
print_round(const struct show *show, const struct job_view *view,
            const struct command_context *context, bool goes_on)
{
    if (context->options->is_json) {
        job_view_print_json(view, stdout);
    } else if (context->options->is_watching && show->ends && goes_on) {
        if (is_terminal(context) && !context->options->is_quiet) {
            fputs("\r\033[K", stdout);
            show->print_progress(view, stdout, terminal_columns());
        }
    } else {
        if (is_terminal(context) && context->options->is_watching) {
            fputs(show->ends ? "\r\033[K" : "\033[H\033[J", stdout);
        }
        show->print(view, context);
    }
    fflush(stdout);
}

/* Who waits for the end wants to know which it was. */
static enum status
judge_end(const struct job_view *view, struct error *err)
{
    for (size_t i = 0; i < view->count; i++) {
        if (strcmp(job_view_text(view->jobs[i], "state"), "finished") != 0) {
            return fail(err, ST_UNAVAILABLE, "It was %.16s on node %.80s: %s",
                        job_view_text(view->jobs[i], "state"), job_view_text(view->jobs[i], "node"),
                        job_view_text(view->jobs[i], "text"));
        }
    }
    return ST_OK;
}

static void
print_away(const struct job_view *view, const struct command_context *context)
{
    if (is_terminal(context) && !context->options->is_quiet) {
        fputs("\r\033[K", stdout);
        job_view_print_away(view, stdout, terminal_columns());
        fflush(stdout);
    }
}

static enum status
show_once(struct command_context *context, const struct show *show, bool *ret_goes_on,
          struct error *err)
{
    struct job_view view = {NULL};
    enum status st = job_view_fetch(context, show->what, show->id, show->is_all, &view, err);

    if (st == ST_OK && show->id != NULL && view.count == 0 && show->is_patient &&
        job_view_is_missing_any(&view)) {
        *ret_goes_on = true;
        print_away(&view, context);
    } else if (st == ST_OK && show->id != NULL && view.count == 0) {
        job_view_print_missing(&view, stderr);
        st = fail(err, ST_NOT_FOUND, "No node that answers has a job %s", show->id);
    } else if (st == ST_OK) {
        *ret_goes_on = context->options->is_watching && (!show->ends || job_view_is_running(&view));
        print_round(show, &view, context, *ret_goes_on);
    }
    if (st == ST_OK && context->options->is_watching && show->id != NULL && !*ret_goes_on) {
        st = judge_end(&view, err);
    }
    job_view_release(&view);
    return st;
}

static enum status
run_show(struct command_context *context, const struct show *show, struct error *err)
{
    int64_t answered_ns = clock_monotonic_ns();
    bool goes_on = false;
    enum status st;

    do {
        struct arena arena = ARENA_INIT;
        struct command_context round = *context;

        round.arena = &arena; /* watching for days keeps nothing */
        st = show_once(&round, show, &goes_on, err);
        arena_release(&arena);
        if (st == ST_OK) {
            answered_ns = clock_monotonic_ns();
        } else if (show->is_patient && goes_on && st != ST_NOT_FOUND &&
                   clock_monotonic_ns() - answered_ns < PATIENCE_NS) {
            st = ST_OK; /* it has answered before */
        }
        if (st == ST_OK && goes_on) {
            clock_pause_ns(WATCH_INTERVAL_MS * CLOCK_NS_PER_MS);
        }
    } while (st == ST_OK && goes_on);
    return st;
}

static void
print_jobs(const struct job_view *view, const struct command_context *context)
{
    if (view->count == 0) {
        printf(context->options->is_all ? "No job has run yet.\n"
                                        : "No job runs; --all shows those that have ended.\n");
    }
    job_view_print(view, stdout);
    if (context->word_count > 1) {
        job_view_print_reports(view, stdout);
    }
}

enum status
command_show_job(struct command_context *context, struct error *err)
{
    const char *id = context->word_count > 1 ? context->words[1] : NULL;
    const struct show show = {.what = "lode-all-jobs",
                              .id = id,
                              .is_all = context->options->is_all,
                              .print = print_jobs,
                              .print_progress = job_view_print_progress,
                              .ends = id != NULL};

    return run_show(context, &show, err);
}

static enum status
stop_job(struct command_context *context, const char *id, struct error *err)
{
    struct s3_client_request request = {
        .method = "PUT", .bucket = BYTES_LITERAL("v1"), .key = BYTES_LITERAL("cluster")};
    struct s3_client_response response;
    struct buffer body = BUFFER_INIT;
    enum status st;

    buffer_append_string(&body, "{\"action\":\"lode-job-stop\",\"name\":");
    log_append_json_string(&body, bytes_of_string(id));
    buffer_append_char(&body, '}');
    request.body = buffer_bytes(&body);
    st = s3_client_send(context->client, &request, context->arena, &response, err);
    buffer_release(&body);
    return st;
}

enum status
command_job(struct command_context *context, struct error *err)
{
    struct cli_options options = *context->options;
    struct command_context waiting = *context;
    const struct show show = {.what = "lode-all-jobs",
                              .id = context->words[1],
                              .is_all = true,
                              .print = print_jobs,
                              .print_progress = job_view_print_progress,
                              .ends = true,
                              .is_patient = true};

    if (strcmp(context->words[0], "stop") == 0) {
        return stop_job(context, context->words[1], err);
    }
    if (strcmp(context->words[0], "wait") != 0) {
        return fail(err, ST_INVALID, "lode job knows wait and stop, not '%.40s'",
                    context->words[0]);
    }
    options.is_watching = true;
    waiting.options = &options;
    return run_show(&waiting, &show, err);
}

static void
print_rebalances(const struct job_view *view, const struct command_context *context)
{
    rebalance_view_print(view, context->word_count > 1 ? context->words[1] : NULL,
                         context->options->is_all, stdout);
}

enum status
command_show_rebalance(struct command_context *context, struct error *err)
{
    const struct show show = {.what = "lode-rebalance",
                              .id = context->word_count > 1 ? context->words[1] : NULL,
                              .print = print_rebalances,
                              .print_progress = rebalance_view_print_progress,
                              .ends = true};

    return run_show(context, &show, err);
}

enum status
command_stop(struct command_context *context, struct error *err)
{
    return strcmp(context->words[0], "job") == 0
               ? stop_job(context, context->words[1], err)
               : fail(err, ST_INVALID, "lode stop knows job, not '%.40s'", context->words[0]);
}
