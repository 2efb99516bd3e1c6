/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which node answers an operation on a key: this one, or a peer.  Decided under one map, on the
 * head of the request, before anything of its body is read.  Any thread, does not wait.
 */
#ifndef OBJECT_OBJECT_ROUTE_H
#define OBJECT_OBJECT_ROUTE_H

#include "object/bucket.h"
#include "object/multipart.h"

/* "<32 hex digits>.<node id>" */
#define UPLOAD_NAME_BYTES_MAX (UPLOAD_ID_TEXT_SIZE + 64)

/* What another node refuses with ST_MOVED is repeated: while placements follow each other both may
 * be a version apart again and again, so as long as one may be pending (10 s) and a little more;
 * then 503. */
#define OBJECT_MOVED_PATIENCE_MS 12000
#define OBJECT_MOVED_PAUSE_MS 20 /* between two tries */

struct object_route {
    bool is_local;
    uint64_t map_version; /* 0: this node is alone */
    struct bytes node_id; /* in arena, as address */
    struct bytes address;
    struct bytes public_url; /* "http://host:port", where clients reach it */
};

/* upload: the whole name of an upload, or BYTES_NONE.  Uploads stay with the node that began them;
 * one whose node is gone, or has no keys any more, is the owner's.  ST_WOULD_WAIT: the upload may
 * be on its way, see object/upload_find.h.  ST_UNAVAILABLE: there is no owner, it is down, or this
 * node does not know enough. */
MUST_USE enum status object_route(const struct bucket *bucket, struct bytes key,
                                  struct bytes upload, struct arena *arena,
                                  struct object_route *ret_route, struct error *err);

/* Know of the map what the control store knew when this began. */
MUST_USE ON_WORKER enum status object_route_refresh(const struct object_store *store,
                                                    struct error *err);

/* After ST_MOVED, where the operation began at began_ns (monotonic): a pause, then the same.
 * ST_UNAVAILABLE: it was long enough. */
MUST_USE ON_WORKER enum status object_route_again(const struct object_store *store,
                                                  int64_t began_ns, struct error *err);

/* What clients call an upload that this node has: in a cluster with the id of the node that began
 * it.  origin: upload_record.origin. */
struct bytes object_upload_name(const struct object_store *store, struct upload_id id,
                                struct bytes origin, struct arena *arena);
/* Cut a name into id and node (BYTES_NONE: none was given).  ST_NO_SUCH_UPLOAD: not of that form.
 */
MUST_USE enum status object_upload_parse(struct bytes name, struct upload_id *ret_id,
                                         struct bytes *ret_node, struct error *err);

#endif
