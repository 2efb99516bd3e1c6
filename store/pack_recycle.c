/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of an emptied pack: the next active one under a new id (its blocks are written
 * already, which spares the file system's journal), or nothing; and of packs that a stop leaves
 * empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/disk_sync.h"
#include "base/entropy.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/pack_format.h"
#include "store/pack_set_internal.h"

#include "base/banned.h"

static enum status
fail_step(struct pack_set *set, const char *step, struct error *err)
{
    return fail_errno(err, ST_IO, "mountpath %s: %s an emptied pack failed", set->home->directory,
                      step);
}

static enum status
fail_sync(struct pack_set *set, const char *step, struct error *err)
{
    struct error local = ERROR_INIT;
    enum status st = fail_step(set, step, &local);

    home_quarantine(set->home, &local);
    if (err != NULL) {
        *err = local;
    }
    return st;
}

/* New header first, then the new name: a crash in between leaves a file that nothing names. */
static enum status
renew(struct pack_set *set, uint64_t old_id, uint64_t new_id, struct error *err)
{
    unsigned char block[PACK_HEADER_BYTES];
    struct pack_header header = {.pack_id = new_id, .capacity_bytes = set->pack_bytes};
    struct iovec iov = {block, sizeof(block)};
    char old_path[PACK_PATH_SIZE];
    char new_path[PACK_PATH_SIZE];
    int directory_fd = set->home->directory_fd;
    enum status st = ST_OK;
    int fd;

    memcpy(header.home_uuid, set->home->uuid, sizeof(header.home_uuid));
    pack_header_encode(&header, block);
    pack_format_path(old_path, old_id);
    pack_format_path(new_path, new_id);
    fd = openat(directory_fd, old_path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return fail_step(set, "opening", err);
    }
    if (write_fully(fd, &iov, 1, 0, "pack_renew_write") != 0) {
        st = fail_step(set, "writing", err);
    } else if (home_sync_file(set->home, HOME_SYNC_PACK, fd, "pack_renew_sync") != 0) {
        st = fail_sync(set, "syncing", err);
    } else if (rename_file(directory_fd, old_path, new_path, "pack_rename") != 0) {
        st = fail_step(set, "renaming", err);
    } else if (home_sync_directory_at(set->home, "packs", "pack_renew_directory_sync") != 0) {
        st = fail_sync(set, "syncing the directory of", err);
    }
    close(fd);
    return st;
}

static enum status
recycle(struct pack_set *set, uint64_t id, uint64_t new_id, struct error *err)
{
    char path[PACK_PATH_SIZE];
    uint64_t capacity_bytes = 0;
    bool is_wanted = false;
    enum status st;

    if (!pack_forget(set, id, &capacity_bytes)) {
        return fail(err, ST_BUSY, "an emptied pack is still held");
    }
    WITH_LOCK (&set->lock) {
        is_wanted = set->free_count < PACK_FREE_MAX && capacity_bytes == set->pack_bytes;
    }
    if (!is_wanted) {
        pack_format_path(path, id);
        if (remove_file(set->home->directory_fd, path, "pack_unlink") != 0 && errno != ENOENT) {
            return fail_step(set, "removing", err);
        }
        return ST_OK;
    }
    st = renew(set, id, new_id, err);
    if (st != ST_OK) {
        return st;
    }
    WITH_LOCK (&set->lock) {
        /* Only the upkeep thread recycles: there is still room. */
        CHECK(set->free_count < PACK_FREE_MAX);
        set->free_ids[set->free_count++] = new_id;
    }
    return ST_OK;
}

enum status
pack_recycle(struct pack_set *set, uint64_t id, struct error *err)
{
    uint64_t new_id = entropy_u64();
    enum status st;

    pack_protect(set, new_id);
    st = recycle(set, id, new_id, err);
    pack_unprotect(set, new_id);
    pack_unprotect(set, id);
    return st;
}

static void
remove_unused(struct pack_set *set, uint64_t id)
{
    char path[PACK_PATH_SIZE];

    pack_format_path(path, id);
    if (remove_file(set->home->directory_fd, path, "pack_stop_unlink") != 0) {
        log_warn(NULL, "pack_not_removed", "%s: %s stays for the sweep", set->home->directory,
                 path);
    }
}

void
pack_remove_unregistered(struct pack_set *set)
{
    if (set->home->is_read_only || home_state(set->home) != HOME_PRESENT) {
        return;
    }
    for (size_t i = 0; i < set->free_count; i++) {
        remove_unused(set, set->free_ids[i]);
    }
    if (set->spare != NULL) {
        remove_unused(set, set->spare->id);
    }
    if (set->active != NULL && !set->active->is_registered) {
        remove_unused(set, set->active->id);
    }
}
