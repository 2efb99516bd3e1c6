/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object/put_answer.h on any bytes: refused, or read into what writes itself back to the same, with
 * an ETag that can stand in a header.
 */
#include "base/check.h"
#include "object/put_answer.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_header(struct bytes etag)
{
    CHECK(etag.size < PUT_ANSWER_ETAG_BYTES_MAX);
    for (size_t i = 0; i < etag.size; i++) {
        CHECK(etag.data[i] > ' ' && etag.data[i] < 0x7f && etag.data[i] != '"');
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer once = BUFFER_INIT;
    struct buffer twice = BUFFER_INIT;
    struct put_answer answer, again;

    if (put_answer_read(bytes_of(data, size), &answer, NULL) == ST_OK) {
        check_header(answer.etag);
        CHECK(answer.seq.map_version != 0 && answer.created_ns >= 0);
        put_answer_write(&answer, &once);
        CHECK(put_answer_read(buffer_bytes(&once), &again, NULL) == ST_OK);
        CHECK(seq_compare(answer.seq, again.seq) == 0 && bytes_equal(answer.etag, again.etag));
        CHECK(answer.is_unchanged == again.is_unchanged && answer.created_ns == again.created_ns);
        put_answer_write(&again, &twice);
        CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)));
    }
    buffer_release(&once);
    buffer_release(&twice);
    return 0;
}
