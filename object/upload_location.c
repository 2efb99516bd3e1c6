/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_location.h"

#include "base/check.h"

#include "base/banned.h"

const struct cluster_node *
upload_location_of(const struct cluster_map *map, const struct upload_location *location)
{
    const struct cluster_node *node =
        location->origin.size != 0 ? cluster_map_find(map, location->origin) : NULL;

    return node != NULL && cluster_node_is_placed(node)
               ? node
               : cluster_map_owner_of(map, location->digest);
}

static struct bytes
former_location(const struct cluster_map *map, size_t index, const struct upload_location *location)
{
    const struct cluster_placement *former = &map->formers[index];

    for (size_t i = 0; i < former->target_count && location->origin.size != 0; i++) {
        if (bytes_equal(former->targets[i], location->origin)) {
            return former->targets[i];
        }
    }
    return cluster_map_former_owner_id(map, index, location->digest);
}

size_t
upload_location_formers(const struct cluster_map *map, const struct upload_location *location,
                        const struct cluster_node **out)
{
    const struct cluster_node *present = upload_location_of(map, location);
    size_t count = 0;

    for (size_t i = 0; i < map->former_count; i++) {
        const struct cluster_node *former =
            cluster_map_find(map, former_location(map, i, location));
        bool is_new = former != NULL && former != present;

        for (size_t k = 0; k < count && is_new; k++) {
            is_new = out[k] != former;
        }
        if (is_new) {
            CHECK(count < CLUSTER_FORMERS_MAX);
            out[count++] = former;
        }
    }
    return count;
}

bool
upload_location_is_settled(const struct cluster_map *map, const struct upload_location *location)
{
    const struct cluster_node *formers[CLUSTER_FORMERS_MAX];

    return upload_location_formers(map, location, formers) == 0;
}
