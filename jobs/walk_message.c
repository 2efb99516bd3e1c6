/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/walk_message.h"

#include "base/field_codec.h"

#include "base/banned.h"

/* Numbers never change: messages and cursors outlive a program. */
enum message_tag {
    MESSAGE_SOURCE = 1 | FIELD_CRITICAL,
    MESSAGE_SOURCE_ID = 2 | FIELD_CRITICAL,
    MESSAGE_DESTINATION = 3 | FIELD_CRITICAL,
    MESSAGE_DESTINATION_ID = 4 | FIELD_CRITICAL,
    MESSAGE_TEMPLATE = 5 | FIELD_CRITICAL,
    MESSAGE_PREPEND = 6 | FIELD_CRITICAL,
    MESSAGE_EXTRA = 7 | FIELD_CRITICAL,
    MESSAGE_DRY_RUN = 8 | FIELD_CRITICAL,
    MESSAGE_NAMES = 9 | FIELD_CRITICAL,
    MESSAGE_STARTED = 10,
    MESSAGE_PREFIX = 11 | FIELD_CRITICAL
};

enum cursor_tag {
    CURSOR_LAST = 1 | FIELD_CRITICAL,
    CURSOR_CONSUMED = 2 | FIELD_CRITICAL,
    CURSOR_LISTED = 3 | FIELD_CRITICAL,
    CURSOR_NODE = 4,
    CURSOR_ITEMS = 5 | FIELD_CRITICAL,
    CURSOR_STORED = 6,
    CURSOR_SIZE_MIN = 7,
    CURSOR_SIZE_MAX = 8
};

void
walk_message_put_names(const struct bytes *names, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        field_put_counted(out, names[i]);
    }
}

void
walk_message_write(const struct walk_message *message, struct buffer *out)
{
    field_put_text(out, MESSAGE_SOURCE, message->source);
    field_put_number(out, MESSAGE_SOURCE_ID, message->source_id);
    field_put_text(out, MESSAGE_DESTINATION, message->destination);
    field_put_number(out, MESSAGE_DESTINATION_ID, message->destination_id);
    field_put_text(out, MESSAGE_TEMPLATE, message->template);
    field_put_text(out, MESSAGE_PREPEND, message->prepend);
    field_put_text(out, MESSAGE_EXTRA, message->extra);
    field_put_number(out, MESSAGE_STARTED, (uint64_t)message->started_ns);
    field_put_number(out, MESSAGE_DRY_RUN, message->is_dry_run);
    field_put_number(out, MESSAGE_PREFIX, message->is_prefix);
    if (message->has_names) {
        field_put(out, MESSAGE_NAMES, message->names);
    }
}

static bool
read_text_field(struct walk_message *message, const struct field *field)
{
    switch (field->tag) {
    case MESSAGE_SOURCE:
        message->source = field->payload;
        return true;
    case MESSAGE_DESTINATION:
        message->destination = field->payload;
        return true;
    case MESSAGE_TEMPLATE:
        message->template = field->payload;
        return true;
    case MESSAGE_PREPEND:
        message->prepend = field->payload;
        return true;
    case MESSAGE_EXTRA:
        message->extra = field->payload;
        return true;
    case MESSAGE_NAMES:
        message->has_names = true;
        message->names = field->payload;
        return true;
    default:
        return false;
    }
}

static bool
read_field(struct walk_message *message, const struct field *field)
{
    uint64_t number = 0;

    if (read_text_field(message, field)) {
        return true;
    }
    switch (field->tag) {
    case MESSAGE_SOURCE_ID:
        return field_number(field->payload, UINT64_MAX, &message->source_id);
    case MESSAGE_DESTINATION_ID:
        return field_number(field->payload, UINT64_MAX, &message->destination_id);
    case MESSAGE_STARTED:
        if (!field_number(field->payload, INT64_MAX, &number)) {
            return false;
        }
        message->started_ns = (int64_t)number;
        return true;
    case MESSAGE_PREFIX:
        if (!field_number(field->payload, 1, &number)) {
            return false;
        }
        message->is_prefix = number == 1;
        return true;
    case MESSAGE_DRY_RUN:
        if (!field_number(field->payload, 1, &number)) {
            return false;
        }
        message->is_dry_run = number == 1;
        return true;
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
walk_message_read(struct bytes text, struct walk_message *ret_message, struct error *err)
{
    struct walk_message message = {.source = BYTES_NONE};
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!read_field(&message, &field)) {
            return fail(err, ST_INVALID, "the message of a job cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || message.source.size == 0) {
        return fail(err, ST_INVALID, "the message of a job is cut");
    }
    *ret_message = message;
    return ST_OK;
}

/* ---- cursors ---- */

void
walk_item_set_etag(struct walk_item *item, struct bytes etag)
{
    size_t size = etag.size < sizeof(item->etag) ? etag.size : sizeof(item->etag) - 1;

    memset(item->etag, 0, sizeof(item->etag));
    memcpy(item->etag, etag.data != NULL ? etag.data : "", size);
}

void
walk_cursor_write(const struct walk_cursor *cursor, struct buffer *out)
{
    struct buffer payload = BUFFER_INIT;

    field_put_text(out, CURSOR_LAST, cursor->position.last);
    field_put_number(out, CURSOR_CONSUMED, cursor->position.consumed);
    field_put_number(out, CURSOR_LISTED, cursor->position.is_listed);
    field_put_number(out, CURSOR_STORED, cursor->sizes.stored_bytes);
    field_put_number(out, CURSOR_SIZE_MIN, cursor->sizes.size_min);
    field_put_number(out, CURSOR_SIZE_MAX, cursor->sizes.size_max);
    for (size_t i = 0; i < cursor->node_count; i++) {
        buffer_clear(&payload);
        field_put_counted(&payload, cursor->nodes[i].node);
        field_put_varint(&payload, cursor->nodes[i].object_count);
        field_put_varint(&payload, cursor->nodes[i].byte_count);
        field_put(out, CURSOR_NODE, buffer_bytes(&payload));
    }
    buffer_clear(&payload);
    for (size_t i = 0; i < cursor->item_count; i++) {
        field_put_counted(&payload, cursor->items[i].name);
        field_put_varint(&payload, cursor->items[i].size);
        field_put_varint(&payload, cursor->items[i].stored_size);
        field_put_counted(&payload, bytes_of_string(cursor->items[i].etag));
    }
    field_put_text(out, CURSOR_ITEMS, buffer_bytes(&payload));
    buffer_release(&payload);
}

struct cursor_reader {
    struct arena *arena;
    struct walk_cursor cursor;
    struct walk_node_count *nodes; /* room for nodes_max */
    size_t nodes_max;
};

static bool
read_node(struct cursor_reader *reader, struct bytes payload)
{
    struct walk_node_count *node = &reader->nodes[reader->cursor.node_count];

    if (reader->cursor.node_count == reader->nodes_max ||
        !field_cut_counted(&payload, &node->node) ||
        !field_cut_varint(&payload, &node->object_count) ||
        !field_cut_varint(&payload, &node->byte_count)) {
        return false;
    }
    reader->cursor.node_count++;
    return payload.size == 0;
}

static bool
read_items(struct cursor_reader *reader, struct bytes payload)
{
    struct walk_item *items = arena_calloc(reader->arena, WALK_BATCH_OBJECTS, sizeof(*items));
    struct bytes etag;
    size_t count = 0;

    while (payload.size > 0) {
        if (count == WALK_BATCH_OBJECTS || !field_cut_counted(&payload, &items[count].name) ||
            !field_cut_varint(&payload, &items[count].size) ||
            !field_cut_varint(&payload, &items[count].stored_size) ||
            !field_cut_counted(&payload, &etag)) {
            return false;
        }
        walk_item_set_etag(&items[count], etag);
        items[count++].is_repeated = true;
    }
    reader->cursor.items = items;
    reader->cursor.item_count = count;
    return true;
}

static bool
read_cursor_field(struct cursor_reader *reader, const struct field *field)
{
    struct walk_position *position = &reader->cursor.position;
    uint64_t number = 0;

    switch (field->tag) {
    case CURSOR_LAST:
        position->last = field->payload;
        return true;
    case CURSOR_CONSUMED:
        return field_number(field->payload, UINT64_MAX, &position->consumed);
    case CURSOR_LISTED:
        if (!field_number(field->payload, 1, &number)) {
            return false;
        }
        position->is_listed = number == 1;
        return true;
    case CURSOR_STORED:
        return field_number(field->payload, UINT64_MAX, &reader->cursor.sizes.stored_bytes);
    case CURSOR_SIZE_MIN:
        return field_number(field->payload, UINT64_MAX, &reader->cursor.sizes.size_min);
    case CURSOR_SIZE_MAX:
        return field_number(field->payload, UINT64_MAX, &reader->cursor.sizes.size_max);
    case CURSOR_NODE:
        return read_node(reader, field->payload);
    case CURSOR_ITEMS:
        return read_items(reader, field->payload);
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
walk_cursor_read(struct bytes text, struct arena *arena, struct walk_cursor *ret_cursor,
                 struct error *err)
{
    struct cursor_reader reader = {.arena = arena};
    struct bytes rest = text;
    struct field field;
    enum status st;

    while (field_next(&rest, &field) == ST_OK) {
        reader.nodes_max += field.tag == CURSOR_NODE;
    }
    reader.nodes = arena_calloc(arena, reader.nodes_max + 1, sizeof(*reader.nodes));
    reader.cursor.nodes = reader.nodes;
    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!read_cursor_field(&reader, &field)) {
            return fail(err, ST_INVALID, "the cursor of a job cannot be read");
        }
    }
    if (st != ST_NOT_FOUND) {
        return fail(err, ST_INVALID, "the cursor of a job is cut");
    }
    *ret_cursor = reader.cursor;
    return ST_OK;
}
