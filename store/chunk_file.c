/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"

#include "base/disk_sync.h"
#include "base/memory.h"
#include "store/chunk_format.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/path_open.h"
#include "stream/crc.h"

#include "base/banned.h"

struct chunk_reader {
    struct home *mountpath; /* that the file stands on; the reader's pin keeps it */
    int fd;
    struct extent extent;
    unsigned char *table; /* big-endian CRC32C per block */
};

/* The mountpath that holds the file. */
static enum status
find_mountpath(struct home *home, const struct extent *extent, struct home **ret_mountpath,
               struct error *err)
{
    struct home *mountpath = store_find_mountpath(home->store, extent->mountpath);

    if (mountpath == NULL) {
        return fail(err, ST_UNAVAILABLE, "a chunk file stands on a mountpath that this node lacks");
    }
    *ret_mountpath = mountpath;
    return home_require_readable(mountpath, err);
}

enum status
chunk_file_sync(struct home *home, const struct extent *extent, struct error *err)
{
    struct home *mountpath = NULL;
    char path[CHUNK_PATH_SIZE];
    char shard[CHUNK_PATH_SIZE];
    struct error local = ERROR_INIT;
    int fd = -1;
    enum status st;

    if (extent->kind != EXTENT_CHUNK) {
        return ST_OK;
    }
    st = find_mountpath(home, extent, &mountpath, err);
    if (st != ST_OK) {
        return st;
    }
    chunk_path_format(path, home->uuid, extent->chunk_id);
    chunk_shard_format(shard, home->uuid, extent->chunk_id.bytes[0]);
    st = open_path(mountpath->directory_fd, path, O_RDONLY, READ_MAY_WAIT, &fd, err);
    if (st != ST_OK) {
        /* Dropped since the decision: the committer finds out. */
        return st == ST_NOT_FOUND ? ST_OK : st;
    }
    if (home_sync_file(mountpath, HOME_SYNC_CHUNK, fd, "shared_chunk_sync") != 0 ||
        home_sync_directory_at(mountpath, shard, "shared_chunk_directory_sync") != 0) {
        st = fail_errno(&local, ST_IO, "mountpath %s: syncing a chunk file failed",
                        mountpath->directory);
        home_quarantine(mountpath, &local);
        if (err != NULL) {
            *err = local;
        }
    }
    close(fd);
    return st;
}

enum status
chunk_file_remove(struct home *home, const struct extent *extent, struct error *err)
{
    struct home *mountpath = store_find_mountpath(home->store, extent->mountpath);
    char path[CHUNK_PATH_SIZE];
    enum status st;

    if (mountpath == NULL || home_is_gone(mountpath)) {
        return ST_OK; /* given up with the mountpath */
    }
    st = home_require_readable(mountpath, err);
    if (st != ST_OK) {
        return st;
    }
    if (home_state(mountpath) != HOME_PRESENT) {
        return fail(err, ST_UNAVAILABLE, "mountpath %s is quarantined: nothing is freed there",
                    mountpath->directory);
    }
    chunk_path_format(path, home->uuid, extent->chunk_id);
    if (remove_file(mountpath->directory_fd, path, "chunk_unlink") == 0) {
        home_count(mountpath, HOME_CHUNKS_REMOVED, 1);
        return ST_OK;
    }
    if (errno == ENOENT) {
        return ST_OK;
    }
    return fail_errno(err, ST_IO, "mountpath %s: cannot remove a chunk file", mountpath->directory);
}

/* Directories below one with this flag spread over the block groups of ext4: without it, files
 * deleted a minute ago make every create below scan past them.  Others ignore it. */
static void
set_top_directory(int fd)
{
    int flags = 0;

    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_TOPDIR_FL;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
}

static bool
make_directory(int parent_fd, const char *name)
{
    return mkdirat(parent_fd, name, 0700) == 0 || errno == EEXIST;
}

/* The syncs follow also when all shards are there: whoever made them may have been killed before.
 */
static enum status
create_shards(int parent_fd, const char *directory, struct error *err)
{
    char name[3];
    bool is_complete;

    snprintf(name, sizeof(name), "%02x", CHUNK_SHARD_COUNT - 1);
    is_complete = faccessat(parent_fd, name, F_OK, 0) == 0;
    if (!is_complete) {
        set_top_directory(parent_fd);
    }
    for (unsigned int shard = 0; shard < CHUNK_SHARD_COUNT && !is_complete; shard++) {
        snprintf(name, sizeof(name), "%02x", shard);
        if (!make_directory(parent_fd, name)) {
            return fail_errno(err, ST_IO, "mountpath %s: cannot create a directory", directory);
        }
    }
    if (sync_directory(parent_fd, "chunk_shards_sync") != 0) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot sync a directory", directory);
    }
    return ST_OK;
}

enum status
chunk_directories_create(struct home *home, struct home *mountpath, struct error *err)
{
    char parent[CHUNK_PATH_SIZE];
    char last[CHUNK_PATH_SIZE];
    int fd;
    enum status st;

    chunk_shard_format(last, home->uuid, CHUNK_SHARD_COUNT - 1);
    snprintf(parent, sizeof(parent), "%.*s", (int)(strlen(last) - 3), last);
    if (!make_directory(mountpath->directory_fd, "chunks") ||
        !make_directory(mountpath->directory_fd, parent)) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot create a directory",
                          mountpath->directory);
    }
    fd = openat(mountpath->directory_fd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot open a directory",
                          mountpath->directory);
    }
    st = create_shards(fd, mountpath->directory, err);
    close(fd);
    if (st == ST_OK &&
        (sync_directory_at(mountpath->directory_fd, "chunks", "chunk_parent_sync") != 0 ||
         sync_directory(mountpath->directory_fd, "mountpath_sync") != 0)) {
        st = fail_errno(err, ST_IO, "mountpath %s: cannot sync a directory", mountpath->directory);
    }
    return st;
}

static enum status
check_header(const struct chunk_reader *reader, enum read_mode mode, struct error *err)
{
    unsigned char block[CHUNK_HEADER_BYTES];
    struct chunk_header header;
    enum status st =
        read_exactly(reader->fd, block, sizeof(block), 0, mode, "chunk_header_read", err);

    if (st == ST_OK) {
        st = chunk_header_decode(block, &header, err);
    }
    /* Not its chunk id and home: it may have been linked from there (store/chunk_link.h).  The
     * chunks of one write are told apart by the checksum of their tables. */
    if (st == ST_OK &&
        memcmp(header.write_id.bytes, reader->extent.write_id.bytes, WRITE_ID_BYTES) != 0) {
        st = fail(err, ST_CORRUPT, "a chunk file holds other bytes than its name says");
    }
    return st;
}

static enum status
load_table(struct chunk_reader *reader, enum read_mode mode, struct error *err)
{
    size_t size = 4 * (size_t)chunk_block_count(reader->extent.length);
    enum status st;

    reader->table = xmalloc(size > 0 ? size : 1);
    st = read_exactly(reader->fd, reader->table, size,
                      (off_t)chunk_table_offset(reader->extent.length), mode, "chunk_table_read",
                      err);
    if (st == ST_OK &&
        crc32_castagnoli(0, bytes_of(reader->table, size)) != reader->extent.table_crc) {
        home_count(reader->mountpath, HOME_CRC_MISMATCHES, 1);
        st = fail(err, ST_CORRUPT, "the table of block checksums of a chunk file is damaged");
    }
    return st;
}

enum status
chunk_reader_open(struct home *home, const struct extent *extent, enum read_mode mode,
                  struct chunk_reader **ret_reader, struct error *err)
{
    struct chunk_reader *reader;
    struct home *mountpath = NULL;
    char path[CHUNK_PATH_SIZE];
    int fd = -1;
    enum status st = find_mountpath(home, extent, &mountpath, err);

    if (st != ST_OK) {
        return st;
    }
    chunk_path_format(path, home->uuid, extent->chunk_id);
    st = open_path(mountpath->directory_fd, path, O_RDONLY, mode, &fd, err);
    if (st != ST_OK) {
        return st == ST_NOT_FOUND ? fail(err, ST_CORRUPT, "mountpath %s: chunk file %s is missing",
                                         mountpath->directory, path)
                                  : st;
    }
    reader = xcalloc(1, sizeof(*reader));
    reader->mountpath = mountpath;
    reader->fd = fd;
    reader->extent = *extent;
    st = check_header(reader, mode, err);
    if (st == ST_OK) {
        st = load_table(reader, mode, err);
    }
    if (st != ST_OK) {
        chunk_reader_close(&reader);
        return st;
    }
    *ret_reader = reader;
    return ST_OK;
}

enum status
chunk_reader_read(struct chunk_reader *reader, uint64_t offset, char *out, size_t size,
                  enum read_mode mode, struct error *err)
{
    enum status st;

    CHECK(offset % EXTENT_BLOCK_BYTES == 0 && offset + size <= reader->extent.length);
    CHECK(size % EXTENT_BLOCK_BYTES == 0 || offset + size == reader->extent.length);
    st = read_exactly(reader->fd, out, size, (off_t)(CHUNK_HEADER_BYTES + offset), mode,
                      "chunk_read", err);
    home_count(reader->mountpath, HOME_READ_BYTES, st == ST_OK ? size : 0);
    for (size_t at = 0; st == ST_OK && at < size; at += EXTENT_BLOCK_BYTES) {
        size_t block_size = size - at < EXTENT_BLOCK_BYTES ? size - at : EXTENT_BLOCK_BYTES;
        uint64_t block = (offset + at) / EXTENT_BLOCK_BYTES;

        if (crc32_castagnoli(0, bytes_of(out + at, block_size)) !=
            decode_u32_be(reader->table + 4 * block)) {
            home_count(reader->mountpath, HOME_CRC_MISMATCHES, 1);
            st = fail(err, ST_CORRUPT, "block %" PRIu64 " of a chunk file fails its checksum",
                      block);
        }
    }
    return st;
}

int
chunk_reader_lend_fd(struct chunk_reader *reader, size_t size)
{
    home_count(reader->mountpath, HOME_READ_BYTES, size);
    return reader->fd;
}

void
chunk_reader_close(struct chunk_reader **take_reader)
{
    if (*take_reader != NULL) {
        close((*take_reader)->fd);
        free((*take_reader)->table);
        free(*take_reader);
        *take_reader = NULL;
    }
}
