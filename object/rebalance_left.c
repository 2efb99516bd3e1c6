/* SPDX-License-Identifier: Apache-2.0 */
#include "object/rebalance_left.h"

#include "base/banned.h"

void
rebalance_left_add(struct rebalance_left *left, struct bytes key)
{
    if (left->count == REBALANCE_LEFT_MAX) {
        left->has_more = true;
        return;
    }
    if (left->keys == NULL) {
        left->keys = arena_calloc(&left->arena, REBALANCE_LEFT_MAX, sizeof(*left->keys));
    }
    left->keys[left->count++] = arena_copy(&left->arena, key);
}

void
rebalance_left_release(struct rebalance_left *left)
{
    arena_release(&left->arena);
    *left = (struct rebalance_left){.count = 0};
}
