/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the peer verb "upload-take" that receives (rule 7): an open upload that belongs to
 * this target under the sender's map.  Its parts are fetched, one after the other, and stay under a
 * record that says ARRIVING; with the last request, when nothing changes at the sender any more, it
 * becomes OPEN here.
 */
#ifndef OBJECT_UPLOAD_ARRIVE_H
#define OBJECT_UPLOAD_ARRIVE_H

#include "base/affinity.h"
#include "object/object_store.h"

/* Fetched for one request; the sender asks again.  So that a request ends in time. */
#define UPLOAD_ARRIVE_BYTES_MAX (UINT64_C(1) << 30)

enum upload_arrival {
    UPLOAD_ARRIVAL_MORE,   /* some parts are still to be fetched */
    UPLOAD_ARRIVAL_ALL,    /* all parts that were named are here */
    UPLOAD_ARRIVAL_DECIDED /* the upload is this target's, or was ended here */
};

/* from: node id of the sender.  body: an upload_item.  ST_MOVED: another placement by now.
 * ST_BUSY: it is leaving this target just now.  ST_INVALID, ST_UNAVAILABLE, ST_NO_SPACE. */
MUST_USE ON_WORKER enum status upload_arrive(struct object_store *store, uint64_t map_version,
                                             struct bytes from, struct bytes body,
                                             enum upload_arrival *ret_arrival, struct error *err);

#endif
