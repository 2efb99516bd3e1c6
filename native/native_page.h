/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of a listing, encoded as they come.  One worker.
 * SPEC: AIStore cmn/objlist.go: msgpack keys UUID, ContinuationToken, Entries, Flags; of an entry
 * n cs a v t m s c f, all but n left out when empty.
 */
#ifndef NATIVE_NATIVE_PAGE_H
#define NATIVE_NATIVE_PAGE_H

#include "cluster/cluster_map.h"
#include "object/bucket.h"

/* SPEC: bits of an entry's flags. */
#define NATIVE_ENTRY_PRESENT 64U
#define NATIVE_ENTRY_DIRECTORY 256U
#define NATIVE_ENTRY_CHUNKED 8192U

struct native_page {
    struct bytes location;         /* of all entries, where map is NULL */
    const struct cluster_map *map; /* else each is with its owner; borrowed */
    struct bytes uname;            /* of the bucket: object_cluster_uname */
    unsigned int properties;       /* NATIVE_LIST_SIZE and so on */
    bool has_directories;
    bool is_msgpack;
    struct buffer entries; /* encoded */
    size_t count;
};

/* object_list_fn. */
void native_page_take(struct bytes name, const struct object_record *record, void *arg);
/* uuid empty: one is made. */
void native_page_finish(struct native_page *page, struct bytes uuid, struct bytes token,
                        struct buffer *out);
void native_page_release(struct native_page *page);

#endif
