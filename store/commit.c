/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/chunk_file.h"
#include "store/commit_internal.h"
#include "store/committer.h"

#include "base/banned.h"

struct commit *
commit_create(const struct commit_options *options)
{
    struct commit *commit = xcalloc(1, sizeof(*commit));

    commit->options = *options;
    commit->last_operation = &commit->operations;
    return commit;
}

void
commit_destroy(struct commit **take_commit)
{
    struct commit *commit = *take_commit;

    if (commit != NULL) {
        arena_release(&commit->arena);
        buffer_release(&commit->reads);
        free(commit);
        *take_commit = NULL;
    }
}

void
commit_decide(struct commit *commit, struct batch_map *batch)
{
    struct commit_view view = {commit, batch};

    arena_release(&commit->arena);
    commit->operations = NULL;
    commit->last_operation = &commit->operations;
    commit->dropped = NULL;
    commit->named = NULL;
    commit->has_range = false;
    commit->has_shared = false;
    commit->families_read = 0;
    buffer_clear(&commit->reads);
    commit->error = ERROR_INIT;
    commit->status = commit->options.decide(commit, &view, commit->options.arg, &commit->error);
}

/* Bytes that a strict commit names once more may come from a bucket that never synced them. */
static enum status
sync_shared(struct commit *commit)
{
    enum status st = ST_OK;

    for (const struct named_bytes *named = commit->named; named != NULL && st == ST_OK;
         named = named->next) {
        if (named->is_shared) {
            st = chunk_file_sync(commit->options.home, named->extent, &commit->error);
        }
    }
    commit->has_synced_shared = st == ST_OK;
    return st;
}

/* A worker reads record by record while others commit: what rests on one record was true at that
 * moment, what rests on several may never have been.  Such a refusal is for the committer to
 * confirm, or to decide again. */
static bool
is_refusal_final(const struct commit *commit)
{
    return commit->reads.size <= sizeof(uint64_t);
}

void
commit_submit(struct commit *commit)
{
    struct home *home = commit->options.home;

    CHECK(atomic_load(&commit->progress) == COMMIT_PENDING);
    commit->status = home_require_commits(home, &commit->error);
    if (commit->status == ST_OK && !commit->is_barrier) {
        /* Everything up to this batch is seen by the reads that follow. */
        commit->noted_batch = atomic_load(&home->published_batch);
        commit_decide(commit, NULL);
    }
    if (commit->status != ST_OK && !is_refusal_final(commit)) {
        committer_enqueue(home->committer, commit);
        return;
    }
    if (commit->status == ST_OK && commit->options.durability == DURABILITY_STRICT) {
        commit->status = sync_shared(commit);
    }
    if (commit->status != ST_OK) {
        atomic_store(&commit->progress, COMMIT_DONE);
        return;
    }
    committer_enqueue(home->committer, commit);
}

static long
futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

enum status
commit_wait(struct commit *commit, struct error *err)
{
    uint32_t expected = COMMIT_PENDING;

    assert_on_worker();
    atomic_compare_exchange_strong(&commit->progress, &expected, COMMIT_AWAITED);
    while (atomic_load(&commit->progress) != COMMIT_DONE) {
        futex(&commit->progress, FUTEX_WAIT_PRIVATE, COMMIT_AWAITED);
    }
    if (commit->status != ST_OK && err != NULL) {
        *err = commit->error;
    }
    return commit->status;
}

void
commit_finish(struct commit *commit)
{
    _Atomic uint32_t *progress = &commit->progress;

    if (atomic_exchange(progress, COMMIT_DONE) == COMMIT_AWAITED) {
        /* The waiter may have freed the commit: then this wakes nobody, or someone who looks and
         * sleeps on. */
        futex(progress, FUTEX_WAKE_PRIVATE, 1);
    }
}

struct seq
commit_seq(const struct commit *commit)
{
    return commit->seq;
}

enum status
commit_run(const struct commit_options *options, struct seq *ret_seq, struct error *err)
{
    struct commit *commit = commit_create(options);
    enum status st;

    commit_submit(commit);
    st = commit_wait(commit, err);
    if (st == ST_OK && ret_seq != NULL) {
        *ret_seq = commit->seq;
    }
    commit_destroy(&commit);
    return st;
}

enum status
commit_barrier(struct home *home, struct error *err)
{
    struct commit_options options = {.home = home, .durability = DURABILITY_NONE};
    struct commit *commit = commit_create(&options);
    enum status st;

    commit->is_barrier = true;
    commit_submit(commit);
    st = commit_wait(commit, err);
    commit_destroy(&commit);
    return st;
}

/* The commit's own last word on a page (a layout is named in the commit that puts its pages) or on
 * a chunk file's count (a copy may replace an object that shares the file). */
static const struct operation *
find_own(const struct commit *commit, enum family family, uint64_t hash, struct bytes key)
{
    const struct operation *found = NULL;

    if (family != FAMILY_LAYOUT && (family != FAMILY_CHUNK || !commit->has_shared)) {
        return NULL;
    }
    for (const struct operation *operation = commit->operations; operation != NULL;
         operation = operation->next) {
        if (operation->hash == hash && operation->family == family &&
            (operation->kind == OPERATION_PUT || operation->kind == OPERATION_DELETE) &&
            bytes_equal(operation->key, key)) {
            found = operation;
        }
    }
    return found;
}

static enum status
get_stored(struct commit *commit, enum family family, struct bytes key, struct bytes *ret_value,
           struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(commit->options.home->db, family, key, true, &value, err);

    if (st == ST_OK) {
        *ret_value = arena_copy(&commit->arena, value.data);
    }
    meta_value_release(&value);
    return st;
}

/* A sum of this batch on top of what is stored. */
static enum status
get_sum(struct commit *commit, const struct batch_entry *entry, struct bytes *ret_value,
        struct error *err)
{
    struct bytes stored = BYTES_NONE;
    unsigned char *sum;
    size_t size;
    enum status st = get_stored(commit, entry->family, entry->key, &stored, err);

    if (st != ST_OK && st != ST_NOT_FOUND) {
        return st;
    }
    size = stored.size > 8 * entry->sum_count ? stored.size : 8 * entry->sum_count;
    sum = arena_calloc(&commit->arena, 1, size);
    if (stored.size > 0) {
        memcpy(sum, stored.data, stored.size);
    }
    for (size_t i = 0; i < entry->sum_count; i++) {
        encode_u64_be(sum + 8 * i, decode_u64_be(sum + 8 * i) + (uint64_t)entry->sum[i]);
    }
    *ret_value = bytes_of(sum, size);
    return ST_OK;
}

enum status
commit_view_get(struct commit_view *view, enum family family, struct bytes key,
                struct bytes *ret_value, struct error *err)
{
    struct commit *commit = view->commit;
    uint64_t hash = batch_key_hash(family, key);
    struct batch_entry *entry = NULL;
    const struct operation *own;

    own = find_own(commit, family, hash, key);
    if (own != NULL && own->kind == OPERATION_PUT) {
        *ret_value = own->value;
        return ST_OK;
    }
    if (own != NULL) {
        return fail(err, ST_NOT_FOUND, "this commit removes the %s record", family_name(family));
    }
    buffer_append(&commit->reads, &hash, sizeof(hash));
    commit->families_read |= UINT32_C(1) << family;
    if (view->batch != NULL) {
        entry = batch_map_find(view->batch, hash, family, key);
    }
    if (entry == NULL) {
        return get_stored(commit, family, key, ret_value, err);
    }
    switch (entry->kind) {
    case BATCH_PUT:
        *ret_value = entry->value;
        return ST_OK;
    case BATCH_DELETED:
        return fail(err, ST_NOT_FOUND, "no such %s record", family_name(family));
    case BATCH_SUM:
        return get_sum(commit, entry, ret_value, err);
    }
    UNREACHABLE("all kinds are handled");
}

struct arena *
commit_arena(struct commit *commit)
{
    return &commit->arena;
}

static struct operation *
append(struct commit *commit, enum operation_kind kind, enum family family, struct bytes key,
       struct bytes value)
{
    struct operation *operation = arena_alloc(&commit->arena, sizeof(*operation));

    operation->next = NULL;
    operation->kind = kind;
    operation->family = family;
    operation->hash = batch_key_hash(family, key);
    operation->key = arena_copy(&commit->arena, key);
    operation->value = arena_copy(&commit->arena, value);
    operation->sum_count = 0;
    *commit->last_operation = operation;
    commit->last_operation = &operation->next;
    return operation;
}

void
commit_put(struct commit *commit, enum family family, struct bytes key, struct bytes value)
{
    append(commit, OPERATION_PUT, family, key, value);
}

void
commit_put_record(struct commit *commit, enum family family, struct bytes key, struct bytes value)
{
    CHECK(value.size >= RECORD_SEQ_OFFSET + 16);
    append(commit, OPERATION_PUT_RECORD, family, key, value);
}

void
commit_delete(struct commit *commit, enum family family, struct bytes key)
{
    append(commit, OPERATION_DELETE, family, key, BYTES_NONE);
}

void
commit_delete_range(struct commit *commit, enum family family, struct bytes from, struct bytes to)
{
    append(commit, OPERATION_DELETE_RANGE, family, from, to);
    commit->has_range = true;
}

static void
add(struct commit *commit, enum family family, const struct meta_key *key, const int64_t *values,
    size_t count)
{
    struct operation *operation =
        append(commit, OPERATION_ADD, family, meta_key_bytes(key), BYTES_NONE);

    CHECK(count <= BATCH_SUM_MAX);
    memcpy(operation->sum, values, count * sizeof(*values));
    operation->sum_count = count;
}

void
commit_count(struct commit *commit, uint64_t bucket_id, const struct bucket_counters *delta)
{
    const int64_t values[] = {delta->object_count, delta->version_count, delta->logical_bytes,
                              delta->stored_bytes};
    struct meta_key key;

    meta_key_counters(&key, bucket_id);
    add(commit, FAMILY_NODE, &key, values, ARRAY_COUNT(values));
}

void
commit_add(struct commit *commit, enum family family, const struct meta_key *key,
           const int64_t *values, size_t count)
{
    add(commit, family, key, values, count);
}
