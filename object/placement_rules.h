/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose word on a key counts while a placement is unfinished: between the homes of a node (the
 * generation of the node) and between targets (the version of the map).  Pure functions; whoever
 * asks holders, takes turns and commits calls them, so that both placements follow one rule.
 *
 *   holder       who may have a record or a mark of the key: its owner, and those who owned it
 *                under a generation since the last finished placement
 *   generation   of the choice of owners; only ever grows
 */
#ifndef OBJECT_PLACEMENT_RULES_H
#define OBJECT_PLACEMENT_RULES_H

#include "meta/former_record.h"

/* What one holder has of a key.  A record and a tombstone: the one with the greater seq. */
struct placement_holding {
    bool has_record;
    struct seq record_seq;
    bool has_mark;
    struct former_record mark;
};

/* Nothing anywhere. */
#define PLACEMENT_NOBODY SIZE_MAX

/* Rule 6: the owner need not ask anyone.  owned_since: since which generation it has
 * owned the key without a break, cluster_map_owned_since. */
bool placement_counts_alone(const struct placement_holding *own, uint64_t owned_since);

/* Rules 5 and 6: which holder's word is the last one, by seq; the first of equals, so the owner
 * stands first.  PLACEMENT_NOBODY: there is no record and no tombstone.  Who asks
 * others looks and asks again if a MOVED mark has a greater one (object/key_settle.c). */
size_t placement_choose(const struct placement_holding *holdings, size_t count);
/* What a read, a condition or a listing sees of the chosen holding: a record, or that there is
 * none. */
bool placement_shows_record(const struct placement_holding *holdings, size_t chosen);
/* seq of the holding's last word; false: it has none. */
bool placement_seq(const struct placement_holding *holding, struct seq *ret_seq);

/* Rule 6: a move-in of this seq is published only where nothing of an equal or greater one is. */
bool placement_accepts_move_in(const struct placement_holding *own, struct seq incoming);

/* The mark that a write of the owner leaves while the placement is unfinished: a record counts
 * alone from now on, a delete leaves a tombstone besides.  seq is the committer's to fill in. */
void placement_mark_write(bool is_delete, uint64_t generation, struct former_record *ret_mark);
/* The mark that the source leaves; destination is borrowed. */
void placement_mark_moved(struct seq seq, uint64_t generation, struct bytes destination,
                          struct former_record *ret_mark);

/* What the end of a placement drops, in this order with a barrier in between. */
enum placement_sweep {
    PLACEMENT_SWEEP_MOVED, /* when every holder knows that the placement ended */
    PLACEMENT_SWEEP_ALL    /* after the barrier: no MOVED mark is left anywhere */
};
/* Marks of generations after the one that finished are spared. */
bool placement_sweeps_mark(const struct former_record *mark, enum placement_sweep sweep,
                           uint64_t finished_generation);

#endif
