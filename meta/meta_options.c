/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting of RocksDB stands here, with its reason where it is not the default.
 */
#include <pthread.h>

#include "base/check.h"
#include "base/memory.h"
#include "meta/meta_internal.h"

#include "base/banned.h"

/* Some 70 records; the block size is the cost of a cold read and of the index in memory. */
#define RECORD_BLOCK_BYTES ((size_t)16 << 10)
#define BLOOM_BITS_PER_KEY 10.0
#define TABLE_FORMAT_VERSION 5
#define INDEX_TWO_LEVEL 2 /* rocksdb_block_based_table_index_type_two_level_index_search */
/* A flushed file with so many deletions among so many neighbours is compacted at once: a
 * tombstone costs every listing that passes it 0.25 us. */
#define DELETION_WINDOW 10000
#define DELETION_TRIGGER 2500
/* One memtable of a family; all of them together are bounded by db_write_buffer_size. */
#define FAMILY_BUFFER_BYTES ((size_t)64 << 20)
/* Two memtables and few jobs: 7.8 may reorder a retried flush beside parallel ones. */
#define FAMILY_BUFFER_COUNT 2
/* Most new keys are asked for once in vain before they are written; a filter of 1 MiB answers
 * without a walk through the memtable's list. */
#define FILTER_SHARE_OF_BUFFER (1.0 / 64)
#define BACKGROUND_JOBS 2
#define FLUSH_THREADS 1
/* A counter that is added to often is folded in the memtable instead of keeping each operand. */
#define SUCCESSIVE_MERGE_MAX 64
/* Dirty pages of flushes and compactions go out as they come, not all at the end. */
#define TABLE_BYTES_PER_SYNC ((uint64_t)1 << 20)
#define INFO_LOG_FILES 4
#define INFO_LOG_BYTES ((size_t)4 << 20)
/* Debian's build aborts the process at the second line that it cannot write to its own log: on a
 * full or read-only disk a warning of RocksDB would take the whole node down. */
#define INFO_LOG_FATAL 4
#define RECOVERY_POINT_IN_TIME 2

/* Shards much smaller than a filter block would evict each other at every read. */
#define CACHE_SHARD_BYTES_MIN ((size_t)16 << 20)
#define CACHE_SHARD_BITS_MAX 6

static pthread_once_t env_once = PTHREAD_ONCE_INIT;
static rocksdb_env_t *env; /* process-wide, never destroyed */

static void
init_env(void)
{
    env = rocksdb_create_default_env();
    rocksdb_env_set_low_priority_background_threads(env, BACKGROUND_JOBS);
    rocksdb_env_set_high_priority_background_threads(env, FLUSH_THREADS);
    rocksdb_env_lower_thread_pool_cpu_priority(env);
    rocksdb_env_lower_thread_pool_io_priority(env);
}

struct meta_cache *
meta_cache_create(size_t size_bytes)
{
    struct meta_cache *cache = xcalloc(1, sizeof(*cache));
    rocksdb_lru_cache_options_t *options = rocksdb_lru_cache_options_create();
    int shard_bits = 0;

    while (shard_bits < CACHE_SHARD_BITS_MAX &&
           (size_bytes >> (shard_bits + 1)) >= CACHE_SHARD_BYTES_MIN) {
        shard_bits++;
    }
    rocksdb_lru_cache_options_set_capacity(options, size_bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(options, shard_bits);
    cache->cache = rocksdb_cache_create_lru_opts(options);
    rocksdb_lru_cache_options_destroy(options);
    return cache;
}

void
meta_cache_destroy(struct meta_cache **take_cache)
{
    if (*take_cache != NULL) {
        rocksdb_cache_destroy((*take_cache)->cache);
        free(*take_cache);
        *take_cache = NULL;
    }
}

rocksdb_options_t *
meta_options_create(const struct meta_db_options *options)
{
    rocksdb_options_t *database = rocksdb_options_create();

    CHECK(pthread_once(&env_once, init_env) == 0);
    rocksdb_options_set_env(database, env);
    rocksdb_options_set_create_if_missing(database, options->create_if_missing);
    rocksdb_options_set_create_missing_column_families(database, !options->read_only);
    rocksdb_options_set_db_write_buffer_size(database, options->write_buffer_bytes);
    rocksdb_options_set_max_total_wal_size(database, options->wal_max_bytes);
    /* 1 refuses the torn tail of an ordinary crash; 2 also stops at damage in the middle, which
     * the batch number in each batch makes visible to the store. */
    rocksdb_options_set_wal_recovery_mode(database, RECOVERY_POINT_IN_TIME);
    rocksdb_options_set_max_background_jobs(database, BACKGROUND_JOBS);
    rocksdb_options_set_max_open_files(database, -1);
    /* By default an open starts 15 threads for each family to load its tables: some 600 for a node
     * with two homes, at each start, for a handful of files. */
    rocksdb_options_set_max_file_opening_threads(database, 1);
    rocksdb_options_set_bytes_per_sync(database, TABLE_BYTES_PER_SYNC);
    rocksdb_options_set_stats_dump_period_sec(database, 0);
    rocksdb_options_set_info_log_level(database, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(database, INFO_LOG_FILES);
    rocksdb_options_set_max_log_file_size(database, INFO_LOG_BYTES);
    /* Off, because they show records before they are durable or recover badly in 7.8:
     * manual_wal_flush, unordered_write, wal_compression, atomic_flush (one log: not needed). */
    return database;
}

static rocksdb_block_based_table_options_t *
table_options_create(const struct meta_db_options *options)
{
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_size(table, RECORD_BLOCK_BYTES);
    rocksdb_block_based_options_set_format_version(table, TABLE_FORMAT_VERSION);
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS_PER_KEY));
    if (options->cache != NULL) {
        rocksdb_block_based_options_set_block_cache(table, options->cache->cache);
    }
    /* In the cache only because partitioned: whole filters of a full cache evict each other. */
    rocksdb_block_based_options_set_index_type(table, INDEX_TWO_LEVEL);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    return table;
}

rocksdb_options_t *
meta_family_options_create(const struct meta_db_options *options, int family)
{
    rocksdb_options_t *settings = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = table_options_create(options);

    rocksdb_options_set_block_based_table_factory(settings, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_compression(settings, rocksdb_lz4_compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(settings, 1);
    rocksdb_options_set_write_buffer_size(settings, FAMILY_BUFFER_BYTES);
    rocksdb_options_set_max_write_buffer_number(settings, FAMILY_BUFFER_COUNT);
    if (family == FAMILY_OBJECT || family == FAMILY_VERSION || family == FAMILY_UPLOAD ||
        family == FAMILY_CHUNK || family == FAMILY_LAYOUT) {
        rocksdb_options_add_compact_on_deletion_collector_factory(settings, DELETION_WINDOW,
                                                                  DELETION_TRIGGER);
    }
    if (family == FAMILY_OBJECT || family == FAMILY_FORMER) {
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(settings, FILTER_SHARE_OF_BUFFER);
        rocksdb_options_set_memtable_whole_key_filtering(settings, 1);
    }
    if (family == FAMILY_NODE || family == FAMILY_PACK) {
        rocksdb_options_set_merge_operator(settings, meta_merge_operator_create());
        rocksdb_options_set_max_successive_merges(settings, SUCCESSIVE_MERGE_MAX);
    }
    return settings;
}
