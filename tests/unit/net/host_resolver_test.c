/* SPDX-License-Identifier: Apache-2.0 */
/* With a name server that the test plays.  How channels use it: http_relay_test.c. */
#include "net/host_resolver.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/worker_pool.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NAME "node-1.pods.example:7480"

static struct host_resolver *resolver;
static struct error err;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_held;      /* look-ups wait */
static bool is_away;      /* and fail */
static int lookup_count;  /* that have begun */
static const char *where; /* the address that they find */

static enum status
look_up(const char *host, uint16_t port, struct host_addresses *ret_addresses,
        struct error *lookup_err)
{
    enum status st = ST_OK;

    WITH_LOCK (&lock) {
        lookup_count++;
        CHECK(pthread_cond_broadcast(&changed) == 0);
        while (is_held) {
            CHECK(pthread_cond_wait(&changed, &lock) == 0);
        }
        if (is_away) {
            st = fail(lookup_err, ST_UNAVAILABLE, "%s is not known", host);
        } else {
            CHECK(port == 7480);
            ret_addresses->count = 1;
            CHECK(socket_address_parse(bytes_of_string(where), &ret_addresses->list[0], NULL) ==
                  ST_OK);
        }
    }
    return st;
}

static void
hold(bool is_wanted)
{
    WITH_LOCK (&lock) {
        is_held = is_wanted;
        CHECK(pthread_cond_broadcast(&changed) == 0);
    }
}

static void
start(void)
{
    err = ERROR_INIT;
    WITH_LOCK (&lock) { /* a look-up of the test before may be on its way out */
        is_held = is_away = false;
        lookup_count = 0;
        where = "192.0.2.1:7480";
    }
    clock_use_virtual(CLOCK_NS_PER_S);
    resolver = host_resolver_create(look_up);
}

static void
stop(void)
{
    host_resolver_destroy(&resolver);
    clock_use_system();
}

static enum status
wait_for(const char *text, const char *address)
{
    struct host_addresses addresses;
    struct socket_address expected;
    enum status st = host_resolver_wait(resolver, bytes_of_string(text), 10000, &addresses, &err);

    if (st == ST_OK) {
        EXPECT_INT(1, addresses.count);
        EXPECT_STATUS(ST_OK, socket_address_parse(bytes_of_string(address), &expected, NULL));
        EXPECT(socket_address_equal(&addresses.list[0], &expected));
    }
    return st;
}

TEST(numbers_need_no_look_up)
{
    start();
    EXPECT_STATUS(ST_OK, wait_for("192.0.2.7:80", "192.0.2.7:80"));
    EXPECT_STATUS(ST_OK, wait_for("[2001:db8::1]:80", "[2001:db8::1]:80"));
    EXPECT_INT(0, lookup_count);
    stop();
}

/* SPEC: RFC 1123 2.1; underscores are met in the wild. */
TEST(what_is_no_name_is_refused)
{
    static const char *const NAMES[] = {"a:1",          "node-1.pods.svc.cluster.local:7480",
                                        "Node_1:65535", "1.2.3.4:80",
                                        "[::1]:80",     "4711.example:1"};
    static const char *const OTHERS[] = {
        "",     "a",    ":1",    "a:",          "a:0",      "a:x",      "a b:1",        "a/b:1",
        "-a:1", ".a:1", "a:1:",  "::1:80",      "1.2.3:80", "127.1:80", "1.2.3.256:80", "a.5:1",
        "a.:1", "7:7",  "[a]:1", "http://a:80", "a\n:1"};
    char longest[HOST_NAME_BYTES_MAX + 8];

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        EXPECT_STATUS(ST_OK, host_address_check(bytes_of_string(NAMES[i]), NULL));
    }
    for (size_t i = 0; i < ARRAY_COUNT(OTHERS); i++) {
        EXPECT_STATUS(ST_INVALID, host_address_check(bytes_of_string(OTHERS[i]), NULL));
    }
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + HOST_NAME_BYTES_MAX, ":1", 3);
    EXPECT_STATUS(ST_OK, host_address_check(bytes_of_string(longest), NULL));
    memcpy(longest + HOST_NAME_BYTES_MAX + 1, ":1", 3);
    longest[HOST_NAME_BYTES_MAX] = 'a';
    EXPECT_STATUS(ST_INVALID, host_address_check(bytes_of_string(longest), NULL));
}

/* An answer is used for a second; after that a node that has moved is found. */
TEST(a_name_is_looked_up_again_after_a_second)
{
    struct host_addresses addresses;

    start();
    EXPECT_STATUS(ST_WOULD_WAIT,
                  host_resolver_find(resolver, BYTES_LITERAL(NAME), &addresses, &err));
    EXPECT_STATUS(ST_OK, wait_for(NAME, "192.0.2.1:7480"));
    where = "192.0.2.2:7480";
    EXPECT_STATUS(ST_OK, wait_for(NAME, "192.0.2.1:7480"));
    EXPECT_STATUS(ST_OK, host_resolver_find(resolver, BYTES_LITERAL(NAME), &addresses, &err));
    EXPECT_INT(1, lookup_count);
    clock_advance(HOST_FRESH_MS * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_WOULD_WAIT,
                  host_resolver_find(resolver, BYTES_LITERAL(NAME), &addresses, &err));
    EXPECT_STATUS(ST_OK, wait_for(NAME, "192.0.2.2:7480"));
    EXPECT_INT(2, lookup_count);
    stop();
}

/* While the name server is away, nodes are where they were; one that was never found is not. */
TEST(a_name_server_that_is_away_takes_no_address_back)
{
    start();
    EXPECT_STATUS(ST_OK, wait_for(NAME, "192.0.2.1:7480"));
    is_away = true;
    clock_advance(HOST_FRESH_MS * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_OK, wait_for(NAME, "192.0.2.1:7480"));
    EXPECT_INT(2, lookup_count);
    EXPECT_STATUS(ST_UNAVAILABLE, wait_for("other:7480", ""));
    EXPECT_STRING("other is not known", err.text);
    stop();
}

struct asker {
    struct worker_job job;
    enum status st;
};

static void
ask(struct worker_job *job)
{
    struct asker *asker = CONTAINER_OF(struct asker, job, job);

    asker->st = wait_for(NAME, "192.0.2.1:7480");
}

TEST(many_who_ask_share_one_look_up)
{
    struct asker askers[4] = {0};
    struct worker_pool *workers = worker_pool_create(4);

    start();
    hold(true);
    for (size_t i = 0; i < ARRAY_COUNT(askers); i++) {
        askers[i].job.run = ask;
        worker_pool_submit(workers, &askers[i].job);
    }
    WITH_LOCK (&lock) {
        while (lookup_count == 0) {
            CHECK(pthread_cond_wait(&changed, &lock) == 0);
        }
    }
    hold(false);
    worker_pool_destroy(&workers);
    for (size_t i = 0; i < ARRAY_COUNT(askers); i++) {
        EXPECT_STATUS(ST_OK, askers[i].st);
    }
    EXPECT_INT(1, lookup_count);
    stop();
}

/* A name server that never answers holds up neither who asks nor the end. */
TEST(a_silent_name_server_is_not_waited_for)
{
    struct host_addresses addresses;

    start();
    hold(true);
    EXPECT_STATUS(ST_UNAVAILABLE,
                  host_resolver_wait(resolver, BYTES_LITERAL(NAME), 20, &addresses, &err));
    stop();
    hold(false); /* its thread ends by itself */
}

/* What is remembered does not grow with the names that were asked for. */
TEST(names_are_forgotten)
{
    char text[32];

    start();
    for (size_t i = 0; i < HOST_NAMES_MAX + 3; i++) {
        snprintf(text, sizeof(text), "node-%zu:7480", i);
        EXPECT_STATUS(ST_OK, wait_for(text, "192.0.2.1:7480"));
    }
    EXPECT_STATUS(ST_OK, wait_for(text, "192.0.2.1:7480"));
    EXPECT_INT(HOST_NAMES_MAX + 3, lookup_count);
    EXPECT_STATUS(ST_OK, wait_for("node-0:7480", "192.0.2.1:7480"));
    EXPECT_INT(HOST_NAMES_MAX + 4, lookup_count);
    stop();
}
