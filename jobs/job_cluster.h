/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of all nodes of a cluster, asked through any of them: the two ends of the peer verbs "jobs"
 * (of any map) and "job-start" (both nodes work by the same map).  What is asked travels as JSON in
 * the arguments:
 *
 *   jobs       {"op":"list","id":ID,"kind":KIND,"all":BOOL}   -> an array of jobs (job_json.h)
 *              {"op":"stop","id":ID}                          -> [ID] if it ran there
 *   job-start  {"op":"check"|"start","kind":KIND,"id":ID,"value":{...}}   -> []
 *
 * All nodes are asked at once; one that does not answer is named, and does not hide the others.  A
 * node that is alone has no others.
 */
#ifndef JOBS_JOB_CLUSTER_H
#define JOBS_JOB_CLUSTER_H

#include "jobs/job.h"

/* How long a node has for its jobs (ms): it reads its memory. */
#define JOB_CLUSTER_TIMEOUT_MS 5000
/* Reports that are longer are left out where no single job is asked for. */
#define JOB_CLUSTER_REPORT_MAX ((size_t)16 << 10)
/* An answer of one node: the reports of one id, or the history with short ones. */
#define JOB_CLUSTER_ANSWER_BYTES_MAX ((size_t)8 << 20)

#define JOB_VERB "jobs"
#define JOB_START_VERB "job-start"

struct job_query {
    struct bytes id;   /* empty: any */
    struct bytes kind; /* empty: any; else kinds that begin with it */
    bool is_all;       /* ended ones too; with an id they always are */
};

/* {"jobs":[...],"missing":[{"node":ID,"why":"..."}]}, appended.  node_id: this node's. */
MUST_USE ON_WORKER enum status job_cluster_show(struct job_registry *registry,
                                                struct object_store *store,
                                                const struct job_query *query, struct buffer *out,
                                                struct error *err);
/* Wherever it runs.  ST_NOT_FOUND: nowhere that answers. */
MUST_USE ON_WORKER enum status job_cluster_stop(struct job_registry *registry,
                                                struct object_store *store, struct bytes id,
                                                struct error *err);
/* The answering end of JOB_VERB. */
MUST_USE ON_WORKER enum status job_cluster_serve(struct job_registry *registry,
                                                 struct object_store *store, struct bytes arguments,
                                                 struct buffer *out, struct error *err);

/* ---- for those who start jobs on several nodes ---- */

struct job_node_answer {
    struct bytes node_id;
    enum status status;
    struct bytes text; /* the answer, or why there is none */
};
/* All other nodes of the map, in arena; NULL map: none.  Those that are down are not asked. */
struct cluster_map;
ON_WORKER void job_cluster_ask(struct object_store *store, const struct cluster_map *map,
                               const char *verb, bool are_targets_only, struct bytes arguments,
                               struct arena *arena, struct job_node_answer **ret_answers,
                               size_t *ret_count);

#endif
