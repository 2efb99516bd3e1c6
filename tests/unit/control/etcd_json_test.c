/* SPDX-License-Identifier: Apache-2.0 */
/* What etcd's answers mean, and the lines of a watch; nonsense is the fuzz target's. */
#include "control/etcd_json.h"

#include "control/etcd_frames.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

/* SPEC: etcd rpc.proto RangeResponse in proto3 JSON: numbers as strings or numbers, bytes as
 * base64, defaults left out. */
TEST(range_has_values_with_their_revisions)
{
    struct arena arena = ARENA_INIT;
    struct etcd_range range;

    EXPECT_OK(etcd_json_range(BYTES_LITERAL("{\"header\":{\"cluster_id\":\"18446744073709551615\","
                                            "\"revision\":9},\"kvs\":[{\"key\":\"YQ==\","
                                            "\"create_revision\":\"2\",\"mod_revision\":\"3\","
                                            "\"value\":\"AP8=\",\"lease\":\"77\"},{\"key\":"
                                            "\"Yg==\",\"mod_revision\":4}],\"more\":true}"),
                              &arena, &range, &err),
              &err);
    EXPECT(range.header.cluster_id == UINT64_MAX);
    EXPECT_INT(9, range.header.revision);
    EXPECT_INT(2, range.count);
    EXPECT(range.has_more);
    EXPECT_BYTES(BYTES_LITERAL("a"), range.kvs[0].key);
    EXPECT_BYTES(BYTES_LITERAL("\0\xff"), range.kvs[0].value);
    EXPECT_INT(2, range.kvs[0].create_revision);
    EXPECT_INT(3, range.kvs[0].mod_revision);
    EXPECT_INT(77, range.kvs[0].lease);
    EXPECT_BYTES(BYTES_LITERAL(""), range.kvs[1].value);
    EXPECT_OK(etcd_json_range(BYTES_LITERAL("{\"header\":{}}"), &arena, &range, &err), &err);
    EXPECT_INT(0, range.count);
    EXPECT(!range.has_more);
    EXPECT_STATUS(ST_CORRUPT, etcd_json_range(BYTES_LITERAL("[]"), &arena, &range, &err));
    EXPECT_STATUS(ST_CORRUPT, etcd_json_range(BYTES_LITERAL("{\"header\":{\"revision\":1.5}}"),
                                              &arena, &range, &err));
    arena_release(&arena);
}

TEST(watch_frames_say_what_happened)
{
    struct arena arena = ARENA_INIT;
    struct etcd_watch_frame frame;

    EXPECT_OK(etcd_json_watch(
                  BYTES_LITERAL("{\"result\":{\"header\":{\"revision\":\"5\"},\"events\":[{\"kv\":{"
                                "\"key\":\"YQ==\",\"mod_revision\":\"4\"}},{\"type\":\"DELETE\","
                                "\"kv\":{\"key\":\"Yg==\",\"mod_revision\":\"5\"}}]}}"),
                  &arena, &frame, &err),
              &err);
    EXPECT_INT(2, frame.count);
    EXPECT(!frame.events[0].is_delete && frame.events[1].is_delete);
    EXPECT(!frame.is_created && !frame.is_canceled);
    EXPECT_OK(etcd_json_watch(BYTES_LITERAL("{\"result\":{\"canceled\":true,"
                                            "\"compact_revision\":\"3\"}}"),
                              &arena, &frame, &err),
              &err);
    EXPECT(frame.is_canceled);
    EXPECT_INT(3, frame.compact_revision);
    EXPECT_OK(etcd_json_watch(BYTES_LITERAL("{\"error\":{\"message\":\"no leader\"}}"), &arena,
                              &frame, &err),
              &err);
    EXPECT(frame.is_canceled);
    EXPECT_BYTES(BYTES_LITERAL("no leader"), frame.reason);
    EXPECT_STATUS(ST_CORRUPT, etcd_json_watch(BYTES_LITERAL("{}"), &arena, &frame, &err));
    arena_release(&arena);
}

TEST(failed_transaction_shows_what_it_read)
{
    struct arena arena = ARENA_INIT;
    struct etcd_txn txn;

    EXPECT_OK(etcd_json_txn(BYTES_LITERAL("{\"header\":{\"revision\":\"2\"},\"responses\":[{"
                                          "\"response_range\":{\"kvs\":[{\"key\":\"YQ==\","
                                          "\"mod_revision\":\"2\"}]}},{\"response_range\":{}}]}"),
                            &arena, &txn, &err),
              &err);
    EXPECT(!txn.has_succeeded);
    EXPECT_INT(2, txn.range_count);
    EXPECT_INT(1, txn.ranges[0].count);
    EXPECT_INT(0, txn.ranges[1].count);
    arena_release(&arena);
}

static enum status
note_frame(struct bytes frame, void *arg, struct error *error)
{
    buffer_append_bytes(arg, frame);
    buffer_append_char(arg, '|');
    return frame.size == 4 ? fail(error, ST_CLOSED, "stop") : ST_OK;
}

/* Lines however they arrive; a line above the limit, and what found says, end the stream. */
TEST(frames_are_lines_in_whatever_pieces)
{
    struct bytes text = BYTES_LITERAL("{}\n\n {1} \n{22}\n");

    for (size_t piece = 1; piece <= text.size; piece++) {
        struct buffer found = BUFFER_INIT;
        struct etcd_frames frames;
        enum status st = ST_OK;

        etcd_frames_init(&frames, 6, note_frame, &found);
        for (size_t at = 0; st == ST_OK && at < text.size; at += piece) {
            size_t end = at + piece < text.size ? at + piece : text.size;

            st = etcd_frames_feed(&frames, bytes_slice(text, at, end), &err);
        }
        EXPECT_STATUS(ST_CLOSED, st);
        EXPECT_BYTES(BYTES_LITERAL("{}|{1}|{22}|"), buffer_bytes(&found));
        etcd_frames_release(&frames);
        buffer_release(&found);
    }
}

TEST(frame_above_the_limit_is_refused)
{
    struct buffer found = BUFFER_INIT;
    struct etcd_frames frames;

    etcd_frames_init(&frames, 6, note_frame, &found);
    EXPECT_OK(etcd_frames_feed(&frames, BYTES_LITERAL("123456\n"), &err), &err);
    EXPECT_OK(etcd_frames_feed(&frames, BYTES_LITERAL("123"), &err), &err);
    EXPECT_STATUS(ST_TOO_LARGE, etcd_frames_feed(&frames, BYTES_LITERAL("4567"), &err));
    etcd_frames_release(&frames);
    buffer_release(&found);
}
