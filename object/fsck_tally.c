/* SPDX-License-Identifier: Apache-2.0 */
#include "object/fsck_tally.h"

#include "base/encode.h"
#include "base/hash.h"
#include "base/memory.h"

#include "base/banned.h"

#define SLOT_COUNT_MIN ((size_t)256)

void
fsck_tally_release(struct fsck_tally *tally)
{
    free(tally->slots);
    *tally = FSCK_TALLY_INIT;
}

/* The id's slot, or the free one where it belongs. */
static struct fsck_tally_entry *
slot_of(const struct fsck_tally *tally, const unsigned char id[16])
{
    size_t at = hash_bytes(bytes_of(id, 16), 0) & (tally->slot_count - 1);

    while (tally->slots[at].is_used && memcmp(tally->slots[at].id, id, 16) != 0) {
        at = (at + 1) & (tally->slot_count - 1);
    }
    return &tally->slots[at];
}

static void
grow(struct fsck_tally *tally)
{
    struct fsck_tally old = *tally;

    tally->slot_count = old.slot_count == 0 ? SLOT_COUNT_MIN : old.slot_count * 2;
    tally->slots = xcalloc(tally->slot_count, sizeof(*tally->slots));
    for (size_t i = 0; i < old.slot_count; i++) {
        if (old.slots[i].is_used) {
            *slot_of(tally, old.slots[i].id) = old.slots[i];
        }
    }
    free(old.slots);
}

struct fsck_tally_entry *
fsck_tally_at(struct fsck_tally *tally, const unsigned char id[16])
{
    struct fsck_tally_entry *entry;

    if (tally->count * 2 >= tally->slot_count) {
        grow(tally);
    }
    entry = slot_of(tally, id);
    if (!entry->is_used) {
        entry->is_used = true;
        memcpy(entry->id, id, 16);
        tally->count++;
    }
    return entry;
}

struct fsck_tally_entry *
fsck_tally_find(struct fsck_tally *tally, const unsigned char id[16])
{
    struct fsck_tally_entry *entry = tally->slot_count == 0 ? NULL : slot_of(tally, id);

    return entry != NULL && entry->is_used ? entry : NULL;
}

void
fsck_tally_number(uint64_t number, unsigned char ret_id[16])
{
    memset(ret_id, 0, 16);
    encode_u64_be(ret_id + 8, number);
}

uint64_t
fsck_tally_number_of(const struct fsck_tally_entry *entry)
{
    return decode_u64_be(entry->id + 8);
}
