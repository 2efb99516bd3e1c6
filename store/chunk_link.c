/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_link.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "store/chunk_format.h"
#include "store/chunk_guard.h"
#include "store/home_internal.h"

#include "base/banned.h"

struct chunk_link {
    struct chunk_guard_entry guard;
    struct home *home;
    struct home *mountpath;
    struct extent extent;
    char path[CHUNK_PATH_SIZE];
    bool is_made;
};

static bool
is_refusal(int sys_errno)
{
    return sys_errno == EPERM || sys_errno == EMLINK || sys_errno == EOPNOTSUPP ||
           sys_errno == ENOSYS || sys_errno == EXDEV;
}

/* Bytes of a bucket that never syncs them become as durable as the record that is moved. */
static enum status
sync_bytes(struct chunk_link *link, struct error *err)
{
    char shard[CHUNK_PATH_SIZE];
    struct error local = ERROR_INIT;
    int fd = openat(link->mountpath->directory_fd, link->path, O_RDONLY | O_CLOEXEC);
    enum status st = ST_OK;

    chunk_shard_format(shard, link->home->uuid, link->extent.chunk_id.bytes[0]);
    if (fd < 0) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot open a chunk file",
                          link->mountpath->directory);
    }
    if (sync_file_data(fd, "chunk_link_sync") != 0 ||
        sync_directory_at(link->mountpath->directory_fd, shard, "chunk_link_directory_sync") != 0) {
        st = fail_errno(&local, ST_IO, "mountpath %s: syncing a chunk file failed",
                        link->mountpath->directory);
        home_quarantine(link->mountpath, &local);
        if (err != NULL) {
            *err = local;
        }
    }
    close(fd);
    return st;
}

static enum status
make_name(struct chunk_link *link, const char *from, struct error *err)
{
    if (link_file(link->mountpath->directory_fd, from, link->path, "chunk_link") != 0) {
        if (is_refusal(errno)) {
            return fail_errno(err, ST_NOT_IMPLEMENTED, "mountpath %s gives files no second name",
                              link->mountpath->directory);
        }
        return fail_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO,
                          "mountpath %s: cannot give a chunk file a second name",
                          link->mountpath->directory);
    }
    link->is_made = true;
    return sync_bytes(link, err);
}

enum status
chunk_link_create(struct home *from, const struct extent *extent, struct home *to,
                  struct chunk_link **ret_link, struct extent *ret_extent, struct error *err)
{
    struct chunk_link *link;
    struct home *mountpath = store_find_mountpath(from->store, extent->mountpath);
    char path[CHUNK_PATH_SIZE];
    enum status st;

    assert_on_worker();
    CHECK(extent->kind == EXTENT_CHUNK);
    if (mountpath == NULL) {
        return fail(err, ST_UNAVAILABLE, "a chunk file stands on a mountpath that this node lacks");
    }
    st = home_require_commits(mountpath, err);
    if (st != ST_OK) {
        return st;
    }
    link = xcalloc(1, sizeof(*link));
    link->home = to;
    link->mountpath = mountpath;
    link->extent = *extent;
    entropy_fill(link->extent.chunk_id.bytes, CHUNK_ID_BYTES);
    chunk_path_format(path, from->uuid, extent->chunk_id);
    chunk_path_format(link->path, to->uuid, link->extent.chunk_id);
    link->guard.id = link->extent.chunk_id;
    link->guard.mountpath = mountpath;
    chunk_guard_add(to->store->chunk_guard, &link->guard);
    st = make_name(link, path, err);
    if (st != ST_OK) {
        chunk_link_destroy(&link, false);
        return st;
    }
    *ret_extent = link->extent;
    *ret_link = link;
    return ST_OK;
}

void
chunk_link_destroy(struct chunk_link **take_link, bool is_kept)
{
    struct chunk_link *link = *take_link;

    if (link == NULL) {
        return;
    }
    if (link->is_made && !is_kept) {
        /* What stays behind after a failure here is the sweep's. */
        (void)unlinkat(link->mountpath->directory_fd, link->path, 0);
    }
    chunk_guard_remove(link->home->store->chunk_guard, &link->guard);
    free(link);
    *take_link = NULL;
}
