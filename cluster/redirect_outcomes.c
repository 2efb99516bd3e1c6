/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redirect_outcomes.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

#define BUCKET_COUNT ((size_t)4096) /* four entries each when full */

enum entry_state { ENTRY_OPEN, ENTRY_FREE, ENTRY_DONE };

struct entry {
    struct list in_bucket;
    struct list by_age; /* unless it is open */
    struct redirect_write write;
    enum entry_state state;
    bool has_answer;
    int64_t left_ms;
    size_t size;
    char answer[];
};

struct redirect_outcomes {
    pthread_mutex_t lock;
    int64_t forget_ms;
    struct list buckets[BUCKET_COUNT]; /* guarded by lock */
    struct list by_age;                /* guarded by lock; oldest first */
    size_t left_count;                 /* guarded by lock; of those by_age */
    size_t count;                      /* guarded by lock */
};

struct redirect_outcomes *
redirect_outcomes_create(int64_t forget_ms)
{
    struct redirect_outcomes *outcomes = xcalloc(1, sizeof(*outcomes));

    CHECK(pthread_mutex_init(&outcomes->lock, NULL) == 0);
    outcomes->forget_ms = forget_ms;
    list_init(&outcomes->by_age);
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        list_init(&outcomes->buckets[i]);
    }
    return outcomes;
}

static void
drop_locked(struct redirect_outcomes *outcomes, struct entry *entry)
{
    list_remove(&entry->in_bucket);
    if (entry->state != ENTRY_OPEN) {
        list_remove(&entry->by_age);
        outcomes->left_count--;
    }
    outcomes->count--;
    free(entry);
}

void
redirect_outcomes_destroy(struct redirect_outcomes **take_outcomes)
{
    struct redirect_outcomes *outcomes = *take_outcomes;

    if (outcomes == NULL) {
        return;
    }
    *take_outcomes = NULL;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        while (!list_is_empty(&outcomes->buckets[i])) {
            drop_locked(outcomes, CONTAINER_OF(struct entry, in_bucket, outcomes->buckets[i].next));
        }
    }
    CHECK(outcomes->count == 0 && outcomes->left_count == 0);
    pthread_mutex_destroy(&outcomes->lock);
    free(outcomes);
}

static struct list *
bucket_of(struct redirect_outcomes *outcomes, const struct redirect_write *write)
{
    uint64_t hash = hash_bytes(bytes_of(write->session, sizeof(write->session)), write->count);

    return &outcomes->buckets[hash % BUCKET_COUNT];
}

static struct entry *
find_locked(struct redirect_outcomes *outcomes, const struct redirect_write *write)
{
    struct list *bucket = bucket_of(outcomes, write);

    for (struct list *node = bucket->next; node != bucket; node = node->next) {
        struct entry *entry = CONTAINER_OF(struct entry, in_bucket, node);

        if (entry->write.count == write->count &&
            memcmp(entry->write.session, write->session, sizeof(write->session)) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct entry *
entry_create(const struct redirect_write *write, enum entry_state state, struct bytes answer)
{
    struct entry *entry = xcalloc(1, sizeof(*entry) + answer.size);

    entry->write = *write;
    entry->state = state;
    entry->size = answer.size;
    if (answer.size > 0) {
        memcpy(entry->answer, answer.data, answer.size);
    }
    return entry;
}

static void
add_locked(struct redirect_outcomes *outcomes, struct entry *entry)
{
    list_prepend(bucket_of(outcomes, &entry->write), &entry->in_bucket);
    outcomes->count++;
}

/* Those that are open stay: there are no more of them than requests under way. */
static void
age_locked(struct redirect_outcomes *outcomes, struct entry *entry, int64_t now_ms)
{
    entry->left_ms = now_ms;
    list_append(&outcomes->by_age, &entry->by_age);
    outcomes->left_count++;
    while (outcomes->left_count > 0) {
        struct entry *oldest = CONTAINER_OF(struct entry, by_age, outcomes->by_age.next);

        if (outcomes->left_count <= REDIRECT_OUTCOMES_MAX &&
            now_ms - oldest->left_ms <= outcomes->forget_ms) {
            return;
        }
        drop_locked(outcomes, oldest);
    }
}

/* Copies the answer, of *ret_size bytes, to answer. */
static enum redirect_entry
enter_known_locked(struct redirect_outcomes *outcomes, struct entry *entry, uint64_t digest,
                   char answer[REDIRECT_OUTCOME_BYTES_MAX], size_t *ret_size)
{
    if (entry->state == ENTRY_FREE) {
        list_remove(&entry->by_age);
        outcomes->left_count--;
        entry->state = ENTRY_OPEN;
        entry->write.digest = digest;
        return REDIRECT_ENTRY_AGAIN;
    }
    if (entry->write.digest != digest) {
        return REDIRECT_ENTRY_OTHER;
    }
    if (entry->state == ENTRY_OPEN) {
        return REDIRECT_ENTRY_OPEN;
    }
    if (!entry->has_answer) {
        return REDIRECT_ENTRY_OTHER;
    }
    CHECK(entry->size <= REDIRECT_OUTCOME_BYTES_MAX);
    memcpy(answer, entry->answer, entry->size);
    *ret_size = entry->size;
    return REDIRECT_ENTRY_DONE;
}

enum redirect_entry
redirect_outcomes_enter(struct redirect_outcomes *outcomes, const struct redirect_write *write,
                        struct arena *arena, struct bytes *ret_answer)
{
    struct entry *fresh = entry_create(write, ENTRY_OPEN, BYTES_NONE);
    enum redirect_entry what = REDIRECT_ENTRY_FIRST;
    char answer[REDIRECT_OUTCOME_BYTES_MAX];
    size_t size = 0;

    WITH_LOCK (&outcomes->lock) {
        struct entry *entry = find_locked(outcomes, write);

        if (entry != NULL) {
            what = enter_known_locked(outcomes, entry, write->digest, answer, &size);
        } else {
            add_locked(outcomes, fresh);
            fresh = NULL;
        }
    }
    free(fresh);
    if (what == REDIRECT_ENTRY_DONE) {
        *ret_answer = arena_copy(arena, bytes_of(answer, size));
    }
    return what;
}

void
redirect_outcomes_leave(struct redirect_outcomes *outcomes, const struct redirect_write *write,
                        struct bytes answer, int64_t now_ms)
{
    bool is_kept = answer.size <= REDIRECT_OUTCOME_BYTES_MAX;
    struct entry *done = entry_create(write, ENTRY_DONE, is_kept ? answer : BYTES_NONE);

    done->has_answer = is_kept;
    WITH_LOCK (&outcomes->lock) {
        struct entry *entry = find_locked(outcomes, write);

        CHECK(entry != NULL && entry->state == ENTRY_OPEN);
        drop_locked(outcomes, entry);
        add_locked(outcomes, done);
        age_locked(outcomes, done, now_ms);
    }
}

void
redirect_outcomes_give_back(struct redirect_outcomes *outcomes, const struct redirect_write *write,
                            bool is_known, int64_t now_ms)
{
    WITH_LOCK (&outcomes->lock) {
        struct entry *entry = find_locked(outcomes, write);

        CHECK(entry != NULL && entry->state == ENTRY_OPEN);
        if (is_known) {
            entry->state = ENTRY_FREE;
            age_locked(outcomes, entry, now_ms);
        } else {
            drop_locked(outcomes, entry);
        }
    }
}

size_t
redirect_outcomes_count(struct redirect_outcomes *outcomes)
{
    size_t count = 0;

    WITH_LOCK (&outcomes->lock) {
        count = outcomes->count;
    }
    return count;
}
