/* SPDX-License-Identifier: Apache-2.0 */
#include "store/home_load.h"

#include "base/clock.h"
#include "store/committer.h"
#include "store/home_internal.h"
#include "store/space.h"

#include "base/banned.h"

static void
read_home(const struct store *store, struct home *home, int64_t now_ns,
          struct load_readings *readings)
{
    int64_t began_ns = home->committer != NULL ? committer_round_ns(home->committer) : 0;
    uint64_t total_bytes;
    uint64_t free_bytes;

    load_note(readings, LOAD_COMMIT_AGE,
              began_ns != 0 && now_ns > began_ns ? (uint64_t)(now_ns - began_ns) / CLOCK_NS_PER_MS
                                                 : 0);
    space_get(home->space, &total_bytes, &free_bytes);
    if (total_bytes > 0) {
        load_note_left(readings, LOAD_DISK_SPACE, free_bytes, store->options.free_floor_bytes);
    }
}

void
home_load_read(struct load_readings *readings, int64_t now_ns, void *arg)
{
    struct store *store = arg;

    for (size_t i = 0; i < store_home_count(store); i++) {
        struct home *home = store_home_at(store, i);

        if (!home_hold(home)) {
            continue; /* absent: it waits for nothing */
        }
        if (home_state(home) == HOME_PRESENT) {
            read_home(store, home, now_ns, readings);
        }
        home_unhold(home);
    }
}
