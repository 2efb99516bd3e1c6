/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_job_start.h"

#include "base/check.h"
#include "jobs/resilver_job.h"
#include "jobs/upload_cleanup_job.h"
#include "native/native_rebalance.h"
#include "native/native_rechunk.h"

#include "base/banned.h"

/* The id that the operator's answer holds. */
static enum status
reply_id_of(struct native_call *call, const struct buffer *answer, struct error *err)
{
    json_t *root = json_loadb(answer->data, answer->size, 0, NULL);
    struct bytes id = native_json_text(root, "id");

    native_reply_text(call, arena_copy(call->arena, id));
    json_decref(root);
    return id.size > 0 ? ST_OK : fail(err, ST_BUSY, "it waits for what is under way");
}

static enum status
start_in_cluster(struct native_call *call, bool is_cleanup, struct error *err)
{
    struct buffer answer = BUFFER_INIT;
    enum status st = native_rebalance_start(call->native, is_cleanup, false, &answer, err);

    if (st == ST_OK) {
        st = reply_id_of(call, &answer, err);
    }
    buffer_release(&answer);
    return st;
}

static enum status
start_rebalance(struct native_call *call, struct error *err)
{
    return start_in_cluster(call, false, err);
}

static enum status
start_cleanup(struct native_call *call, struct error *err)
{
    char id[JOB_ID_SIZE];
    enum status st;

    if (call->native->cluster != NULL) {
        return start_in_cluster(call, true, err);
    }
    st = job_start(call->native->jobs, &upload_cleanup_job, NULL, 0, id, err);
    if (st == ST_OK) {
        native_reply_text(call, arena_copy(call->arena, bytes_of_string(id)));
    }
    return st;
}

/* SPEC: AIStore: without the node 501. */
static enum status
start_resilver(struct native_call *call, struct error *err)
{
    struct bytes node = native_json_text(call->message.value, "DaemonID");
    char id[JOB_ID_SIZE];
    enum status st;

    if (!bytes_equal_string(node, call->native->node_id)) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "a resilver is started at the node whose disks it is about, which DaemonID "
                    "names; this is %s",
                    call->native->node_id);
    }
    st = resilver_job_ensure(call->native->jobs, call->native->objects, id, err);
    if (st == ST_OK && id[0] == '\0') {
        return fail(err, ST_INVALID, "there is nothing to resilver: all is where it belongs");
    }
    if (st == ST_OK) {
        native_reply_text(call, arena_copy(call->arena, bytes_of_string(id)));
    }
    return st;
}

static const struct {
    const char *kind;
    const char *display;
    bool is_operators;
    enum status (*start)(struct native_call *call, struct error *err);
} STARTS[] = {
    {"rebalance", "rebalance", true, start_rebalance},
    {"cleanup-store", "cleanup", true, start_cleanup},
    {"resilver", "resilver", true, start_resilver},
    {"rechunk", "rechunk", false, native_rechunk_start},
};

enum status
native_job_start(struct native_call *call, struct error *err)
{
    struct bytes kind = native_json_text(call->message.value, "Kind");

    for (size_t i = 0; i < ARRAY_COUNT(STARTS); i++) {
        if (bytes_equal_string(kind, STARTS[i].kind) ||
            bytes_equal_string(kind, STARTS[i].display)) {
            enum status st = STARTS[i].is_operators
                                 ? native_call_authorize(call, ACTION_ADMINISTER_NODE, err)
                                 : ST_OK;

            return st == ST_OK ? STARTS[i].start(call, err) : st;
        }
    }
    return fail(err, ST_NOT_IMPLEMENTED, "starting jobs of kind \"%.*s\" is not supported",
                (int)(kind.size < 64 ? kind.size : 64), kind.data);
}
