/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_patience.h"

#include "base/clock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define A BYTES_LITERAL("target-a")
#define B BYTES_LITERAL("target-b")

static struct peer_patience *patience;

static enum status
enter(struct bytes id, bool is_waiting)
{
    return peer_patience_enter(patience, id, is_waiting, NULL);
}

/* One peer may hold up so many threads, the others theirs. */
TEST(a_bounded_number_waits_for_one_peer)
{
    patience = peer_patience_create(2, 1000);
    EXPECT_STATUS(ST_OK, enter(A, true));
    EXPECT_STATUS(ST_OK, enter(A, true));
    EXPECT_STATUS(ST_BUSY, enter(A, true));
    EXPECT_STATUS(ST_OK, enter(A, false)); /* a relay holds no thread */
    EXPECT_STATUS(ST_OK, enter(B, true));
    peer_patience_leave(patience, A, true, ST_OK);
    EXPECT_STATUS(ST_OK, enter(A, true));
    peer_patience_leave(patience, A, true, ST_OK);
    peer_patience_leave(patience, A, true, ST_OK);
    peer_patience_leave(patience, B, true, ST_OK);
    peer_patience_destroy(&patience);
}

TEST(a_peer_that_timed_out_is_tried_once_in_each_interval)
{
    clock_use_virtual(CLOCK_NS_PER_S);
    patience = peer_patience_create(2, 1000);
    EXPECT_STATUS(ST_OK, enter(A, false));
    peer_patience_leave(patience, A, false, ST_TIMEOUT);
    EXPECT_STATUS(ST_UNAVAILABLE, enter(A, true));
    EXPECT_STATUS(ST_OK, enter(B, false));
    clock_advance(1000 * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_OK, enter(A, true));
    EXPECT_STATUS(ST_UNAVAILABLE, enter(A, false));
    peer_patience_leave(patience, A, true, ST_CLOSED); /* says nothing */
    EXPECT_STATUS(ST_UNAVAILABLE, enter(A, false));
    clock_advance(1000 * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_OK, enter(A, false));
    peer_patience_leave(patience, A, false, ST_OK);
    EXPECT_STATUS(ST_OK, enter(A, false));
    peer_patience_destroy(&patience);
    clock_use_system();
}

/* A cluster in trouble fills no disk with one line. */
TEST(one_line_about_a_peer_is_written_once_in_each_interval)
{
    clock_use_virtual(CLOCK_NS_PER_S);
    patience = peer_patience_create(2, 1000);
    EXPECT(peer_patience_may_complain(patience, A, "no TLS", 5000));
    EXPECT(!peer_patience_may_complain(patience, A, "no TLS", 5000));
    EXPECT(peer_patience_may_complain(patience, B, "no TLS", 5000));
    EXPECT(peer_patience_may_complain(patience, A, "expired", 5000));
    clock_advance(5000 * CLOCK_NS_PER_MS);
    EXPECT(peer_patience_may_complain(patience, A, "expired", 5000));
    EXPECT_STATUS(ST_OK, enter(A, true));
    peer_patience_leave(patience, A, true, ST_OK);
    EXPECT(peer_patience_may_complain(patience, A, "expired", 5000));
    peer_patience_destroy(&patience);
    clock_use_system();
}
