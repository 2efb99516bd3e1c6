/* SPDX-License-Identifier: Apache-2.0 */
#include "base/field_codec.h"

#include "tests/unit/test.h"

#include "base/banned.h"

TEST(fields_are_read_as_they_were_written)
{
    static const uint64_t NUMBERS[] = {1, 127, 128, 16384, UINT32_MAX, UINT64_MAX};
    struct buffer out = BUFFER_INIT;
    struct bytes rest;
    struct field field;
    uint64_t number;

    for (size_t i = 0; i < 6; i++) {
        field_put_number(&out, (uint8_t)(i + 1), NUMBERS[i]);
    }
    field_put_text(&out, 7, BYTES_LITERAL("text"));
    field_put_text(&out, 8, BYTES_NONE);
    field_put_number(&out, 9, 0);
    rest = buffer_bytes(&out);
    for (size_t i = 0; i < 6; i++) {
        EXPECT_STATUS(ST_OK, field_next(&rest, &field));
        EXPECT_INT(i + 1, field.tag);
        EXPECT(field_number(field.payload, UINT64_MAX, &number) && number == NUMBERS[i]);
    }
    EXPECT_STATUS(ST_OK, field_next(&rest, &field));
    EXPECT_BYTES(BYTES_LITERAL("text"), field.payload);
    EXPECT_STATUS(ST_NOT_FOUND, field_next(&rest, &field));
    buffer_release(&out);
}

TEST(broken_fields_are_refused)
{
    static const char *const BROKEN[] = {"\x01", "\x01\x02z", "\x01\xff\xff\xff\xff\xff",
                                         "\x01\x81\x80"};
    struct field field;

    for (size_t i = 0; i < 4; i++) {
        struct bytes rest = bytes_of_string(BROKEN[i]);

        EXPECT_STATUS(ST_INVALID, field_next(&rest, &field));
    }
}

/* One value has one form, and more than 64 bits are no number. */
TEST(numbers_have_one_form)
{
    uint64_t number;

    EXPECT(!field_number(bytes_of("\x80\x00", 2), UINT64_MAX, &number));
    EXPECT(!field_number(BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), UINT64_MAX,
                         &number));
    EXPECT(!field_number(BYTES_LITERAL("\x05"), 4, &number));
    EXPECT(!field_number(BYTES_LITERAL("\x05\x05"), UINT64_MAX, &number));
    EXPECT(field_number(BYTES_LITERAL("\x05"), 5, &number) && number == 5);
}
