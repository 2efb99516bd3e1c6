/* SPDX-License-Identifier: Apache-2.0 */
#include "control/control.h"

#include <pthread.h>
#include <stdio.h>

#include "base/memory.h"
#include "tests/unit/control/fake_meta_db.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

static struct control *
open_control(void)
{
    struct control *control = NULL;
    char *directory = xasprintf("%s/control", test_directory());

    EXPECT_OK(control_open_local(directory, &control, &err), &err);
    free(directory);
    return control;
}

static void
expect_value(struct control *control, const char *key, const char *expected, uint64_t revision)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;

    EXPECT_OK(control_get(control, bytes_of_string(key), &arena, &value, &err), &err);
    EXPECT_BYTES(bytes_of_string(key), value.key);
    EXPECT_BYTES(bytes_of_string(expected), value.value);
    EXPECT_INT(revision, value.revision);
    arena_release(&arena);
}

static uint64_t
put(struct control *control, const char *key, const char *value)
{
    uint64_t revision = 0;

    EXPECT_OK(control_put(control, bytes_of_string(key), bytes_of_string(value),
                          CONTROL_ANY_REVISION, &revision, &err),
              &err);
    return revision;
}

TEST(values_and_revision_survive_reopening)
{
    struct control *control = open_control();

    EXPECT_INT(1, put(control, "bucket/a", "one"));
    EXPECT_INT(2, put(control, "bucket/b", ""));
    EXPECT_INT(3, put(control, "user/u", "three"));
    EXPECT_OK(control_delete(control, BYTES_LITERAL("user/u"), 3, &err), &err);
    EXPECT_INT(4, control_revision(control));
    control_close(&control);
    EXPECT(control == NULL);

    control = open_control();
    EXPECT_INT(4, control_revision(control));
    expect_value(control, "bucket/a", "one", 1);
    expect_value(control, "bucket/b", "", 2);
    EXPECT_STATUS(ST_NOT_FOUND, control_get(control, BYTES_LITERAL("user/u"), NULL, NULL, &err));
    EXPECT_INT(5, put(control, "bucket/a", "five"));
    EXPECT_INT(0, fake_meta_unsynced_write_count());
    control_close(&control);
    control_close(&control);
}

/* Compare-and-swap: only who knows the present revision may change, delete or create. */
TEST(change_at_another_revision_conflicts)
{
    struct control *control = open_control();
    struct bytes key = BYTES_LITERAL("k");
    struct bytes value = BYTES_LITERAL("v");
    uint64_t revision = 99;

    EXPECT_STATUS(ST_CONFLICT, control_put(control, key, value, 1, &revision, &err));
    EXPECT_STATUS(ST_CONFLICT, control_delete(control, key, 1, &err));
    EXPECT_STATUS(ST_NOT_FOUND, control_delete(control, key, CONTROL_ANY_REVISION, &err));
    EXPECT_INT(99, revision);
    EXPECT_OK(control_put(control, key, value, CONTROL_MUST_NOT_EXIST, &revision, &err), &err);
    EXPECT_INT(1, revision);
    EXPECT_STATUS(ST_CONFLICT,
                  control_put(control, key, value, CONTROL_MUST_NOT_EXIST, &revision, &err));
    EXPECT_OK(control_put(control, key, BYTES_LITERAL("w"), 1, &revision, &err), &err);
    EXPECT_INT(2, revision);
    EXPECT_STATUS(ST_CONFLICT, control_put(control, key, value, 1, &revision, &err));
    EXPECT_STATUS(ST_CONFLICT, control_delete(control, key, 1, &err));
    expect_value(control, "k", "w", 2);
    EXPECT_OK(control_delete(control, key, 2, &err), &err);
    EXPECT_INT(3, control_revision(control));
    control_close(&control);
}

TEST(limits_are_refused_one_above)
{
    struct control *control = open_control();
    char *large = xcalloc(1, CONTROL_VALUE_BYTES_MAX + 1);
    struct bytes key = {large, CONTROL_KEY_BYTES_MAX};
    struct bytes value = {large, CONTROL_VALUE_BYTES_MAX};
    uint64_t revision;

    EXPECT_OK(control_put(control, key, value, CONTROL_ANY_REVISION, &revision, &err), &err);
    value.size++;
    EXPECT_STATUS(ST_TOO_LARGE,
                  control_put(control, key, value, CONTROL_ANY_REVISION, &revision, &err));
    key.size++;
    EXPECT_STATUS(ST_INVALID, control_get(control, key, NULL, NULL, &err));
    EXPECT_STATUS(ST_INVALID, control_put(control, BYTES_NONE, key, 0, &revision, &err));
    EXPECT_STATUS(ST_INVALID, control_delete(control, BYTES_NONE, 1, &err));
    free(large);
    control_close(&control);
}

static enum status
append_key(const struct control_value *value, void *arg, struct error *error)
{
    buffer_printf(arg, "%.*s=%.*s ", BYTES_ARGS(value->key), BYTES_ARGS(value->value));
    return ST_OK;
}

static enum status
stop_at_once(const struct control_value *value, void *arg, struct error *error)
{
    ++*(int *)arg;
    return fail(error, ST_CANCELLED, "seen enough");
}

TEST(list_gives_a_prefix_in_order_of_key)
{
    struct control *control = open_control();
    struct buffer found = BUFFER_INIT;
    int count = 0;

    put(control, "user/b", "2");
    put(control, "user/a", "1");
    put(control, "usera", "x");
    put(control, "bucket/z", "y");
    put(control, "user/c", "3");
    EXPECT_OK(control_list(control, BYTES_LITERAL("user/"), append_key, &found, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("user/a=1 user/b=2 user/c=3 "), buffer_bytes(&found));
    buffer_clear(&found);
    EXPECT_OK(control_list(control, BYTES_LITERAL("none"), append_key, &found, &err), &err);
    EXPECT_INT(0, found.size);
    EXPECT_OK(control_list(control, BYTES_NONE, append_key, &found, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("bucket/z=y user/a=1 user/b=2 user/c=3 usera=x "),
                 buffer_bytes(&found));
    EXPECT_STATUS(ST_CANCELLED, control_list(control, BYTES_NONE, stop_at_once, &count, &err));
    EXPECT_INT(1, count);
    buffer_release(&found);
    control_close(&control);
}

static void
append_change(const struct control_value *value, void *arg)
{
    if (value->value.data == NULL) {
        buffer_printf(arg, "%d:%.*s- ", (int)value->revision, BYTES_ARGS(value->key));
    } else {
        buffer_printf(arg, "%d:%.*s=%.*s ", (int)value->revision, BYTES_ARGS(value->key),
                      BYTES_ARGS(value->value));
    }
}

/* First what is there, then each change, all in order of revision, before the change returns. */
TEST(watch_sees_values_then_changes_in_order)
{
    struct control *control = open_control();
    struct buffer seen = BUFFER_INIT;

    put(control, "w/b", "1");
    put(control, "x", "other");
    put(control, "w/a", "3");
    EXPECT_OK(control_watch(control, BYTES_LITERAL("w/"), append_change, &seen, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("1:w/b=1 3:w/a=3 "), buffer_bytes(&seen));
    buffer_clear(&seen);
    put(control, "w/b", "");
    put(control, "x", "other again");
    EXPECT_OK(control_delete(control, BYTES_LITERAL("w/a"), 3, &err), &err);
    EXPECT_STATUS(ST_CONFLICT, control_delete(control, BYTES_LITERAL("w/a"), 3, &err));
    EXPECT_BYTES(BYTES_LITERAL("4:w/b= 6:w/a- "), buffer_bytes(&seen));
    buffer_release(&seen);
    control_close(&control);
}

/* A failed write is final: nobody sees it, reads go on, later changes are refused until reopening.
 */
TEST(failed_write_ends_changes_until_reopened)
{
    struct control *control = open_control();
    struct buffer seen = BUFFER_INIT;
    uint64_t revision = 7;

    put(control, "k", "old");
    EXPECT_OK(control_watch(control, BYTES_NONE, append_change, &seen, &err), &err);
    buffer_clear(&seen);
    fake_meta_fail_next_write();
    EXPECT_STATUS(
        ST_IO, control_put(control, BYTES_LITERAL("k"), BYTES_LITERAL("new"), 1, &revision, &err));
    EXPECT_INT(7, revision);
    expect_value(control, "k", "old", 1);
    EXPECT_STATUS(
        ST_IO, control_put(control, BYTES_LITERAL("k"), BYTES_LITERAL("new"), 1, &revision, &err));
    EXPECT_STATUS(ST_IO, control_delete(control, BYTES_LITERAL("k"), 1, &err));
    EXPECT_INT(0, seen.size);
    buffer_release(&seen);
    control_close(&control);

    control = open_control();
    EXPECT_INT(2, put(control, "k", "new"));
    control_close(&control);
}

/* A scan that ended early, a foreign form, a short revision: refused, never half loaded. */
TEST(damaged_database_is_refused)
{
    char *directory = xasprintf("%s/control", test_directory());
    struct control *control = open_control();

    put(control, "k", "v");
    control_close(&control);
    fake_meta_fail_next_scan();
    EXPECT_STATUS(ST_CORRUPT, control_open_local(directory, &control, &err));
    EXPECT(control == NULL);
    fake_meta_put(directory, BYTES_LITERAL("control/x"), BYTES_LITERAL("\002"));
    EXPECT_STATUS(ST_CORRUPT, control_open_local(directory, &control, &err));
    fake_meta_put(directory, BYTES_LITERAL("control/x"), BYTES_LITERAL("\001\0\0\0\0\0\0\0\005v"));
    fake_meta_put(directory, BYTES_LITERAL("control-revision"), BYTES_LITERAL("1"));
    EXPECT_STATUS(ST_CORRUPT, control_open_local(directory, &control, &err));
    fake_meta_put(directory, BYTES_LITERAL("control-revision"),
                  BYTES_LITERAL("\0\0\0\0\0\0\0\003"));
    fake_meta_put(directory, BYTES_LITERAL("foreign"), BYTES_LITERAL("of someone else"));
    control = open_control();
    expect_value(control, "x", "v", 5);
    EXPECT_INT(5, control_revision(control));
    control_close(&control);
    free(directory);
}

TEST(directory_that_cannot_be_made_is_refused)
{
    struct control *control = NULL;

    EXPECT_STATUS(ST_IO, control_open_local("/proc/none/control", &control, &err));
    EXPECT(control == NULL);
}

struct incrementer {
    struct control *control;
    int conflict_count;
};

/* Adds 1 to the number in "n" a hundred times, by compare-and-swap. */
static void *
increment(void *arg)
{
    struct incrementer *incrementer = arg;

    for (int done = 0; done < 100;) {
        struct arena arena = ARENA_INIT;
        struct control_value value = {0};
        uint64_t number = 0;
        uint64_t revision;
        enum status st;
        char text[24];

        if (control_get(incrementer->control, BYTES_LITERAL("n"), &arena, &value, NULL) == ST_OK) {
            EXPECT_STATUS(ST_OK, bytes_parse_u64(value.value, UINT64_MAX, &number));
        }
        snprintf(text, sizeof(text), "%d", (int)number + 1);
        st = control_put(incrementer->control, BYTES_LITERAL("n"), bytes_of_string(text),
                         value.revision, &revision, NULL);
        if (st == ST_OK) {
            done++;
        } else {
            EXPECT_STATUS(ST_CONFLICT, st);
            incrementer->conflict_count++;
        }
        arena_release(&arena);
    }
    return NULL;
}

static void
check_grows(const struct control_value *value, void *arg)
{
    EXPECT(value->revision == ++*(uint64_t *)arg);
}

/* No increment is lost, and a watcher sees every revision once. */
TEST(concurrent_compare_and_swap_loses_nothing)
{
    struct control *control = open_control();
    struct incrementer incrementers[4];
    pthread_t threads[4];
    uint64_t seen_revision = 0;

    EXPECT_OK(control_watch(control, BYTES_NONE, check_grows, &seen_revision, &err), &err);
    for (int i = 0; i < 4; i++) {
        incrementers[i] = (struct incrementer){control, 0};
        EXPECT_INT(0, pthread_create(&threads[i], NULL, increment, &incrementers[i]));
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
    }
    expect_value(control, "n", "400", 400);
    EXPECT_INT(400, seen_revision);
    control_close(&control);
}
