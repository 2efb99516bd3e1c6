/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of all nodes as the server tells them, and how people read them.  The same id on several
 * nodes is one piece of work: its entries stand together.
 */
#ifndef CLI_JOB_VIEW_H
#define CLI_JOB_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"

struct job_view {
    json_t *json;        /* {"jobs", "missing"}; released by job_view_release */
    const json_t **jobs; /* running ones first, then the newest, ids together; in arena */
    size_t count;
};

/* what: "lode-all-jobs" or "lode-rebalance".  id NULL: any. */
MUST_USE enum status job_view_fetch(struct command_context *context, const char *what,
                                    const char *id, bool is_all, struct job_view *ret_view,
                                    struct error *err);
/* The same of an answer that is here.  ST_INVALID. */
MUST_USE enum status job_view_parse(struct bytes answer, struct arena *arena,
                                    struct job_view *ret_view, struct error *err);
void job_view_release(struct job_view *view);
/* As one line of JSON. */
void job_view_print_json(const struct job_view *view, FILE *out);
void job_view_print(const struct job_view *view, FILE *out);
/* Nodes that did not answer. */
void job_view_print_missing(const struct job_view *view, FILE *out);
/* Of one id: what each node reports. */
void job_view_print_reports(const struct job_view *view, FILE *out);
bool job_view_is_running(const struct job_view *view);
/* Has some node not answered? */
bool job_view_is_missing_any(const struct job_view *view);
/* A line that is overwritten: which. */
void job_view_print_away(const struct job_view *view, FILE *out, int columns);
/* A line that is overwritten while a job is watched: a bar where the total is known. */
void job_view_print_progress(const struct job_view *view, FILE *out, int columns);
/* "[====>   ]  40%  " of these; nothing where no total is known.  Returns the columns it took. */
int job_view_print_bar(const json_t *const *jobs, size_t count, FILE *out, int columns);

/* Members of a job or of its report; never NULL. */
const char *job_view_text(const json_t *object, const char *name);
int64_t job_view_number(const json_t *object, const char *name);
/* Until now if it runs. */
int64_t job_view_duration_ns(const json_t *job);
/* "0:07", "1:02:03"; out: 24 bytes. */
void job_view_format_duration(int64_t ns, char *out, size_t size);
/* "2026-11-20 15:40:01", local time; out: 24 bytes. */
void job_view_format_time(int64_t ns, char *out, size_t size);
/* 1234567 as "1,234,567"; out: 32 bytes. */
void job_view_format_count(uint64_t count, char *out, size_t size);

#endif
