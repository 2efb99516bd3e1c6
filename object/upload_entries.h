/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of all uploads of one name in a home, and of their parts, for who moves them.
 */
#ifndef OBJECT_UPLOAD_ENTRIES_H
#define OBJECT_UPLOAD_ENTRIES_H

#include "base/affinity.h"
#include "meta/meta_key.h"
#include "store/home.h"

struct upload_entry {
    struct meta_key key;
    struct upload_id id;
    uint32_t number; /* 0: the upload itself */
    bool has_upload; /* the upload's record is here too */
};

struct upload_entries {
    struct upload_entry *entries;
    size_t count;
    size_t capacity;
};

/* At most count_max more (1: is there any?).  Release it also when it failed. */
MUST_USE ON_WORKER enum status upload_entries_read(struct home *home, uint64_t bucket_id,
                                                   struct bytes name, size_t count_max,
                                                   struct upload_entries *list, struct error *err);
void upload_entries_release(struct upload_entries *list);

#endif
