/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_head.h"

#include "base/check.h"
#include "base/field_codec.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct peer_head
example(void)
{
    static const struct http_header HEADERS[] = {{{"host", 4}, {"a", 1}},
                                                 {{"x-amz-meta-b", 12}, {"", 0}}};

    return (struct peer_head){
        .to = BYTES_LITERAL("target-1"),
        .map_version = 7,
        .bucket_revision = 8,
        .principal = BYTES_LITERAL("AKIA"),
        .request_id = BYTES_LITERAL("0123"),
        .deadline_ms = 30000,
        .has_payload = true,
        .bucket = BYTES_LITERAL("photos"),
        .key = BYTES_LITERAL("a/b"),
        .seq_version = 3,
        .arguments = BYTES_LITERAL("\x01\x01\x02"),
        .is_relay = true,
        .relayed = {.method = BYTES_LITERAL("PUT"),
                    .path = BYTES_LITERAL("/photos/a%2Fb"),
                    .query = BYTES_LITERAL(""),
                    .host = BYTES_LITERAL("a"),
                    .client_address = BYTES_LITERAL("192.0.2.1:99"),
                    .is_tls = true,
                    .headers = HEADERS,
                    .header_count = 2},
    };
}

TEST(a_head_is_read_as_it_was_written)
{
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;
    struct peer_head in = example();
    struct error err = ERROR_INIT;
    struct peer_head head;

    peer_head_write(&in, &out);
    EXPECT_OK(peer_head_read(buffer_bytes(&out), &arena, &head, &err), &err);
    EXPECT_BYTES(in.to, head.to);
    EXPECT_INT(7, head.map_version);
    EXPECT_INT(8, head.bucket_revision);
    EXPECT_BYTES(in.principal, head.principal);
    EXPECT_BYTES(in.request_id, head.request_id);
    EXPECT_INT(30000, head.deadline_ms);
    EXPECT(head.has_payload && head.is_relay);
    EXPECT_BYTES(in.bucket, head.bucket);
    EXPECT_BYTES(in.key, head.key);
    EXPECT_INT(3, head.seq_version);
    EXPECT_BYTES(in.arguments, head.arguments);
    EXPECT_BYTES(in.relayed.path, head.relayed.path);
    EXPECT(head.relayed.query.data != NULL && head.relayed.query.size == 0);
    EXPECT(head.relayed.is_tls);
    EXPECT_INT(2, head.relayed.header_count);
    EXPECT_BYTES(BYTES_LITERAL("x-amz-meta-b"), head.relayed.headers[1].name);
    buffer_release(&out);
    arena_release(&arena);
}

/* Unknown plain fields are of newer releases; critical ones must not be passed over. */
TEST(unknown_critical_fields_are_refused)
{
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;
    struct peer_head in = example();
    struct peer_head head;

    peer_head_write(&in, &out);
    field_put_text(&out, 60, BYTES_LITERAL("new"));
    EXPECT_STATUS(ST_OK, peer_head_read(buffer_bytes(&out), &arena, &head, NULL));
    field_put_text(&out, 61 | FIELD_CRITICAL, BYTES_LITERAL("new"));
    EXPECT_STATUS(ST_NOT_IMPLEMENTED, peer_head_read(buffer_bytes(&out), &arena, &head, NULL));
    buffer_release(&out);
    arena_release(&arena);
}

TEST(a_head_that_is_cut_is_refused_or_lacks_fields)
{
    struct arena arena = ARENA_INIT;
    struct buffer out = BUFFER_INIT;
    struct peer_head in = example();
    struct peer_head head;
    size_t refused = 0;

    peer_head_write(&in, &out);
    for (size_t size = 0; size < out.size; size++) {
        refused += peer_head_read(bytes_of(out.data, size), &arena, &head, NULL) != ST_OK;
    }
    EXPECT(refused > out.size / 2);
    buffer_release(&out);
    arena_release(&arena);
}

TEST(an_answer_is_read_as_it_was_written)
{
    struct buffer out = BUFFER_INIT;
    struct peer_answer in = {.status = ST_MOVED,
                             .map_version = 9,
                             .sentence = BYTES_LITERAL("an older map"),
                             .dialect_code = BYTES_LITERAL("Code")};
    struct peer_answer answer;

    peer_answer_write(&in, &out);
    EXPECT_STATUS(ST_OK, peer_answer_read(buffer_bytes(&out), &answer, NULL));
    EXPECT_INT(ST_MOVED, answer.status);
    EXPECT_INT(9, answer.map_version);
    EXPECT_BYTES(in.sentence, answer.sentence);
    EXPECT_STATUS(ST_INVALID, peer_answer_read(bytes_of(out.data, out.size - 1), &answer, NULL));
    /* Nothing at all is no success. */
    EXPECT_STATUS(ST_OK, peer_answer_read(BYTES_NONE, &answer, NULL));
    EXPECT_INT(ST_INTERNAL, answer.status);
    buffer_release(&out);
}
