/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what etcd says to snapshots: all values read in pages at one revision, the difference of two
 * snapshots as changes, and events of a watch applied.  Bytes from a network: ST_CORRUPT where they
 * contradict themselves.  For control/etcd_follower.c.
 */
#ifndef CONTROL_ETCD_VALUES_H
#define CONTROL_ETCD_VALUES_H

#include "control/control_view.h"
#include "control/etcd_client.h"
#include "control/etcd_json.h"

/* All values under prefix as of one revision.  ret_header: of the first page. */
MUST_USE enum status etcd_values_read(struct etcd_client *client, struct bytes prefix,
                                      int64_t timeout_ms, struct control_snapshot **ret_snapshot,
                                      struct etcd_header *ret_header, struct error *err);
/* Make next (taken) current and tell of all differences, in order of revision; what is missing in
 * next was deleted at its revision, as far as anybody can tell. */
void etcd_values_replace(struct control_view *view, struct control_snapshot *next);
/* Events that are known already are left out.  ST_CORRUPT: out of order, or not under prefix. */
MUST_USE enum status etcd_values_apply(struct control_view *view, struct bytes prefix,
                                       const struct etcd_event *events, size_t count,
                                       struct error *err);

#endif
