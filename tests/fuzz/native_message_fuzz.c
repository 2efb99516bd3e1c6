/* SPDX-License-Identifier: Apache-2.0 */
/* Action messages, requests for pages and templates of names, all of which clients write. */
#include "base/check.h"
#include "jobs/name_template.h"
#include "native/native_list_message.h"

#include "base/banned.h"

/* Names looked at of a template. */
#define NAMES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_template(struct bytes text)
{
    struct name_template template;
    struct buffer name = BUFFER_INIT;
    uint64_t count = 0;

    if (name_template_parse(text, &template, NULL) == ST_OK) {
        uint64_t promised = template.range_count > 0 ? template.count : 0;

        while (count < NAMES_MAX && name_template_next(&template, &name)) {
            count++;
        }
        CHECK(count == (promised < NAMES_MAX ? promised : NAMES_MAX));
    }
    buffer_release(&name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct native_message message;
    struct native_list_message list;

    try_template(text);
    if (native_message_parse(text, &message, NULL) == ST_OK) {
        if (native_list_message_parse(message.value, &list, NULL) == ST_OK) {
            CHECK(list.page_size >= 1 && list.page_size <= NATIVE_LIST_PAGE_MAX);
        }
        try_template(native_json_text(message.value, "template"));
        native_message_release(&message);
    }
    return 0;
}
