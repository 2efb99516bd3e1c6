/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_page.h"

#include "jobs/name_template.h"
#include "native/native_list_message.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* Rule: what clients decode is pinned byte by byte.  SPEC: AIStore cmn/objlist.go; msgpack. */
TEST(a_page_is_packed_as_clients_decode_it)
{
    static const char GOLDEN[] = "\x84\xa4UUID\xa1u\xb1"
                                 "ContinuationToken\xa1"
                                 "b\xa7"
                                 "Entries\x92\x83\xa1n\xa1"
                                 "a\xa1s\xcd\x01\x2c\xa1"
                                 "f@\x82\xa1n\xa2"
                                 "b/\xa1"
                                 "f\xcd\x01\x00\xa5"
                                 "Flags\x00";
    struct native_page page = {
        .properties = NATIVE_LIST_SIZE, .has_directories = true, .is_msgpack = true};
    struct object_record record = {.size = 300};
    struct buffer out = BUFFER_INIT;

    native_page_take(BYTES_LITERAL("a"), &record, &page);
    native_page_take(BYTES_LITERAL("b/"), NULL, &page);
    native_page_finish(&page, BYTES_LITERAL("u"), BYTES_LITERAL("b"), &out);
    EXPECT_BYTES(bytes_of(GOLDEN, sizeof(GOLDEN) - 1), buffer_bytes(&out));
    native_page_release(&page);
    buffer_release(&out);
}

/* SPEC: AIStore cmn/cos/template.go. */
TEST(templates_count_with_their_zeros_and_steps)
{
    struct name_template template;
    struct buffer name = BUFFER_INIT;

    EXPECT_STATUS(ST_OK, name_template_parse(BYTES_LITERAL("p-{08..10..2}-s"), &template, NULL));
    EXPECT(name_template_next(&template, &name));
    EXPECT_BYTES(BYTES_LITERAL("p-08-s"), buffer_bytes(&name));
    EXPECT(name_template_next(&template, &name));
    EXPECT_BYTES(BYTES_LITERAL("p-10-s"), buffer_bytes(&name));
    EXPECT(!name_template_next(&template, &name));
    EXPECT_STATUS(ST_INVALID, name_template_parse(BYTES_LITERAL("{2..1}"), &template, NULL));
    EXPECT_STATUS(ST_INVALID, name_template_parse(BYTES_LITERAL("{1.."), &template, NULL));
    buffer_release(&name);
}
