/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/peer/target_uploads.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/hash.h"
#include "object/multipart.h"
#include "object/upload_find.h"
#include "object/upload_pin.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* More than one page. */
#define LIST_PAGE 4
#define PARTS_MAX 100

static enum status
do_begin(struct bucket *bucket, const struct target_command *command, struct target_reply *reply,
         struct error *err)
{
    const struct multipart_create_options options = {.key = bytes_of_string(command->text)};

    return multipart_create(bucket, &options, &reply->id, err);
}

/* As a gateway does it. */
static enum status
do_find(struct test_node *node, struct bucket *bucket, const struct target_command *command,
        struct target_reply *reply, struct error *err)
{
    struct object_route route = {.is_local = false};
    struct arena arena = ARENA_INIT;
    char text[UPLOAD_ID_TEXT_SIZE];
    struct bytes node_id;
    enum status st;

    upload_id_format(command->id, text);
    st = upload_find(&(struct upload_find_options){.bucket = bucket,
                                                   .key = bytes_of_string(command->text),
                                                   .name = arena_printf_bytes(
                                                       &arena, "%s.target-%llu", text,
                                                       (unsigned long long)command->number + 1),
                                                   .end_ns = clock_monotonic_ns() + CLOCK_NS_PER_S},
                     &arena, &route, err);
    if (st == ST_OK) {
        if (route.is_local) {
            upload_pin_give_back(bucket->store, command->id);
        }
        node_id = route.is_local ? bytes_of_string(node->id) : route.node_id;
        reply->number = (uint64_t)(node_id.data[node_id.size - 1] - '1');
    }
    arena_release(&arena);
    return st;
}

static enum status
do_part(struct bucket *bucket, const struct target_command *command, struct error *err)
{
    struct object_put_result part;
    struct buffer data = BUFFER_INIT;
    enum status st;

    fixture_fill(&data, command->size, command->number);
    st = fixture_part(bucket, command->text, command->id, command->part_number, buffer_bytes(&data),
                      &part, err);
    buffer_release(&data);
    return st;
}

static enum status
do_finish(struct bucket *bucket, const struct target_command *command, struct target_reply *reply,
          struct error *err)
{
    struct multipart_part chosen[PARTS_MAX];
    struct multipart_complete_options options = {.key = bytes_of_string(command->text),
                                                 .id = command->id,
                                                 .parts = chosen,
                                                 .size = OBJECT_SIZE_UNKNOWN};
    struct object_put_result result;
    struct part_record *parts;
    struct arena arena = ARENA_INIT;
    bool is_truncated;
    enum status st = multipart_list_parts(bucket, options.key, options.id, 0, PARTS_MAX, &arena,
                                          &parts, &options.part_count, &is_truncated, err);

    for (size_t i = 0; i < options.part_count && st == ST_OK; i++) {
        char *etag = arena_alloc(&arena, 33);

        encode_hex(bytes_of(parts[i].md5, sizeof(parts[i].md5)), etag);
        chosen[i] =
            (struct multipart_part){.number = parts[i].number, .etag = bytes_of_string(etag)};
    }
    if (st == ST_OK) {
        st = multipart_complete(bucket, &options, &result, err);
    }
    reply->number = options.part_count;
    arena_release(&arena);
    return st;
}

static enum status
do_list(struct bucket *bucket, struct target_reply *reply, struct error *err)
{
    struct multipart_list_options options = {.prefix = BYTES_LITERAL(""),
                                             .delimiter = BYTES_LITERAL(""),
                                             .key_marker = BYTES_LITERAL(""),
                                             .count_max = LIST_PAGE};
    struct arena arena = ARENA_INIT;
    bool is_truncated = true;
    enum status st = ST_OK;

    while (st == ST_OK && is_truncated) {
        struct multipart_upload_entry *entries;
        size_t count = 0;

        st = multipart_list(bucket, &options, &arena, &entries, &count, &is_truncated, err);
        for (size_t i = 0; i < count && st == ST_OK; i++) {
            reply->number++;
            reply->names_hash = hash_stable(entries[i].name, reply->names_hash);
            options.key_marker = entries[i].key;
            options.has_upload_id_marker = true;
            options.upload_id_marker = entries[i].id;
        }
    }
    arena_release(&arena);
    return st;
}

void
target_uploads_run(struct test_node *node, struct bucket *bucket,
                   const struct target_command *command, struct target_reply *reply)
{
    struct error err = ERROR_INIT;

    switch (command->verb) {
    case TARGET_CREATE:
        reply->status = do_begin(bucket, command, reply, &err);
        break;
    case TARGET_FIND:
        reply->status = do_find(node, bucket, command, reply, &err);
        break;
    case TARGET_PART:
        reply->status = do_part(bucket, command, &err);
        break;
    case TARGET_FINISH:
        reply->status = do_finish(bucket, command, reply, &err);
        break;
    case TARGET_ABORT:
        reply->status = multipart_abort(bucket, bytes_of_string(command->text), command->id, &err);
        break;
    case TARGET_UPLOADS:
        reply->status = do_list(bucket, reply, &err);
        break;
    default:
        UNREACHABLE("another command");
    }
    snprintf(reply->text, sizeof(reply->text), "%.200s", err.text);
}
