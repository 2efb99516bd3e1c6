/* SPDX-License-Identifier: Apache-2.0 */
#include "store/node_record.h"

#include <stdio.h>

#include "base/check.h"
#include "base/encode.h"
#include "meta/meta_key.h"

#include "base/banned.h"

#define UUID_BYTES 16
#define NAME_ID "node_id"
#define NAME_SEQ "seq"

static enum status
get(struct meta_db *db, const char *name, struct arena *arena, struct bytes *ret_value,
    struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    enum status st;

    meta_key_node(&key, name);
    st = meta_db_get(db, FAMILY_NODE, meta_key_bytes(&key), true, &value, err);
    if (st == ST_OK) {
        *ret_value = arena_copy(arena, value.data);
    }
    meta_value_release(&value);
    return st;
}

static enum status
put_with(struct meta_db *db, const char *name, struct bytes value, bool is_synced,
         struct error *err)
{
    struct meta_batch *batch = meta_batch_create();
    struct meta_key key;
    enum status st;

    meta_key_node(&key, name);
    meta_batch_put(batch, FAMILY_NODE, meta_key_bytes(&key), value);
    st = meta_db_write(db, batch, is_synced, err);
    meta_batch_destroy(&batch);
    return st;
}

static enum status
put(struct meta_db *db, const char *name, struct bytes value, struct error *err)
{
    return put_with(db, name, value, true, err);
}

enum status
node_get_id(struct meta_db *db, struct arena *arena, const char **ret_id, struct error *err)
{
    struct bytes value;
    enum status st = get(db, NAME_ID, arena, &value, err);

    if (st == ST_OK) {
        *ret_id = arena_string(arena, value);
    }
    return st;
}

enum status
node_put_id(struct meta_db *db, const char *id, struct error *err)
{
    return put(db, NAME_ID, bytes_of_string(id), err);
}

static void
format_name(char *out, size_t size, size_t index)
{
    snprintf(out, size, "mountpath/%04zu", index);
}

enum status
node_get_mountpaths(struct meta_db *db, struct arena *arena, struct node_mountpath *out,
                    size_t *ret_count, struct error *err)
{
    enum status st = ST_OK;
    size_t count = 0;

    for (; count < MOUNTPATH_MAX; count++) {
        struct bytes value;
        char name[32];

        format_name(name, sizeof(name), count);
        st = get(db, name, arena, &value, err);
        if (st != ST_OK) {
            break;
        }
        if (value.size <= UUID_BYTES) {
            return fail(err, ST_CORRUPT, "the record of mountpath %zu is malformed", count);
        }
        memcpy(out[count].uuid, value.data, UUID_BYTES);
        out[count].directory = arena_string(arena, bytes_slice(value, UUID_BYTES, value.size));
    }
    if (st != ST_OK && st != ST_NOT_FOUND) {
        return st;
    }
    *ret_count = count;
    return ST_OK;
}

enum status
node_get_document(struct meta_db *db, const char *name, struct arena *arena, struct bytes *ret_text,
                  struct error *err)
{
    return get(db, name, arena, ret_text, err);
}

enum status
node_put_document(struct meta_db *db, const char *name, struct bytes text, bool is_synced,
                  struct error *err)
{
    return put_with(db, name, text, is_synced, err);
}

static void
format_note_name(char *out, size_t size, const unsigned char *uuid)
{
    char hex[2 * UUID_BYTES + 1];

    encode_hex(bytes_of(uuid, UUID_BYTES), hex);
    snprintf(out, size, "home/%s", hex);
}

enum status
node_get_note(struct meta_db *db, const unsigned char *uuid, struct node_note *ret_note,
              struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct bytes value;
    char name[64];
    enum status st;

    format_note_name(name, sizeof(name), uuid);
    st = get(db, name, &arena, &value, err);
    *ret_note = (struct node_note){0, 0};
    if (st == ST_OK && value.size != 16) {
        st = fail(err, ST_CORRUPT, "the note on a mountpath is malformed");
    } else if (st == ST_OK) {
        ret_note->open_number = decode_u64_be(value.data);
        ret_note->synced_batch = decode_u64_be(value.data + 8);
    } else if (st == ST_NOT_FOUND) {
        st = ST_OK;
    }
    arena_release(&arena);
    return st;
}

enum status
node_put_note(struct meta_db *db, const unsigned char *uuid, const struct node_note *note,
              struct error *err)
{
    unsigned char value[16];
    char name[64];

    format_note_name(name, sizeof(name), uuid);
    encode_u64_be(value, note->open_number);
    encode_u64_be(value + 8, note->synced_batch);
    return put_with(db, name, bytes_of(value, sizeof(value)), false, err);
}

enum status
node_get_seq(struct meta_db *db, uint64_t *ret_reserved, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct bytes value;
    enum status st = get(db, NAME_SEQ, &arena, &value, err);

    if (st == ST_OK && value.size != 8) {
        st = fail(err, ST_CORRUPT, "the record of reserved seq numbers is malformed");
    } else if (st == ST_OK) {
        *ret_reserved = decode_u64_be(value.data);
    } else if (st == ST_NOT_FOUND) {
        *ret_reserved = 0;
        st = ST_OK;
    }
    arena_release(&arena);
    return st;
}

enum status
node_put_seq(struct meta_db *db, uint64_t reserved, struct error *err)
{
    unsigned char value[8];

    encode_u64_be(value, reserved);
    return put(db, NAME_SEQ, bytes_of(value, sizeof(value)), err);
}
