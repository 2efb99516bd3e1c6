/* SPDX-License-Identifier: Apache-2.0 */
/* Private to object/: what a target counts of rebalances and cleanups; docs/metrics.md explains. */
#ifndef OBJECT_REBALANCE_METRICS_H
#define OBJECT_REBALANCE_METRICS_H

#include "base/metrics.h"

extern struct metric rebalance_sent_metric;
extern struct metric rebalance_sent_bytes_metric;
extern struct metric rebalance_received_metric;
extern struct metric rebalance_received_bytes_metric;
extern struct metric cleanup_removed_metric;
extern struct metric cleanup_removed_bytes_metric;
extern struct metric cleanup_quarantined_metric;

/* Registers them at its first call. */
void rebalance_metrics_init(void);

#endif
