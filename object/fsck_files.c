/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/memory.h"
#include "object/fsck_home.h"
#include "object/object_internal.h"
#include "store/chunk_format.h"

#include "base/banned.h"

/* Is the file named by now, being written, or about to be removed? */
static bool
chunk_is_wanted(struct fsck_check *check, struct chunk_id id)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    bool is_wanted;

    if (home_has_chunk_under_way(check->home, id)) {
        return true;
    }
    meta_key_chunk(&key, id);
    is_wanted = meta_db_get(home_db(check->home), FAMILY_CHUNK, meta_key_bytes(&key), true, &value,
                            NULL) != ST_NOT_FOUND;
    meta_value_release(&value);
    return is_wanted;
}

static void
orphan_take(struct fsck_check *check, const char *path, const char *why)
{
    fsck_found(check, FSCK_FILE_ORPHAN, "%s: %s", path, why);
    if (check->options->repairs && unlink(path) == 0) {
        check->summary.repaired_count++;
    }
}

static bool
file_is_old(struct fsck_check *check, const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 &&
           clock_wall_s() - status.st_mtim.tv_sec >= check->options->orphan_age_s;
}

static void
chunk_file_check(struct fsck_check *check, const char *path, const char *name)
{
    struct chunk_id id;

    check->summary.file_count++;
    if (strlen(name) != 2 * CHUNK_ID_BYTES ||
        decode_hex(bytes_of_string(name), id.bytes) != ST_OK) {
        if (file_is_old(check, path)) {
            orphan_take(check, path, "no name of a chunk file");
        }
        return;
    }
    if (fsck_tally_find(&check->chunks, id.bytes) == NULL && file_is_old(check, path) &&
        !chunk_is_wanted(check, id)) {
        orphan_take(check, path, "no record names it");
    }
}

static bool
pack_is_wanted(struct fsck_check *check, uint64_t pack_id)
{
    struct meta_value value = META_VALUE_INIT;
    struct meta_key key;
    bool is_wanted;

    if (home_has_pack_under_way(check->home, pack_id)) {
        return true;
    }
    meta_key_pack(&key, pack_id);
    is_wanted = meta_db_get(home_db(check->home), FAMILY_PACK, meta_key_bytes(&key), true, &value,
                            NULL) != ST_NOT_FOUND;
    meta_value_release(&value);
    return is_wanted;
}

static void
pack_file_check(struct fsck_check *check, const char *path, const char *name)
{
    unsigned char id[16] = {0};

    check->summary.file_count++;
    if (strlen(name) != 16 || decode_hex(bytes_of_string(name), id + 8) != ST_OK) {
        if (file_is_old(check, path)) {
            orphan_take(check, path, "no name of a pack");
        }
        return;
    }
    if (fsck_tally_find(&check->packs, id) == NULL && file_is_old(check, path) &&
        !pack_is_wanted(check, decode_u64_be(id + 8))) {
        orphan_take(check, path, "no record names it");
    }
}

typedef void file_check_fn(struct fsck_check *check, const char *path, const char *name);

static enum status
directory_check(struct fsck_check *check, const char *directory, file_check_fn *file_check,
                struct error *err)
{
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    enum status st = ST_OK;

    if (stream == NULL) {
        return errno == ENOENT ? ST_OK : fail_errno(err, ST_IO, "%s cannot be read", directory);
    }
    while (st == ST_OK && (errno = 0, entry = readdir(stream)) != NULL) {
        char *path;

        if (entry->d_name[0] == '.') {
            continue;
        }
        path = xasprintf("%s/%s", directory, entry->d_name);
        file_check(check, path, entry->d_name);
        free(path);
        st = fsck_step(check, err);
    }
    if (st == ST_OK && errno != 0) {
        st = fail_errno(err, ST_IO, "%s cannot be read", directory);
    }
    closedir(stream);
    return st;
}

static enum status
packs_check(struct fsck_check *check, struct error *err)
{
    char *directory = xasprintf("%s/packs", home_directory(check->home));
    struct error local = ERROR_INIT;
    enum status st = directory_check(check, directory, pack_file_check, err);

    if (st == ST_OK && home_check_log(check->home, &local) != ST_OK) {
        fsck_found(check, FSCK_LOG_LOST, "%s", local.text);
    }
    free(directory);
    return st;
}

enum status
fsck_check_files(struct fsck_check *check, struct error *err)
{
    enum status st = ST_OK;

    for (size_t i = 0; i < store_home_count(check->store->store) && st == ST_OK; i++) {
        struct home *mountpath = store_home_at(check->store->store, i);

        if (home_state(mountpath) == HOME_ABSENT) {
            continue;
        }
        for (unsigned int shard = 0; shard < CHUNK_SHARD_COUNT && st == ST_OK; shard++) {
            char relative[CHUNK_PATH_SIZE];
            char *directory;

            chunk_shard_format(relative, home_uuid(check->home), shard);
            directory = xasprintf("%s/%s", home_directory(mountpath), relative);
            st = directory_check(check, directory, chunk_file_check, err);
            free(directory);
        }
    }
    return st == ST_OK ? packs_check(check, err) : st;
}
