/* SPDX-License-Identifier: Apache-2.0 */
/* Private to control/: how the connection to etcd fares.  Any thread. */
#ifndef CONTROL_ETCD_METRICS_H
#define CONTROL_ETCD_METRICS_H

#include "base/metrics.h"

enum etcd_metric {
    ETCD_CONNECTED,
    ETCD_REQUESTS,
    ETCD_FAILURES,
    ETCD_WATCHES,
    ETCD_READS,
    ETCD_CHANGES,
    ETCD_METRIC_COUNT
};

extern struct metric etcd_metrics[ETCD_METRIC_COUNT];

void etcd_metrics_register(void); /* may be called again */

#endif
