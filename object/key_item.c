/* SPDX-License-Identifier: Apache-2.0 */
#include "object/key_item.h"

#include "base/field_codec.h"
#include "object/object_store.h"
#include "object/part_table.h"

#include "base/banned.h"

/* Numbers never change. */
enum item_tag {
    ITEM_BUCKET = 1 | FIELD_CRITICAL,
    ITEM_KEY = 2 | FIELD_CRITICAL,
    ITEM_RECORD = 3 | FIELD_CRITICAL,
    ITEM_MARK = 4 | FIELD_CRITICAL,
    ITEM_PARTS = 5 | FIELD_CRITICAL, /* one page; repeated */
    ITEM_NOTE = 6 | FIELD_CRITICAL,  /* upload id, value; repeated */
    ITEM_BYTES = 7 | FIELD_CRITICAL
};

static void
write_parts(const struct key_item *item, struct buffer *out)
{
    struct buffer page = BUFFER_INIT;

    for (size_t from = 0; from < item->part_count; from += PART_TABLE_PAGE_COUNT) {
        size_t left = item->part_count - from;

        buffer_clear(&page);
        part_page_encode(item->parts + from,
                         left < PART_TABLE_PAGE_COUNT ? left : PART_TABLE_PAGE_COUNT, &page);
        field_put(out, ITEM_PARTS, buffer_bytes(&page));
    }
    buffer_release(&page);
}

static void
write_notes(const struct key_item *item, struct buffer *out)
{
    struct buffer note = BUFFER_INIT;

    for (size_t i = 0; i < item->note_count; i++) {
        buffer_clear(&note);
        buffer_append(&note, item->notes[i].id.bytes, sizeof(item->notes[i].id.bytes));
        buffer_append_bytes(&note, item->notes[i].value);
        field_put(out, ITEM_NOTE, buffer_bytes(&note));
    }
    buffer_release(&note);
}

void
key_item_write(const struct key_item *item, struct buffer *out)
{
    field_put_number(out, ITEM_BUCKET, item->bucket_id);
    field_put_text(out, ITEM_KEY, item->key);
    field_put_text(out, ITEM_RECORD, item->record);
    field_put_text(out, ITEM_MARK, item->mark);
    write_parts(item, out);
    write_notes(item, out);
    if (item->has_bytes) {
        field_put(out, ITEM_BYTES, item->bytes);
    }
}

/* How many parts and notes there will be at most. */
static enum status
count_fields(struct bytes text, struct arena *arena, size_t *ret_part_count, size_t *ret_note_count,
             struct error *err)
{
    struct field field;
    enum status st;

    *ret_part_count = 0;
    *ret_note_count = 0;
    while ((st = field_next(&text, &field)) == ST_OK) {
        const struct part_entry *entries;
        size_t count;

        if (field.tag == ITEM_NOTE) {
            ++*ret_note_count;
        } else if (field.tag == ITEM_PARTS) {
            st = part_page_decode(field.payload, arena, &entries, &count, err);
            if (st != ST_OK) {
                return fail(err, ST_INVALID, "the part table of a key cannot be read");
            }
            *ret_part_count += count;
        }
    }
    return st == ST_NOT_FOUND ? ST_OK : fail(err, ST_INVALID, "what a node says of a key is cut");
}

struct item_reader {
    struct arena *arena;
    struct key_item item;
    struct part_entry *parts;
    struct key_note *notes;
};

static bool
take_field(struct item_reader *reader, const struct field *field)
{
    struct key_item *item = &reader->item;
    const struct part_entry *entries;
    size_t count;

    switch (field->tag) {
    case ITEM_BUCKET:
        return field_number(field->payload, UINT64_MAX, &item->bucket_id);
    case ITEM_KEY:
        item->key = field->payload;
        return field->payload.size <= OBJECT_KEY_BYTES_MAX &&
               bytes_find_char(field->payload, 0, '\0') == SIZE_MAX;
    case ITEM_RECORD:
        item->record = field->payload;
        return true;
    case ITEM_MARK:
        item->mark = field->payload;
        return true;
    case ITEM_PARTS:
        if (part_page_decode(field->payload, reader->arena, &entries, &count, NULL) != ST_OK) {
            return false;
        }
        memcpy(reader->parts + item->part_count, entries, count * sizeof(*entries));
        item->part_count += count;
        return true;
    case ITEM_NOTE:
        if (field->payload.size < sizeof(reader->notes->id.bytes)) {
            return false;
        }
        memcpy(reader->notes[item->note_count].id.bytes, field->payload.data,
               sizeof(reader->notes->id.bytes));
        reader->notes[item->note_count++].value =
            bytes_slice(field->payload, sizeof(reader->notes->id.bytes), field->payload.size);
        return true;
    case ITEM_BYTES:
        item->has_bytes = true;
        item->bytes = field->payload;
        return true;
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
key_item_read(struct bytes text, struct arena *arena, struct key_item *ret_item, struct error *err)
{
    struct item_reader reader = {.arena = arena};
    size_t part_count = 0;
    size_t note_count = 0;
    struct field field;
    enum status st = count_fields(text, arena, &part_count, &note_count, err);

    if (st != ST_OK) {
        return st;
    }
    reader.parts = arena_calloc(arena, part_count, sizeof(*reader.parts));
    reader.notes = arena_calloc(arena, note_count, sizeof(*reader.notes));
    while (field_next(&text, &field) == ST_OK) {
        if (!take_field(&reader, &field)) {
            return fail(err, ST_INVALID, "what a node says of a key cannot be read");
        }
    }
    if (reader.item.key.size == 0) {
        return fail(err, ST_INVALID, "what a node says is of no key");
    }
    reader.item.parts = reader.parts;
    reader.item.notes = reader.notes;
    *ret_item = reader.item;
    return ST_OK;
}
