/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rebalance_view.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "cli/text_table.h"

#include "base/banned.h"

/* Entries of one id, one of each node. */
struct run {
    const json_t *const *jobs;
    size_t count;
};

static const json_t *
report_of(const json_t *job)
{
    return json_object_get(job, "report");
}

static bool
is_cleanup(const struct run *run)
{
    return strcmp(job_view_text(run->jobs[0], "kind"), "rebalance") != 0;
}

/* The first run at or behind *at; false: none. */
static bool
next_run(const struct job_view *view, size_t *at, struct run *ret_run)
{
    size_t begin = *at;

    if (begin >= view->count) {
        return false;
    }
    while (*at < view->count && strcmp(job_view_text(view->jobs[begin], "id"),
                                       job_view_text(view->jobs[*at], "id")) == 0) {
        (*at)++;
    }
    *ret_run = (struct run){.jobs = &view->jobs[begin], .count = *at - begin};
    return true;
}

/* ---- of all nodes ---- */

static const char *
state_of(const struct run *run)
{
    static const char *const ORDER[] = {"running", "failed", "stopped"};

    for (size_t k = 0; k < ARRAY_COUNT(ORDER); k++) {
        for (size_t i = 0; i < run->count; i++) {
            if (strcmp(job_view_text(run->jobs[i], "state"), ORDER[k]) == 0) {
                return ORDER[k];
            }
        }
    }
    return "finished";
}

static uint64_t
sum_of(const struct run *run, const char *member)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < run->count; i++) {
        sum += (uint64_t)job_view_number(report_of(run->jobs[i]), member);
    }
    return sum;
}

static int64_t
started_of(const struct run *run)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < run->count; i++) {
        int64_t started_ns = job_view_number(run->jobs[i], "started_ns");

        first = started_ns < first ? started_ns : first;
    }
    return first;
}

static int64_t
duration_of(const struct run *run)
{
    int64_t longest = 0;

    for (size_t i = 0; i < run->count; i++) {
        int64_t ns = job_view_duration_ns(run->jobs[i]);

        longest = ns > longest ? ns : longest;
    }
    return longest;
}

static const char *
why_of(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const char *why = job_view_text(report_of(run->jobs[i]), "why");

        if (why[0] != '\0') {
            return why;
        }
    }
    return "";
}

/* ---- cells ---- */

static void
add_count(struct text_table *table, uint64_t count)
{
    char text[32];

    job_view_format_count(count, text, sizeof(text));
    text_table_add(table, "%s", text);
}

static void
add_size(struct text_table *table, uint64_t bytes)
{
    char text[16];

    progress_format_size(bytes, text, sizeof(text));
    text_table_add(table, "%s", text);
}

static void
add_number(struct text_table *table, const json_t *report, const char *member)
{
    add_count(table, (uint64_t)job_view_number(report, member));
}

static void
add_duration(struct text_table *table, int64_t ns)
{
    char text[24];

    job_view_format_duration(ns, text, sizeof(text));
    text_table_add(table, "%s", text);
}

/* ---- the list ---- */

static void
print_list(const struct job_view *view, bool is_all, FILE *out)
{
    static const char *const TITLES[] = {"RUN",     "STATE", "STARTED", "TIME",
                                         "OBJECTS", "SIZE",  "WHY"};
    struct text_table table;
    struct run run;
    size_t at = 0;
    size_t count = 0;

    text_table_init(&table, ARRAY_COUNT(TITLES), TITLES, 1U << 3 | 1U << 4 | 1U << 5);
    while ((is_all || count < REBALANCE_VIEW_RUNS_MAX) && next_run(view, &at, &run)) {
        char started[24];

        job_view_format_time(started_of(&run), started, sizeof(started));
        text_table_add(&table, "%s", job_view_text(run.jobs[0], "id"));
        text_table_add(&table, "%s", state_of(&run));
        text_table_add(&table, "%s", started);
        add_duration(&table, duration_of(&run));
        add_count(&table, sum_of(&run, is_cleanup(&run) ? "removed" : "objects"));
        add_size(&table, sum_of(&run, is_cleanup(&run) ? "removed_bytes" : "bytes"));
        text_table_add(&table, "%s", why_of(&run));
        count++;
    }
    text_table_print(&table, out);
    if (at < view->count) {
        fprintf(out, "(earlier ones: --all)\n");
    }
    text_table_release(&table);
}

/* ---- one run ---- */

static void
print_targets(const struct run *run, FILE *out)
{
    static const char *const TITLES[] = {"NODE",     "STATE", "STAGE",     "SENT", "SIZE",
                                         "RECEIVED", "SIZE",  "LOOKED AT", "TIME"};
    struct text_table table;

    text_table_init(&table, ARRAY_COUNT(TITLES), TITLES, 0x3fU << 3);
    for (size_t i = 0; i < run->count; i++) {
        const json_t *report = report_of(run->jobs[i]);

        text_table_add(&table, "%s", job_view_text(run->jobs[i], "node"));
        text_table_add(&table, "%s", job_view_text(run->jobs[i], "state"));
        text_table_add(&table, "%s", job_view_text(report, "stage"));
        add_number(&table, report, "objects");
        add_size(&table, (uint64_t)job_view_number(report, "bytes"));
        add_number(&table, report, "received");
        add_size(&table, (uint64_t)job_view_number(report, "received_bytes"));
        add_number(&table, report, "scanned");
        add_duration(&table, job_view_duration_ns(run->jobs[i]));
    }
    text_table_print(&table, out);
    text_table_release(&table);
}

static double
longest_of(const struct run *run, const char *stage, const char *member)
{
    double longest = 0;

    for (size_t i = 0; i < run->count; i++) {
        const json_t *stages = json_object_get(report_of(run->jobs[i]), "stages");

        for (size_t k = 0; k < json_array_size(stages); k++) {
            const json_t *entry = json_array_get(stages, k);
            double seconds = json_number_value(json_object_get(entry, member));

            if (strcmp(job_view_text(entry, "stage"), stage) == 0 && seconds > longest) {
                longest = seconds;
            }
        }
    }
    return longest;
}

static void
print_stages(const struct run *run, FILE *out)
{
    static const char *const STAGES[] = {"move", "settle", "drop-marks", "drop-tombstones"};
    static const char *const TITLES[] = {"STAGE", "SECONDS", "LONGEST WORK"};
    struct text_table table;

    text_table_init(&table, ARRAY_COUNT(TITLES), TITLES, 1U << 1 | 1U << 2);
    for (size_t i = 0; i < ARRAY_COUNT(STAGES); i++) {
        double seconds = longest_of(run, STAGES[i], "seconds");

        if (seconds > 0) {
            text_table_add(&table, "%s", STAGES[i]);
            text_table_add(&table, "%.2f", seconds);
            text_table_add(&table, "%.2f", longest_of(run, STAGES[i], "work_seconds"));
        }
    }
    fputc('\n', out);
    text_table_print(&table, out);
    text_table_release(&table);
}

/* What holds it up, or how it ended where that is not "finished". */
static void
print_notes(const struct run *run, FILE *out)
{
    for (size_t i = 0; i < run->count; i++) {
        const char *state = job_view_text(run->jobs[i], "state");
        const char *waits_for = job_view_text(report_of(run->jobs[i]), "waits_for");
        bool is_over = strcmp(state, "running") != 0;
        const char *note = is_over ? job_view_text(run->jobs[i], "text") : waits_for;

        if (note[0] != '\0' && strcmp(state, "finished") != 0) {
            text_table_print_text(out, job_view_text(run->jobs[i], "node"));
            fprintf(out, " %s: ", is_over ? state : "waits");
            text_table_print_text(out, note);
            fputc('\n', out);
        }
    }
}

static void
print_cleanup(const struct run *run, FILE *out)
{
    static const char *const TITLES[] = {"NODE", "STATE",       "LOOKED AT", "MISPLACED", "REMOVED",
                                         "SIZE", "QUARANTINED", "LEFT",      "TIME"};
    struct text_table table;

    text_table_init(&table, ARRAY_COUNT(TITLES), TITLES, 0x7fU << 2);
    for (size_t i = 0; i < run->count; i++) {
        const json_t *report = report_of(run->jobs[i]);

        text_table_add(&table, "%s", job_view_text(run->jobs[i], "node"));
        text_table_add(&table, "%s", job_view_text(run->jobs[i], "state"));
        add_number(&table, report, "scanned");
        add_number(&table, report, "misplaced");
        add_number(&table, report, "removed");
        add_size(&table, (uint64_t)job_view_number(report, "removed_bytes"));
        add_number(&table, report, "quarantined");
        add_number(&table, report, "left");
        add_duration(&table, job_view_duration_ns(run->jobs[i]));
    }
    text_table_print(&table, out);
    text_table_release(&table);
}

/* Copies that were not removed: where, what, why. */
static void
print_left(const struct run *run, FILE *out)
{
    for (size_t i = 0; i < run->count; i++) {
        const json_t *report = report_of(run->jobs[i]);
        const json_t *examples = json_object_get(report, "examples");

        for (size_t k = 0; k < json_array_size(examples); k++) {
            const json_t *example = json_array_get(examples, k);

            fprintf(out, "%s", i + k == 0 ? "\n" : "");
            text_table_print_text(out, job_view_text(run->jobs[i], "node"));
            fputs(": ", out);
            text_table_print_text(out, job_view_text(example, "bucket"));
            fputc('/', out);
            text_table_print_text(out, job_view_text(example, "key"));
            fputs(": ", out);
            text_table_print_text(out, job_view_text(example, "why"));
            fputc('\n', out);
        }
    }
}

static void
print_run(const struct run *run, FILE *out)
{
    char started[24];

    job_view_format_time(started_of(run), started, sizeof(started));
    text_table_print_text(out, job_view_text(run->jobs[0], "id"));
    fprintf(out, ", begun %s, %s", started, state_of(run));
    fputs(why_of(run)[0] != '\0' ? ": " : "", out);
    text_table_print_text(out, why_of(run));
    fputs("\n\n", out);
    if (is_cleanup(run)) {
        print_cleanup(run, out);
        print_left(run, out);
    } else {
        print_targets(run, out);
        print_stages(run, out);
    }
    print_notes(run, out);
}

void
rebalance_view_print(const struct job_view *view, const char *id, bool is_all, FILE *out)
{
    struct run run;
    size_t at = 0;

    if (!next_run(view, &at, &run)) {
        fprintf(out, "There was no rebalance yet.\n");
    } else {
        if (id == NULL) {
            print_list(view, is_all, out);
            fputc('\n', out);
        }
        print_run(&run, out);
    }
    job_view_print_missing(view, out);
}

void
rebalance_view_print_progress(const struct job_view *view, FILE *out, int columns)
{
    struct run run;
    char line[512];
    char count[32];
    char size[16];
    const char *waits_for = "";
    size_t running_count = 0;
    size_t at = 0;
    int used;

    if (!next_run(view, &at, &run)) {
        return;
    }
    for (size_t i = 0; i < run.count; i++) {
        bool is_running = strcmp(job_view_text(run.jobs[i], "state"), "running") == 0;
        const char *why = job_view_text(report_of(run.jobs[i]), "waits_for");

        running_count += is_running;
        waits_for = is_running && waits_for[0] == '\0' ? why : waits_for;
    }
    used = job_view_print_bar(run.jobs, run.count, out, columns);
    job_view_format_count(sum_of(&run, is_cleanup(&run) ? "removed" : "objects"), count,
                          sizeof(count));
    progress_format_size(sum_of(&run, is_cleanup(&run) ? "removed_bytes" : "bytes"), size,
                         sizeof(size));
    snprintf(line, sizeof(line), "%s: %s objects, %s %s, %zu of %zu targets work%s%s",
             job_view_text(run.jobs[0], "id"), count, size, is_cleanup(&run) ? "removed" : "moved",
             running_count, run.count, waits_for[0] != '\0' ? "; waits: " : "", waits_for);
    if (columns > used && (size_t)(columns - used) < sizeof(line)) {
        line[columns - used - 1] = '\0'; /* a line that wraps could not be overwritten */
    }
    text_table_print_text(out, line);
}
