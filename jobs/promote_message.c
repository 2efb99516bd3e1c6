/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/promote_message.h"

#include "base/field_codec.h"

#include "base/banned.h"

/* Numbers never change. */
enum field_of_message {
    FIELD_BUCKET = 1 | FIELD_CRITICAL,
    FIELD_PATH = 2 | FIELD_CRITICAL,
    FIELD_NAME = 3 | FIELD_CRITICAL,
    FIELD_FLAGS = 4 | FIELD_CRITICAL,
    FIELD_SHARER = 5 | FIELD_CRITICAL
};
enum { FLAG_RECURSIVE = 1, FLAG_OVERWRITE = 2, FLAG_REMOVE = 4, FLAGS_ALL = 7 };

void
promote_message_write(const struct promote_message *message, struct buffer *out)
{
    field_put(out, FIELD_BUCKET, message->bucket);
    field_put(out, FIELD_PATH, message->path);
    field_put_text(out, FIELD_NAME, message->name);
    field_put_number(out, FIELD_FLAGS,
                     (message->is_recursive ? FLAG_RECURSIVE : 0U) |
                         (message->overwrites ? FLAG_OVERWRITE : 0U) |
                         (message->removes_source ? FLAG_REMOVE : 0U));
    for (size_t i = 0; i < message->sharer_count; i++) {
        field_put(out, FIELD_SHARER, message->sharers[i]);
    }
}

static bool
take_field(const struct field *field, struct promote_message *message, struct bytes *sharers)
{
    uint64_t flags;

    switch (field->tag) {
    case FIELD_BUCKET:
        message->bucket = field->payload;
        return true;
    case FIELD_PATH:
        message->path = field->payload;
        return field->payload.size <= PROMOTE_PATH_BYTES_MAX;
    case FIELD_NAME:
        message->name = field->payload;
        return true;
    case FIELD_FLAGS:
        if (!field_number(field->payload, FLAGS_ALL, &flags)) {
            return false;
        }
        message->is_recursive = (flags & FLAG_RECURSIVE) != 0;
        message->overwrites = (flags & FLAG_OVERWRITE) != 0;
        message->removes_source = (flags & FLAG_REMOVE) != 0;
        return true;
    case FIELD_SHARER:
        if (message->sharer_count == PROMOTE_SHARERS_MAX) {
            return false;
        }
        sharers[message->sharer_count++] = field->payload;
        return true;
    default:
        return (field->tag & FIELD_CRITICAL) == 0;
    }
}

enum status
promote_message_read(struct bytes text, struct arena *arena, struct promote_message *ret_message,
                     struct error *err)
{
    struct bytes *sharers = arena_alloc(arena, PROMOTE_SHARERS_MAX * sizeof(*sharers));
    struct promote_message message = {.sharers = sharers};
    struct field field;
    enum status st;

    while ((st = field_next(&text, &field)) == ST_OK) {
        if (!take_field(&field, &message, sharers)) {
            return fail(err, ST_INVALID, "what is to be promoted cannot be read");
        }
    }
    if (st != ST_NOT_FOUND || message.bucket.size == 0 || message.path.size == 0) {
        return fail(err, ST_INVALID, "what is to be promoted is cut");
    }
    *ret_message = message;
    return ST_OK;
}

static struct bytes
last_name(struct bytes path)
{
    struct bytes name = BYTES_NONE;

    while (path.size > 0) {
        struct bytes part = bytes_cut(&path, '/');

        name = part.size > 0 ? part : name;
    }
    return name;
}

struct bytes
promote_message_key(const struct promote_message *message, struct bytes entry, struct arena *arena)
{
    struct bytes name = message->name;
    char *key;

    if (entry.size == 0) {
        if (name.size > 0 && name.data[name.size - 1] != '/') {
            return name;
        }
        entry = last_name(message->path);
    }
    key = arena_alloc(arena, name.size + entry.size + 1);
    if (name.size > 0) {
        memcpy(key, name.data, name.size);
    }
    if (entry.size > 0) {
        memcpy(key + name.size, entry.data, entry.size);
    }
    return bytes_of(key, name.size + entry.size);
}
