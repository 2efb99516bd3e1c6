/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_item.h"

#include "base/field_codec.h"
#include "object/object_store.h"

#include "base/banned.h"

/* Numbers never change. */
enum item_tag {
    ITEM_BUCKET = 1 | FIELD_CRITICAL,
    ITEM_KEY = 2 | FIELD_CRITICAL,
    ITEM_ID = 3 | FIELD_CRITICAL,
    ITEM_RECORD = 4 | FIELD_CRITICAL,
    ITEM_PART = 5 | FIELD_CRITICAL, /* repeated */
    ITEM_LAST = 6 | FIELD_CRITICAL
};

void
upload_item_write(const struct upload_item *item, struct buffer *out)
{
    struct buffer record = BUFFER_INIT;

    field_put_number(out, ITEM_BUCKET, item->bucket_id);
    field_put_text(out, ITEM_KEY, item->key);
    field_put(out, ITEM_ID, bytes_of(&item->id, sizeof(item->id)));
    upload_record_encode(&item->record, &record);
    field_put(out, ITEM_RECORD, buffer_bytes(&record));
    for (size_t i = 0; i < item->part_count; i++) {
        struct part_record part = item->parts[i];

        memset(&part.layout, 0, sizeof(part.layout));
        buffer_clear(&record);
        part_record_encode(&part, &record);
        field_put(out, ITEM_PART, buffer_bytes(&record));
    }
    field_put_number(out, ITEM_LAST, item->is_last);
    buffer_release(&record);
}

struct item_reader {
    struct arena *arena;
    struct upload_item item;
    bool has_id;
    bool has_record;
};

static bool
take_part(struct item_reader *reader, struct bytes payload)
{
    struct upload_item *item = &reader->item;
    struct part_record *part = &item->parts[item->part_count];

    if (part_record_decode(payload, reader->arena, part, NULL) != ST_OK ||
        part->number > PART_NUMBER_MAX || part->size > PART_BYTES_MAX ||
        part->layout.kind != LAYOUT_NONE ||
        (item->part_count > 0 && part->number <= part[-1].number)) {
        return false;
    }
    item->part_count++;
    return true;
}

static bool
take_field(struct item_reader *reader, const struct field *field)
{
    struct upload_item *item = &reader->item;
    uint64_t number;

    switch (field->tag) {
    case ITEM_BUCKET:
        return field_number(field->payload, UINT64_MAX, &item->bucket_id);
    case ITEM_KEY:
        item->key = field->payload;
        return field->payload.size <= OBJECT_KEY_BYTES_MAX &&
               bytes_find_char(field->payload, 0, '\0') == SIZE_MAX;
    case ITEM_ID:
        reader->has_id = field->payload.size == sizeof(item->id);
        if (reader->has_id) {
            memcpy(&item->id, field->payload.data, sizeof(item->id));
        }
        return reader->has_id;
    case ITEM_RECORD:
        reader->has_record =
            upload_record_decode(field->payload, reader->arena, &item->record, NULL) == ST_OK;
        return reader->has_record;
    case ITEM_PART:
        return take_part(reader, field->payload);
    case ITEM_LAST:
        item->is_last = field_number(field->payload, 1, &number) && number == 1;
        return item->is_last;
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

static enum status
count_parts(struct bytes text, size_t *ret_count, struct error *err)
{
    struct field field;
    enum status st;

    *ret_count = 0;
    while ((st = field_next(&text, &field)) == ST_OK) {
        *ret_count += field.tag == ITEM_PART;
    }
    return st == ST_NOT_FOUND && *ret_count <= PART_NUMBER_MAX
               ? ST_OK
               : fail(err, ST_INVALID, "what a node sends of an upload is cut");
}

enum status
upload_item_read(struct bytes text, struct arena *arena, struct upload_item *ret_item,
                 struct error *err)
{
    struct item_reader reader = {.arena = arena};
    struct field field;
    size_t count = 0;
    enum status st = count_parts(text, &count, err);

    if (st != ST_OK) {
        return st;
    }
    reader.item.parts = arena_calloc(arena, count, sizeof(*reader.item.parts));
    while (field_next(&text, &field) == ST_OK) {
        if (!take_field(&reader, &field)) {
            return fail(err, ST_INVALID, "what a node sends of an upload cannot be read");
        }
    }
    if (reader.item.key.size == 0 || !reader.has_id || !reader.has_record) {
        return fail(err, ST_INVALID, "what a node sends of an upload is of no upload");
    }
    *ret_item = reader.item;
    return ST_OK;
}
