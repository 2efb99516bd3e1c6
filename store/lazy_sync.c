/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lazy_sync.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/disk_sync.h"
#include "base/lock.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"

#include "base/banned.h"

/* Each holds two descriptors. */
#define FILE_MAX 256

struct lazy_file {
    int fd;
    int directory_fd;
};

struct lazy_sync {
    struct home *home;
    pthread_mutex_t lock;
    struct lazy_file files[FILE_MAX]; /* guarded by lock */
    size_t file_count;                /* guarded by lock */
};

struct lazy_sync *
lazy_sync_create(struct home *home)
{
    struct lazy_sync *lazy = xcalloc(1, sizeof(*lazy));

    lazy->home = home;
    CHECK(pthread_mutex_init(&lazy->lock, NULL) == 0);
    return lazy;
}

void
lazy_sync_destroy(struct lazy_sync **take_lazy)
{
    struct lazy_sync *lazy = *take_lazy;

    if (lazy == NULL) {
        return;
    }
    for (size_t i = 0; i < lazy->file_count; i++) {
        close(lazy->files[i].fd);
        close(lazy->files[i].directory_fd);
    }
    pthread_mutex_destroy(&lazy->lock);
    free(lazy);
    *take_lazy = NULL;
}

bool
lazy_sync_add(struct lazy_sync *lazy, int *take_fd, int *take_directory_fd)
{
    bool is_taken = false;

    WITH_LOCK (&lazy->lock) {
        if (lazy->file_count < FILE_MAX) {
            lazy->files[lazy->file_count++] = (struct lazy_file){*take_fd, *take_directory_fd};
            *take_fd = -1;
            *take_directory_fd = -1;
            is_taken = true;
        }
    }
    return is_taken;
}

enum status
lazy_sync_files(struct lazy_sync *lazy, struct error *err)
{
    struct lazy_file files[FILE_MAX];
    size_t count = 0;
    enum status st = ST_OK;

    WITH_LOCK (&lazy->lock) {
        count = lazy->file_count;
        memcpy(files, lazy->files, count * sizeof(*files));
        lazy->file_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (st == ST_OK &&
            (home_sync_file(lazy->home, HOME_SYNC_CHUNK, files[i].fd, "chunk_lazy_sync") != 0 ||
             home_sync_directory(lazy->home, files[i].directory_fd, "chunk_lazy_directory") != 0)) {
            st = fail_errno(err, ST_IO, "%s: syncing a chunk file failed", lazy->home->directory);
        }
        close(files[i].fd);
        close(files[i].directory_fd);
    }
    return st;
}
