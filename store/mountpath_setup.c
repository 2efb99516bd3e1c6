/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mountpath_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/home_internal.h"
#include "store/identity.h"
#include "store/node_record.h"
#include "store/store_limits.h"

#include "base/banned.h"

enum status
make_durable_directory(const char *path, struct error *err)
{
    char *parent = xstrdup(path);
    char *slash;
    int result = mkdir(path, 0700);
    enum status st = ST_OK;

    if (result != 0 && errno != EEXIST) {
        st = fail_errno(err, ST_IO, "cannot create the directory %s", path);
    }
    /* Also when it is there already: whoever made it may have been killed before this sync. */
    if (st == ST_OK) {
        slash = strrchr(parent, '/');
        if (slash != NULL && slash != parent) {
            *slash = '\0';
        }
        if (sync_directory_at(AT_FDCWD,
                              slash == NULL     ? "."
                              : slash == parent ? "/"
                                                : parent,
                              "parent_directory_sync") != 0) {
            st = fail_errno(err, ST_IO, "cannot sync the directory above %s", path);
        }
    }
    free(parent);
    return st;
}

static bool
is_given(const struct store_options *options, const char *directory)
{
    for (size_t i = 0; i < options->mountpath_count; i++) {
        if (strcmp(options->mountpaths[i], directory) == 0) {
            return true;
        }
    }
    return false;
}

/* Compare what stands at the directory with what was registered there. */
enum status
mountpath_check_identity(struct home *home, struct error *err)
{
    const char *node_id = home->store->node_id;
    struct identity identity;
    struct error local = ERROR_INIT;
    int fd = open(home->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st;

    if (fd < 0) {
        fail_errno(&local, ST_UNAVAILABLE, "it cannot be opened");
        home_mark_absent(home, local.text);
        return ST_OK;
    }
    st = identity_read(fd, home->directory, &identity, &local);
    if (st == ST_OK && sync_directory(fd, "identity_found_sync") != 0) {
        st = fail_errno(&local, ST_IO, "its directory cannot be synced");
    }
    close(fd);
    if (st == ST_INVALID) {
        return fail(err, ST_INVALID, "%s", local.text);
    }
    if (st != ST_OK) {
        home_mark_absent(home, st == ST_NOT_FOUND ? "no identity stands there: is it mounted?"
                                                  : local.text);
        return ST_OK;
    }
    if (strcmp(identity.node_id, node_id) != 0) {
        return fail(err, ST_INVALID,
                    "mountpath %s belongs to node %s, this is node %s: give the node its own "
                    "disks, or recover DATA from them",
                    home->directory, identity.node_id, node_id);
    }
    if (memcmp(identity.uuid, home->uuid, sizeof(home->uuid)) != 0) {
        return fail(err, ST_INVALID,
                    "mountpath %s holds another mountpath of this node: disks were swapped; mount "
                    "each where it was",
                    home->directory);
    }
    home->is_expected = true;
    return ST_OK;
}

/* The list of a version that knew no changes at run time. */
static enum status
load_old_list(struct store *store, struct home_placement *placement, struct error *err)
{
    struct node_mountpath registered[MOUNTPATH_MAX];
    struct arena arena = ARENA_INIT;
    size_t count = 0;
    enum status st = node_get_mountpaths(store->node_db, &arena, registered, &count, err);

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        st = home_placement_add(placement, registered[i].uuid, registered[i].directory, false, err);
    }
    if (st == ST_OK && count > 0) {
        st = home_placement_choose(placement, err);
    }
    arena_release(&arena);
    return st;
}

static enum status
load_placement(struct store *store, struct error *err)
{
    struct arena arena = ARENA_INIT;
    struct bytes text;
    enum status st = node_get_document(store->node_db, PLACEMENT_DOCUMENT, &arena, &text, err);

    if (st == ST_OK) {
        st = home_placement_parse(text, &store->placement, err);
    } else if (st == ST_NOT_FOUND) {
        st = load_old_list(store, &store->placement, err);
    }
    arena_release(&arena);
    return st;
}

static enum status
settle_registered(struct store *store, const struct store_options *options, struct error *err)
{
    enum status st = load_placement(store, err);

    for (size_t i = 0; i < store->placement.member_count && st == ST_OK; i++) {
        const struct placement_member *member = &store->placement.members[i];
        struct home *home = home_create(store, member->uuid, member->directory);

        home->index = i;
        store->homes[store->home_count++] = home;
        if (member->role == MOUNTPATH_DETACHED || member->role == MOUNTPATH_FORGOTTEN) {
            home_mark_absent(home, "it was detached or given up");
            continue;
        }
        if (member->is_attached || is_given(options, home->directory)) {
            st = mountpath_check_identity(home, err);
        } else {
            home_mark_absent(home, "it is registered but was not given at this start");
        }
        if (st == ST_OK && !home->is_expected) {
            log_error(NULL, "mountpath_absent", "mountpath %s is not available: %s",
                      home->directory, home->absent_reason);
        }
    }
    return st;
}

/* Everything of a mountpath first, its identity last: what has an identity is complete. */
static enum status
set_up(struct store *store, int fd, const char *directory, struct identity *identity,
       struct error *err)
{
    char *path = xasprintf("%s/meta", directory);
    char *packs = xasprintf("%s/packs", directory);
    struct meta_db_options options = {
        .directory = path,
        .write_buffer_bytes = WRITE_BUFFER_BYTES_MIN,
        .wal_max_bytes = WAL_BYTES_MAX,
        .create_if_missing = true,
    };
    struct meta_db *db = NULL;
    enum status st = identity_check_empty(directory, err);

    if (st == ST_OK) {
        st = make_durable_directory(packs, err);
    }
    if (st == ST_OK) {
        st = meta_db_open(&options, &db, err);
        meta_db_close(&db);
    }
    if (st == ST_OK) {
        memset(identity, 0, sizeof(*identity));
        CHECK(strlen(store->node_id) < sizeof(identity->node_id));
        memcpy(identity->node_id, store->node_id, strlen(store->node_id));
        entropy_fill(identity->uuid, sizeof(identity->uuid));
        st = identity_write(fd, directory, identity, err);
    }
    free(path);
    free(packs);
    return st;
}

/* What this node said of a mountpath when it went; ST_OK: nothing, or that it was detached. */
static enum status
check_not_forgotten(struct store *store, const char *directory, const struct identity *identity,
                    struct error *err)
{
    size_t index = home_placement_find(&store->placement, identity->uuid);
    const struct placement_member *member =
        index != SIZE_MAX ? &store->placement.members[index]
                          : home_placement_find_gone(&store->placement, identity->uuid);

    if (member == NULL || member->role == MOUNTPATH_DETACHED) {
        return ST_OK;
    }
    if (member->role == MOUNTPATH_FORGOTTEN) {
        return fail(err, ST_INVALID,
                    "mountpath %s was given up (forget): what it holds may have been deleted or "
                    "replaced since; empty the directory, then attach it as a new one",
                    directory);
    }
    return fail(err, ST_INVALID,
                "mountpath %s is registered at %s: mount it there, or give that directory",
                directory, member->directory);
}

enum status
mountpath_read_or_set_up(struct store *store, const char *directory, struct identity *identity,
                         bool *ret_was_set_up, struct error *err)
{
    enum status st = make_durable_directory(directory, err);
    int fd;

    if (st != ST_OK) {
        return st;
    }
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, ST_IO, "mountpath %s cannot be opened", directory);
    }
    st = identity_read(fd, directory, identity, err);
    *ret_was_set_up = st == ST_OK;
    if (st == ST_NOT_FOUND) {
        st = set_up(store, fd, directory, identity, err);
    } else if (st == ST_OK && strcmp(identity->node_id, store->node_id) != 0) {
        st = fail(err, ST_INVALID,
                  "mountpath %s belongs to node %s, this is node %s: give an empty directory",
                  directory, identity->node_id, store->node_id);
    } else if (st == ST_OK) {
        st = check_not_forgotten(store, directory, identity, err);
    }
    close(fd);
    return st;
}

/* Was it detached?  Then a start does not bring it back by itself. */
static bool
is_detached(struct store *store, const char *directory)
{
    struct identity identity;
    const struct placement_member *gone = NULL;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && identity_read(fd, directory, &identity, NULL) == ST_OK) {
        size_t index = home_placement_find(&store->placement, identity.uuid);

        gone = index != SIZE_MAX && store->placement.members[index].role == MOUNTPATH_DETACHED
                   ? &store->placement.members[index]
                   : home_placement_find_gone(&store->placement, identity.uuid);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (gone != NULL && gone->role == MOUNTPATH_DETACHED) {
        log_warn(NULL, "mountpath_detached",
                 "mountpath %s was detached and is left out: `lode mountpath attach` brings it "
                 "back",
                 directory);
        return true;
    }
    return false;
}

static enum status
register_new(struct store *store, const char *directory, struct error *err)
{
    struct identity identity;
    struct home *home;
    bool was_set_up = false;
    enum status st = mountpath_read_or_set_up(store, directory, &identity, &was_set_up, err);

    if (st == ST_OK) {
        st = home_placement_add(&store->placement, identity.uuid, directory, false, err);
    }
    if (st != ST_OK) {
        return st;
    }
    /* DATA was lost, or a first start was cut off: it may hold any key. */
    store->placement.is_anywhere |= was_set_up;
    home = home_create(store, identity.uuid, directory);
    home->index = store->home_count;
    home->is_expected = true;
    store->homes[store->home_count++] = home;
    return ST_OK;
}

static bool
is_known(const struct store *store, const char *directory)
{
    for (size_t i = 0; i < store->placement.member_count; i++) {
        const struct placement_member *member = &store->placement.members[i];

        if (strcmp(member->directory, directory) == 0 && member->role != MOUNTPATH_DETACHED &&
            member->role != MOUNTPATH_FORGOTTEN) {
            return true;
        }
    }
    return false;
}

static enum status
settle_new(struct store *store, const struct store_options *options, struct error *err)
{
    size_t known_count = store->home_count;
    enum status st = ST_OK;

    for (size_t i = 0; i < options->mountpath_count && st == ST_OK; i++) {
        const char *directory = options->mountpaths[i];

        if (is_known(store, directory) || is_detached(store, directory)) {
            continue;
        }
        st = options->read_only ? fail(err, ST_INVALID, "mountpath %s is not registered", directory)
                                : register_new(store, directory, err);
    }
    if (st == ST_OK && store->home_count > known_count) {
        st = home_placement_choose(&store->placement, err);
        if (st == ST_OK) {
            st = store_write_placement(store, &store->placement, err);
        }
    }
    return st;
}

enum status
mountpaths_settle(struct store *store, const struct store_options *options, struct error *err)
{
    enum status st = settle_registered(store, options, err);

    if (st == ST_OK) {
        st = settle_new(store, options, err);
    }
    if (st == ST_OK && store->home_count != 0 && options->is_diskless) {
        st = fail(err, ST_INVALID,
                  "a node that is only a gateway has no mountpaths, this one has %zu",
                  store->home_count);
    } else if (st == ST_OK && home_placement_active(&store->placement) == 0 &&
               !options->is_diskless) {
        st = fail(err, ST_INVALID, "no mountpath was given");
    }
    return st;
}
