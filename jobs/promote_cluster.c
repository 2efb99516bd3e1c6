/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/promote_cluster.h"

#include <stdio.h>

#include "base/field_codec.h"
#include "base/memory.h"
#include "cluster/placement.h"
#include "jobs/job_cluster.h"
#include "jobs/promote_job.h"
#include "object/key_claim.h"
#include "object/object_cluster.h"
#include "object/ownership.h"
#include "object/promote_walk.h"

#include "base/banned.h"

/* Of one small file, synced; the rest is what a busy disk takes. */
#define PROMOTE_TIMEOUT_MS 30000

/* Arguments of the verb, and its answer to OP_LOOK: numbers never change. */
enum argument {
    ARGUMENT_OP = 1 | FIELD_CRITICAL,
    ARGUMENT_ID = 2 | FIELD_CRITICAL, /* OP_START: of the job */
    ARGUMENT_MESSAGE = 3 | FIELD_CRITICAL,
    ANSWER_IDENTITY = 1,
    ANSWER_IS_DIRECTORY = 2,
    ANSWER_SIZE = 3, /* of a file */
    ANSWER_IS_EMPTY = 4
};
enum operation { OP_LOOK = 1, OP_FILE = 2, OP_START = 3 };

/* ---- at the node that has the files ---- */

static enum status
serve_look(struct object_store *store, const struct promote_message *message, struct buffer *out,
           struct error *err)
{
    struct promote_source source;
    char identity[PROMOTE_IDENTITY_SIZE];
    enum status st = promote_source_open(store, message->path, &source, err);

    if (st != ST_OK) {
        return st;
    }
    promote_source_identity(&source, identity);
    field_put_text(out, ANSWER_IDENTITY, bytes_of_string(identity));
    field_put_number(out, ANSWER_IS_DIRECTORY, source.is_directory);
    field_put_number(out, ANSWER_SIZE, (uint64_t)source.facts.st_size);
    if (source.is_directory) {
        struct promote_walk *walk = xcalloc(1, sizeof(*walk));
        struct promote_walk_entry entry;

        promote_walk_open(walk, store, &source, message->is_recursive, BYTES_NONE);
        field_put_number(out, ANSWER_IS_EMPTY, !promote_walk_next(walk, &entry));
        promote_walk_release(walk);
        free(walk);
    }
    promote_source_close(&source);
    return ST_OK;
}

static enum status
serve_start(struct job_registry *registry, struct object_store *store, struct bytes id,
            struct bytes text, const struct promote_message *message, struct error *err)
{
    char id_text[JOB_ID_SIZE];
    struct bucket bucket;
    enum status st;

    /* It becomes the name of a file. */
    if (id.size >= sizeof(id_text) || bytes_find_char(id, 0, '/') != SIZE_MAX ||
        !bytes_has_prefix(id, bytes_of_string(promote_job.name))) {
        return fail(err, ST_INVALID, "the id of a job cannot be read");
    }
    /* That the bucket may be new is heard of here, not in the job. */
    st = bucket_open_refreshed(store, principal_of_root(), message->bucket, ACTION_PUT_OBJECT,
                               &bucket, err);
    if (st != ST_OK) {
        return st;
    }
    bucket_close(&bucket);
    snprintf(id_text, sizeof(id_text), "%.*s", BYTES_ARGS(id));
    return job_start_as(registry, &promote_job, id_text, text.data, text.size, err);
}

static enum status
serve(struct job_registry *registry, struct object_store *store, enum operation op, struct bytes id,
      struct bytes text, struct buffer *out, struct error *err)
{
    struct object_promote_result result;
    struct promote_message message;
    struct arena arena = ARENA_INIT;
    enum status st = promote_message_read(text, &arena, &message, err);

    if (st == ST_OK && op == OP_LOOK) {
        st = serve_look(store, &message, out, err);
    } else if (st == ST_OK && op == OP_FILE) {
        st = promote_job_file(store, &message, &result, err);
    } else if (st == ST_OK) {
        st = serve_start(registry, store, id, text, &message, err);
    }
    arena_release(&arena);
    return st;
}

enum status
promote_serve(struct job_registry *registry, struct object_store *store, struct bytes arguments,
              struct buffer *out, struct error *err)
{
    struct bytes message = BYTES_NONE;
    struct bytes id = BYTES_NONE;
    uint64_t op = 0;
    struct field field;
    enum status st;

    while ((st = field_next(&arguments, &field)) == ST_OK) {
        if (field.tag == ARGUMENT_OP && field_number(field.payload, OP_START, &op)) {
            continue;
        }
        if (field.tag == ARGUMENT_ID) {
            id = field.payload;
        } else if (field.tag == ARGUMENT_MESSAGE) {
            message = field.payload;
        } else if ((field.tag & FIELD_CRITICAL) != 0) {
            return fail(err, ST_INVALID, "an argument of a promotion cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || op == 0) {
        return fail(err, ST_INVALID, "the arguments of a promotion are cut");
    }
    return serve(registry, store, (enum operation)op, id, message, out, err);
}

/* ---- at the node that was asked ---- */

/* What one target sees. */
struct sight {
    struct bytes node_id;
    const struct cluster_node *node; /* NULL: this node */
    struct bytes identity;
    uint64_t size;
    bool is_directory;
    bool is_empty;
};

struct starting {
    struct job_registry *registry;
    struct object_store *store;
    const struct promote_request *request;
    struct cluster_map *map; /* NULL: alone */
    struct arena arena;
    struct sight *sights;
    size_t sight_count;
};

static enum status
call(struct starting *starting, const struct sight *sight, enum operation op, const char *id,
     const struct promote_message *message, struct bytes *ret_answer, struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(starting->store);
    struct peer_call_result result = {.payload = NULL};
    struct buffer arguments = BUFFER_INIT;
    struct buffer text = BUFFER_INIT;
    struct buffer answer = BUFFER_INIT;
    struct error why = ERROR_INIT;
    enum status st;

    promote_message_write(message, &text);
    if (sight->node == NULL) {
        st = serve(starting->registry, starting->store, op, bytes_of_string(id),
                   buffer_bytes(&text), &answer, err);
    } else {
        field_put_number(&arguments, ARGUMENT_OP, op);
        field_put_text(&arguments, ARGUMENT_ID, bytes_of_string(id));
        field_put(&arguments, ARGUMENT_MESSAGE, buffer_bytes(&text));
        st = peer_call(cluster->peers,
                       &(struct peer_call_options){.node_id = sight->node->id,
                                                   .address = sight->node->peer_address,
                                                   .verb = PROMOTE_VERB,
                                                   .head = {.map_version = starting->map->version,
                                                            .arguments = buffer_bytes(&arguments)},
                                                   .timeout_ms = PROMOTE_TIMEOUT_MS},
                       &starting->arena, &result, &why);
        if (st == ST_OK) {
            st = peer_call_read_all(&result, JOB_CLUSTER_ANSWER_BYTES_MAX, &answer, &why);
        }
        if (st != ST_OK) {
            st = fail(err,
                      st == ST_MOVED || st == ST_TIMEOUT || st == ST_CLOSED ? ST_UNAVAILABLE : st,
                      "t[%.*s]: %s", BYTES_ARGS(sight->node->id), why.text);
        }
    }
    *ret_answer = arena_copy(&starting->arena, buffer_bytes(&answer));
    source_release(&result.payload);
    buffer_release(&arguments);
    buffer_release(&answer);
    buffer_release(&text);
    return st;
}

static enum status
read_sight(struct bytes answer, struct sight *sight, struct error *err)
{
    uint64_t number = 0;
    struct field field;
    enum status st;

    while ((st = field_next(&answer, &field)) == ST_OK) {
        if (field.tag == ANSWER_IDENTITY) {
            sight->identity = field.payload;
        } else if (field_number(field.payload, UINT64_MAX, &number)) {
            sight->is_directory |= field.tag == ANSWER_IS_DIRECTORY && number == 1;
            sight->is_empty |= field.tag == ANSWER_IS_EMPTY && number == 1;
            sight->size = field.tag == ANSWER_SIZE ? number : sight->size;
        }
    }
    return st == ST_NOT_FOUND && sight->identity.size > 0
               ? ST_OK
               : fail(err, ST_UNAVAILABLE, "the answer of a target cannot be read");
}

/* One target; what keeps it from promoting is no failure as long as another one can. */
static enum status
look_at(struct starting *starting, struct bytes node_id, const struct cluster_node *node,
        struct error *why, struct error *err)
{
    struct sight sight = {.node_id = node_id, .node = node};
    struct error own = ERROR_INIT;
    struct bytes answer;
    enum status st =
        call(starting, &sight, OP_LOOK, "", &starting->request->message, &answer, &own);

    if (st == ST_OK) {
        st = read_sight(answer, &sight, &own);
    }
    if (st == ST_OK) {
        starting->sights[starting->sight_count++] = sight;
        return ST_OK;
    }
    if (st == ST_NOT_FOUND || st == ST_DENIED || st == ST_INVALID) {
        if (why->code == ST_OK || why->code == ST_NOT_FOUND) {
            *why = own;
        }
        return ST_OK;
    }
    if (err != NULL) {
        *err = own;
    }
    return st;
}

static enum status
look_at_all(struct starting *starting, struct error *err)
{
    const struct promote_request *request = starting->request;
    struct bytes own = bytes_of_string(object_store_node_id(starting->store));
    bool is_target = starting->map == NULL || object_store_ownership(starting->store) != NULL;
    size_t node_count = starting->map != NULL ? starting->map->node_count : 0;
    struct error why = ERROR_INIT;
    bool is_known = false;
    enum status st = ST_OK;

    starting->sights = arena_calloc(&starting->arena, node_count + 1, sizeof(struct sight));
    if (is_target && (request->node_id.size == 0 || bytes_equal(request->node_id, own))) {
        is_known = true;
        st = look_at(starting, own, NULL, &why, err);
    }
    for (size_t i = 0; i < node_count && st == ST_OK; i++) {
        const struct cluster_node *node = &starting->map->nodes[i];

        if (!node->is_target || bytes_equal(node->id, own) ||
            (request->node_id.size > 0 && !bytes_equal(request->node_id, node->id))) {
            continue;
        }
        is_known = true;
        if (!node->is_down && node->peer_address.size > 0) {
            st = look_at(starting, node->id, node, &why, err);
        } else if (request->node_id.size > 0) {
            st = fail(err, ST_UNAVAILABLE, "t[%.*s] is down", BYTES_ARGS(node->id));
        }
    }
    if (st == ST_OK && !is_known) {
        return fail(err, ST_NOT_FOUND, "promote failure: target \"%.*s\" does not exist",
                    (int)(request->node_id.size < 64 ? request->node_id.size : 64),
                    request->node_id.size > 0 ? request->node_id.data : "");
    }
    if (st == ST_OK && starting->sight_count == 0) {
        st = why.code != ST_OK ? fail(err, why.code, "%s", why.text)
                               : fail(err, ST_UNAVAILABLE, "no target is up");
    }
    return st;
}

/* Do all see the same? */
static bool
is_shared(const struct starting *starting)
{
    for (size_t i = 1; i < starting->sight_count; i++) {
        if (!bytes_equal(starting->sights[i].identity, starting->sights[0].identity)) {
            return false;
        }
    }
    return starting->sight_count > 1 && !starting->request->is_unshared;
}

/* Of a file that several see: one of them, its owner if that is among them. */
static void
choose_one(struct starting *starting)
{
    const struct promote_message *message = &starting->request->message;
    uint64_t digest = key_claim_digest(message->bucket,
                                       promote_message_key(message, BYTES_NONE, &starting->arena));
    size_t chosen = 0;
    uint64_t greatest = 0;

    for (size_t i = 0; i < starting->sight_count; i++) {
        uint64_t weight =
            placement_weight(placement_node_digest(starting->sights[i].node_id), digest);

        if (i == 0 || weight > greatest) {
            greatest = weight;
            chosen = i;
        }
    }
    starting->sights[0] = starting->sights[chosen];
    starting->sight_count = 1;
}

static enum status
start_jobs(struct starting *starting, bool is_share, char ret_id[JOB_ID_SIZE], struct error *err)
{
    struct bytes *sharers =
        arena_alloc(&starting->arena, (starting->sight_count + 1) * sizeof(*sharers));
    struct promote_message message = starting->request->message;
    char id[JOB_ID_SIZE];
    struct bytes answer;
    enum status st = ST_OK;

    if (is_share && starting->sight_count > 1) {
        for (size_t i = 0; i < starting->sight_count; i++) {
            sharers[message.sharer_count++] = starting->sights[i].node_id;
        }
        message.sharers = sharers;
    }
    job_make_id(&promote_job, id);
    for (size_t i = 0; i < starting->sight_count && st == ST_OK; i++) {
        st = call(starting, &starting->sights[i], OP_START, id, &message, &answer, err);
        if (st != ST_OK && i > 0) { /* all of it or nothing */
            (void)!job_cluster_stop(starting->registry, starting->store, bytes_of_string(id), NULL);
        }
    }
    if (st == ST_OK) {
        memcpy(ret_id, id, JOB_ID_SIZE);
    }
    return st;
}

static enum status
start(struct starting *starting, char ret_id[JOB_ID_SIZE], struct error *err)
{
    enum status st = look_at_all(starting, err);
    bool is_share = st == ST_OK && is_shared(starting);
    bool is_small = st == ST_OK;
    bool is_empty = st == ST_OK;
    struct bytes answer;

    if (st != ST_OK) {
        return st;
    }
    if (is_share && !starting->sights[0].is_directory) {
        choose_one(starting);
    }
    for (size_t i = 0; i < starting->sight_count; i++) {
        const struct sight *sight = &starting->sights[i];

        is_small = is_small && !sight->is_directory && sight->size <= PROMOTE_AT_ONCE_BYTES;
        is_empty = is_empty && sight->is_directory && sight->is_empty;
    }
    if (is_empty) {
        return fail(err, ST_INVALID, "directory \"%.*s\" is empty",
                    BYTES_ARGS(starting->request->message.path));
    }
    if (!is_small) {
        return start_jobs(starting, is_share, ret_id, err);
    }
    for (size_t i = 0; i < starting->sight_count && st == ST_OK; i++) {
        st = call(starting, &starting->sights[i], OP_FILE, "", &starting->request->message, &answer,
                  err);
    }
    ret_id[0] = '\0';
    return st;
}

enum status
promote_start(struct job_registry *registry, struct object_store *store,
              const struct promote_request *request, char ret_id[JOB_ID_SIZE], struct error *err)
{
    const struct object_cluster *cluster = object_store_cluster(store);
    struct starting starting = {.registry = registry, .store = store, .request = request};
    enum status st = ST_OK;

    if (cluster != NULL) {
        starting.map = cluster->get_map(cluster->arg);
        st = starting.map != NULL ? ST_OK
                                  : fail(err, ST_UNAVAILABLE, "This node has no cluster map yet");
    }
    if (st == ST_OK) {
        st = start(&starting, ret_id, err);
    }
    arena_release(&starting.arena);
    cluster_map_unref(starting.map);
    return st;
}
