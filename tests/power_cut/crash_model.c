/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_model.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#include "base/banned.h"

#define CRASH_MODEL_MAGIC UINT64_C(0x6c6f6465637261)

struct crash_model *
crash_model_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat status;
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    CHECK(ftruncate(fd, (off_t)sizeof(struct crash_model)) == 0);
    struct crash_model *model =
        mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(model != MAP_FAILED);
    close(fd);
    if (status.st_size == 0) {
        model->magic = CRASH_MODEL_MAGIC;
        crash_model_reset(model);
    }
    CHECK(model->magic == CRASH_MODEL_MAGIC);
    return model;
}

void
crash_model_reset(struct crash_model *model)
{
    struct crash_value nothing = {0};
    for (unsigned b = 0; b < CRASH_BUCKETS; b++) {
        atomic_store(&model->is_bucket_made[b], 0);
        for (unsigned k = 0; k < CRASH_KEYS; k++) {
            for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
                atomic_store(&model->keys[b][k].changes[i].state, CRASH_CHANGE_FREE);
            }
            crash_model_settle(model, &model->keys[b][k], &nothing, 0);
        }
    }
    for (unsigned u = 0; u < CRASH_UPLOADS; u++) {
        atomic_store(&model->uploads[u].state, CRASH_UPLOAD_FREE);
    }
}

uint64_t
crash_model_stamp(struct crash_model *model)
{
    return atomic_fetch_add(&model->last_stamp, 1) + 1;
}

uint64_t
crash_model_version(struct crash_model *model)
{
    return atomic_fetch_add(&model->last_version, 1) + 1;
}

/* An acknowledged change that began after this one had ended hides it for good. */
static bool
is_superseded(const struct crash_key *key, const struct crash_change *change, int64_t settled_ns)
{
    if (atomic_load(&change->state) != CRASH_CHANGE_DONE) {
        return false;
    }
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        const struct crash_change *other = &key->changes[i];
        if (atomic_load(&other->state) == CRASH_CHANGE_DONE && other->start > change->end &&
            other->end_ns <= settled_ns) {
            return true;
        }
    }
    return false;
}

struct crash_change *
crash_model_begin(struct crash_model *model, struct crash_key *key, const struct crash_value *value,
                  bool keeps_all)
{
    struct crash_change *place = NULL;
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        struct crash_change *change = &key->changes[i];
        if (!keeps_all && is_superseded(key, change, INT64_MAX)) {
            atomic_store(&change->state, CRASH_CHANGE_FREE);
        }
        if (place == NULL && atomic_load(&change->state) == CRASH_CHANGE_FREE) {
            place = change;
        }
    }
    if (place == NULL) {
        return NULL;
    }
    place->value = *value;
    place->end = 0;
    place->end_ns = INT64_MAX;
    place->start = crash_model_stamp(model);
    atomic_store(&place->state, CRASH_CHANGE_PENDING);
    return place;
}

void
crash_model_end(struct crash_model *model, struct crash_change *change)
{
    change->end = crash_model_stamp(model);
    change->end_ns = clock_monotonic_ns();
    atomic_store(&change->state, CRASH_CHANGE_DONE);
    atomic_fetch_add(&model->acknowledged_count, 1);
}

const struct crash_change *
crash_model_explain(const struct crash_key *key, uint64_t version, int64_t settled_ns)
{
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        const struct crash_change *change = &key->changes[i];
        if (atomic_load(&change->state) != CRASH_CHANGE_FREE && change->value.version == version &&
            !is_superseded(key, change, settled_ns)) {
            return change;
        }
    }
    return NULL;
}

const struct crash_change *
crash_model_current(const struct crash_key *key)
{
    const struct crash_change *current = NULL;
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        const struct crash_change *change = &key->changes[i];
        if (atomic_load(&change->state) == CRASH_CHANGE_FREE ||
            is_superseded(key, change, INT64_MAX)) {
            continue;
        }
        if (current != NULL) {
            return NULL;
        }
        current = change;
    }
    return current;
}

bool
crash_model_is_older(const struct crash_key *key, int64_t time_ns)
{
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        const struct crash_change *change = &key->changes[i];
        uint32_t state = atomic_load(&change->state);
        if (state == CRASH_CHANGE_PENDING ||
            (state == CRASH_CHANGE_DONE && change->end_ns > time_ns)) {
            return false;
        }
    }
    return true;
}

/* The settled value is written before the others go: a death in between leaves it explained. */
void
crash_model_settle(struct crash_model *model, struct crash_key *key,
                   const struct crash_value *value, int64_t end_ns)
{
    struct crash_value copy = *value;
    unsigned kept = CRASH_CHANGES_MAX;
    for (unsigned i = 0; i < CRASH_CHANGES_MAX && kept == CRASH_CHANGES_MAX; i++) {
        if (atomic_load(&key->changes[i].state) == CRASH_CHANGE_FREE ||
            key->changes[i].value.version == copy.version) {
            kept = i;
        }
    }
    CHECK(kept < CRASH_CHANGES_MAX);
    struct crash_change *change = &key->changes[kept];
    change->value = copy;
    change->start = crash_model_stamp(model);
    change->end = crash_model_stamp(model);
    change->end_ns = end_ns;
    atomic_store(&change->state, CRASH_CHANGE_DONE);
    for (unsigned i = 0; i < CRASH_CHANGES_MAX; i++) {
        if (i != kept) {
            atomic_store(&key->changes[i].state, CRASH_CHANGE_FREE);
        }
    }
}
