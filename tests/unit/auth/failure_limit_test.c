/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/failure_limit.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PEER "192.0.2.1:1234"

/* How many failures in a row are let through; at most max. */
static int
let_through(struct failure_limit *limit, const char *peer, int max)
{
    int count = 0;

    while (count < max && failure_limit_take(limit, bytes_of_string(peer), NULL) == ST_OK) {
        count++;
    }
    return count;
}

TEST(burst_is_let_through_and_tokens_come_back_with_time)
{
    struct failure_limit *limit;

    clock_use_virtual(FIXTURE_TIME_S * CLOCK_NS_PER_S);
    limit = failure_limit_create();
    EXPECT_INT(FAILURE_BURST, let_through(limit, PEER, 10000));
    clock_advance(CLOCK_NS_PER_S);
    EXPECT_INT(FAILURES_PER_S, let_through(limit, PEER, 10000));
    clock_advance(3600 * CLOCK_NS_PER_S);

    EXPECT_INT(FAILURE_BURST, let_through(limit, PEER, 10000));
    failure_limit_destroy(&limit);
    clock_use_system();
}

/* Ports do not matter; of IPv6 the first 64 bits do; others are not touched. */
TEST(tokens_belong_to_an_address)
{
    static const struct {
        const char *first;
        const char *second;
        bool is_same;
    } PAIRS[] = {
        {"192.0.2.1:1234", "192.0.2.1:4321", true},
        {"192.0.2.1:1234", "192.0.2.2:1234", false},
        {"[2001:db8::1]:1", "[2001:db8::ffff:1]:2", true},
        {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
        {"[::ffff:192.0.2.1]:1", "192.0.2.1:1", true},
        {"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1", false},
    };

    clock_use_virtual(FIXTURE_TIME_S * CLOCK_NS_PER_S);
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(*PAIRS); i++) {
        struct failure_limit *limit = failure_limit_create();

        EXPECT_INT(FAILURE_BURST, let_through(limit, PAIRS[i].first, 10000));
        EXPECT_INT(PAIRS[i].is_same ? 0 : FAILURE_BURST,
                   let_through(limit, PAIRS[i].second, 10000));
        failure_limit_destroy(&limit);
    }
    clock_use_system();
}

TEST(what_is_no_address_is_not_limited)
{
    static const char *const PEERS[] = {
        "",     ":",   "x",     "192.0.2.1", "192.0.2.1.5:1", "[::1",    "[::1]",
        "[]:1", "::1", "[::1:", "[x]:1",     ":::::::::::::", "1.2.3.:1"};
    struct failure_limit *limit = failure_limit_create();

    for (size_t i = 0; i < sizeof(PEERS) / sizeof(*PEERS); i++) {
        EXPECT_INT(FAILURE_BURST + 10, let_through(limit, PEERS[i], FAILURE_BURST + 10));
    }
    failure_limit_destroy(&limit);
}

/* The table is bounded: however many addresses come, those in use keep what they used up. */
TEST(strangers_with_one_failure_do_not_wash_out_a_guesser)
{
    struct failure_limit *limit;
    char peer[32];

    clock_use_virtual(FIXTURE_TIME_S * CLOCK_NS_PER_S);
    limit = failure_limit_create();
    EXPECT_INT(FAILURE_BURST, let_through(limit, PEER, 10000));
    for (int i = 0; i < 20 * FAILURE_SET_COUNT * FAILURE_SET_SIZE; i++) {
        snprintf(peer, sizeof(peer), "10.%d.%d.%d:1", i >> 16 & 255, i >> 8 & 255, i & 255);
        EXPECT_INT(1, let_through(limit, peer, 1));
    }

    EXPECT_INT(0, let_through(limit, PEER, 1));
    failure_limit_destroy(&limit);
    clock_use_system();
}

static void
fail_once(struct fixture *fixture, const char *peer, const struct fixture_signature *signature,
          enum status expected)
{
    struct authentication authentication;

    fixture_reset(fixture);
    fixture->request.peer_address = bytes_of_string(peer);
    fixture_add_header(fixture, "x-amz-content-sha256", EMPTY_SHA256);
    fixture_sign_header(fixture, signature);
    EXPECT_STATUS(expected, fixture_authenticate(fixture, &authentication));
}

/* Wrong signatures and unknown keys take from one bucket; a right signature always passes. */
TEST(guesser_is_slowed_down_and_the_right_key_never)
{
    static const struct fixture_signature WRONG = {.secret_key = "a wrong secret"};
    static const struct fixture_signature UNKNOWN = {.access_key = "LODENOSUCHKEY"};
    struct fixture fixture;
    struct authentication authentication;

    fixture_init(&fixture);
    for (int i = 0; i < FAILURE_BURST; i++) {
        fail_once(&fixture, PEER, i % 2 == 0 ? &WRONG : &UNKNOWN,
                  i % 2 == 0 ? ST_SIGNATURE_MISMATCH : ST_UNAUTHENTICATED);
    }
    fail_once(&fixture, PEER, &WRONG, ST_BUSY);
    EXPECT(fixture.err.dialect_code == NULL);
    fail_once(&fixture, PEER, &UNKNOWN, ST_BUSY);
    fail_once(&fixture, "192.0.2.2:1", &WRONG, ST_SIGNATURE_MISMATCH);

    for (int i = 0; i < 3; i++) {
        fixture_reset(&fixture);
        fixture.request.peer_address = BYTES_LITERAL(PEER);
        fixture_good_header(&fixture);
        EXPECT_OK(fixture_authenticate(&fixture, &authentication), &fixture.err);
        authentication_release(&authentication);
    }
    fail_once(&fixture, PEER, &WRONG, ST_BUSY);
    clock_advance(CLOCK_NS_PER_S);
    fail_once(&fixture, PEER, &WRONG, ST_SIGNATURE_MISMATCH);
    fixture_release(&fixture);
}

/* Anonymous requests and wrong clocks guess nothing. */
TEST(anonymous_requests_take_no_tokens)
{
    static const struct fixture_signature WRONG = {.secret_key = "a wrong secret"};
    struct fixture fixture;
    struct authentication authentication;

    fixture_init(&fixture);
    for (int i = 0; i < 2 * FAILURE_BURST; i++) {
        fixture_reset(&fixture);
        fixture.request.peer_address = BYTES_LITERAL(PEER);
        EXPECT_STATUS(ST_UNAUTHENTICATED, fixture_authenticate(&fixture, &authentication));
    }

    fail_once(&fixture, PEER, &WRONG, ST_SIGNATURE_MISMATCH);
    fixture_release(&fixture);
}
