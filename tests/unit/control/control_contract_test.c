/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control/control.h, control_session.h and control_leader.h promise, shown for each driver:
 * every test of the table runs over a RocksDB and over a real etcd.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "control/control_leader.h"
#include "tests/unit/control/control_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct error err;

static enum status
append_key(const struct control_value *value, void *arg, struct error *error)
{
    buffer_printf(arg, "%.*s=%.*s ", BYTES_ARGS(value->key), BYTES_ARGS(value->value));
    return ST_OK;
}

static void
expect_list(struct control *control, const char *prefix, const char *expected)
{
    struct buffer found = BUFFER_INIT;

    EXPECT_OK(control_list(control, bytes_of_string(prefix), append_key, &found, &err), &err);
    EXPECT_BYTES(bytes_of_string(expected), buffer_bytes(&found));
    buffer_release(&found);
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

BOTH_DRIVERS(what_was_put_is_read_and_listed)
{
    struct arena arena = ARENA_INIT;
    struct control_value value;
    uint64_t first = put(control, "bucket/a", "one");
    uint64_t second = put(control, "bucket/b", "");

    EXPECT(first > 0 && second > first);
    EXPECT_INT(second, control_revision(control));
    EXPECT_OK(control_get(control, BYTES_LITERAL("bucket/a"), &arena, &value, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("one"), value.value);
    EXPECT_INT(first, value.revision);
    EXPECT_INT(0, value.lease);
    put(control, "bucketx", "3");
    expect_list(control, "bucket/", "bucket/a=one bucket/b= ");
    expect_list(control, "none", "");
    EXPECT_STATUS(ST_NOT_FOUND,
                  control_get(control, BYTES_LITERAL("bucket/c"), &arena, &value, &err));
    arena_release(&arena);
}

BOTH_DRIVERS(change_at_another_revision_conflicts)
{
    struct bytes key = BYTES_LITERAL("k");
    struct bytes value = BYTES_LITERAL("v");
    uint64_t first = 0;
    uint64_t second = 0;

    EXPECT_STATUS(ST_CONFLICT, control_put(control, key, value, 1, NULL, &err));
    EXPECT_STATUS(ST_CONFLICT, control_delete(control, key, 1, &err));
    EXPECT_STATUS(ST_NOT_FOUND, control_delete(control, key, CONTROL_ANY_REVISION, &err));
    EXPECT_OK(control_put(control, key, value, CONTROL_MUST_NOT_EXIST, &first, &err), &err);
    EXPECT_STATUS(ST_CONFLICT,
                  control_put(control, key, value, CONTROL_MUST_NOT_EXIST, NULL, &err));
    EXPECT_OK(control_put(control, key, BYTES_LITERAL("w"), first, &second, &err), &err);
    EXPECT(second > first);
    EXPECT_STATUS(ST_CONFLICT, control_put(control, key, value, first, NULL, &err));
    EXPECT_STATUS(ST_CONFLICT, control_delete(control, key, first, &err));
    expect_list(control, "", "k=w ");
    EXPECT_OK(control_delete(control, key, second, &err), &err);
    expect_list(control, "", "");
    EXPECT(control_revision(control) > second);
}

BOTH_DRIVERS(limits_are_refused_one_above)
{
    char *large = xcalloc(1, CONTROL_VALUE_BYTES_MAX + 1);
    struct bytes key = {large, CONTROL_KEY_BYTES_MAX};
    struct bytes value = {large, CONTROL_VALUE_BYTES_MAX};
    struct control_change changes[2] = {
        {CONTROL_PUT, BYTES_LITERAL("a"), {large, CONTROL_VALUE_BYTES_MAX}, 0, 0},
        {CONTROL_PUT, BYTES_LITERAL("b"), {large, CONTROL_COMMIT_BYTES_MAX}, 0, 0}};

    memset(large, 'x', CONTROL_VALUE_BYTES_MAX + 1);
    EXPECT_OK(control_put(control, key, value, CONTROL_ANY_REVISION, NULL, &err), &err);
    value.size++;
    EXPECT_STATUS(ST_TOO_LARGE, control_put(control, key, value, CONTROL_ANY_REVISION, NULL, &err));
    key.size++;
    EXPECT_STATUS(ST_INVALID, control_get(control, key, NULL, NULL, &err));
    EXPECT_STATUS(ST_INVALID, control_put(control, BYTES_NONE, key, 0, NULL, &err));
    EXPECT_STATUS(ST_INVALID, control_refresh(control, BYTES_NONE, &err));
    changes[1].value.size = CONTROL_COMMIT_BYTES_MAX - CONTROL_VALUE_BYTES_MAX - 1;
    EXPECT_STATUS(ST_TOO_LARGE, control_commit(control, changes, 2, NULL, NULL, &err));
    changes[1].value.size--;
    EXPECT_OK(control_commit(control, changes, 2, NULL, NULL, &err), &err);
    free(large);
}

/* All or nothing, at one revision: what activates a map version. */
BOTH_DRIVERS(commit_changes_all_or_nothing)
{
    uint64_t a = put(control, "a", "1");
    uint64_t b = put(control, "b", "1");
    uint64_t revision = 0;
    struct control_change changes[4] = {
        {CONTROL_PUT, BYTES_LITERAL("a"), BYTES_LITERAL("2"), a, 0},
        {CONTROL_COMPARE, BYTES_LITERAL("b"), BYTES_NONE, b + 1, 0},
        {CONTROL_PUT, BYTES_LITERAL("c"), BYTES_LITERAL("2"), CONTROL_MUST_NOT_EXIST, 0},
        {CONTROL_DELETE, BYTES_LITERAL("d"), BYTES_NONE, CONTROL_ANY_REVISION, 0}};
    struct arena arena = ARENA_INIT;
    struct control_value value;

    EXPECT_STATUS(ST_CONFLICT, control_commit(control, changes, 3, NULL, &revision, &err));
    changes[1].expected_revision = b;
    EXPECT_STATUS(ST_NOT_FOUND, control_commit(control, changes, 4, NULL, &revision, &err));
    EXPECT_INT(0, revision);
    expect_list(control, "", "a=1 b=1 ");
    EXPECT_OK(control_commit(control, changes, 3, NULL, &revision, &err), &err);
    expect_list(control, "", "a=2 b=1 c=2 ");
    EXPECT_INT(revision, control_revision(control));
    EXPECT_OK(control_get(control, BYTES_LITERAL("a"), &arena, &value, &err), &err);
    EXPECT_INT(revision, value.revision);
    EXPECT_OK(control_get(control, BYTES_LITERAL("b"), &arena, &value, &err), &err);
    EXPECT_INT(b, value.revision);
    arena_release(&arena);
}

struct seen {
    struct buffer text;
    uint64_t last_revision;
    bool is_in_order;
};

static void
append_change(const struct control_value *value, void *arg)
{
    struct seen *seen = arg;

    seen->is_in_order = seen->is_in_order && value->revision >= seen->last_revision;
    seen->last_revision = value->revision;
    buffer_printf(&seen->text, "%.*s%c%.*s ", BYTES_ARGS(value->key),
                  value->value.data == NULL ? '-' : '=', BYTES_ARGS(value->value));
}

BOTH_DRIVERS(watch_sees_values_then_changes_in_order)
{
    struct seen seen = {.is_in_order = true};

    put(control, "w/b", "1");
    put(control, "x", "other");
    put(control, "w/a", "3");
    EXPECT_OK(control_watch(control, BYTES_LITERAL("w/"), append_change, &seen, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("w/b=1 w/a=3 "), buffer_bytes(&seen.text));
    buffer_clear(&seen.text);
    put(control, "w/b", "");
    EXPECT_INT(control_revision(control), seen.last_revision);
    put(control, "x", "other again");
    EXPECT_OK(control_delete(control, BYTES_LITERAL("w/a"), CONTROL_ANY_REVISION, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("w/b= w/a- "), buffer_bytes(&seen.text));
    EXPECT(seen.is_in_order);
    control_unwatch(control, append_change, &seen);
    put(control, "w/c", "unseen");
    EXPECT_BYTES(BYTES_LITERAL("w/b= w/a- "), buffer_bytes(&seen.text));
    buffer_release(&seen.text);
}

struct incrementer {
    struct control *control;
    bool has_failed;
};

#define INCREMENT_COUNT 25

static void *
increment(void *arg)
{
    struct incrementer *incrementer = arg;

    for (int done = 0; done < INCREMENT_COUNT && !incrementer->has_failed;) {
        struct arena arena = ARENA_INIT;
        struct control_value value = {0};
        uint64_t number = 0;
        char text[24];
        enum status st =
            control_get(incrementer->control, BYTES_LITERAL("n"), &arena, &value, NULL);

        if (st == ST_OK) {
            incrementer->has_failed |= bytes_parse_u64(value.value, UINT64_MAX, &number) != ST_OK;
        }
        snprintf(text, sizeof(text), "%d", (int)number + 1);
        st = control_put(incrementer->control, BYTES_LITERAL("n"), bytes_of_string(text),
                         value.revision, NULL, NULL);
        done += st == ST_OK ? 1 : 0;
        incrementer->has_failed |= st != ST_OK && st != ST_CONFLICT;
        arena_release(&arena);
    }
    return NULL;
}

BOTH_DRIVERS(concurrent_compare_and_swap_loses_nothing)
{
    struct incrementer incrementers[4];
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        incrementers[i] = (struct incrementer){control, false};
        EXPECT_INT(0, pthread_create(&threads[i], NULL, increment, &incrementers[i]));
    }
    for (int i = 0; i < 4; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
        EXPECT(!incrementers[i].has_failed);
    }
    expect_list(control, "", "n=100 ");
}

static const struct control_session_options SESSION = {.ttl_ms = CONTROL_SESSION_TTL_MIN_MS};

/* A session's values are there as long as it is, and say so. */
BOTH_DRIVERS(values_of_a_session_end_with_it)
{
    struct control_session *session = NULL;
    struct arena arena = ARENA_INIT;
    struct control_value value;

    EXPECT_OK(control_session_open(control, &SESSION, &session, &err), &err);
    EXPECT(control_session_is_confirmed_within(session, INT64_MAX));
    EXPECT(!control_session_is_confirmed_within(session, 0));
    EXPECT_OK(control_session_put(session, BYTES_LITERAL("node/1"), BYTES_LITERAL("up"),
                                  CONTROL_MUST_NOT_EXIST, NULL, &err),
              &err);
    EXPECT_OK(control_session_put(session, BYTES_LITERAL("node/2"), BYTES_LITERAL("up"),
                                  CONTROL_ANY_REVISION, NULL, &err),
              &err);
    EXPECT_STATUS(ST_CONFLICT,
                  control_session_put(session, BYTES_LITERAL("node/2"), BYTES_LITERAL("up"),
                                      CONTROL_MUST_NOT_EXIST, NULL, &err));
    put(control, "stays", "");
    EXPECT_OK(control_get(control, BYTES_LITERAL("node/1"), &arena, &value, &err), &err);
    EXPECT_INT(control_session_lease(session), value.lease);
    EXPECT_OK(control_session_delete(session, BYTES_LITERAL("node/2"), &err), &err);
    EXPECT_STATUS(ST_NOT_FOUND, control_session_delete(session, BYTES_LITERAL("node/2"), &err));
    expect_list(control, "", "node/1=up stays= ");
    control_session_close(&session);
    fixture_wait_list(control, "", "stays= ");
    arena_release(&arena);
}

BOTH_DRIVERS(leader_changes_and_the_old_guard_is_refused)
{
    struct control_session *first = NULL;
    struct control_session *second = NULL;
    struct control_leader *old = NULL;
    struct control_leader *next = NULL;
    struct control_leader_options options = {.key = "leader", .value = BYTES_LITERAL("one")};
    struct control_guard old_guard;
    struct control_guard guard;

    EXPECT_OK(control_session_open(control, &SESSION, &first, &err), &err);
    EXPECT_OK(control_session_open(control, &SESSION, &second, &err), &err);
    EXPECT_OK(control_leader_campaign(first, &options, &old, &err), &err);
    fixture_wait_leader(old, &old_guard);
    options.value = BYTES_LITERAL("two");
    EXPECT_OK(control_leader_campaign(second, &options, &next, &err), &err);
    EXPECT(!control_leader_is_leader(next, NULL));
    expect_list(control, "", "leader=one ");
    EXPECT_OK(control_put_as_leader(control, &old_guard, BYTES_LITERAL("map"), BYTES_LITERAL("1"),
                                    CONTROL_MUST_NOT_EXIST, NULL, &err),
              &err);

    control_leader_resign(&old);
    fixture_wait_leader(next, &guard);
    EXPECT(guard.create_revision > old_guard.create_revision);
    EXPECT_STATUS(ST_MOVED,
                  control_put_as_leader(control, &old_guard, BYTES_LITERAL("map"),
                                        BYTES_LITERAL("2"), CONTROL_ANY_REVISION, NULL, &err));
    EXPECT_OK(control_put_as_leader(control, &guard, BYTES_LITERAL("map"), BYTES_LITERAL("3"),
                                    CONTROL_ANY_REVISION, NULL, &err),
              &err);
    expect_list(control, "", "leader=two map=3 ");
    control_leader_resign(&next);
    fixture_wait_list(control, "", "map=3 ");
    control_session_close(&first);
    control_session_close(&second);
}

struct terms {
    _Atomic int won_count;
    _Atomic int lost_count;
};

static void
count_terms(bool is_leader, void *arg)
{
    struct terms *terms = arg;

    atomic_fetch_add(is_leader ? &terms->won_count : &terms->lost_count, 1);
}

/* Somebody deletes the leader's key: its term is over, also if it leads again at once. */
BOTH_DRIVERS(each_term_of_a_leader_is_told)
{
    struct control_session *session = NULL;
    struct control_leader *leader = NULL;
    struct terms terms = {0};
    struct control_leader_options options = {
        .key = "leader", .value = BYTES_LITERAL("one"), .changed = count_terms, .arg = &terms};
    struct control_guard first;
    struct control_guard second;

    EXPECT_OK(control_session_open(control, &SESSION, &session, &err), &err);
    EXPECT_OK(control_leader_campaign(session, &options, &leader, &err), &err);
    fixture_wait_leader(leader, &first);
    EXPECT_OK(control_delete(control, BYTES_LITERAL("leader"), CONTROL_ANY_REVISION, &err), &err);
    fixture_wait_leader(leader, &second);
    EXPECT(second.create_revision > first.create_revision);
    EXPECT_STATUS(ST_MOVED,
                  control_put_as_leader(control, &first, BYTES_LITERAL("map"), BYTES_LITERAL("1"),
                                        CONTROL_ANY_REVISION, NULL, &err));
    control_leader_resign(&leader);
    EXPECT_INT(terms.won_count, terms.lost_count);
    EXPECT(terms.won_count >= 1 && terms.won_count <= 2);
    control_session_close(&session);
}

BOTH_DRIVERS(refresh_of_what_is_there_or_not_succeeds)
{
    put(control, "here", "1");
    EXPECT_OK(control_refresh(control, BYTES_LITERAL("here"), &err), &err);
    EXPECT_OK(control_refresh(control, BYTES_LITERAL("nowhere"), &err), &err);
}
