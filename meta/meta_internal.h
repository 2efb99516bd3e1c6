/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind meta/meta_db.h share.  Nobody outside meta/ includes this.
 */
#ifndef META_META_INTERNAL_H
#define META_META_INTERNAL_H

#include <rocksdb/c.h>
#include <stdatomic.h>

#include "meta/meta_db.h"

/* RocksDB insists on this family; nothing is kept in it. */
#define META_DEFAULT_FAMILY "default"

struct meta_db {
    rocksdb_t *rocksdb;
    rocksdb_column_family_handle_t *default_family;
    rocksdb_column_family_handle_t *families[FAMILY_COUNT];
    rocksdb_readoptions_t *read_wait;
    rocksdb_readoptions_t *read_no_wait;
    rocksdb_writeoptions_t *write_synced;
    rocksdb_writeoptions_t *write_lazy;
    char *directory;
    bool is_read_only;
    atomic_bool has_failed; /* a write or sync failed: nothing may be written any more */
    _Atomic int64_t flush_requested_ns[FAMILY_COUNT];
};

struct meta_cache {
    rocksdb_cache_t *cache;
};

struct meta_batch {
    size_t count;
    /* Operations wait here in order until meta_db_write knows the families' handles. */
    struct buffer operations;
};

/* Options of the database itself, and of one family (both owned by the caller). */
rocksdb_options_t *meta_options_create(const struct meta_db_options *options);
rocksdb_options_t *meta_family_options_create(const struct meta_db_options *options, int family);
/* Vectors of big-endian int64, added element by element; see meta_batch_merge. */
rocksdb_mergeoperator_t *meta_merge_operator_create(void);

/* Consumes a message of RocksDB (malloc'ed) and says what it means; doing: "read", "write". */
enum status meta_fail(struct meta_db *db, char *take_message, const char *doing, struct error *err);

#endif
