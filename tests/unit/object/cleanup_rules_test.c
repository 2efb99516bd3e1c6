/* SPDX-License-Identifier: Apache-2.0 */
/* Which misplaced copies may go.  SPEC: rule 11 of docs/cluster-protocol.md, capability P5, P6. */
#include "object/cleanup_rules.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static struct key_holding
record(uint64_t version, uint64_t counter)
{
    struct key_holding holding = {
        .holding = {.has_record = true, .record_seq = {version, counter}},
        .record = {
            .seq = {version, counter},
            .size = 5,
            .etag = BYTES_LITERAL("5d41402abc4b2a76b9719d911017c592"),
            .overwrite_count = 2,
            .checksum = {.algorithm = CHECKSUM_CRC32C, .size = 4, .value = {1, 2, 3, 4}},
            .native_checksum = {.type = NATIVE_CHECKSUM_XXHASH, .size = 8, .value = {1, 2, 3}}}};

    return holding;
}

static struct key_holding
mark(uint64_t version, uint64_t counter, unsigned flags)
{
    struct key_holding holding = {
        .holding = {.has_mark = true, .mark = {.flags = flags, .seq = {version, counter}}}};

    return holding;
}

static enum cleanup_verdict
judge(struct key_holding copy, struct key_holding owner)
{
    return cleanup_judge(&copy, &owner);
}

TEST(a_copy_that_the_owner_has_as_well_may_go)
{
    EXPECT_INT(CLEANUP_SAME, judge(record(3, 7), record(3, 7)));
    EXPECT_INT(CLEANUP_SAME, judge(record(3, 7), record(4, 1)));
    EXPECT(cleanup_may_remove(CLEANUP_SAME));
}

TEST(a_copy_that_the_owner_has_a_newer_one_of_may_go)
{
    struct key_holding owner = record(3, 8);

    owner.record.etag = BYTES_LITERAL("another");
    EXPECT_INT(CLEANUP_OUTDATED, judge(record(3, 7), owner));
    EXPECT_INT(CLEANUP_OUTDATED, judge(record(3, 7), mark(3, 7, FORMER_TOMBSTONE)));
    EXPECT_INT(CLEANUP_OUTDATED, judge(record(3, 7), mark(4, 1, FORMER_TOMBSTONE)));
    EXPECT(cleanup_may_remove(CLEANUP_OUTDATED));
}

/* No record, and no tombstone that counts: it never had it, or it was deleted and forgotten. */
TEST(a_copy_that_the_owner_knows_nothing_of_stays)
{
    const struct key_holding nothing = {.holding = {.has_record = false}};

    EXPECT_INT(CLEANUP_UNKNOWN, judge(record(3, 7), nothing));
    EXPECT_INT(CLEANUP_UNKNOWN, judge(record(3, 7), mark(9, 9, FORMER_MOVED)));
    EXPECT(!cleanup_may_remove(CLEANUP_UNKNOWN));
}

TEST(a_copy_that_is_newer_than_what_the_owner_has_stays)
{
    EXPECT_INT(CLEANUP_AHEAD, judge(record(3, 7), record(3, 6)));
    EXPECT_INT(CLEANUP_AHEAD, judge(record(3, 7), record(2, 900)));
    EXPECT_INT(CLEANUP_AHEAD, judge(record(3, 7), mark(3, 6, FORMER_TOMBSTONE)));
    EXPECT(!cleanup_may_remove(CLEANUP_AHEAD));
}

/* One number, two contents: numbers went back with a restored disk.  Nobody can say which counts.
 */
TEST(a_copy_that_differs_under_the_same_number_stays)
{
    struct key_holding owner = record(3, 7);

    owner.record.size = 6;
    EXPECT_INT(CLEANUP_DIFFERENT, judge(record(3, 7), owner));
    owner = record(3, 7);
    owner.record.etag = BYTES_LITERAL("another");
    EXPECT_INT(CLEANUP_DIFFERENT, judge(record(3, 7), owner));
    owner = record(3, 7);
    owner.record.overwrite_count = 3;
    EXPECT_INT(CLEANUP_DIFFERENT, judge(record(3, 7), owner));
    owner = record(3, 7);
    owner.record.checksum.value[3] = 9;
    EXPECT_INT(CLEANUP_DIFFERENT, judge(record(3, 7), owner));
    owner = record(3, 7);
    owner.record.checksum.type = CHECKSUM_COMPOSITE;
    EXPECT_INT(CLEANUP_DIFFERENT, judge(record(3, 7), owner));
    owner = record(3, 7);
    owner.record.native_checksum.size = 0;
    EXPECT_INT(CLEANUP_DIFFERENT, judge(record(3, 7), owner));
    EXPECT(!cleanup_may_remove(CLEANUP_DIFFERENT));
}
