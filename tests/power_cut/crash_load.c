/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread at a time changes a key, except for the hot ones; so the value of a key is known but
 * for what is under way.  Intent is noted before the call, the promise after it.
 */
#include "tests/power_cut/crash_load.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/affinity.h"
#include "base/check.h"
#include "object/object_copy.h"
#include "object/object_delete.h"
#include "object/object_list.h"
#include "object/object_put.h"
#include "tests/power_cut/crash_mountpaths.h"
#include "tests/power_cut/crash_upload.h"

#include "base/banned.h"

/* Keys of one DeleteObjects. */
#define DELETE_KEYS 3
#define HOUSE_PAUSE_NS 5000000
/* Enough that the bytes go to chunk files. */
#define FOCUS_CHUNK_BYTES ((uint64_t)300 << 10)
/* Bodies arrive in pieces of at most this size. */
#define WRITE_BYTES_MAX ((size_t)256 << 10)

static atomic_bool is_load_over;
static pthread_mutex_t key_locks[CRASH_BUCKETS][CRASH_KEYS];
/* Guards the notes about keys that several threads change. */
static pthread_mutex_t hot_lock = PTHREAD_MUTEX_INITIALIZER;

struct load_thread {
    struct crash_store *crash;
    struct prng prng;
    struct crash_content content;
    uint64_t operations_max;
    enum crash_focus focus;
    pthread_t thread;
};

struct target {
    unsigned bucket;
    unsigned key;
    char name[CRASH_KEY_SIZE];
    struct crash_key *model;
};

static bool
is_hot(const struct target *target)
{
    return target->key < CRASH_HOT_KEYS;
}

static struct target
draw_target(struct load_thread *load)
{
    struct target target = {.bucket = prng_below(&load->prng, 4) == 0 ? CRASH_BUCKET_RELAXED
                                                                      : CRASH_BUCKET_STRICT,
                            .key = (unsigned)prng_below(&load->prng, CRASH_KEYS)};
    if (load->focus == CRASH_FOCUS_RELAXED) {
        target.bucket = CRASH_BUCKET_RELAXED;
    }
    if (prng_below(&load->prng, 8) == 0) {
        target.key %= CRASH_HOT_KEYS;
    }
    crash_store_key(target.key, target.name);
    target.model = &load->crash->model->keys[target.bucket][target.key];
    return target;
}

/* A cold key of this bucket. */
static struct target
target_in(struct load_thread *load, unsigned bucket)
{
    struct target target = {.bucket = bucket};
    target.key = CRASH_HOT_KEYS + (unsigned)prng_below(&load->prng, CRASH_KEYS - CRASH_HOT_KEYS);
    crash_store_key(target.key, target.name);
    target.model = &load->crash->model->keys[bucket][target.key];
    return target;
}

static void
lock(const struct target *target)
{
    if (!is_hot(target)) {
        pthread_mutex_lock(&key_locks[target->bucket][target->key]);
    }
}

static void
unlock(const struct target *target)
{
    if (!is_hot(target)) {
        pthread_mutex_unlock(&key_locks[target->bucket][target->key]);
    }
}

static struct crash_change *
begin(struct load_thread *load, const struct target *target, const struct crash_value *value)
{
    pthread_mutex_lock(&hot_lock);
    struct crash_change *change = crash_model_begin(load->crash->model, target->model, value,
                                                    target->bucket == CRASH_BUCKET_RELAXED);
    pthread_mutex_unlock(&hot_lock);
    return change;
}

static void
end(struct load_thread *load, struct crash_change *change, enum status st, const char *what,
    const struct error *err)
{
    if (st == ST_OK) {
        pthread_mutex_lock(&hot_lock);
        crash_model_end(load->crash->model, change);
        pthread_mutex_unlock(&hot_lock);
        return;
    }
    crash_upload_note_failure(load->crash, st, what, err);
}

static enum status
feed(struct object_put *put, struct bytes body, struct prng *prng, struct error *err)
{
    struct sink *sink = object_put_sink(put);
    size_t done = 0;
    while (done < body.size) {
        size_t size = 1 + (size_t)prng_below(prng, WRITE_BYTES_MAX);
        size = size < body.size - done ? size : body.size - done;
        enum status st = sink_write(sink, bytes_slice(body, done, done + size), err);
        if (st != ST_OK) {
            return st;
        }
        done += size;
    }
    return sink_finish(sink, err);
}

enum status
crash_upload_send(struct crash_store *crash, unsigned bucket,
                  const struct object_put_options *options, struct bytes body, struct prng *prng,
                  struct object_put_result *ret_result, struct error *err)
{
    struct object_put *put = NULL;
    enum status st = object_put_open(&crash->buckets[bucket], options, &put, err);
    if (st != ST_OK) {
        return st;
    }
    st = feed(put, body, prng, err);
    if (st == ST_OK) {
        st = object_put_commit(put, ret_result, err);
    }
    object_put_release(&put);
    return st;
}

static void
do_put(struct load_thread *load)
{
    struct target target = draw_target(load);
    struct error err = ERROR_INIT;
    struct object_put_result result;
    char version[24];
    struct crash_value value = {0};
    value.pieces[0] = crash_content_draw(load->crash->model, &load->prng);
    if (load->focus == CRASH_FOCUS_COPY) {
        value.pieces[0].size += FOCUS_CHUNK_BYTES;
        target = target_in(load, CRASH_BUCKET_RELAXED);
    }
    value.version = value.pieces[0].number;
    snprintf(version, sizeof(version), "%llu", (unsigned long long)value.version);
    struct metadata_entry entry = {BYTES_LITERAL("version"), bytes_of_string(version)};
    struct object_put_options options = {
        .key = bytes_of_string(target.name),
        .size = prng_below(&load->prng, 4) == 0 ? OBJECT_SIZE_UNKNOWN : value.pieces[0].size,
        .attributes = {.metadata = &entry, .metadata_count = 1}};
    struct bytes body = crash_content_value(&load->content, &value);

    lock(&target);
    struct crash_change *change = begin(load, &target, &value);
    if (change != NULL) {
        enum status st = crash_upload_send(load->crash, target.bucket, &options, body, &load->prng,
                                           &result, &err);
        end(load, change, st, "put", &err);
    }
    unlock(&target);
}

static void
do_delete(struct load_thread *load)
{
    struct target target = draw_target(load);
    struct error err = ERROR_INIT;
    struct crash_value nothing = {0};
    struct object_delete_entry entry = {.key = bytes_of_string(target.name)};

    lock(&target);
    struct crash_change *change = begin(load, &target, &nothing);
    if (change != NULL) {
        enum status st = object_delete(&load->crash->buckets[target.bucket], &entry, 1, &err);
        end(load, change, st != ST_OK ? st : entry.status, "delete",
            st != ST_OK ? &err : &entry.error);
    }
    unlock(&target);
}

/* Several keys with results of their own.  They are locked in order of their number. */
static void
do_delete_many(struct load_thread *load)
{
    struct target targets[DELETE_KEYS];
    struct crash_change *changes[DELETE_KEYS] = {NULL};
    struct object_delete_entry entries[DELETE_KEYS];
    struct crash_value nothing = {0};
    struct error err = ERROR_INIT;
    unsigned first = CRASH_HOT_KEYS + (unsigned)prng_below(&load->prng, CRASH_KEYS / 2);
    bool is_complete = true;
    for (unsigned i = 0; i < DELETE_KEYS; i++) {
        targets[i] = draw_target(load);
        targets[i].bucket = CRASH_BUCKET_STRICT;
        targets[i].key = first + i * 7;
        CHECK(targets[i].key < CRASH_KEYS);
        crash_store_key(targets[i].key, targets[i].name);
        targets[i].model = &load->crash->model->keys[CRASH_BUCKET_STRICT][targets[i].key];
        entries[i] = (struct object_delete_entry){.key = bytes_of_string(targets[i].name)};
        lock(&targets[i]);
        changes[i] = begin(load, &targets[i], &nothing);
        is_complete = is_complete && changes[i] != NULL;
    }
    if (is_complete) {
        enum status st =
            object_delete(&load->crash->buckets[CRASH_BUCKET_STRICT], entries, DELETE_KEYS, &err);
        for (unsigned i = 0; i < DELETE_KEYS; i++) {
            end(load, changes[i], st != ST_OK ? st : entries[i].status, "delete of several",
                st != ST_OK ? &err : &entries[i].error);
        }
    }
    for (unsigned i = 0; i < DELETE_KEYS; i++) {
        unlock(&targets[i]);
    }
}

static bool
comes_before(const struct target *a, const struct target *b)
{
    return a->bucket != b->bucket ? a->bucket < b->bucket : a->key < b->key;
}

static void
copy_locked(struct load_thread *load, const struct target *from, const struct target *to)
{
    const struct crash_change *source = crash_model_current(from->model);
    struct error err = ERROR_INIT;
    struct object_copy_result result;
    if (source == NULL || source->value.version == 0) {
        return;
    }
    struct crash_value value = source->value;
    value.is_copy = 1;
    struct crash_change *change = begin(load, to, &value);
    if (change == NULL) {
        return;
    }
    struct object_copy_options options = {.source = &load->crash->buckets[from->bucket],
                                          .source_key = bytes_of_string(from->name),
                                          .key = bytes_of_string(to->name)};
    enum status st = object_copy(&load->crash->buckets[to->bucket], &options, &result, &err);
    if ((st == ST_NO_SUCH_KEY || st == ST_CORRUPT) && !load->crash->has_faults) {
        crash_store_broken("%s: the source of a copy: %s", from->name, err.text);
    }
    end(load, change, st, "copy", &err);
}

static void
do_copy(struct load_thread *load)
{
    struct target from = draw_target(load);
    struct target to = draw_target(load);
    if (load->focus == CRASH_FOCUS_COPY) {
        from = target_in(load, CRASH_BUCKET_RELAXED);
        to = target_in(load, CRASH_BUCKET_STRICT);
    }
    if (is_hot(&from) || is_hot(&to) || (from.bucket == to.bucket && from.key == to.key)) {
        return;
    }
    bool is_from_first = comes_before(&from, &to);
    lock(is_from_first ? &from : &to);
    lock(is_from_first ? &to : &from);
    copy_locked(load, &from, &to);
    unlock(&from);
    unlock(&to);
}

static void
do_get(struct load_thread *load)
{
    struct target target = draw_target(load);
    struct crash_read_result result;
    if (is_hot(&target)) {
        return;
    }
    lock(&target);
    enum crash_read read = crash_store_read(load->crash, target.bucket, target.key, INT64_MAX,
                                            &load->content, &result);
    if (read == CRASH_READ_CORRUPT && !load->crash->has_faults) {
        crash_store_broken("%s: corrupt while the store runs", target.name);
    }
    unlock(&target);
}

static void
ignore_entry(struct bytes name, const struct object_record *record, void *arg)
{
}

static void
do_list(struct load_thread *load)
{
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct object_list_result result;
    struct object_list_options options = {.prefix = BYTES_LITERAL("d/"),
                                          .delimiter = BYTES_LITERAL("/"),
                                          .count_max = 1 + prng_below(&load->prng, 50)};
    enum status st = object_list(&load->crash->buckets[CRASH_BUCKET_STRICT], &options, ignore_entry,
                                 NULL, &arena, &result, &err);
    if (st != ST_OK) {
        crash_upload_note_failure(load->crash, st, "list", &err);
    }
    arena_release(&arena);
}

/* Collects packs and sweeps without a pause, where the store itself would wait a second. */
static void *
keep_house(void *arg)
{
    struct crash_store *crash = arg;
    struct store *store = object_store_store(crash->store);
    affinity_set(AFFINITY_WORKER, "keep-house");
    while (!atomic_load(&is_load_over)) {
        struct error err = ERROR_INIT;
        struct timespec pause_time = {.tv_nsec = HOUSE_PAUSE_NS};
        uint64_t removed = 0;
        bool work_done = false;
        enum status st = store_collect_once(store, &work_done, &err);
        if (st == ST_OK && !work_done) {
            st = store_sweep_once(store, &removed, &err);
            nanosleep(&pause_time, NULL);
        }
        if (st != ST_OK) {
            crash_upload_note_failure(crash, st, "collect or sweep", &err);
            nanosleep(&pause_time, NULL);
        }
    }
    return NULL;
}

static void *
run_thread(void *arg)
{
    struct load_thread *load = arg;
    affinity_set(AFFINITY_WORKER, "load");
    for (uint64_t i = 0; i < load->operations_max; i++) {
        uint64_t draw = prng_below(&load->prng, 100);
        if (load->focus == CRASH_FOCUS_COPY) {
            draw = draw < 40 ? 0 : 60; /* puts and copies */
        } else if (load->focus == CRASH_FOCUS_RELAXED) {
            draw = draw % 50; /* puts and deletes */
        }
        if (draw < 40) {
            do_put(load);
        } else if (draw < 50) {
            do_delete(load);
        } else if (draw < 53) {
            do_delete_many(load);
        } else if (draw < 65) {
            do_copy(load);
        } else if (draw < 78) {
            do_get(load);
        } else if (draw < 80) {
            do_list(load);
        } else {
            crash_upload_step(load->crash, &load->prng, &load->content, key_locks[0]);
        }
    }
    crash_content_release(&load->content);
    return NULL;
}

void
crash_load_run(struct crash_store *crash, uint64_t seed, unsigned thread_count,
               uint64_t operations_max, enum crash_focus focus)
{
    static struct load_thread loads[CRASH_THREADS_MAX];
    pthread_t keeper;
    CHECK(thread_count <= CRASH_THREADS_MAX);
    bool has_keeper = focus != CRASH_FOCUS_RELAXED; /* the collector's syncs would cover too */
    if (has_keeper) {
        CHECK(pthread_create(&keeper, NULL, keep_house, crash) == 0);
    }
    for (unsigned b = 0; b < CRASH_BUCKETS; b++) {
        for (unsigned k = 0; k < CRASH_KEYS; k++) {
            pthread_mutex_init(&key_locks[b][k], NULL);
        }
    }
    for (unsigned i = 0; i < thread_count; i++) {
        loads[i] = (struct load_thread){.crash = crash,
                                        .prng = prng_init(seed + i * UINT64_C(1000003)),
                                        .content = {BUFFER_INIT},
                                        .operations_max = operations_max,
                                        .focus = focus};
        CHECK(pthread_create(&loads[i].thread, NULL, run_thread, &loads[i]) == 0);
    }
    if (crash->moves_mountpaths) {
        crash_mountpaths_start(crash, seed);
    }
    for (unsigned i = 0; i < thread_count; i++) {
        pthread_join(loads[i].thread, NULL);
    }
    atomic_store(&is_load_over, true);
    crash_mountpaths_stop();
    if (has_keeper) {
        pthread_join(keeper, NULL);
    }
}
