/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests in progress on the uploads of this target.  Who hands an upload over to another target
 * closes it first: new requests are turned away, to be asked again in a moment, and those in
 * progress end, except that the bodies of parts may go on: they are passed on at their end.  Only
 * so that no request fails: what may happen to an upload is decided by the state of its record.
 * Any thread; taking and giving back do not wait.
 */
#ifndef OBJECT_UPLOAD_PIN_H
#define OBJECT_UPLOAD_PIN_H

#include "base/affinity.h"
#include "meta/upload_record.h"
#include "object/object_store.h"

struct upload_pin_table;

struct upload_pin_table *upload_pin_table_create(void);
void upload_pin_table_destroy(struct upload_pin_table **take_table);

enum upload_pin { UPLOAD_PIN_REQUEST, UPLOAD_PIN_PART };

/* False: it is closed. */
bool upload_pin_take_as(struct object_store *store, struct upload_id id, enum upload_pin kind);
void upload_pin_give_back_as(struct object_store *store, struct upload_id id, enum upload_pin kind);
static inline bool
upload_pin_take(struct object_store *store, struct upload_id id)
{
    return upload_pin_take_as(store, id, UPLOAD_PIN_REQUEST);
}
static inline void
upload_pin_give_back(struct object_store *store, struct upload_id id)
{
    upload_pin_give_back_as(store, id, UPLOAD_PIN_REQUEST);
}
/* One thread at a time for each upload.  Waits for all, after timeout_ms no longer for parts.
 * False: other requests are still in progress then, and it is open again. */
MUST_USE ON_WORKER bool upload_pin_close(struct object_store *store, struct upload_id id,
                                         int64_t timeout_ms);
void upload_pin_open(struct object_store *store, struct upload_id id);

#endif
