/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target that is killed between the steps of a forced cleanup, at each of them in turn: after its
 * restart the next cleanup ends what was begun; no copy is lost, and none is in the quarantine
 * twice.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/unit/kill_rounds.h"
#include "tests/unit/peer/target_cluster.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define BUCKET "photos"
#define KEY_COUNT 24
#define TWO 3U
#define ALL 7U
#define SOURCE 0
#define DESTINATION 2
/* Each point starts three stores: without LODE_TEST_LONG=1 only one of so many. */
#define SHORT_STRIDE 4

static const size_t SIZES[] = {100, 3000, 300000};

static const struct {
    const char *point;
    uint64_t nth;
} VICTIMS[] = {
    {"quarantine_before_text", 1}, {"quarantine_before_text", 2}, {"cleanup_before_removal", 1},
    {"cleanup_before_removal", 3}, {"cleanup_after_removal", 1},  {"cleanup_after_removal", 3},
    {"commit_before_write", 1},    {"commit_after_write", 1},     {"commit_before_write", 3},
    {"commit_after_write", 3},
};

static bool
send_key(struct target_cluster *cluster, enum target_verb verb, size_t number, uint64_t content,
         struct target_reply *ret_reply)
{
    struct target_command command = {
        .verb = verb, .number = content, .size = SIZES[number % ARRAY_COUNT(SIZES)]};
    size_t owner;

    snprintf(command.text, sizeof(command.text), "key-%03zu", number);
    owner = map_shape_owner(&cluster->shape, BUCKET, command.text);
    CHECK(target_process_ask(&cluster->targets[owner], &command, ret_reply));
    return owner == DESTINATION;
}

/* Keys at two targets; then all three own keys, as if that had been finished long ago.  Every other
 * one of the third's keys it has itself, newer. */
static void
begin(struct target_cluster *cluster, const char *directory)
{
    struct target_reply reply;

    target_cluster_start(cluster, directory, TWO);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        (void)send_key(cluster, TARGET_PUT, i, i * 10, &reply);
        EXPECT_STATUS(ST_OK, reply.status);
    }
    cluster->shape.version = cluster->shape.placement = cluster->shape.finished = 3;
    cluster->shape.placed = ALL;
    target_cluster_activate(cluster);
    for (size_t i = 0; i < KEY_COUNT; i += 2) {
        if (send_key(cluster, TARGET_GET, i, i * 10, &reply)) {
            EXPECT_STATUS(ST_NO_SUCH_KEY, reply.status);
            (void)send_key(cluster, TARGET_PUT, i, i * 10 + 1, &reply);
            EXPECT_STATUS(ST_OK, reply.status);
        }
    }
}

static void
expect_clients_view(struct target_cluster *cluster)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct target_reply reply;

        if (!send_key(cluster, TARGET_GET, i, i * 10, &reply)) {
            EXPECT_STATUS(ST_OK, reply.status);
            EXPECT_INT(i * 10, reply.number);
        } else if (i % 2 == 0) {
            EXPECT_STATUS(ST_OK, reply.status);
            EXPECT_INT(i * 10 + 1, reply.number);
        } else {
            EXPECT_STATUS(ST_NO_SUCH_KEY, reply.status);
        }
    }
}

static uint64_t
count_own(struct target_cluster *cluster, size_t target)
{
    uint64_t count = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        char key[64];

        snprintf(key, sizeof(key), "key-%03zu", i);
        count += map_shape_owner(&cluster->shape, BUCKET, key) == target;
    }
    return count;
}

/* Descriptions; each has its bytes beside it. */
static uint64_t
count_quarantined(const char *mountpath)
{
    char *path = xasprintf("%s/quarantine", mountpath);
    DIR *directory = opendir(path);
    struct dirent *entry;
    uint64_t count = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char *dot = strrchr(entry->d_name, '.');

        if (dot != NULL && strcmp(dot, ".json") == 0) {
            struct stat status;
            char *data = xasprintf("%s/%.*s.data", path, (int)(dot - entry->d_name), entry->d_name);

            EXPECT_INT(0, stat(data, &status));
            EXPECT(status.st_size == (off_t)SIZES[0] || status.st_size == (off_t)SIZES[1] ||
                   status.st_size == (off_t)SIZES[2]);
            free(data);
            count++;
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    free(path);
    return count;
}

static void
round_of(size_t victim, const char *directory)
{
    struct target_cluster *cluster = xcalloc(1, sizeof(*cluster));
    struct target_command arm = {.verb = TARGET_ARM, .number = VICTIMS[victim].nth};
    struct target_process *source = &cluster->targets[SOURCE];
    struct target_reply reply;
    uint64_t unknown_count = 0;
    uint64_t record_count;
    char *mountpath = xasprintf("%s/target-1-mp", directory);

    begin(cluster, directory);
    CHECK(target_process_ask(source, &(struct target_command){.verb = TARGET_COUNT}, &reply));
    record_count = reply.number;
    EXPECT(record_count > count_own(cluster, SOURCE));
    snprintf(arm.text, sizeof(arm.text), "%s", VICTIMS[victim].point);
    CHECK(target_process_ask(source, &arm, &reply));

    EXPECT(!target_cluster_ask(cluster, SOURCE, &(struct target_command){.verb = TARGET_CLEANUP},
                               &reply));
    expect_clients_view(cluster);
    CHECK(target_process_ask(source, &(struct target_command){.verb = TARGET_CLEANUP}, &reply));
    EXPECT_STATUS(ST_OK, reply.status);
    EXPECT_INT(0, reply.left_count);
    expect_clients_view(cluster);
    CHECK(target_process_ask(source, &(struct target_command){.verb = TARGET_COUNT}, &reply));
    EXPECT_INT(count_own(cluster, SOURCE), reply.number);
    CHECK(target_process_ask(source, &(struct target_command){.verb = TARGET_CHECK}, &reply));
    EXPECT_INT(0, reply.number);
    unknown_count = count_quarantined(mountpath);
    EXPECT(unknown_count > 0 && unknown_count < record_count - count_own(cluster, SOURCE));
    target_cluster_quit(cluster);
    free(mountpath);
    free(cluster);
}

/* SPEC: rule 11 of docs/cluster-protocol.md. */
TEST(kill_at_any_step_of_a_cleanup_loses_no_copy)
{
    kill_rounds_run(ARRAY_COUNT(VICTIMS), SHORT_STRIDE, round_of);
}
