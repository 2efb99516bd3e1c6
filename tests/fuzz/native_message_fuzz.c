/* SPDX-License-Identifier: Apache-2.0 */
/* Action messages, requests for pages, queries and templates of names, all of which clients write,
 * against the contract of every route. */
#include "base/check.h"
#include "jobs/name_template.h"
#include "native/native_list_message.h"
#include "native/native_route.h"

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

/* The text as a query, its message as it was parsed: a route keeps them or says why not. */
static void
try_contracts(struct bytes text, const struct native_message *message)
{
    struct arena arena = ARENA_INIT;
    struct native_query query = {.count = 0};
    const struct native_route *route;

    if (native_query_parse(text, &arena, &query, NULL) != ST_OK) {
        query.count = 0;
    }
    for (size_t i = 0; (route = native_route_at(i)) != NULL; i++) {
        struct error err = ERROR_INIT;
        enum status st = native_route_check(route, &query, message, &arena, &err);

        CHECK(st == ST_OK || (st == ST_INVALID && err.text[0] != '\0'));
    }
    arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct native_message none = {.root = NULL};
    struct bytes text = bytes_of(data, size);
    struct native_message message;
    struct native_list_message list;

    try_template(text);
    try_contracts(text, &none);
    if (native_message_parse(text, &message, NULL) == ST_OK) {
        if (native_list_message_parse(message.value, &list, NULL) == ST_OK) {
            CHECK(list.page_size >= 1 && list.page_size <= NATIVE_LIST_PAGE_MAX);
        }
        try_template(native_json_text(message.value, "template"));
        try_contracts(BYTES_NONE, &message);
        native_message_release(&message);
    }
    return 0;
}
