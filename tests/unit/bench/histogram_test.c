/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/histogram.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static struct histogram histogram;

TEST(quantiles_are_within_two_percent_and_never_too_low)
{
    histogram = (struct histogram){.total = 0};
    for (uint64_t i = 1; i <= 100000; i++) {
        histogram_add(&histogram, i * 1000);
    }

    for (int share = 1; share < 100; share++) {
        double expected = share * 1e6;
        double actual = (double)histogram_quantile(&histogram, share / 100.0);

        EXPECT(actual >= expected && actual <= expected * 1.02);
    }
}

TEST(extremes_have_a_bucket)
{
    histogram = (struct histogram){.total = 0};
    EXPECT_INT(0, histogram_quantile(&histogram, 0.5));
    histogram_add(&histogram, 0);
    EXPECT_INT(0, histogram_quantile(&histogram, 0.5));
    histogram_add(&histogram, UINT64_MAX);
    EXPECT(histogram_quantile(&histogram, 0.99) > UINT64_C(1) << 50);
}
