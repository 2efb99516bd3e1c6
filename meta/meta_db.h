/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RocksDB: the durable records of one home (and, with only the node family in use, of DATA).
 * Families and their settings are fixed here.  Any thread; writes come from one committer.
 * What RocksDB reports as a failed write or flush is final: the caller quarantines the home.
 */
#ifndef META_META_DB_H
#define META_META_DB_H

#include "base/bytes.h"
#include "base/status.h"

/* Names on disk are the lower-case ones; the order may change, names never do. */
enum family {
    FAMILY_OBJECT,  /* bucket id, key -> object_record: the current object */
    FAMILY_VERSION, /* bucket id, key, 0x00, inverted seq -> noncurrent versions, delete markers */
    FAMILY_FORMER,  /* marks of a placement under way */
    FAMILY_LAYOUT,  /* write id, kind, offset -> pages of extents and parts */
    FAMILY_CHUNK,   /* chunk id -> how many records name it */
    FAMILY_PACK,    /* pack id -> live bytes (merge operand), capacity, state */
    FAMILY_UPLOAD,  /* bucket id, key, 0x00, upload id [, part number] -> upload_record, part_record
                     */
    FAMILY_ATIME,   /* reserved */
    FAMILY_CHANGE,  /* reserved */
    FAMILY_NODE,    /* values of this home and copies of the node's: see meta/node_key.h */
    FAMILY_COUNT
};

const char *family_name(enum family family);

struct meta_cache; /* one block cache shared by all databases of the process */
struct meta_cache *meta_cache_create(size_t size_bytes);
void meta_cache_destroy(struct meta_cache **take_cache);

struct meta_db;

struct meta_db_options {
    const char *directory;
    struct meta_cache *cache;  /* borrowed */
    size_t write_buffer_bytes; /* of all families together (db_write_buffer_size) */
    size_t wal_max_bytes;      /* start after a crash replays at most this */
    bool create_if_missing;
    bool read_only;
};

/* ST_NOT_FOUND: no database there and create_if_missing is false.  ST_CORRUPT, ST_IO. */
MUST_USE enum status meta_db_open(const struct meta_db_options *options, struct meta_db **ret_db,
                                  struct error *err);
/* Flushes every family first unless the database has failed.  All iterators must be closed. */
void meta_db_close(struct meta_db **take_db);

/* The value found: a view that lives until meta_value_release. */
struct meta_value {
    struct bytes data;
    void *handle;
};
#define META_VALUE_INIT ((struct meta_value){{NULL, 0}, NULL})
void meta_value_release(struct meta_value *value); /* may be called on META_VALUE_INIT */

/* ST_NOT_FOUND, ST_IO, ST_CORRUPT; with may_wait false also ST_WOULD_WAIT (block cache tier). */
MUST_USE enum status meta_db_get(struct meta_db *db, enum family family, struct bytes key,
                                 bool may_wait, struct meta_value *ret_value, struct error *err);

/* Changes that become visible and durable together. */
struct meta_batch;
struct meta_batch *meta_batch_create(void);
void meta_batch_destroy(struct meta_batch **take_batch);
void meta_batch_clear(struct meta_batch *batch);
void meta_batch_put(struct meta_batch *batch, enum family family, struct bytes key,
                    struct bytes value);
void meta_batch_delete(struct meta_batch *batch, enum family family, struct bytes key);
/* Keys in [from, to). */
void meta_batch_delete_range(struct meta_batch *batch, enum family family, struct bytes from,
                             struct bytes to);
/* Families node and pack: value is a vector of big-endian int64 that is added element by element.
 */
void meta_batch_merge(struct meta_batch *batch, enum family family, struct bytes key,
                      struct bytes operand);
size_t meta_batch_count(const struct meta_batch *batch);
size_t meta_batch_size_bytes(const struct meta_batch *batch);

/* is_synced: the log up to and including this batch is on disk before it becomes visible. */
MUST_USE enum status meta_db_write(struct meta_db *db, struct meta_batch *batch, bool is_synced,
                                   struct error *err);
/* Make durable whatever was written so far. */
MUST_USE enum status meta_db_sync(struct meta_db *db, struct error *err);
/* About how many records the family holds; costs no I/O. */
uint64_t meta_db_estimate_count(struct meta_db *db, enum family family);
/* Ask for a flush of a family in the background (a listing met too many tombstones). */
void meta_db_request_flush(struct meta_db *db, enum family family);

/* The database as of one moment, for scans of several families.  Destroyed before the database is
 * closed; until then compactions keep what it shows. */
struct meta_snapshot;
struct meta_snapshot *meta_snapshot_create(struct meta_db *db);
void meta_snapshot_destroy(struct meta_snapshot **take_snapshot);

/* Ordered scan over [lower, upper); upper.size 0: to the end.  A consistent view as of open. */
struct meta_iterator;
struct meta_scan {
    enum family family;
    struct bytes lower;                   /* copied */
    struct bytes upper;                   /* copied */
    const struct meta_snapshot *snapshot; /* NULL: as of now */
    bool keep_cache_cold; /* for jobs: blocks read do not enter the cache, with readahead */
};
struct meta_iterator *meta_iterator_open(struct meta_db *db, const struct meta_scan *scan);
void meta_iterator_close(struct meta_iterator **take_iterator);
void meta_iterator_seek(struct meta_iterator *iterator, struct bytes key);        /* first >= key */
void meta_iterator_seek_before(struct meta_iterator *iterator, struct bytes key); /* last <= key */
void meta_iterator_next(struct meta_iterator *iterator);
bool meta_iterator_is_valid(struct meta_iterator *iterator);
struct bytes meta_iterator_key(struct meta_iterator *iterator);   /* view until it moves */
struct bytes meta_iterator_value(struct meta_iterator *iterator); /* view until it moves */
/* Must be asked when is_valid turned false: the end, or an error that looks like one? */
MUST_USE enum status meta_iterator_status(struct meta_iterator *iterator, struct error *err);

/* The next keys of a family from *at on, in arena; *at goes behind the last.  Fewer than capacity:
 * the end.  For jobs, which remember a key and no iterator: the cache stays as it is.  ST_CORRUPT,
 * ST_IO. */
struct arena;
struct meta_key;
MUST_USE enum status meta_db_next_keys(struct meta_db *db, enum family family, struct meta_key *at,
                                       struct arena *arena, struct bytes *keys, size_t capacity,
                                       size_t *ret_count, struct error *err);

#endif
