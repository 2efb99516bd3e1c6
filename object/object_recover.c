/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loded --recover: the mountpaths know which node they belong to and have copies of all control
 * values.  DATA is made anew under that node's id, the mountpaths are registered in it, and the
 * control values are put back.  What exists already is never touched.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "object/control_mirror.h"
#include "object/object_control.h"
#include "object/object_internal.h"
#include "store/identity.h"

#include "base/banned.h"

/* ST_EXISTS unless the directory is missing or empty. */
static enum status
data_require_empty(const char *directory, struct error *err)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    bool is_empty = true;

    if (stream == NULL) {
        return errno == ENOENT ? ST_OK : fail_errno(err, ST_IO, "%s cannot be read", directory);
    }
    while (is_empty && (entry = readdir(stream)) != NULL) {
        is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                   strcmp(entry->d_name, "lost+found") == 0;
    }
    closedir(stream);
    return is_empty ? ST_OK
                    : fail(err, ST_EXISTS,
                           "%s is not empty: recovery only fills an empty directory; move what is "
                           "there out of the way",
                           directory);
}

static enum status
node_id_read(const char *mountpath, struct identity *ret_identity, struct error *err)
{
    int fd = open(mountpath, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st;

    if (fd < 0) {
        return fail_errno(err, ST_INVALID, "the mountpath %s cannot be opened", mountpath);
    }
    st = identity_read(fd, mountpath, ret_identity, err);
    close(fd);
    if (st == ST_NOT_FOUND) {
        return fail(err, ST_INVALID,
                    "%s holds no mountpath: give those of the node that is to be recovered",
                    mountpath);
    }
    return st;
}

/* All mountpaths must belong to one node. */
static enum status
node_id_find(const struct store_options *options, struct identity *ret_identity, struct error *err)
{
    enum status st = ST_OK;

    if (options->mountpath_count == 0) {
        return fail(err, ST_INVALID, "no mountpath was given to recover from");
    }
    for (size_t i = 0; i < options->mountpath_count && st == ST_OK; i++) {
        struct identity identity;

        st = node_id_read(options->mountpaths[i], &identity, err);
        if (st == ST_OK && i > 0 && strcmp(identity.node_id, ret_identity->node_id) != 0) {
            st = fail(err, ST_INVALID, "%s belongs to node %s, %s to node %s",
                      options->mountpaths[0], ret_identity->node_id, options->mountpaths[i],
                      identity.node_id);
        }
        if (st == ST_OK) {
            *ret_identity = identity;
        }
    }
    return st;
}

enum status
object_store_recover(const struct object_store_options *options, struct error *err)
{
    struct store_options store_options = options->store;
    struct store *store = NULL;
    struct control *control = NULL;
    struct identity identity;
    uint64_t count = 0;
    enum status st = data_require_empty(options->store.data_directory, err);

    if (st == ST_OK) {
        st = node_id_find(&options->store, &identity, err);
    }
    if (st != ST_OK) {
        return st;
    }
    store_options.node_id = identity.node_id;
    store_options.is_background_off = true;
    st = store_open(&store_options, &store, err);
    if (st == ST_OK) {
        st = object_control_open(options, identity.node_id, &control, err);
    }
    /* Those of a cluster are all there. */
    if (st == ST_OK && options->etcd.endpoints == NULL) {
        st = control_mirror_restore(store, control, &count, err);
    }
    if (st == ST_OK) {
        log_info(NULL, "data_recovered", "node %s: %llu control values restored", identity.node_id,
                 (unsigned long long)count);
    }
    control_close(&control);
    store_close(&store);
    return st;
}
