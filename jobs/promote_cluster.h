/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A promotion through any node: files lie on targets, so each target is asked what it sees of the
 * path, and those that see something promote it.
 *
 *   look at each -> one small file: at once -> done
 *                -> else a job under one id at each
 *
 * Where several see the same file or directory (a share: promote_source_identity) it is promoted
 * once, each target its part of a directory.  Otherwise each promotes all that it sees.  The verb
 * "promote" is of any map: a node promotes what it has whoever owns the objects.
 */
#ifndef JOBS_PROMOTE_CLUSTER_H
#define JOBS_PROMOTE_CLUSTER_H

#include "jobs/job.h"
#include "jobs/promote_message.h"

#define PROMOTE_VERB "promote"
/* A file of up to so many bytes is promoted before the answer: clients wait 20 s. */
#define PROMOTE_AT_ONCE_BYTES ((uint64_t)64 << 20)

struct promote_request {
    struct promote_message message; /* without sharers; its bucket was opened for the principal */
    struct bytes node_id;           /* of the one target that is meant; empty: any */
    bool is_unshared;               /* what several targets see is not the same, however it looks */
};

/* ret_id empty: it is done.  ST_NOT_FOUND: no target has the path, or there is no such target;
 * ST_INVALID: it may not be promoted, or is an empty directory; ST_DENIED; ST_UNAVAILABLE: a target
 * does not answer. */
MUST_USE ON_WORKER enum status promote_start(struct job_registry *registry,
                                             struct object_store *store,
                                             const struct promote_request *request,
                                             char ret_id[JOB_ID_SIZE], struct error *err);
/* The answering end of PROMOTE_VERB. */
MUST_USE ON_WORKER enum status promote_serve(struct job_registry *registry,
                                             struct object_store *store, struct bytes arguments,
                                             struct buffer *out, struct error *err);

#endif
