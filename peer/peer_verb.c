/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/peer_verb.h"

#include "base/check.h"
#include "jobs/job_cluster.h"
#include "jobs/job_place.h"
#include "jobs/promote_cluster.h"
#include "jobs/walk_split.h"
#include "object/bucket.h"
#include "object/key_move.h"
#include "object/ownership.h"
#include "object/upload_item.h"
#include "object/upload_publish.h"

#include "base/banned.h"

static const struct peer_verb VERBS[] = {
    {.name = "s3"},
    {.name = "list", .run = peer_list},
    {.name = "uploads", .run = peer_uploads},
    {.name = "bucket-empty", .run = peer_bucket_empty},
    {.name = "delete", .run = peer_delete, .body_max = PEER_DELETE_BODY_MAX},
    {.name = "read", .run = peer_read},
    {.name = JOB_START_VERB, .run = peer_job_start, .is_urgent = true},
    {.name = JOB_RUN_VERB, .run = peer_job_run, .body_max = JOB_RUN_BODY_MAX},
    {.name = WALK_VERB, .run = peer_job_work, .body_max = WALK_BODY_MAX},
    {.name = JOB_VERB, .run = peer_jobs, .is_of_any_map = true, .is_urgent = true},
    {.name = PROMOTE_VERB, .run = peer_promote, .is_of_any_map = true},
    {.name = "record", .run = peer_record},
    {.name = "fetch", .run = peer_fetch},
    {.name = "fetch-range", .run = peer_fetch_range},
    {.name = "complete", .run = peer_complete, .body_max = UPLOAD_PUBLISH_BODY_MAX},
    {.name = "put", .run = peer_put, .open = peer_put_open},
    {.name = "upload", .run = peer_upload},
    {.name = "upload-take", .run = peer_upload_take, .body_max = UPLOAD_ITEM_BYTES_MAX},
    {.name = "move", .run = peer_move, .body_max = KEY_MOVE_BODY_BYTES_MAX},
};

const struct peer_verb *
peer_verb_find(struct bytes name)
{
    for (size_t i = 0; i < ARRAY_COUNT(VERBS); i++) {
        if (bytes_equal_string(name, VERBS[i].name)) {
            return &VERBS[i];
        }
    }
    return NULL;
}

enum status
peer_bucket_open(const struct peer_request *request, struct bucket *ret_bucket, struct error *err)
{
    return bucket_open_refreshed(request->server->store, principal_of_root(), request->head.bucket,
                                 ACTION_LIST_BUCKET, ret_bucket, err);
}

enum status
peer_require_keys(const struct peer_request *request, struct error *err)
{
    return object_store_ownership(request->server->store) != NULL
               ? ST_OK
               : fail(err, ST_UNAVAILABLE, "This node has no keys");
}
