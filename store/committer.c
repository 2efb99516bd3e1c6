/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round:  take -> admit each (validate, else decide again; seq; operations to the batch)
 *             -> sync packs -> write the batch, synced if any commit of it is strict
 *             -> publish the batch number -> hand dropped bytes to the reclaimer -> answer all
 * If a sync or the write fails: quarantine, and all of the batch get ST_UNAVAILABLE.  Refusals are
 * answered with the batch too, because they may rest on records that it writes.
 */
#include "store/committer.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/disk_sync.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/chunk_file.h"
#include "store/commit_internal.h"
#include "store/home_metrics.h"
#include "store/pack_set.h"
#include "store/reclaimer.h"
#include "store/store_limits.h"

#include "base/banned.h"

struct committer {
    struct home *home;
    pthread_t thread;
    _Atomic(struct commit *) incoming; /* newest first */
    _Atomic uint32_t is_asleep;        /* futex */
    atomic_bool is_stopping;
    _Atomic int64_t round_ns; /* monotonic; 0: nothing waits */
    /* from here: the thread's own */
    struct commit *waiting; /* oldest first */
    struct commit **last_waiting;
    struct meta_batch *batch;
    struct batch_map *map;
    uint64_t batch_number;
    bool is_strict;        /* this batch */
    bool is_relaxed;       /* this batch: some commit waits for a lazy sync */
    bool has_writes;       /* this batch */
    struct pack **touched; /* packs named for the first time: one or two, as a rule */
    size_t touched_count;
    size_t touched_capacity;
    struct commit *members[BATCH_COMMIT_MAX];
    size_t member_count;
    uint64_t last_seq;
    uint64_t range_written[FAMILY_COUNT]; /* last batch with a delete_range */
    uint64_t written[WRITE_SLOT_COUNT];   /* last batch that wrote a key with this hash */
};

static void
futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void
committer_enqueue(struct committer *committer, struct commit *commit)
{
    struct commit *head = atomic_load_explicit(&committer->incoming, memory_order_relaxed);

    do {
        commit->next = head;
    } while (!atomic_compare_exchange_weak(&committer->incoming, &head, commit));
    if (head == NULL && atomic_exchange(&committer->is_asleep, 0) == 1) {
        futex_wake(&committer->is_asleep);
    }
}

int64_t
committer_round_ns(const struct committer *committer)
{
    return atomic_load_explicit(&committer->round_ns, memory_order_relaxed);
}

/* Append what came in, oldest first. */
static void
take_incoming(struct committer *committer)
{
    struct commit *newest = atomic_exchange(&committer->incoming, NULL);
    struct commit *oldest = NULL;

    while (newest != NULL) {
        struct commit *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    *committer->last_waiting = oldest;
    while (oldest != NULL) {
        committer->last_waiting = &oldest->next;
        oldest = oldest->next;
    }
}

/* False: nothing waits and the end is near. */
static bool
wait_for_work(struct committer *committer)
{
    for (;;) {
        take_incoming(committer);
        if (committer->waiting != NULL) {
            return true;
        }
        if (atomic_load(&committer->is_stopping)) {
            return false;
        }
        atomic_store(&committer->is_asleep, 1);
        if (atomic_load(&committer->incoming) == NULL && !atomic_load(&committer->is_stopping)) {
            syscall(SYS_futex, &committer->is_asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
        }
        atomic_store(&committer->is_asleep, 0);
    }
}

/* Has nothing that the decision read been written since, not even in this batch? */
static bool
is_valid(const struct committer *committer, const struct commit *commit)
{
    const uint64_t *hashes = (const uint64_t *)(const void *)commit->reads.data;
    size_t count = commit->reads.size / sizeof(*hashes);

    for (size_t i = 0; i < count; i++) {
        if (committer->written[hashes[i] % WRITE_SLOT_COUNT] > commit->noted_batch) {
            return false;
        }
    }
    for (int family = 0; commit->families_read >> family != 0; family++) {
        if ((commit->families_read >> family & 1) != 0 &&
            committer->range_written[family] > commit->noted_batch) {
            return false;
        }
    }
    return true;
}

static void
apply_sum(struct committer *committer, const struct operation *operation)
{
    batch_map_add(committer->map, operation->hash, operation->family, operation->key,
                  operation->sum, operation->sum_count);
}

static void
apply_operation(struct committer *committer, struct commit *commit, struct operation *operation)
{
    committer->written[operation->hash % WRITE_SLOT_COUNT] = committer->batch_number;
    switch (operation->kind) {
    case OPERATION_PUT_RECORD:
        encode_u64_be((char *)operation->value.data + RECORD_SEQ_OFFSET, commit->seq.map_version);
        encode_u64_be((char *)operation->value.data + RECORD_SEQ_OFFSET + 8, commit->seq.counter);
        __attribute__((fallthrough));
    case OPERATION_PUT:
        batch_map_put(committer->map, operation->hash, operation->family, operation->key,
                      operation->value);
        meta_batch_put(committer->batch, operation->family, operation->key, operation->value);
        break;
    case OPERATION_DELETE:
        batch_map_delete(committer->map, operation->hash, operation->family, operation->key);
        meta_batch_delete(committer->batch, operation->family, operation->key);
        break;
    case OPERATION_DELETE_RANGE:
        committer->range_written[operation->family] = committer->batch_number;
        meta_batch_delete_range(committer->batch, operation->family, operation->key,
                                operation->value);
        break;
    case OPERATION_ADD:
        apply_sum(committer, operation);
        break;
    }
}

static void
touch_pack(struct committer *committer, struct pack *take_pack)
{
    for (size_t i = 0; i < committer->touched_count; i++) {
        if (committer->touched[i] == take_pack) {
            pack_release(take_pack);
            return;
        }
    }
    if (committer->touched_count == committer->touched_capacity) {
        committer->touched_capacity = committer->touched_capacity * 2 + 8;
        committer->touched = xrealloc_array(committer->touched, committer->touched_capacity,
                                            sizeof(*committer->touched));
    }
    committer->touched[committer->touched_count++] = take_pack;
}

/* Where to look at the next start for what the log may have lost. */
static void
put_newest_packs(struct committer *committer, uint64_t pack_id)
{
    _Atomic uint64_t *newest = committer->home->newest_packs;
    uint64_t former = atomic_load(&newest[0]);
    unsigned char value[16];
    struct meta_key key;

    atomic_store(&newest[1], former);
    atomic_store(&newest[0], pack_id);
    encode_u64_be(value, pack_id);
    encode_u64_be(value + 8, former);
    meta_key_node(&key, NODE_NEWEST_PACKS);
    meta_batch_put(committer->batch, FAMILY_NODE, meta_key_bytes(&key),
                   bytes_of(value, sizeof(value)));
}

/* The first name given in a pack also tells FAMILY_PACK how large it is. */
static void
register_pack(struct committer *committer, struct commit *commit, struct pack *pack)
{
    const int64_t sum[] = {0, (int64_t)pack->capacity_bytes};
    struct operation operation = {.family = FAMILY_PACK, .sum = {sum[0], sum[1]}, .sum_count = 2};
    struct meta_key key;

    if (pack->is_registered) {
        return;
    }
    pack->is_registered = true;
    put_newest_packs(committer, pack->id);
    meta_key_pack(&key, pack->id);
    operation.key = arena_copy(&commit->arena, meta_key_bytes(&key));
    operation.hash = batch_key_hash(FAMILY_PACK, operation.key);
    apply_sum(committer, &operation);
    meta_key_node(&key, NODE_PACK_TOTALS);
    operation.family = FAMILY_NODE;
    operation.key = arena_copy(&commit->arena, meta_key_bytes(&key));
    operation.hash = batch_key_hash(FAMILY_NODE, operation.key);
    apply_sum(committer, &operation);
}

/* Note what must be synced before (strict) or some time after (else) this batch is written. */
static enum status
note_named_bytes(struct committer *committer, struct commit *commit, struct error *err)
{
    bool is_strict = commit->options.durability == DURABILITY_STRICT;

    for (const struct named_bytes *named = commit->named; named != NULL; named = named->next) {
        struct pack *pack;
        enum status st;

        if (named->extent->kind == EXTENT_CHUNK) {
            /* Shared bytes may come from a bucket that has not synced them yet. */
            st = is_strict && named->is_shared && !commit->has_synced_shared
                     ? chunk_file_sync(committer->home, named->extent, err)
                     : ST_OK;
            if (st != ST_OK) {
                return st;
            }
            continue;
        }
        pack = pack_find(committer->home->packs, named->extent->pack_id);
        if (pack == NULL) {
            return fail(err, ST_INTERNAL, "a commit names bytes in a pack that nobody writes");
        }
        register_pack(committer, commit, pack);
        if (is_strict) {
            touch_pack(committer, pack);
        } else {
            pack_mark_dirty(pack);
            pack_release(pack);
        }
    }
    return ST_OK;
}

/* Would a sum of this commit meet a key that this batch has put or deleted, or the other way
 * round?  Then the batch must end before it. */
static bool
is_mixing_sums(struct committer *committer, const struct commit *commit)
{
    for (const struct operation *operation = commit->operations; operation != NULL;
         operation = operation->next) {
        struct batch_entry *entry =
            batch_map_find(committer->map, operation->hash, operation->family, operation->key);

        if (entry != NULL && (entry->kind == BATCH_SUM) != (operation->kind == OPERATION_ADD)) {
            return true;
        }
    }
    return false;
}

static void
admit_operations(struct committer *committer, struct commit *commit)
{
    commit->status = store_next_seq(committer->home->store, &commit->seq.counter, &commit->error);
    commit->seq.map_version = atomic_load(&committer->home->store->map_version);
    if (commit->status == ST_OK) {
        commit->status = note_named_bytes(committer, commit, &commit->error);
    }
    if (commit->status != ST_OK) {
        return;
    }
    committer->last_seq = commit->seq.counter;
    for (struct operation *operation = commit->operations; operation != NULL;
         operation = operation->next) {
        apply_operation(committer, commit, operation);
    }
    committer->is_relaxed =
        committer->is_relaxed || commit->options.durability == DURABILITY_RELAXED;
    committer->has_writes = true;
    committer->is_strict = committer->is_strict || commit->options.durability == DURABILITY_STRICT;
}

/* False: it must wait for the next batch. */
static bool
admit(struct committer *committer, struct commit *commit)
{
    if (commit->is_barrier) {
        return true;
    }
    if (commit->options.is_refused != NULL && atomic_load(commit->options.is_refused)) {
        commit->status = fail(&commit->error, ST_NO_SUCH_BUCKET, "the bucket is being deleted");
        return true;
    }
    if (commit->options.admit != NULL) {
        enum status st = commit->options.admit(commit->options.admit_arg, &commit->error);

        if (st != ST_OK) {
            commit->status = st;
            return true;
        }
    }
    if (!is_valid(committer, commit)) {
        commit_decide(commit, committer->map);
        commit->has_synced_shared = false;
        /* Should it have to wait for the next batch, it decides once more. */
    }
    if (commit->status != ST_OK) {
        return true;
    }
    if (committer->member_count > 0 && is_mixing_sums(committer, commit)) {
        commit->noted_batch = committer->batch_number - 1;
        return false;
    }
    admit_operations(committer, commit);
    return true;
}

static void
gather(struct committer *committer)
{
    bool has_range = false;

    committer->batch_number = atomic_load(&committer->home->published_batch) + 1;
    committer->member_count = 0;
    committer->touched_count = 0;
    committer->is_strict = false;
    committer->is_relaxed = false;
    committer->has_writes = false;
    meta_batch_clear(committer->batch);
    batch_map_clear(committer->map);
    while (committer->waiting != NULL && committer->member_count < BATCH_COMMIT_MAX &&
           meta_batch_size_bytes(committer->batch) < BATCH_BYTES_MAX && !has_range) {
        struct commit *commit = committer->waiting;

        if (!admit(committer, commit)) {
            break;
        }
        committer->waiting = commit->next;
        if (committer->waiting == NULL) {
            committer->last_waiting = &committer->waiting;
        }
        has_range = commit->has_range; /* reads in this batch could not see it */
        committer->members[committer->member_count++] = commit;
    }
}

static enum status
sync_packs(struct committer *committer, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < committer->touched_count; i++) {
        struct pack *pack = committer->touched[i];

        if (st == ST_OK &&
            home_sync_file(committer->home, HOME_SYNC_PACK, pack->fd, "pack_sync") != 0) {
            st = fail_errno(err, ST_IO, "%s: syncing pack %016" PRIx64 " failed",
                            committer->home->directory, pack->id);
        }
        pack_release(pack);
    }
    committer->touched_count = 0;
    return st;
}

/* Every batch says which it is, so that a log that lost its middle is noticed. */
static void
put_batch_number(struct committer *committer)
{
    unsigned char value[16];
    struct meta_key key;

    encode_u64_be(value, committer->batch_number);
    encode_u64_be(value + 8, committer->last_seq);
    meta_key_node(&key, NODE_LAST_BATCH);
    meta_batch_put(committer->batch, FAMILY_NODE, meta_key_bytes(&key),
                   bytes_of(value, sizeof(value)));
}

static enum status
write_batch(struct committer *committer, struct error *err)
{
    struct home *home = committer->home;
    int64_t start_ns;
    enum status st;

    if (atomic_load(&home->state) != HOME_PRESENT) {
        return fail(err, ST_UNAVAILABLE, "mountpath %s is quarantined", home->directory);
    }
    FAULT_KILL("commit_before_pack_sync");
    st = sync_packs(committer, err);
    if (st != ST_OK) {
        return st;
    }
    FAULT_KILL("commit_before_write");
    put_batch_number(committer);
    batch_map_emit_sums(committer->map, committer->batch);
    start_ns = clock_monotonic_ns();
    st = meta_db_write(home->db, committer->batch, committer->is_strict, err);
    if (committer->is_strict) {
        home_note_sync(home, HOME_SYNC_LOG, start_ns);
    }
    if (st != ST_OK) {
        return st;
    }
    home_count(home, HOME_BATCHES, 1);
    home_count(home, HOME_OPERATIONS, meta_batch_count(committer->batch));
    FAULT_KILL("commit_after_write");
    atomic_store(&home->published_batch, committer->batch_number);
    if (committer->is_strict) {
        atomic_store(&home->synced_batch, committer->batch_number);
    }
    if (committer->is_relaxed) { /* now, so that the sync that sees it covers the batch */
        atomic_store(&home->wants_sync, true);
    }
    return ST_OK;
}

/* A failed or doubtful write: nobody is told more than that, recovery decides. */
static void
refuse_all(struct committer *committer, const struct error *why)
{
    for (size_t i = 0; i < committer->member_count; i++) {
        struct commit *commit = committer->members[i];

        commit->status =
            fail(&commit->error, ST_UNAVAILABLE, "the outcome is unknown: %s", why->text);
    }
}

static void
finish(struct committer *committer)
{
    struct home *home = committer->home;

    for (size_t i = 0; i < committer->member_count; i++) {
        struct commit *commit = committer->members[i];

        home_count(home, HOME_COMMITS, commit->status == ST_OK && !commit->is_barrier);
        if (commit->status == ST_OK && commit->dropped != NULL) {
            reclaimer_add(home->reclaimer, committer->batch_number, commit->dropped);
        }
        commit_finish(commit);
    }
}

static void *
committer_main(void *arg)
{
    struct committer *committer = arg;

    affinity_set(AFFINITY_COMMITTER, "lode-committer");
    while (wait_for_work(committer)) {
        struct error err = ERROR_INIT;
        enum status st = ST_OK;

        atomic_store_explicit(&committer->round_ns, clock_monotonic_ns(), memory_order_relaxed);
        gather(committer);
        if (committer->has_writes) {
            st = write_batch(committer, &err);
        }
        if (st != ST_OK) {
            for (size_t i = 0; i < committer->touched_count; i++) {
                pack_release(committer->touched[i]);
            }
            home_quarantine(committer->home, &err);
            refuse_all(committer, &err);
        }
        finish(committer);
        atomic_store_explicit(&committer->round_ns, 0, memory_order_relaxed);
    }
    return NULL;
}

struct committer *
committer_create(struct home *home)
{
    struct committer *committer = xcalloc(1, sizeof(*committer));

    committer->home = home;
    committer->last_waiting = &committer->waiting;
    committer->batch = meta_batch_create();
    committer->map = batch_map_create();
    CHECK(pthread_create(&committer->thread, NULL, committer_main, committer) == 0);
    return committer;
}

void
committer_destroy(struct committer **take_committer)
{
    struct committer *committer = *take_committer;

    if (committer == NULL) {
        return;
    }
    atomic_store(&committer->is_stopping, true);
    atomic_store(&committer->is_asleep, 0);
    futex_wake(&committer->is_asleep);
    CHECK(pthread_join(committer->thread, NULL) == 0);
    CHECK(committer->waiting == NULL && atomic_load(&committer->incoming) == NULL);
    meta_batch_destroy(&committer->batch);
    batch_map_destroy(&committer->map);
    free(committer->touched);
    free(committer);
    *take_committer = NULL;
}
