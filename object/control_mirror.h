/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps copies of control values on each mountpath.  Of a node alone all of them, so that DATA can
 * be rebuilt (loded --recover); of a node of a cluster its buckets, so that its data can be checked
 * while etcd is away.  Made when the object store opens; its watch then follows each change.
 */
#ifndef OBJECT_CONTROL_MIRROR_H
#define OBJECT_CONTROL_MIRROR_H

#include "control/control.h"
#include "store/store.h"

struct control_mirror;

enum control_mirror_kind { CONTROL_MIRROR_OWN, CONTROL_MIRROR_BUCKETS };

/* Brings the copies up to date and watches from then on. */
MUST_USE enum status control_mirror_create(struct control *control, struct store *store,
                                           enum control_mirror_kind kind,
                                           struct control_mirror **ret_mirror, struct error *err);
/* Where the control values are not closed: it watches no longer.  NULL is allowed. */
void control_mirror_stop(struct control_mirror *mirror, struct control *control);
/* After the control values were closed, or stop. */
void control_mirror_destroy(struct control_mirror **take_mirror);
/* The buckets that a node of a cluster knew last. */
MUST_USE ON_WORKER enum status control_mirror_recall(struct store *store, control_changed_fn *found,
                                                     void *arg, struct error *err);

/* Puts every mirrored control value into an empty control store. */
MUST_USE ON_WORKER enum status control_mirror_restore(struct store *store, struct control *control,
                                                      uint64_t *ret_count, struct error *err);

#endif
