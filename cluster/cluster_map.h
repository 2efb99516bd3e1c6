/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster map: which nodes there are, in which state, and which targets owned the keys before
 * an unfinished placement.  One control value ("cluster/map"), changed by the leader alone.  An
 * immutable value with counted references; any thread reads without a lock.
 *
 * A placement is the set of targets that count for ownership; its version is the map version that
 * brought it.  While a placement is not finished, formers lists the last finished one and those
 * that came between, oldest first.
 */
#ifndef CLUSTER_CLUSTER_MAP_H
#define CLUSTER_CLUSTER_MAP_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

/* Format of all control values of the cluster; a node refuses any other. */
#define CLUSTER_FORMAT 1

/* With these the document of a full map stays below a control value's 1 MiB. */
#define CLUSTER_NODES_MAX 256
#define CLUSTER_FORMERS_MAX 24
#define CLUSTER_REMOVED_MAX 1024
#define CLUSTER_ID_BYTES_MAX 64
#define CLUSTER_ID_BYTES_MIN 8
#define CLUSTER_URL_BYTES_MAX 512
#define CLUSTER_MAP_BYTES_MAX ((size_t)1 << 20)

enum node_state { NODE_ACTIVE, NODE_MAINTENANCE, NODE_DECOMMISSION };

/* What all targets are doing about the last placement; each stage ends by a barrier.  Leaving
 * STAGE_MOVE finishes the placement. */
enum placement_stage {
    STAGE_MOVE,   /* keys go to their owners */
    STAGE_SETTLE, /* everyone hears that the placement is finished */
    STAGE_DROP_MARKS,
    STAGE_DROP_TOMBSTONES,
    STAGE_DONE
};

struct cluster_node {
    struct bytes id;
    uint64_t digest; /* of the id, for placement */
    bool is_gateway;
    bool is_target;
    bool is_down; /* its lease has expired */
    enum node_state state;
    struct bytes public_url;   /* "http://host:port" */
    struct bytes peer_address; /* "host:port"; empty: none */
    uint64_t incarnation;      /* grows with each start of the node */
};

struct cluster_placement {
    uint64_t version;
    size_t target_count;
    struct bytes *targets; /* ids in order */
    uint64_t *digests;
};

struct cluster_map {
    _Atomic uint32_t reference_count;
    uint64_t version;
    uint64_t revision; /* of the control value */
    struct bytes cluster_id;
    uint64_t placement_version; /* the version that last changed who owns what */
    uint64_t finished_version;  /* the last finished placement */
    enum placement_stage stage;
    bool is_placing; /* keys may still be with former owners */
    size_t node_count;
    struct cluster_node *nodes; /* in order of id */
    size_t former_count;        /* 0: not placing */
    struct cluster_placement *formers;
    size_t removed_count;
    struct bytes *removed; /* ids that are refused for ever, in order */
    struct arena arena;
};

/* A deep copy of what content says (its digests, is_placing and arena are not read), with one
 * reference.  CHECKs what cluster_map_parse would refuse. */
struct cluster_map *cluster_map_create(const struct cluster_map *content);
struct cluster_map *cluster_map_ref(struct cluster_map *map);
void cluster_map_unref(struct cluster_map *map); /* NULL: nothing */

/* ST_CORRUPT; ST_NOT_IMPLEMENTED: another format, with a sentence that says what to do. */
MUST_USE enum status cluster_map_parse(struct bytes json, uint64_t revision,
                                       struct cluster_map **ret_map, struct error *err);
void cluster_map_format(const struct cluster_map *map, struct buffer *out);

/* Does the node count for ownership? */
static inline bool
cluster_node_is_placed(const struct cluster_node *node)
{
    return node->is_target && node->state == NODE_ACTIVE;
}

/* NULL: not in the map. */
const struct cluster_node *cluster_map_find(const struct cluster_map *map, struct bytes id);
bool cluster_map_is_removed(const struct cluster_map *map, struct bytes id);

/* The target that decides the key, reachable or not; NULL only if the map has no active target. */
const struct cluster_node *cluster_map_owner(const struct cluster_map *map,
                                             struct bytes bucket_uname, struct bytes key);
/* Distinct owners of the key in former placements, oldest first, without the present owner and
 * without removed ones.  Returns their number; out has room for max (CLUSTER_FORMERS_MAX is always
 * enough). */
size_t cluster_map_former_owners(const struct cluster_map *map, struct bytes bucket_uname,
                                 struct bytes key, const struct cluster_node **out, size_t max);
/* The version since which the present owner has owned the key without a break; 0: since the last
 * finished placement or longer.  What it holds counts alone if of this version or a later one. */
uint64_t cluster_map_owned_since(const struct cluster_map *map, struct bytes bucket_uname,
                                 struct bytes key);
/* The same by placement_digest of the key, for those who keep it. */
const struct cluster_node *cluster_map_owner_of(const struct cluster_map *map, uint64_t digest);
size_t cluster_map_former_owners_of(const struct cluster_map *map, uint64_t digest,
                                    const struct cluster_node **out, size_t max);
uint64_t cluster_map_owned_since_of(const struct cluster_map *map, uint64_t digest);
/* Id of the owner under formers[index]; BYTES_NONE: there was no target.  Lives as long as map. */
struct bytes cluster_map_former_owner_id(const struct cluster_map *map, size_t index,
                                         uint64_t digest);
/* Has the key another owner under the other map? */
bool cluster_map_moves_key(const struct cluster_map *map, const struct cluster_map *other,
                           struct bytes bucket_uname, struct bytes key);
/* Does the next map take keys away from this target of map? */
bool cluster_map_takes_from(const struct cluster_map *map, const struct cluster_map *next,
                            struct bytes target_id);

/* [A-Za-z0-9_-], CLUSTER_ID_BYTES_MIN to CLUSTER_ID_BYTES_MAX, no dash or underscore at the ends.
 */
bool cluster_id_is_valid(struct bytes id);
const char *node_state_name(enum node_state state);
const char *placement_stage_name(enum placement_stage stage);

#endif
