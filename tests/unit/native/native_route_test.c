/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_route.h"

#include "native/native_shape.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static bool
is_unsupported(const struct native_route *route)
{
    return strcmp(route->name, "NativeUnsupported") == 0;
}

/* The reference is made of the contracts, so each says all that a reader needs. */
TEST(every_route_says_what_it_does_and_answers)
{
    const struct native_route *route;

    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        EXPECT(route->doc != NULL && route->doc[0] != '\0');
        EXPECT(route->answers[0].http_status != 0 || route->fails[0] != 0);
        EXPECT(route->example.step > 0);
        EXPECT((route->body == NATIVE_BODY_STREAMED) == (route->prepare != NULL));
        for (size_t at = 0; at < NATIVE_ANSWER_COUNT_MAX; at++) {
            const struct native_result *answer = &route->answers[at];

            EXPECT(answer->http_status == 0 || answer->doc != NULL);
            EXPECT((answer->media == NATIVE_JSON || answer->media == NATIVE_PAGE) ==
                   (answer->shape != NULL));
        }
    }
}

/* Logs, metrics and the reference know routes by their names. */
TEST(names_and_steps_are_unique)
{
    const struct native_route *route;
    const struct native_route *other;

    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        for (size_t j = 0; !is_unsupported(route) && j < i; j++) {
            other = native_route_at(j);
            EXPECT(strcmp(route->name, other->name) != 0);
            EXPECT(route->example.step != other->example.step);
        }
    }
}

/* A notation that does not parse ends the program; an action stands in its own message. */
TEST(every_shape_parses)
{
    struct arena arena = ARENA_INIT;
    const struct native_route *route;
    const struct native_named_shape *shape;

    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        if (route->body == NATIVE_BODY_MESSAGE && route->takes != NULL) {
            EXPECT(native_shape_parse(route->takes, &arena)->kind == NATIVE_SHAPE_OBJECT);
            EXPECT(route->action == NULL || strstr(route->takes, route->action) != NULL);
        }
        for (size_t at = 0; at < NATIVE_ANSWER_COUNT_MAX; at++) {
            if (route->answers[at].shape != NULL) {
                native_shape_parse(route->answers[at].shape, &arena);
            }
        }
    }
    for (size_t i = 0; (shape = native_route_shape_at(i)) != NULL; i++) {
        native_shape_parse(shape->shape, &arena);
        EXPECT(native_route_shape(bytes_of_string(shape->name)) == shape->shape);
    }
    arena_release(&arena);
}

/* Of rows with one method and path, none stands in front of another that it hides. */
TEST(every_route_is_found)
{
    const struct native_route *route;

    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        struct bytes value = bytes_of_string(route->selector);
        struct native_parameter parameter = {.name = bytes_cut(&value, '=')};
        struct native_query query = {.parameters = &parameter,
                                     .count = route->selector != NULL ? 1 : 0};
        struct native_match match = {
            .method = bytes_of_string(route->method),
            .path = bytes_of_string(route->path),
            .query = &query,
            .has_message = route->body == NATIVE_BODY_MESSAGE,
            .action = bytes_of_string(route->action != NULL ? route->action : "another")};

        parameter.value = value.size > 0 ? value : BYTES_LITERAL("x");
        EXPECT(native_route_find(&match) == route);
    }
}

/* SPEC: AIStore cmn/err.go: 405 tells which methods there are. */
TEST(methods_of_a_path_are_known)
{
    struct arena arena = ARENA_INIT;
    struct bytes methods = native_route_methods(BYTES_LITERAL("/v1/health"), &arena);

    EXPECT(bytes_equal_string(methods, "GET"));
    methods = native_route_methods(BYTES_LITERAL("/v1/buckets/b"), &arena);
    EXPECT(bytes_find(methods, 0, BYTES_LITERAL("PATCH")) != SIZE_MAX);
    EXPECT(native_route_methods(BYTES_LITERAL("/v1/nowhere"), &arena).size == 0);
    arena_release(&arena);
}
