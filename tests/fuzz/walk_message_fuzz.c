/* SPDX-License-Identifier: Apache-2.0 */
/* jobs/walk_message.h on any bytes: refused, or read into what writes itself back to the same. */
#include "base/check.h"
#include "jobs/walk_message.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_message(const struct walk_message *message)
{
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct walk_message again;

    walk_message_write(message, &once);
    CHECK(walk_message_read(buffer_bytes(&once), &again, NULL) == ST_OK);
    walk_message_write(&again, &twice);
    CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    buffer_release(&once);
    buffer_release(&twice);
}

static void
check_cursor(const struct walk_cursor *cursor, struct arena *arena)
{
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct walk_cursor again;

    CHECK(cursor->item_count <= WALK_BATCH_OBJECTS);
    walk_cursor_write(cursor, &once);
    CHECK(walk_cursor_read(buffer_bytes(&once), arena, &again, NULL) == ST_OK);
    walk_cursor_write(&again, &twice);
    CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    buffer_release(&once);
    buffer_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct walk_message message;
    struct walk_cursor cursor;

    if (walk_message_read(bytes_of(data, size), &message, NULL) == ST_OK) {
        check_message(&message);
    }
    if (walk_cursor_read(bytes_of(data, size), &arena, &cursor, NULL) == ST_OK) {
        check_cursor(&cursor, &arena);
    }
    arena_release(&arena);
    return 0;
}
