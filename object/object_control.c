/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"

#include "base/banned.h"

#define CONTROL_DIRECTORY "control"
#define CLUSTER_FILE "etcd-cluster"

/* ---- DATA/etcd-cluster ---- */

enum status
object_control_cluster(const char *data_directory, char name[CONTROL_CLUSTER_NAME_BYTES_MAX + 2],
                       struct error *err)
{
    char *path = xasprintf("%s/" CLUSTER_FILE, data_directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, name, CONTROL_CLUSTER_NAME_BYTES_MAX + 1) : 0;
    enum status st = ST_OK;

    if ((fd < 0 && errno != ENOENT) || size < 0) {
        st = fail_errno(err, ST_IO, "%s cannot be read", path);
    } else {
        name[size] = '\0';
        name[strcspn(name, "\n")] = '\0';
        if (fd >= 0 && name[0] == '\0') {
            st = fail(err, ST_CORRUPT, "%s does not name a cluster", path);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return st;
}

/* Complete and synced under its name, or not there at all. */
enum status
object_control_set_cluster(const char *data_directory, const char *name, struct error *err)
{
    char *path = xasprintf("%s/" CLUSTER_FILE, data_directory);
    char *temporary = xasprintf("%s.new", path);
    char *text = xasprintf("%s\n", name);
    int directory = open(data_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum status st = ST_OK;

    if (fd < 0 || directory < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
        fsync(fd) != 0 || rename(temporary, path) != 0 || fsync(directory) != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (directory >= 0) {
        close(directory);
    }
    free(path);
    free(temporary);
    free(text);
    return st;
}

/* ---- opening ---- */

static enum status
stop_at_first(const struct control_value *value, void *arg, struct error *err)
{
    return fail(err, ST_EXISTS, "there are control values");
}

/* No values under DATA/control, which a single node would have left. */
static enum status
require_no_local_values(const char *data_directory, const char *directory, struct error *err)
{
    struct control *control = NULL;
    enum status st;

    if (access(directory, F_OK) != 0) {
        return ST_OK;
    }
    st = control_open_local(directory, &control, err);
    if (st == ST_OK) {
        st = control_list(control, BYTES_NONE, stop_at_first, NULL, NULL);
    }
    control_close(&control);
    return st != ST_EXISTS
               ? st
               : fail(err, ST_INVALID,
                      "%s holds the buckets and users of a single node, which etcd does not know; "
                      "start without --etcd, or with another --data, or take them into a new "
                      "cluster with --init-cluster",
                      data_directory);
}

static enum status
open_etcd(const struct object_store_options *options, const char *node_id, const char *directory,
          const char *known_cluster, struct control **ret_control, struct error *err)
{
    const char *data_directory = options->store.data_directory;
    struct control_etcd_options etcd = options->etcd;
    struct control *control = NULL;
    enum status st = ST_OK;

    if (known_cluster[0] != '\0' && strcmp(known_cluster, etcd.cluster) != 0) {
        return fail(err, ST_INVALID, "%s belongs to the cluster %s, not %s: see --cluster",
                    data_directory, known_cluster, etcd.cluster);
    }
    if (known_cluster[0] == '\0') {
        st = require_no_local_values(data_directory, directory, err);
    }
    if (st != ST_OK) {
        return st;
    }
    etcd.client_id = node_id;
    st = control_open_etcd(&etcd, &control, err);
    if (st == ST_OK && known_cluster[0] == '\0' && !options->store.read_only) {
        st = object_control_set_cluster(data_directory, etcd.cluster, err);
    }
    if (st != ST_OK) {
        control_close(&control);
        return st;
    }
    *ret_control = control;
    return ST_OK;
}

enum status
object_control_open_single(const char *data_directory, struct control **ret_control,
                           struct error *err)
{
    char *directory = xasprintf("%s/" CONTROL_DIRECTORY, data_directory);
    enum status st =
        access(directory, F_OK) == 0
            ? control_open_local(directory, ret_control, err)
            : fail(err, ST_NOT_FOUND, "%s holds nothing of a single node", data_directory);

    free(directory);
    return st;
}

enum status
object_control_open(const struct object_store_options *options, const char *node_id,
                    struct control **ret_control, struct error *err)
{
    const char *data_directory = options->store.data_directory;
    char *directory = xasprintf("%s/" CONTROL_DIRECTORY, data_directory);
    char cluster[CONTROL_CLUSTER_NAME_BYTES_MAX + 2] = "";
    enum status st = object_control_cluster(data_directory, cluster, err);

    if (st == ST_OK && options->etcd.endpoints != NULL) {
        st = open_etcd(options, node_id, directory, cluster, ret_control, err);
    } else if (st == ST_OK && cluster[0] != '\0') {
        st = fail(err, ST_INVALID,
                  "%s belongs to the cluster %s, whose buckets and users are in etcd: start with "
                  "--etcd and --cluster %s",
                  data_directory, cluster, cluster);
    } else if (st == ST_OK) {
        st = control_open_local(directory, ret_control, err);
    }
    free(directory);
    return st;
}
