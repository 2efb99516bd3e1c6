/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SPEC: every batch and every pack entry carry numbers; a log that ends before a batch that an
 * entry knows to have been on disk has lost commits, and the home is open for reading only.
 */
#include "store/pack_witness.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "store/pack_format.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

#define OBJECT_BYTES ((size_t)100000)
#define PACK_BYTES ((uint64_t)1 << 20)

static struct store *
open_small_packs(void)
{
    struct store_options options;

    fixture_options(&options, 1);
    options.is_background_off = true;
    options.pack_bytes = PACK_BYTES;
    return fixture_open(&options);
}

static void
put_numbered(struct store *store, int number)
{
    struct buffer data = fixture_bytes((uint64_t)number, OBJECT_BYTES);
    struct error err = ERROR_INIT;
    char key[32];

    snprintf(key, sizeof(key), "k%d", number);
    EXPECT_OK(fixture_put(store, key, buffer_bytes(&data), &err), &err);
    buffer_release(&data);
}

static void
expect_numbered(struct store *store, int number)
{
    struct buffer data = fixture_bytes((uint64_t)number, OBJECT_BYTES);
    char key[32];

    snprintf(key, sizeof(key), "k%d", number);
    fixture_expect(store, key, buffer_bytes(&data));
    buffer_release(&data);
}

static void
run_command(const char *program, const char *option, char *from, char *to)
{
    char *const arguments[] = {(char *)program, (char *)option, from, to, NULL};
    pid_t child;
    int result;

    CHECK(posix_spawnp(&child, program, NULL, NULL, arguments, environ) == 0);
    CHECK(waitpid(child, &result, 0) == child && WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

/* The records of home and node as they are now (is_kept), or back to what was kept. */
static void
keep_records(bool is_kept)
{
    static const char *const NAMES[] = {"mp1/meta", "data/node"};

    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        char *live = xasprintf("%s/%s", test_directory(), NAMES[i]);
        char *kept = xasprintf("%s/kept%zu", test_directory(), i);

        if (!is_kept) {
            run_command("rm", "-rf", live, NULL);
        }
        run_command("cp", "-a", is_kept ? live : kept, is_kept ? kept : live);
        free(live);
        free(kept);
    }
}

/* `count` objects are written and the records lose them; DATA knows nothing of them either. */
static void
lose_after(int first, int count)
{
    struct store *store = open_small_packs();

    put_numbered(store, 0);
    store_close(&store);
    keep_records(true);
    store = open_small_packs();
    for (int i = first; i < first + count; i++) {
        put_numbered(store, i);
    }
    store_close(&store);
    keep_records(false);
}

static void
expect_read_only(void)
{
    struct store *store = open_small_packs();

    EXPECT_INT(HOME_QUARANTINED, home_state(store_home_at(store, 0)));
    EXPECT_STATUS(ST_CORRUPT, home_check_log(store_home_at(store, 0), NULL));
    expect_numbered(store, 0);
    EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(store, "new", bytes_of_string("x"), NULL));
    EXPECT_STATUS(ST_UNAVAILABLE, fixture_delete(store, "k0", NULL));
    store_close(&store);
}

/* The entries stand in the pack that the shortened log still calls its newest. */
TEST(entries_of_lost_commits_in_the_newest_pack_are_noticed)
{
    lose_after(1, 3);

    expect_read_only();
}

/* The shortened log does not even know the packs that were filled since. */
TEST(packs_that_the_log_has_lost_are_noticed)
{
    lose_after(1, 40);

    expect_read_only();
}

/* The counterpart: nothing is lost, after a clean stop, with full packs and with none. */
TEST(complete_log_raises_no_alarm)
{
    struct store *store = open_small_packs();

    EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 15; i++) {
            put_numbered(store, round * 15 + i);
        }
        store_close(&store);
        store = open_small_packs();
        EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
    }
    store_close(&store);
}

/* The path of some pack and its id; owned. */
static char *
find_pack(uint64_t *ret_id)
{
    char *directory = xasprintf("%s/mp1/packs", test_directory());
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    unsigned char id[8];
    char *path = NULL;

    CHECK(stream != NULL);
    while (path == NULL && (entry = readdir(stream)) != NULL) {
        if (strlen(entry->d_name) == 16 &&
            decode_hex(bytes_of_string(entry->d_name), id) == ST_OK) {
            path = xasprintf("%s/%s", directory, entry->d_name);
            *ret_id = decode_u64_be(id);
        }
    }
    closedir(stream);
    free(directory);
    return path;
}

/* Behind the one object of the pack, an entry of nobody that knows of batch 1000000. */
static void
append_entry(bool is_torn, bool is_of_other_pack)
{
    unsigned char header[PACK_ENTRY_HEADER_BYTES];
    struct pack_entry entry = {.synced_batch = 1000000, .data_size = 10, .key_size = 1};
    char *path = find_pack(&entry.pack_id);
    off_t at = (off_t)(PACK_HEADER_BYTES + pack_entry_space(OBJECT_BYTES, 2));
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    entry.pack_id ^= is_of_other_pack;
    pack_entry_encode(&entry, header);
    EXPECT(pwrite(fd, header, is_torn ? sizeof(header) / 2 : sizeof(header), at) > 0);
    close(fd);
    free(path);
}

static enum home_state
state_after_one_object_and(bool is_torn, bool is_of_other_pack)
{
    struct store *store = open_small_packs();
    enum home_state state;

    put_numbered(store, 0);
    store_close(&store);
    append_entry(is_torn, is_of_other_pack);
    store = open_small_packs();
    state = home_state(store_home_at(store, 0));
    expect_numbered(store, 0);
    store_close(&store);
    return state;
}

TEST(whole_entry_at_the_end_of_a_pack_is_believed)
{
    EXPECT_INT(HOME_QUARANTINED, state_after_one_object_and(false, false));
}

TEST(torn_entry_is_no_witness)
{
    EXPECT_INT(HOME_PRESENT, state_after_one_object_and(true, false));
}

/* A recycled pack still holds entries of the pack that it was. */
TEST(entry_of_a_former_pack_is_no_witness)
{
    EXPECT_INT(HOME_PRESENT, state_after_one_object_and(false, true));
}

/* A pack that was put back to an older state holds less than its records say: readers notice. */
TEST(rolled_back_pack_is_noticed_by_readers)
{
    struct store *store = open_small_packs();
    struct buffer content = BUFFER_INIT;
    char *kept = xasprintf("%s/kept", test_directory());
    uint64_t id;
    char *path;

    put_numbered(store, 0);
    path = find_pack(&id);
    run_command("cp", "-a", path, kept);
    put_numbered(store, 1);
    store_close(&store);
    run_command("cp", "-a", kept, path);
    store = open_small_packs();

    EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
    expect_numbered(store, 0);
    EXPECT_STATUS(ST_CORRUPT, fixture_get(store, "k1", &content, NULL));
    store_close(&store);
    free(path);
    free(kept);
}

static size_t
pack_count(void)
{
    char *directory = xasprintf("%s/mp1/packs", test_directory());
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    size_t count = 0;

    while ((entry = readdir(stream)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(stream);
    free(directory);
    return count;
}

/* What a clean stop would forget, it removes: every pack left is one that records know. */
TEST(clean_stop_leaves_no_pack_that_records_do_not_know)
{
    struct store *store = open_small_packs();

    for (int i = 0; i < 8; i++) { /* more than half of a pack: the next is made ahead */
        put_numbered(store, i);
    }
    for (int i = 0; i < 1000 && pack_count() < 2; i++) { /* until upkeep came */
        const struct timespec pause = {0, 5000000};

        nanosleep(&pause, NULL);
    }
    EXPECT_INT(2, pack_count());
    store_close(&store);

    EXPECT_INT(1, pack_count());
}
