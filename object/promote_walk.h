/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a directory that is promoted, in an order that a later walk can go on in: names of
 * each directory by their bytes, directories where their name stands.  Memory is bounded however
 * many files there are: of each directory the next names are read, sorted, used, then read anew.
 * One thread at a time; waits for disks.
 *
 *   open -> next until it is false -> release, in every state
 */
#ifndef OBJECT_PROMOTE_WALK_H
#define OBJECT_PROMOTE_WALK_H

#include "base/arena.h"
#include "object/promote_source.h"

/* Directories in one another. */
#define PROMOTE_WALK_DEPTH_MAX 64

struct promote_walk_frame {
    struct promote_source directory;
    char **names; /* sorted, greater than all used before */
    size_t count;
    size_t next;
    bool is_read_up; /* behind them there are none */
    char after[PROMOTE_NAME_SIZE];
    size_t path_size; /* of the directory */
};

struct promote_walk {
    const struct object_store *store;
    bool is_recursive;
    struct promote_walk_frame frames[PROMOTE_WALK_DEPTH_MAX];
    size_t depth;
    struct buffer path;
    uint64_t skipped_count; /* links, devices: neither files nor directories */
};

struct promote_walk_entry {
    struct bytes path;                      /* below the directory; until the next call */
    const struct promote_source *directory; /* that it stands in; until the next call */
    const char *name;                       /* there */
    /* ST_OK: a file, to be opened with promote_source_open_in.  Else a directory that cannot be
     * walked through, and why. */
    enum status status;
    struct error error;
};

/* Takes the directory.  after: path of the last entry that is not wanted any more, or empty. */
void promote_walk_open(struct promote_walk *walk, const struct object_store *store,
                       struct promote_source *take_directory, bool is_recursive,
                       struct bytes after);
/* False: there is no more. */
bool promote_walk_next(struct promote_walk *walk, struct promote_walk_entry *ret_entry);
void promote_walk_release(struct promote_walk *walk);

#endif
