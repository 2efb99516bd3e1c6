/* SPDX-License-Identifier: Apache-2.0 */
#include "object/rebalance_metrics.h"

#include <pthread.h>

#include "base/check.h"

#include "base/banned.h"

struct metric rebalance_sent_metric = {.kind = METRIC_COUNTER,
                                       .name = "lode_rebalance_sent_objects_total",
                                       .help = "Objects and tombstones that their owners took"};
struct metric rebalance_sent_bytes_metric = {.kind = METRIC_COUNTER,
                                             .name = "lode_rebalance_sent_bytes_total",
                                             .help = "Bytes of objects that their owners took"};
struct metric rebalance_received_metric = {.kind = METRIC_COUNTER,
                                           .name = "lode_rebalance_received_objects_total",
                                           .help = "Objects and tombstones that came here"};
struct metric rebalance_received_bytes_metric = {.kind = METRIC_COUNTER,
                                                 .name = "lode_rebalance_received_bytes_total",
                                                 .help = "Bytes of objects that came here"};
struct metric cleanup_removed_metric = {.kind = METRIC_COUNTER,
                                        .name = "lode_cleanup_removed_objects_total",
                                        .help = "Misplaced copies that were removed"};
struct metric cleanup_removed_bytes_metric = {.kind = METRIC_COUNTER,
                                              .name = "lode_cleanup_removed_bytes_total",
                                              .help = "Bytes of misplaced copies removed"};
struct metric cleanup_quarantined_metric = {.kind = METRIC_COUNTER,
                                            .name = "lode_cleanup_quarantined_objects_total",
                                            .help = "Misplaced copies that were put aside"};

static void
register_all(void)
{
    metric_register(&rebalance_sent_metric);
    metric_register(&rebalance_sent_bytes_metric);
    metric_register(&rebalance_received_metric);
    metric_register(&rebalance_received_bytes_metric);
    metric_register(&cleanup_removed_metric);
    metric_register(&cleanup_removed_bytes_metric);
    metric_register(&cleanup_quarantined_metric);
}

void
rebalance_metrics_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    CHECK(pthread_once(&once, register_all) == 0);
}
