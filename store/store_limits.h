/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the store, each with its unit and reason. */
#ifndef STORE_STORE_LIMITS_H
#define STORE_STORE_LIMITS_H

#include <stdint.h>

/* Up to so many bytes stand in the record: below, a pack entry costs more than it saves. */
#define INLINE_BYTES_MAX ((uint64_t)512)
/* Up to so many bytes go to a pack (one upload buffer): above, own files have the better space
 * economy, below, they cost an inode and a directory sync each. */
#define PACK_DATA_BYTES_MAX ((uint64_t)256 << 10)
/* Size of a full chunk file where a bucket does not say. */
#define CHUNK_BYTES_DEFAULT ((uint64_t)64 << 20)
/* Size of a pack: one fallocate per some thousand objects, small enough to be collected whole. */
#define PACK_BYTES_DEFAULT ((uint64_t)64 << 20)
#define PACK_BYTES_MIN ((uint64_t)1 << 20)
/* Packs kept open per home; beyond that the least recently read is closed. */
#define PACK_OPEN_MAX 1024
/* Emptied packs kept for reuse: their blocks are written already, which spares the journal. */
#define PACK_FREE_MAX 8
/* No single write above this: beyond, the kernel takes 3 times the CPU for the same bytes. */
#define WRITE_BYTES_MAX ((size_t)1 << 20)

/* Requests and bytes of one batch: enough to share the two syncs, short enough for latency. */
#define BATCH_COMMIT_MAX 128
#define BATCH_BYTES_MAX ((size_t)8 << 20)
/* Slots "last batch that wrote a key with this hash"; 512 KiB per home, 0.04 % false conflicts. */
#define WRITE_SLOT_COUNT 65536
/* seq numbers reserved durably at a time: one extra synced write per so many commits. */
#define SEQ_BLOCK ((uint64_t)1 << 20)

/* Readers and scans at once per home without falling back to blocking all reclamation. */
#define PIN_SLOT_COUNT 4096

#define CACHE_BYTES_DEFAULT ((uint64_t)128 << 20)
#define WRITE_BUFFER_BYTES_DEFAULT ((uint64_t)128 << 20)
/* A home gets at least this much memtable, however many share. */
#define WRITE_BUFFER_BYTES_MIN ((uint64_t)16 << 20)
/* Replayed at a start after a crash: about a second. */
#define WAL_BYTES_MAX ((uint64_t)64 << 20)
/* Below this much free space writes get ST_NO_SPACE, so that deletes and RocksDB still can. */
#define FREE_FLOOR_BYTES_DEFAULT ((uint64_t)1 << 30)
/* statvfs is asked again after this long. */
#define SPACE_CACHE_MS 1000
#define SWEEP_AGE_S_DEFAULT 3600
/* A clean stop frees what was dropped for so long at most, all homes together: some ten thousand
 * files.  The rest is left to the next start and the sweep. */
#define RECLAIM_STOP_MS 5000
#define LAZY_SYNC_INTERVAL_MS_DEFAULT 1000

#endif
