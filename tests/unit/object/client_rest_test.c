/* SPDX-License-Identifier: Apache-2.0 */
/* Work in the background gives way to clients: no matter of luck, but of the clock. */
#include "base/clock.h"
#include "object/client_rest.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define PIECE_NS (40 * CLOCK_NS_PER_MS)
/* A machine under load may take its time where nothing rests. */
#define TRY_COUNT 50

/* How long the rest after a piece of PIECE_NS was. */
static int64_t
rest_after(struct object_store *store, bool is_asked)
{
    struct client_rest rest;
    int64_t before_ns;

    client_rest_begin(&rest, store, NULL, NULL);
    rest.rest.began_ns -= PIECE_NS;
    if (is_asked) {
        client_rest_note_asked(store);
    }
    before_ns = clock_monotonic_ns();
    client_rest_end(&rest, false);
    return clock_monotonic_ns() - before_ns;
}

TEST(a_piece_is_followed_by_a_rest_as_long_if_clients_asked)
{
    struct object_fixture fixture;
    bool has_gone_on = false;

    fixture_open(&fixture, test_directory(), 1);

    EXPECT(rest_after(fixture.store, true) >= PIECE_NS);
    for (int i = 0; i < TRY_COUNT && !has_gone_on; i++) {
        has_gone_on = rest_after(fixture.store, false) < PIECE_NS / 2;
    }
    EXPECT(has_gone_on);
    fixture_close(&fixture);
}

/* What asked before the piece began says nothing of it. */
TEST(requests_of_before_are_no_reason_to_rest)
{
    struct object_fixture fixture;
    bool has_gone_on = false;

    fixture_open(&fixture, test_directory(), 1);

    for (int i = 0; i < TRY_COUNT && !has_gone_on; i++) {
        client_rest_note_asked(fixture.store);
        has_gone_on = rest_after(fixture.store, false) < PIECE_NS / 2;
    }
    EXPECT(has_gone_on);
    fixture_close(&fixture);
}
