/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kill_rounds.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

void
kill_rounds_run(size_t victim_count, size_t short_stride,
                void (*round_of)(size_t victim, const char *directory))
{
#ifdef LODE_FAULTS
    struct prng prng = test_prng();
    size_t stride = getenv("LODE_TEST_LONG") != NULL ? 1 : short_stride;

    for (size_t i = prng_below(&prng, stride); i < victim_count; i += stride) {
        char *directory = xasprintf("%s/%zu", test_directory(), i);

        EXPECT_INT(0, mkdir(directory, 0700));
        round_of(i, directory);
        free(directory);
    }
#else
    (void)victim_count;
    (void)short_stride;
    (void)round_of;
    test_skip("fault points are not compiled in");
#endif
}
