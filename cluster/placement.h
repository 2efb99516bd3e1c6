/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which target comes first for a key: highest random weight, exactly as AIStore and its SDK compute
 * it, so that a client which knows the map finds the owner itself.  Node ids and keys are hashed
 * once each; their weight together is one step of xoshiro256** over the exclusive or of the two.
 * Pure functions, any thread.
 */
#ifndef CLUSTER_PLACEMENT_H
#define CLUSTER_PLACEMENT_H

#include <stdint.h>

#include "base/bytes.h"

/* bucket_uname is "<provider>/@<uuid>#<namespace>/<bucket>/"; nothing is escaped. */
uint64_t placement_digest(struct bytes bucket_uname, struct bytes key);
uint64_t placement_node_digest(struct bytes node_id);
/* The node with the greatest weight owns the key. */
uint64_t placement_weight(uint64_t node_digest, uint64_t key_digest);

#endif
