/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/check.h"
#include "base/lock.h"

#include "base/banned.h"

#define METRIC_COLLECTOR_MAX 32

static const uint32_t BUCKET_BOUND_US[METRIC_BUCKET_COUNT] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 50000, 250000, 1000000, 10000000};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *first_metric; /* guarded by registry_lock */
static struct metric *last_metric;  /* guarded by registry_lock */
static struct {
    void (*collect)(struct buffer *out, void *arg);
    void *arg;
} collectors[METRIC_COLLECTOR_MAX]; /* guarded by registry_lock */
static size_t collector_count;      /* guarded by registry_lock */

void
metric_register(struct metric *metric)
{
    CHECK(metric->name != NULL && metric->help != NULL);
    WITH_LOCK (&registry_lock) {
        if (metric != last_metric && metric->next == NULL) {
            if (last_metric == NULL) {
                first_metric = metric;
            } else {
                last_metric->next = metric;
            }
            last_metric = metric;
        }
    }
}

void
metric_register_collector(void (*collect)(struct buffer *out, void *arg), void *arg)
{
    WITH_LOCK (&registry_lock) {
        CHECK(collector_count < METRIC_COLLECTOR_MAX);
        collectors[collector_count].collect = collect;
        collectors[collector_count].arg = arg;
        collector_count++;
    }
}

void
metric_observe_ns(struct metric *metric, int64_t duration_ns)
{
    size_t i = 0;

    while (i < METRIC_BUCKET_COUNT && duration_ns > (int64_t)BUCKET_BOUND_US[i] * 1000) {
        i++;
    }
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, duration_ns, memory_order_relaxed);
}

static void
export_histogram(struct buffer *out, struct metric *metric)
{
    const char *labels = metric->labels != NULL ? metric->labels : "";
    const char *comma = metric->labels != NULL ? "," : "";
    uint64_t total = 0;

    for (size_t i = 0; i < METRIC_BUCKET_COUNT; i++) {
        total += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        buffer_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", metric->name, labels, comma,
                      BUCKET_BOUND_US[i] / 1e6, total);
    }
    total += atomic_load_explicit(&metric->buckets[METRIC_BUCKET_COUNT], memory_order_relaxed);
    buffer_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", metric->name, labels, comma,
                  total);
    buffer_printf(out, "%s_sum{%s} %.9f\n", metric->name, labels,
                  (double)metric_value(metric) / 1e9);
    buffer_printf(out, "%s_count{%s} %" PRIu64 "\n", metric->name, labels, total);
}

void
metric_append(struct buffer *out, struct metric *metric, bool with_head)
{
    static const char *const KIND_NAMES[] = {"counter", "gauge", "histogram"};

    if (with_head) {
        buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                      KIND_NAMES[metric->kind]);
    }
    if (metric->kind == METRIC_HISTOGRAM) {
        export_histogram(out, metric);
    } else if (metric->labels != NULL) {
        buffer_printf(out, "%s{%s} %" PRId64 "\n", metric->name, metric->labels,
                      metric_value(metric));
    } else {
        buffer_printf(out, "%s %" PRId64 "\n", metric->name, metric_value(metric));
    }
}

void
metric_append_label(struct buffer *labels, const char *name, struct bytes value)
{
    buffer_printf(labels, "%s%s=\"", labels->size > 0 ? "," : "", name);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (c == '\n') {
            buffer_append_string(labels, "\\n");
            continue;
        }
        if (c == '"' || c == '\\') {
            buffer_append_string(labels, "\\");
        }
        buffer_append(labels, &c, 1);
    }
    buffer_append_string(labels, "\"");
}

void
metrics_export(struct buffer *out)
{
    const char *last_name = "";

    WITH_LOCK (&registry_lock) {
        for (struct metric *metric = first_metric; metric != NULL; metric = metric->next) {
            metric_append(out, metric, strcmp(metric->name, last_name) != 0);
            last_name = metric->name;
        }
        for (size_t i = 0; i < collector_count; i++) {
            collectors[i].collect(out, collectors[i].arg);
        }
    }
}
