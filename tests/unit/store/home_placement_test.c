/* SPDX-License-Identifier: Apache-2.0 */
#include "store/home_placement.h"

#include <stdio.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static void
add(struct home_placement *placement, unsigned char number)
{
    unsigned char uuid[PLACEMENT_UUID_BYTES] = {number};
    char directory[32];

    snprintf(directory, sizeof(directory), "/mnt/disk %d", number);
    EXPECT_STATUS(ST_OK, home_placement_add(placement, uuid, directory, number % 2 == 0, NULL));
}

static struct home_placement *
sample(size_t count)
{
    struct home_placement *placement = xcalloc(1, sizeof(*placement));

    for (size_t i = 0; i < count; i++) {
        add(placement, (unsigned char)(i + 1));
    }
    EXPECT_STATUS(ST_OK, home_placement_choose(placement, NULL));
    return placement;
}

static void
discard(struct home_placement *placement)
{
    home_placement_release(placement);
    free(placement);
}

/* Roles, directories with spaces, choices: all of it survives DATA. */
TEST(document_reads_back_as_written)
{
    struct home_placement *placement = sample(3);
    struct home_placement *back = xcalloc(1, sizeof(*back));
    struct buffer text = BUFFER_INIT;
    struct buffer again = BUFFER_INIT;
    struct error err = ERROR_INIT;

    placement->members[1].role = MOUNTPATH_LEAVING;
    placement->is_anywhere = true;
    EXPECT_STATUS(ST_OK, home_placement_choose(placement, NULL));
    home_placement_format(placement, &text);
    EXPECT_OK(home_placement_parse(buffer_bytes(&text), back, &err), &err);
    home_placement_format(back, &again);

    EXPECT_BYTES(buffer_bytes(&text), buffer_bytes(&again));
    EXPECT_INT(2, home_placement_generation(back));
    EXPECT_INT(5, home_placement_active(back));
    EXPECT_INT(7, home_placement_holders(back));
    EXPECT(home_placement_is_unfinished(back));
    discard(placement);
    discard(back);
    buffer_release(&text);
    buffer_release(&again);
}

/* Every line is needed as it is. */
TEST(damaged_documents_are_corrupt)
{
    static const char *const TEXTS[] = {
        "",
        "lode-placement 2\nanywhere 0\n",
        "lode-placement 1\nanywhere 2\n",
        "lode-placement 1\nsomething 1\n",
        "lode-placement 1\nmember 00 active 0 /x\n",
        "lode-placement 1\nmember 00112233445566778899aabbccddeeff active 2 /x\n",
        "lode-placement 1\nmember 00112233445566778899aabbccddeeff lazy 0 /x\n",
        "lode-placement 1\nmember 00112233445566778899aabbccddeeff active 0 \n",
        "lode-placement 1\nchoice 1 0\n",
        "lode-placement 1\nchoice 0 \n",
        "lode-placement 1\nmember 00112233445566778899aabbccddeeff active 0 /x\nchoice 2 0\n"
        "choice 1 0\n",
    };
    struct home_placement *placement = xcalloc(1, sizeof(*placement));

    for (size_t i = 0; i < ARRAY_COUNT(TEXTS); i++) {
        EXPECT_STATUS(ST_CORRUPT, home_placement_parse(bytes_of_string(TEXTS[i]), placement, NULL));
    }
    discard(placement);
}

/* SPEC: design 6, HRW: a new mountpath takes its share from each, and moves nothing between the
 * others. */
TEST(new_member_only_takes_keys)
{
    struct home_placement *placement = sample(4);
    size_t taken_count = 0;

    for (uint64_t i = 0; i < 4000; i++) {
        uint64_t hash = home_placement_hash(i % 3, bytes_of(&i, sizeof(i)));
        size_t before = home_placement_owner(placement, 7, hash);
        size_t after = home_placement_owner(placement, 15, hash);

        EXPECT(after == before || after == 3);
        taken_count += after == 3;
    }
    EXPECT(taken_count > 800 && taken_count < 1200);
    discard(placement);
}

TEST(last_active_member_is_not_given_away)
{
    struct home_placement *placement = sample(1);
    struct error err = ERROR_INIT;

    placement->members[0].role = MOUNTPATH_DISABLED;
    EXPECT_STATUS(ST_INVALID, home_placement_choose(placement, &err));
    EXPECT_INT(1, home_placement_generation(placement));
    discard(placement);
}

/* Former homes are asked until the end, then a leaving one is detached, and remembered. */
TEST(finished_placement_lets_go_of_former_members)
{
    struct home_placement *placement = sample(3);
    struct home_placement *back = xcalloc(1, sizeof(*back));
    struct buffer text = BUFFER_INIT;
    struct error err = ERROR_INIT;

    placement->members[0].role = MOUNTPATH_LEAVING;
    placement->members[1].role = MOUNTPATH_DISABLED;
    EXPECT_STATUS(ST_OK, home_placement_choose(placement, NULL));
    EXPECT_INT(7, home_placement_holders(placement));
    home_placement_finish(placement);
    EXPECT_INT(4, home_placement_holders(placement));
    EXPECT_INT(MOUNTPATH_DETACHED, placement->members[0].role);
    EXPECT_INT(MOUNTPATH_DISABLED, placement->members[1].role);
    home_placement_format(placement, &text);
    EXPECT_OK(home_placement_parse(buffer_bytes(&text), back, &err), &err);
    EXPECT_INT(2, back->member_count);
    EXPECT_INT(2, home_placement_active(back)); /* it has another number now */
    EXPECT(home_placement_find_gone(back, placement->members[0].uuid) != NULL);
    discard(placement);
    discard(back);
    buffer_release(&text);
}

/* Changes without end are refused, not forgotten. */
TEST(too_many_unfinished_changes_are_refused)
{
    struct home_placement *placement = sample(2);

    for (size_t i = 1; i < PLACEMENT_CHOICE_MAX; i++) {
        EXPECT_STATUS(ST_OK, home_placement_choose(placement, NULL));
    }
    EXPECT_STATUS(ST_BUSY, home_placement_choose(placement, NULL));
    home_placement_finish(placement);
    EXPECT_STATUS(ST_OK, home_placement_choose(placement, NULL));
    discard(placement);
}
