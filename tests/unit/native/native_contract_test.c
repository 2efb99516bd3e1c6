/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_contract.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static const struct native_field NEEDED = {.name = "id"};
static const struct native_field WORD = {.name = "word", .words = "one two"};
static const struct native_field NUMBER = {.name = "number", .number_min = 1, .number_max = 10};

static enum status
check(const char *text)
{
    static const native_field_list NEEDS = {&NEEDED};
    static const native_field_list KNOWN = {&WORD, &NUMBER};
    struct arena arena = ARENA_INIT;
    struct native_query query;
    enum status st = native_query_parse(bytes_of_string(text), &arena, &query, NULL);

    if (st == ST_OK) {
        st = native_contract_check_query(NEEDS, KNOWN, &query, NULL);
    }
    arena_release(&arena);
    return st;
}

TEST(what_is_needed_must_be_there)
{
    EXPECT_STATUS(ST_OK, check("id=1"));
    EXPECT_STATUS(ST_INVALID, check("id="));
    EXPECT_STATUS(ST_INVALID, check(""));
}

TEST(values_are_words_and_numbers_that_there_are)
{
    EXPECT_STATUS(ST_OK, check("id=1&word=two&number=10"));
    EXPECT_STATUS(ST_INVALID, check("id=1&word=three"));
    EXPECT_STATUS(ST_INVALID, check("id=1&word=one+two"));
    EXPECT_STATUS(ST_INVALID, check("id=1&number=0"));
    EXPECT_STATUS(ST_INVALID, check("id=1&number=11"));
    EXPECT_STATUS(ST_INVALID, check("id=1&number=x"));
}

/* SPEC: the SDK sends empty parameters, and AIStore ignores those it does not know. */
TEST(empty_and_unknown_parameters_are_ignored)
{
    EXPECT_STATUS(ST_OK, check("id=1&word=&number="));
    EXPECT_STATUS(ST_OK, check("id=1&other=x"));
}
