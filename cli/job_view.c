/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/job_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "cli/text_table.h"

#include "base/banned.h"

#define BAR_COLUMNS 24
/* Beside the bar, at least: share, counts and text. */
#define TEXT_COLUMNS_MIN 40

const char *
job_view_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

int64_t
job_view_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static bool
is_running(const json_t *job)
{
    return strcmp(job_view_text(job, "state"), "running") == 0;
}

int64_t
job_view_duration_ns(const json_t *job)
{
    int64_t end_ns = is_running(job) ? clock_wall_ns() : job_view_number(job, "finished_ns");
    int64_t ns = end_ns - job_view_number(job, "started_ns");

    return ns > 0 ? ns : 0; /* the server's clock may be ahead of this one */
}

void
job_view_format_duration(int64_t ns, char *out, size_t size)
{
    int64_t s = ns / CLOCK_NS_PER_S;

    if (s >= 3600) {
        snprintf(out, size, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
    } else if (s >= 60) {
        snprintf(out, size, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    } else {
        snprintf(out, size, "%.1f s", (double)ns / (double)CLOCK_NS_PER_S);
    }
}

void
job_view_format_time(int64_t ns, char *out, size_t size)
{
    time_t at_s = ns / CLOCK_NS_PER_S;
    struct tm parts;

    localtime_r(&at_s, &parts);
    (void)strftime(out, size, "%Y-%m-%d %H:%M:%S", &parts);
}

void
job_view_format_count(uint64_t count, char *out, size_t size)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    size_t at = 0;

    for (int i = 0; i < length && at + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* ---- fetching ---- */

/* Of all entries of the id. */
struct order {
    const json_t *job;
    bool is_running;
    int64_t started_ns; /* the latest */
};

static int
compare_order(const void *left, const void *right)
{
    const struct order *a = left;
    const struct order *b = right;
    int ids = strcmp(job_view_text(a->job, "id"), job_view_text(b->job, "id"));

    if (a->is_running != b->is_running) {
        return a->is_running ? -1 : 1;
    }
    if (a->started_ns != b->started_ns) {
        return a->started_ns > b->started_ns ? -1 : 1;
    }
    return ids != 0 ? ids : strcmp(job_view_text(a->job, "node"), job_view_text(b->job, "node"));
}

static void
sort(struct job_view *view, struct arena *arena)
{
    const json_t *jobs = json_object_get(view->json, "jobs");
    size_t count = json_array_size(jobs);
    struct order *orders = arena_calloc(arena, count + 1, sizeof(*orders));

    for (size_t i = 0; i < count; i++) {
        orders[i].job = json_array_get(jobs, i);
        for (size_t k = 0; k < count; k++) {
            const json_t *other = json_array_get(jobs, k);
            int64_t started_ns = job_view_number(other, "started_ns");

            if (strcmp(job_view_text(other, "id"), job_view_text(orders[i].job, "id")) == 0) {
                orders[i].is_running = orders[i].is_running || is_running(other);
                orders[i].started_ns =
                    started_ns > orders[i].started_ns ? started_ns : orders[i].started_ns;
            }
        }
    }
    qsort(orders, count, sizeof(*orders), compare_order);
    view->jobs = arena_calloc(arena, count + 1, sizeof(const json_t *));
    view->count = count;
    for (size_t i = 0; i < count; i++) {
        view->jobs[i] = orders[i].job;
    }
}

enum status
job_view_parse(struct bytes answer, struct arena *arena, struct job_view *ret_view,
               struct error *err)
{
    struct job_view view = {.json = json_loadb(answer.data, answer.size, 0, NULL)};

    if (!json_is_array(json_object_get(view.json, "jobs"))) {
        json_decref(view.json);
        return fail(err, ST_INVALID, "The server's answer says nothing of jobs");
    }
    sort(&view, arena);
    *ret_view = view;
    return ST_OK;
}

static bool
is_plain(const char *id)
{
    return id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] ==
           '\0';
}

enum status
job_view_fetch(struct command_context *context, const char *what, const char *id, bool is_all,
               struct job_view *ret_view, struct error *err)
{
    struct s3_client_request request = {
        .method = "GET", .bucket = BYTES_LITERAL("v1"), .key = BYTES_LITERAL("cluster")};
    struct s3_client_response response;
    enum status st;

    if (id != NULL && !is_plain(id)) {
        return fail(err, ST_INVALID, "The id of a job consists of letters, digits, - and _");
    }
    request.query =
        arena_printf(context->arena, "%s%s%s%swhat=%s", is_all ? "all=true&" : "",
                     id != NULL ? "id=" : "", id != NULL ? id : "", id != NULL ? "&" : "", what);
    st = s3_client_send(context->client, &request, context->arena, &response, err);
    if (st != ST_OK) {
        return st;
    }
    return job_view_parse(response.body, context->arena, ret_view, err);
}

void
job_view_release(struct job_view *view)
{
    json_decref(view->json);
    view->json = NULL;
}

bool
job_view_is_running(const struct job_view *view)
{
    return view->count > 0 && is_running(view->jobs[0]);
}

/* ---- printing ---- */

void
job_view_print_json(const struct job_view *view, FILE *out)
{
    char *text = json_dumps(view->json, JSON_COMPACT);

    fprintf(out, "%s\n", text != NULL ? text : "null");
    free(text);
}

void
job_view_print_missing(const struct job_view *view, FILE *out)
{
    const json_t *missing = json_object_get(view->json, "missing");

    for (size_t i = 0; i < json_array_size(missing); i++) {
        const json_t *node = json_array_get(missing, i);

        fputs("Not known of node ", out);
        text_table_print_text(out, job_view_text(node, "node"));
        fputs(": ", out);
        text_table_print_text(out, job_view_text(node, "why"));
        fputc('\n', out);
    }
}

bool
job_view_is_missing_any(const struct job_view *view)
{
    return json_array_size(json_object_get(view->json, "missing")) > 0;
}

void
job_view_print_away(const struct job_view *view, FILE *out, int columns)
{
    const json_t *node = json_array_get(json_object_get(view->json, "missing"), 0);
    char line[512];

    snprintf(line, sizeof(line), "waiting for node %.80s, which may have the job: %.360s",
             job_view_text(node, "node"), job_view_text(node, "why"));
    if (columns > 0 && (size_t)columns < sizeof(line)) {
        line[columns - 1] = '\0';
    }
    text_table_print_text(out, line);
}

static void
add_job(struct text_table *table, const json_t *job)
{
    char done[32];
    char started[24];
    char duration[24];

    job_view_format_count((uint64_t)job_view_number(job, "done"), done, sizeof(done));
    job_view_format_time(job_view_number(job, "started_ns"), started, sizeof(started));
    job_view_format_duration(job_view_duration_ns(job), duration, sizeof(duration));
    text_table_add(table, "%s", job_view_text(job, "id"));
    text_table_add(table, "%s", job_view_text(job, "node"));
    text_table_add(table, "%s", job_view_text(job, "state"));
    text_table_add(table, "%s", started);
    text_table_add(table, "%s", duration);
    text_table_add(table, "%s", done);
    text_table_add(table, "%s", job_view_text(job, "text"));
}

void
job_view_print(const struct job_view *view, FILE *out)
{
    static const char *const TITLES[] = {"JOB",  "NODE", "STATE",       "STARTED",
                                         "TIME", "DONE", "WHAT IT SAYS"};
    struct text_table table;

    text_table_init(&table, ARRAY_COUNT(TITLES), TITLES, 1U << 4 | 1U << 5);
    for (size_t i = 0; i < view->count; i++) {
        add_job(&table, view->jobs[i]);
    }
    if (view->count > 0) {
        text_table_print(&table, out);
    }
    text_table_release(&table);
    job_view_print_missing(view, out);
}

static void
print_member(const char *name, const json_t *value, FILE *out)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    fprintf(out, "  %-16s ", name);
    text_table_print_text(out, text != NULL ? text : json_string_value(value));
    fputc('\n', out);
    free(text);
}

void
job_view_print_reports(const struct job_view *view, FILE *out)
{
    for (size_t i = 0; i < view->count; i++) {
        json_t *report = json_object_get(view->jobs[i], "report");
        const char *name;
        json_t *value;

        if (report == NULL) {
            continue;
        }
        fputs("\nReport of ", out);
        text_table_print_text(out, job_view_text(view->jobs[i], "node"));
        fputc('\n', out);
        json_object_foreach(report, name, value)
        {
            print_member(name, value, out);
        }
    }
}

int
job_view_print_bar(const json_t *const *jobs, size_t count, FILE *out, int columns)
{
    int64_t done = 0;
    int64_t total = 0;
    char bar[BAR_COLUMNS + 1];
    int filled;

    for (size_t i = 0; i < count; i++) {
        int64_t own_total = job_view_number(jobs[i], "total");
        int64_t own_done = job_view_number(jobs[i], "done");

        total += own_total;
        done += own_done < own_total ? own_done : own_total;
    }
    if (total <= 0 || columns < BAR_COLUMNS + TEXT_COLUMNS_MIN) {
        return 0;
    }
    filled = (int)(BAR_COLUMNS * done / total);
    for (int i = 0; i < BAR_COLUMNS; i++) {
        bar[i] = (char)(i < filled ? '=' : i == filled ? '>' : ' ');
    }
    bar[BAR_COLUMNS] = '\0';
    return fprintf(out, "[%s] %3d%%  ", bar, (int)(100 * done / total));
}

void
job_view_print_progress(const struct job_view *view, FILE *out, int columns)
{
    int used = job_view_print_bar(view->jobs, view->count, out, columns);
    const char *separator = "";

    for (size_t i = 0; i < view->count && used < columns - 1; i++) {
        char line[512];

        if (!is_running(view->jobs[i])) {
            continue;
        }
        snprintf(line, sizeof(line), "%s%.80s: %.360s", separator,
                 job_view_text(view->jobs[i], "node"), job_view_text(view->jobs[i], "text"));
        if ((size_t)(columns - used) < sizeof(line)) {
            line[columns - used - 1] = '\0'; /* a line that wraps could not be overwritten */
        }
        text_table_print_text(out, line);
        used += (int)strlen(line);
        separator = " | ";
    }
}
