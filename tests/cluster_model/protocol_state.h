/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One state of the model, small enough to be kept a million times, and what a scenario fixes.
 *
 * A gateway needs no state: it may be as stale as any target, so an operation may reach any target
 * at any time, and the target decides by what it knows itself.  A listing page has the version that
 * its gateway believes in.
 */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_STATE_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/cluster_model/protocol_history.h"
#include "tests/cluster_model/protocol_rules.h"

#define PROTOCOL_KEYS 2
#define PROTOCOL_TARGETS 3
#define PROTOCOL_PLACEMENTS 4
#define PROTOCOL_OPS 4
#define PROTOCOL_MOVES 2

/* Map version: twice the placement, plus one once it is finished. */
#define VERSION_PLACEMENT(version) ((unsigned int)(version) >> 1)
#define VERSION_IS_FINISHED(version) (((version)&1) != 0)

enum cell_kind { CELL_NONE, CELL_MOVED, CELL_TOMBSTONE, CELL_RECORD };

/* What a target has on disk of a key. */
struct cell {
    uint8_t kind;
    uint8_t seq; /* placement in the high half, counter in the low one */
    uint8_t value;
    uint8_t confirmed; /* placement + 1; 0: moved in */
    uint8_t written;   /* placement under which it was written here */
};

struct target {
    uint8_t is_up;
    uint8_t has_home;
    uint8_t known;    /* map version */
    uint8_t stopped;  /* on disk: revision that was acknowledged; 0: none */
    uint8_t sent;     /* revision in an acknowledgment under way; 0: none */
    uint8_t done;     /* placement + 1 of the last report_done */
    uint8_t has_note; /* of the upload */
    uint8_t counter;
    struct cell cells[PROTOCOL_KEYS];
};

enum op_kind { OP_NONE, OP_PUT, OP_DELETE, OP_PUT_IF_ABSENT, OP_COMPLETE, OP_GET, OP_COPY };
/* RELAYED: a read whose head was answered, while a former sends the body. */
enum op_state { OP_UNUSED, OP_AGAIN, OP_ADMITTED, OP_TAKEN, OP_RELAYED, OP_ENDED };

struct op {
    uint8_t kind;
    uint8_t state;
    uint8_t key;
    uint8_t at;       /* target */
    uint8_t admitted; /* map version */
    uint8_t asked;    /* formers that answered */
    uint8_t has_note; /* one of them has the upload's note */
    uint8_t pulls;    /* of a copy */
    uint8_t pulled_seq;
    uint8_t pulled_value;
    uint8_t former;   /* RELAYED: who sends */
    struct cell best; /* of the answers */
};

enum move_state { MOVE_NONE, MOVE_SENT, MOVE_ANSWERED };

struct move {
    uint8_t state;
    uint8_t version;
    uint8_t source;
    uint8_t destination;
    uint8_t key;
    uint8_t kind;
    uint8_t seq;
    uint8_t value;
};

/* A copy that a cleanup has judged, until its committer takes it. */
struct judged {
    uint8_t is_open;
    uint8_t version;
    uint8_t target;
    uint8_t key;
    uint8_t seq;
    uint8_t is_elsewhere; /* the owner had it, or a newer one */
};

struct page {
    uint8_t is_open;
    uint8_t version;
    uint8_t asked;
    struct cell best[PROTOCOL_KEYS];
};

enum violation {
    VIOLATION_NONE,
    VIOLATION_HISTORY,
    VIOLATION_LISTING,
    VIOLATION_TWO_OWNERS,
    VIOLATION_MIXED_COPY,
    VIOLATION_MIXED_READ,
    VIOLATION_LAST_COPY,
    VIOLATION_UNREADABLE,
    VIOLATION_STUCK
};

struct state {
    uint16_t histories[PROTOCOL_KEYS];
    struct target targets[PROTOCOL_TARGETS];
    uint8_t placement; /* the control store: the active one, */
    uint8_t finished;  /* bits by placement, */
    uint8_t pending;   /* the pending one or 0, */
    uint8_t revision;  /* of the pending value, counting up, */
    uint8_t acknowledged;
    uint8_t decided; /* a leader on its way to activate this revision */
    uint8_t crashes; /* what the scenario still allows */
    uint8_t home_losses;
    uint8_t withdrawals;
    uint8_t pages;
    uint8_t put_backs;
    uint8_t cleanups;
    uint8_t stray; /* target + 1 whose disk was put back */
    uint8_t violation;
    struct judged judged;
    struct page page;
    struct op ops[PROTOCOL_OPS];
    struct move moves[PROTOCOL_MOVES];
};

struct scenario {
    const char *name;
    uint8_t orders[PROTOCOL_KEYS][PROTOCOL_TARGETS]; /* what HRW says */
    uint8_t placement_count;
    uint8_t members[PROTOCOL_PLACEMENTS]; /* who is in the map, maintenance included */
    uint8_t placed[PROTOCOL_PLACEMENTS];  /* who counts for ownership */
    uint8_t removed;                      /* targets that the last placement gives up */
    uint8_t key_count;
    uint8_t has_value; /* keys that exist at the start */
    uint8_t op_kinds;  /* bits by op_kind */
    uint8_t op_keys;   /* keys that operations name */
    uint8_t op_count;
    uint8_t crashes;
    uint8_t home_losses;
    uint8_t withdrawals;
    uint8_t pages;
    uint8_t put_backs; /* of the disk that had key 0 first */
    uint8_t cleanups;
    uint8_t repeated; /* placements, as bits, that an operator asks for: of the same targets */
    uint8_t move_count;
    bool has_slow_leader;
    bool has_reads;   /* reads that begin and end at once */
    bool asks_always; /* unconditional writes ask too */
};

struct model {
    const struct scenario *scenario;
    uint64_t rules_off;
    /* A variant: deletes leave tombstones until all marks of the last placement are dropped. */
    bool keeps_tombstones;
};

static inline bool
model_has(const struct model *model, enum protocol_rule rule)
{
    return (model->rules_off & PROTOCOL_RULE_BIT(rule)) == 0;
}

static inline bool
has_bit(unsigned int bits, unsigned int number)
{
    return (bits >> number & 1) != 0;
}

void state_start(const struct model *model, struct state *ret_state);
/* Version that the control store has. */
unsigned int state_version(const struct state *state);
unsigned int model_owner(const struct model *model, unsigned int placement, unsigned int key);
bool model_is_member(const struct model *model, unsigned int placement, unsigned int target);
/* Rule 6: F under a map version. */
unsigned int state_last_finished(const struct state *state, unsigned int version);
/* Formers as bits; those that rules which are off leave out are missing. */
unsigned int state_formers(const struct model *model, const struct state *state,
                           unsigned int version, unsigned int key);
/* Did the target own the key in all placements of [first, last]? */
bool model_owned_throughout(const struct model *model, unsigned int first, unsigned int last,
                            unsigned int target, unsigned int key);
bool state_counts_alone(const struct model *model, const struct state *state, unsigned int target,
                        unsigned int key);
bool state_is_stopped(const struct model *model, const struct state *state, unsigned int target,
                      unsigned int key);
/* Rule 1: it would admit an operation on the key now. */
bool state_may_serve(const struct model *model, const struct state *state, unsigned int target,
                     unsigned int key);
/* The target sends nothing more: the bodies that it was sending are cut. */
void state_cut_relays(struct state *state, unsigned int former);
/* Applies an event to a key's history; notes the violation. */
void state_event(struct state *state, unsigned int key, enum history_event event, unsigned int a,
                 unsigned int b);
/* A target's cell as it counts for one that knows the map version: marks and tombstones of a
 * finished placement, and marks that name a removed target, are absent. */
struct cell state_counting(const struct model *model, const struct state *state,
                           unsigned int target, unsigned int key, unsigned int version);
/* Has every member dropped its marks of placements up to this finished one? */
bool state_has_dropped_marks(const struct model *model, const struct state *state,
                             unsigned int finished);
/* Nothing of the present placement is left to do, and all know. */
bool state_is_done(const struct model *model, const struct state *state);
/* Rule 5: greater seq wins; of equals, a record or tombstone over the mark that speaks of it. */
struct cell cell_greater(struct cell left, struct cell right);
const char *violation_text(enum violation violation);

#endif
