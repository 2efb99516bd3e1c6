/* SPDX-License-Identifier: Apache-2.0 */
/* "jobs": what this node's jobs are, or that one shall stop.  "job-start": one that all begin.
 * "job-run": one that this node is to run.  "job-work": its share of one. */
#include "jobs/cleanup_job.h"
#include "jobs/job_cluster.h"
#include "jobs/job_place.h"
#include "jobs/walk_split.h"
#include "peer/peer_verb.h"

#include "base/banned.h"

static enum status
require_jobs(const struct peer_request *request, struct error *err)
{
    return request->server->jobs != NULL ? ST_OK
                                         : fail(err, ST_UNAVAILABLE, "This node runs no jobs yet");
}

enum status
peer_jobs(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    enum status st = require_jobs(request, err);

    if (st == ST_OK) {
        st = job_cluster_serve(request->server->jobs, request->server->store,
                               request->head.arguments, &out, err);
    }
    if (st == ST_OK) {
        request->payload = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    return st;
}

enum status
peer_job_start(struct peer_request *request, struct error *err)
{
    enum status st = require_jobs(request, err);

    return st == ST_OK ? cleanup_job_serve(request->server->jobs, request->server->store,
                                           request->head.arguments, err)
                       : st;
}

enum status
peer_job_run(struct peer_request *request, struct error *err)
{
    enum status st = require_jobs(request, err);

    return st == ST_OK
               ? job_place_serve(request->server->jobs, request->head.arguments, request->body, err)
               : st;
}

enum status
peer_job_work(struct peer_request *request, struct error *err)
{
    struct buffer out = BUFFER_INIT;
    enum status st =
        walk_serve(request->server->store, request->head.arguments, request->body, &out, err);

    if (st == ST_OK) {
        request->payload = arena_copy(request->arena, buffer_bytes(&out));
    }
    buffer_release(&out);
    return st;
}
