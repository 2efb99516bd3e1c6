/* SPDX-License-Identifier: Apache-2.0 */
#include "object/placement_rules.h"

#include "base/check.h"

#include "base/banned.h"

static bool
has_flag(const struct placement_holding *holding, unsigned int flag)
{
    return holding->has_mark && (holding->mark.flags & flag) != 0;
}

bool
placement_counts_alone(const struct placement_holding *own, uint64_t owned_since)
{
    return has_flag(own, FORMER_CONFIRMED) && own->mark.generation >= owned_since;
}

bool
placement_seq(const struct placement_holding *holding, struct seq *ret_seq)
{
    bool has_tombstone = has_flag(holding, FORMER_TOMBSTONE);

    if (!holding->has_record && !has_tombstone) {
        return false;
    }
    if (!holding->has_record ||
        (has_tombstone && seq_compare(holding->mark.seq, holding->record_seq) > 0)) {
        *ret_seq = holding->mark.seq;
    } else {
        *ret_seq = holding->record_seq;
    }
    return true;
}

size_t
placement_choose(const struct placement_holding *holdings, size_t count)
{
    size_t chosen = PLACEMENT_NOBODY;
    struct seq greatest = {0, 0};

    for (size_t i = 0; i < count; i++) {
        struct seq seq;

        if (placement_seq(&holdings[i], &seq) &&
            (chosen == PLACEMENT_NOBODY || seq_compare(seq, greatest) > 0)) {
            chosen = i;
            greatest = seq;
        }
    }
    return chosen;
}

bool
placement_shows_record(const struct placement_holding *holdings, size_t chosen)
{
    const struct placement_holding *holding;

    if (chosen == PLACEMENT_NOBODY) {
        return false;
    }
    holding = &holdings[chosen];
    return holding->has_record && (!has_flag(holding, FORMER_TOMBSTONE) ||
                                   seq_compare(holding->record_seq, holding->mark.seq) >= 0);
}

bool
placement_accepts_move_in(const struct placement_holding *own, struct seq incoming)
{
    struct seq seq;

    return !placement_seq(own, &seq) || seq_compare(seq, incoming) < 0;
}

void
placement_mark_write(bool is_delete, uint64_t generation, struct former_record *ret_mark)
{
    *ret_mark = (struct former_record){
        .flags = FORMER_CONFIRMED | (is_delete ? (unsigned int)FORMER_TOMBSTONE : 0),
        .generation = generation,
    };
}

void
placement_mark_moved(struct seq seq, uint64_t generation, struct bytes destination,
                     struct former_record *ret_mark)
{
    *ret_mark = (struct former_record){
        .seq = seq,
        .flags = FORMER_MOVED,
        .generation = generation,
        .destination = destination,
    };
}

bool
placement_sweeps_mark(const struct former_record *mark, enum placement_sweep sweep,
                      uint64_t finished_generation)
{
    bool is_moved = (mark->flags & FORMER_MOVED) != 0;

    return mark->generation <= finished_generation && (is_moved || sweep == PLACEMENT_SWEEP_ALL);
}
