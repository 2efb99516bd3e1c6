/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One chunk file: chunks/<home UUID>/<xx>/<chunk id> on some mountpath.
 *   header (4 KiB), data, at the tail the table of CRC32C per EXTENT_BLOCK_BYTES
 * No temporary names and no renames: nothing names the file until a record does.
 *
 * Writing:  create -> write* -> finish -> close      then a commit names it
 *           create -> write* -> abandon              the file is removed
 * Reading:  open (header checked) -> read blocks
 */
#ifndef STORE_CHUNK_FILE_H
#define STORE_CHUNK_FILE_H

#include "meta/upload_record.h"
#include "store/commit.h"
#include "store/home.h"
#include "stream/source.h"

#define CHUNK_HEADER_BYTES ((size_t)4096)

struct chunk_writer;

struct chunk_writer_options {
    struct home *home;      /* whose records will name it */
    struct home *mountpath; /* where it stands */
    struct write_id write_id;
    uint64_t bucket_id;
    struct bytes key;
    const struct upload_id *upload; /* NULL: an object */
    uint32_t part_number;
    uint64_t size_hint; /* bytes that will come, at most; 0: unknown */
    enum durability durability;
};

MUST_USE enum status chunk_writer_create(const struct chunk_writer_options *options,
                                         struct chunk_writer **ret_writer, struct error *err);
MUST_USE enum status chunk_writer_write(struct chunk_writer *writer, struct bytes data,
                                        struct error *err);
/* Writes the table; strict: syncs file and directory.  *ret_extent names the file. */
MUST_USE enum status chunk_writer_finish(struct chunk_writer *writer, struct extent *ret_extent,
                                         struct error *err);
/* is_kept: the file stays (a commit names it, or may), else it is removed. */
void chunk_writer_destroy(struct chunk_writer **take_writer, bool is_kept);

/* Make an existing file durable: a strict commit names it once more.  Quarantines on failure. */
MUST_USE enum status chunk_file_sync(struct home *home, const struct extent *extent,
                                     struct error *err);
/* Remove a file that no record names; a missing one is fine. */
MUST_USE enum status chunk_file_remove(struct home *home, const struct extent *extent,
                                       struct error *err);
/* The directories for files of home on mountpath exist after this. */
MUST_USE enum status chunk_directories_create(struct home *home, struct home *mountpath,
                                              struct error *err);

struct chunk_reader;

/* Checks the header against the extent.  READ_NO_WAIT: ST_WOULD_WAIT. */
MUST_USE enum status chunk_reader_open(struct home *home, const struct extent *extent,
                                       enum read_mode mode, struct chunk_reader **ret_reader,
                                       struct error *err);
/* size bytes from offset; both within the extent, offset at a block, size a multiple of the block
 * size or up to the end.  Verified. */
MUST_USE enum status chunk_reader_read(struct chunk_reader *reader, uint64_t offset, char *out,
                                       size_t size, enum read_mode mode, struct error *err);
/* The file, for sending size bytes of it unverified; counted as read. */
int chunk_reader_lend_fd(struct chunk_reader *reader, size_t size);
void chunk_reader_close(struct chunk_reader **take_reader);

#endif
