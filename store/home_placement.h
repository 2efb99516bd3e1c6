/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which mountpaths may be homes, and which were since the last finished placement: the document
 * "placement" in DATA/node.  A member's index is that of its home in the store, and its bit in a
 * choice.  A value without locks; whoever changes it holds the generation
 * (store/generation_guard.h).
 */
#ifndef STORE_HOME_PLACEMENT_H
#define STORE_HOME_PLACEMENT_H

#include "base/bytes.h"
#include "base/status.h"
#include "store/store.h"

#define PLACEMENT_UUID_BYTES 16
/* Changes before the resilver has come to an end; each costs a hash per key and asked home. */
#define PLACEMENT_CHOICE_MAX 32
/* Mountpaths that were given up or detached and are remembered. */
#define PLACEMENT_GONE_MAX 256

struct placement_member {
    unsigned char uuid[PLACEMENT_UUID_BYTES];
    char *directory; /* owned */
    enum mountpath_role role;
    bool is_attached; /* at run time: opened at a start although no option names it */
};

struct placement_choice {
    uint64_t generation;
    uint64_t members; /* a bit per member that may be a home */
};

struct home_placement {
    struct placement_member members[MOUNTPATH_MAX];
    size_t member_count;
    struct placement_member gone[PLACEMENT_GONE_MAX]; /* neither serve nor served since */
    size_t gone_count;
    struct placement_choice choices[PLACEMENT_CHOICE_MAX]; /* ascending; the last one holds, the
                                                              first is the last finished one */
    size_t choice_count;
    bool is_anywhere; /* what came before is not known: any member may hold anything */
};

void home_placement_release(struct home_placement *placement);
void home_placement_copy(const struct home_placement *placement, struct home_placement *ret_copy);

/* Text; appended to out. */
void home_placement_format(const struct home_placement *placement, struct buffer *out);
/* ST_CORRUPT. */
MUST_USE enum status home_placement_parse(struct bytes text, struct home_placement *ret_placement,
                                          struct error *err);

uint64_t home_placement_generation(const struct home_placement *placement); /* 0: no choice yet */
/* Those of role ACTIVE. */
uint64_t home_placement_active(const struct home_placement *placement);
/* Members that may hold records: homes now, or since the last finished placement. */
uint64_t home_placement_holders(const struct home_placement *placement);
/* Those that were detached or forgotten. */
uint64_t home_placement_gone(const struct home_placement *placement);
bool home_placement_is_unfinished(const struct home_placement *placement);
/* The index, or SIZE_MAX. */
size_t home_placement_find(const struct home_placement *placement, const unsigned char *uuid);
/* The gone one, or NULL. */
const struct placement_member *home_placement_find_gone(const struct home_placement *placement,
                                                        const unsigned char *uuid);
/* ST_INVALID: there are MOUNTPATH_MAX, or the directory cannot be kept. */
MUST_USE enum status home_placement_add(struct home_placement *placement, const unsigned char *uuid,
                                        const char *directory, bool is_attached, struct error *err);
/* A new choice of the ACTIVE members under the next generation.  ST_INVALID: none is left.
 * ST_BUSY: too many changes are unfinished. */
MUST_USE enum status home_placement_choose(struct home_placement *placement, struct error *err);
/* Every key is at its home: only the last choice is left, LEAVING members are DETACHED. */
void home_placement_finish(struct home_placement *placement);

/* The owner of a name among the members of a choice, by HRW; SIZE_MAX: the choice is empty. */
uint64_t home_placement_hash(uint64_t bucket_id, struct bytes name);
size_t home_placement_owner(const struct home_placement *placement, uint64_t members,
                            uint64_t hash);

#endif
