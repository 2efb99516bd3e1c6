/* SPDX-License-Identifier: Apache-2.0 */
#include "object/client_rest.h"

#include "object/object_internal.h"

#include "base/banned.h"

void
client_rest_begin(struct client_rest *rest, struct object_store *store,
                  load_rest_stop_fn *is_stopped, void *arg)
{
    rest->store = store;
    load_rest_begin(&rest->rest, object_store_load(store), is_stopped, arg);
    atomic_fetch_add_explicit(&store->working_count, 1, memory_order_relaxed);
    rest->asked_count = atomic_load_explicit(&store->asked_count, memory_order_relaxed);
}

static bool
never_waits(void *arg)
{
    (void)arg;
    return true;
}

void
client_rest_begin_pinned(struct client_rest *rest, struct object_store *store)
{
    client_rest_begin(rest, store, never_waits, NULL);
}

void
client_rest_end(struct client_rest *rest, bool is_over)
{
    struct object_store *store = rest->store;
    uint64_t asked_count = atomic_load_explicit(&store->asked_count, memory_order_relaxed);

    atomic_fetch_sub_explicit(&store->working_count, 1, memory_order_relaxed);
    load_rest_end(&rest->rest, asked_count != rest->asked_count, is_over);
}

void
client_rest_note_asked(struct object_store *store)
{
    if (atomic_load_explicit(&store->working_count, memory_order_relaxed) != 0) {
        atomic_fetch_add_explicit(&store->asked_count, 1, memory_order_relaxed);
    }
}
