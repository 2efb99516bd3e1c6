/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file or directory of this machine that a request names, for promotion to objects.  Only what
 * lies below a directory that the operator gave (--promote-from, object_store_options) is opened,
 * by openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS: no link and no ".." leads out, whoever
 * changes the tree meanwhile.  Never anything of DATA or a mountpath.  Any thread; may wait for a
 * disk.
 */
#ifndef OBJECT_PROMOTE_SOURCE_H
#define OBJECT_PROMOTE_SOURCE_H

#include <sys/stat.h>

#include "object/object_store.h"

/* One name in a directory, terminated. */
#define PROMOTE_NAME_SIZE 256
/* Hexadecimal, of promote_source_identity. */
#define PROMOTE_IDENTITY_SIZE 33

struct promote_source {
    int fd;
    bool is_directory;
    struct stat facts; /* when it was opened */
    /* For promote_source_remove; of a directory that may be promoted itself: -1. */
    int parent_fd;
    char name[PROMOTE_NAME_SIZE];
};

/* path: absolute.  ST_DENIED: no directory was given, or it is part of the server's own data;
 * ST_INVALID: relative, with "." or "..", below none of the directories, through a symbolic link,
 * neither file nor directory; ST_NOT_FOUND; ST_IO. */
MUST_USE enum status promote_source_open(const struct object_store *store, struct bytes path,
                                         struct promote_source *ret_source, struct error *err);
/* What has this name in a directory.  Refusals as above. */
MUST_USE enum status promote_source_open_in(const struct object_store *store,
                                            const struct promote_source *directory,
                                            const char *name, struct promote_source *ret_source,
                                            struct error *err);
void promote_source_close(struct promote_source *source);

/* ST_CONFLICT: it was written since it was opened. */
MUST_USE enum status promote_source_check(const struct promote_source *source, struct error *err);
/* Removes the file, if its name still is that of what was opened, and that was not written since;
 * else ST_CONFLICT, and it stays. */
MUST_USE enum status promote_source_remove(const struct promote_source *source, struct error *err);
/* The same on all nodes that see the same file or directory of a shared filesystem, and on no
 * others: inode, size, times of the last changes. */
void promote_source_identity(const struct promote_source *source, char out[PROMOTE_IDENTITY_SIZE]);

#endif
