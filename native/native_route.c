/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_route.h"

#include "base/check.h"
#include "native/native_shape.h"

#include "base/banned.h"

static const struct native_route_table *const TABLES[] = {
    &native_routes_of_objects,    &native_routes_of_uploads,
    &native_routes_of_listing,    &native_routes_of_bucket_properties,
    &native_routes_of_selections, &native_routes_of_buckets,
    &native_routes_of_promote,    &native_routes_of_rechunk,
    &native_routes_of_operators,  &native_routes_of_jobs,
    &native_routes_of_nodes,      &native_routes_unsupported,
    &native_routes_of_put,
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

static bool
action_fits(const struct native_route *route, const struct native_match *match)
{
    return !match->has_message || route->action == NULL ||
           bytes_equal_string(match->action, route->action) ||
           (route->is_action_optional && match->action.size == 0);
}

const struct native_route *
native_route_find(const struct native_match *match)
{
    struct bytes bucket;
    struct bytes object;

    for (size_t table = 0; table < ARRAY_COUNT(TABLES); table++) {
        for (size_t i = 0; i < TABLES[table]->count; i++) {
            const struct native_route *route = &TABLES[table]->routes[i];

            if (path_fits(bytes_of_string(route->path), match->path, &bucket, &object) &&
                bytes_equal_string(match->method, route->method) &&
                selector_fits(route->selector, match->query) && action_fits(route, match)) {
                return route;
            }
        }
    }
    return NULL;
}

struct bytes
native_route_methods(struct bytes path, struct arena *arena)
{
    struct bytes methods = BYTES_LITERAL("");
    const struct native_route *route;
    struct bytes bucket;
    struct bytes object;

    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        struct bytes method = bytes_of_string(route->method);

        if (path_fits(bytes_of_string(route->path), path, &bucket, &object) &&
            bytes_find(methods, 0, method) == SIZE_MAX) {
            methods = arena_printf_bytes(arena, "%.*s%s%.*s", BYTES_ARGS(methods),
                                         methods.size > 0 ? ", " : "", BYTES_ARGS(method));
        }
    }
    return methods;
}

enum load_class
native_route_class(const struct native_route *route)
{
    if (route->load_class != LOAD_SMALL) {
        return route->load_class;
    }
    for (size_t i = 0; i < ARRAY_COUNT(TABLES); i++) {
        if (route >= TABLES[i]->routes && route < TABLES[i]->routes + TABLES[i]->count) {
            return TABLES[i]->load_class;
        }
    }
    UNREACHABLE("a route stands in a table");
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

const struct native_named_shape *
native_route_shape_at(size_t index)
{
    for (size_t table = 0; table < ARRAY_COUNT(TABLES); table++) {
        if (index < TABLES[table]->shape_count) {
            return &TABLES[table]->shapes[index];
        }
        index -= TABLES[table]->shape_count;
    }
    return NULL;
}

const char *
native_route_shape(struct bytes name)
{
    const struct native_named_shape *shape;

    for (size_t i = 0; (shape = native_route_shape_at(i)) != NULL; i++) {
        if (bytes_equal_string(name, shape->name)) {
            return shape->shape;
        }
    }
    return NULL;
}

enum status
native_route_check(const struct native_route *route, const struct native_query *query,
                   const struct native_message *message, struct arena *arena, struct error *err)
{
    enum status st = native_contract_check_query(route->needs, route->query, query, err);

    if (st == ST_OK && route->body == NATIVE_BODY_MESSAGE && route->takes != NULL &&
        message->root != NULL) {
        st = native_shape_check(native_shape_parse(route->takes, arena), message->root, arena, err);
    }
    return st;
}
