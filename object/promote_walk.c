/* SPDX-License-Identifier: Apache-2.0 */
#include "object/promote_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

/* Names kept of a directory at a time: a million files are read through a hundred times, and take
 * 2 MiB.  Half as many at each level below, so that all levels together take twice that. */
#define NAMES_MAX ((size_t)8192)
#define NAMES_MIN ((size_t)128)

static size_t
names_max(size_t depth)
{
    size_t max = depth < 16 ? NAMES_MAX >> depth : 0;

    return max > NAMES_MIN ? max : NAMES_MIN;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
drop_names(struct promote_walk_frame *frame, size_t from)
{
    for (size_t i = from; i < frame->count; i++) {
        free(frame->names[i]);
    }
    frame->count = from;
}

/* Only the least so many stay. */
static void
trim_names(struct promote_walk_frame *frame, size_t max)
{
    qsort(frame->names, frame->count, sizeof(*frame->names), compare_names);
    if (frame->count > max) {
        drop_names(frame, max);
        frame->is_read_up = false;
    }
}

static void
take_name(struct promote_walk_frame *frame, const char *name, size_t max)
{
    bool is_beyond =
        !frame->is_read_up && frame->count >= max && strcmp(name, frame->names[max - 1]) > 0;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, frame->after) <= 0 ||
        strlen(name) >= PROMOTE_NAME_SIZE || is_beyond) {
        return;
    }
    if (frame->count == 2 * max) {
        trim_names(frame, max);
    }
    frame->names[frame->count++] = xstrdup(name);
}

/* The next names behind frame->after. */
static enum status
read_names(struct promote_walk_frame *frame, size_t max, struct error *err)
{
    int fd = openat(frame->directory.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    enum status st = ST_OK;

    drop_names(frame, 0);
    frame->next = 0;
    frame->is_read_up = true;
    if (stream == NULL) {
        st = fail_errno(err, ST_IO, "a directory cannot be read");
        if (fd >= 0) {
            (void)close(fd);
        }
        return st;
    }
    if (frame->names == NULL) {
        frame->names = xcalloc(2 * max, sizeof(*frame->names));
    }
    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
        take_name(frame, entry->d_name, max);
    }
    if (errno != 0) {
        st = fail_errno(err, ST_IO, "a directory cannot be read");
    }
    (void)closedir(stream);
    trim_names(frame, max);
    return st;
}

static void
push(struct promote_walk *walk, struct promote_source *take_directory)
{
    struct promote_walk_frame *frame = &walk->frames[walk->depth++];

    memset(frame, 0, sizeof(*frame));
    frame->directory = *take_directory;
    frame->path_size = walk->path.size;
    *take_directory = (struct promote_source){.fd = -1, .parent_fd = -1};
}

static void
pop(struct promote_walk *walk)
{
    struct promote_walk_frame *frame = &walk->frames[--walk->depth];

    drop_names(frame, 0);
    free(frame->names);
    promote_source_close(&frame->directory);
}

static void
append_name(struct promote_walk *walk, const struct promote_walk_frame *frame, const char *name)
{
    walk->path.size = frame->path_size;
    if (frame->path_size > 0) {
        buffer_append_char(&walk->path, '/');
    }
    buffer_append_string(&walk->path, name);
}

/* Down to where a walk ended, as far as its directories are still there. */
static void
go_after(struct promote_walk *walk, struct bytes after)
{
    while (after.size > 0) {
        struct promote_walk_frame *frame = &walk->frames[walk->depth - 1];
        struct bytes name = bytes_cut(&after, '/');
        struct promote_source directory;

        if (name.size >= sizeof(frame->after)) {
            return;
        }
        memcpy(frame->after, name.data, name.size);
        frame->after[name.size] = '\0';
        if (after.size == 0 || !walk->is_recursive || walk->depth == PROMOTE_WALK_DEPTH_MAX ||
            promote_source_open_in(walk->store, &frame->directory, frame->after, &directory,
                                   NULL) != ST_OK) {
            return;
        }
        if (!directory.is_directory) {
            promote_source_close(&directory);
            return;
        }
        append_name(walk, frame, frame->after);
        push(walk, &directory);
    }
}

void
promote_walk_open(struct promote_walk *walk, const struct object_store *store,
                  struct promote_source *take_directory, bool is_recursive, struct bytes after)
{
    CHECK(take_directory->is_directory);
    memset(walk, 0, sizeof(*walk));
    walk->store = store;
    walk->is_recursive = is_recursive;
    push(walk, take_directory);
    go_after(walk, after);
}

/* Goes into a directory; if that cannot be, *ret_entry says why. */
static enum status
enter(struct promote_walk *walk, struct promote_walk_frame *frame, const char *name,
      struct error *err)
{
    struct promote_source directory;
    enum status st;

    if (walk->depth == PROMOTE_WALK_DEPTH_MAX) {
        return fail(err, ST_INVALID, "directories lie more than %d deep", PROMOTE_WALK_DEPTH_MAX);
    }
    st = promote_source_open_in(walk->store, &frame->directory, name, &directory, err);
    if (st == ST_OK && !directory.is_directory) {
        promote_source_close(&directory);
        st = fail(err, ST_CONFLICT, "a directory became a file");
    }
    if (st == ST_OK) {
        push(walk, &directory);
    }
    return st;
}

/* What has this name: true if it is an entry to be shown. */
static bool
take_entry(struct promote_walk *walk, struct promote_walk_frame *frame, const char *name,
           struct promote_walk_entry *entry)
{
    struct stat facts;

    append_name(walk, frame, name);
    *entry = (struct promote_walk_entry){
        .path = buffer_bytes(&walk->path), .directory = &frame->directory, .name = name};
    if (fstatat(frame->directory.fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
        return false; /* gone meanwhile */
    }
    if (S_ISREG(facts.st_mode)) {
        return true;
    }
    if (!S_ISDIR(facts.st_mode)) {
        walk->skipped_count++;
        return false;
    }
    if (!walk->is_recursive) {
        return false;
    }
    entry->status = enter(walk, frame, name, &entry->error);
    return entry->status != ST_OK && entry->status != ST_NOT_FOUND;
}

bool
promote_walk_next(struct promote_walk *walk, struct promote_walk_entry *ret_entry)
{
    while (walk->depth > 0) {
        struct promote_walk_frame *frame = &walk->frames[walk->depth - 1];
        const char *name;

        if (frame->next == frame->count && (frame->names == NULL || !frame->is_read_up)) {
            struct error error = ERROR_INIT;
            enum status st = read_names(frame, names_max(walk->depth - 1), &error);

            if (st != ST_OK) {
                frame->is_read_up = true;
                walk->path.size = frame->path_size;
                *ret_entry = (struct promote_walk_entry){.path = buffer_bytes(&walk->path),
                                                         .directory = &frame->directory,
                                                         .name = "",
                                                         .status = st,
                                                         .error = error};
                drop_names(frame, 0);
                if (frame->names == NULL) { /* not once more */
                    frame->names = xcalloc(1, sizeof(*frame->names));
                }
                return true;
            }
            continue;
        }
        if (frame->next == frame->count) {
            pop(walk);
            continue;
        }
        name = frame->names[frame->next++];
        memcpy(frame->after, name, strlen(name) + 1);
        if (take_entry(walk, frame, name, ret_entry)) {
            return true;
        }
    }
    return false;
}

void
promote_walk_release(struct promote_walk *walk)
{
    while (walk->depth > 0) {
        pop(walk);
    }
    buffer_release(&walk->path);
}
