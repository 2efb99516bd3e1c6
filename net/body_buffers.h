/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers for bodies, both directions.  All loops share one budget (an atomic count of bytes);
 * every loop keeps a few unused buffers ready and gives them back to the system when they were not
 * needed for a while.  So what clients send can take no more memory than the budget, and an idle
 * server holds none.
 */
#ifndef NET_BODY_BUFFERS_H
#define NET_BODY_BUFFERS_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/list.h"

struct body_budget {
    size_t max_bytes;
    _Atomic size_t used_bytes; /* in use and kept ready */
};

/* False, and nothing taken, if it would go over the budget.  Any thread. */
bool body_budget_take(struct body_budget *budget, size_t size);
/* Also over the budget, for what is there already. */
void body_budget_overdraw(struct body_budget *budget, size_t size);
bool body_budget_is_spent(struct body_budget *budget);
void body_budget_give(struct body_budget *budget, size_t size);

struct body_buffer {
    struct list node;
    char *data;
    size_t size; /* used */
    size_t capacity;
};

enum body_buffer_kind { BODY_BUFFER_SMALL, BODY_BUFFER_LARGE, BODY_BUFFER_KIND_COUNT };

/* One per loop, used on its thread only. */
struct body_buffers {
    struct body_budget *budget;
    struct {
        struct list kept;
        size_t kept_count;
        size_t kept_min; /* since the last trim: these were not needed */
    } kinds[BODY_BUFFER_KIND_COUNT];
};

void body_buffers_init(struct body_buffers *buffers, struct body_budget *budget);
void body_buffers_release(struct body_buffers *buffers);
/* For about wanted bytes: a large one where that is more than a small one holds and the budget has
 * one, else a small one.  NULL: the budget is used up. */
struct body_buffer *body_buffers_get(struct body_buffers *buffers, uint64_t wanted);
void body_buffers_put(struct body_buffers *buffers, struct body_buffer **take_buffer);
/* Free what was not needed since the last call; true if any are still kept. */
bool body_buffers_trim(struct body_buffers *buffers);

#endif
