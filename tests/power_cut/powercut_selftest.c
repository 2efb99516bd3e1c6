/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves that the power-cut library bites, and that it never bites what was promised.  Each test
 * runs one pattern of powercut_child above the library with many seeds, in a directory with the
 * file "old" (8 KiB of 'a'), and looks at what the disk holds after the cut; the child writes 'b'.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/power_cut/powercut_harness.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define SECTOR_SIZE 512
/* Seeds per pattern, always the same: what an image holds depends on nothing else. */
#define SEEDS 48
#define FIRST_SEED 1
/* Acknowledgments read after a cut. */
#define ACKS_MAX 100000

struct outcome {
    unsigned old;     /* as before */
    unsigned fresh;   /* as the child left it */
    unsigned torn;    /* a mixture */
    unsigned missing; /* no such file */
};

/* Adds up what one file is after the cut.  length: of what the child has written, from 0. */
static void
judge(const char *name, size_t size_before, size_t size_after, struct outcome *outcome)
{
    static char bytes[4 * POWERCUT_BODY_SIZE];
    int fd = open(name, O_RDONLY);
    if (fd < 0) {
        outcome->missing++;
        return;
    }
    ssize_t length = read(fd, bytes, sizeof(bytes));
    close(fd);
    bool is_old = (size_t)length == size_before;
    bool is_fresh = (size_t)length == size_after;
    for (ssize_t i = 0; i < length; i++) {
        is_old = is_old && bytes[i] == 'a';
        is_fresh = is_fresh && bytes[i] == 'b';
        EXPECT(bytes[i] == 'a' || bytes[i] == 'b' || bytes[i] == '\0');
        EXPECT(i % SECTOR_SIZE == 0 || bytes[i] == bytes[i - 1] || bytes[i] == '\0' ||
               (size_t)i % SECTOR_SIZE == size_before % SECTOR_SIZE);
    }
    outcome->old += is_old && size_before > 0;
    outcome->fresh += is_fresh;
    outcome->torn += !is_old && !is_fresh;
}

/* Runs the pattern with many seeds and judges the file. */
static struct outcome
survey(const char *pattern, const char *variable, const char *name, size_t size_before,
       size_t size_after)
{
    struct outcome outcome = {0};
    for (uint64_t i = 0; i < SEEDS; i++) {
        powercut_harness_reset();
        struct powercut_harness_child child = {
            .pattern = pattern, .variable = variable, .seed = FIRST_SEED + i, .ack_fd = -1};
        powercut_harness_run(&child);
        judge(name, size_before, size_after, &outcome);
        powercut_harness_clean();
    }
    return outcome;
}

static struct outcome
survey_body(const char *pattern, const char *variable, const char *name)
{
    return survey(pattern, variable, name, strcmp(name, "old") == 0 ? POWERCUT_BODY_SIZE : 0,
                  POWERCUT_BODY_SIZE);
}

/* Without a sync a write is lost, kept, or kept in some of its sectors. */
TEST(unsynced_overwrite_is_kept_lost_or_torn)
{
    struct outcome outcome = survey_body("overwrite", NULL, "old");

    EXPECT(outcome.old > 0);
    EXPECT(outcome.fresh > 0);
    EXPECT(outcome.torn > 0);
    EXPECT_INT(0, outcome.missing);
}

TEST(file_is_followed_however_it_was_opened)
{
    struct outcome outcome = survey_body("overwrite_after_raw_open", NULL, "old");

    EXPECT(outcome.old > 0 && outcome.fresh > 0 && outcome.torn > 0);
}

TEST(synced_overwrite_is_kept)
{
    struct outcome outcome = survey_body("overwrite_fsync", NULL, "old");

    EXPECT_INT(SEEDS, outcome.fresh);
}

/* fdatasync covers the size too; what was appended after it is not covered. */
TEST(fdatasync_keeps_size_and_bytes_before_it)
{
    unsigned kept = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        char bytes[POWERCUT_BODY_SIZE + 8001];
        powercut_harness_reset();
        struct powercut_harness_child child = {
            .pattern = "append_fdatasync_append", .seed = FIRST_SEED + i, .ack_fd = -1};
        powercut_harness_run(&child);
        int fd = open("old", O_RDONLY);
        ssize_t length = read(fd, bytes, sizeof(bytes));
        close(fd);
        powercut_harness_clean();

        EXPECT(length == POWERCUT_BODY_SIZE + 5000 || length == POWERCUT_BODY_SIZE + 8000);
        for (ssize_t at = 0; at < POWERCUT_BODY_SIZE + 5000; at++) {
            EXPECT_INT(at < POWERCUT_BODY_SIZE ? 'a' : 'b', bytes[at]);
        }
        kept += length == POWERCUT_BODY_SIZE + 8000;
    }
    EXPECT(kept > 0 && kept < SEEDS);
}

/* A sync through any descriptor covers the file; a reused number does not carry it over. */
TEST(sync_belongs_to_the_file_not_to_the_descriptor)
{
    struct outcome synced = survey_body("duplicated", NULL, "old");
    struct outcome other = survey_body("duplicated", NULL, "again");

    EXPECT_INT(SEEDS, synced.fresh);
    EXPECT(other.missing > 0);
}

/* A write with RWF_DSYNC is durable, an older one elsewhere in the file is not by it. */
TEST(dsync_write_covers_itself_only)
{
    unsigned lost = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        char bytes[POWERCUT_BODY_SIZE];
        powercut_harness_reset();
        struct powercut_harness_child child = {
            .pattern = "dsync_after_write", .seed = FIRST_SEED + i, .ack_fd = -1};
        powercut_harness_run(&child);
        int fd = open("old", O_RDONLY);
        EXPECT_INT(POWERCUT_BODY_SIZE, read(fd, bytes, sizeof(bytes)));
        close(fd);
        powercut_harness_clean();

        for (size_t at = 0; at < 4096; at++) {
            EXPECT_INT('b', bytes[at]);
        }
        lost += bytes[4096] == 'a';
    }
    EXPECT(lost > 0 && lost < SEEDS);
}

/* An entry needs the sync of its directory; on ext4 the file's own fsync takes it along. */
TEST(created_file_needs_the_sync_of_its_directory)
{
    struct outcome strict = survey_body("create_file", NULL, "new");
    struct outcome ext4 = survey_body("create_file", "POWERCUT_MODEL=ext4", "new");
    struct outcome synced = survey_body("create_file_sync_directory", NULL, "new");

    EXPECT(strict.missing > 0);
    EXPECT(strict.fresh > 0);
    EXPECT_INT(SEEDS, strict.missing + strict.fresh);
    EXPECT_INT(SEEDS, ext4.fresh);
    EXPECT_INT(SEEDS, synced.fresh);
}

/* The sync of a directory keeps the name, not the bytes. */
TEST(synced_directory_does_not_sync_its_files)
{
    struct outcome outcome = survey_body("create_unsynced_sync_directory", NULL, "new");

    EXPECT_INT(0, outcome.missing);
    EXPECT(outcome.torn > 0);
    EXPECT(outcome.fresh > 0);
}

/* A rename replaces old by new as a whole, at the latest when the directory is synced. */
TEST(rename_leaves_old_or_new)
{
    struct outcome strict = survey_body("replace_by_rename", NULL, "old");
    struct outcome ext4 = survey_body("replace_by_rename", "POWERCUT_MODEL=ext4", "old");
    struct outcome synced = survey_body("replace_by_rename_sync_directory", NULL, "old");

    EXPECT(strict.old > 0 && strict.fresh > 0);
    EXPECT_INT(SEEDS, strict.old + strict.fresh);
    EXPECT(ext4.old > 0 && ext4.fresh > 0);
    EXPECT_INT(SEEDS, ext4.old + ext4.fresh);
    EXPECT_INT(SEEDS, synced.fresh);
}

TEST(unlinked_file_comes_back_until_its_directory_is_synced)
{
    struct outcome unsynced = survey_body("unlink_file", NULL, "old");
    struct outcome synced = survey_body("unlink_sync_directory", NULL, "old");

    EXPECT(unsynced.old > 0 && unsynced.missing > 0);
    EXPECT_INT(SEEDS, unsynced.old + unsynced.missing);
    EXPECT_INT(SEEDS, synced.missing);
}

/* The file system gives the inode number of a deleted file to the next one. */
TEST(deleted_file_does_not_haunt_its_inode_number)
{
    struct outcome gone = survey_body("unlink_open_and_reuse", NULL, "old");
    struct outcome fresh = survey_body("unlink_open_and_reuse", NULL, "new");

    EXPECT_INT(SEEDS, gone.missing);
    EXPECT_INT(SEEDS, fresh.fresh);
}

/* Once the disk knows of the truncation, nothing of the old bytes is left, and before, all. */
TEST(truncation_does_not_mix_old_and_new)
{
    struct outcome outcome = {0};
    for (uint64_t i = 0; i < SEEDS; i++) {
        char bytes[POWERCUT_BODY_SIZE + 1];
        powercut_harness_reset();
        struct powercut_harness_child child = {
            .pattern = "truncate_and_rewrite", .seed = FIRST_SEED + i, .ack_fd = -1};
        powercut_harness_run(&child);
        int fd = open("old", O_RDONLY);
        ssize_t length = read(fd, bytes, sizeof(bytes));
        close(fd);
        powercut_harness_clean();

        bool has_old = length > 0 && memchr(bytes, 'a', (size_t)length) != NULL;
        bool has_new = length > 0 && memchr(bytes, 'b', (size_t)length) != NULL;
        EXPECT(!has_old || (!has_new && length == POWERCUT_BODY_SIZE));
        EXPECT(has_old || length <= 6000);
        outcome.old += has_old;
        outcome.fresh += has_new;
    }
    EXPECT(outcome.old > 0);
    EXPECT(outcome.fresh > 0);
}

TEST(synced_truncation_after_growth_is_exact)
{
    struct outcome outcome = survey("extend_then_truncate", NULL, "old", 4096, 0);

    EXPECT_INT(SEEDS, outcome.old);
}

/* A punched hole is there or not, never half. */
TEST(punched_hole_is_whole_or_absent)
{
    unsigned holes = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        char bytes[POWERCUT_BODY_SIZE];
        powercut_harness_reset();
        struct powercut_harness_child child = {
            .pattern = "punch", .seed = FIRST_SEED + i, .ack_fd = -1};
        powercut_harness_run(&child);
        int fd = open("old", O_RDONLY);
        EXPECT_INT(POWERCUT_BODY_SIZE, read(fd, bytes, sizeof(bytes)));
        close(fd);
        powercut_harness_clean();

        EXPECT(bytes[0] == 'a' && bytes[4095] == 'a');
        for (size_t at = 4097; at < POWERCUT_BODY_SIZE; at++) {
            EXPECT_INT(bytes[4096], bytes[at]);
        }
        holes += bytes[4096] == '\0';
    }
    EXPECT(holes > 0 && holes < SEEDS);
}

/* A directory whose own entry was never synced is lost with everything in it. */
TEST(tree_is_lost_with_its_root)
{
    struct outcome outcome = survey_body("make_tree", NULL, "tree/file");

    EXPECT(outcome.missing > 0 && outcome.fresh > 0);
    EXPECT_INT(SEEDS, outcome.missing + outcome.fresh);
}

/* With only the destination synced the file is there; whether still at the source is open. */
TEST(move_is_durable_at_the_synced_end)
{
    struct outcome moved =
        survey("move_between_directories", NULL, "room/moved", POWERCUT_BODY_SIZE, 0);
    struct outcome source = survey("move_between_directories", NULL, "old", POWERCUT_BODY_SIZE, 0);

    EXPECT_INT(SEEDS, moved.old);
    EXPECT(source.old > 0 && source.missing > 0);
}

TEST(unsynced_link_may_vanish_but_not_its_file)
{
    struct outcome second = survey("link_file", NULL, "second", POWERCUT_BODY_SIZE, 0);
    struct outcome first = survey("link_file", NULL, "old", POWERCUT_BODY_SIZE, 0);

    EXPECT(second.old > 0 && second.missing > 0);
    EXPECT_INT(SEEDS, first.old);
}

/* A sync covers what was complete when it began, not what came while it ran. */
TEST(write_during_a_sync_is_not_covered_by_it)
{
    unsigned lost = 0;
    for (uint64_t i = 0; i < SEEDS; i++) {
        char bytes[POWERCUT_BODY_SIZE];
        powercut_harness_reset();
        struct powercut_harness_child child = {.pattern = "write_during_sync",
                                               .variable = "POWERCUT_SYNC_US=10000",
                                               .seed = FIRST_SEED + i,
                                               .ack_fd = -1};
        powercut_harness_run(&child);
        int fd = open("old", O_RDONLY);
        EXPECT_INT(POWERCUT_BODY_SIZE, read(fd, bytes, sizeof(bytes)));
        close(fd);
        powercut_harness_clean();

        EXPECT(bytes[0] == 'b' && bytes[4095] == 'b');
        lost += bytes[4096] == 'a';
    }
    EXPECT(lost > 0);
}

/* The mutant switch: a sync that is skipped by pattern and call promises nothing. */
TEST(skipped_sync_loses_what_it_should_have_kept)
{
    struct outcome bytes = survey_body("overwrite_fsync", "POWERCUT_SKIP_SYNC=*/old:fsync", "old");
    struct outcome names =
        survey_body("create_file_sync_directory", "POWERCUT_SKIP_SYNC=*/tree:dir", "new");
    struct outcome other =
        survey_body("overwrite_fsync", "POWERCUT_SKIP_SYNC=*/old:fdatasync,*/x:fsync", "old");
    struct outcome second =
        survey_body("overwrite_fsync", "POWERCUT_SKIP_SYNC=*/old:fsync#2", "old");

    EXPECT(bytes.old > 0);
    EXPECT(names.missing > 0);
    EXPECT_INT(SEEDS, other.fresh);
    EXPECT_INT(SEEDS, second.fresh);
}

/* SPEC: after a failed fsync Linux counts the pages as clean; a retry must not be trusted. */
TEST(failed_sync_loses_its_bytes_for_good)
{
    struct outcome outcome =
        survey_body("sync_fails_once", "POWERCUT_FAIL_SYNC=*/old:1:EIO", "old");

    EXPECT_INT(SEEDS, outcome.old);
}

TEST(faults_hit_the_named_call_path_and_count)
{
    powercut_harness_reset();
    struct powercut_harness_child child = {
        .pattern = "calls_fail",
        .variable = "POWERCUT_FAIL=pwrite:*/old:2:ENOSPC,rename:*/new:1:EIO,"
                    "open:*/absent:1:EMFILE,write:*/old:1:short",
        .seed = FIRST_SEED,
        .ack_fd = -1};
    powercut_harness_run(&child);
    powercut_harness_clean();
}

/* What a forked child does cannot be seen at the cut, so it is refused rather than missed. */
TEST(forked_child_may_not_change_tracked_files)
{
    powercut_harness_reset();
    struct powercut_harness_child child = {
        .pattern = "fork_and_write", .seed = FIRST_SEED, .ack_fd = -1};
    powercut_harness_run(&child);
    powercut_harness_clean();
}

/* Four threads append to files of their own; the cut may come at any call of any of them. */
TEST(told_appends_of_threads_survive)
{
    static unsigned acks[ACKS_MAX][2];
    struct prng prng = test_prng();
    for (unsigned round = 0; round < SEEDS; round++) {
        powercut_harness_reset();
        struct powercut_harness_child child = {.pattern = "append_in_threads",
                                               .seed = prng_u64(&prng),
                                               .at = 20 + prng_below(&prng, 400)};
        size_t count = powercut_harness_run_telling(&child, acks, sizeof(acks)) / sizeof(acks[0]);
        unsigned promised[4] = {0};
        for (size_t i = 0; i < count; i++) {
            promised[acks[i][0]] = acks[i][1] + 1;
        }
        for (unsigned i = 0; i < 4; i++) {
            char name[16];
            snprintf(name, sizeof(name), "log%u", i);
            int fd = open(name, O_RDONLY);
            EXPECT(fd >= 0 || promised[i] == 0);
            for (unsigned at = 0; at < promised[i]; at++) {
                unsigned value = 0;
                EXPECT_INT(sizeof(value), read(fd, &value, sizeof(value)));
                EXPECT_INT(at, value);
            }
            close(fd);
        }
        powercut_harness_clean();
    }
}
