/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_shape.h"

#include "base/check.h"
#include "base/log.h"
#include "native/native_message.h"
#include "native/native_route.h"

#include "base/banned.h"

/* ---- notation ---- */

struct shape_parser {
    struct bytes rest;
    struct arena *arena;
    unsigned int depth;
};

static struct native_shape *parse_union(struct shape_parser *parser);

static void
skip_space(struct shape_parser *parser)
{
    while (parser->rest.size > 0 && parser->rest.data[0] == ' ') {
        parser->rest = bytes_slice(parser->rest, 1, parser->rest.size);
    }
}

static bool
take(struct shape_parser *parser, const char *token)
{
    size_t size = strlen(token);

    skip_space(parser);
    if (!bytes_has_prefix(parser->rest, bytes_of_string(token))) {
        return false;
    }
    parser->rest = bytes_slice(parser->rest, size, parser->rest.size);
    return true;
}

static struct bytes
take_name(struct shape_parser *parser)
{
    static const char BYTES[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    struct bytes name;
    size_t size = 0;

    skip_space(parser);
    while (size < parser->rest.size && strchr(BYTES, parser->rest.data[size]) != NULL) {
        size++;
    }
    CHECK(size > 0);
    name = bytes_slice(parser->rest, 0, size);
    parser->rest = bytes_slice(parser->rest, size, parser->rest.size);
    return name;
}

static enum native_shape_kind
kind_of(struct bytes name)
{
    static const struct {
        const char *name;
        enum native_shape_kind kind;
    } KINDS[] = {
        {"any", NATIVE_SHAPE_ANY},       {"text", NATIVE_SHAPE_TEXT},
        {"digits", NATIVE_SHAPE_DIGITS}, {"int", NATIVE_SHAPE_INT},
        {"number", NATIVE_SHAPE_NUMBER}, {"bool", NATIVE_SHAPE_BOOL},
        {"null", NATIVE_SHAPE_NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(KINDS); i++) {
        if (bytes_equal_string(name, KINDS[i].name)) {
            return KINDS[i].kind;
        }
    }
    return NATIVE_SHAPE_NAMED;
}

/* Behind the brace. */
static void
parse_members(struct shape_parser *parser, struct native_shape *object)
{
    struct native_shape **link = &object->first;

    if (take(parser, "*")) {
        CHECK(take(parser, ":"));
        object->kind = NATIVE_SHAPE_MAP;
        object->first = parse_union(parser);
        CHECK(take(parser, "}"));
        return;
    }
    object->kind = NATIVE_SHAPE_OBJECT;
    while (!take(parser, "}")) {
        struct bytes name;
        bool is_optional;

        CHECK(link == &object->first || take(parser, ","));
        if (take(parser, "...")) {
            object->is_open = true;
            CHECK(take(parser, "}"));
            return;
        }
        name = take_name(parser);
        is_optional = take(parser, "?");
        CHECK(take(parser, ":"));
        *link = parse_union(parser);
        (*link)->member = name;
        (*link)->is_optional = is_optional;
        link = &(*link)->next;
    }
}

static struct native_shape *
parse_item(struct shape_parser *parser)
{
    struct native_shape *shape = arena_calloc(parser->arena, 1, sizeof(*shape));

    CHECK(++parser->depth <= NATIVE_SHAPE_DEPTH_MAX);
    if (take(parser, "{")) {
        parse_members(parser, shape);
    } else if (take(parser, "[")) {
        shape->kind = NATIVE_SHAPE_LIST;
        shape->first = parse_union(parser);
        CHECK(take(parser, "]"));
    } else if (take(parser, "'")) {
        shape->kind = NATIVE_SHAPE_WORD;
        CHECK(bytes_find_char(parser->rest, 0, '\'') != SIZE_MAX);
        shape->text = bytes_cut(&parser->rest, '\'');
    } else {
        shape->text = take_name(parser);
        shape->kind = kind_of(shape->text);
        CHECK(shape->kind != NATIVE_SHAPE_NAMED || native_route_shape(shape->text) != NULL);
    }
    parser->depth--;
    return shape;
}

static struct native_shape *
parse_union(struct shape_parser *parser)
{
    struct native_shape *first = parse_item(parser);
    struct native_shape *either;

    if (!take(parser, "|")) {
        return first;
    }
    either = arena_calloc(parser->arena, 1, sizeof(*either));
    either->kind = NATIVE_SHAPE_UNION;
    either->first = first;
    do {
        first->next = parse_item(parser);
        first = first->next;
    } while (take(parser, "|"));
    return either;
}

const struct native_shape *
native_shape_parse(const char *notation, struct arena *arena)
{
    struct shape_parser parser = {.rest = bytes_of_string(notation), .arena = arena};
    const struct native_shape *shape = parse_union(&parser);

    skip_space(&parser);
    CHECK(parser.rest.size == 0);
    return shape;
}

/* ---- what clients send ---- */

static const char *
expected(const struct native_shape *shape)
{
    static const char *const TEXTS[] = {
        [NATIVE_SHAPE_ANY] = "any value",
        [NATIVE_SHAPE_TEXT] = "a text",
        [NATIVE_SHAPE_DIGITS] = "a number as text",
        [NATIVE_SHAPE_INT] = "an integer",
        [NATIVE_SHAPE_NUMBER] = "a number",
        [NATIVE_SHAPE_BOOL] = "true or false",
        [NATIVE_SHAPE_NULL] = "null",
        [NATIVE_SHAPE_WORD] = "another text",
        [NATIVE_SHAPE_LIST] = "a list",
        [NATIVE_SHAPE_MAP] = "an object",
        [NATIVE_SHAPE_OBJECT] = "an object",
        [NATIVE_SHAPE_UNION] = "something else",
        [NATIVE_SHAPE_NAMED] = "an object",
    };

    return TEXTS[shape->kind];
}

/* SPEC: AIStore `json:",string"`; its clients also send plain numbers there. */
static bool
is_digits(const json_t *value)
{
    uint64_t number;

    return json_is_integer(value) ||
           (json_is_string(value) &&
            bytes_parse_u64(bytes_of(json_string_value(value), json_string_length(value)),
                            UINT64_MAX, &number) == ST_OK);
}

static enum status
mismatch(const struct native_shape *shape, struct bytes place, struct error *err)
{
    return fail(err, ST_INVALID, "invalid message: %.*s should be %s",
                (int)(place.size < 64 ? place.size : 64), place.data, expected(shape));
}

static enum status check_value(const struct native_shape *shape, const json_t *value,
                               struct bytes place, struct arena *arena, struct error *err);

static enum status
check_members(const struct native_shape *object, const json_t *value, struct bytes place,
              struct arena *arena, struct error *err)
{
    enum status st = ST_OK;

    for (const struct native_shape *member = object->first; st == ST_OK && member != NULL;
         member = member->next) {
        char *name = arena_string(arena, member->member);
        const json_t *found = native_json_get(value, name);

        if (found == NULL && !member->is_optional && member->kind != NATIVE_SHAPE_NULL) {
            st = fail(err, ST_INVALID, "invalid message: %.*s has no \"%s\"",
                      (int)(place.size < 64 ? place.size : 64), place.data, name);
        } else if (found != NULL) {
            st = check_value(member, found, member->member, arena, err);
        }
    }
    return st;
}

static enum status
check_all(const struct native_shape *item, const json_t *value, struct bytes place,
          struct arena *arena, struct error *err)
{
    enum status st = ST_OK;
    const char *name;
    json_t *member;

    for (size_t i = 0; st == ST_OK && i < json_array_size(value); i++) {
        st = check_value(item, json_array_get(value, i), place, arena, err);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        if (st == ST_OK) {
            st = check_value(item, member, bytes_of_string(name), arena, err);
        }
    }
    return st;
}

static bool
is_plain(const struct native_shape *shape, const json_t *value)
{
    switch (shape->kind) {
    case NATIVE_SHAPE_ANY:
        return true;
    case NATIVE_SHAPE_TEXT:
        return json_is_string(value);
    case NATIVE_SHAPE_DIGITS:
        return is_digits(value);
    case NATIVE_SHAPE_INT:
        return json_is_integer(value);
    case NATIVE_SHAPE_NUMBER:
        return json_is_number(value);
    case NATIVE_SHAPE_BOOL:
        return json_is_boolean(value);
    case NATIVE_SHAPE_NULL:
        return value == NULL || json_is_null(value);
    case NATIVE_SHAPE_WORD:
        return json_is_string(value) &&
               bytes_equal(bytes_of(json_string_value(value), json_string_length(value)),
                           shape->text);
    default:
        return false;
    }
}

static enum status
check_value(const struct native_shape *shape, const json_t *value, struct bytes place,
            struct arena *arena, struct error *err)
{
    switch (shape->kind) {
    case NATIVE_SHAPE_LIST:
        return json_is_array(value) ? check_all(shape->first, value, place, arena, err)
                                    : mismatch(shape, place, err);
    case NATIVE_SHAPE_MAP:
        return json_is_object(value) ? check_all(shape->first, value, place, arena, err)
                                     : mismatch(shape, place, err);
    case NATIVE_SHAPE_OBJECT:
        return json_is_object(value) ? check_members(shape, value, place, arena, err)
                                     : mismatch(shape, place, err);
    case NATIVE_SHAPE_UNION:
        for (const struct native_shape *either = shape->first; either != NULL;
             either = either->next) {
            if (check_value(either, value, place, arena, NULL) == ST_OK) {
                return ST_OK;
            }
        }
        return mismatch(shape, place, err);
    case NATIVE_SHAPE_NAMED:
        return check_value(native_shape_parse(native_route_shape(shape->text), arena), value, place,
                           arena, err);
    default:
        return is_plain(shape, value) ? ST_OK : mismatch(shape, place, err);
    }
}

enum status
native_shape_check(const struct native_shape *shape, const json_t *value, struct arena *arena,
                   struct error *err)
{
    return check_value(shape, value, BYTES_LITERAL("the body"), arena, err);
}

/* ---- JSON Schema ---- */

static void
append_type(const char *type, bool may_be_null, const char *more, struct buffer *out)
{
    buffer_printf(out, may_be_null ? "{\"type\":[\"%s\",\"null\"]%s" : "{\"type\":\"%s\"%s", type,
                  more);
}

static void append_schema(const struct native_shape *shape, bool is_sent, bool may_be_null,
                          struct arena *arena, struct buffer *out);

static void
append_object(const struct native_shape *object, bool is_sent, bool may_be_null,
              struct arena *arena, struct buffer *out)
{
    const char *separator = "";

    append_type("object", may_be_null, ",\"properties\":{", out);
    for (const struct native_shape *member = object->first; member != NULL; member = member->next) {
        buffer_append_string(out, separator);
        log_append_json_string(out, member->member);
        buffer_append_char(out, ':');
        append_schema(member, is_sent, is_sent && member->is_optional, arena, out);
        separator = ",";
    }
    buffer_append_string(out, "},\"required\":[");
    separator = "";
    for (const struct native_shape *member = object->first; member != NULL; member = member->next) {
        if (!member->is_optional) {
            buffer_append_string(out, separator);
            log_append_json_string(out, member->member);
            separator = ",";
        }
    }
    buffer_append_string(out,
                         is_sent || object->is_open ? "]}" : "],\"additionalProperties\":false}");
}

static void
append_union(const struct native_shape *shape, bool is_sent, bool may_be_null, struct arena *arena,
             struct buffer *out)
{
    buffer_append_string(out, "{\"anyOf\":[");
    for (const struct native_shape *either = shape->first; either != NULL; either = either->next) {
        buffer_append_string(out, either != shape->first ? "," : "");
        append_schema(either, is_sent, false, arena, out);
    }
    buffer_append_string(out, may_be_null ? ",{\"type\":\"null\"}]}" : "]}");
}

static void
append_named(const struct native_shape *shape, bool is_sent, bool may_be_null, struct arena *arena,
             struct buffer *out)
{
    if (is_sent) {
        append_schema(native_shape_parse(native_route_shape(shape->text), arena), true, may_be_null,
                      arena, out);
    } else {
        buffer_printf(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", BYTES_ARGS(shape->text));
    }
}

static void
append_schema(const struct native_shape *shape, bool is_sent, bool may_be_null, struct arena *arena,
              struct buffer *out)
{
    static const char *const TYPES[] = {
        [NATIVE_SHAPE_TEXT] = "string",  [NATIVE_SHAPE_DIGITS] = "string",
        [NATIVE_SHAPE_INT] = "integer",  [NATIVE_SHAPE_NUMBER] = "number",
        [NATIVE_SHAPE_BOOL] = "boolean", [NATIVE_SHAPE_NULL] = "null",
        [NATIVE_SHAPE_WORD] = "string",  [NATIVE_SHAPE_LIST] = "array",
        [NATIVE_SHAPE_MAP] = "object",
    };

    switch (shape->kind) {
    case NATIVE_SHAPE_ANY:
        buffer_append_string(out, "{}");
        return;
    case NATIVE_SHAPE_OBJECT:
        append_object(shape, is_sent, may_be_null, arena, out);
        return;
    case NATIVE_SHAPE_UNION:
        append_union(shape, is_sent, may_be_null, arena, out);
        return;
    case NATIVE_SHAPE_NAMED:
        append_named(shape, is_sent, may_be_null, arena, out);
        return;
    case NATIVE_SHAPE_LIST:
        append_type(TYPES[shape->kind], may_be_null, ",\"items\":", out);
        append_schema(shape->first, is_sent, false, arena, out);
        break;
    case NATIVE_SHAPE_MAP:
        append_type(TYPES[shape->kind], may_be_null, ",\"additionalProperties\":", out);
        append_schema(shape->first, is_sent, false, arena, out);
        break;
    case NATIVE_SHAPE_WORD:
        append_type(TYPES[shape->kind], may_be_null, ",\"enum\":[", out);
        log_append_json_string(out, shape->text);
        buffer_append_string(out, may_be_null ? ",null]" : "]");
        break;
    default:
        append_type(TYPES[shape->kind], may_be_null,
                    shape->kind == NATIVE_SHAPE_DIGITS ? ",\"pattern\":\"^[0-9]+$\"" : "", out);
        break;
    }
    buffer_append_char(out, '}');
}

void
native_shape_append_schema(const struct native_shape *shape, bool is_sent, struct arena *arena,
                           struct buffer *out)
{
    append_schema(shape, is_sent, false, arena, out);
}
