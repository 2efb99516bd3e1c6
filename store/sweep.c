/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of looks matters: first whether somebody writes the file (guard, pack table), then
 * whether a record counts it.  A writer leaves the guard only after its commit is visible, so a
 * file that is in neither is garbage.  A file dropped by a commit may still have readers: it is
 * removed only when no pin is older than the batch that was visible when it was first seen unnamed.
 */
#include "store/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/disk_sync.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/memory.h"
#include "meta/meta_key.h"
#include "store/chunk_format.h"
#include "store/chunk_guard.h"
#include "store/home_internal.h"
#include "store/home_metrics.h"
#include "store/pack_set.h"

#include "base/banned.h"

/* Unnamed files remembered at once; more wait for a later round. */
#define SUSPECT_MAX 4096
#define NAME_BYTES 16

struct suspect {
    unsigned char name[NAME_BYTES]; /* chunk id, or pack id and zeros */
    bool is_pack;
    bool is_seen; /* in this round */
    int64_t first_seen_ns;
    uint64_t first_seen_batch;
};

struct sweep {
    struct home *home;
    unsigned int next_shard; /* CHUNK_SHARD_COUNT: the packs */
    struct suspect *suspects;
    size_t suspect_count;
    size_t suspect_capacity;
};

struct sweep *
sweep_create(struct home *home)
{
    struct sweep *sweep = xcalloc(1, sizeof(*sweep));

    sweep->home = home;
    return sweep;
}

void
sweep_destroy(struct sweep **take_sweep)
{
    if (*take_sweep != NULL) {
        free((*take_sweep)->suspects);
        free(*take_sweep);
        *take_sweep = NULL;
    }
}

static struct suspect *
find_suspect(struct sweep *sweep, const unsigned char *name, bool is_pack)
{
    for (size_t i = 0; i < sweep->suspect_count; i++) {
        struct suspect *suspect = &sweep->suspects[i];

        if (suspect->is_pack == is_pack && memcmp(suspect->name, name, NAME_BYTES) == 0) {
            return suspect;
        }
    }
    return NULL;
}

static void
add_suspect(struct sweep *sweep, const unsigned char *name, bool is_pack)
{
    struct suspect *suspect;

    if (sweep->suspect_count == SUSPECT_MAX) {
        return;
    }
    if (sweep->suspect_count == sweep->suspect_capacity) {
        sweep->suspect_capacity = sweep->suspect_capacity * 2 + 64;
        sweep->suspects =
            xrealloc_array(sweep->suspects, sweep->suspect_capacity, sizeof(*sweep->suspects));
    }
    suspect = &sweep->suspects[sweep->suspect_count++];
    *suspect = (struct suspect){
        .is_pack = is_pack,
        .is_seen = true,
        .first_seen_ns = clock_monotonic_ns(),
        .first_seen_batch = atomic_load(&sweep->home->published_batch),
    };
    memcpy(suspect->name, name, NAME_BYTES);
}

/* Unnamed for long enough, and nobody can still be reading it? */
static bool
may_remove(struct sweep *sweep, const unsigned char *name, bool is_pack)
{
    int64_t age_ns = sweep->home->store->options.sweep_age_s * CLOCK_NS_PER_S;
    struct suspect *suspect = find_suspect(sweep, name, is_pack);

    if (suspect == NULL) {
        add_suspect(sweep, name, is_pack);
        return false;
    }
    suspect->is_seen = true;
    return clock_monotonic_ns() - suspect->first_seen_ns >= age_ns &&
           home_freeable_batch(sweep->home) >= suspect->first_seen_batch;
}

static enum status
has_record(struct sweep *sweep, enum family family, const struct meta_key *key, bool *ret_has,
           struct error *err)
{
    struct meta_value value = META_VALUE_INIT;
    enum status st = meta_db_get(sweep->home->db, family, meta_key_bytes(key), true, &value, err);

    meta_value_release(&value);
    *ret_has = st == ST_OK;
    return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status
sweep_file(struct sweep *sweep, int directory_fd, const char *name, bool is_pack,
           uint64_t *removed_count, struct error *err)
{
    struct home *home = sweep->home;
    unsigned char id[NAME_BYTES] = {0};
    struct meta_key key;
    bool is_named = true;
    enum status st;

    if (strlen(name) != (is_pack ? 16 : 32) || decode_hex(bytes_of_string(name), id) != ST_OK) {
        return ST_OK; /* not ours */
    }
    if (is_pack) {
        if (!pack_is_collectable(home->packs, decode_u64_be(id))) {
            return ST_OK;
        }
        meta_key_pack(&key, decode_u64_be(id));
    } else {
        struct chunk_id chunk_id;

        memcpy(chunk_id.bytes, id, sizeof(chunk_id.bytes));
        if (chunk_guard_has(home->store->chunk_guard, chunk_id)) {
            return ST_OK;
        }
        meta_key_chunk(&key, chunk_id);
    }
    st = has_record(sweep, is_pack ? FAMILY_PACK : FAMILY_CHUNK, &key, &is_named, err);
    if (st != ST_OK || is_named || !may_remove(sweep, id, is_pack)) {
        return st;
    }
    if (home_state(home) != HOME_PRESENT) {
        return ST_OK;
    }
    if (remove_file(directory_fd, name, "sweep_unlink") != 0 && errno != ENOENT) {
        return fail_errno(err, ST_IO, "mountpath %s: cannot remove %s", home->directory, name);
    }
    home_count(home, HOME_SWEPT_FILES, 1);
    ++*removed_count;
    return ST_OK;
}

static enum status
sweep_directory(struct sweep *sweep, struct home *mountpath, const char *path, bool is_pack,
                uint64_t *removed_count, struct error *err)
{
    int fd = openat(mountpath->directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    enum status st = ST_OK;

    if (entries == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return errno == ENOENT ? ST_OK
                               : fail_errno(err, ST_IO, "mountpath %s: cannot list %s",
                                            mountpath->directory, path);
    }
    while (st == ST_OK && (entry = readdir(entries)) != NULL) {
        st = sweep_file(sweep, fd, entry->d_name, is_pack, removed_count, err);
    }
    closedir(entries);
    return st;
}

/* Suspects that this round did not meet again are named by now, or gone. */
static void
end_round(struct sweep *sweep)
{
    size_t kept = 0;

    for (size_t i = 0; i < sweep->suspect_count; i++) {
        if (sweep->suspects[i].is_seen) {
            sweep->suspects[kept] = sweep->suspects[i];
            sweep->suspects[kept++].is_seen = false;
        }
    }
    sweep->suspect_count = kept;
    sweep->next_shard = 0;
}

enum status
sweep_step(struct sweep *sweep, uint64_t *ret_removed_count, bool *ret_is_round, struct error *err)
{
    struct home *home = sweep->home;
    struct store *store = home->store;
    char path[CHUNK_PATH_SIZE];
    uint64_t removed_count = 0;
    enum status st = ST_OK;

    assert_on_worker();
    *ret_removed_count = 0;
    *ret_is_round = true;
    if (home_state(home) != HOME_PRESENT) {
        return ST_OK;
    }
    if (sweep->next_shard == CHUNK_SHARD_COUNT) {
        st = sweep_directory(sweep, home, "packs", true, &removed_count, err);
        end_round(sweep);
    } else {
        chunk_shard_format(path, home->uuid, sweep->next_shard++);
        for (size_t i = 0; i < store->home_count && st == ST_OK; i++) {
            if (home_state(store->homes[i]) == HOME_PRESENT) {
                st = sweep_directory(sweep, store->homes[i], path, false, &removed_count, err);
            }
        }
        *ret_is_round = false;
    }
    *ret_removed_count = removed_count;
    if (removed_count > 0) {
        log_info(NULL, "sweep_removed", "%s: %" PRIu64 " files that nothing named", home->directory,
                 removed_count);
    }
    return st;
}
