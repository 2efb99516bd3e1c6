/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/memory.h"
#include "tests/linearizability/history_judge.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct judgement
judge_text(const char *text)
{
    struct op_history history;
    struct error err = ERROR_INIT;
    struct judgement judgement;

    op_history_init(&history);
    EXPECT_OK(op_history_add_text(&history, bytes_of_string(text), &err), &err);
    judge_history(&history, &judgement);
    op_history_release(&history);
    return judgement;
}

static void
expect_accepted(const char *text)
{
    struct judgement judgement = judge_text(text);
    struct bytes shown = buffer_bytes(&judgement.text);

    if (judgement.verdict != VERDICT_LINEARIZABLE) {
        printf("# %.*s\n", BYTES_ARGS(shown));
    }
    buffer_release(&judgement.text);
    EXPECT_INT(VERDICT_LINEARIZABLE, judgement.verdict);
}

/* The violation is found, is named so, and is shown with no more than line_max operations. */
static void
expect_caught(const char *text, const char *name, size_t line_max)
{
    struct judgement judgement = judge_text(text);
    struct bytes shown = buffer_bytes(&judgement.text);
    bool is_named = bytes_find(shown, 0, bytes_of_string(name)) != SIZE_MAX;
    size_t lines = 0;

    for (size_t at = 0; (at = bytes_find(shown, at, BYTES_LITERAL("  client "))) != SIZE_MAX;
         at++) {
        lines++;
    }
    if (judgement.verdict != VERDICT_VIOLATION || !is_named || lines > line_max) {
        printf("# %.*s\n", BYTES_ARGS(shown));
    }
    buffer_release(&judgement.text);
    EXPECT_INT(VERDICT_VIOLATION, judgement.verdict);
    EXPECT(is_named);
    EXPECT(lines <= line_max);
}

#define TIMES(call, end) "\"call\":" #call ",\"return\":" #end ",\"result\":\"ok\"}\n"
#define PUT(key, value, call, end)                                                                 \
    "{\"op\":\"put\",\"key\":\"" key "\",\"value\":\"" value "\"," TIMES(call, end)
#define PUT_OPEN(key, value, call)                                                                 \
    "{\"op\":\"put\",\"key\":\"" key "\",\"value\":\"" value "\",\"call\":" #call                  \
    ",\"return\":null,\"result\":\"unknown\"}\n"
#define CREATE(key, value, call, end)                                                              \
    "{\"op\":\"put\",\"key\":\"" key "\",\"if_none_match\":\"*\",\"value\":\"" value               \
    "\"," TIMES(call, end)
#define CREATE_FAILED(key, value, call, end)                                                       \
    "{\"op\":\"put\",\"key\":\"" key "\",\"if_none_match\":\"*\",\"value\":\"" value               \
    "\",\"call\":" #call ",\"return\":" #end ",\"result\":\"failed\"}\n"
#define REPLACE(key, old, value, call, end)                                                        \
    "{\"op\":\"put\",\"key\":\"" key "\",\"if_match\":\"" old "\",\"value\":\"" value              \
    "\"," TIMES(call, end)
#define GET(key, value, call, end)                                                                 \
    "{\"op\":\"get\",\"key\":\"" key "\",\"value\":\"" value "\"," TIMES(call, end)
#define HEAD_ABSENT(key, call, end)                                                                \
    "{\"op\":\"head\",\"key\":\"" key "\",\"call\":" #call ",\"return\":" #end                     \
    ",\"result\":\"absent\"}\n"
#define DELETE(key, call, end) "{\"op\":\"delete\",\"key\":\"" key "\"," TIMES(call, end)
#define DELETE_OPEN(key, call)                                                                     \
    "{\"op\":\"delete\",\"key\":\"" key "\",\"call\":" #call                                       \
    ",\"return\":null,\"result\":\"unknown\"}\n"
#define COPY(source, key, value, call, end)                                                        \
    "{\"op\":\"copy\",\"source\":\"" source "\",\"key\":\"" key "\",\"value\":\"" value            \
    "\"," TIMES(call, end)
#define COPY_OPEN(source, key, call)                                                               \
    "{\"op\":\"copy\",\"source\":\"" source "\",\"key\":\"" key "\",\"call\":" #call               \
    ",\"return\":null,\"result\":\"unknown\"}\n"
#define PAGE(walk, after, entries, truncated, call, end)                                           \
    "{\"op\":\"page\",\"walk\":" #walk ",\"after\":\"" after "\",\"entries\":[" entries            \
    "],\"truncated\":" #truncated "," TIMES(call, end)
#define ENTRY(key, value) "[\"" key "\",\"" value "\"]"
#define ENTRY_UNTOLD(key) "[\"" key "\",null]"

/* A read that begins after a write was acknowledged sees it or a later one. */
TEST(stale_read_is_caught)
{
    expect_accepted(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 9) GET("a", "v1", 3, 4)
                        GET("a", "v2", 10, 11));
    expect_caught(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 3) GET("a", "v1", 4, 5),
                  "an old value was read", 3);
}

/* Once one reader has seen the new value, none that begins later sees the old one. */
TEST(going_back_between_two_readers_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 90) GET("a", "v2", 3, 4)
                      GET("a", "v1", 5, 6),
                  "an old value was read", 4);
}

/* An acknowledged write stays. */
TEST(lost_write_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) HEAD_ABSENT("a", 2, 3), "a write was lost", 2);
}

/* A delete that was acknowledged is not undone by anything. */
TEST(resurrection_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) DELETE("a", 2, 3) GET("a", "v1", 4, 5),
                  "what was deleted came back", 3);
}

/* Nobody reads what nobody wrote, nor the bytes of another key. */
TEST(value_that_nobody_wrote_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) GET("a", "v7", 2, 3), "a value that nobody wrote", 2);
    expect_caught(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 1) GET("b", "v1", 2, 3),
                  "a value that nobody wrote", 2);
}

/* A write that has not been sent cannot be read. */
TEST(value_from_the_future_is_caught)
{
    expect_caught(GET("a", "v1", 0, 1) PUT("a", "v1", 2, 3), "before it was written", 2);
}

/* Of two creations of the same key one succeeds.  SPEC: S3 PutObject / If-None-Match */
TEST(two_conditional_creates_are_caught)
{
    expect_accepted(CREATE("a", "v1", 0, 9) CREATE_FAILED("a", "v2", 1, 8));
    expect_accepted(CREATE("a", "v1", 0, 9) DELETE("a", 2, 3) CREATE("a", "v2", 1, 8));
    expect_caught(CREATE("a", "v1", 0, 9) CREATE("a", "v2", 1, 8), "a conditional write succeeded",
                  2);
}

/* A creation is refused only where something may have been. */
TEST(refused_create_of_an_absent_key_is_caught)
{
    expect_accepted(PUT_OPEN("a", "v1", 0) CREATE_FAILED("a", "v2", 1, 2));
    expect_caught(CREATE_FAILED("a", "v2", 1, 2), "a conditional write failed", 1);
    expect_caught(PUT("a", "v1", 0, 1) DELETE("a", 2, 3) CREATE_FAILED("a", "v2", 4, 5),
                  "a conditional write failed", 3);
}

/* Of two replacements of the same value one succeeds.  SPEC: S3 PutObject / If-Match */
TEST(two_conditional_replacements_are_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) REPLACE("a", "v1", "v2", 2, 9)
                      REPLACE("a", "v1", "v3", 3, 8),
                  "a conditional write succeeded", 3);
}

/* What became of a write whose answer was lost stays open for ever: it may be seen, at any time, or
 * never; but once it was seen and replaced, it does not come again. */
TEST(unknown_outcomes_stay_open)
{
    expect_accepted(PUT("a", "v1", 0, 1) PUT_OPEN("a", "v2", 2) GET("a", "v1", 100, 101)
                        GET("a", "v2", 200, 201));
    expect_accepted(PUT("a", "v1", 0, 1) DELETE_OPEN("a", 2) GET("a", "v1", 3, 4)
                        HEAD_ABSENT("a", 900, 901));
    expect_caught(PUT("a", "v1", 0, 1) PUT_OPEN("a", "v2", 2) GET("a", "v2", 3, 4)
                      PUT("a", "v3", 5, 6) GET("a", "v2", 7, 8),
                  "an old value was read", 4);
}

/* A copy reads its source and writes its destination while it runs.  SPEC: S3 CopyObject */
TEST(copies_carry_what_the_source_held)
{
    expect_accepted(PUT("a", "v1", 0, 1) COPY("a", "b", "v1", 2, 9) PUT("a", "v2", 3, 4)
                        GET("b", "v1", 10, 11));
    expect_caught(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 3) COPY("a", "b", "v1", 4, 5),
                  "an old value was read", 3);
    expect_caught(PUT("a", "v1", 0, 1) COPY("a", "b", "v1", 2, 3) HEAD_ABSENT("b", 4, 5),
                  "a write was lost", 2);
    expect_caught(COPY("a", "b", "v1", 0, 20) GET("b", "v1", 1, 2) PUT("a", "v1", 5, 6), "", 2);
}

/* A copy without an answer may have brought any value that the source held since it began. */
TEST(unknown_copies_stay_open)
{
    expect_accepted(PUT("a", "v1", 0, 1) COPY_OPEN("a", "b", 2) PUT("a", "v2", 3, 4)
                        HEAD_ABSENT("b", 5, 6) GET("b", "v2", 7, 8));
    expect_accepted(PUT("a", "v1", 0, 1) COPY_OPEN("a", "b", 2) COPY_OPEN("b", "c", 3)
                        GET("c", "v1", 7, 8));
    expect_caught(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 3) COPY_OPEN("a", "b", 4)
                      GET("b", "v1", 7, 8),
                  "VIOLATION", 2);
    expect_caught(PUT("a", "v1", 0, 1) COPY_OPEN("a", "b", 4) GET("b", "v1", 7, 8)
                      DELETE("b", 9, 10) GET("b", "v1", 11, 12),
                  "came back", 5);
}

/* A page shows each write acknowledged before it began. */
TEST(missing_in_a_listing_is_caught)
{
    expect_accepted(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 5)
                        PAGE(1, "", ENTRY("a", "v1"), false, 4, 6));
    expect_caught(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 1) PUT("c", "v3", 0, 1)
                      PAGE(1, "", ENTRY("a", "v1") "," ENTRY("c", "v3"), false, 4, 6),
                  "missing in a listing", 2);
}

/* A key between two pages of a walk is on one of them. */
TEST(missing_between_two_pages_is_caught)
{
    expect_accepted(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 1) PAGE(
        1, "", ENTRY("a", "v1"), true, 4, 6) PAGE(1, "a", ENTRY("b", "v2"), false, 7, 8));
    expect_caught(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 1) PUT("c", "v3", 0, 1)
                      PAGE(1, "", ENTRY("a", "v1"), true, 4, 6)
                          PAGE(1, "a", ENTRY("c", "v3"), false, 7, 8),
                  "missing in a listing", 2);
}

/* A listing that ends early is short of keys. */
TEST(listing_that_ends_early_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) PUT("z", "v2", 0, 1)
                      PAGE(1, "", ENTRY("a", "v1"), false, 4, 6),
                  "missing in a listing", 2);
}

/* A page shows nothing that was deleted before it began, and no older value. */
TEST(deleted_key_in_a_listing_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1) DELETE("a", 2, 3) PAGE(1, "", ENTRY("a", "v1"), false, 4, 6),
                  "a listing shows what was deleted", 3);
    expect_caught(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 3)
                      PAGE(1, "", ENTRY("a", "v1"), false, 4, 6),
                  "a listing shows an old value", 3);
}

/* No key twice in a walk: not on one page, and not on two. */
TEST(duplicate_in_a_listing_is_caught)
{
    expect_caught(PUT("a", "v1", 0, 1)
                      PAGE(1, "", ENTRY("a", "v1") "," ENTRY("a", "v1"), false, 4, 6),
                  "listed twice", 1);
    expect_caught(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 1)
                      PAGE(1, "", ENTRY("a", "v1") "," ENTRY("b", "v2"), true, 4, 6)
                          PAGE(1, "b", ENTRY("a", "v1"), false, 7, 8),
                  "listed twice", 1);
}

/* A page that tells a key without its value says that the key is there. */
TEST(page_without_values_shows_what_is_there)
{
    expect_accepted(PUT("a", "v1", 0, 1) PUT("a", "v2", 2, 3) PAGE(
        1, "", ENTRY_UNTOLD("a"), false, 4, 5) DELETE("a", 6, 7) PAGE(2, "", "", false, 8, 9));
    expect_caught(PUT("a", "v1", 0, 1) PAGE(1, "", ENTRY_UNTOLD("a"), false, 2, 3)
                      PAGE(2, "", "", false, 4, 5),
                  "missing in a listing", 3);
    expect_caught(PUT("a", "v1", 0, 1) DELETE("a", 2, 3)
                      PAGE(1, "", ENTRY_UNTOLD("a"), false, 4, 5),
                  "a listing shows what was deleted", 3);
}

/* A page without an end says nothing of the keys behind its last. */
TEST(truncated_page_speaks_of_its_range_only)
{
    expect_accepted(PUT("a", "v1", 0, 1) PUT("b", "v2", 0, 1)
                        PAGE(1, "", ENTRY("a", "v1"), true, 4, 6));
}

/* A line that cannot be judged is refused, never passed over. */
TEST(broken_lines_are_refused)
{
    static const char *const lines[] = {
        "{",
        "[]",
        "{\"op\":\"put\"}",
        "{\"op\":\"rename\",\"key\":\"a\",\"call\":1,\"return\":2,\"result\":\"ok\"}",
        "{\"op\":\"put\",\"key\":\"a\",\"call\":1,\"return\":2,\"result\":\"ok\"}",
        "{\"op\":\"put\",\"key\":\"a\",\"value\":\"v\",\"call\":3,\"return\":2,\"result\":\"ok\"}",
        "{\"op\":\"put\",\"key\":\"a\",\"value\":\"v\",\"call\":1,\"return\":2,\"result\":"
        "\"failed\"}",
        "{\"op\":\"get\",\"key\":\"a\",\"call\":1,\"return\":2,\"result\":\"ok\"}",
        "{\"op\":\"copy\",\"key\":\"a\",\"value\":\"v\",\"call\":1,\"return\":2,\"result\":\"ok\"}",
        "{\"op\":\"page\",\"call\":1,\"return\":2,\"result\":\"ok\"}",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct op_history history;
        struct error err = ERROR_INIT;
        op_history_init(&history);
        enum status st = op_history_add_line(&history, bytes_of_string(lines[i]), &err);
        op_history_release(&history);
        EXPECT_STATUS(ST_INVALID, st);
    }
}

/* What is shown is what contradicts: of a thousand operations around it, none. */
TEST(counterexample_is_small)
{
    struct buffer text = BUFFER_INIT;

    for (int i = 0; i < 300; i++) {
        buffer_printf(&text,
                      "{\"op\":\"put\",\"key\":\"a\",\"value\":\"v%d\",\"call\":%d,\"return\":%d,"
                      "\"result\":\"ok\"}\n",
                      i, i * 10, i * 10 + 4);
        buffer_printf(&text,
                      "{\"op\":\"get\",\"key\":\"a\",\"value\":\"v%d\",\"call\":%d,\"return\":%d,"
                      "\"result\":\"ok\"}\n",
                      i == 200 ? 150 : i, i * 10 + 5, i * 10 + 6);
    }
    buffer_append_char(&text, '\0');

    expect_caught(text.data, "an old value was read", 3);
    buffer_release(&text);
}
