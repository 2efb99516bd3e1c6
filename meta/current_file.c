/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/current_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/disk_sync.h"
#include "base/memory.h"

#include "base/banned.h"

#define MANIFEST_PREFIX "MANIFEST-"

bool
current_file_names_manifest(const char *name)
{
    return strncmp(name, MANIFEST_PREFIX, strlen(MANIFEST_PREFIX)) == 0 &&
           strchr(name, '/') == NULL;
}

enum status
current_file_read(const char *directory, char ret_manifest[META_FILE_NAME_SIZE], struct error *err)
{
    char *path = xasprintf("%s/CURRENT", directory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, ret_manifest, META_FILE_NAME_SIZE - 1);
    enum status st = ST_OK;

    if (size < 0) {
        st = fail_errno(err, ST_NOT_FOUND, "%s: open or read failed", path);
    } else {
        char *end;

        ret_manifest[size] = '\0';
        end = strchr(ret_manifest, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        if (end == NULL || !current_file_names_manifest(ret_manifest)) {
            st = fail(err, ST_CORRUPT, "%s names no manifest", path);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    return st;
}

int
current_file_write(int directory_fd, const char *manifest)
{
    static const struct replace_steps STEPS = {"current_write", "current_sync", "current_rename",
                                               "current_directory_sync"};
    char *text = xasprintf("%s\n", manifest);
    int result = replace_file(directory_fd, "CURRENT", bytes_of_string(text), &STEPS);

    free(text);
    return result;
}
