/* SPDX-License-Identifier: Apache-2.0 */
/* Private to cluster/: what a node counts of its cluster; docs/metrics.md explains the names. */
#ifndef CLUSTER_CLUSTER_METRICS_H
#define CLUSTER_CLUSTER_METRICS_H

#include "base/metrics.h"

extern struct metric cluster_map_version_metric;
extern struct metric cluster_down_metric;
extern struct metric cluster_placing_metric;
extern struct metric cluster_pending_metric;
extern struct metric cluster_leads_metric;
extern struct metric cluster_withdrawals_metric;
extern struct metric cluster_stop_metric;
extern struct metric cluster_settle_metric;

/* Registers them at its first call. */
void cluster_metrics_init(void);

#endif
