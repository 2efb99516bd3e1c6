/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What etcd's JSON gateway says, parsed with suspicion: bytes from a network.  Shapes as of the v3
 * API (rpc.proto) in the JSON form of protobuf: 64-bit numbers are strings or numbers, bytes are
 * base64, members with their default value may be missing, unknown members are ignored.  All
 * parsers: ST_CORRUPT; results live in arena.  Any thread.
 */
#ifndef CONTROL_ETCD_JSON_H
#define CONTROL_ETCD_JSON_H

#include "base/arena.h"
#include "base/status.h"

struct etcd_header {
    uint64_t cluster_id;
    uint64_t revision;
};

struct etcd_kv {
    struct bytes key;
    struct bytes value;
    uint64_t create_revision;
    uint64_t mod_revision;
    uint64_t lease;
};

struct etcd_range {
    struct etcd_header header;
    struct etcd_kv *kvs;
    size_t count;
    bool has_more;
};

struct etcd_txn {
    struct etcd_header header;
    bool has_succeeded;
    struct etcd_range *ranges; /* of the range requests in its branch */
    size_t range_count;
};

struct etcd_event {
    struct etcd_kv kv;
    bool is_delete;
};

struct etcd_watch_frame {
    struct etcd_header header;
    bool is_created;
    bool is_canceled;
    uint64_t compact_revision; /* not 0: what was asked for is compacted */
    struct bytes reason;       /* of a cancel or error */
    struct etcd_event *events;
    size_t count;
};

struct etcd_lease {
    struct etcd_header header;
    uint64_t id;
    uint64_t ttl_s; /* 0: it has ended */
};

struct etcd_error {
    int code; /* of gRPC; 2 (unknown) where there is none */
    struct bytes message;
};

MUST_USE enum status etcd_json_range(struct bytes text, struct arena *arena,
                                     struct etcd_range *ret_range, struct error *err);
MUST_USE enum status etcd_json_txn(struct bytes text, struct arena *arena, struct etcd_txn *ret_txn,
                                   struct error *err);
MUST_USE enum status etcd_json_watch(struct bytes text, struct arena *arena,
                                     struct etcd_watch_frame *ret_frame, struct error *err);
/* Of a grant, or (in "result") of a keep-alive. */
MUST_USE enum status etcd_json_lease(struct bytes text, struct arena *arena,
                                     struct etcd_lease *ret_lease, struct error *err);
/* Of any answer that is not 200; always finds something to say. */
void etcd_json_error(struct bytes text, struct arena *arena, struct etcd_error *ret_error);

#endif
