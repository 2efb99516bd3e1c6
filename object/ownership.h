/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which keys this target decides: the map it works by, and the pending map for which it has
 * stopped.  Rules 3 and 4 of docs/cluster-protocol.md; single operations go through
 * object/key_claim.h.
 *
 *   cluster's thread:  stop_admitting -> activate | resume_admitting
 *
 * A node that is alone has none, and every key is its own.  Lives as long as the object store.
 */
#ifndef OBJECT_OWNERSHIP_H
#define OBJECT_OWNERSHIP_H

#include "base/affinity.h"
#include "cluster/cluster.h"
#include "object/object_store.h"

/* Operations that wait for the end of a pending map, at once: about a quarter of the workers.
 * Others are told to come again. */
#define OWNERSHIP_WAITING_MAX 16
/* A pending map is activated or withdrawn within 10 s. */
#define OWNERSHIP_WAIT_MS 12000

struct ownership;

/* From now on nothing is admitted before the first map.  Before the first operation. */
void object_store_own_keys(struct object_store *store);
/* NULL: all keys are this node's. */
struct ownership *object_store_ownership(const struct object_store *store);
/* For struct cluster_options; arg is the struct ownership. */
extern const struct cluster_target_ops ownership_target_ops;
/* For object_store_close. */
void ownership_destroy(struct ownership **take_ownership);

/* A reference to the map; NULL: none yet. */
struct cluster_map *ownership_map(struct ownership *ownership);
struct bytes ownership_node_id(const struct ownership *ownership);

/* Of the key's digest: may an operation that was admitted under that placement go on?  placement 0:
 * is a new one admitted now?  ST_MOVED: no, *ret_is_stopped (may be NULL): not until the pending
 * map is decided.  Any thread; does not wait. */
struct ownership_view {
    uint64_t map_version;
    uint64_t placement;
    uint64_t finished_version;
    uint64_t owned_since; /* cluster_map_owned_since */
    bool is_placing;
};
MUST_USE enum status ownership_check(struct ownership *ownership, uint64_t digest,
                                     uint64_t placement, struct ownership_view *ret_view,
                                     bool *ret_is_stopped, struct error *err);
/* Wait until no map is pending.  ST_BUSY, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status ownership_wait(struct ownership *ownership, struct error *err);
/* Listing pages: is this the version that the target works by, and has it not stopped?  ST_MOVED.
 */
MUST_USE enum status ownership_check_page(struct ownership *ownership, uint64_t map_version,
                                          struct error *err);

#endif
