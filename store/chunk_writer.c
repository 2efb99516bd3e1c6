/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/fault.h"
#include "base/memory.h"
#include "store/chunk_format.h"
#include "store/chunk_guard.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/lazy_sync.h"
#include "store/space.h"
#include "store/store_limits.h"
#include "stream/crc.h"

#include "base/banned.h"

/* Space is allocated in such steps where the size is not known. */
#define ALLOCATE_STEP_BYTES ((uint64_t)8 << 20)
/* Dirty bytes are handed to the disk in such pieces, so that the final sync is short. */
#define WRITE_BEHIND_BYTES ((uint64_t)1 << 20)

struct chunk_writer {
    struct chunk_guard_entry guard;
    struct home *home;
    struct home *mountpath;
    struct extent extent; /* length grows */
    enum durability durability;
    int fd;          /* -1 before create and after finish */
    bool is_created; /* the file exists */
    char path[CHUNK_PATH_SIZE];
    uint64_t allocated_bytes; /* of the file */
    uint64_t behind_bytes;    /* of the data: handed to the disk so far */
    uint32_t block_crc;       /* of the block that is not full yet */
    struct buffer table;      /* CRCs of full blocks */
};

/* A full disk is no fault of the disk; anything else is, and the home that would name the file
 * goes with the mountpath. */
static enum status
fail_file(struct chunk_writer *writer, const char *step, struct error *err)
{
    struct error local = ERROR_INIT;
    enum status st;

    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
        return fail_errno(err, ST_NO_SPACE, "mountpath %s has no space for a chunk file",
                          writer->mountpath->directory);
    }
    st = fail_errno(&local, ST_IO, "mountpath %s: %s a chunk file failed",
                    writer->mountpath->directory, step);
    if (errno != EMFILE && errno != ENFILE) {
        home_quarantine(writer->mountpath, &local);
    }
    if (err != NULL) {
        *err = local;
    }
    return st;
}

/* Bytes of the whole file that holds so much data. */
static uint64_t
file_bytes(uint64_t length)
{
    return chunk_table_offset(length) + 4 * chunk_block_count(length);
}

static enum status
allocate_until(struct chunk_writer *writer, uint64_t bytes, struct error *err)
{
    enum status st;

    if (bytes <= writer->allocated_bytes) {
        return ST_OK;
    }
    st = space_take(writer->mountpath->space, bytes - writer->allocated_bytes,
                    writer->mountpath->directory, err);
    if (st != ST_OK) {
        return st;
    }
    if (allocate_space(writer->fd, (off_t)writer->allocated_bytes,
                       (off_t)(bytes - writer->allocated_bytes), "chunk_allocate") != 0) {
        return fail_file(writer, "allocating", err);
    }
    writer->allocated_bytes = bytes;
    return ST_OK;
}

static enum status
write_header(struct chunk_writer *writer, const struct chunk_writer_options *options,
             struct error *err)
{
    unsigned char block[CHUNK_HEADER_BYTES];
    struct iovec iov = {block, sizeof(block)};
    struct chunk_header header = {
        .chunk_id = writer->extent.chunk_id,
        .write_id = writer->extent.write_id,
        .bucket_id = options->bucket_id,
        .part_number = options->part_number,
        .key = options->key,
    };

    memcpy(header.home_uuid, writer->home->uuid, sizeof(header.home_uuid));
    if (options->upload != NULL) {
        header.upload = *options->upload;
    }
    chunk_header_encode(&header, block);
    if (write_fully(writer->fd, &iov, 1, 0, "chunk_header_write") != 0) {
        return fail_file(writer, "writing", err);
    }
    return ST_OK;
}

static enum status
create_file(struct chunk_writer *writer, const struct chunk_writer_options *options,
            struct error *err)
{
    int sys_errno = FAULT_ERRNO("chunk_create");
    enum status st;

    if (sys_errno == 0) {
        writer->fd = openat(writer->mountpath->directory_fd, writer->path,
                            O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } else {
        errno = sys_errno;
    }
    if (writer->fd < 0) {
        return fail_file(writer, "creating", err);
    }
    writer->is_created = true;
    home_count(writer->mountpath, HOME_CHUNKS_CREATED, 1);
    st = allocate_until(
        writer, file_bytes(options->size_hint > 0 ? options->size_hint : ALLOCATE_STEP_BYTES), err);
    return st == ST_OK ? write_header(writer, options, err) : st;
}

enum status
chunk_writer_create(const struct chunk_writer_options *options, struct chunk_writer **ret_writer,
                    struct error *err)
{
    struct chunk_writer *writer = xcalloc(1, sizeof(*writer));
    enum status st;

    writer->home = options->home;
    writer->mountpath = options->mountpath;
    writer->durability = options->durability;
    writer->fd = -1;
    writer->extent.kind = EXTENT_CHUNK;
    writer->extent.write_id = options->write_id;
    entropy_fill(writer->extent.chunk_id.bytes, CHUNK_ID_BYTES);
    memcpy(writer->extent.mountpath, options->mountpath->uuid, sizeof(writer->extent.mountpath));
    chunk_path_format(writer->path, options->home->uuid, writer->extent.chunk_id);
    writer->guard.id = writer->extent.chunk_id;
    writer->guard.mountpath = options->mountpath;
    chunk_guard_add(options->home->store->chunk_guard, &writer->guard);
    st = create_file(writer, options, err);
    if (st != ST_OK) {
        chunk_writer_destroy(&writer, false);
        return st;
    }
    *ret_writer = writer;
    return ST_OK;
}

static void
end_block(struct chunk_writer *writer)
{
    encode_u32_be(buffer_reserve(&writer->table, 4), writer->block_crc);
    writer->table.size += 4;
    writer->block_crc = 0;
}

/* Add data to the CRCs; the extent's length grows. */
static void
digest(struct chunk_writer *writer, struct bytes data)
{
    while (data.size > 0) {
        size_t room = EXTENT_BLOCK_BYTES - writer->extent.length % EXTENT_BLOCK_BYTES;
        size_t size = data.size < room ? data.size : room;

        writer->block_crc = crc32_castagnoli(writer->block_crc, bytes_slice(data, 0, size));
        writer->extent.length += size;
        if (size == room) {
            end_block(writer);
        }
        data = bytes_slice(data, size, data.size);
    }
}

/* Start write-back early.  Its result does not matter: the final sync reports what failed. */
static void
write_behind(struct chunk_writer *writer)
{
    uint64_t size = writer->extent.length - writer->behind_bytes;

    if (size >= WRITE_BEHIND_BYTES && writer->durability == DURABILITY_STRICT) {
        (void)sync_file_range(writer->fd, (off_t)(CHUNK_HEADER_BYTES + writer->behind_bytes),
                              (off_t)size, SYNC_FILE_RANGE_WRITE);
        writer->behind_bytes = writer->extent.length;
    }
}

enum status
chunk_writer_write(struct chunk_writer *writer, struct bytes data, struct error *err)
{
    while (data.size > 0) {
        size_t size = data.size < WRITE_BYTES_MAX ? data.size : WRITE_BYTES_MAX;
        struct iovec iov = {(char *)data.data, size};
        uint64_t needed = file_bytes(writer->extent.length + size);
        enum status st = ST_OK;

        if (needed > writer->allocated_bytes) {
            st = allocate_until(writer, needed + ALLOCATE_STEP_BYTES, err);
        }
        if (st != ST_OK) {
            return st;
        }
        if (write_fully(writer->fd, &iov, 1, (off_t)(CHUNK_HEADER_BYTES + writer->extent.length),
                        "chunk_write") != 0) {
            return fail_file(writer, "writing", err);
        }
        home_count(writer->mountpath, HOME_WRITTEN_BYTES, size);
        digest(writer, bytes_slice(data, 0, size));
        write_behind(writer);
        data = bytes_slice(data, size, data.size);
    }
    return ST_OK;
}

static enum status
sync_now(struct chunk_writer *writer, struct error *err)
{
    char shard[CHUNK_PATH_SIZE];

    chunk_shard_format(shard, writer->home->uuid, writer->extent.chunk_id.bytes[0]);
    if (home_sync_file(writer->mountpath, HOME_SYNC_CHUNK, writer->fd, "chunk_sync") != 0) {
        return fail_file(writer, "syncing", err);
    }
    if (home_sync_directory_at(writer->mountpath, shard, "chunk_directory_sync") != 0) {
        return fail_file(writer, "syncing the directory of", err);
    }
    return ST_OK;
}

/* Relaxed: synced together with others within the interval. */
static enum status
sync_later(struct chunk_writer *writer, struct error *err)
{
    char shard[CHUNK_PATH_SIZE];
    int fd;
    int directory_fd;

    chunk_shard_format(shard, writer->home->uuid, writer->extent.chunk_id.bytes[0]);
    fd = fcntl(writer->fd, F_DUPFD_CLOEXEC, 0);
    directory_fd =
        openat(writer->mountpath->directory_fd, shard, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && directory_fd >= 0 && lazy_sync_add(writer->home->lazy, &fd, &directory_fd)) {
        return ST_OK;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (directory_fd >= 0) {
        close(directory_fd);
    }
    return sync_now(writer, err);
}

enum status
chunk_writer_finish(struct chunk_writer *writer, struct extent *ret_extent, struct error *err)
{
    struct iovec iov;
    enum status st = ST_OK;

    if (writer->extent.length % EXTENT_BLOCK_BYTES != 0) {
        end_block(writer);
    }
    writer->extent.table_crc = crc32_castagnoli(0, buffer_bytes(&writer->table));
    iov = (struct iovec){writer->table.data, writer->table.size};
    if (write_fully(writer->fd, &iov, 1, (off_t)chunk_table_offset(writer->extent.length),
                    "chunk_table_write") != 0) {
        return fail_file(writer, "writing", err);
    }
    home_count(writer->mountpath, HOME_WRITTEN_BYTES, CHUNK_HEADER_BYTES + writer->table.size);
    if (writer->allocated_bytes != file_bytes(writer->extent.length) &&
        truncate_file(writer->fd, (off_t)file_bytes(writer->extent.length), "chunk_truncate") !=
            0) {
        return fail_file(writer, "truncating", err);
    }
    if (writer->durability == DURABILITY_STRICT) {
        st = sync_now(writer, err);
    } else if (writer->durability == DURABILITY_RELAXED) {
        st = sync_later(writer, err);
    }
    if (st == ST_OK) {
        *ret_extent = writer->extent;
        close(writer->fd); /* an object may have thousands of these */
        writer->fd = -1;
        buffer_release(&writer->table);
    }
    return st;
}

void
chunk_writer_destroy(struct chunk_writer **take_writer, bool is_kept)
{
    struct chunk_writer *writer = *take_writer;

    if (writer == NULL) {
        return;
    }
    if (writer->is_created && !is_kept) {
        /* What stays behind after a failure here is the sweep's. */
        if (unlinkat(writer->mountpath->directory_fd, writer->path, 0) == 0) {
            home_count(writer->mountpath, HOME_CHUNKS_REMOVED, 1);
        }
    }
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    chunk_guard_remove(writer->home->store->chunk_guard, &writer->guard);
    buffer_release(&writer->table);
    free(writer);
    *take_writer = NULL;
}
