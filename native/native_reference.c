/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_reference.h"

#include <inttypes.h>

#include "base/log.h"
#include "native/native_route.h"
#include "native/native_shape.h"

#include "base/banned.h"

/* A member in an object that has one already. */
static void
append_text(struct buffer *out, const char *name, const char *text)
{
    if (text != NULL) {
        buffer_printf(out, ",\"%s\":", name);
        log_append_json_string(out, bytes_of_string(text));
    }
}

static void
append_number(struct buffer *out, const char *name, uint64_t number)
{
    if (number != 0) {
        buffer_printf(out, ",\"%s\":%" PRIu64, name, number);
    }
}

static void
append_schema(struct buffer *out, const char *name, const char *shape, bool is_sent)
{
    struct arena arena = ARENA_INIT;

    if (shape != NULL) {
        buffer_printf(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", name);
        native_shape_append_schema(native_shape_parse(shape, &arena), is_sent, &arena, out);
    }
    arena_release(&arena);
}

static void
append_fields(struct buffer *out, const char *name, const native_field_list fields)
{
    if (fields[0] == NULL) {
        return;
    }
    buffer_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < NATIVE_FIELD_COUNT_MAX && fields[i] != NULL; i++) {
        buffer_printf(out, "%s{\"name\":\"%s\"", i > 0 ? "," : "", fields[i]->name);
        append_text(out, "doc", fields[i]->doc);
        append_text(out, "words", fields[i]->words);
        append_number(out, "minimum", fields[i]->number_min);
        append_number(out, "maximum", fields[i]->number_max);
        buffer_append_string(out, fields[i]->is_bool ? ",\"bool\":true}" : "}");
    }
    buffer_append_char(out, ']');
}

static void
append_answers(struct buffer *out, const struct native_route *route)
{
    static const char *const MEDIA[] = {[NATIVE_EMPTY] = "empty",
                                        [NATIVE_JSON] = "json",
                                        [NATIVE_TEXT] = "text",
                                        [NATIVE_BYTES] = "bytes",
                                        [NATIVE_PAGE] = "page"};

    buffer_append_string(out, ",\"answers\":[");
    for (size_t i = 0; i < NATIVE_ANSWER_COUNT_MAX && route->answers[i].http_status != 0; i++) {
        const struct native_result *answer = &route->answers[i];

        buffer_printf(out, "%s{\"status\":%d,\"media\":\"%s\"", i > 0 ? "," : "",
                      answer->http_status, MEDIA[answer->media]);
        append_text(out, "doc", answer->doc);
        append_schema(out, "schema", answer->shape, false);
        append_fields(out, "headers", answer->headers);
        buffer_append_char(out, '}');
    }
    buffer_append_string(out, "],\"fails\":[");
    for (size_t i = 0; i < NATIVE_FAILURE_COUNT_MAX && route->fails[i] != 0; i++) {
        buffer_printf(out, "%s%d", i > 0 ? "," : "", route->fails[i]);
    }
    buffer_append_char(out, ']');
}

static void
append_example(struct buffer *out, const struct native_example *example)
{
    buffer_printf(out, ",\"example\":{\"step\":%d,\"status\":%d", example->step,
                  example->http_status != 0 ? example->http_status : 200);
    append_text(out, "first", example->first);
    append_text(out, "path", example->path);
    append_text(out, "query", example->query);
    append_text(out, "body", example->body);
    append_text(out, "header", example->header);
    append_text(out, "keeps", example->keeps);
    append_text(out, "keeps_header", example->keeps_header);
    buffer_append_string(out, example->is_signed ? ",\"signed\":true}" : "}");
}

static void
append_route(struct buffer *out, const struct native_route *route)
{
    static const char *const BODIES[] = {[NATIVE_BODY_NONE] = "none",
                                         [NATIVE_BODY_MESSAGE] = "message",
                                         [NATIVE_BODY_STREAMED] = "streamed"};

    buffer_printf(out, "{\"name\":\"%s\",\"method\":\"%s\",\"path\":\"%s\",\"body\":\"%s\"",
                  route->name, route->method, route->path, BODIES[route->body]);
    append_text(out, "load", load_class_name(native_route_class(route)));
    append_text(out, "selector", route->selector);
    append_text(out, "action", route->action);
    append_text(out, "doc", route->doc);
    buffer_append_string(out, route->is_bucket_optional ? ",\"bucket_optional\":true" : "");
    buffer_append_string(out, route->is_action_optional ? ",\"action_optional\":true" : "");
    append_fields(out, "needs", route->needs);
    append_fields(out, "query", route->query);
    append_fields(out, "headers", route->headers);
    if (route->body == NATIVE_BODY_MESSAGE) {
        append_schema(out, "takes", route->takes, true);
    } else {
        append_text(out, "takes", route->takes);
    }
    append_answers(out, route);
    append_example(out, &route->example);
    buffer_append_char(out, '}');
}

void
native_reference_append(struct buffer *out)
{
    static const native_field_list OF_BUCKETS = {&native_field_provider, &native_field_namespace};
    const struct native_route *route;
    const struct native_named_shape *shape;

    buffer_append_string(out, "{\"routes\":[");
    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        buffer_append_string(out, i > 0 ? ",\n" : "\n");
        append_route(out, route);
    }
    buffer_append_string(out, "\n],\"shapes\":{");
    for (size_t i = 0; (shape = native_route_shape_at(i)) != NULL; i++) {
        append_schema(out, shape->name, shape->shape, false);
    }
    buffer_append_char(out, '}');
    append_fields(out, "of_buckets", OF_BUCKETS);
    buffer_append_string(out, "}\n");
}
