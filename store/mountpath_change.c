/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach:  identity on disk -> records opened, directories made, control values copied
 *          -> DATA knows it (a new generation) -> operations see it
 * others:  DATA -> operations
 * A stop in between leaves either a mountpath with an identity that DATA does not know, which a
 * later attach takes up, or a generation that the next start finds and resilvers.
 */
#include "store/mountpath_change.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "base/encode.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/chunk_format.h"
#include "store/home_internal.h"
#include "store/housekeeper.h"
#include "store/mirror.h"
#include "store/mountpath_setup.h"
#include "store/pin_table.h"
#include "store/space.h"

#include "base/banned.h"

/* Rounds of upkeep for which a detached home stays open, for those who looked at its state just
 * before it was detached. */
#define CLOSE_AFTER_TICKS 3

static void
begin_change(struct store *store)
{
    WITH_LOCK (&store->mountpath_lock) {
        while (store->is_mountpath_changing) {
            CHECK(pthread_cond_wait(&store->mountpath_changed, &store->mountpath_lock) == 0);
        }
        store->is_mountpath_changing = true;
    }
}

static void
end_change(struct store *store)
{
    WITH_LOCK (&store->mountpath_lock) {
        store->is_mountpath_changing = false;
        CHECK(pthread_cond_broadcast(&store->mountpath_changed) == 0);
    }
}

static bool
role_is_gone(enum mountpath_role role)
{
    return role == MOUNTPATH_DETACHED || role == MOUNTPATH_FORGOTTEN;
}

/* The registered member at directory, or SIZE_MAX. */
static size_t
find_directory(const struct home_placement *placement, const char *directory)
{
    for (size_t i = 0; i < placement->member_count; i++) {
        if (!role_is_gone(placement->members[i].role) &&
            strcmp(placement->members[i].directory, directory) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Make it durable, then let operations see it, with the home that is new (or NULL).  take_next is
 * used up. */
static enum status
install(struct store *store, struct home_placement *take_next, struct home *new_home,
        struct error *err)
{
    enum status st;

    FAULT_KILL("mountpath_before_placement");
    generation_guard_begin_change(store->guard);
    st = store_write_placement(store, take_next, err);
    if (st == ST_OK) {
        FAULT_KILL("mountpath_after_placement");
        if (new_home != NULL && new_home->index == store_home_count(store)) {
            store->homes[new_home->index] = new_home;
            atomic_fetch_add(&store->home_count, 1);
        }
        store_adopt_placement(store, take_next);
    }
    generation_guard_end_change(store->guard);
    home_placement_release(take_next);
    return st;
}

/* Chunk files of every home may stand on it, and its own on all others. */
static enum status
make_chunk_directories(struct store *store, struct home *home, struct error *err)
{
    size_t count = store_home_count(store);
    enum status st = chunk_directories_create(home, home, err);

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct home *other = store_home_at(store, i);

        if (other == home || home_state(other) != HOME_PRESENT) {
            continue;
        }
        st = chunk_directories_create(home, other, err);
        if (st == ST_OK) {
            st = chunk_directories_create(other, home, err);
        }
    }
    return st;
}

/* Everything before operations may use it. */
static enum status
bring_up(struct store *store, struct home *home, struct error *err)
{
    enum status st = home_open(home, err);

    if (st == ST_OK) {
        st = home_compare_note(home, err);
    }
    if (st == ST_OK) {
        st = make_chunk_directories(store, home, err);
    }
    if (st == ST_OK) {
        st = mirror_bring(store->mirror, home, err);
    }
    if (st != ST_OK && home_state(home) == HOME_PRESENT) {
        home_mark_absent(home, "it could not be opened fully: restart the node");
    }
    return st;
}

/* A mountpath that was missing or failed, and whose disk is back. */
static enum status
bring_back(struct store *store, struct home *home, struct error *err)
{
    enum status st;

    if (home->db != NULL) {
        return fail(err, ST_BUSY,
                    "mountpath %s is still open after a failure: restart the node when the disk is "
                    "sound, or detach it",
                    home->directory);
    }
    home->is_expected = false;
    st = mountpath_check_identity(home, err);
    if (st == ST_OK && !home->is_expected) {
        st = fail(err, ST_UNAVAILABLE, "mountpath %s is not available: %s", home->directory,
                  home->absent_reason);
    }
    if (st == ST_OK) {
        mirror_pause(store->mirror);
        generation_guard_begin_change(store->guard); /* nobody meets it half open */
        st = bring_up(store, home, err);
        generation_guard_end_change(store->guard);
        mirror_resume(store->mirror);
    }
    return st;
}

static enum status
change_role(struct store *store, size_t index, enum mountpath_role role, struct error *err)
{
    struct home_placement next;
    uint64_t active_before;
    enum status st = ST_OK;

    home_placement_copy(&store->placement, &next);
    active_before = home_placement_active(&next);
    next.members[index].role = role;
    if (home_placement_active(&next) != active_before || role == MOUNTPATH_FORGOTTEN) {
        st = home_placement_choose(&next, err);
    } else if (!home_placement_is_unfinished(&next)) {
        home_placement_finish(&next); /* it was emptied when it was disabled */
    }
    if (st != ST_OK) {
        home_placement_release(&next);
        return st;
    }
    return install(store, &next, NULL, err);
}

/* Its handle, in a slot of its own or in that of its former life in this process. */
static struct home *
make_home(struct store *store, const struct identity *identity, const char *directory)
{
    size_t index = home_placement_find(&store->placement, identity->uuid);
    struct home *home;

    if (index != SIZE_MAX) {
        home = store->homes[index];
        home_rename(home, directory);
        return home;
    }
    home = home_create(store, identity->uuid, directory);
    home->index = store->placement.member_count;
    return home;
}

static enum status
admit_new(struct store *store, struct home *home, struct error *err)
{
    struct home_placement next;
    enum status st = ST_OK;

    home_placement_copy(&store->placement, &next);
    if (home->index < next.member_count) {
        struct placement_member *member = &next.members[home->index];

        free(member->directory);
        member->directory = xstrdup(home->directory);
        member->role = MOUNTPATH_ACTIVE;
        member->is_attached = true;
    } else {
        st = home_placement_add(&next, home->uuid, home->directory, true, err);
    }
    if (st == ST_OK) {
        st = home_placement_choose(&next, err);
    }
    if (st != ST_OK) {
        home_placement_release(&next);
        return st;
    }
    return install(store, &next, home, err);
}

/* May the slot of a mountpath that comes back, or a new one, be used? */
static enum status
check_slot(struct store *store, const struct identity *identity, const char *directory,
           struct error *err)
{
    size_t index = home_placement_find(&store->placement, identity->uuid);

    if (index != SIZE_MAX && store->homes[index]->db != NULL) {
        return fail(err, ST_BUSY,
                    "mountpath %s was detached a moment ago and is still open: try again",
                    directory);
    }
    if (index == SIZE_MAX && store->placement.member_count == MOUNTPATH_MAX) {
        return fail(err, ST_INVALID,
                    "this node has known %d mountpaths since its start: restart it first",
                    MOUNTPATH_MAX);
    }
    return ST_OK;
}

static enum status
attach_new(struct store *store, const char *directory, struct error *err)
{
    struct identity identity;
    struct home *home;
    bool was_set_up = false;
    enum status st = mountpath_read_or_set_up(store, directory, &identity, &was_set_up, err);

    if (st == ST_OK) {
        st = check_slot(store, &identity, directory, err);
    }
    if (st != ST_OK) {
        return st;
    }
    FAULT_KILL("attach_after_identity");
    home = make_home(store, &identity, directory);
    mirror_pause(store->mirror);
    st = bring_up(store, home, err);
    if (st == ST_OK && was_set_up && !home_is_empty(home)) {
        st = fail(err, ST_INVALID,
                  "mountpath %s holds objects that this node does not know of: empty the "
                  "directory, or recover DATA from its disks",
                  directory);
        home_mark_absent(home, "it holds objects that this node does not know of");
    }
    if (st == ST_OK) {
        FAULT_KILL("attach_after_open");
        st = admit_new(store, home, err);
    }
    mirror_resume(store->mirror);
    if (st != ST_OK && home->index == store_home_count(store)) {
        home_destroy(&home);
    }
    return st;
}

enum status
store_attach(struct store *store, const char *directory, struct error *err)
{
    enum status st = ST_OK;
    size_t index;

    assert_on_worker();
    if (store->options.is_diskless) {
        return fail(err, ST_INVALID, "a node that is only a gateway has no mountpaths");
    }
    begin_change(store);
    index = find_directory(&store->placement, directory);
    if (index == SIZE_MAX) {
        st = attach_new(store, directory, err);
    } else if (store->placement.members[index].role == MOUNTPATH_DISABLED) {
        st = fail(err, ST_EXISTS, "mountpath %s is attached and disabled: enable it", directory);
    } else if (store->placement.members[index].role == MOUNTPATH_ACTIVE &&
               home_state(store->homes[index]) == HOME_PRESENT) {
        st = fail(err, ST_EXISTS, "mountpath %s is attached", directory);
    } else {
        if (home_state(store->homes[index]) != HOME_PRESENT) {
            st = bring_back(store, store->homes[index], err);
        }
        if (st == ST_OK && store->placement.members[index].role == MOUNTPATH_LEAVING) {
            st = change_role(store, index, MOUNTPATH_ACTIVE, err);
        }
    }
    if (st == ST_OK) {
        log_info(NULL, "mountpath_attached", "mountpath %s: generation %llu", directory,
                 (unsigned long long)store_generation(store));
    }
    end_change(store);
    return st;
}

/* So that it is never taken for ours again, should it still be there. */
static void
spoil_identity(const struct home *home)
{
    int fd = open(home->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        if (rename_file(fd, "identity", "identity.forgotten", "identity_forget") == 0) {
            (void)!sync_directory(fd, "identity_forget_sync");
        }
        close(fd);
    }
}

static void
let_go(struct home *home, enum mountpath_role role)
{
    if (home_state(home) != HOME_ABSENT) {
        home_mark_absent(home, role == MOUNTPATH_FORGOTTEN ? "it was given up" : "it was detached");
    }
}

/* After a change: homes whose member is gone serve no more. */
static void
let_go_of_gone(struct store *store)
{
    for (size_t i = 0; i < store->placement.member_count; i++) {
        enum mountpath_role role = store->placement.members[i].role;

        if (role_is_gone(role)) {
            let_go(store->homes[i], role);
        }
    }
}

enum status
store_change_role(struct store *store, const char *directory, enum mountpath_role role,
                  struct error *err)
{
    enum status st = ST_OK;
    size_t index;

    assert_on_worker();
    CHECK(role != MOUNTPATH_DETACHED);
    begin_change(store);
    index = find_directory(&store->placement, directory);
    if (index == SIZE_MAX) {
        st = fail(err, ST_NOT_FOUND, "no mountpath is registered at %s", directory);
    } else if (role == MOUNTPATH_ACTIVE && home_state(store->homes[index]) != HOME_PRESENT) {
        st = bring_back(store, store->homes[index], err);
    }
    if (st == ST_OK && store->placement.members[index].role != role) {
        st = change_role(store, index, role, err);
    }
    if (st == ST_OK) {
        if (role == MOUNTPATH_FORGOTTEN) {
            spoil_identity(store->homes[index]);
        }
        let_go_of_gone(store);
        log_info(NULL, "mountpath_changed", "mountpath %s is %s: generation %llu", directory,
                 mountpath_role_name(store->placement.members[index].role),
                 (unsigned long long)store_generation(store));
    }
    end_change(store);
    return st;
}

/* Files in the directory of a home that is gone: nothing names them any more.  What a kill left
 * behind; failures leave them there. */
static void
remove_files(struct home *mountpath, const struct home *gone)
{
    for (unsigned int shard = 0; shard < CHUNK_SHARD_COUNT; shard++) {
        char path[CHUNK_PATH_SIZE];
        const struct dirent *entry;
        DIR *entries;
        int fd;

        chunk_shard_format(path, gone->uuid, shard);
        fd = openat(mountpath->directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        entries = fd >= 0 ? fdopendir(fd) : NULL;
        if (entries == NULL && fd >= 0) {
            close(fd);
        }
        while (entries != NULL && (entry = readdir(entries)) != NULL) {
            if (entry->d_name[0] != '.') {
                (void)!remove_file(dirfd(entries), entry->d_name, "gone_chunk_unlink");
            }
        }
        if (entries != NULL) {
            closedir(entries);
        }
    }
}

static void
remove_files_of_gone(struct store *store)
{
    size_t count = store_home_count(store);

    for (size_t i = 0; i < count; i++) {
        struct home *gone = store_home_at(store, i);

        for (size_t j = 0; j < count && home_is_gone(gone); j++) {
            struct home *mountpath = store_home_at(store, j);

            if (mountpath != gone && home_state(mountpath) == HOME_PRESENT) {
                remove_files(mountpath, gone);
            }
        }
    }
}

enum status
store_finish_placement(struct store *store, uint64_t generation, struct error *err)
{
    struct home_placement next;
    enum status st = ST_OK;

    assert_on_worker();
    begin_change(store);
    if (store_generation(store) != generation) {
        st = fail(err, ST_CONFLICT, "the mountpaths changed again meanwhile");
    } else if (home_placement_is_unfinished(&store->placement)) {
        home_placement_copy(&store->placement, &next);
        home_placement_finish(&next);
        FAULT_KILL("resilver_before_finish");
        st = install(store, &next, NULL, err);
    }
    if (st == ST_OK) {
        FAULT_KILL("resilver_after_finish");
        let_go_of_gone(store);
        remove_files_of_gone(store);
    }
    end_change(store);
    return st;
}

static bool
is_closable(struct home *home)
{
    return home_state(home) == HOME_ABSENT && home_is_gone(home) && !home_is_holder(home) &&
           home_is_unused(home);
}

void
store_close_detached(struct store *store)
{
    size_t count = store_home_count(store);

    for (size_t i = 0; i < count; i++) {
        struct home *home = store_home_at(store, i);

        if (!is_closable(home)) {
            atomic_store(&home->idle_ticks, 0);
            continue;
        }
        if (atomic_fetch_add(&home->idle_ticks, 1) + 1 != CLOSE_AFTER_TICKS) {
            continue;
        }
        begin_change(store);
        housekeeper_pause(store->housekeeper);
        generation_guard_begin_change(store->guard);
        if (!is_closable(home)) {
            atomic_store(&home->idle_ticks, 0);
        } else if (home->db != NULL) {
            home_close(home);
            log_info(NULL, "mountpath_closed",
                     "mountpath %s is not used any more: it may be pulled", home->directory);
        }
        generation_guard_end_change(store->guard);
        housekeeper_resume(store->housekeeper);
        end_change(store);
    }
}

static struct mountpath_info
describe(struct store *store, const struct placement_member *member, struct home *home,
         struct arena *arena)
{
    struct mountpath_info info = {
        .directory = arena_string(arena, bytes_of_string(member->directory)),
        .role = member->role,
        .state = home == NULL ? HOME_ABSENT : home_state(home),
        .why = "",
    };
    struct error err = ERROR_INIT;

    encode_hex(bytes_of(member->uuid, sizeof(member->uuid)), info.uuid);
    if (home != NULL) {
        info.is_holder = home_is_holder(home);
        info.is_open = home->db != NULL;
        if (!role_is_gone(member->role) && home_require_commits(home, &err) != ST_OK) {
            info.why = arena_string(arena, bytes_of_string(err.text));
        }
        if (home_state(home) != HOME_ABSENT) {
            space_get(home->space, &info.total_bytes, &info.free_bytes);
        }
    }
    return info;
}

void
store_mountpaths(struct store *store, struct arena *arena, struct mountpath_info **ret_infos,
                 size_t *ret_count)
{
    const struct home_placement *placement = &store->placement;
    struct mountpath_info *infos;
    size_t count = 0;

    store_enter(store);
    infos = arena_calloc(arena, placement->member_count + placement->gone_count, sizeof(*infos));
    for (size_t i = 0; i < placement->member_count; i++) {
        infos[count++] = describe(store, &placement->members[i], store->homes[i], arena);
    }
    for (size_t i = 0; i < placement->gone_count; i++) {
        infos[count++] = describe(store, &placement->gone[i], NULL, arena);
    }
    store_leave(store);
    *ret_infos = infos;
    *ret_count = count;
}
