/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_names.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tests/power_cut/cut_calls.h"
#include "tests/power_cut/cut_gate.h"

#include "base/banned.h"

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cut_entry *entries;
static uint64_t entry_count;
static uint64_t entry_capacity;
static uint64_t last_kept;

bool
cut_place_find(struct cut_place *place, int dir_fd, const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    size_t start = length;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    if (length == start || length - start > NAME_MAX || start >= CUT_PATH_SIZE) {
        return false;
    }
    char parent[CUT_PATH_SIZE];
    snprintf(place->name, sizeof(place->name), "%.*s", (int)(length - start), path + start);
    snprintf(parent, sizeof(parent), "%.*s", (int)start, path);
    if (strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
        return false;
    }
    int saved = errno;
    place->dir_fd = cut_high_fd(
        cut_sys_openat(dir_fd, start == 0 ? "." : parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    if (place->dir_fd < 0 || !cut_config_path_of(place->dir_fd, place->path)) {
        if (place->dir_fd >= 0) {
            syscall(SYS_close, place->dir_fd);
        }
        errno = saved;
        return false;
    }
    place->is_tracked = cut_config_tracks(place->path);
    size_t used = strlen(place->path);
    snprintf(place->path + used, sizeof(place->path) - used, "/%s", place->name);
    return true;
}

void
cut_place_release(struct cut_place *place)
{
    int saved = errno;
    if (place->dir_fd >= 0) {
        syscall(SYS_close, place->dir_fd);
    }
    errno = saved;
}

void
cut_names_lock(void)
{
    pthread_mutex_lock(&names_lock);
}

void
cut_names_unlock(void)
{
    pthread_mutex_unlock(&names_lock);
}

/* The node of the place's directory, which keeps a descriptor of it from now on. */
static struct cut_node *
directory_of(const struct cut_place *place)
{
    struct stat status;
    if (fstat(place->dir_fd, &status) != 0) {
        cut_die("fstat of a tracked directory: %s", strerror(errno));
    }
    struct cut_node *node = cut_nodes_get(&status);
    if (node->path_fd < 0) {
        node->path_fd = fcntl(place->dir_fd, F_DUPFD_CLOEXEC, CUT_FD_BASE);
        if (node->path_fd < 0) {
            cut_die("out of descriptors: %s", strerror(errno));
        }
    }
    return node;
}

static void
add(const struct cut_entry *entry)
{
    if (entry_count == entry_capacity) {
        entry_capacity = entry_capacity == 0 ? 64 : entry_capacity * 2;
        entries = xrealloc_array(entries, entry_capacity, sizeof(*entries));
    }
    entries[entry_count] = *entry;
    entries[entry_count].time = cut_gate_time();
    entry_count++;
}

void
cut_names_created(const struct cut_place *place, struct cut_node *object, bool is_directory)
{
    struct cut_entry entry = {.kind = is_directory ? CUT_ENTRY_MKDIR : CUT_ENTRY_CREATE,
                              .object = object,
                              .dir = directory_of(place)};
    snprintf(entry.name, sizeof(entry.name), "%s", place->name);
    add(&entry);
}

void
cut_names_removed(const struct cut_place *place, struct cut_node *object, uint64_t kept)
{
    struct cut_entry entry = {
        .kind = CUT_ENTRY_REMOVE, .object = object, .dir = directory_of(place), .kept = kept};
    snprintf(entry.name, sizeof(entry.name), "%s", place->name);
    add(&entry);
}

void
cut_names_renamed(const struct cut_place *from, const struct cut_place *to,
                  const struct cut_entry *facts)
{
    struct cut_entry entry = *facts;
    entry.kind = CUT_ENTRY_RENAME;
    entry.dir = directory_of(from);
    entry.to_dir = directory_of(to);
    snprintf(entry.name, sizeof(entry.name), "%s", from->name);
    snprintf(entry.to_name, sizeof(entry.to_name), "%s", to->name);
    add(&entry);
}

uint64_t
cut_names_keep(void)
{
    return ++last_kept;
}

void
cut_names_kept_name(uint64_t kept, char name[24])
{
    snprintf(name, 24, "%llu", (unsigned long long)kept);
}

/* Really removes what an undo would have needed.  With its last name the node dies. */
static void
let_go(uint64_t kept, struct cut_node *object)
{
    if (kept == CUT_KEPT_NONE) {
        return;
    }
    char name[24];
    struct stat status;
    cut_names_kept_name(kept, name);
    if (fstatat(cut_config.undo_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }
    bool is_directory = S_ISDIR(status.st_mode);
    syscall(SYS_unlinkat, cut_config.undo_fd, name, is_directory ? AT_REMOVEDIR : 0);
    if (object != NULL && (is_directory || status.st_nlink <= 1)) {
        cut_node_kill(object);
    }
}

/* A rename between directories of which only the destination was synced: that the file is there
 * is durable, that it is no longer at the source is not. */
static void
halve(struct cut_entry *entry)
{
    let_go(entry->kept, entry->replaced);
    entry->kind = CUT_ENTRY_REMOVE;
    entry->kept = entry->kept_source;
    entry->kept_source = CUT_KEPT_NONE;
    entry->to_dir = NULL;
}

static void
settle(struct cut_entry *entry)
{
    let_go(entry->kept, entry->kind == CUT_ENTRY_RENAME ? entry->replaced : entry->object);
    let_go(entry->kept_source, NULL);
}

static bool
touches(const struct cut_entry *entry, const struct cut_node *dir, const char *name)
{
    return (entry->dir == dir && strcmp(entry->name, name) == 0) ||
           (entry->to_dir == dir && entry->to_dir != NULL && strcmp(entry->to_name, name) == 0);
}

/* A lost change does become durable when a later one of the same name does: the sync wrote the
 * directory's block as it was in memory. */
static bool
is_carried(uint64_t index, const struct cut_node *dir, uint64_t time)
{
    for (uint64_t i = index + 1; i < entry_count && entries[i].time <= time; i++) {
        if (!entries[i].is_lost && (entries[i].dir == dir || entries[i].to_dir == dir) &&
            touches(&entries[i], entries[index].dir, entries[index].name)) {
            return true;
        }
    }
    return false;
}

void
cut_names_synced(struct cut_node *dir, uint64_t time)
{
    cut_names_lock();
    if (cut_config.model == CUT_MODEL_EXT4) {
        /* The journal commits everything up to the last change of this directory. */
        uint64_t last = 0;
        for (uint64_t i = 0; i < entry_count && entries[i].time <= time; i++) {
            if ((entries[i].dir == dir || entries[i].to_dir == dir) && !entries[i].is_lost) {
                last = entries[i].time;
            }
        }
        cut_names_unlock();
        cut_names_synced_all(last);
        return;
    }
    uint64_t left = 0;
    for (uint64_t i = 0; i < entry_count; i++) {
        struct cut_entry *entry = &entries[i];
        bool is_due = entry->time <= time && (!entry->is_lost || is_carried(i, dir, time));
        if (is_due && entry->kind == CUT_ENTRY_RENAME && entry->to_dir == dir &&
            entry->dir != dir && entry->kept_source != CUT_KEPT_NONE) {
            halve(entry);
        } else if (is_due && (entry->dir == dir || entry->to_dir == dir)) {
            settle(entry);
            continue;
        }
        if (left != i) {
            entries[left] = *entry;
        }
        left++;
    }
    entry_count = left;
    cut_names_unlock();
}

void
cut_names_synced_all(uint64_t time)
{
    cut_names_lock();
    uint64_t done = 0;
    while (done < entry_count && entries[done].time <= time && !entries[done].is_lost) {
        settle(&entries[done++]);
    }
    entry_count -= done;
    memmove(entries, entries + done, entry_count * sizeof(*entries));
    cut_names_unlock();
}

void
cut_names_synced_file(const struct cut_node *file, uint64_t time)
{
    if (cut_config.model != CUT_MODEL_EXT4) {
        return;
    }
    uint64_t last = 0;
    cut_names_lock();
    for (uint64_t i = 0; i < entry_count && entries[i].time <= time; i++) {
        if (entries[i].object == file && !entries[i].is_lost) {
            last = entries[i].time;
        }
    }
    cut_names_unlock();
    cut_names_synced_all(last);
}

void
cut_names_lost(struct cut_node *dir, uint64_t time)
{
    cut_names_lock();
    for (uint64_t i = 0; i < entry_count && entries[i].time <= time; i++) {
        if (entries[i].dir == dir || entries[i].to_dir == dir) {
            entries[i].is_lost = true;
        }
    }
    cut_names_unlock();
}

struct cut_entry *
cut_names_pending(uint64_t *ret_count)
{
    *ret_count = entry_count;
    return entries;
}
