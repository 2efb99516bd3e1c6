/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that change directories.  What they take away is moved into the undo directory, so
 * that the image can bring it back with its bytes.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_config.h"
#include "tests/power_cut/cut_gate.h"
#include "tests/power_cut/cut_names.h"
#include "tests/power_cut/cut_nodes.h"
#include "tests/power_cut/cut_rules.h"

#include "base/banned.h"

/* Finds a tracked place for a call; false: let the kernel do the call.  A fault that a rule wants
 * is stored, and then the place is released already. */
static bool
begin(struct cut_place *place, const char *call, int dir_fd, const char *path, int *ret_fault)
{
    *ret_fault = 0;
    if (!cut_config.is_active || path == NULL || !cut_place_find(place, dir_fd, path)) {
        return false;
    }
    if (!place->is_tracked) {
        cut_place_release(place);
        return false;
    }
    int fault = cut_rules_watch(call) ? cut_rules_fault(call, place->path) : 0;
    if (fault > 0) {
        *ret_fault = fault;
        cut_place_release(place);
        return true;
    }
    cut_gate_enter();
    cut_names_lock();
    return true;
}

static int
end(struct cut_place *place, int result)
{
    int saved = errno;
    cut_names_unlock();
    cut_gate_leave();
    cut_place_release(place);
    errno = saved;
    return result;
}

static int
failed(int error)
{
    errno = error;
    return -1;
}

static bool
look(const struct cut_place *place, struct stat *status)
{
    return fstatat(place->dir_fd, place->name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
note_created(const struct cut_place *place, bool is_new)
{
    struct stat status;
    if (!look(place, &status)) {
        cut_die("%s vanished while it was created", place->path);
    }
    struct cut_node *object = is_new ? cut_nodes_create(&status) : cut_nodes_get(&status);
    cut_names_created(place, object, S_ISDIR(status.st_mode));
}

/* An open for writing of a file that is there: makes it known, and truncates as a change. */
static int
adopt(int fd, int flags)
{
    char path[CUT_PATH_SIZE];
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return fd;
    }
    if (cut_config_path_of(fd, path) && cut_config_tracks(path)) {
        cut_nodes_get(&status);
    }
    if ((flags & O_TRUNC) != 0 && status.st_size > 0 && ftruncate(fd, 0) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static int
create(struct cut_place *place, int flags, mode_t mode)
{
    for (;;) {
        int bare = flags & ~(O_CREAT | O_EXCL | O_TRUNC);
        if ((flags & O_EXCL) == 0) {
            int fd = cut_sys_openat(place->dir_fd, place->name, bare, 0);
            if (fd >= 0 || errno != ENOENT) {
                return end(place, fd);
            }
        }
        int fd = cut_sys_openat(place->dir_fd, place->name, bare | O_CREAT | O_EXCL, mode);
        if (fd < 0 && errno == EEXIST && (flags & O_EXCL) == 0) {
            continue;
        }
        if (fd >= 0) {
            note_created(place, true);
        }
        return end(place, fd);
    }
}

static int
open_at(int dir_fd, const char *path, int flags, mode_t mode)
{
    struct cut_place place;
    int fault = 0;
    bool is_writing = (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != 0;
    if (!cut_config.is_active || (!is_writing && !cut_rules_watch("open"))) {
        return cut_sys_openat(dir_fd, path, flags, mode);
    }
    if ((flags & O_CREAT) == 0 || (flags & O_TMPFILE) == O_TMPFILE) {
        if (cut_rules_watch("open") && cut_place_find(&place, dir_fd, path)) {
            fault = place.is_tracked ? cut_rules_fault("open", place.path) : 0;
            cut_place_release(&place);
        }
        if (fault > 0) {
            return failed(fault);
        }
        int fd = cut_sys_openat(dir_fd, path, is_writing ? flags & ~O_TRUNC : flags, mode);
        return is_writing && (flags & O_PATH) == 0 ? adopt(fd, flags) : fd;
    }
    if (!begin(&place, "open", dir_fd, path, &fault)) {
        return cut_sys_openat(dir_fd, path, flags, mode);
    }
    return fault > 0 ? failed(fault) : adopt(create(&place, flags, mode), flags);
}

static mode_t
mode_from(int flags, va_list args)
{
    bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return has_mode ? (mode_t)va_arg(args, int) : 0;
}

#define DEFINE_OPEN(name)                                                                          \
    CUT_EXPORT int name(const char *path, int flags, ...)                                          \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_from(flags, args);                                                      \
        va_end(args);                                                                              \
        return open_at(AT_FDCWD, path, flags, mode);                                               \
    }
#define DEFINE_OPENAT(name)                                                                        \
    CUT_EXPORT int name(int dir_fd, const char *path, int flags, ...)                              \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_from(flags, args);                                                      \
        va_end(args);                                                                              \
        return open_at(dir_fd, path, flags, mode);                                                 \
    }
int __open_2(const char *path, int flags);
int __openat_2(int dir_fd, const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat64_2(int dir_fd, const char *path, int flags);

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

CUT_EXPORT int
__open_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

CUT_EXPORT int
__open64_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

CUT_EXPORT int
__openat_2(int dir_fd, const char *path, int flags)
{
    return open_at(dir_fd, path, flags, 0);
}

CUT_EXPORT int
__openat64_2(int dir_fd, const char *path, int flags)
{
    return open_at(dir_fd, path, flags, 0);
}

CUT_EXPORT int
creat(const char *path, mode_t mode)
{
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Writes of a stream are made inside the C library, where nothing of ours is called. */
CUT_EXPORT FILE *
fopen(const char *path, const char *mode)
{
    static FILE *(*real)(const char *path, const char *mode);
    struct cut_place place;
    if (cut_config.is_active && strpbrk(mode, "wa+") != NULL &&
        cut_place_find(&place, AT_FDCWD, path)) {
        if (place.is_tracked) {
            cut_die("fopen of %s for writing: its writes cannot be followed", place.path);
        }
        cut_place_release(&place);
    }
    if (real == NULL) {
        real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    }
    return real(path, mode);
}
extern __typeof(fopen) fopen64 __attribute__((alias("fopen"))) CUT_EXPORT;

CUT_EXPORT int
mkdirat(int dir_fd, const char *path, mode_t mode)
{
    struct cut_place place;
    int fault;
    if (!begin(&place, "mkdir", dir_fd, path, &fault)) {
        return (int)syscall(SYS_mkdirat, dir_fd, path, mode);
    }
    if (fault > 0) {
        return failed(fault);
    }
    int result = (int)syscall(SYS_mkdirat, place.dir_fd, place.name, mode);
    if (result == 0) {
        note_created(&place, true);
    }
    return end(&place, result);
}

CUT_EXPORT int
mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

CUT_EXPORT int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    struct cut_place place;
    int fault;
    if (!begin(&place, "link", to_fd, to, &fault)) {
        return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
    }
    if (fault > 0) {
        return failed(fault);
    }
    int result = (int)syscall(SYS_linkat, from_fd, from, place.dir_fd, place.name, flags);
    if (result == 0) {
        note_created(&place, false);
    }
    return end(&place, result);
}

CUT_EXPORT int
link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

CUT_EXPORT int
symlinkat(const char *target, int dir_fd, const char *path)
{
    struct cut_place place;
    int fault;
    if (!begin(&place, "symlink", dir_fd, path, &fault)) {
        return (int)syscall(SYS_symlinkat, target, dir_fd, path);
    }
    if (fault > 0) {
        return failed(fault);
    }
    int result = (int)syscall(SYS_symlinkat, target, place.dir_fd, place.name);
    if (result == 0) {
        note_created(&place, true);
    }
    return end(&place, result);
}

CUT_EXPORT int
symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

static bool
is_empty(int dir_fd, const char *name)
{
    int fd = cut_sys_openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    char buffer[4096];
    bool is_bare = true;
    long length;
    while (is_bare && (length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
                is_bare = false;
            }
            at += entry->d_reclen;
        }
    }
    syscall(SYS_close, fd);
    return is_bare;
}

/* Moves an entry into the undo directory. */
static int
put_away(const struct cut_place *place, uint64_t *ret_kept)
{
    char name[24];
    uint64_t kept = cut_names_keep();
    cut_names_kept_name(kept, name);
    int result = cut_sys_renameat(place->dir_fd, place->name, cut_config.undo_fd, name);
    if (result == 0) {
        *ret_kept = kept;
    }
    return result;
}

/* One more link of a file in the undo directory. */
static int
link_away(const struct cut_place *place, uint64_t *ret_kept)
{
    char name[24];
    uint64_t kept = cut_names_keep();
    cut_names_kept_name(kept, name);
    int result = (int)syscall(SYS_linkat, place->dir_fd, place->name, cut_config.undo_fd, name, 0);
    if (result == 0) {
        *ret_kept = kept;
    }
    return result;
}

CUT_EXPORT int
unlinkat(int dir_fd, const char *path, int flags)
{
    struct cut_place place;
    int fault;
    bool is_directory = (flags & AT_REMOVEDIR) != 0;
    if (!begin(&place, is_directory ? "rmdir" : "unlink", dir_fd, path, &fault)) {
        return (int)syscall(SYS_unlinkat, dir_fd, path, flags);
    }
    if (fault > 0) {
        return failed(fault);
    }
    struct stat status;
    if (!look(&place, &status)) {
        return end(&place, -1);
    }
    if (is_directory != (bool)S_ISDIR(status.st_mode)) {
        return end(&place, failed(is_directory ? ENOTDIR : EISDIR));
    }
    if (is_directory && !is_empty(place.dir_fd, place.name)) {
        return end(&place, failed(ENOTEMPTY));
    }
    uint64_t kept = CUT_KEPT_NONE;
    int result = put_away(&place, &kept);
    if (result == 0) {
        cut_names_removed(&place, cut_nodes_get(&status), kept);
    }
    return end(&place, result);
}

CUT_EXPORT int
unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

CUT_EXPORT int
rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

CUT_EXPORT int
remove(const char *path)
{
    int result = unlink(path);
    return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

static void
forget_kept(uint64_t kept)
{
    if (kept != CUT_KEPT_NONE) {
        char name[24];
        cut_names_kept_name(kept, name);
        syscall(SYS_unlinkat, cut_config.undo_fd, name, 0);
    }
}

/* Why the target of a rename may not be replaced, or 0. */
static int
replace_error(const struct cut_place *to, const struct stat *source, const struct stat *target,
              unsigned flags)
{
    if ((flags & RENAME_NOREPLACE) != 0) {
        return EEXIST;
    }
    if (S_ISDIR(source->st_mode) != S_ISDIR(target->st_mode)) {
        return S_ISDIR(target->st_mode) ? EISDIR : ENOTDIR;
    }
    return S_ISDIR(target->st_mode) && !is_empty(to->dir_fd, to->name) ? ENOTEMPTY : 0;
}

static bool
is_same_directory(const struct cut_place *from, const struct cut_place *to)
{
    struct stat a;
    struct stat b;
    return fstat(from->dir_fd, &a) == 0 && fstat(to->dir_fd, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

/* Both places are tracked, the names locked. */
static int
rename_locked(const struct cut_place *from, const struct cut_place *to, unsigned flags)
{
    struct cut_entry facts = {0};
    struct stat source;
    struct stat target;
    if (!look(from, &source)) {
        return -1;
    }
    bool has_target = look(to, &target);
    if (has_target && source.st_ino == target.st_ino) {
        return 0;
    }
    if (has_target) {
        int error = replace_error(to, &source, &target, flags);
        if (error != 0) {
            return failed(error);
        }
        facts.replaced = cut_nodes_get(&target);
        bool is_directory = S_ISDIR(target.st_mode);
        if ((is_directory ? put_away : link_away)(to, &facts.kept) != 0) {
            return -1;
        }
    }
    facts.object = cut_nodes_get(&source);
    if (!S_ISDIR(source.st_mode) && !is_same_directory(from, to) &&
        link_away(from, &facts.kept_source) != 0) {
        return -1;
    }
    int result = cut_sys_renameat(from->dir_fd, from->name, to->dir_fd, to->name);
    if (result == 0) {
        cut_names_renamed(from, to, &facts);
    } else {
        int saved = errno;
        forget_kept(facts.kept);
        forget_kept(facts.kept_source);
        errno = saved;
    }
    return result;
}

CUT_EXPORT int
renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    struct cut_place source;
    struct cut_place target;
    int fault;
    bool is_from_found = cut_config.is_active && cut_place_find(&source, from_fd, from);
    if (!begin(&target, "rename", to_fd, to, &fault)) {
        if (is_from_found) {
            if (source.is_tracked) {
                cut_die("%s is moved out of the tracked directories", source.path);
            }
            cut_place_release(&source);
        }
        return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
    }
    if (fault > 0) {
        if (is_from_found) {
            cut_place_release(&source);
        }
        return failed(fault);
    }
    if (!is_from_found) {
        return end(&target, failed(ENOENT));
    }
    if (!source.is_tracked || (flags & ~(unsigned)RENAME_NOREPLACE) != 0) {
        cut_die("the rename %s -> %s cannot be followed", source.path, target.path);
    }
    int result = end(&target, rename_locked(&source, &target, flags));
    cut_place_release(&source);
    return result;
}

CUT_EXPORT int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return renameat2(from_fd, from, to_fd, to, 0);
}

CUT_EXPORT int
rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
