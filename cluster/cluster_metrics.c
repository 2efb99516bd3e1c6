/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster_metrics.h"

#include <pthread.h>

#include "base/check.h"

#include "base/banned.h"

struct metric cluster_map_version_metric = {.kind = METRIC_GAUGE,
                                            .name = "lode_cluster_map_version",
                                            .help = "Version of the map that this node works by"};
struct metric cluster_down_metric = {.kind = METRIC_GAUGE,
                                     .name = "lode_cluster_down_nodes",
                                     .help = "Nodes of the map that are down"};
struct metric cluster_placing_metric = {.kind = METRIC_GAUGE,
                                        .name = "lode_cluster_placing",
                                        .help = "1 while keys move to their owners"};
struct metric cluster_pending_metric = {.kind = METRIC_GAUGE,
                                        .name = "lode_cluster_pending",
                                        .help = "1 while a map waits for acknowledgments"};
struct metric cluster_leads_metric = {
    .kind = METRIC_GAUGE, .name = "lode_cluster_leads", .help = "1 on the node that leads"};
struct metric cluster_withdrawals_metric = {.kind = METRIC_COUNTER,
                                            .name = "lode_cluster_withdrawals_total",
                                            .help = "Pending maps that this node withdrew"};
struct metric cluster_stop_metric = {
    .kind = METRIC_HISTOGRAM,
    .name = "lode_cluster_stop_seconds",
    .help = "Until this target admitted no more what a pending map takes away"};
struct metric cluster_settle_metric = {
    .kind = METRIC_HISTOGRAM,
    .name = "lode_cluster_settle_seconds",
    .help = "Until every live node had applied a control change of this one"};

static void
register_all(void)
{
    metric_register(&cluster_map_version_metric);
    metric_register(&cluster_down_metric);
    metric_register(&cluster_placing_metric);
    metric_register(&cluster_pending_metric);
    metric_register(&cluster_leads_metric);
    metric_register(&cluster_withdrawals_metric);
    metric_register(&cluster_stop_metric);
    metric_register(&cluster_settle_metric);
}

void
cluster_metrics_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    CHECK(pthread_once(&once, register_all) == 0);
}
