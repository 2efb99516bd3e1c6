/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_list_message.h"

#include "base/check.h"

#include "base/banned.h"

static const struct {
    const char *name;
    unsigned int bit;
} PROPERTIES[] = {
    {"size", NATIVE_LIST_SIZE},         {"checksum", NATIVE_LIST_CHECKSUM},
    {"atime", NATIVE_LIST_ATIME},       {"version", NATIVE_LIST_VERSION},
    {"location", NATIVE_LIST_LOCATION}, {"status", NATIVE_LIST_LOCATION},
    {"custom", NATIVE_LIST_CUSTOM},     {"copies", NATIVE_LIST_COPIES},
};

/* SPEC: found as parts of the text; names that nobody knows are ignored. */
static unsigned int
parse_properties(struct bytes text, unsigned int flags)
{
    unsigned int properties = 0;

    if ((flags & NATIVE_LIST_NAME_ONLY) || bytes_equal_string(text, "name")) {
        return 0;
    }
    if (flags & NATIVE_LIST_NAME_SIZE) {
        return NATIVE_LIST_SIZE;
    }
    if (text.size == 0) {
        return (flags & NATIVE_LIST_CACHED)
                   ? NATIVE_LIST_SIZE | NATIVE_LIST_CHECKSUM | NATIVE_LIST_ATIME
                   : NATIVE_LIST_SIZE;
    }
    for (size_t i = 0; i < ARRAY_COUNT(PROPERTIES); i++) {
        if (bytes_find(text, 0, bytes_of_string(PROPERTIES[i].name)) != SIZE_MAX) {
            properties |= PROPERTIES[i].bit;
        }
    }
    return properties;
}

static enum status
refuse_flags(unsigned int flags, struct error *err)
{
    if ((flags & NATIVE_LIST_CACHED) && (flags & NATIVE_LIST_NOT_CACHED)) {
        return fail(err, ST_INVALID, "flags cached and not-cached exclude each other");
    }
    if (flags & NATIVE_LIST_ARCHIVES) {
        return fail(err, ST_NOT_IMPLEMENTED, "listing archives is not supported");
    }
    if (flags & NATIVE_LIST_INVENTORY) {
        return fail(err, ST_NOT_IMPLEMENTED, "native bucket inventory is not supported");
    }
    if (flags & NATIVE_LIST_DIFF) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "flag diff is not supported: the bucket has no remote backend");
    }
    return ST_OK;
}

enum status
native_list_message_parse(const json_t *value, struct native_list_message *ret_message,
                          struct error *err)
{
    int64_t page_size = native_json_number(value, "pagesize", 0);
    int64_t flags = native_json_number(value, "flags", 0);
    struct native_list_message message = {.uuid = native_json_text(value, "uuid"),
                                          .prefix = native_json_text(value, "prefix"),
                                          .after = native_json_text(value, "continuation_token"),
                                          .page_size = NATIVE_LIST_PAGE_MAX};
    enum status st;

    if (page_size < 0 || flags < 0 || flags > UINT32_MAX) {
        return fail(err, ST_INVALID, "invalid page size or flags");
    }
    if (page_size > 0 && page_size < NATIVE_LIST_PAGE_MAX) {
        message.page_size = (size_t)page_size;
    }
    message.flags = (unsigned int)flags;
    st = refuse_flags(message.flags, err);
    if (st != ST_OK) {
        return st;
    }
    if (message.uuid.size > NATIVE_LIST_UUID_BYTES_MAX) {
        return fail(err, ST_INVALID, "invalid uuid of a listing");
    }
    if (message.prefix.size > 0 && message.prefix.data[message.prefix.size - 1] == '*') {
        message.prefix.size--;
    }
    if (message.after.size == 0) {
        message.after = native_json_text(value, "start_after");
    }
    message.properties = parse_properties(native_json_text(value, "props"), message.flags);
    *ret_message = message;
    return ST_OK;
}
