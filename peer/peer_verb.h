/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the peer listener: one file each.  A verb runs on a worker with a verified head,
 * under the map that the head names.
 */
#ifndef PEER_PEER_VERB_H
#define PEER_PEER_VERB_H

#include "cluster/peer_head.h"
#include "peer/peer_handler.h"

#define PEER_REQUEST_MAGIC 0x50525251U /* "PRRQ" */

struct peer_request {
    uint32_t magic;
    const struct peer_server *server;
    struct http_exchange *exchange;
    struct arena *arena;
    const struct peer_verb *verb;
    struct bytes from; /* node id */
    struct peer_head head;
    uint64_t known_revision; /* ST_MOVED for the sake of the bucket: what the sender has to know */
    struct bytes body;       /* what came after the head */
    struct object_put *put;  /* of the verb "put": where the bytes after the head go */
    /* what the verb answers with ST_OK, in arena: */
    struct bytes fields;
    struct bytes payload;
    struct source *source; /* instead of payload; taken */
    uint64_t source_size;
};

/* ST_OK: the answer is filled in.  Anything else is answered as it is. */
typedef enum status peer_verb_fn(struct peer_request *request, struct error *err);
/* Before the payload is asked for: where it goes is request->put.  run follows its sink's finish.
 */
typedef enum status peer_verb_open_fn(struct peer_request *request, struct error *err);

struct peer_verb {
    const char *name;
    peer_verb_fn *run;       /* ON_WORKER; NULL: a relay */
    peer_verb_open_fn *open; /* ON_WORKER; the payload is a stream of any size; NULL: it is not */
    size_t body_max;         /* of what comes after the head, where it is no stream */
    bool is_of_any_map;
    bool is_urgent; /* an operator waits for it */
};

/* 1,000 keys with a condition each. */
#define PEER_DELETE_BODY_MAX ((size_t)4 << 20)

peer_verb_fn peer_bucket_empty;
peer_verb_fn peer_delete;
peer_verb_fn peer_list;
peer_verb_fn peer_read;
peer_verb_fn peer_uploads;

/* NULL: there is no such verb. */
const struct peer_verb *peer_verb_find(struct bytes name);

/* The bucket that head.bucket names, opened for the program itself: the sender has authorized. */
struct bucket;
MUST_USE ON_WORKER enum status peer_bucket_open(const struct peer_request *request,
                                                struct bucket *ret_bucket, struct error *err);

/* ST_UNAVAILABLE: this node is no target, or not yet. */
MUST_USE enum status peer_require_keys(const struct peer_request *request, struct error *err);

/* The verbs that keep keys with their owners while the map changes. */
MUST_USE ON_WORKER enum status peer_record(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_fetch(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_fetch_range(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_complete(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_put_open(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_put(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_upload(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_upload_take(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_move(struct peer_request *request, struct error *err);

/* What operators ask of the jobs of all nodes. */
MUST_USE ON_WORKER enum status peer_jobs(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_job_start(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_job_run(struct peer_request *request, struct error *err);
MUST_USE ON_WORKER enum status peer_job_work(struct peer_request *request, struct error *err);

MUST_USE ON_WORKER enum status peer_promote(struct peer_request *request, struct error *err);

/* A whole request of a client goes to the S3 dialect. */
ON_LOOP void peer_relayed_s3(struct peer_request *request);

#endif
