/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_page.h"

#include "base/clock.h"
#include "jobs/name_template.h"
#include "native/native_list_message.h"
#include "tests/unit/golden.h"
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

/* The same with every property that can be asked for; tests/sdk decodes this very file. */
TEST(a_page_with_all_properties_is_packed_as_its_golden_file)
{
    struct native_page page = {.location = BYTES_LITERAL("t[target-01]"),
                               .properties = NATIVE_LIST_SIZE | NATIVE_LIST_CHECKSUM |
                                             NATIVE_LIST_ATIME | NATIVE_LIST_VERSION |
                                             NATIVE_LIST_LOCATION | NATIVE_LIST_CUSTOM |
                                             NATIVE_LIST_COPIES,
                               .has_directories = true,
                               .is_msgpack = true};
    struct object_record record = {
        .size = 5368709120,
        .created_ns = 1790000000 * CLOCK_NS_PER_S,
        .overwrite_count = 6,
        .native_checksum = {.type = NATIVE_CHECKSUM_XXHASH2,
                            .value = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef},
                            .size = 8},
        .custom = BYTES_LITERAL("split\0train\0label\0cat\0"),
        .is_chunked = true};
    struct buffer out = BUFFER_INIT;

    native_page_take(BYTES_LITERAL("a/\xc3\xa9t\xc3\xa9"), &record, &page);
    native_page_take(BYTES_LITERAL("b/"), NULL, &page);
    native_page_take(BYTES_LITERAL("c"), &(struct object_record){.size = 0}, &page);
    native_page_finish(&page, BYTES_LITERAL("u"), (struct bytes){0}, &out);
    golden_expect("listing_page", buffer_bytes(&out));
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
