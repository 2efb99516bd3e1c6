/* SPDX-License-Identifier: Apache-2.0 */
#include "object/bucket_empty.h"

#include "base/check.h"
#include "base/field_codec.h"
#include "object/bucket_fence.h"
#include "object/object_cluster.h"
#include "object/object_list.h"

#include "base/banned.h"

/* Maps that change while a bucket is emptied; then 503, and the bucket is active again. */
#define EMPTY_TRIES_MAX 5

/* Arguments of the verb: numbers never change. */
enum argument { ARGUMENT_BUCKET_ID = 1 | FIELD_CRITICAL, ARGUMENT_STEP = 2 | FIELD_CRITICAL };

static void
ignore_name(struct bytes name, const struct object_record *record, void *arg)
{
}

enum status
bucket_look_empty(const struct bucket *bucket, struct error *err)
{
    const struct object_list_options options = {.prefix = BYTES_LITERAL(""),
                                                .delimiter = BYTES_LITERAL(""),
                                                .after = BYTES_LITERAL(""),
                                                .count_max = 1};
    struct object_list_result result = {.count = 0};
    struct arena arena = ARENA_INIT;
    enum status st = object_list(bucket, &options, ignore_name, NULL, &arena, &result, err);

    arena_release(&arena);
    if (st == ST_OK && result.count != 0) {
        return fail(err, ST_BUCKET_NOT_EMPTY, "the bucket is not empty");
    }
    return st;
}

/* ---- one step on all targets ---- */

struct emptying {
    const struct bucket *bucket;
    const struct object_cluster *cluster;
    uint64_t revision;
    uint64_t seen_version;
};

/* The step was refused for the sake of the bucket, and this node has heard why. */
static enum status
fail_changed(const struct emptying *emptying, struct error *err)
{
    return bucket_fence_revision(emptying->bucket->store, emptying->bucket->name) == 0
               ? fail(err, ST_NO_SUCH_BUCKET, "the bucket was deleted meanwhile")
               : fail(err, ST_CONFLICT, "the bucket has changed while it was deleted");
}

static enum status
run_own(const struct emptying *emptying, enum bucket_empty_step step, struct error *err)
{
    const struct bucket *bucket = emptying->bucket;
    uint64_t known = 0;
    enum status st =
        bucket_fence_require(bucket->store, bucket->name, emptying->revision, &known, err);

    return st == ST_OK      ? bucket_empty_own(bucket, emptying->revision, step, err)
           : st == ST_MOVED ? fail_changed(emptying, err)
                            : st;
}

static enum status
ask_target(struct emptying *emptying, const struct cluster_map *map,
           const struct cluster_node *node, enum bucket_empty_step step, struct error *err)
{
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    struct arena arena = ARENA_INIT;
    enum status st;

    if (bytes_equal(node->id, emptying->cluster->node_id)) {
        return run_own(emptying, step, err);
    }
    if (node->is_down || node->peer_address.size == 0) {
        return fail(err, ST_UNAVAILABLE, "the node %.*s is down; its keys cannot be looked at",
                    BYTES_ARGS(node->id));
    }
    field_put_number(&arguments, ARGUMENT_BUCKET_ID, emptying->bucket->id);
    field_put_number(&arguments, ARGUMENT_STEP, step);
    st = peer_call(emptying->cluster->peers,
                   &(struct peer_call_options){.node_id = node->id,
                                               .address = node->peer_address,
                                               .verb = "bucket-empty",
                                               .head = {.map_version = map->version,
                                                        .bucket = emptying->bucket->name,
                                                        .bucket_revision = emptying->revision,
                                                        .arguments = buffer_bytes(&arguments)}},
                   &arena, &result, err);
    if (st == ST_MOVED && result.answer.bucket_revision != 0) {
        st = fail_changed(emptying, err);
    } else if (st == ST_MOVED && result.answer.map_version > emptying->seen_version) {
        emptying->seen_version = result.answer.map_version;
    }
    source_release(&result.payload);
    buffer_release(&arguments);
    arena_release(&arena);
    return st;
}

/* Also those in maintenance: they may have keys, and uploads. */
static enum status
ask_targets(struct emptying *emptying, const struct cluster_map *map, enum bucket_empty_step step,
            struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < map->node_count && st == ST_OK; i++) {
        if (map->nodes[i].is_target) {
            st = ask_target(emptying, map, &map->nodes[i], step, err);
        }
    }
    return st;
}

static enum status
empty_under_map(struct emptying *emptying, struct error *err)
{
    struct cluster_map *map = emptying->cluster->get_map(emptying->cluster->arg);
    struct cluster_map *now;
    enum status st = ask_targets(emptying, map, BUCKET_EMPTY_CHECK, err);

    now = emptying->cluster->get_map(emptying->cluster->arg);
    if (st == ST_OK && now->version != map->version) {
        st = fail(err, ST_MOVED, "the map changed while the bucket was looked at");
    }
    if (st == ST_OK) {
        st = ask_targets(emptying, map, BUCKET_EMPTY_REMOVE, err);
    }
    cluster_map_unref(now);
    cluster_map_unref(map);
    return st;
}

static enum status
empty_everywhere(struct emptying *emptying, struct error *err)
{
    enum status st = ST_MOVED;

    if (emptying->cluster == NULL) {
        st = bucket_empty_own(emptying->bucket, emptying->revision, BUCKET_EMPTY_CHECK, err);
        return st == ST_OK ? bucket_empty_own(emptying->bucket, emptying->revision,
                                              BUCKET_EMPTY_REMOVE, err)
                           : st;
    }
    for (int i = 0; i < EMPTY_TRIES_MAX && st == ST_MOVED; i++) {
        if (i > 0 && emptying->cluster->fetch_map(emptying->cluster->arg, emptying->seen_version,
                                                  err) != ST_OK) {
            break;
        }
        st = empty_under_map(emptying, err);
    }
    if (st == ST_OK || st == ST_BUCKET_NOT_EMPTY || st == ST_NO_SUCH_BUCKET || st == ST_CONFLICT) {
        return st;
    }
    return fail(err, ST_UNAVAILABLE, "Not every node could say that the bucket is empty");
}

enum status
bucket_empty_everywhere(struct object_store *store, struct bytes name, uint64_t id,
                        uint64_t revision, struct error *err)
{
    struct emptying emptying = {.cluster = object_store_cluster(store), .revision = revision};
    struct bucket bucket;
    enum status st =
        bucket_open(store, principal_of_root(), name, ACTION_LIST_BUCKET, &bucket, err);

    if (st != ST_OK) {
        return st;
    }
    emptying.bucket = &bucket;
    st = bucket_check_id(&bucket, id, err);
    if (st == ST_OK) {
        st = empty_everywhere(&emptying, err);
    }
    bucket_close(&bucket);
    return st;
}

/* ---- a target ---- */

enum status
bucket_empty_serve(const struct bucket *bucket, uint64_t revision, struct bytes arguments,
                   struct error *err)
{
    uint64_t id = 0, step = 0;
    struct field field;
    enum status st;

    while ((st = field_next(&arguments, &field)) == ST_OK) {
        bool is_read = (field.tag & FIELD_CRITICAL) == 0;

        if (field.tag == ARGUMENT_BUCKET_ID) {
            is_read = field_number(field.payload, UINT64_MAX, &id);
        } else if (field.tag == ARGUMENT_STEP) {
            is_read = field_number(field.payload, BUCKET_EMPTY_REMOVE, &step);
        }
        if (!is_read) {
            return fail(err, ST_INVALID, "an argument about an empty bucket cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || step == 0) {
        return fail(err, ST_INVALID, "the arguments about an empty bucket are malformed");
    }
    st = bucket_check_id(bucket, id, err);
    if (st != ST_OK) {
        return st;
    }
    if (!atomic_load(bucket->is_refusing_writes)) {
        return fail(err, ST_CONFLICT, "the bucket is not being deleted here");
    }
    return bucket_empty_own(bucket, revision, (enum bucket_empty_step)step, err);
}
