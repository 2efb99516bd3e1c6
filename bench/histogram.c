/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/histogram.h"

#include "base/banned.h"

static unsigned
bucket_of(uint64_t value)
{
    unsigned power;

    if (value < HISTOGRAM_STEPS) {
        return (unsigned)value;
    }
    power = 63U - (unsigned)__builtin_clzll(value);
    power = power >= HISTOGRAM_POWERS + 5 ? HISTOGRAM_POWERS + 4 : power;
    return (power - 5) * HISTOGRAM_STEPS +
           (unsigned)((value >> (power - 6)) & (HISTOGRAM_STEPS - 1));
}

void
histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
}

uint64_t
histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted || (seen == histogram->total && seen > 0)) {
            unsigned power = i / HISTOGRAM_STEPS + 5;

            return i < HISTOGRAM_STEPS
                       ? i
                       : ((uint64_t)HISTOGRAM_STEPS + i % HISTOGRAM_STEPS + 1) << (power - 6);
        }
    }
    return 0;
}
