/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster map's document on any bytes: what is accepted is a map whose owners can be computed,
 * and whose own document is accepted again as the same map.
 */
#include "base/check.h"
#include "cluster/cluster_map.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct cluster_node *formers[CLUSTER_FORMERS_MAX];
    struct bytes key = bytes_of(data, size < 16 ? size : 16);
    struct cluster_map *map = NULL;
    struct cluster_map *again = NULL;
    struct buffer text = BUFFER_INIT;
    struct buffer second = BUFFER_INIT;

    if (cluster_map_parse(bytes_of(data, size), 1, &map, NULL) != ST_OK) {
        return 0;
    }
    cluster_map_format(map, &text);
    CHECK(cluster_map_parse(buffer_bytes(&text), 1, &again, NULL) == ST_OK);
    cluster_map_format(again, &second);
    CHECK(bytes_equal(buffer_bytes(&text), buffer_bytes(&second)));
    CHECK(!cluster_map_moves_key(map, again, key, key));
    CHECK(cluster_map_owned_since(map, key, key) <= map->placement_version);
    CHECK(cluster_map_former_owners(map, key, key, formers, CLUSTER_FORMERS_MAX) <=
          map->former_count);
    cluster_map_unref(map);
    cluster_map_unref(again);
    buffer_release(&text);
    buffer_release(&second);
    return 0;
}
