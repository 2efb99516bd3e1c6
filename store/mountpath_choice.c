/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mountpath_choice.h"

#include "base/check.h"
#include "base/hash.h"
#include "store/home_internal.h"

#include "base/banned.h"

enum status
mountpath_choice_init(struct mountpath_choice *choice, struct home *home, struct write_id id,
                      uint32_t spread, struct error *err)
{
    struct store *store = home->store;
    uint64_t scores[MOUNTPATH_MAX];

    choice->count = 0;
    for (size_t i = 0; i < store->home_count && spread != 1; i++) {
        struct home *candidate = store->homes[i];
        uint64_t score = hash_stable(bytes_of(candidate->uuid, sizeof(candidate->uuid)),
                                     hash_stable(bytes_of(id.bytes, sizeof(id.bytes)), 0));
        size_t at = choice->count;

        if (!home_is_active(candidate) || home_require_writable(candidate, NULL) != ST_OK) {
            continue;
        }
        for (; at > 0 && scores[at - 1] < score; at--) {
            scores[at] = scores[at - 1];
            choice->mountpaths[at] = choice->mountpaths[at - 1];
        }
        scores[at] = score;
        choice->mountpaths[at] = candidate;
        choice->count++;
    }
    if (spread != 0 && choice->count > spread) {
        choice->count = spread;
    }
    if (choice->count == 0) {
        choice->mountpaths[choice->count++] = home;
        return home_require_writable(home, err);
    }
    return ST_OK;
}

struct home *
mountpath_choice_at(const struct mountpath_choice *choice, size_t index)
{
    CHECK(choice->count > 0);
    return choice->mountpaths[index % choice->count];
}
