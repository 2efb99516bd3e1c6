/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reclaimer.h"

#include "base/check.h"
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
    size_t waiting_count;  /* guarded by lock */
    uint64_t newest_batch; /* guarded by lock */
};

struct reclaimer *
reclaimer_create(struct home *home)
{
    struct reclaimer *reclaimer = xcalloc(1, sizeof(*reclaimer));

    reclaimer->home = home;
    CHECK(pthread_mutex_init(&reclaimer->lock, NULL) == 0);
    list_init(&reclaimer->waiting);
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

bool
reclaimer_has_chunk(struct reclaimer *reclaimer, struct chunk_id id)
{
    bool is_found = false;

    WITH_LOCK (&reclaimer->lock) {
        for (struct list *node = reclaimer->waiting.next; !is_found && node != &reclaimer->waiting;
             node = node->next) {
            const struct garbage *garbage = CONTAINER_OF(struct garbage, node, node);

            is_found = garbage->extent.kind == EXTENT_CHUNK &&
                       memcmp(garbage->extent.chunk_id.bytes, id.bytes, sizeof(id.bytes)) == 0;
        }
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
                reclaimer->waiting_count--;
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

void
reclaimer_run(struct reclaimer *reclaimer)
{
    struct home *home = reclaimer->home;
    uint64_t batch_max = home_freeable_batch(home);
    struct garbage *garbage;

    while (atomic_load(&home->state) == HOME_PRESENT &&
           (garbage = take_garbage(reclaimer, batch_max)) != NULL) {
        struct error err = ERROR_INIT;
        enum status st;

        st = free_extent(home, &garbage->extent, &err);
        if (st != ST_OK) {
            log_warn(NULL, "dropped_bytes_not_freed", "%s; the next start or sweep tries again",
                     err.text);
        }
        free(garbage);
    }
}
