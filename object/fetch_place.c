/* SPDX-License-Identifier: Apache-2.0 */
#include "object/fetch_place.h"

#include "base/check.h"
#include "object/object_cluster.h"
#include "object/object_internal.h"

#include "base/banned.h"

enum status
fetch_place_take(struct object_store *store, struct error *err)
{
    size_t max = store->cluster.fetch_max;

    if (atomic_fetch_add(&store->fetch_count, 1) >= max && max != 0) {
        atomic_fetch_sub(&store->fetch_count, 1);
        return fail(err, ST_BUSY, "%zu large objects are fetched from other nodes already", max);
    }
    return ST_OK;
}

void
fetch_place_give_back(struct object_store *store)
{
    CHECK(atomic_fetch_sub(&store->fetch_count, 1) > 0);
}
