/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one mountpath counts: bytes, syncs, commits, what was collected and removed.  They live with
 * the home and are not registered one by one, because homes come and go; store/store_metrics.h
 * shows them.  Any thread; counting is one relaxed add.
 */
#ifndef STORE_HOME_METRICS_H
#define STORE_HOME_METRICS_H

#include "base/metrics.h"

/* X(counter, name, help) */
#define HOME_COUNTER_LIST(X)                                                                       \
    X(HOME_WRITTEN_BYTES, "lode_store_written_bytes_total",                                        \
      "Bytes written to packs and chunk files on the mountpath.")                                  \
    X(HOME_READ_BYTES, "lode_store_read_bytes_total",                                              \
      "Bytes read from packs and chunk files on the mountpath for readers.")                       \
    X(HOME_BATCHES, "lode_store_commit_batches_total", "Batches written by the committer.")        \
    X(HOME_COMMITS, "lode_store_commits_total", "Commits that these batches held.")                \
    X(HOME_OPERATIONS, "lode_store_commit_operations_total",                                       \
      "Changes of records that these batches held.")                                               \
    X(HOME_PACKS_COLLECTED, "lode_store_packs_collected_total",                                    \
      "Packs that the collector emptied or found empty, and released.")                            \
    X(HOME_PACK_MOVED_BYTES, "lode_store_pack_moved_bytes_total",                                  \
      "Live bytes that the collector wrote again.")                                                \
    X(HOME_CHUNKS_CREATED, "lode_store_chunk_files_created_total",                                 \
      "Chunk files created on the mountpath.")                                                     \
    X(HOME_CHUNKS_REMOVED, "lode_store_chunk_files_removed_total",                                 \
      "Chunk files removed from the mountpath: dropped or given up.")                              \
    X(HOME_CRC_MISMATCHES, "lode_store_crc_mismatches_total",                                      \
      "Reads that met bytes which fail their checksum.")                                           \
    X(HOME_SWEPT_FILES, "lode_store_swept_files_total",                                            \
      "Files that no record named, removed by the sweep.")

enum home_counter {
#define HOME_COUNTER_ENUM(counter, name, help) counter,
    HOME_COUNTER_LIST(HOME_COUNTER_ENUM)
#undef HOME_COUNTER_ENUM
        HOME_COUNTER_COUNT
};

/* What is synced; label `kind` of lode_store_sync_seconds. */
enum home_sync_kind {
    HOME_SYNC_PACK,
    HOME_SYNC_CHUNK,
    HOME_SYNC_DIRECTORY,
    HOME_SYNC_LOG, /* with the write of the batch, where that syncs */
    HOME_SYNC_KIND_COUNT
};

struct home;

struct home_metrics {
    char *labels[1 + HOME_SYNC_KIND_COUNT]; /* of the counters; of each kind of sync */
    struct metric counters[HOME_COUNTER_COUNT];
    struct metric syncs[HOME_SYNC_KIND_COUNT];
};

struct home_metrics *home_metrics_create(const char *directory);
void home_metrics_destroy(struct home_metrics **take_metrics);

void home_count(struct home *home, enum home_counter counter, uint64_t amount);
/* A sync that began at start_ns (monotonic) is over. */
void home_note_sync(struct home *home, enum home_sync_kind kind, int64_t start_ns);
/* As those of store/disk_sync.h; the home is the one of the mountpath that the file stands on. */
int home_sync_file(struct home *home, enum home_sync_kind kind, int fd, const char *what);
int home_sync_directory(struct home *home, int fd, const char *what);
int home_sync_directory_at(struct home *home, const char *path, const char *what);

#endif
