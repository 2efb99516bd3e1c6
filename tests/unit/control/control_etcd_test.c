/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The etcd driver where the contract test is too kind: two nodes at once, a network that fails,
 * histories that were compacted.  What fails between this node and etcd is a proxy of our own.
 */
#include "control/control_etcd.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/etcd/tcp_proxy.h"
#include "tests/unit/control/control_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define SHORT_TIMEOUT_MS 600

static struct error err;

static uint64_t
put(struct control *control, const char *key, const char *value)
{
    uint64_t revision = 0;

    EXPECT_OK(control_put(control, bytes_of_string(key), bytes_of_string(value),
                          CONTROL_ANY_REVISION, &revision, &err),
              &err);
    return revision;
}

static void delete (struct control *control, const char *key)
{
    EXPECT_OK(control_delete(control, bytes_of_string(key), CONTROL_ANY_REVISION, &err), &err);
}

/* Two nodes of one cluster; the first speaks to etcd through the proxy. */
struct pair {
    struct tcp_proxy *proxy;
    char *endpoint;
    char *cluster;
    struct control *near; /* behind the proxy */
    struct control *far;
};

static struct pair
pair_open(int64_t change_timeout_ms)
{
    const char *etcd = etcd_fixture_endpoints(fixture_etcd());
    uint64_t port = 0;
    struct pair pair;

    EXPECT_STATUS(ST_OK, bytes_parse_u64(bytes_of_string(strrchr(etcd, ':') + 1), 65535, &port));
    pair.proxy = tcp_proxy_start((uint16_t)port);
    pair.endpoint = xasprintf("http://127.0.0.1:%u", tcp_proxy_port(pair.proxy));
    pair.cluster = xstrdup(fixture_cluster());
    pair.near = fixture_open_endpoints(pair.endpoint, pair.cluster, change_timeout_ms);
    pair.far = fixture_open_endpoints(etcd, pair.cluster, 0);
    return pair;
}

static void
pair_close(struct pair *pair)
{
    control_close(&pair->near);
    control_close(&pair->far);
    tcp_proxy_stop(&pair->proxy);
    free(pair->endpoint);
    free(pair->cluster);
}

struct seen {
    pthread_mutex_t lock;
    struct buffer text;     /* guarded by lock */
    uint64_t last_revision; /* guarded by lock */
    bool is_in_order;       /* guarded by lock */
};

static void
append_change(const struct control_value *value, void *arg)
{
    struct seen *seen = arg;

    pthread_mutex_lock(&seen->lock);
    seen->is_in_order = seen->is_in_order && value->revision >= seen->last_revision;
    seen->last_revision = value->revision;
    buffer_printf(&seen->text, "%.*s%c%.*s ", BYTES_ARGS(value->key),
                  value->value.data == NULL ? '-' : '=', BYTES_ARGS(value->value));
    pthread_mutex_unlock(&seen->lock);
}

/* One node's changes reach the other's watchers, in order of revision, and only its own conflict.
 */
TEST(nodes_see_each_others_changes_in_order)
{
    struct pair pair = pair_open(0);
    struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_in_order = true};
    uint64_t revision;

    EXPECT_OK(control_watch(pair.near, BYTES_NONE, append_change, &seen, &err), &err);
    put(pair.far, "b", "1");
    revision = put(pair.far, "a", "2");
    put(pair.far, "b", "3");
    delete (pair.far, "a");
    fixture_wait_list(pair.near, "", "b=3 ");
    EXPECT_STATUS(ST_CONFLICT, control_put(pair.near, BYTES_LITERAL("b"), BYTES_LITERAL("4"),
                                           revision, NULL, &err));
    put(pair.near, "c", "5");
    EXPECT_BYTES(BYTES_LITERAL("b=1 a=2 b=3 a- c=5 "), buffer_bytes(&seen.text));
    EXPECT(seen.is_in_order);
    fixture_wait_list(pair.far, "", "b=3 c=5 ");
    pair_close(&pair);
    buffer_release(&seen.text);
}

/* The watch goes on where it broke off. */
TEST(changes_during_a_lost_connection_arrive_afterwards)
{
    struct pair pair = pair_open(0);
    struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_in_order = true};

    put(pair.near, "a", "1");
    EXPECT_OK(control_watch(pair.near, BYTES_NONE, append_change, &seen, &err), &err);
    tcp_proxy_cut(pair.proxy);
    put(pair.far, "a", "2");
    delete (pair.far, "a");
    put(pair.far, "b", "3");
    tcp_proxy_mend(pair.proxy);
    fixture_wait_list(pair.near, "", "b=3 ");
    control_unwatch(pair.near, append_change, &seen);
    EXPECT_BYTES(BYTES_LITERAL("a=1 a=2 a- b=3 "), buffer_bytes(&seen.text));
    pair_close(&pair);
    buffer_release(&seen.text);
}

/* History is gone: what is different now is told, what came and went in between is not. */
TEST(compacted_history_is_met_by_the_difference)
{
    struct pair pair = pair_open(0);
    struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_in_order = true};

    put(pair.near, "gone", "1");
    put(pair.near, "kept", "1");
    put(pair.near, "changed", "1");
    EXPECT_OK(control_watch(pair.near, BYTES_NONE, append_change, &seen, &err), &err);
    buffer_clear(&seen.text);
    tcp_proxy_cut(pair.proxy);
    put(pair.far, "changed", "2");
    put(pair.far, "passing", "2");
    delete (pair.far, "passing");
    delete (pair.far, "gone");
    put(pair.far, "new", "2");
    put(pair.far, "changed", "3");
    EXPECT(etcd_fixture_compact(fixture_etcd()));
    tcp_proxy_mend(pair.proxy);
    fixture_wait_list(pair.near, "", "changed=3 kept=1 new=2 ");
    put(pair.near, "after", "4");
    EXPECT_BYTES(BYTES_LITERAL("new=2 changed=3 gone- after=4 "), buffer_bytes(&seen.text));
    EXPECT(seen.is_in_order);
    pair_close(&pair);
    buffer_release(&seen.text);
}

/* Whether a change happened although its answer was lost: found out, not guessed.  A compare-and-
 * swap whose first copy arrived does not conflict with itself. */
TEST(lost_answers_make_no_change_twice_and_lose_none)
{
    struct pair pair = pair_open(0);
    uint64_t revision = CONTROL_MUST_NOT_EXIST;

    for (int i = 1; i <= 12; i++) {
        char text[16];
        uint64_t next = 0;

        snprintf(text, sizeof(text), "%d", i);
        if (i % 3 == 0) {
            tcp_proxy_lose_answers(pair.proxy, "POST /v3/kv/txn", i % 2 == 0 ? 2 : 1);
        }
        EXPECT_OK(control_put(pair.near, BYTES_LITERAL("n"), bytes_of_string(text), revision, &next,
                              &err),
                  &err);
        EXPECT(next > revision);
        revision = next;
    }
    EXPECT(tcp_proxy_lost_count(pair.proxy) >= 4);
    fixture_wait_list(pair.far, "", "n=12 ");
    /* And a real conflict is one, with or without an answer. */
    put(pair.far, "n", "other");
    tcp_proxy_lose_answers(pair.proxy, "POST /v3/kv/txn", 1);
    EXPECT_STATUS(ST_CONFLICT, control_put(pair.near, BYTES_LITERAL("n"), BYTES_LITERAL("13"),
                                           revision, NULL, &err));
    pair_close(&pair);
}

/* etcd is away: what is known is read, changes say so in time, and all comes back by itself. */
TEST(without_etcd_reads_go_on_and_changes_are_refused)
{
    struct pair pair = pair_open(SHORT_TIMEOUT_MS);
    struct arena arena = ARENA_INIT;
    struct control_value value;
    int64_t began_ns;

    put(pair.near, "k", "1");
    tcp_proxy_cut(pair.proxy);
    began_ns = clock_monotonic_ns();
    EXPECT_STATUS(ST_UNAVAILABLE, control_put(pair.near, BYTES_LITERAL("k"), BYTES_LITERAL("2"),
                                              CONTROL_ANY_REVISION, NULL, &err));
    EXPECT(clock_monotonic_ns() - began_ns < 10 * CLOCK_NS_PER_S);
    EXPECT_STATUS(ST_UNAVAILABLE, control_refresh(pair.near, BYTES_LITERAL("k"), &err));
    EXPECT_OK(control_get(pair.near, BYTES_LITERAL("k"), &arena, &value, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("1"), value.value);
    put(pair.far, "k", "3");
    tcp_proxy_mend(pair.proxy);
    fixture_wait_list(pair.near, "", "k=3 ");
    put(pair.near, "k", "4");
    arena_release(&arena);
    pair_close(&pair);
}

static void *
hurry_later(void *arg)
{
    clock_pause_ns(200 * CLOCK_NS_PER_MS); /* the change is under way, or begins in a hurry */
    control_hurry(arg);
    return NULL;
}

/* A process that ends is not held up by an etcd that is away (cut) or silent (stopped),
 * whatever its calls wait for; with one that is well it goes on. */
TEST(hurry_ends_what_waits_for_etcd)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = pair_open(0);
        int64_t began_ns;
        pthread_t thread;

        put(pair.near, "k", "1");
        if (i == 0) {
            tcp_proxy_cut(pair.proxy);
        } else if (i == 1) {
            etcd_fixture_signal(fixture_etcd(), 0, SIGSTOP);
        }
        began_ns = clock_monotonic_ns();
        CHECK(pthread_create(&thread, NULL, hurry_later, pair.near) == 0);
        if (i < 2) {
            EXPECT_STATUS(ST_UNAVAILABLE,
                          control_put(pair.near, BYTES_LITERAL("k"), BYTES_LITERAL("2"),
                                      CONTROL_ANY_REVISION, NULL, &err));
            EXPECT_STATUS(ST_UNAVAILABLE, control_refresh(pair.near, BYTES_LITERAL("k"), &err));
        }
        CHECK(pthread_join(thread, NULL) == 0);
        if (i == 2) {
            put(pair.near, "k", "3");
        }
        EXPECT(clock_monotonic_ns() - began_ns < 5 * CLOCK_NS_PER_S);
        if (i == 1) {
            etcd_fixture_signal(fixture_etcd(), 0, SIGCONT);
        }
        tcp_proxy_mend(pair.proxy);
        pair_close(&pair);
    }
}

/* A node that counts to ADD_COUNT by compare-and-swap over its own bad network. */
struct counter {
    struct control *control;
    struct tcp_proxy *proxy;
    uint64_t seed;
    int done_count;
    int unknown_count;
    bool has_failed;
    struct error error;
};

#define ADD_COUNT 40

static void
disturb(struct counter *counter, struct prng *prng)
{
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
        tcp_proxy_lose_answers(counter->proxy, "POST /v3/kv/txn", 1 + (int)prng_below(prng, 3));
        break;
    case 2:
        tcp_proxy_cut(counter->proxy);
        tcp_proxy_mend(counter->proxy);
        break;
    default:
        break;
    }
}

static void *
count_up(void *arg)
{
    struct counter *counter = arg;
    struct prng prng = prng_init(counter->seed);

    while (counter->done_count + counter->unknown_count < ADD_COUNT && !counter->has_failed) {
        struct arena arena = ARENA_INIT;
        struct control_value value = {0};
        struct error error = ERROR_INIT;
        uint64_t number = 0;
        char text[24];
        enum status st = control_get(counter->control, BYTES_LITERAL("n"), &arena, &value, &error);

        counter->has_failed =
            st == ST_OK && bytes_parse_u64(value.value, UINT64_MAX, &number) != ST_OK;
        snprintf(text, sizeof(text), "%d", (int)number + 1);
        disturb(counter, &prng);
        st = control_put(counter->control, BYTES_LITERAL("n"), bytes_of_string(text),
                         value.revision, NULL, &error);
        counter->done_count += st == ST_OK ? 1 : 0;
        if (st == ST_UNAVAILABLE && strstr(error.text, "outcome unknown") != NULL) {
            counter->unknown_count++;
        } else if (st != ST_OK && st != ST_CONFLICT) {
            counter->has_failed = true;
            counter->error = error;
        }
        arena_release(&arena);
    }
    return NULL;
}

/* Two nodes count together while answers get lost and connections break: what was answered has
 * happened exactly once, and what is unknown at most once. */
TEST(two_nodes_count_exactly_over_networks_that_fail)
{
    struct pair pairs[2] = {pair_open(0), pair_open(0)};
    struct prng prng = test_prng();
    struct counter counters[2];
    struct arena arena = ARENA_INIT;
    struct control_value value;
    pthread_t threads[2];
    uint64_t number = 0;
    int done_count = 0;
    int unknown_count = 0;

    for (int i = 0; i < 2; i++) {
        counters[i] = (struct counter){
            .control = fixture_open_endpoints(pairs[i].endpoint, pairs[0].cluster, 0),
            .proxy = pairs[i].proxy,
            .seed = prng_u64(&prng)};
        EXPECT_INT(0, pthread_create(&threads[i], NULL, count_up, &counters[i]));
    }
    for (int i = 0; i < 2; i++) {
        EXPECT_INT(0, pthread_join(threads[i], NULL));
        if (counters[i].has_failed) {
            test_failed(__FILE__, __LINE__, "%s", counters[i].error.text);
        }
        EXPECT(tcp_proxy_lost_count(pairs[i].proxy) > 0);
        done_count += counters[i].done_count;
        unknown_count += counters[i].unknown_count;
        control_close(&counters[i].control);
    }
    EXPECT_OK(control_refresh(pairs[0].far, BYTES_LITERAL("n"), &err), &err);
    EXPECT_OK(control_get(pairs[0].far, BYTES_LITERAL("n"), &arena, &value, &err), &err);
    EXPECT_STATUS(ST_OK, bytes_parse_u64(value.value, UINT64_MAX, &number));
    EXPECT((int)number >= done_count && (int)number <= done_count + unknown_count);
    EXPECT(unknown_count <= ADD_COUNT / 2);
    arena_release(&arena);
    pair_close(&pairs[0]);
    pair_close(&pairs[1]);
}

/* All answers of one change are lost: the sentence says that nobody knows, and the next change
 * finds its way. */
TEST(unknown_outcome_is_said_to_be_unknown)
{
    struct pair pair = pair_open(SHORT_TIMEOUT_MS);

    put(pair.near, "k", "1");
    tcp_proxy_lose_answers(pair.proxy, "POST /v3/kv/txn", INT32_MAX);
    EXPECT_STATUS(ST_UNAVAILABLE, control_put(pair.near, BYTES_LITERAL("k"), BYTES_LITERAL("2"),
                                              CONTROL_ANY_REVISION, NULL, &err));
    EXPECT(strstr(err.text, "outcome unknown") != NULL);
    tcp_proxy_lose_answers(pair.proxy, "", 0);
    put(pair.near, "k", "3");
    fixture_wait_list(pair.far, "", "k=3 ");
    pair_close(&pair);
}

/* A candidate whose key was made leads, though nobody told it so: else nobody would lead for as
 * long as it lives. */
TEST(leader_whose_election_went_unanswered_leads)
{
    struct pair pair = pair_open(SHORT_TIMEOUT_MS);
    struct control_session_options options = {.ttl_ms = 10000};
    struct control_leader_options candidate = {.key = "leader", .value = BYTES_LITERAL("me")};
    struct control_session *session = NULL;
    struct control_leader *leader = NULL;
    struct control_guard guard;

    EXPECT_OK(control_session_open(pair.near, &options, &session, &err), &err);
    tcp_proxy_lose_answers(pair.proxy, "POST /v3/kv/txn", INT32_MAX);
    EXPECT_OK(control_leader_campaign(session, &candidate, &leader, &err), &err);
    fixture_wait_leader(leader, &guard);
    EXPECT(tcp_proxy_lost_count(pair.proxy) > 0);
    tcp_proxy_lose_answers(pair.proxy, "", 0);
    EXPECT_OK(control_put_as_leader(pair.near, &guard, BYTES_LITERAL("map"), BYTES_LITERAL("1"),
                                    CONTROL_MUST_NOT_EXIST, NULL, &err),
              &err);
    fixture_wait_list(pair.far, "", "leader=me map=1 ");
    control_leader_resign(&leader);
    control_session_close(&session);
    pair_close(&pair);
}

/* After a conflict the next get sees what it was with, however slow the watch is: who tries again
 * makes progress. */
TEST(conflict_is_answered_when_its_reason_is_known_here)
{
    struct pair pair = pair_open(0);
    struct arena arena = ARENA_INIT;
    struct control_value value;

    put(pair.near, "k", "1");
    EXPECT_OK(control_get(pair.near, BYTES_LITERAL("k"), &arena, &value, &err), &err);
    tcp_proxy_freeze(pair.proxy);
    put(pair.far, "k", "2");
    EXPECT_STATUS(ST_CONFLICT, control_put(pair.near, BYTES_LITERAL("k"), BYTES_LITERAL("3"),
                                           value.revision, NULL, &err));
    EXPECT_OK(control_get(pair.near, BYTES_LITERAL("k"), &arena, &value, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("2"), value.value);
    EXPECT_OK(
        control_put(pair.near, BYTES_LITERAL("k"), BYTES_LITERAL("3"), value.revision, NULL, &err),
        &err);
    arena_release(&arena);
    pair_close(&pair);
}

/* SPEC: design, section 7: a node that misses a value reads the store once before it says so. */
TEST(refresh_finds_what_a_silent_watch_did_not_tell)
{
    struct pair pair = pair_open(0);
    struct arena arena = ARENA_INIT;
    struct control_value value;

    put(pair.near, "old", "1");
    tcp_proxy_freeze(pair.proxy);
    put(pair.far, "new", "1");
    delete (pair.far, "old");
    EXPECT_STATUS(ST_NOT_FOUND, control_get(pair.near, BYTES_LITERAL("new"), &arena, &value, &err));
    EXPECT_OK(control_refresh(pair.near, BYTES_LITERAL("new"), &err), &err);
    EXPECT_OK(control_get(pair.near, BYTES_LITERAL("new"), &arena, &value, &err), &err);
    EXPECT_OK(control_refresh(pair.near, BYTES_LITERAL("old"), &err), &err);
    EXPECT_STATUS(ST_NOT_FOUND, control_get(pair.near, BYTES_LITERAL("old"), &arena, &value, &err));
    arena_release(&arena);
    pair_close(&pair);
}

/* Names that nobody knows cost etcd a bounded number of reads. */
TEST(refresh_above_its_rate_is_busy)
{
    struct control *control = fixture_open_etcd(fixture_cluster());
    enum status st = ST_OK;
    int count = 0;

    /* The rate is per second: a machine too slow for it cannot show the refusal. */
    for (int i = 0; st == ST_OK && i < 100 * CONTROL_REFRESH_PER_S_MAX; i++) {
        st = control_refresh(control, BYTES_LITERAL("nowhere"), &err);
        count += st == ST_OK ? 1 : 0;
    }
    EXPECT(count >= CONTROL_REFRESH_PER_S_MAX);
    EXPECT_STATUS(ST_BUSY, st);
    control_close(&control);
}

static enum status
count_value(const struct control_value *value, void *arg, struct error *error)
{
    ++*(size_t *)arg;
    return ST_OK;
}

/* More than a page of them, and pages larger than an answer may be. */
TEST(many_and_large_values_are_read_in_pages)
{
    char *cluster = xstrdup(fixture_cluster());
    struct control *control = fixture_open_etcd(cluster);
    char *large = xcalloc(1, CONTROL_VALUE_BYTES_MAX);
    size_t count = 0;

    for (int i = 0; i < 22; i++) {
        struct control_change changes[CONTROL_CHANGE_COUNT_MAX];
        char keys[CONTROL_CHANGE_COUNT_MAX][32];

        for (int k = 0; k < CONTROL_CHANGE_COUNT_MAX; k++) {
            snprintf(keys[k], sizeof(keys[k]), "k%02d-%03d", i, k);
            changes[k] = (struct control_change){
                .action = CONTROL_PUT, .key = bytes_of_string(keys[k]), .value = bytes_of("v", 1)};
        }
        EXPECT_OK(control_commit(control, changes, CONTROL_CHANGE_COUNT_MAX, NULL, NULL, &err),
                  &err);
    }
    for (int i = 0; i < 30; i++) {
        char key[32];

        snprintf(key, sizeof(key), "large-%d", i);
        EXPECT_OK(control_put(control, bytes_of_string(key),
                              bytes_of(large, CONTROL_VALUE_BYTES_MAX), CONTROL_MUST_NOT_EXIST,
                              NULL, &err),
                  &err);
    }
    control_close(&control);
    control = fixture_open_etcd(cluster);
    EXPECT_OK(control_list(control, BYTES_NONE, count_value, &count, &err), &err);
    EXPECT_INT(22 * CONTROL_CHANGE_COUNT_MAX + 30, count);
    control_close(&control);
    free(large);
    free(cluster);
}

/* Clusters in one etcd do not see each other, also where one name begins with the other. */
TEST(clusters_in_one_etcd_are_apart)
{
    char *name = xstrdup(fixture_cluster());
    char *longer = xasprintf("%s0", name);
    struct control *one = fixture_open_etcd(name);
    struct control *other = fixture_open_etcd(longer);

    put(one, "k", "1");
    put(other, "k", "2");
    fixture_wait_list(one, "", "k=1 ");
    fixture_wait_list(other, "", "k=2 ");
    control_close(&one);
    control_close(&other);
    free(name);
    free(longer);
}
