/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include "tests/unit/test.h"

#include "base/banned.h"

TEST(cut_splits_at_the_first_separator_only)
{
    struct bytes rest = BYTES_LITERAL("a=b=c");

    EXPECT_BYTES(BYTES_LITERAL("a"), bytes_cut(&rest, '='));
    EXPECT_BYTES(BYTES_LITERAL("b=c"), rest);
    EXPECT_BYTES(BYTES_LITERAL("b=c"), bytes_cut(&rest, '&'));
    EXPECT_INT(0, rest.size);
}

TEST(numbers_are_digits_only_and_bounded)
{
    uint64_t value = 7;

    EXPECT_STATUS(ST_OK,
                  bytes_parse_u64(BYTES_LITERAL("18446744073709551615"), UINT64_MAX, &value));
    EXPECT(value == UINT64_MAX);
    value = 7;
    EXPECT_STATUS(ST_INVALID,
                  bytes_parse_u64(BYTES_LITERAL("18446744073709551616"), UINT64_MAX, &value));
    EXPECT_STATUS(ST_INVALID, bytes_parse_u64(BYTES_LITERAL(""), 10, &value));
    EXPECT_STATUS(ST_INVALID, bytes_parse_u64(BYTES_LITERAL("+1"), 10, &value));
    EXPECT_STATUS(ST_INVALID, bytes_parse_u64(BYTES_LITERAL(" 1"), 10, &value));
    EXPECT_STATUS(ST_INVALID, bytes_parse_u64(BYTES_LITERAL("11"), 10, &value));
    EXPECT_INT(7, value);
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
TEST(utf8_is_well_formed_or_refused)
{
    EXPECT(bytes_is_utf8(BYTES_LITERAL("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")));
    EXPECT(bytes_is_utf8(BYTES_NONE));
    EXPECT(!bytes_is_utf8(BYTES_LITERAL("\xC0\x80")));
    EXPECT(!bytes_is_utf8(BYTES_LITERAL("\xED\xA0\x80")));
    EXPECT(!bytes_is_utf8(BYTES_LITERAL("\xF4\x90\x80\x80")));
    EXPECT(!bytes_is_utf8(BYTES_LITERAL("\xE2\x82")));
    EXPECT(!bytes_is_utf8(BYTES_LITERAL("\xFF")));
}

TEST(buffer_grows_and_keeps_its_bytes)
{
    struct buffer buffer = BUFFER_INIT;

    for (int i = 0; i < 5000; i++) {
        buffer_append_char(&buffer, (char)('a' + i % 26));
    }
    buffer_printf(&buffer, "-%d", 42);

    EXPECT_INT(5003, buffer.size);
    EXPECT_INT('a' + 4999 % 26, buffer.data[4999]);
    EXPECT_BYTES(BYTES_LITERAL("-42"), bytes_slice(buffer_bytes(&buffer), 5000, 5003));
    buffer_release(&buffer);
}

TEST(reserving_nothing_still_gives_a_place)
{
    struct buffer buffer = BUFFER_INIT;

    EXPECT(buffer_reserve(&buffer, 0) != NULL);
    EXPECT_INT(0, buffer.size);
    buffer_release(&buffer);
}

TEST(find_looks_only_from_where_it_is_told)
{
    struct bytes text = BYTES_LITERAL("abcabc");

    EXPECT_INT(0, bytes_find(text, 0, BYTES_LITERAL("abc")));
    EXPECT_INT(3, bytes_find(text, 1, BYTES_LITERAL("abc")));
    EXPECT(bytes_find(text, 4, BYTES_LITERAL("abc")) == SIZE_MAX);
    EXPECT(bytes_find(text, 9, BYTES_LITERAL("a")) == SIZE_MAX);
}
