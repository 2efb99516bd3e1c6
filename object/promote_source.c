/* SPDX-License-Identifier: Apache-2.0 */
#include "object/promote_source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/memory.h"
#include "object/object_internal.h"
#include "store/home.h"
#include "stream/digest.h"

#include "base/banned.h"

/* A path in messages. */
#define SHOWN_BYTES 200
#define SHOWN(path) (int)((path).size < SHOWN_BYTES ? (path).size : SHOWN_BYTES), (path).data
/* Directories above one another, up to the root of the machine. */
#define ANCESTOR_MAX 4096

/* ---- the server's own data ---- */

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool
is_at(const struct stat *facts, const char *path)
{
    struct stat own;

    return path != NULL && stat(path, &own) == 0 && is_same_file(&own, facts);
}

static bool
is_data(const struct object_store *store, const struct stat *facts)
{
    bool is_own = is_at(facts, store_data_directory(store->store));

    for (size_t i = 0; !is_own && i < store_home_count(store->store); i++) {
        is_own = is_at(facts, home_directory(store_home_at(store->store, i)));
    }
    return is_own;
}

/* Is the directory, or one that it lies in, the server's?  directory_fd stays open. */
static enum status
check_ancestors(const struct object_store *store, int directory_fd, struct error *err)
{
    enum status st = ST_OK;
    int fd = openat(directory_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat facts;

    for (size_t i = 0; st == ST_OK && i < ANCESTOR_MAX; i++) {
        struct stat above;
        int above_fd;

        if (fd < 0 || fstat(fd, &facts) != 0) {
            st = fail_errno(err, ST_IO, "a directory that is to be promoted cannot be looked at");
            break;
        }
        if (is_data(store, &facts)) {
            st = fail(err, ST_DENIED, "the server's own data cannot be promoted");
            break;
        }
        above_fd = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = above_fd;
        if (fd >= 0 && fstat(fd, &above) == 0 && is_same_file(&above, &facts)) {
            break; /* the root */
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return st;
}

/* ---- opening ---- */

static int
open_beneath(int directory_fd, const char *path)
{
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           .resolve =
                               RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, directory_fd, path, &how, sizeof(how));
}

static enum status
fail_open(struct bytes path, struct error *err)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return fail(err, ST_NOT_FOUND, "\"%.*s\" does not exist", SHOWN(path));
    case ELOOP:
    case EXDEV:
        return fail(err, ST_INVALID,
                    "\"%.*s\" leads through a symbolic link, which promote does "
                    "not follow",
                    SHOWN(path));
    case ENXIO:
    case ENODEV:
        return fail(err, ST_INVALID, "\"%.*s\" is neither a file nor a directory", SHOWN(path));
    case ENAMETOOLONG:
        return fail(err, ST_INVALID, "\"%.*s\" is too long", SHOWN(path));
    case EACCES:
    case EPERM:
        return fail(err, ST_DENIED, "this server may not read \"%.*s\"", SHOWN(path));
    default:
        return fail_errno(err, ST_IO, "\"%.*s\" cannot be opened", SHOWN(path));
    }
}

/* name in parent_fd, both kept; a whole path below it is a name, too. */
static enum status
open_child(int parent_fd, const char *name, struct bytes shown, struct promote_source *ret_source,
           struct error *err)
{
    struct promote_source source = {.fd = open_beneath(parent_fd, name), .parent_fd = -1};
    enum status st = ST_OK;

    if (source.fd < 0) {
        return fail_open(shown, err);
    }
    if (fstat(source.fd, &source.facts) != 0) {
        st = fail_errno(err, ST_IO, "\"%.*s\" cannot be looked at", SHOWN(shown));
    } else if (!S_ISREG(source.facts.st_mode) && !S_ISDIR(source.facts.st_mode)) {
        st = fail(err, ST_INVALID, "\"%.*s\" is neither a file nor a directory", SHOWN(shown));
    }
    if (st != ST_OK) {
        (void)close(source.fd);
        return st;
    }
    source.is_directory = S_ISDIR(source.facts.st_mode);
    *ret_source = source;
    return ST_OK;
}

/* Remember by which name it was found; parent_fd stays the caller's. */
static enum status
keep_name(struct promote_source *source, int parent_fd, const char *name, struct error *err)
{
    if (strlen(name) >= sizeof(source->name)) {
        return fail(err, ST_INVALID, "a name of %zu bytes is too long", strlen(name));
    }
    source->parent_fd = fcntl(parent_fd, F_DUPFD_CLOEXEC, 0);
    memcpy(source->name, name, strlen(name) + 1);
    return source->parent_fd >= 0 ? ST_OK : fail_errno(err, ST_IO, "a directory cannot be kept");
}

/* What is behind root in path, without slashes at both ends; false: path is not below it. */
static bool
cut_root(const char *root, struct bytes path, struct bytes *ret_rest)
{
    struct bytes prefix = bytes_of_string(root);

    while (prefix.size > 1 && prefix.data[prefix.size - 1] == '/') {
        prefix.size--;
    }
    if (!bytes_has_prefix(path, prefix) ||
        (path.size > prefix.size && prefix.size > 1 && path.data[prefix.size] != '/')) {
        return false;
    }
    path = bytes_slice(path, prefix.size, path.size);
    while (path.size > 0 && path.data[0] == '/') {
        path = bytes_slice(path, 1, path.size);
    }
    while (path.size > 0 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    *ret_rest = path;
    return true;
}

/* The root itself, or through its last directory, so that it can be removed there. */
static enum status
open_below(const struct object_store *store, int root_fd, struct bytes rest, struct bytes path,
           struct promote_source *ret_source, struct error *err)
{
    char *below = xasprintf("%.*s", BYTES_ARGS(rest));
    char *slash = strrchr(below, '/');
    const char *name = slash != NULL ? slash + 1 : below;
    struct promote_source parent = {.fd = -1, .parent_fd = -1};
    struct promote_source source = {.fd = -1, .parent_fd = -1};
    enum status st = ST_OK;

    if (slash != NULL) {
        *slash = '\0';
    }
    if (rest.size == 0) {
        st = open_child(root_fd, ".", path, &source, err);
    } else {
        st = open_child(root_fd, slash != NULL ? below : ".", path, &parent, err);
        if (st == ST_OK && parent.is_directory) { /* before it tells what there is */
            st = check_ancestors(store, parent.fd, err);
        }
        if (st == ST_OK) {
            st = open_child(parent.fd, name, path, &source, err);
        }
        if (st == ST_OK) {
            st = keep_name(&source, parent.fd, name, err);
        }
    }
    if (st == ST_OK && source.is_directory) {
        st = check_ancestors(store, source.fd, err);
    }
    if (st == ST_OK) {
        *ret_source = source;
    } else {
        promote_source_close(&source);
    }
    promote_source_close(&parent);
    free(below);
    return st;
}

static enum status
check_path(struct bytes path, struct error *err)
{
    struct bytes rest = path;

    if (path.size == 0) {
        return fail(err, ST_INVALID, "invalid promote source: the path is empty");
    }
    if (path.data[0] != '/' || bytes_find_char(path, 0, '\0') != SIZE_MAX) {
        return fail(err, ST_INVALID, "invalid promote source \"%.*s\": must be an absolute path",
                    SHOWN(path));
    }
    while (rest.size > 0) {
        struct bytes part = bytes_cut(&rest, '/');

        if (bytes_equal_string(part, ".") || bytes_equal_string(part, "..")) {
            return fail(err, ST_INVALID,
                        "invalid promote source \"%.*s\": must not contain '.' or '..'",
                        SHOWN(path));
        }
    }
    return ST_OK;
}

enum status
promote_source_open(const struct object_store *store, struct bytes path,
                    struct promote_source *ret_source, struct error *err)
{
    enum status st = check_path(path, err);
    struct bytes rest;
    size_t i = 0;
    int root_fd;

    if (st != ST_OK) {
        return st;
    }
    if (store->promote_from_count == 0) {
        return fail(err, ST_DENIED,
                    "nothing can be promoted: this server was started without --promote-from DIR");
    }
    while (i < store->promote_from_count && !cut_root(store->promote_from[i], path, &rest)) {
        i++;
    }
    if (i == store->promote_from_count) {
        return fail(err, ST_INVALID,
                    "invalid promote source \"%.*s\": must be under a directory given with "
                    "--promote-from, such as \"%.100s\"",
                    SHOWN(path), store->promote_from[0]);
    }
    root_fd = open(store->promote_from[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0) {
        return fail_open(bytes_of_string(store->promote_from[i]), err);
    }
    st = open_below(store, root_fd, rest, path, ret_source, err);
    (void)close(root_fd);
    return st;
}

enum status
promote_source_open_in(const struct object_store *store, const struct promote_source *directory,
                       const char *name, struct promote_source *ret_source, struct error *err)
{
    struct promote_source source;
    enum status st = open_child(directory->fd, name, bytes_of_string(name), &source, err);

    if (st != ST_OK) {
        return st;
    }
    st = keep_name(&source, directory->fd, name, err);
    if (st == ST_OK && source.is_directory && is_data(store, &source.facts)) {
        st = fail(err, ST_DENIED, "the server's own data cannot be promoted");
    }
    if (st == ST_OK) {
        *ret_source = source;
    } else {
        promote_source_close(&source);
    }
    return st;
}

void
promote_source_close(struct promote_source *source)
{
    if (source->fd >= 0) {
        (void)close(source->fd);
    }
    if (source->parent_fd >= 0) {
        (void)close(source->parent_fd);
    }
    source->fd = source->parent_fd = -1;
}

/* ---- what was opened, later ---- */

static bool
is_unwritten(const struct stat *before, const struct stat *now)
{
    return is_same_file(before, now) && before->st_size == now->st_size &&
           before->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           before->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

enum status
promote_source_check(const struct promote_source *source, struct error *err)
{
    struct stat now;

    if (fstat(source->fd, &now) != 0) {
        return fail_errno(err, ST_IO, "a file cannot be looked at");
    }
    return is_unwritten(&source->facts, &now)
               ? ST_OK
               : fail(err, ST_CONFLICT, "the file was written while it was promoted");
}

enum status
promote_source_remove(const struct promote_source *source, struct error *err)
{
    struct stat now;

    if (fstatat(source->parent_fd, source->name, &now, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? ST_OK : fail_errno(err, ST_IO, "a file cannot be looked at");
    }
    if (!is_unwritten(&source->facts, &now)) {
        return fail(err, ST_CONFLICT, "the file was written since it was promoted, and stays");
    }
    if (unlinkat(source->parent_fd, source->name, 0) != 0 && errno != ENOENT) {
        return fail_errno(err,
                          errno == EACCES || errno == EPERM || errno == EROFS ? ST_DENIED : ST_IO,
                          "a promoted file cannot be removed");
    }
    return ST_OK;
}

void
promote_source_identity(const struct promote_source *source, char out[PROMOTE_IDENTITY_SIZE])
{
    const struct stat *facts = &source->facts;
    uint64_t numbers[] = {facts->st_ino,
                          (uint64_t)facts->st_size,
                          facts->st_mode,
                          (uint64_t)facts->st_mtim.tv_sec,
                          (uint64_t)facts->st_mtim.tv_nsec,
                          (uint64_t)facts->st_ctim.tv_sec,
                          (uint64_t)facts->st_ctim.tv_nsec};
    unsigned char encoded[sizeof(numbers)];
    struct digest_value value;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        encode_u64_be(encoded + 8 * i, numbers[i]);
    }
    digest_of(DIGEST_SHA256, bytes_of(encoded, sizeof(encoded)), &value);
    encode_hex(bytes_of(value.data, PROMOTE_IDENTITY_SIZE / 2), out);
}
