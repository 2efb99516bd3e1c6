/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "tests/unit/test.h"

#include "base/banned.h"

/* What was handed out stays where it is, aligned, whatever is asked for later. */
TEST(pieces_are_aligned_and_do_not_overlap)
{
    struct arena arena = ARENA_INIT;
    struct prng prng = test_prng();
    unsigned char *pieces[200];
    size_t sizes[200];

    for (size_t i = 0; i < 200; i++) {
        sizes[i] = prng_below(&prng, 9000);
        pieces[i] = arena_alloc(&arena, sizes[i]);
        EXPECT_INT(0, (uintptr_t)pieces[i] % 16);
        memset(pieces[i], (int)i, sizes[i]);
    }

    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            EXPECT_INT((unsigned char)i, pieces[i][k]);
        }
    }
    arena_release(&arena);
}

TEST(printf_gives_the_whole_text_however_long)
{
    struct arena arena = ARENA_INIT;
    struct bytes text = arena_printf_bytes(&arena, "%6000d", 7);

    EXPECT_INT(6000, text.size);
    EXPECT_INT('7', text.data[5999]);
    arena_release(&arena);
}
