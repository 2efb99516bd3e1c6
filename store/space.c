/* SPDX-License-Identifier: Apache-2.0 */
#include "store/space.h"

#include <stdatomic.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/store_limits.h"

#include "base/banned.h"

struct space {
    int directory_fd;
    uint64_t floor_bytes;
    _Atomic int64_t asked_ns; /* monotonic; 0: never */
    _Atomic uint64_t total_bytes;
    _Atomic int64_t left_bytes; /* as of asked_ns, minus what was taken since */
};

static void
refresh(struct space *space)
{
    struct statvfs status;
    int64_t now = clock_monotonic_ns();
    int64_t asked = atomic_load(&space->asked_ns);

    if ((asked != 0 && now - asked < SPACE_CACHE_MS * CLOCK_NS_PER_MS) ||
        !atomic_compare_exchange_strong(&space->asked_ns, &asked, now)) {
        return;
    }
    if (fstatvfs(space->directory_fd, &status) == 0) {
        atomic_store(&space->total_bytes, (uint64_t)status.f_blocks * status.f_frsize);
        atomic_store(&space->left_bytes, (int64_t)((uint64_t)status.f_bavail * status.f_frsize));
    }
}

struct space *
space_create(int directory_fd, uint64_t floor_bytes)
{
    struct space *space = xcalloc(1, sizeof(*space));

    space->directory_fd = directory_fd;
    space->floor_bytes = floor_bytes;
    refresh(space);
    return space;
}

void
space_destroy(struct space **take_space)
{
    free(*take_space);
    *take_space = NULL;
}

enum status
space_take(struct space *space, uint64_t size_bytes, const char *directory, struct error *err)
{
    int64_t left;

    refresh(space);
    left = atomic_load(&space->left_bytes);
    if (left < 0 || (uint64_t)left < space->floor_bytes ||
        (uint64_t)left - space->floor_bytes < size_bytes) {
        return fail(err, ST_NO_SPACE,
                    "mountpath %s has %lld MiB left; %llu MiB are kept free for deletes and "
                    "records: delete objects or add a mountpath",
                    directory, (long long)(left >> 20),
                    (unsigned long long)(space->floor_bytes >> 20));
    }
    atomic_fetch_sub(&space->left_bytes, (int64_t)size_bytes);
    return ST_OK;
}

void
space_get(struct space *space, uint64_t *ret_total_bytes, uint64_t *ret_free_bytes)
{
    int64_t left;

    refresh(space);
    left = atomic_load(&space->left_bytes);
    *ret_total_bytes = atomic_load(&space->total_bytes);
    *ret_free_bytes = left > 0 ? (uint64_t)left : 0;
}
