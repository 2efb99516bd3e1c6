/* SPDX-License-Identifier: Apache-2.0 */
/* The collector knows every place where an entry of a pack may be named. */
#include "store/pack_mover.h"

#include <stdio.h>

#include "base/check.h"
#include "meta/meta_key.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define OBJECT_BYTES ((size_t)100000)
#define OBJECT_COUNT 80
#define VERSION_BYTES ((size_t)5000)

/* A family that is added without a word on packs stops the mover, and this test. */
TEST(every_family_says_how_it_names_entries_of_packs)
{
    for (int family = 0; family < FAMILY_COUNT; family++) {
        EXPECT(pack_mover_naming((enum family)family) != PACK_NAMING_UNSAID);
    }
    EXPECT_INT(PACK_NAMING_ENTRIES, pack_mover_naming(FAMILY_OBJECT));
    EXPECT_INT(PACK_NAMING_ENTRIES, pack_mover_naming(FAMILY_VERSION));
    EXPECT_INT(PACK_NAMING_ENTRIES, pack_mover_naming(FAMILY_UPLOAD));
    EXPECT_INT(PACK_NAMING_FOR_OTHERS, pack_mover_naming(FAMILY_LAYOUT));
}

static struct store *
open_small_packs(void)
{
    struct store_options options;

    fixture_options(&options, 1);
    options.is_background_off = true;
    options.pack_bytes = (uint64_t)1 << 20;
    return fixture_open(&options);
}

static void
put_named(struct store *store, const char *key, uint64_t seed, size_t size)
{
    struct buffer data = fixture_bytes(seed, size);
    struct error err = ERROR_INIT;

    EXPECT_OK(fixture_put(store, key, buffer_bytes(&data), &err), &err);
    buffer_release(&data);
}

/* The key of the number-th version of "v". */
static void
version_key(struct meta_key *out, unsigned char number)
{
    meta_key_versions(out, FIXTURE_BUCKET, BYTES_LITERAL("v"));
    memset(out->data + out->size, number, 16);
    out->size += 16;
}

/* What an overwrite in a versioned bucket does: the record goes to FAMILY_VERSION as it is. */
static enum status
decide_version(struct commit *commit, struct commit_view *view, void *arg, struct error *err)
{
    const unsigned char *number = arg;
    struct meta_key object;
    struct meta_key version;
    struct bytes value;
    enum status st;

    meta_key_object(&object, FIXTURE_BUCKET, BYTES_LITERAL("v"));
    st = commit_view_get(view, FAMILY_OBJECT, meta_key_bytes(&object), &value, err);
    if (st == ST_OK) {
        version_key(&version, *number);
        commit_put(commit, FAMILY_VERSION, meta_key_bytes(&version), value);
        commit_delete(commit, FAMILY_OBJECT, meta_key_bytes(&object));
    }
    return st;
}

static void
make_version(struct store *store, unsigned char number)
{
    struct commit_options options = {
        .home = store_home_at(store, 0), .decide = decide_version, .arg = &number};
    struct error err = ERROR_INIT;

    put_named(store, "v", number, VERSION_BYTES);
    EXPECT_OK(commit_run(&options, NULL, &err), &err);
}

/* The pack that the version's bytes are in; they are what was put. */
static uint64_t
expect_version(struct store *store, unsigned char number)
{
    struct home_pin pin = home_pin(store_home_at(store, 0));
    struct buffer data = fixture_bytes(number, VERSION_BYTES);
    struct buffer content = BUFFER_INIT;
    struct meta_value value = META_VALUE_INIT;
    struct arena arena = ARENA_INIT;
    struct object_record record;
    struct source *source = NULL;
    struct meta_key key;
    struct error err = ERROR_INIT;
    uint64_t pack_id;
    size_t size = 1;

    version_key(&key, number);
    EXPECT_OK(meta_db_get(home_db(store_home_at(store, 0)), FAMILY_VERSION, meta_key_bytes(&key),
                          true, &value, &err),
              &err);
    EXPECT_OK(object_record_decode(value.data, &arena, &record, &err), &err);
    EXPECT_INT(LAYOUT_EXTENTS, record.layout.kind);
    pack_id = record.layout.extents[0].pack_id;
    EXPECT_OK(layout_reader_open(&(struct layout_reader_options){.layout = &record.layout,
                                                                 .size = record.size,
                                                                 .length = record.size,
                                                                 .what = "v"},
                                 READ_MAY_WAIT, &pin, &source, &err),
              &err);
    while (size > 0) {
        EXPECT_OK(source_read(source, READ_MAY_WAIT, buffer_reserve(&content, OBJECT_BYTES),
                              OBJECT_BYTES, &size, &err),
                  &err);
        content.size += size;
    }
    EXPECT_BYTES(buffer_bytes(&data), buffer_bytes(&content));
    source_release(&source);
    meta_value_release(&value);
    arena_release(&arena);
    buffer_release(&content);
    buffer_release(&data);
    return pack_id;
}

/* Two versions of a key in a pack whose other entries die: it is emptied, and both live on. */
TEST(collector_moves_entries_that_versions_name)
{
    struct store *store = open_small_packs();
    struct error err = ERROR_INIT;
    bool work_done = true;
    uint64_t packs[2];
    char key[16];

    make_version(store, 1);
    make_version(store, 2);
    packs[0] = expect_version(store, 1);
    packs[1] = expect_version(store, 2);
    for (int i = 0; i < OBJECT_COUNT; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put_named(store, key, (uint64_t)i, OBJECT_BYTES);
    }
    for (int i = 0; i < OBJECT_COUNT; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        if (i < 20 || i % 5 != 0) { /* others keep more: theirs is the pack worth emptying first */
            EXPECT_OK(fixture_delete(store, key, &err), &err);
        }
    }
    for (int i = 0; i < 1000 && work_done; i++) {
        EXPECT_OK(store_collect_once(store, &work_done, &err), &err);
    }

    EXPECT(!work_done);
    EXPECT(expect_version(store, 1) != packs[0]);
    EXPECT(expect_version(store, 2) != packs[1]);
    store_close(&store);
}
