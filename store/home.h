/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A home: the mountpath that holds an object's record, its small bytes and its commits.
 *
 *   present    serving
 *   absent     registered, but its directory is missing or cannot be opened
 *   quarantined  a sync or write failed: nothing is released or acknowledged any more, reads go on
 *              where they can; only a restart (recovery) brings it back
 */
#ifndef STORE_HOME_H
#define STORE_HOME_H

#include "meta/meta_db.h"
#include "meta/object_record.h"
#include "store/store.h"

enum home_state { HOME_PRESENT, HOME_ABSENT, HOME_QUARANTINED };

enum home_state home_state(const struct home *home);
/* ST_UNAVAILABLE with a sentence naming the mountpath unless the home can serve what is asked. */
MUST_USE enum status home_require_readable(struct home *home, struct error *err);
MUST_USE enum status home_require_writable(struct home *home,
                                           struct error *err); /* + ST_NO_SPACE */
/* May hold records: an active home, or a former one that was not emptied yet.  Others are passed
 * over by scans. */
bool home_is_holder(const struct home *home);
/* Takes new bytes: its role is active. */
bool home_is_active(const struct home *home);
/* Takes commits?  As home_require_writable, but deletes need no space. */
MUST_USE enum status home_require_commits(struct home *home, struct error *err);
/* Was detached or forgotten. */
bool home_is_gone(const struct home *home);
const char *home_directory(const struct home *home);
const unsigned char *home_uuid(const struct home *home); /* 16 bytes */
struct store *home_store(const struct home *home);
/* For reads and scans only: every write goes through store/commit.h. */
struct meta_db *home_db(struct home *home);

/* From now on nothing is released here; says why in the log.  For failed syncs and writes. */
void home_quarantine(struct home *home, const struct error *why);

/*
 * A pin keeps everything alive that records read after it name: chunk files are not unlinked, packs
 * not recycled.  Taken before the record is read, given back when the last byte is sent.  Cheap,
 * any thread, does not wait.
 */
struct home_pin {
    struct home *home;
    uint32_t slot;
};
struct home_pin home_pin(struct home *home);
void home_unpin(struct home_pin *take_pin); /* home becomes NULL; may be called on such */

/* Is the chunk file being written for this home, its commit under way, or was it dropped and waits
 * to be removed?  Then no record names it and it is no orphan.  For checks; any thread. */
bool home_has_chunk_under_way(struct home *home, struct chunk_id id);
/* The same of a pack: being made, filled, emptied, or kept for reuse. */
bool home_has_pack_under_way(struct home *home, uint64_t pack_id);
/* ST_CORRUPT with a sentence: packs know of batches that the log has lost. */
MUST_USE enum status home_check_log(struct home *home, struct error *err);
/* FAMILY_NODE: int64 live bytes of all packs of the home, int64 their capacity. */
#define NODE_PACK_TOTALS "packs"

/* For scans that take no pin: the records stay open until home_unhold.  False: it is absent. */
bool home_hold(struct home *home);
void home_unhold(struct home *home);

/* Sums over the counters in the records of this home. */
struct bucket_counters {
    int64_t object_count;
    int64_t version_count;
    int64_t logical_bytes;
    int64_t stored_bytes;
};
MUST_USE enum status home_bucket_counters(struct home *home, uint64_t bucket_id,
                                          struct bucket_counters *ret_counters, struct error *err);

#endif
