/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs/promote_message.h on any bytes, as another node sends them: refused, or read into what
 * writes itself back to the same; and the names of objects that follow from it.
 */
#include "base/check.h"
#include "jobs/promote_message.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct promote_message message;
    struct promote_message again;

    if (promote_message_read(bytes_of(data, size), &arena, &message, NULL) == ST_OK) {
        struct bytes key = promote_message_key(&message, BYTES_LITERAL("a/b"), &arena);

        CHECK(message.path.size > 0 && message.path.size <= PROMOTE_PATH_BYTES_MAX);
        CHECK(key.size == message.name.size + 3);
        CHECK(promote_message_key(&message, BYTES_NONE, &arena).size <=
              message.name.size + message.path.size);
        promote_message_write(&message, &once);
        CHECK(promote_message_read(buffer_bytes(&once), &arena, &again, NULL) == ST_OK);
        CHECK(again.sharer_count == message.sharer_count && bytes_equal(again.path, message.path));
        promote_message_write(&again, &twice);
        CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    }
    buffer_release(&once);
    buffer_release(&twice);
    arena_release(&arena);
    return 0;
}
