/* SPDX-License-Identifier: Apache-2.0 */
#include "net/body_buffers.h"

#include "net/http_limits.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct body_budget budget;
static struct body_buffers buffers;

static void
set_up(size_t max_bytes)
{
    budget.max_bytes = max_bytes;
    atomic_init(&budget.used_bytes, 0);
    body_buffers_init(&buffers, &budget);
}

TEST(size_follows_the_need)
{
    struct body_buffer *small, *large;

    set_up(1 << 20);
    small = body_buffers_get(&buffers, BODY_BUFFER_SMALL_BYTES);
    large = body_buffers_get(&buffers, BODY_BUFFER_SMALL_BYTES + 1);

    EXPECT_INT(BODY_BUFFER_SMALL_BYTES, small->capacity);
    EXPECT_INT(BODY_BUFFER_BYTES, large->capacity);
    EXPECT_INT(BODY_BUFFER_SMALL_BYTES + BODY_BUFFER_BYTES, budget.used_bytes);

    body_buffers_put(&buffers, &small);
    body_buffers_put(&buffers, &large);
    EXPECT(small == NULL && large == NULL);
    body_buffers_release(&buffers);
    EXPECT_INT(0, budget.used_bytes);
}

/* Never over the budget: first a smaller buffer, then none. */
TEST(the_budget_is_kept)
{
    struct body_buffer *first, *second;

    set_up(BODY_BUFFER_BYTES + BODY_BUFFER_SMALL_BYTES);
    first = body_buffers_get(&buffers, UINT64_MAX);
    second = body_buffers_get(&buffers, UINT64_MAX);

    EXPECT_INT(BODY_BUFFER_BYTES, first->capacity);
    EXPECT_INT(BODY_BUFFER_SMALL_BYTES, second->capacity);
    EXPECT(body_buffers_get(&buffers, 1) == NULL);

    body_buffers_put(&buffers, &first);
    first = body_buffers_get(&buffers, 1); /* a kept large one serves where a small one lacks */
    EXPECT_INT(BODY_BUFFER_BYTES, first->capacity);
    body_buffers_put(&buffers, &first);
    body_buffers_put(&buffers, &second);
    body_buffers_release(&buffers);
    EXPECT_INT(0, budget.used_bytes);
}

TEST(a_budget_of_nothing_gives_nothing)
{
    set_up(BODY_BUFFER_SMALL_BYTES - 1);
    EXPECT(body_buffers_get(&buffers, 1) == NULL);
    EXPECT(!body_budget_take(&budget, BODY_BUFFER_SMALL_BYTES));
    EXPECT(!body_budget_take(&budget, SIZE_MAX));
    EXPECT(body_budget_take(&budget, BODY_BUFFER_SMALL_BYTES - 1));
    body_budget_give(&budget, BODY_BUFFER_SMALL_BYTES - 1);
    body_buffers_release(&buffers);
}

/* Buffers are kept while they are needed, and given back when a whole period did not need them. */
TEST(unneeded_buffers_are_given_back)
{
    struct body_buffer *buffer;

    set_up(1 << 20);
    buffer = body_buffers_get(&buffers, 1);
    body_buffers_put(&buffers, &buffer);
    EXPECT(body_buffers_trim(&buffers)); /* it was needed in this period */
    EXPECT_INT(BODY_BUFFER_SMALL_BYTES, budget.used_bytes);

    EXPECT(!body_buffers_trim(&buffers)); /* but not in the next */
    EXPECT_INT(0, budget.used_bytes);
    body_buffers_release(&buffers);
}

/* What is kept is bounded, too. */
TEST(no_more_than_the_limit_are_kept)
{
    struct body_buffer *held[BODY_BUFFERS_KEPT_MAX + 8];

    set_up((size_t)64 << 20);
    for (size_t i = 0; i < BODY_BUFFERS_KEPT_MAX + 8; i++) {
        held[i] = body_buffers_get(&buffers, 1);
        EXPECT(held[i] != NULL);
    }
    for (size_t i = 0; i < BODY_BUFFERS_KEPT_MAX + 8; i++) {
        body_buffers_put(&buffers, &held[i]);
    }
    EXPECT_INT(BODY_BUFFERS_KEPT_MAX * BODY_BUFFER_SMALL_BYTES, budget.used_bytes);
    body_buffers_release(&buffers);
    EXPECT_INT(0, budget.used_bytes);
}
