/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of directory entries that no sync of their directory has made durable yet, in the order
 * in which they were made, with what undoes them.  What an unlink or a replacing rename takes
 * away is kept in the undo directory until then.
 * One lock orders all of them: held from cut_names_lock to cut_names_unlock, around the change and
 * its note, by any thread between cut_gate_enter and cut_gate_leave.
 */
#ifndef TESTS_CUT_NAMES_H
#define TESTS_CUT_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_nodes.h"

/* Where an entry is: its directory, opened, and its name there. */
struct cut_place {
    int dir_fd;
    bool is_tracked;
    char name[NAME_MAX + 1];
    char path[CUT_PATH_SIZE]; /* resolved, with the name */
};

enum cut_entry_kind {
    CUT_ENTRY_CREATE, /* file, link or symbolic link */
    CUT_ENTRY_MKDIR,
    CUT_ENTRY_REMOVE, /* what it named waits in the undo directory */
    CUT_ENTRY_RENAME,
};

/* Nothing was put into the undo directory. */
#define CUT_KEPT_NONE 0

struct cut_entry {
    uint64_t time;
    enum cut_entry_kind kind;
    bool is_lost;              /* a failed sync of its directory dropped it */
    bool is_dropped;           /* decided by the image */
    struct cut_node *object;   /* what the entry names, or named */
    struct cut_node *dir;      /* its directory; of a rename, the source's */
    struct cut_node *to_dir;   /* of a rename */
    uint64_t kept;             /* number in the undo directory: removed or replaced file */
    uint64_t kept_source;      /* a rename between directories: one more link of the file */
    struct cut_node *replaced; /* by a rename */
    char name[NAME_MAX + 1];
    char to_name[NAME_MAX + 1];
};

/* Finds where path leads without following its last component.  False: nowhere, or a path without
 * a name (let the kernel answer).  On success the caller gives the place back. */
bool cut_place_find(struct cut_place *place, int dir_fd, const char *path);
void cut_place_release(struct cut_place *place);

void cut_names_lock(void);
void cut_names_unlock(void);

/* Notes what was done.  The caller holds the lock and has made the change. */
void cut_names_created(const struct cut_place *place, struct cut_node *object, bool is_directory);
void cut_names_removed(const struct cut_place *place, struct cut_node *object, uint64_t kept);
void cut_names_renamed(const struct cut_place *from, const struct cut_place *to,
                       const struct cut_entry *facts);

/* A fresh number in the undo directory, and its name there. */
uint64_t cut_names_keep(void);
void cut_names_kept_name(uint64_t kept, char name[24]);

/* All changes up to the time are durable as far as a sync of this directory makes them so. */
void cut_names_synced(struct cut_node *dir, uint64_t time);
void cut_names_lost(struct cut_node *dir, uint64_t time);

/* The ext4 model: a sync of this file takes its own entry along, with all that happened before. */
void cut_names_synced_file(const struct cut_node *file, uint64_t time);

/* All changes up to the time, anywhere: syncfs. */
void cut_names_synced_all(uint64_t time);

/* The pending changes, oldest first, for the image. */
struct cut_entry *cut_names_pending(uint64_t *ret_count);

#endif
