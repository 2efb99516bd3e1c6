/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3/s3_route.h on any request line.  Input: method, Host, path and query, one per line.  What is
 * routed has a bucket and key within limits; a sub-resource of the model is never a plain verb.
 */
#include <stdlib.h>

#include "base/check.h"
#include "object/object_store.h"
#include "s3/s3_route.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bytes DOMAINS[] = {{"s3.example.org", 14}, {"localhost", 9}};

static void
check_text(struct bytes text)
{
    CHECK(bytes_is_utf8(text));
    CHECK(text.size == 0 || memchr(text.data, '\0', text.size) == NULL);
}

static void
check_routed(const struct s3_route *route)
{
    bool is_plain = route->id == S3_PUT_OBJECT || route->id == S3_DELETE_OBJECT ||
                    route->id == S3_DELETE_BUCKET || route->id == S3_CREATE_BUCKET ||
                    route->id == S3_GET_OBJECT || route->id == S3_COPY_OBJECT;
    static const char *const SUBRESOURCES[] = {"acl",     "policy",   "tagging",   "uploads",
                                               "cors",    "uploadId", "retention", "legal-hold",
                                               "website", "delete",   "lifecycle", "attributes"};

    CHECK(route->operation == s3_operation_get(route->id));
    CHECK(route->key.size <= OBJECT_KEY_BYTES_MAX);
    CHECK(route->key.size == 0 || route->bucket.size != 0);
    for (size_t i = 0; i < ARRAY_COUNT(SUBRESOURCES); i++) {
        CHECK(!is_plain || s3_query_find(&route->query, SUBRESOURCES[i]) == NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data, size);
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct s3_route_input input = {.domains = DOMAINS, .domain_count = ARRAY_COUNT(DOMAINS)};
    struct s3_route route;

    input.method = bytes_cut(&rest, '\n');
    input.host = bytes_cut(&rest, '\n');
    input.path = bytes_cut(&rest, '\n');
    input.query = bytes_cut(&rest, '\n');
    input.has_copy_source = rest.size != 0;
    if (s3_route(&input, &arena, &route, &err) == ST_OK) {
        check_routed(&route);
    } else {
        CHECK(route.operation == NULL && err.text[0] != '\0');
    }
    check_text(route.key);
    for (size_t i = 0; i < route.query.count; i++) {
        check_text(route.query.parameters[i].name);
        check_text(route.query.parameters[i].value);
    }
    arena_release(&arena);
    return 0;
}
