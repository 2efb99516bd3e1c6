/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers by a 16-byte id: what a check expects of chunk files, packs, pages and buckets.  Memory:
 * about 64 bytes per id, as long as the check runs.  One thread.
 */
#ifndef OBJECT_FSCK_TALLY_H
#define OBJECT_FSCK_TALLY_H

#include "base/bytes.h"

#define FSCK_TALLY_VALUES 3

struct fsck_tally_entry {
    unsigned char id[16];
    bool is_used;
    bool is_seen; /* the record that it is compared with was there */
    int64_t values[FSCK_TALLY_VALUES];
};

struct fsck_tally {
    struct fsck_tally_entry *slots;
    size_t slot_count;
    size_t count;
};

#define FSCK_TALLY_INIT ((struct fsck_tally){NULL, 0, 0})

void fsck_tally_release(struct fsck_tally *tally);
/* The id's entry, new ones with zeros.  Valid until the next call of this function. */
struct fsck_tally_entry *fsck_tally_at(struct fsck_tally *tally, const unsigned char id[16]);
struct fsck_tally_entry *fsck_tally_find(struct fsck_tally *tally, const unsigned char id[16]);
/* A number as an id. */
void fsck_tally_number(uint64_t number, unsigned char ret_id[16]);
uint64_t fsck_tally_number_of(const struct fsck_tally_entry *entry);

#endif
