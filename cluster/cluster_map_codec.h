/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to cluster/: what every map must satisfy, wherever it comes from, and the words of its
 * JSON document.  Pure functions.
 */
#ifndef CLUSTER_CLUSTER_MAP_CODEC_H
#define CLUSTER_CLUSTER_MAP_CODEC_H

#include "cluster/cluster_map.h"

/* ST_CORRUPT with a sentence that names what is wrong. */
MUST_USE enum status cluster_map_check(const struct cluster_map *map, struct error *err);
/* Printable, not too long, and the same inside quotes: what urls and addresses consist of. */
bool cluster_address_is_valid(struct bytes address);

#endif
