/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_shape.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static enum status
check(const char *notation, const char *text)
{
    struct arena arena = ARENA_INIT;
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    enum status st = native_shape_check(native_shape_parse(notation, &arena), value, &arena, NULL);

    json_decref(value);
    arena_release(&arena);
    return st;
}

/* Each word of the notation takes its values and refuses others. */
TEST(plain_values_are_told_apart)
{
    EXPECT_STATUS(ST_OK, check("text", "\"a\""));
    EXPECT_STATUS(ST_INVALID, check("text", "1"));
    EXPECT_STATUS(ST_OK, check("int", "-1"));
    EXPECT_STATUS(ST_INVALID, check("int", "1.5"));
    EXPECT_STATUS(ST_INVALID, check("int", "\"1\""));
    EXPECT_STATUS(ST_OK, check("digits", "\"17\""));
    EXPECT_STATUS(ST_OK, check("digits", "17"));
    EXPECT_STATUS(ST_INVALID, check("digits", "\"x\""));
    EXPECT_STATUS(ST_OK, check("number", "1.5"));
    EXPECT_STATUS(ST_OK, check("bool", "true"));
    EXPECT_STATUS(ST_INVALID, check("bool", "\"true\""));
    EXPECT_STATUS(ST_OK, check("'list'", "\"list\""));
    EXPECT_STATUS(ST_INVALID, check("'list'", "\"lists\""));
    EXPECT_STATUS(ST_OK, check("any", "[{}]"));
}

TEST(lists_maps_and_unions_are_checked_inside)
{
    EXPECT_STATUS(ST_OK, check("[text]", "[]"));
    EXPECT_STATUS(ST_INVALID, check("[text]", "[\"a\", 1]"));
    EXPECT_STATUS(ST_INVALID, check("[text]", "{}"));
    EXPECT_STATUS(ST_OK, check("{*: int}", "{\"a\": 1}"));
    EXPECT_STATUS(ST_INVALID, check("{*: int}", "{\"a\": \"b\"}"));
    EXPECT_STATUS(ST_OK, check("text | int", "1"));
    EXPECT_STATUS(ST_INVALID, check("text | int", "true"));
}

/* SPEC: AIStore decodes keys in any case, ignores what it does not know, and takes null for what
 * is not there. */
TEST(objects_are_as_lenient_as_aistore)
{
    EXPECT_STATUS(ST_OK, check("{id: text, n?: int}", "{\"ID\": \"x\", \"other\": 1}"));
    EXPECT_STATUS(ST_OK, check("{id: text, n?: int}", "{\"id\": \"x\", \"n\": null}"));
    EXPECT_STATUS(ST_INVALID, check("{id: text}", "{\"id\": null}"));
    EXPECT_STATUS(ST_INVALID, check("{id: text}", "{}"));
    EXPECT_STATUS(ST_INVALID, check("{id?: {n?: int}}", "{\"id\": {\"N\": \"1\"}}"));
}

/* The reference shows the same shape. */
TEST(a_shape_is_told_as_json_schema)
{
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;

    native_shape_append_schema(native_shape_parse("{a: [digits], b?: 'x'}", &arena), false, &arena,
                               &out);
    EXPECT_STRING("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"items\":"
                  "{\"type\":\"string\",\"pattern\":\"^[0-9]+$\"}},\"b\":{\"type\":\"string\","
                  "\"enum\":[\"x\"]}},\"required\":[\"a\"],\"additionalProperties\":false}",
                  arena_string(&arena, buffer_bytes(&out)));
    buffer_clear(&out);
    native_shape_append_schema(native_shape_parse("{b?: int}", &arena), true, &arena, &out);
    EXPECT_STRING("{\"type\":\"object\",\"properties\":{\"b\":{\"type\":[\"integer\",\"null\"]}},"
                  "\"required\":[]}",
                  arena_string(&arena, buffer_bytes(&out)));
    buffer_release(&out);
    arena_release(&arena);
}
