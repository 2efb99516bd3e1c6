/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/disk_sync.h"
#include "base/log.h"
#include "base/memory.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/resilver_internal.h"

#include "base/banned.h"

enum status
mountpath_note_loss(struct object_store *store, uint64_t bucket_id, struct bytes name,
                    uint32_t part_number, struct error *err)
{
    char *path = xasprintf("%s/" MOUNTPATH_LOSSES_FILE, store_data_directory(store->store));
    struct buffer line = BUFFER_INIT;
    /* Several threads may append: a line is one write. */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    enum status st = ST_OK;

    buffer_printf(&line, "{\"bucket_id\":%llu,\"part\":%u,\"key\":", (unsigned long long)bucket_id,
                  part_number);
    log_append_json_string(&line, name);
    buffer_append_string(&line, "}\n");
    if (fd < 0 || write(fd, line.data, line.size) != (ssize_t)line.size ||
        sync_file_data(fd, "losses_sync") != 0 ||
        sync_directory_at(AT_FDCWD, store_data_directory(store->store), "losses_directory_sync") !=
            0) {
        st = fail_errno(err, ST_IO, "%s cannot be written", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    buffer_release(&line);
    free(path);
    return st;
}

enum status
resilver_note_loss(struct resilver *resilver, uint64_t bucket_id, struct bytes name,
                   uint32_t part_number, struct error *err)
{
    return mountpath_note_loss(resilver->store, bucket_id, name, part_number, err);
}
