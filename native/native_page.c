/* SPDX-License-Identifier: Apache-2.0 */
#include "native/native_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/log.h"
#include "native/native_list_message.h"
#include "native/native_msgpack.h"
#include "object/native_checksum.h"
#include "object/object_custom.h"

#include "base/banned.h"

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Texts of one entry; empty: left out. */
struct entry {
    struct bytes name;
    char checksum[NATIVE_CHECKSUM_TEXT_SIZE];
    char atime[40];
    char version[24];
    char place[CLUSTER_ID_BYTES_MAX + 4];
    struct bytes location;
    struct bytes custom; /* "[k:v k:v]" */
    uint64_t size;
    uint64_t copies;
    unsigned int flags;
};

static void
append_custom(struct bytes custom, struct buffer *out)
{
    struct metadata_entry entry;
    bool is_first = true;

    if (custom.size == 0) {
        return;
    }
    buffer_append_char(out, '[');
    while (object_custom_next(&custom, &entry)) {
        buffer_printf(out, "%s%.*s:%.*s", is_first ? "" : " ", BYTES_ARGS(entry.name),
                      BYTES_ARGS(entry.value));
        is_first = false;
    }
    buffer_append_char(out, ']');
}

static void
fill_location(const struct native_page *page, struct entry *entry)
{
    const struct cluster_node *owner =
        page->map != NULL ? cluster_map_owner(page->map, page->uname, entry->name) : NULL;

    entry->location = page->location;
    if (owner != NULL) {
        snprintf(entry->place, sizeof(entry->place), "t[%.*s]", BYTES_ARGS(owner->id));
        entry->location = bytes_of_string(entry->place);
    }
}

static void
entry_fill(const struct native_page *page, const struct object_record *record, struct entry *entry)
{
    struct native_checksum checksum;
    unsigned int wanted = page->properties;

    if (wanted & NATIVE_LIST_SIZE) {
        entry->size = record->size;
    }
    if (wanted & NATIVE_LIST_CHECKSUM) {
        native_checksum_of_record(record, &checksum);
        native_checksum_format(&checksum, entry->checksum);
    }
    if (wanted & NATIVE_LIST_ATIME) { /* RFC 822: "02 Jan 06 15:04 UTC" */
        time_t at_s = record->created_ns / CLOCK_NS_PER_S;
        struct tm parts;

        gmtime_r(&at_s, &parts);
        snprintf(entry->atime, sizeof(entry->atime), "%02d %s %02d %02d:%02d UTC", parts.tm_mday,
                 MONTHS[parts.tm_mon], parts.tm_year % 100, parts.tm_hour, parts.tm_min);
    }
    if (wanted & NATIVE_LIST_VERSION) {
        snprintf(entry->version, sizeof(entry->version), "%" PRIu64, record->overwrite_count + 1);
    }
    if (wanted & NATIVE_LIST_LOCATION) {
        fill_location(page, entry);
    }
    if (wanted & NATIVE_LIST_COPIES) {
        entry->copies = 1;
    }
}

static void
put_packed(struct buffer *out, const char *key, struct bytes text)
{
    if (text.size > 0) {
        native_msgpack_put_string(out, key);
        native_msgpack_put_text(out, text);
    }
}

static void
put_packed_number(struct buffer *out, const char *key, uint64_t number)
{
    if (number > 0) {
        native_msgpack_put_string(out, key);
        native_msgpack_put_number(out, number);
    }
}

static void
entry_pack(const struct entry *entry, struct buffer *out)
{
    struct bytes checksum = bytes_of_string(entry->checksum);
    struct bytes atime = bytes_of_string(entry->atime);
    struct bytes version = bytes_of_string(entry->version);

    native_msgpack_put_map(out, 1U + (checksum.size > 0) + (atime.size > 0) + (version.size > 0) +
                                    (entry->location.size > 0) + (entry->custom.size > 0) +
                                    (entry->size > 0) + (entry->copies > 0) + (entry->flags > 0));
    native_msgpack_put_string(out, "n");
    native_msgpack_put_text(out, entry->name);
    put_packed(out, "cs", checksum);
    put_packed(out, "a", atime);
    put_packed(out, "v", version);
    put_packed(out, "t", entry->location);
    put_packed(out, "m", entry->custom);
    put_packed_number(out, "s", entry->size);
    put_packed_number(out, "c", entry->copies);
    put_packed_number(out, "f", entry->flags);
}

static void
put_member(struct buffer *out, const char *key, struct bytes text)
{
    if (text.size > 0) {
        buffer_printf(out, ",\"%s\":", key);
        log_append_json_string(out, text);
    }
}

/* SPEC: size is a string of digits in JSON. */
static void
entry_format(const struct entry *entry, bool is_first, struct buffer *out)
{
    buffer_append_string(out, is_first ? "{\"name\":" : ",{\"name\":");
    log_append_json_string(out, entry->name);
    put_member(out, "checksum", bytes_of_string(entry->checksum));
    put_member(out, "atime", bytes_of_string(entry->atime));
    put_member(out, "version", bytes_of_string(entry->version));
    put_member(out, "location", entry->location);
    put_member(out, "custom-md", entry->custom);
    if (entry->size > 0) {
        buffer_printf(out, ",\"size\":\"%" PRIu64 "\"", entry->size);
    }
    if (entry->copies > 0) {
        buffer_printf(out, ",\"copies\":%" PRIu64, entry->copies);
    }
    buffer_printf(out, ",\"flags\":%u}", entry->flags);
}

void
native_page_take(struct bytes name, const struct object_record *record, void *arg)
{
    struct native_page *page = arg;
    struct entry entry = {.name = name, .flags = NATIVE_ENTRY_PRESENT};
    struct buffer custom = BUFFER_INIT;

    if (record == NULL) {
        if (!page->has_directories) {
            return;
        }
        entry.flags = NATIVE_ENTRY_DIRECTORY;
    } else {
        entry_fill(page, record, &entry);
        entry.flags |= record->is_chunked ? NATIVE_ENTRY_CHUNKED : 0;
        if (page->properties & NATIVE_LIST_CUSTOM) {
            append_custom(record->custom, &custom);
            entry.custom = buffer_bytes(&custom);
        }
    }
    if (page->is_msgpack) {
        entry_pack(&entry, &page->entries);
    } else {
        entry_format(&entry, page->count == 0, &page->entries);
    }
    page->count++;
    buffer_release(&custom);
}

void
native_page_finish(struct native_page *page, struct bytes uuid, struct bytes token,
                   struct buffer *out)
{
    unsigned char salt[6];
    char made[2 * sizeof(salt) + 1];

    if (uuid.size == 0) {
        entropy_fill(salt, sizeof(salt));
        encode_hex(bytes_of(salt, sizeof(salt)), made);
        uuid = bytes_of_string(made);
    }
    if (!page->is_msgpack) {
        buffer_append_string(out, "{\"uuid\":");
        log_append_json_string(out, uuid);
        buffer_append_string(out, ",\"continuation_token\":");
        log_append_json_string(out, token);
        buffer_append_string(out, ",\"entries\":[");
        buffer_append_bytes(out, buffer_bytes(&page->entries));
        buffer_append_string(out, "],\"flags\":0}");
        return;
    }
    native_msgpack_put_map(out, 4);
    native_msgpack_put_string(out, "UUID");
    native_msgpack_put_text(out, uuid);
    native_msgpack_put_string(out, "ContinuationToken");
    native_msgpack_put_text(out, token);
    native_msgpack_put_string(out, "Entries");
    native_msgpack_put_array(out, (uint32_t)page->count);
    buffer_append_bytes(out, buffer_bytes(&page->entries));
    native_msgpack_put_string(out, "Flags");
    native_msgpack_put_number(out, 0);
}

void
native_page_release(struct native_page *page)
{
    buffer_release(&page->entries);
}
