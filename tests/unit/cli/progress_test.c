/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "tests/unit/test.h"

#include "base/banned.h"

TEST(sizes_are_short_and_in_powers_of_1024)
{
    static const struct {
        uint64_t size;
        const char *text;
    } CASES[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"},
                 {UINT64_C(5) << 30, "5.0 GiB"},
                 {UINT64_MAX, "16.0 EiB"}};

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char text[16];

        progress_format_size(CASES[i].size, text, sizeof(text));
        EXPECT_STRING(CASES[i].text, text);
    }
}
