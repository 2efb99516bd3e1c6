/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mountpath_drain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/chunk_format.h"
#include "store/chunk_guard.h"
#include "store/home_internal.h"
#include "store/node_record.h"
#include "store/reclaimer.h"

#include "base/banned.h"

/* In DATA/node: "<generation> <uuid> <family> <key in hex>". */
#define CURSOR_DOCUMENT "resilver"

enum status
store_load_cursor(struct store *store, struct arena *arena, struct store_cursor *ret_cursor,
                  struct error *err)
{
    struct store_cursor cursor = {.generation = 0};
    struct bytes text;
    uint64_t family = 0;
    char *key;
    enum status st = node_get_document(store->node_db, CURSOR_DOCUMENT, arena, &text, err);
    struct bytes generation;
    struct bytes uuid;

    if (st != ST_OK) {
        return st;
    }
    generation = bytes_cut(&text, ' ');
    uuid = bytes_cut(&text, ' ');
    if (bytes_parse_u64(generation, UINT64_MAX, &cursor.generation) != ST_OK ||
        uuid.size != 2 * sizeof(cursor.uuid) || decode_hex(uuid, cursor.uuid) != ST_OK ||
        bytes_parse_u64(bytes_cut(&text, ' '), FAMILY_COUNT, &family) != ST_OK ||
        text.size % 2 != 0) {
        return fail(err, ST_CORRUPT, "the cursor of the resilver is malformed");
    }
    key = arena_alloc(arena, text.size / 2 + 1);
    if (decode_hex(text, (unsigned char *)key) != ST_OK) {
        return fail(err, ST_CORRUPT, "the cursor of the resilver is malformed");
    }
    cursor.family = (unsigned int)family;
    cursor.key = bytes_of(key, text.size / 2);
    *ret_cursor = cursor;
    return ST_OK;
}

enum status
store_save_cursor(struct store *store, const struct store_cursor *cursor, struct error *err)
{
    struct buffer text = BUFFER_INIT;
    char uuid[2 * sizeof(cursor->uuid) + 1];
    char *key = xmalloc(2 * cursor->key.size + 1);
    enum status st;

    encode_hex(bytes_of(cursor->uuid, sizeof(cursor->uuid)), uuid);
    encode_hex(cursor->key, key);
    buffer_printf(&text, "%" PRIu64 " %s %u %s", cursor->generation, uuid, cursor->family, key);
    st = node_put_document(store->node_db, CURSOR_DOCUMENT, buffer_bytes(&text), false, err);
    buffer_release(&text);
    free(key);
    return st;
}

enum extent_place
mountpath_extent_place(struct store *store, const struct extent *extent)
{
    struct home *mountpath;

    if (extent->kind != EXTENT_CHUNK) {
        return EXTENT_STAYS;
    }
    mountpath = store_find_mountpath(store, extent->mountpath);
    if (mountpath == NULL) {
        return EXTENT_LOST;
    }
    if (home_is_active(mountpath)) {
        return EXTENT_STAYS;
    }
    return home_is_gone(mountpath) ? EXTENT_LOST : EXTENT_LEAVES;
}

/* Does a record of the home name the file, or does a reader or writer hold it? */
static enum status
look_at_file(struct home *home, const char *name, enum mountpath_drain *drain, struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    struct chunk_id id;
    struct meta_key key;
    enum status st;

    if (strlen(name) != 2 * CHUNK_ID_BYTES ||
        decode_hex(bytes_of_string(name), id.bytes) != ST_OK) {
        return ST_OK; /* not ours */
    }
    meta_key_chunk(&key, id);
    st = meta_db_get(home->db, FAMILY_CHUNK, meta_key_bytes(&key), true, &value, err);
    meta_value_release(&value);
    if (st == ST_OK) {
        *drain = MOUNTPATH_NAMED;
        return ST_OK;
    }
    if (st == ST_NOT_FOUND && *drain == MOUNTPATH_DRAINED &&
        reclaimer_has_chunk(home->reclaimer, id)) {
        *drain = MOUNTPATH_READ;
    }
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status
look_at_shard(struct home *home, struct home *mountpath, unsigned int shard,
              enum mountpath_drain *drain, struct error *err)
{
    char path[CHUNK_PATH_SIZE];
    const struct dirent *entry;
    enum status st = ST_OK;
    DIR *entries;
    int fd;

    chunk_shard_format(path, home->uuid, shard);
    fd = openat(mountpath->directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        int sys_errno = errno;

        if (fd >= 0) {
            close(fd);
        }
        errno = sys_errno;
        return sys_errno == ENOENT ? ST_OK
                                   : fail_errno(err, ST_IO, "mountpath %s: cannot list %s",
                                                mountpath->directory, path);
    }
    while (st == ST_OK && *drain != MOUNTPATH_NAMED && (entry = readdir(entries)) != NULL) {
        st = look_at_file(home, entry->d_name, drain, err);
    }
    closedir(entries);
    return st;
}

/* What the home dropped, on any mountpath, is freed by it: later nobody would. */
static enum status
look_at_own(struct home *home, enum mountpath_drain *drain, struct error *err)
{
    struct meta_iterator *iterator =
        meta_iterator_open(home->db, &(struct meta_scan){.family = FAMILY_CHUNK});
    bool has_counts;
    enum status st = ST_OK;

    meta_iterator_seek(iterator, BYTES_NONE);
    has_counts = meta_iterator_is_valid(iterator);
    if (!has_counts) {
        st = meta_iterator_status(iterator, err);
    }
    meta_iterator_close(&iterator);
    if ((has_counts || reclaimer_waiting_count(home->reclaimer) > 0) &&
        *drain == MOUNTPATH_DRAINED) {
        *drain = MOUNTPATH_READ;
    }
    return st;
}

static enum status
look_at_mountpath(struct store *store, struct home *mountpath, enum mountpath_drain *drain,
                  struct error *err)
{
    enum status st = home_require_commits(mountpath, err);

    if (st == ST_OK && *drain == MOUNTPATH_DRAINED &&
        (chunk_guard_count(store->chunk_guard, mountpath) > 0 ||
         atomic_load(&mountpath->writer_count) > 0)) {
        *drain = MOUNTPATH_READ;
    }
    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *home = store_home_at(store, i);

        if (home_is_gone(home)) {
            continue;
        }
        st = home_hold(home) ? ST_OK : home_require_readable(home, err);
        if (st != ST_OK) {
            break;
        }
        if (home == mountpath) {
            st = look_at_own(home, drain, err);
        }
        for (unsigned int shard = 0; shard < CHUNK_SHARD_COUNT && st == ST_OK; shard++) {
            st = look_at_shard(home, mountpath, shard, drain, err);
        }
        home_unhold(home);
    }
    return st;
}

enum status
mountpaths_look(struct store *store, enum mountpath_drain *ret_drain, struct error *err)
{
    enum mountpath_drain drain = MOUNTPATH_DRAINED;
    enum status st = ST_OK;

    assert_on_worker();
    for (size_t i = 0; i < store_home_count(store) && st == ST_OK; i++) {
        struct home *mountpath = store_home_at(store, i);

        if (home_is_holder(mountpath) && !home_is_active(mountpath)) {
            st = look_at_mountpath(store, mountpath, &drain, err);
        }
    }
    if (st == ST_OK) {
        *ret_drain = drain;
    }
    return st;
}

bool
mountpaths_have_losses(struct store *store)
{
    bool has_losses = false;

    store_enter(store);
    for (size_t i = 0; i < store->placement.member_count; i++) {
        has_losses = has_losses || store->placement.members[i].role == MOUNTPATH_FORGOTTEN;
    }
    store_leave(store);
    return has_losses;
}
