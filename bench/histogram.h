/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies in logarithmic buckets: 64 per power of two, so within 1.6 % of the true value. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_POWERS 48
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * HISTOGRAM_POWERS)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* Upper bound of the bucket in which that share (0..1) of all values is reached; 0 if empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
