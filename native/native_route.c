/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_route.h"

#include "base/check.h"

#include "base/banned.h"

static const struct native_route_table *const TABLES[] = {
    &native_routes_of_objects,    &native_routes_of_uploads,
    &native_routes_of_listing,    &native_routes_of_bucket_properties,
    &native_routes_of_selections, &native_routes_of_buckets,
    &native_routes_of_jobs,       &native_routes_of_nodes,
    &native_routes_unsupported,   &native_routes_of_put,
};

/* Does path fit the pattern?  {object} takes the rest, other names in braces one segment, which
 * must not be empty. */
static bool
path_fits(struct bytes pattern, struct bytes path, struct bytes *ret_bucket,
          struct bytes *ret_object)
{
    *ret_bucket = BYTES_NONE;
    *ret_object = BYTES_NONE;
    while (pattern.size > 0) {
        struct bytes expected = bytes_cut(&pattern, '/');
        struct bytes segment;

        if (bytes_equal_string(expected, "{object}")) {
            *ret_object = path;
            return path.size > 0;
        }
        segment = bytes_cut(&path, '/');
        if (expected.size > 0 && expected.data[0] == '{') {
            if (segment.size == 0) {
                return false;
            }
            *ret_bucket = segment;
        } else if (!bytes_equal(segment, expected)) {
            return false;
        }
    }
    return path.size == 0;
}

static bool
selector_fits(const char *selector, const struct native_query *query)
{
    struct bytes value = bytes_of_string(selector);
    struct bytes name;
    struct bytes given = BYTES_NONE;

    if (selector == NULL) {
        return true;
    }
    name = bytes_cut(&value, '=');
    for (size_t i = 0; i < query->count; i++) {
        if (bytes_equal(query->parameters[i].name, name)) {
            given = query->parameters[i].value;
            break;
        }
    }
    return name.size == strlen(selector) ? given.size > 0 : bytes_equal(given, value);
}

const struct native_route *
native_route_find(const struct native_match *match, bool *ret_is_path_known)
{
    struct bytes bucket;
    struct bytes object;

    *ret_is_path_known = false;
    for (size_t table = 0; table < ARRAY_COUNT(TABLES); table++) {
        for (size_t i = 0; i < TABLES[table]->count; i++) {
            const struct native_route *route = &TABLES[table]->routes[i];

            if (!path_fits(bytes_of_string(route->path), match->path, &bucket, &object)) {
                continue;
            }
            *ret_is_path_known = true;
            if (bytes_equal_string(match->method, route->method) &&
                selector_fits(route->selector, match->query) &&
                (!match->has_message || route->action == NULL ||
                 bytes_equal_string(match->action, route->action))) {
                return route;
            }
        }
    }
    return NULL;
}

void
native_route_cut(const struct native_route *route, struct bytes path, struct bytes *ret_bucket,
                 struct bytes *ret_object)
{
    CHECK(path_fits(bytes_of_string(route->path), path, ret_bucket, ret_object));
}

const struct native_route *
native_route_at(size_t index)
{
    for (size_t table = 0; table < ARRAY_COUNT(TABLES); table++) {
        if (index < TABLES[table]->count) {
            return &TABLES[table]->routes[index];
        }
        index -= TABLES[table]->count;
    }
    return NULL;
}
