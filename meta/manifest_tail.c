/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/manifest_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/current_file.h"

#include "base/banned.h"

/* SPEC: RocksDB, "Write Ahead Log File Format": blocks of 32 KiB, in them records of a masked
 * CRC32C (of type and payload), a length, a type, the payload. */
#define LOG_BLOCK_BYTES ((size_t)32768)
#define LOG_HEADER_BYTES ((size_t)7)
#define LOG_TYPE_FULL 1
#define LOG_TYPE_LAST 4
#define CRC_MASK_DELTA UINT32_C(0xa282ead8)
#define CRC32C_POLYNOMIAL UINT32_C(0x82f63b78)
/* What a disk writes as a whole. */
#define SECTOR_BYTES ((size_t)512)
/* RocksDB starts a new manifest long before this. */
#define MANIFEST_BYTES_MAX ((size_t)2 << 30)

/* Bit by bit: a manifest is small and this runs only after an unusual power cut. */
static uint32_t
crc32c(const unsigned char *data, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL : 0);
        }
    }
    return ~crc;
}

/* Bytes of the fragment at offset with its header, 0 if it is not whole. */
static size_t
fragment_size(struct bytes file, size_t offset)
{
    const unsigned char *at = (const unsigned char *)file.data + offset;
    size_t left_in_block = LOG_BLOCK_BYTES - offset % LOG_BLOCK_BYTES;
    size_t left = file.size - offset < left_in_block ? file.size - offset : left_in_block;
    size_t length;
    uint32_t masked;
    uint32_t crc;

    if (left < LOG_HEADER_BYTES) {
        return 0;
    }
    length = (size_t)at[4] | (size_t)at[5] << 8;
    if (at[6] < LOG_TYPE_FULL || at[6] > LOG_TYPE_LAST || LOG_HEADER_BYTES + length > left) {
        return 0;
    }
    masked = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    crc = crc32c(at + 6, length + 1);
    if (masked != ((crc >> 15) | (crc << 17)) + CRC_MASK_DELTA) {
        return 0;
    }
    return LOG_HEADER_BYTES + length;
}

/* Where the whole records end, from the start. */
static size_t
sound_size(struct bytes file)
{
    size_t offset = 0;
    size_t sound = 0;

    while (offset < file.size) {
        size_t left_in_block = LOG_BLOCK_BYTES - offset % LOG_BLOCK_BYTES;
        size_t size;

        if (left_in_block < LOG_HEADER_BYTES) {
            offset += left_in_block; /* filler */
            continue;
        }
        size = fragment_size(file, offset);
        if (size == 0) {
            break;
        }
        if (file.data[offset + 6] == LOG_TYPE_FULL || file.data[offset + 6] == LOG_TYPE_LAST) {
            sound = offset + size;
        }
        offset += size;
    }
    return sound;
}

/* A sector that never reached the disk holds the zeros of the page that was written before it. */
static bool
has_missing_sector(struct bytes file, size_t sound)
{
    static const char zeros[SECTOR_BYTES];
    size_t from = sound;

    while (from < file.size) {
        size_t to = (from / SECTOR_BYTES + 1) * SECTOR_BYTES;

        to = to < file.size ? to : file.size;
        if (memcmp(file.data + from, zeros, to - from) == 0) {
            return true;
        }
        from = to;
    }
    return false;
}

/* Blocks begin with a header, so whole records behind the damage can be found there. */
static bool
has_later_record(struct bytes file, size_t sound)
{
    size_t offset = (sound / LOG_BLOCK_BYTES + 1) * LOG_BLOCK_BYTES;

    while (offset < file.size) {
        if (fragment_size(file, offset) > 0) {
            return true;
        }
        offset += LOG_BLOCK_BYTES;
    }
    return false;
}

static enum status
read_file(int fd, const char *path, struct buffer *out, struct error *err)
{
    struct stat status;
    size_t size;

    if (fstat(fd, &status) != 0) {
        return fail_errno(err, ST_IO, "%s: fstat failed", path);
    }
    if (status.st_size < 0 || (size_t)status.st_size > MANIFEST_BYTES_MAX) {
        return fail(err, ST_CORRUPT, "%s is too large for a manifest", path);
    }
    size = (size_t)status.st_size;
    buffer_reserve(out, size);
    while (out->size < size) {
        ssize_t got = pread(fd, out->data + out->size, size - out->size, (off_t)out->size);

        if (got < 0 && errno != EINTR) {
            return fail_errno(err, ST_IO, "%s: read failed", path);
        }
        if (got == 0) {
            break;
        }
        out->size += got > 0 ? (size_t)got : 0;
    }
    return ST_OK;
}

static enum status
cut(int fd, const char *path, struct bytes file, struct error *err)
{
    size_t sound = sound_size(file);

    if (sound == 0 || sound == file.size) {
        return fail(err, ST_CORRUPT, "%s is damaged, and not by a torn append", path);
    }
    if (!has_missing_sector(file, sound) || has_later_record(file, sound)) {
        return fail(err, ST_CORRUPT, "%s is damaged at %zu of %zu bytes, and not by a torn append",
                    path, sound, file.size);
    }
    if (ftruncate(fd, (off_t)sound) != 0 || fdatasync(fd) != 0) {
        return fail_errno(err, ST_IO, "%s: cutting the torn tail failed", path);
    }
    log_warn(NULL, "manifest_tail_cut",
             "%s: a record at %zu of %zu bytes was torn by a power cut before it was synced and is "
             "left out",
             path, sound, file.size);
    return ST_OK;
}

enum status
manifest_tail_cut(const char *directory, struct error *err)
{
    struct buffer file = BUFFER_INIT;
    char manifest[META_FILE_NAME_SIZE];
    char *path = NULL;
    int fd = -1;
    enum status st = current_file_read(directory, manifest, err);

    if (st != ST_OK) {
        goto out;
    }
    path = xasprintf("%s/%s", directory, manifest);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        st = fail_errno(err, ST_IO, "%s: open failed", path);
        goto out;
    }
    st = read_file(fd, path, &file, err);
    if (st == ST_OK) {
        st = cut(fd, path, buffer_bytes(&file), err);
    }
out:
    if (fd >= 0) {
        close(fd);
    }
    buffer_release(&file);
    free(path);
    return st;
}
