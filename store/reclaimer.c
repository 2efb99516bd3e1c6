/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reclaimer.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/chunk_file.h"
#include "store/commit_internal.h"
#include "store/pack_set.h"
#include "store/page_reclaim.h"

#include "base/banned.h"

struct garbage {
    struct list node;
    uint64_t batch;
    struct extent extent;
};

struct reclaimer {
    struct home *home;
    pthread_mutex_t lock;
    struct list waiting;   /* guarded by lock; batches ascending */
    struct list freeing;   /* guarded by lock; taken from waiting, not gone yet */
    size_t waiting_count;  /* guarded by lock; of both */
    uint64_t newest_batch; /* guarded by lock */
};

struct reclaimer *
reclaimer_create(struct home *home)
{
    struct reclaimer *reclaimer = xcalloc(1, sizeof(*reclaimer));

    reclaimer->home = home;
    CHECK(pthread_mutex_init(&reclaimer->lock, NULL) == 0);
    list_init(&reclaimer->waiting);
    list_init(&reclaimer->freeing);
    return reclaimer;
}

void
reclaimer_destroy(struct reclaimer **take_reclaimer)
{
    struct reclaimer *reclaimer = *take_reclaimer;
    struct list *node;

    if (reclaimer == NULL) {
        return;
    }
    CHECK(list_is_empty(&reclaimer->freeing));
    while ((node = list_take_first(&reclaimer->waiting)) != NULL) {
        free(CONTAINER_OF(struct garbage, node, node)); /* the sweep finds the files */
    }
    pthread_mutex_destroy(&reclaimer->lock);
    free(reclaimer);
    *take_reclaimer = NULL;
}

void
reclaimer_add(struct reclaimer *reclaimer, uint64_t batch, const struct dropped_extent *dropped)
{
    for (; dropped != NULL; dropped = dropped->next) {
        struct garbage *garbage = xcalloc(1, sizeof(*garbage));

        garbage->batch = batch;
        garbage->extent = dropped->extent;
        WITH_LOCK (&reclaimer->lock) {
            list_append(&reclaimer->waiting, &garbage->node);
            reclaimer->waiting_count++;
            reclaimer->newest_batch = batch;
        }
    }
}

uint64_t
reclaimer_newest_batch(struct reclaimer *reclaimer)
{
    uint64_t batch = 0;

    WITH_LOCK (&reclaimer->lock) {
        batch = list_is_empty(&reclaimer->waiting) ? 0 : reclaimer->newest_batch;
    }
    return batch;
}

static bool
holds_chunk(const struct list *list, struct chunk_id id)
{
    bool is_found = false;

    for (const struct list *node = list->next; !is_found && node != list; node = node->next) {
        const struct garbage *garbage = CONTAINER_OF(struct garbage, node, node);

        is_found = garbage->extent.kind == EXTENT_CHUNK &&
                   memcmp(garbage->extent.chunk_id.bytes, id.bytes, sizeof(id.bytes)) == 0;
    }
    return is_found;
}

bool
reclaimer_has_chunk(struct reclaimer *reclaimer, struct chunk_id id)
{
    bool is_found = false;

    WITH_LOCK (&reclaimer->lock) {
        is_found = holds_chunk(&reclaimer->waiting, id) || holds_chunk(&reclaimer->freeing, id);
    }
    return is_found;
}

size_t
reclaimer_waiting_count(struct reclaimer *reclaimer)
{
    size_t count = 0;

    WITH_LOCK (&reclaimer->lock) {
        count = reclaimer->waiting_count;
    }
    return count;
}

static struct garbage *
take_garbage(struct reclaimer *reclaimer, uint64_t batch_max)
{
    struct garbage *garbage = NULL;

    WITH_LOCK (&reclaimer->lock) {
        struct list *node = reclaimer->waiting.next;

        if (node != &reclaimer->waiting) {
            garbage = CONTAINER_OF(struct garbage, node, node);
            if (garbage->batch <= batch_max) {
                list_remove(node);
                list_append(&reclaimer->freeing, node);
            } else {
                garbage = NULL;
            }
        }
    }
    return garbage;
}

static enum status
free_extent(struct home *home, const struct extent *extent, struct error *err)
{
    switch (extent->kind) {
    case EXTENT_PACK:
        return pack_recycle(home->packs, extent->pack_id, err);
    case EXTENT_CHUNK:
        return chunk_file_remove(home, extent, err);
    case EXTENT_INDIRECT:
        return page_reclaim(home, extent->write_id, err);
    }
    UNREACHABLE("all kinds are handled");
}

static void
end_garbage(struct reclaimer *reclaimer, struct garbage *garbage)
{
    WITH_LOCK (&reclaimer->lock) {
        list_remove(&garbage->node);
        reclaimer->waiting_count--;
    }
    free(garbage);
}

/* False: nothing more may be freed now, or time is up. */
static bool
free_next(struct reclaimer *reclaimer, uint64_t batch_max, int64_t until_ns)
{
    struct home *home = reclaimer->home;
    struct garbage *garbage;
    struct error err = ERROR_INIT;

    if (atomic_load(&home->state) != HOME_PRESENT || clock_monotonic_ns() >= until_ns ||
        (garbage = take_garbage(reclaimer, batch_max)) == NULL) {
        return false;
    }
    if (free_extent(home, &garbage->extent, &err) != ST_OK) {
        log_warn(NULL, "dropped_bytes_not_freed", "%s; the next start or sweep tries again",
                 err.text);
    }
    end_garbage(reclaimer, garbage);
    return true;
}

bool
reclaimer_run(struct reclaimer *reclaimer, int64_t until_ns)
{
    uint64_t batch_max = home_freeable_batch(reclaimer->home);
    bool has_freed = false;

    while (free_next(reclaimer, batch_max, until_ns)) {
        has_freed = true;
    }
    return has_freed;
}
