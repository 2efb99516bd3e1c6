/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/promote_job.h"

#include <inttypes.h>
#include <stdio.h>

#include "auth/principal.h"
#include "base/field_codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/placement.h"
#include "object/key_claim.h"
#include "object/promote_walk.h"

#include "base/banned.h"

/* Files between two reports. */
#define REPORT_FILES 64
/* While a node is away each of these is waited for, longer from try to try. */
#define TRY_COUNT 100

struct promote {
    struct job_run *run;
    struct promote_message message;
    struct arena arena; /* of the message */
    struct bucket bucket;
    bool has_bucket;
    struct job_counters counters;
    uint64_t kept_count;
    uint64_t failed_count;
    uint64_t skipped_count;
    uint64_t unreported_count;
    bool is_repeated; /* the next file may be promoted already */
    struct buffer cursor;
    char first_failure[ERROR_TEXT_SIZE];
};

/* ---- what is told ---- */

static void
report(struct promote *promote)
{
    struct buffer json = BUFFER_INIT;
    char text[JOB_TEXT_SIZE];

    buffer_append_string(&json, "{\"source\":");
    log_append_json_string(&json, promote->message.bucket);
    buffer_append_string(&json, ",\"path\":");
    log_append_json_string(&json, promote->message.path);
    buffer_printf(&json,
                  ",\"objects\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"kept\":%" PRIu64
                  ",\"failed\":%" PRIu64 ",\"skipped\":%" PRIu64 "}",
                  promote->counters.object_count, promote->counters.byte_count, promote->kept_count,
                  promote->failed_count, promote->skipped_count);
    job_run_report(promote->run, buffer_bytes(&json));
    snprintf(text, sizeof(text), "src:%.*s, dst:%.*s", (int)promote->message.path.size,
             promote->message.path.data, (int)promote->message.name.size,
             promote->message.name.size > 0 ? promote->message.name.data : "");
    job_run_progress(promote->run, promote->counters.object_count, 0, text);
    job_run_bytes(promote->run, promote->counters.byte_count);
    buffer_release(&json);
}

static void
note_failure(struct promote *promote, struct bytes path, const struct error *why)
{
    if (promote->failed_count++ == 0) {
        snprintf(promote->first_failure, sizeof(promote->first_failure), "%.*s: %.200s",
                 (int)(path.size < 128 ? path.size : 128), path.size > 0 ? path.data : "",
                 why->text);
    }
}

/* ---- one file ---- */

/* Those that are about more than this file. */
static bool
ends_job(enum status st)
{
    return st == ST_CANCELLED || st == ST_NO_SPACE || st == ST_NO_SUCH_BUCKET;
}

static bool
is_worth_waiting(enum status st)
{
    return st == ST_UNAVAILABLE || st == ST_BUSY || st == ST_TIMEOUT || st == ST_MOVED;
}

static enum status
put_file(struct promote *promote, const struct promote_source *source, struct bytes entry,
         struct object_promote_result *ret_result, struct error *err)
{
    struct arena arena = ARENA_INIT;
    const struct object_promote_options options = {
        .key = promote_message_key(&promote->message, entry, &arena),
        .overwrites = promote->message.overwrites,
        .removes_source = promote->message.removes_source,
        .is_repeated = promote->is_repeated,
        .is_stopped = job_run_is_stopped(promote->run)};
    enum status st = ST_BUSY;

    for (size_t i = 0; i < TRY_COUNT && is_worth_waiting(st); i++) {
        st = object_promote(&promote->bucket, source, &options, ret_result, err);
        if (is_worth_waiting(st)) {
            struct error why = err != NULL ? *err : ERROR_INIT;
            enum status waited = job_run_wait(promote->run, i, &why, err);

            st = waited != ST_OK ? waited : st;
        }
    }
    arena_release(&arena);
    return st;
}

static enum status
take_file(struct promote *promote, const struct promote_source *source, struct bytes entry,
          struct error *err)
{
    struct object_promote_result result;
    struct error why = ERROR_INIT;
    enum status st = put_file(promote, source, entry, &result, &why);

    if (ends_job(st)) {
        return fail(err, st, "%s", why.text);
    }
    if (st != ST_OK) {
        note_failure(promote, entry, &why);
    } else if (result.outcome == PROMOTE_KEPT) {
        promote->kept_count++;
    } else {
        promote->counters.object_count++;
        promote->counters.byte_count += result.size;
    }
    return ST_OK;
}

/* ---- a directory ---- */

/* Of a directory that several nodes see each name is one node's: the first of them as placement
 * has it, so mostly the owner's. */
static bool
is_own_share(const struct promote *promote, struct bytes key)
{
    const struct promote_message *message = &promote->message;
    struct bytes own = bytes_of_string(object_store_node_id(job_run_store(promote->run)));
    uint64_t digest = key_claim_digest(message->bucket, key);
    uint64_t greatest = 0;
    struct bytes first = own;

    for (size_t i = 0; i < message->sharer_count; i++) {
        uint64_t weight = placement_weight(placement_node_digest(message->sharers[i]), digest);

        if (i == 0 || weight > greatest) {
            greatest = weight;
            first = message->sharers[i];
        }
    }
    return bytes_equal(first, own);
}

static enum status
take_entry(struct promote *promote, const struct promote_walk_entry *entry, struct error *err)
{
    struct object_store *store = job_run_store(promote->run);
    struct arena arena = ARENA_INIT;
    struct promote_source source;
    struct error why = ERROR_INIT;
    enum status st = ST_OK;

    if (entry->status != ST_OK) {
        note_failure(promote, entry->path, &entry->error);
        return ST_OK;
    }
    if (!is_own_share(promote, promote_message_key(&promote->message, entry->path, &arena))) {
        arena_release(&arena);
        return ST_OK;
    }
    arena_release(&arena);
    st = promote_source_open_in(store, entry->directory, entry->name, &source, &why);
    if (st == ST_NOT_FOUND) {
        return ST_OK; /* gone meanwhile */
    }
    if (st == ST_OK && source.is_directory) {
        promote_source_close(&source);
        st = fail(&why, ST_CONFLICT, "a file became a directory");
    }
    if (st != ST_OK) {
        note_failure(promote, entry->path, &why);
        return ST_OK;
    }
    st = take_file(promote, &source, entry->path, err);
    promote_source_close(&source);
    return st;
}

/* After each file: a kill repeats no more than one.  The path behind what else is counted. */
static enum status
save(struct promote *promote, struct bytes path, struct error *err)
{
    struct buffer *cursor = &promote->cursor;

    buffer_clear(cursor);
    field_put_varint(cursor, promote->kept_count);
    field_put_varint(cursor, promote->failed_count);
    field_put_counted(cursor, bytes_of_string(promote->first_failure));
    buffer_append_bytes(cursor, path);
    promote->is_repeated = false;
    if (++promote->unreported_count >= REPORT_FILES) {
        promote->unreported_count = 0;
        report(promote);
    }
    return job_run_save(promote->run, &promote->counters, buffer_bytes(cursor), err);
}

/* *cursor becomes the path. */
static enum status
read_cursor(struct promote *promote, struct bytes *cursor, struct error *err)
{
    struct bytes failure;

    if (!field_cut_varint(cursor, &promote->kept_count) ||
        !field_cut_varint(cursor, &promote->failed_count) || !field_cut_counted(cursor, &failure)) {
        return fail(err, ST_CORRUPT, "where the job was cannot be read");
    }
    snprintf(promote->first_failure, sizeof(promote->first_failure), "%.*s", (int)failure.size,
             failure.size > 0 ? failure.data : "");
    return ST_OK;
}

static enum status
take_directory(struct promote *promote, struct promote_source *take_source, struct bytes after,
               struct error *err)
{
    struct promote_walk *walk = xcalloc(1, sizeof(*walk));
    struct promote_walk_entry entry;
    enum status st = ST_OK;

    promote_walk_open(walk, job_run_store(promote->run), take_source, promote->message.is_recursive,
                      after);
    while (st == ST_OK && promote_walk_next(walk, &entry)) {
        st = take_entry(promote, &entry, err);
        promote->skipped_count = walk->skipped_count;
        if (st == ST_OK) {
            st = save(promote, entry.path, err);
        }
        if (st == ST_OK) {
            st = job_run_pause(promote->run, err);
        }
    }
    promote->skipped_count = walk->skipped_count;
    promote_walk_release(walk);
    free(walk);
    return st;
}

/* ---- the job ---- */

static enum status
run_opened(struct promote *promote, struct bytes cursor, struct error *err)
{
    struct promote_source source;
    enum status st =
        promote_source_open(job_run_store(promote->run), promote->message.path, &source, err);

    if (st != ST_OK) {
        return st;
    }
    if (source.is_directory) {
        st = take_directory(promote, &source, cursor, err);
    } else {
        st = take_file(promote, &source, BYTES_NONE, err);
    }
    promote_source_close(&source);
    if (st == ST_OK && promote->failed_count > 0) {
        st = fail(err, ST_IO, "%" PRIu64 " files were not promoted; the first: %s",
                  promote->failed_count, promote->first_failure);
    }
    return st;
}

static enum status
promote_run(struct job_run *run, struct error *err)
{
    struct promote promote = {.run = run};
    struct bytes cursor = BYTES_NONE;
    enum status st =
        promote_message_read(job_run_message(run), &promote.arena, &promote.message, err);

    if (st == ST_OK && job_run_resumed(run, &promote.counters, &cursor)) {
        promote.is_repeated = true;
        st = read_cursor(&promote, &cursor, err);
    } else if (st == ST_OK) {
        st = save(&promote, BYTES_NONE, err); /* a later run knows that it is not the first */
    }
    if (st == ST_OK) {
        report(&promote);
        st = bucket_open(job_run_store(run), principal_of_root(), promote.message.bucket,
                         ACTION_PUT_OBJECT, &promote.bucket, err);
        promote.has_bucket = st == ST_OK;
    }
    if (st == ST_OK) {
        st = run_opened(&promote, cursor, err);
        report(&promote);
    }
    if (promote.has_bucket) {
        bucket_close(&promote.bucket);
    }
    buffer_release(&promote.cursor);
    arena_release(&promote.arena);
    return st;
}

const struct job_kind promote_job = {
    .name = "promote", .is_concurrent = true, .is_resumable = true, .run = promote_run};

enum status
promote_job_file(struct object_store *store, const struct promote_message *message,
                 struct object_promote_result *ret_result, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct promote_source source;
    struct bucket bucket;
    enum status st = promote_source_open(store, message->path, &source, err);

    if (st != ST_OK) {
        return st;
    }
    st = source.is_directory ? fail(err, ST_CONFLICT, "a file became a directory")
                             : bucket_open_refreshed(store, principal_of_root(), message->bucket,
                                                     ACTION_PUT_OBJECT, &bucket, err);
    if (st == ST_OK) {
        st = object_promote(&bucket, &source,
                            &(struct object_promote_options){
                                .key = promote_message_key(message, BYTES_NONE, &arena),
                                .overwrites = message->overwrites,
                                .removes_source = message->removes_source},
                            ret_result, err);
        bucket_close(&bucket);
    }
    promote_source_close(&source);
    arena_release(&arena);
    return st;
}
