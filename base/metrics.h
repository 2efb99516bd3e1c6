/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, gauges and histograms in Prometheus' text form.  A metric is a static struct,
 * registered once by the module that owns it; updating it is one relaxed atomic add on any thread.
 * Names: lode_<subsystem>_<unit>_total, histograms in seconds.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/bytes.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Upper bounds of the buckets, in microseconds: 50 us to 10 s, the range from a cached read to a
 * stalled disk. */
#define METRIC_BUCKET_COUNT 12

struct metric {
    enum metric_kind kind;
    const char *name;
    const char *help;
    const char *labels;    /* what stands between { and }, or NULL */
    _Atomic int64_t value; /* histogram: sum in ns */
    _Atomic uint64_t buckets[METRIC_BUCKET_COUNT + 1];
    struct metric *next;
};

/* Metrics of one name must be registered one after the other. */
void metric_register(struct metric *metric);
/* Something that appends its own lines at each export. */
void metric_register_collector(void (*collect)(struct buffer *out, void *arg), void *arg);

static inline void
metric_add(struct metric *metric, int64_t amount)
{
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

static inline void
metric_set(struct metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

static inline int64_t
metric_value(struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* For collectors of metrics that are not registered because their owners come and go: the lines of
 * one metric, with_head those that explain the name first (once for each name). */
void metric_append(struct buffer *out, struct metric *metric, bool with_head);
/* name="value", after a comma unless it is the first; for labels with names of files in them. */
void metric_append_label(struct buffer *labels, const char *name, struct bytes value);

void metric_observe_ns(struct metric *metric, int64_t duration_ns);
void metrics_export(struct buffer *out);

#endif
