/* SPDX-License-Identifier: Apache-2.0 */
#include "control/etcd_metrics.h"

#include "base/banned.h"

struct metric etcd_metrics[ETCD_METRIC_COUNT] = {
    [ETCD_CONNECTED] = {.kind = METRIC_GAUGE,
                        .name = "lode_etcd_connected",
                        .help = "1: changes of control values come from etcd."},
    [ETCD_REQUESTS] = {.kind = METRIC_COUNTER,
                       .name = "lode_etcd_requests_total",
                       .help = "Requests to members of etcd, repetitions included."},
    [ETCD_FAILURES] = {.kind = METRIC_COUNTER,
                       .name = "lode_etcd_failures_total",
                       .help = "Requests that etcd did not answer, or not usefully."},
    [ETCD_WATCHES] = {.kind = METRIC_COUNTER,
                      .name = "lode_etcd_watches_total",
                      .help = "Watches begun: the first, and one after each that broke."},
    [ETCD_READS] = {.kind = METRIC_COUNTER,
                    .name = "lode_etcd_full_reads_total",
                    .help = "Times all values were read: at start, and where history was gone."},
    [ETCD_CHANGES] = {.kind = METRIC_HISTOGRAM,
                      .name = "lode_etcd_change_seconds",
                      .help = "Changes of control values, until they came back by the watch."},
};

void
etcd_metrics_register(void)
{
    for (size_t i = 0; i < ETCD_METRIC_COUNT; i++) {
        metric_register(&etcd_metrics[i]);
    }
}
