/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that takes long: each job runs on a thread of its own, shows its progress, can be stopped,
 * and leaves an entry in the history, which survives restarts.  Any thread may call.
 *
 *   running -> finished | failed | stopped
 *
 * A kind that is_resumable goes on at the next start of its node, also after a kill: its options
 * and what job_run_save said last are on disk.  Of others the history says "stopped" then.  Work
 * over the objects of a bucket is a struct walk_kind (jobs/walk_job.h), which does all of that.
 */
#ifndef JOBS_JOB_H
#define JOBS_JOB_H

#include <stdatomic.h>

#include "base/arena.h"
#include "object/object_store.h"

/* More at once would fight for the same disks. */
#define JOB_RUNNING_MAX 16
/* Of job_begin: a rebalance. */
#define JOB_BEGUN_MAX 2
/* Entries of the history; the oldest go first. */
#define JOB_HISTORY_MAX 256
#define JOB_ID_SIZE 32
#define JOB_TEXT_SIZE 384
/* A report in JSON that a job may leave (findings of a check). */
#define JOB_REPORT_BYTES_MAX ((size_t)1 << 20)

enum job_state { JOB_RUNNING, JOB_FINISHED, JOB_FAILED, JOB_STOPPED };

struct job_registry;
struct job_run; /* a running job, as its own function sees it */

struct job_kind {
    const char *name;   /* lower case and hyphens; part of the id */
    bool is_concurrent; /* more than one of this kind may run */
    /* Goes on after its process has ended: it stands in jobs/job_kinds.c, and its options hold no
     * pointers.  A run calls job_run_resumed first. */
    bool is_resumable;
    /* On the job's thread.  ST_CANCELLED: it was stopped.  NULL: of job_begin. */
    enum status (*run)(struct job_run *run, struct error *err);
};

struct job_info {
    char id[JOB_ID_SIZE];
    const char *kind; /* in arena */
    enum job_state state;
    int64_t started_ns;  /* wall clock */
    int64_t finished_ns; /* 0: running */
    uint64_t done_count;
    uint64_t total_count;     /* 0: not known */
    uint64_t byte_count;      /* of what is done */
    char text[JOB_TEXT_SIZE]; /* what it is doing; then why it failed */
    struct bytes report;      /* JSON, or empty; in arena */
};

const char *job_state_name(enum job_state state);

/* The history is kept in directory (created if missing). */
MUST_USE enum status job_registry_create(struct object_store *store, const char *directory,
                                         struct job_registry **ret_registry, struct error *err);
/* Stops all jobs and waits for them. */
void job_registry_destroy(struct job_registry **take_registry);

/* options: copied, for job_run_options.  ST_BUSY: too many jobs run, or one of this kind does. */
MUST_USE enum status job_start(struct job_registry *registry, const struct job_kind *kind,
                               const void *options, size_t options_size, char ret_id[JOB_ID_SIZE],
                               struct error *err);
/* The same under an id that was chosen elsewhere: what several nodes do together has one name. */
MUST_USE enum status job_start_as(struct job_registry *registry, const struct job_kind *kind,
                                  const char *id, const void *options, size_t options_size,
                                  struct error *err);
/* Resumable jobs that the last process of this node left; once operations can be called, also where
 * they are refused yet with what may pass. */
void job_registry_resume(struct job_registry *registry);
void job_make_id(const struct job_kind *kind, char ret_id[JOB_ID_SIZE]);
/* Asks; the job ends soon.  ST_NOT_FOUND: none of that id runs.  ST_INVALID: one of job_begin. */
MUST_USE enum status job_stop(struct job_registry *registry, const char *id, struct error *err);
/* Blocks until it has ended.  ST_NOT_FOUND: there never was such a job, or it is forgotten. */
MUST_USE ON_WORKER enum status job_wait(struct job_registry *registry, const char *id,
                                        struct error *err);
/* Running or of the history.  ST_NOT_FOUND. */
MUST_USE enum status job_get(struct job_registry *registry, const char *id, struct arena *arena,
                             struct job_info *ret_info, struct error *err);
/* Running ones first, then the history, newest first. */
void job_list(struct job_registry *registry, struct arena *arena, struct job_info **ret_infos,
              size_t *ret_count);
/* Start a job of this kind each interval_s seconds, the first after as long; options as above. */
void job_repeat(struct job_registry *registry, const struct job_kind *kind, int64_t interval_s);

/* ---- work that another thread does anyway, shown as a job ---- */

/* Who does it: refresh is called before jobs are shown, close before the registry goes, on threads
 * that hold no lock; close ends its jobs.  One; before the first job_begin. */
struct job_source {
    void (*refresh)(void *arg);
    void (*close)(void *arg);
    void *arg;
};
void job_registry_set_source(struct job_registry *registry, const struct job_source *source);
/* It runs from now on, also if JOB_RUNNING_MAX others do.  An entry of that id in the history
 * leaves it, and the job goes on from there: *ret_previous is what it was (id empty: there was
 * none), in arena.  False: the registry closes. */
bool job_begin(struct job_registry *registry, const struct job_kind *kind, const char *id,
               struct arena *arena, struct job_info *ret_previous);
/* Of a job that runs; else nothing happens.  report: JSON. */
void job_update(struct job_registry *registry, const char *id, uint64_t done_count,
                uint64_t total_count, const char *text, struct bytes report);
/* ST_OK: finished.  ST_CANCELLED: stopped, err says why.  Else it failed. */
void job_end(struct job_registry *registry, const char *id, enum status st,
             const struct error *err);
/* What is known better by now of a job that has ended: state, text, report of info->id. */
void job_amend(struct job_registry *registry, const struct job_info *info);
/* What runs now is in the history on disk soon, should the process not live to its end. */
void job_checkpoint(struct job_registry *registry);

/* For the job's function. */
struct object_store *job_run_store(struct job_run *run);
const void *job_run_options(struct job_run *run);
struct bytes job_run_message(struct job_run *run); /* the same, with its size */
const struct job_kind *job_run_kind(struct job_run *run);
const char *job_run_id(struct job_run *run);
int64_t job_run_started_ns(struct job_run *run); /* wall clock; of the first run */
const atomic_bool *job_run_is_stopped(struct job_run *run);
void job_run_progress(struct job_run *run, uint64_t done_count, uint64_t total_count,
                      const char *text);
/* The last call counts; longer ones than JOB_REPORT_BYTES_MAX are refused by a CHECK. */
void job_run_report(struct job_run *run, struct bytes json);
void job_run_bytes(struct job_run *run, uint64_t byte_count);
/* ST_CANCELLED, with a sentence: end now. */
MUST_USE enum status job_run_check(struct job_run *run, struct error *err);
/* Between two objects: sleeps as long as the load of this node asks for (jobs/job_pause.h).
 * ST_CANCELLED, as above. */
MUST_USE enum status job_run_pause(struct job_run *run, struct error *err);
/* After something that may pass by itself (a node is away): shows why, sleeps a moment, longer
 * from try to try.  ST_CANCELLED, as above; ST_OK: try again. */
MUST_USE enum status job_run_wait(struct job_run *run, size_t try_count, const struct error *why,
                                  struct error *err);

/* ---- for functions of resumable kinds ---- */

/* What counts, as of a cursor. */
struct job_counters {
    uint64_t object_count;
    uint64_t byte_count;
    uint64_t total_count; /* 0: not known */
};

/* Where it is to go on: what was saved last, in a run before this one.  False: it begins.  The
 * cursor is the kind's own, borrowed until the next save. */
bool job_run_resumed(struct job_run *run, struct job_counters *ret_counters,
                     struct bytes *ret_cursor);
/* Cursor and counters change together, or not at all; what runs again from this cursor after a kill
 * is not in the counters, so each object counts once if repeating it is harmless.  Shows the
 * counters as job_run_progress does.  A kill loses nothing of it, a power cut a second at most.
 * ST_IO, ST_NO_SPACE. */
MUST_USE enum status job_run_save(struct job_run *run, const struct job_counters *counters,
                                  struct bytes cursor, struct error *err);

#endif
