/* SPDX-License-Identifier: Apache-2.0 */
#include "store/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/disk_sync.h"
#include "base/encode.h"
#include "base/memory.h"
#include "stream/crc.h"

#include "base/banned.h"

#define IDENTITY_FORMAT 1
#define FILE_BYTES_MAX 512

/* "lode-mountpath 1\nnode <id>\nuuid <hex>\ncrc32c <hex of all before>\n" */
static size_t
format_identity(const struct identity *identity, char *out)
{
    char uuid[2 * sizeof(identity->uuid) + 1];
    int size;

    encode_hex(bytes_of(identity->uuid, sizeof(identity->uuid)), uuid);
    size = snprintf(out, FILE_BYTES_MAX, "lode-mountpath %d\nnode %s\nuuid %s\n", IDENTITY_FORMAT,
                    identity->node_id, uuid);
    CHECK(size > 0 && size < FILE_BYTES_MAX - 32);
    size += snprintf(out + size, FILE_BYTES_MAX - (size_t)size, "crc32c %08x\n",
                     crc32_castagnoli(0, bytes_of(out, (size_t)size)));
    return (size_t)size;
}

/* The text after `name ` in the next line of *rest, or NULL data. */
static struct bytes
cut_line(struct bytes *rest, const char *name)
{
    struct bytes line = bytes_cut(rest, '\n');
    size_t name_size = strlen(name);

    if (line.size <= name_size || memcmp(line.data, name, name_size) != 0 ||
        line.data[name_size] != ' ') {
        return BYTES_NONE;
    }
    return bytes_slice(line, name_size + 1, line.size);
}

static enum status
parse_identity(struct bytes text, const char *directory, struct identity *ret_identity,
               struct error *err)
{
    struct identity identity;
    char expected[FILE_BYTES_MAX];
    struct bytes rest = text;
    struct bytes format = cut_line(&rest, "lode-mountpath");
    struct bytes node = cut_line(&rest, "node");
    struct bytes uuid = cut_line(&rest, "uuid");
    uint64_t number = 0;

    memset(&identity, 0, sizeof(identity));
    if (bytes_parse_u64(format, UINT32_MAX, &number) == ST_OK && number > IDENTITY_FORMAT) {
        return fail(err, ST_INVALID,
                    "mountpath %s was written by a newer version (format %llu, this one knows %d); "
                    "start that version",
                    directory, (unsigned long long)number, IDENTITY_FORMAT);
    }
    if (number != IDENTITY_FORMAT || node.size == 0 || node.size >= sizeof(identity.node_id) ||
        uuid.size != 2 * sizeof(identity.uuid) || decode_hex(uuid, identity.uuid) != ST_OK) {
        return fail(err, ST_CORRUPT, "mountpath %s: the file identity is damaged", directory);
    }
    memcpy(identity.node_id, node.data, node.size);
    if (!bytes_equal(text, bytes_of(expected, format_identity(&identity, expected)))) {
        return fail(err, ST_CORRUPT, "mountpath %s: the file identity is damaged", directory);
    }
    *ret_identity = identity;
    return ST_OK;
}

enum status
identity_read(int directory_fd, const char *directory, struct identity *ret_identity,
              struct error *err)
{
    char text[FILE_BYTES_MAX];
    int fd = openat(directory_fd, "identity", O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0) {
        return fail_errno(err, errno == ENOENT ? ST_NOT_FOUND : ST_IO,
                          "mountpath %s: cannot open the file identity", directory);
    }
    size = pread(fd, text, sizeof(text), 0);
    close(fd);
    if (size < 0) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot read the file identity", directory);
    }
    return parse_identity(bytes_of(text, (size_t)size), directory, ret_identity, err);
}

enum status
identity_write(int directory_fd, const char *directory, const struct identity *identity,
               struct error *err)
{
    static const struct replace_steps STEPS = {"identity_write", "identity_sync", "identity_rename",
                                               "identity_directory_sync"};
    char text[FILE_BYTES_MAX];
    struct bytes content = bytes_of(text, format_identity(identity, text));

    if (replace_file(directory_fd, "identity", content, &STEPS) != 0) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot write the file identity", directory);
    }
    return ST_OK;
}

static bool
is_ours(const char *name)
{
    static const char *const NAMES[] = {".",     "..",     "lost+found",   "meta",
                                        "packs", "chunks", "identity.new", "health.probe"};

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum status
identity_check_empty(const char *directory, struct error *err)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;
    enum status st = ST_OK;

    if (entries == NULL) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot be listed", directory);
    }
    while (st == ST_OK && (entry = readdir(entries)) != NULL) {
        if (!is_ours(entry->d_name)) {
            st = fail(err, ST_INVALID,
                      "mountpath %s is not empty (%s) and was not written by Lode; give an empty "
                      "directory",
                      directory, entry->d_name);
        }
    }
    closedir(entries);
    return st;
}
