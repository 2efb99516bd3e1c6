/* SPDX-License-Identifier: Apache-2.0 */
/* cluster/peer_head.h on any bytes: refused, or read into what writes itself back to the same. */
#include "base/check.h"
#include "cluster/peer_head.h"
#include "net/http_limits.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_head(const struct peer_head *head)
{
    struct arena arena = ARENA_INIT;
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct peer_head again;

    CHECK(head->relayed.header_count <= HTTP_HEADER_COUNT_MAX);
    peer_head_write(head, &once);
    CHECK(peer_head_read(buffer_bytes(&once), &arena, &again, NULL) == ST_OK);
    peer_head_write(&again, &twice);
    CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    buffer_release(&once);
    buffer_release(&twice);
    arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct peer_head head;
    struct peer_answer answer;

    if (peer_head_read(bytes_of(data, size), &arena, &head, NULL) == ST_OK) {
        check_head(&head);
    }
    if (peer_answer_read(bytes_of(data, size), &answer, NULL) == ST_OK) {
        CHECK(answer.status < STATUS_COUNT);
    }
    arena_release(&arena);
    return 0;
}
