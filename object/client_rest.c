/* SPDX-License-Identifier: Apache-2.0 */
#include "object/client_rest.h"

#include "base/clock.h"
#include "object/object_internal.h"

#include "base/banned.h"

/* Less is not worth a switch of threads. */
#define REST_NS_MIN (1 * CLOCK_NS_PER_MS)
/* A piece that took longer waited for a disk or another node more than it worked. */
#define REST_NS_MAX (50 * CLOCK_NS_PER_MS)

void
client_rest_begin(struct client_rest *rest, struct object_store *store)
{
    atomic_fetch_add_explicit(&store->working_count, 1, memory_order_relaxed);
    *rest = (struct client_rest){
        .store = store,
        .asked_count = atomic_load_explicit(&store->asked_count, memory_order_relaxed),
        .began_ns = clock_monotonic_ns(),
    };
}

void
client_rest_end(struct client_rest *rest, bool is_over)
{
    struct object_store *store = rest->store;
    int64_t took_ns = clock_monotonic_ns() - rest->began_ns;
    uint64_t asked_count = atomic_load_explicit(&store->asked_count, memory_order_relaxed);

    atomic_fetch_sub_explicit(&store->working_count, 1, memory_order_relaxed);
    if (!is_over && asked_count != rest->asked_count && took_ns >= REST_NS_MIN) {
        clock_pause_ns(took_ns < REST_NS_MAX ? took_ns : REST_NS_MAX);
    }
}

void
client_rest_note_asked(struct object_store *store)
{
    if (atomic_load_explicit(&store->working_count, memory_order_relaxed) != 0) {
        atomic_fetch_add_explicit(&store->asked_count, 1, memory_order_relaxed);
    }
}
