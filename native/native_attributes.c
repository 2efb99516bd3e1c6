/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_attributes.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/http_date.h"
#include "object/native_checksum.h"
#include "object/object_custom.h"

#include "base/banned.h"

static const struct {
    const char *name;
    unsigned int bit;
} NAMES[] = {
    {"name", NATIVE_ATTRIBUTE_NAME},
    {"size", NATIVE_ATTRIBUTE_SIZE},
    {"checksum", NATIVE_ATTRIBUTE_CHECKSUM},
    {"atime", NATIVE_ATTRIBUTE_ATIME},
    {"version", NATIVE_ATTRIBUTE_VERSION},
    {"custom", NATIVE_ATTRIBUTE_CUSTOM},
    {"etag", NATIVE_ATTRIBUTE_ETAG},
    {"last-modified", NATIVE_ATTRIBUTE_LAST_MODIFIED},
    {"copies", NATIVE_ATTRIBUTE_COPIES},
    {"location", NATIVE_ATTRIBUTE_LOCATION},
    {"ec", NATIVE_ATTRIBUTE_EC},
    {"chunked", NATIVE_ATTRIBUTE_CHUNKED},
};

enum status
native_attributes_parse(struct bytes list, unsigned int *ret_wanted, struct error *err)
{
    unsigned int wanted = 0;

    while (list.size > 0) {
        struct bytes name = bytes_trim(bytes_cut(&list, ','));
        size_t i = 0;

        while (i < ARRAY_COUNT(NAMES) && !bytes_equal_string(name, NAMES[i].name)) {
            i++;
        }
        if (i == ARRAY_COUNT(NAMES)) {
            return fail(err, ST_INVALID, "unknown object property \"%.*s\"",
                        (int)(name.size < 64 ? name.size : 64), name.data);
        }
        wanted |= NAMES[i].bit;
    }
    *ret_wanted = wanted;
    return ST_OK;
}

enum status
native_attributes_check_custom(const struct metadata_entry *entries, size_t count,
                               struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes parts[] = {entries[i].name, entries[i].value};

        for (size_t part = 0; part < ARRAY_COUNT(parts); part++) {
            for (size_t at = 0; at < parts[part].size; at++) {
                unsigned char c = (unsigned char)parts[part].data[at];

                if (c < 0x20 || c == 0x7F || (part == 0 && (c == '=' || c == ','))) {
                    return fail(err, ST_INVALID,
                                "custom metadata has a control character, or a name with = or ,");
                }
            }
        }
    }
    return ST_OK;
}

static void
reply_custom(struct native_call *call, struct bytes custom)
{
    struct metadata_entry entry;

    while (object_custom_next(&custom, &entry)) {
        char *text = arena_alloc(call->arena, entry.name.size + 1 + entry.value.size);

        memcpy(text, entry.name.data, entry.name.size);
        text[entry.name.size] = '=';
        memcpy(text + entry.name.size + 1, entry.value.data, entry.value.size);
        native_reply_header(call, "Ais-Custom-Md",
                            bytes_of(text, entry.name.size + 1 + entry.value.size));
    }
}

static void
reply_checksum(struct native_call *call, const struct object_record *record)
{
    struct native_checksum checksum;
    char text[NATIVE_CHECKSUM_TEXT_SIZE];

    native_checksum_of_record(record, &checksum);
    if (checksum.type == NATIVE_CHECKSUM_NONE) {
        return;
    }
    native_checksum_format(&checksum, text);
    native_reply_header(call, "Ais-Checksum-Type",
                        bytes_of_string(native_checksum_name(checksum.type)));
    native_reply_header(call, "Ais-Checksum-Value", arena_copy(call->arena, bytes_of_string(text)));
}

struct bytes
native_attributes_location(const struct native *native, struct arena *arena)
{
    return arena_printf_bytes(arena, "t[%s]", native->node_id);
}

static void
reply_place(struct native_call *call, unsigned int wanted)
{
    if (wanted & NATIVE_ATTRIBUTE_LOCATION) {
        native_reply_header(call, "Ais-Location",
                            native_attributes_location(call->native, call->arena));
    }
    if (wanted & NATIVE_ATTRIBUTE_COPIES) {
        native_reply_header(call, "Ais-Mirror-Copies", BYTES_LITERAL("1"));
    }
}

void
native_attributes_reply(struct native_call *call, const struct object_record *record,
                        unsigned int wanted)
{
    if (wanted & NATIVE_ATTRIBUTE_NAME) {
        native_reply_header(call, "Ais-Name", call->object_name);
        native_reply_header(call, "Ais-Bucket-Name", call->bck.name);
        native_reply_header(call, "Ais-Bucket-Provider", call->bck.provider);
    }
    if (wanted & NATIVE_ATTRIBUTE_CHECKSUM) {
        reply_checksum(call, record);
    }
    if (wanted & NATIVE_ATTRIBUTE_ATIME) {
        native_reply_number(call, "Ais-Atime", (uint64_t)record->created_ns);
    }
    if (wanted & NATIVE_ATTRIBUTE_VERSION) {
        native_reply_number(call, "Ais-Version", record->overwrite_count + 1);
    }
    if (wanted & NATIVE_ATTRIBUTE_CUSTOM) {
        reply_custom(call, record->custom);
    }
    if (wanted & NATIVE_ATTRIBUTE_ETAG) {
        native_reply_header(call, "ETag",
                            arena_printf_bytes(call->arena, "\"%.*s\"", BYTES_ARGS(record->etag)));
    }
    if (wanted & NATIVE_ATTRIBUTE_LAST_MODIFIED) {
        char *date = arena_alloc(call->arena, HTTP_DATE_SIZE + 1);

        http_date_format(record->created_ns / CLOCK_NS_PER_S, date);
        native_reply_header(call, "Last-Modified", bytes_of(date, HTTP_DATE_SIZE));
    }
    reply_place(call, wanted);
}
