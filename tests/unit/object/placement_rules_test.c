/* SPDX-License-Identifier: Apache-2.0 */
#include "object/placement_rules.h"

#include "base/check.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static struct placement_holding
record_of(uint64_t counter)
{
    return (struct placement_holding){.has_record = true, .record_seq = {1, counter}};
}

static struct placement_holding
tombstone_of(uint64_t counter)
{
    return (struct placement_holding){.has_mark = true,
                                      .mark = {.seq = {1, counter},
                                               .flags = FORMER_TOMBSTONE | FORMER_CONFIRMED,
                                               .generation = 1}};
}

/* SPEC: design 7, rule 6: only what was confirmed under a generation of the present tenure. */
TEST(confirmation_of_a_former_tenure_does_not_count)
{
    struct placement_holding own = record_of(7);

    EXPECT(!placement_counts_alone(&own, 1));
    own.has_mark = true;
    placement_mark_write(false, 3, &own.mark);
    EXPECT(placement_counts_alone(&own, 3));
    EXPECT(placement_counts_alone(&own, 1));
    EXPECT(!placement_counts_alone(&own, 4));
    EXPECT(!placement_counts_alone(&own, UINT64_MAX));
    placement_mark_moved((struct seq){1, 7}, 9, BYTES_LITERAL("other"), &own.mark);
    EXPECT(!placement_counts_alone(&own, 1));
}

/* SPEC: design 7, rule 5: greater seq wins, whoever holds it. */
TEST(greatest_seq_of_records_and_tombstones_is_the_last_word)
{
    struct placement_holding holdings[] = {record_of(4), record_of(9), tombstone_of(6)};

    EXPECT_INT(1, placement_choose(holdings, 3));
    EXPECT(placement_shows_record(holdings, 1));
    holdings[2] = tombstone_of(12);
    EXPECT_INT(2, placement_choose(holdings, 3));
    EXPECT(!placement_shows_record(holdings, 2));
}

/* The map version of a seq comes before its counter. */
TEST(seq_of_a_newer_map_wins_over_a_greater_counter)
{
    struct placement_holding holdings[] = {record_of(100), record_of(1)};

    holdings[1].record_seq.map_version = 2;

    EXPECT_INT(1, placement_choose(holdings, 2));
}

/* A move that was cut off leaves the record twice. */
TEST(first_of_equals_is_chosen)
{
    const struct placement_holding holdings[] = {record_of(4), record_of(4)};

    EXPECT_INT(0, placement_choose(holdings, 2));
}

TEST(nothing_anywhere_shows_nothing)
{
    struct placement_holding holdings[2] = {{.has_record = false}};

    EXPECT(placement_choose(holdings, 2) == PLACEMENT_NOBODY);
    EXPECT(!placement_shows_record(holdings, PLACEMENT_NOBODY));
    holdings[1].has_mark = true;
    placement_mark_moved((struct seq){1, 7}, 9, BYTES_LITERAL("other"), &holdings[1].mark);
    EXPECT(placement_choose(holdings, 2) == PLACEMENT_NOBODY);
}

/* One holder with both: a key written again after its delete, and deleted again. */
TEST(record_and_tombstone_of_one_holder_are_told_apart_by_seq)
{
    struct placement_holding holding = tombstone_of(5);
    struct seq seq;

    holding.has_record = true;
    holding.record_seq = (struct seq){1, 8};
    EXPECT(placement_shows_record(&holding, 0));
    EXPECT(placement_seq(&holding, &seq) && seq.counter == 8);
    holding.record_seq.counter = 3;
    EXPECT(!placement_shows_record(&holding, 0));
    EXPECT(placement_seq(&holding, &seq) && seq.counter == 5);
}

/* SPEC: design 7, rule 6: only where nothing of an equal or greater seq is. */
TEST(move_in_never_replaces_an_equal_or_newer_word)
{
    const struct placement_holding record = record_of(5);
    const struct placement_holding tombstone = tombstone_of(5);
    const struct placement_holding nothing = {.has_record = false};

    EXPECT(placement_accepts_move_in(&nothing, (struct seq){1, 1}));
    EXPECT(placement_accepts_move_in(&record, (struct seq){1, 6}));
    EXPECT(!placement_accepts_move_in(&record, (struct seq){1, 5}));
    EXPECT(!placement_accepts_move_in(&record, (struct seq){1, 4}));
    EXPECT(!placement_accepts_move_in(&tombstone, (struct seq){1, 5}));
    EXPECT(placement_accepts_move_in(&tombstone, (struct seq){1, 6}));
}

/* SPEC: design 7, rule 6: drop MOVED, barrier, then tombstones, sparing newer generations. */
TEST(marks_are_dropped_in_two_steps_and_newer_ones_spared)
{
    struct former_record moved;
    struct former_record tombstone;

    placement_mark_moved((struct seq){1, 7}, 4, BYTES_LITERAL("other"), &moved);
    placement_mark_write(true, 4, &tombstone);

    EXPECT(placement_sweeps_mark(&moved, PLACEMENT_SWEEP_MOVED, 4));
    EXPECT(!placement_sweeps_mark(&tombstone, PLACEMENT_SWEEP_MOVED, 4));
    EXPECT(placement_sweeps_mark(&tombstone, PLACEMENT_SWEEP_ALL, 4));
    EXPECT(!placement_sweeps_mark(&moved, PLACEMENT_SWEEP_MOVED, 3));
    EXPECT(!placement_sweeps_mark(&tombstone, PLACEMENT_SWEEP_ALL, 3));
}
