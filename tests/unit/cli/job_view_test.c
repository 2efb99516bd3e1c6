/* SPDX-License-Identifier: Apache-2.0 */
/* How jobs and runs of the rebalance are printed.  SPEC: capability P3, P11, P14. */
#include "cli/job_view.h"

#include <stdlib.h>

#include "cli/rebalance_view.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define SECOND "000000000"

/* Started at s, over after 10 s. */
#define JOB(id, node, kind, state, s, rest)                                                        \
    "{\"id\":\"" id "\",\"node\":\"" node "\",\"kind\":\"" kind "\",\"state\":\"" state            \
    "\",\"started_ns\":" s SECOND ",\"finished_ns\":" s "0" SECOND ",\"done\":1234567,\"total\":0" \
    ",\"text\":\"t\"" rest "}"

static struct arena arena = ARENA_INIT;
static struct job_view view;

static void
parse(const char *json)
{
    struct error err = ERROR_INIT;

    EXPECT_OK(job_view_parse(bytes_of_string(json), &arena, &view, &err), &err);
}

static char *
printed(void (*print)(const struct job_view *view, FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    print(&view, out);
    fclose(out);
    return text;
}

static void
expect_part(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        test_failed(__FILE__, __LINE__, "'%s' is not in:\n%s", part, text);
    }
}

TEST(numbers_are_for_people)
{
    char out[32];

    job_view_format_count(0, out, sizeof(out));
    EXPECT_STRING("0", out);
    job_view_format_count(999, out, sizeof(out));
    EXPECT_STRING("999", out);
    job_view_format_count(1234567, out, sizeof(out));
    EXPECT_STRING("1,234,567", out);
    job_view_format_count(UINT64_MAX, out, sizeof(out));
    EXPECT_STRING("18,446,744,073,709,551,615", out);
    job_view_format_duration(1500000000, out, sizeof(out));
    EXPECT_STRING("1.5 s", out);
    job_view_format_duration(INT64_C(125000000000), out, sizeof(out));
    EXPECT_STRING("2:05", out);
    job_view_format_duration(INT64_C(3723000000000), out, sizeof(out));
    EXPECT_STRING("1:02:03", out);
}

/* Running ones first, then the newest; what several nodes do together stands together. */
TEST(entries_of_one_id_stand_together)
{
    parse("{\"jobs\":[" JOB("a-1", "n2", "fsck", "finished", "5", "") "," JOB(
        "b-1", "n1", "rebalance", "finished", "4",
        "") "," JOB("a-1", "n1", "fsck", "finished", "3", "") "," JOB("c-1", "n1", "x", "running",
                                                                      "1", "") "],\"missing\":[]}");
    EXPECT_INT(4, view.count);
    EXPECT_STRING("c-1", job_view_text(view.jobs[0], "id"));
    EXPECT_STRING("n1", job_view_text(view.jobs[1], "node"));
    EXPECT_STRING("a-1", job_view_text(view.jobs[2], "id"));
    EXPECT_STRING("b-1", job_view_text(view.jobs[3], "id"));
    EXPECT(job_view_is_running(&view));
    job_view_release(&view);
    arena_release(&arena);
}

/* A terminal must not obey what a server says. */
TEST(control_characters_are_not_printed)
{
    char *text;

    parse("{\"jobs\":[" JOB("a-1", "n\\u001b[2J", "fsck", "finished", "5",
                            "") "],\"missing\":[{\"node\":\"n\\n2\",\"why\":\"it is down\"}]}");
    text = printed(job_view_print);
    EXPECT(strchr(text, '\033') == NULL);
    expect_part(text, "n?[2J");
    expect_part(text, "1,234,567");
    expect_part(text, "Not known of node n?2: it is down\n");
    free(text);
    job_view_release(&view);
    arena_release(&arena);
}

TEST(answers_that_are_none_are_refused)
{
    static const char *const TEXTS[] = {"", "[]", "{}", "{\"jobs\":7}"};

    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        EXPECT_STATUS(ST_INVALID, job_view_parse(bytes_of_string(TEXTS[i]), &arena, &view, NULL));
    }
}

static void
print_runs(const struct job_view *jobs, FILE *out)
{
    rebalance_view_print(jobs, NULL, false, out);
}

TEST(a_run_shows_why_stages_and_what_was_moved)
{
    char *text;

    parse("{\"jobs\":[" JOB(
        "rebalance-9", "n1", "rebalance", "finished", "5",
        ",\"report\":{\"why\":\"n3 joined or returned\",\"stage\":\"done\",\"objects\":1000,"
        "\"bytes\":1048576,\"received\":0,\"scanned\":3000,\"stages\":[{\"stage\":\"move\","
        "\"seconds\":1.5,\"work_seconds\":1.25}]}") "," JOB("rebalance-9", "n2", "rebalance",
                                                            "stopped", "5",
                                                            ",\"report\":{\"objects\":500,"
                                                            "\"bytes\":1048576,\"stages\":[{"
                                                            "\"stage\":\"move\","
                                                            "\"seconds\":2.75,\"work_seconds\":0.5}"
                                                            "]}") "],\"missing\":[]}");
    text = printed(print_runs);
    expect_part(text, "rebalance-9  stopped");
    expect_part(text, "1,500  2.0 MiB  n3 joined or returned");
    expect_part(text, "move      2.75          1.25");
    expect_part(text, "n2 stopped: t");
    free(text);
    job_view_release(&view);

    parse("{\"jobs\":[],\"missing\":[]}");
    text = printed(print_runs);
    EXPECT_STRING("There was no rebalance yet.\n", text);
    free(text);
    job_view_release(&view);
    arena_release(&arena);
}

/* A cleanup moves nothing: it shows what it removed and what it left, and names examples. */
TEST(a_cleanup_shows_what_was_removed)
{
    char *text;

    parse("{\"jobs\":[" JOB(
        "rebalance-cleanup-1", "n1", "rebalance-cleanup", "finished", "5",
        ",\"report\":{\"scanned\":30,\"misplaced\":7,\"removed\":4,\"removed_bytes\":2048,"
        "\"quarantined\":1,\"left\":2,\"examples\":[{\"bucket\":\"b\",\"key\":\"k\",\"why\":"
        "\"left: its owner knows nothing of it\"}]}") "],\"missing\":[]}");
    text = printed(print_runs);
    expect_part(text, "REMOVED");
    expect_part(text, "n1    finished         30          7        4  2.0 KiB            1     2");
    expect_part(text, "n1: b/k: left: its owner knows nothing of it\n");
    EXPECT(strstr(text, "RECEIVED") == NULL);
    free(text);
    job_view_release(&view);
    arena_release(&arena);
}
