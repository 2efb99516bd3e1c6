/* SPDX-License-Identifier: Apache-2.0 */
#include "store/health.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/memory.h"
#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

static bool
probe(struct store *store)
{
    bool is_sound = false;

    health_check(store_home_at(store, 0), &is_sound);
    return is_sound;
}

TEST(sound_mountpath_passes_every_probe)
{
    struct store *store = fixture_open_simple(1);

    for (int i = 0; i < 3; i++) {
        EXPECT(probe(store));
    }
    EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
    store_close(&store);
}

#ifdef LODE_FAULTS
/* SPEC: issue 3: a failing disk (EIO, read-only, failed fsync) is quarantined. */
TEST(failing_disk_is_quarantined)
{
    static const struct {
        const char *point;
        int sys_errno;
    } FAULTS[] = {{"health_write", EIO}, {"health_write", EROFS}, {"health_sync", EIO}};

    for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
        struct store *store = fixture_open_simple(1);
        struct error err = ERROR_INIT;

        fault_arm(FAULTS[i].point, 1, 1, FAULTS[i].sys_errno);
        EXPECT(!probe(store));
        fault_disarm();
        EXPECT_INT(HOME_QUARANTINED, home_state(store_home_at(store, 0)));
        EXPECT_STATUS(ST_UNAVAILABLE, fixture_put(store, "k", BYTES_LITERAL("x"), &err));
        store_close(&store);
    }
}

/* SPEC: issue 3, reliability: ENOSPC is not a disk fault. */
TEST(full_disk_is_not_quarantined)
{
    static const int ERRNOS[] = {ENOSPC, EDQUOT, EMFILE};

    for (size_t i = 0; i < sizeof(ERRNOS) / sizeof(ERRNOS[0]); i++) {
        struct store *store = fixture_open_simple(1);

        fault_arm("health_write", 1, 1, ERRNOS[i]);
        EXPECT(probe(store));
        EXPECT_INT(1, fault_acted_count());
        fault_disarm();
        EXPECT_INT(HOME_PRESENT, home_state(store_home_at(store, 0)));
        store_close(&store);
    }
}
#endif

/* A disk that was unmounted leaves the directory that it was mounted on. */
TEST(another_directory_at_the_same_place_is_quarantined)
{
    struct store *store = fixture_open_simple(1);
    const char *directory = home_directory(store_home_at(store, 0));
    char *away = xasprintf("%s.away", directory);

    EXPECT_INT(0, rename(directory, away));
    EXPECT_INT(0, mkdir(directory, 0700));
    EXPECT(!probe(store));
    EXPECT_INT(HOME_QUARANTINED, home_state(store_home_at(store, 0)));
    EXPECT_INT(0, rmdir(directory));
    EXPECT_INT(0, rename(away, directory));
    free(away);
    store_close(&store);
}

/* Someone put another disk's identity there. */
TEST(changed_identity_is_quarantined)
{
    struct store *store = fixture_open_simple(2);
    char *from = xasprintf("%s/identity", home_directory(store_home_at(store, 1)));
    char *to = xasprintf("%s/identity", home_directory(store_home_at(store, 0)));

    EXPECT_INT(0, rename(from, to));
    EXPECT(!probe(store));
    EXPECT_INT(HOME_QUARANTINED, home_state(store_home_at(store, 0)));
    free(from);
    free(to);
    store_close(&store);
}
