/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cleanup on one target (rule 11 of docs/cluster-protocol.md): looks at all records here, asks the
 * owners of those that are other targets', and removes copies that hold nothing that would be
 * missed; the others are left, or (is_forced) put into quarantine.  Only under a finished
 * placement; ends as soon as that changes.  Nothing is moved to other nodes.
 *
 * A kill at any point is safe: a copy is removed by one commit, after its owner was asked and,
 * where it is quarantined, after its files are durable.
 */
#ifndef OBJECT_REBALANCE_CLEANUP_H
#define OBJECT_REBALANCE_CLEANUP_H

#include <stdatomic.h>

#include "object/cleanup_rules.h"
#include "object/object_store.h"

/* Copies that were not removed, by name. */
#define CLEANUP_EXAMPLES_MAX 32

enum cleanup_left {
    CLEANUP_LEFT_UNKNOWN, /* the verdicts of cleanup_rules.h */
    CLEANUP_LEFT_AHEAD,
    CLEANUP_LEFT_DIFFERENT,
    CLEANUP_LEFT_UNREACHABLE, /* the owner, or its disk, does not answer */
    CLEANUP_LEFT_BUSY,        /* it changed, or keys were about to move */
    CLEANUP_LEFT_FAILED,      /* it could not be quarantined or removed */
    CLEANUP_LEFT_COUNT
};

struct cleanup_example {
    char *bucket; /* owned; text for people */
    char *key;
    char *why;
};

struct rebalance_cleanup_result {
    uint64_t scanned_count;
    uint64_t misplaced_count;
    uint64_t removed_count;
    uint64_t removed_bytes;
    uint64_t quarantined_count; /* removed from the buckets' homes, kept as files */
    uint64_t quarantined_bytes;
    uint64_t left_counts[CLEANUP_LEFT_COUNT];
    size_t example_count;
    struct cleanup_example examples[CLEANUP_EXAMPLES_MAX];
};

struct rebalance_cleanup_options {
    bool is_forced;
    const atomic_bool *is_cancelled;
    /* Now and then; may be NULL. */
    void (*progress)(const struct rebalance_cleanup_result *result, void *arg);
    void *arg;
};

/* May it begin here?  ST_BUSY: keys move between targets or disks. */
MUST_USE enum status rebalance_cleanup_check(struct object_store *store, struct error *err);
/* *ret_result is filled in whatever happens.  ST_CANCELLED: asked to stop, or keys move by now.
 * ST_UNAVAILABLE: a home is away; the others were cleaned. */
MUST_USE ON_WORKER enum status
rebalance_cleanup_run(struct object_store *store, const struct rebalance_cleanup_options *options,
                      struct rebalance_cleanup_result *ret_result, struct error *err);
void rebalance_cleanup_result_release(struct rebalance_cleanup_result *result);
uint64_t rebalance_cleanup_left_count(const struct rebalance_cleanup_result *result);
const char *cleanup_left_name(enum cleanup_left left);

#endif
