/* SPDX-License-Identifier: Apache-2.0 */
/* The local driver over the real database: what control_local_test.c shows with a fake. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "control/control.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

static struct control *
open_control(const char *directory)
{
    struct control *control = NULL;

    EXPECT_OK(control_open_local(directory, &control, &err), &err);
    return control;
}

static enum status
count_value(const struct control_value *value, void *arg, struct error *error)
{
    ++*(size_t *)arg;
    return ST_OK;
}

TEST(values_survive_on_disk)
{
    char *directory = xasprintf("%s/control", test_directory());
    struct control *control = open_control(directory);
    struct arena arena = ARENA_INIT;
    struct control_value value;
    struct stat st;
    uint64_t revision = 0;
    size_t count = 0;

    for (int i = 0; i < 50; i++) {
        char key[32];

        snprintf(key, sizeof(key), "user/%d", i);
        EXPECT_OK(control_put(control, bytes_of_string(key), BYTES_LITERAL("{}"),
                              CONTROL_MUST_NOT_EXIST, &revision, &err),
                  &err);
    }
    EXPECT_OK(control_delete(control, BYTES_LITERAL("user/7"), 8, &err), &err);
    control_close(&control);
    EXPECT_INT(0, stat(directory, &st));
    EXPECT_INT(0700, st.st_mode & 0777);

    control = open_control(directory);
    EXPECT_INT(51, control_revision(control));
    EXPECT_OK(control_list(control, BYTES_LITERAL("user/"), count_value, &count, &err), &err);
    EXPECT_INT(49, count);
    EXPECT_OK(control_get(control, BYTES_LITERAL("user/49"), &arena, &value, &err), &err);
    EXPECT_INT(50, value.revision);
    EXPECT_STATUS(ST_NOT_FOUND,
                  control_get(control, BYTES_LITERAL("user/7"), &arena, &value, &err));
    control_close(&control);
    arena_release(&arena);
    free(directory);
}

/* A process that dies right after put answered has lost nothing. */
TEST(answered_put_survives_the_process)
{
    char *directory = xasprintf("%s/control", test_directory());
    struct control *control;
    struct arena arena = ARENA_INIT;
    struct control_value value;
    int status;
    pid_t child = fork();

    if (child == 0) {
        uint64_t revision;
        bool is_good = control_open_local(directory, &control, NULL) == ST_OK &&
                       control_put(control, BYTES_LITERAL("k"), BYTES_LITERAL("v"),
                                   CONTROL_ANY_REVISION, &revision, NULL) == ST_OK;

        _exit(is_good ? 0 : 1);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT_INT(0, status);
    control = open_control(directory);
    EXPECT_OK(control_get(control, BYTES_LITERAL("k"), &arena, &value, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("v"), value.value);
    control_close(&control);
    arena_release(&arena);
    free(directory);
}

/* Two processes on one directory would each believe to be alone. */
TEST(second_opener_is_refused)
{
    char *directory = xasprintf("%s/control", test_directory());
    struct control *first = open_control(directory);
    struct control *second = NULL;

    EXPECT(control_open_local(directory, &second, &err) != ST_OK);
    EXPECT(second == NULL);
    control_close(&first);
    free(directory);
}
