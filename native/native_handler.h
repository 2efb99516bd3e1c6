/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native dialect: AIStore's REST API under /v1.  So far it holds what operators need of this
 * node; each is an action of PUT /v1/cluster or a question of GET /v1/cluster?what=, ours named
 * lode-...:
 *
 *   PUT {"action":"lode-fsck","value":{"verify":true}}     starts a check; answers the job's id
 *   PUT {"action":"lode-job-stop","name":ID}               asks a job to stop, on any node
 *   PUT {"action":"lode-mountpath-VERB","name":DIR}        attach, detach, enable, disable, forget;
 *                                                          answers generation and resilver job
 *   PUT {"action":"lode-resilver"}                         goes on with an unfinished resilver
 *   GET ?what=lode-mountpaths                               a JSON object
 *   GET ?what=lode-jobs[&id=ID]                             a JSON array of this node's jobs
 *   GET ?what=lode-all-jobs[&all=true][&id=ID][&kind=KIND]  of all nodes: {"jobs", "missing"}
 *   lode-cluster...                                         native/native_cluster.h
 *   lode-rebalance                                          native/native_rebalance.h
 *
 * These carry SigV4 with root's key.  Everything else under /v1 is native/native_api.h's.
 */
#ifndef NATIVE_NATIVE_HANDLER_H
#define NATIVE_NATIVE_HANDLER_H

#include "auth/credential_store.h"
#include "cluster/cluster.h"
#include "cluster/redirect_signature.h"
#include "jobs/job.h"
#include "net/http_exchange.h"

/* An action message is some hundred bytes; lists of objects are longer. */
#define NATIVE_BODY_BYTES_MAX ((size_t)4 << 20)

struct native {
    struct credential_store *credentials; /* borrowed */
    struct job_registry *jobs;            /* borrowed */
    struct object_store *objects;         /* borrowed */
    struct control *control;              /* borrowed */
    struct cluster *cluster;              /* borrowed; NULL: this node is alone */
    struct redirect_signer *redirects;    /* borrowed; NULL: this node is alone */
    bool is_gateway;                      /* else it answers what gateways send here */
    const char *node_id;                  /* borrowed */
    int64_t started_ns;                   /* monotonic */
    bool is_anonymous_allowed;            /* requests without credentials are native-anonymous's */
};

bool native_accepts(const struct http_request *request); /* /v1 and what is below it */
ON_LOOP void native_handle(struct http_exchange *exchange, struct native *native);
/* An action named lode-...; the caller has seen that it comes from an administrator. */
MUST_USE ON_WORKER enum status native_operator_run(struct native *native, struct bytes body,
                                                   struct buffer *answer, struct error *err);

#endif
