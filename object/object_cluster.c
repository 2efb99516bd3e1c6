/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_cluster.h"

#include "base/check.h"
#include "object/object_internal.h"

#include "base/banned.h"

void
object_store_set_cluster(struct object_store *store, const struct object_cluster *cluster)
{
    CHECK(!store->has_cluster && cluster->peers != NULL && cluster->get_map != NULL);
    store->cluster = *cluster;
    store->has_cluster = true;
}

const struct object_cluster *
object_store_cluster(const struct object_store *store)
{
    return store->has_cluster ? &store->cluster : NULL;
}

bool
object_store_is_clustered(const struct object_store *store)
{
    return store->has_cluster;
}

struct bytes
object_cluster_uname(struct bytes bucket, struct arena *arena)
{
    bool has_namespace = bytes_has_prefix(bucket, BYTES_LITERAL("@#"));

    return arena_printf_bytes(arena, "ais/%s%.*s/", has_namespace ? "" : "@#/", BYTES_ARGS(bucket));
}
