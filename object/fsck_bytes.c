/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "object/fsck_home.h"
#include "object/object_internal.h"
#include "store/chunk_format.h"
#include "store/layout_reader.h"
#include "store/layout_writer.h"
#include "store/pack_reader.h"

#include "base/banned.h"

#define READ_BYTES ((size_t)1 << 20)

/* Does the record still say what the check saw?  The caller holds a pin. */
static bool
record_is_same(struct fsck_check *check, enum family family, struct bytes key, struct bytes value)
{
    struct meta_value now = META_VALUE_INIT;
    bool is_same = meta_db_get(home_db(check->home), family, key, true, &now, NULL) == ST_OK &&
                   bytes_equal(now.data, value);

    meta_value_release(&now);
    return is_same;
}

/* The mountpath that an extent's file stands on; NULL: absent. */
static struct home *
mountpath_of(struct fsck_check *check, const struct extent *extent)
{
    for (size_t i = 0; i < store_home_count(check->store->store); i++) {
        struct home *home = store_home_at(check->store->store, i);

        if (memcmp(home_uuid(home), extent->mountpath, sizeof(extent->mountpath)) == 0) {
            return home_state(home) == HOME_ABSENT ? NULL : home;
        }
    }
    return NULL;
}

static bool
chunk_is_missing(struct fsck_check *check, struct home *mountpath, const struct extent *extent)
{
    char relative[CHUNK_PATH_SIZE];
    struct stat status;
    char *path;
    bool is_missing;

    chunk_path_format(relative, home_uuid(check->home), extent->chunk_id);
    path = xasprintf("%s/%s", home_directory(mountpath), relative);
    is_missing = stat(path, &status) != 0 && errno == ENOENT;
    free(path);
    return is_missing;
}

static enum status
pack_look(struct fsck_check *check, const struct extent *extent, struct error *err)
{
    struct pack_reader *reader = NULL;
    size_t size = extent->length < EXTENT_BLOCK_BYTES ? extent->length : EXTENT_BLOCK_BYTES;
    enum status st = pack_reader_open(check->home, extent, READ_MAY_WAIT, &reader, err);

    if (st == ST_OK) {
        st = pack_reader_read(reader, 0, check->buffer, size, READ_MAY_WAIT, err);
    }
    pack_reader_close(&reader);
    return st;
}

static enum status
chunk_look(struct fsck_check *check, const struct extent *extent, struct error *err)
{
    struct chunk_reader *reader = NULL;
    enum status st = chunk_reader_open(check->home, extent, READ_MAY_WAIT, &reader, err);

    chunk_reader_close(&reader);
    return st;
}

/* Existence and headers of one extent. */
static void
extent_look(struct fsck_check *check, const struct extent *extent, const char *what)
{
    struct error err = ERROR_INIT;
    struct home *mountpath;

    if (extent->kind == EXTENT_PACK) {
        if (pack_look(check, extent, &err) != ST_OK) {
            fsck_found(check, FSCK_BYTES_CORRUPT, "%s: %s", what, err.text);
        }
        return;
    }
    mountpath = mountpath_of(check, extent);
    if (mountpath == NULL) {
        return; /* reported once, as absent */
    }
    if (chunk_is_missing(check, mountpath, extent)) {
        fsck_found(check, FSCK_BYTES_MISSING, "%s: a chunk file on %s is missing", what,
                   home_directory(mountpath));
    } else if (chunk_look(check, extent, &err) != ST_OK) {
        fsck_found(check, FSCK_BYTES_CORRUPT, "%s: %s", what, err.text);
    }
}

static enum status
bytes_read(struct fsck_check *check, struct source *source, const char *what, struct error *err)
{
    struct error local = ERROR_INIT;
    size_t size = 1;
    enum status st = ST_OK;

    while (st == ST_OK && size > 0) {
        st = source_read(source, READ_MAY_WAIT, check->buffer, READ_BYTES, &size, &local);
        if (st == ST_OK) {
            check->summary.byte_count += size;
        }
        if (check->options->is_cancelled != NULL && atomic_load(check->options->is_cancelled)) {
            return fail(err, ST_CANCELLED, "the check was stopped");
        }
    }
    if (st != ST_OK && st != ST_UNAVAILABLE) {
        fsck_found(check, FSCK_BYTES_CORRUPT, "%s: %s", what, local.text);
    }
    return ST_OK;
}

static enum status
layout_verify(struct fsck_check *check, const struct layout *layout, uint64_t size,
              struct home_pin *pin, const char *what, struct error *err)
{
    struct error local = ERROR_INIT;
    struct source *source = NULL;
    enum status st = layout_reader_open(
        &(struct layout_reader_options){
            .layout = layout, .size = size, .offset = 0, .length = size, .what = what},
        READ_MAY_WAIT, pin, &source, &local);

    if (st != ST_OK) {
        if (st != ST_UNAVAILABLE) {
            fsck_found(check, FSCK_BYTES_CORRUPT, "%s: %s", what, local.text);
        }
        return ST_OK;
    }
    st = bytes_read(check, source, what, err);
    source_release(&source);
    return st;
}

enum status
fsck_check_bytes(struct fsck_check *check, enum family family, struct bytes key, struct bytes value,
                 const struct layout *layout, uint64_t size, const char *what, struct error *err)
{
    struct home_pin pin;
    struct arena arena = ARENA_INIT;
    const struct extent *extents;
    size_t count = 0;
    enum status st = ST_OK;

    if (size == 0 || layout->kind == LAYOUT_NONE || layout->kind == LAYOUT_INLINE) {
        return ST_OK;
    }
    pin = home_pin(check->home);
    if (record_is_same(check, family, key, value)) {
        uint64_t findings = check->summary.finding_counts[FSCK_BYTES_MISSING] +
                            check->summary.finding_counts[FSCK_BYTES_CORRUPT];

        st = layout_extents(check->home, layout, &arena, &extents, &count, err);
        for (size_t i = 0; i < count && st == ST_OK; i++) {
            extent_look(check, &extents[i], what);
        }
        if (st == ST_OK && check->options->verifies_bytes &&
            findings == check->summary.finding_counts[FSCK_BYTES_MISSING] +
                            check->summary.finding_counts[FSCK_BYTES_CORRUPT]) {
            st = layout_verify(check, layout, size, &pin, what, err);
        }
    }
    arena_release(&arena);
    home_unpin(&pin);
    return st;
}
