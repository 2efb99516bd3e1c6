/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mountpath_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/disk_sync.h"
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
static enum status
check_identity(struct home *home, struct error *err)
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

static enum status
settle_registered(struct store *store, const struct store_options *options, struct error *err)
{
    struct node_mountpath registered[MOUNTPATH_MAX];
    struct arena arena = ARENA_INIT;
    size_t count = 0;
    enum status st = node_get_mountpaths(store->node_db, &arena, registered, &count, err);

    for (size_t i = 0; i < count && st == ST_OK; i++) {
        struct home *home = home_create(store, registered[i].uuid, registered[i].directory);

        store->homes[store->home_count++] = home;
        if (is_given(options, home->directory)) {
            st = check_identity(home, err);
        } else {
            home_mark_absent(home, "it is registered but was not given at this start");
        }
        if (st == ST_OK && !home->is_expected) {
            log_error(NULL, "mountpath_absent", "mountpath %s is not available: %s",
                      home->directory, home->absent_reason);
        }
    }
    arena_release(&arena);
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

/* A directory that this node does not know yet: empty, or set up by a start that was cut off
 * before it was registered. */
static enum status
read_or_set_up(struct store *store, const char *directory, struct identity *identity,
               struct error *err)
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
    if (st == ST_NOT_FOUND) {
        st = set_up(store, fd, directory, identity, err);
    } else if (st == ST_OK && strcmp(identity->node_id, store->node_id) != 0) {
        st = fail(err, ST_INVALID,
                  "mountpath %s belongs to node %s, this is node %s: give an empty directory",
                  directory, identity->node_id, store->node_id);
    } else if (st == ST_OK && store_find_mountpath(store, identity->uuid) != NULL) {
        st = fail(err, ST_INVALID,
                  "mountpath %s is registered at %s: mount it there, or give that directory",
                  directory, store_find_mountpath(store, identity->uuid)->directory);
    }
    close(fd);
    return st;
}

static enum status
register_new(struct store *store, const char *directory, struct error *err)
{
    struct identity identity;
    struct node_mountpath mountpath = {.directory = directory};
    struct home *home;
    enum status st = read_or_set_up(store, directory, &identity, err);

    if (st != ST_OK) {
        return st;
    }
    memcpy(mountpath.uuid, identity.uuid, sizeof(mountpath.uuid));
    st = node_put_mountpath(store->node_db, store->home_count, &mountpath, err);
    if (st != ST_OK) {
        return st;
    }
    home = home_create(store, identity.uuid, directory);
    home->is_expected = true;
    store->homes[store->home_count++] = home;
    return ST_OK;
}

static bool
is_known(const struct store *store, const char *directory)
{
    for (size_t i = 0; i < store->home_count; i++) {
        if (strcmp(store->homes[i]->directory, directory) == 0) {
            return true;
        }
    }
    return false;
}

enum status
mountpaths_settle(struct store *store, const struct store_options *options, struct error *err)
{
    enum status st = settle_registered(store, options, err);

    for (size_t i = 0; i < options->mountpath_count && st == ST_OK; i++) {
        if (is_known(store, options->mountpaths[i])) {
            continue;
        }
        if (options->read_only) {
            st = fail(err, ST_INVALID, "mountpath %s is not registered", options->mountpaths[i]);
        } else if (store->home_count == MOUNTPATH_MAX) {
            st = fail(err, ST_INVALID, "more than %d mountpaths are registered", MOUNTPATH_MAX);
        } else {
            st = register_new(store, options->mountpaths[i], err);
        }
    }
    if (st == ST_OK && store->home_count != 0 && options->is_diskless) {
        st = fail(err, ST_INVALID,
                  "a node that is only a gateway has no mountpaths, this one has %zu",
                  store->home_count);
    } else if (st == ST_OK && store->home_count == 0 && !options->is_diskless) {
        st = fail(err, ST_INVALID, "no mountpath was given");
    }
    return st;
}
