/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the layout family: arrays of extents (of an object or part) and of part entries (the
 * part table of a completed object).
 */
#include "base/check.h"
#include "meta/record_codec.h"

#include "base/banned.h"

/* Part entries are smaller than extents; a page of so many is about one block. */
#define PAGE_ENTRY_MAX 4096

static const struct record_form EXTENT_PAGE_FORM = {
    .kind = RECORD_EXTENT_PAGE,
    .known = RECORD_TAG_BIT(TAG_EXTENT),
    .repeated = RECORD_REPEATED_TAGS,
};

static const struct record_form PART_PAGE_FORM = {
    .kind = RECORD_PART_PAGE,
    .known = RECORD_TAG_BIT(TAG_PART_ENTRY),
    .repeated = RECORD_REPEATED_TAGS,
};

void
extent_page_encode(const struct extent *extents, size_t count, struct buffer *out)
{
    CHECK(count > 0 && count <= LAYOUT_PAGE_EXTENT_MAX);
    record_begin(RECORD_EXTENT_PAGE, NULL, out);
    for (size_t i = 0; i < count; i++) {
        record_put_extent(out, &extents[i]);
    }
}

enum status
extent_page_decode(struct bytes value, struct arena *arena, const struct extent **ret_extents,
                   size_t *ret_count, struct error *err)
{
    struct record_survey survey;
    struct record_field field;
    struct bytes rest;
    struct extent *extents;
    size_t count = 0;
    enum status st = record_survey(value, &EXTENT_PAGE_FORM, &survey, err);

    if (st != ST_OK) {
        return st;
    }
    if (survey.extent_count == 0 || survey.extent_count > LAYOUT_PAGE_EXTENT_MAX) {
        return fail(err, ST_CORRUPT, "a page of extents holds %zu of them", survey.extent_count);
    }
    extents = arena_calloc(arena, survey.extent_count, sizeof(*extents));
    for (rest = survey.fields; record_next(&rest, &field);) {
        if (field.tag == TAG_EXTENT && !record_get_extent(field.payload, &extents[count++])) {
            return fail(err, ST_CORRUPT, "extent %zu of a page is malformed", count - 1);
        }
    }
    *ret_extents = extents;
    *ret_count = count;
    return ST_OK;
}

void
part_page_encode(const struct part_entry *entries, size_t count, struct buffer *out)
{
    struct buffer payload = BUFFER_INIT;

    CHECK(count > 0 && count <= PAGE_ENTRY_MAX);
    record_begin(RECORD_PART_PAGE, NULL, out);
    for (size_t i = 0; i < count; i++) {
        const struct part_entry *entry = &entries[i];

        buffer_clear(&payload);
        record_put_varint(&payload, entry->number);
        record_put_varint(&payload, entry->offset);
        record_put_varint(&payload, entry->size);
        if (entry->checksum.algorithm != CHECKSUM_NONE) {
            buffer_append_char(&payload, (char)entry->checksum.algorithm);
            buffer_append_char(&payload, (char)entry->checksum.type);
            buffer_append(&payload, entry->checksum.value, entry->checksum.size);
        }
        record_put_field(out, TAG_PART_ENTRY, buffer_bytes(&payload));
    }
    buffer_release(&payload);
}

static bool
get_part_entry(struct bytes payload, struct part_entry *entry)
{
    uint64_t number;

    if (!record_cut_varint(&payload, &number) || number == 0 || number > UINT32_MAX ||
        !record_cut_varint(&payload, &entry->offset) ||
        !record_cut_varint(&payload, &entry->size)) {
        return false;
    }
    entry->number = (uint32_t)number;
    return payload.size == 0 || record_get_checksum(payload, &entry->checksum);
}

enum status
part_page_decode(struct bytes value, struct arena *arena, const struct part_entry **ret_entries,
                 size_t *ret_count, struct error *err)
{
    struct record_survey survey;
    struct record_field field;
    struct bytes rest;
    struct part_entry *entries;
    size_t count = 0;
    enum status st = record_survey(value, &PART_PAGE_FORM, &survey, err);

    if (st != ST_OK) {
        return st;
    }
    if (survey.part_entry_count == 0 || survey.part_entry_count > PAGE_ENTRY_MAX) {
        return fail(err, ST_CORRUPT, "a page of parts holds %zu of them", survey.part_entry_count);
    }
    entries = arena_calloc(arena, survey.part_entry_count, sizeof(*entries));
    for (rest = survey.fields; record_next(&rest, &field);) {
        if (field.tag == TAG_PART_ENTRY && !get_part_entry(field.payload, &entries[count++])) {
            return fail(err, ST_CORRUPT, "part entry %zu of a page is malformed", count - 1);
        }
    }
    *ret_entries = entries;
    *ret_count = count;
    return ST_OK;
}
