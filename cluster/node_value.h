/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node says of itself: control value "node/<id>", bound to its session, so that it is there
 * exactly as long as the node's lease.  Written by that node alone, read by all.
 */
#ifndef CLUSTER_NODE_VALUE_H
#define CLUSTER_NODE_VALUE_H

#include "cluster/cluster_map.h"

#define NODE_VALUE_PREFIX "node/"
#define NODE_VALUE_BYTES_MAX ((size_t)8 << 10)

struct node_value {
    struct bytes id;
    uint64_t revision; /* of the control value */
    uint64_t format;   /* what the node's program understands: CLUSTER_FORMAT */
    struct bytes cluster_id;
    struct bytes release; /* version of the program, for people */
    bool is_gateway;
    bool is_target;
    struct bytes public_url;
    struct bytes peer_address;
    uint64_t incarnation;
    uint64_t applied_version;  /* the newest map that the node works by */
    uint64_t applied_revision; /* control changes up to here are applied */
    uint64_t
        acknowledged_revision;  /* of the pending map whose lost keys it has stopped admitting */
    uint64_t stage_version;     /* of the placement that stage is about */
    enum placement_stage stage; /* this target is done with all stages before this one */
};

/* Strings are copied to arena.  ST_CORRUPT.  A document of another format is read as far as format,
 * cluster, release and incarnation go. */
MUST_USE enum status node_value_parse(struct bytes id, struct bytes json, uint64_t revision,
                                      struct arena *arena, struct node_value *ret_value,
                                      struct error *err);
void node_value_format(const struct node_value *value, struct buffer *out);

#endif
