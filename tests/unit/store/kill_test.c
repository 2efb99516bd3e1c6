/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process dies at any moment.  The test's own process never opens a store: one that has run
 * RocksDB cannot fork.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#include "tests/unit/store/store_fixture.h"

#include "base/banned.h"

/* A child that hangs fails the test. */
#define CHILD_S_MAX 120
#define KILL_THREADS 6
#define KILL_KEYS 4

/* Shared with the child that is killed. */
struct journal {
    _Atomic uint64_t acknowledged[KILL_THREADS][KILL_KEYS];
    _Atomic uint64_t intended[KILL_THREADS][KILL_KEYS];
};

static struct journal *journal;
static struct store *shared_store;
static int ack_pipe[2]; /* a byte for each acknowledgment */

static size_t
size_for(uint64_t version)
{
    static const size_t SIZES[] = {200, 4000, 60000, 300000};

    return SIZES[version % 4];
}

static void *
write_forever(void *arg)
{
    size_t thread = (uintptr_t)arg;

    for (uint64_t version = 1;; version++) {
        size_t number = version % KILL_KEYS;
        struct buffer data = fixture_bytes(version * 31 + thread, size_for(version));
        char key[32];

        snprintf(key, sizeof(key), "t%zu/k%zu", thread, number);
        atomic_store(&journal->intended[thread][number], version);
        if (fixture_put(shared_store, key, buffer_bytes(&data), NULL) == ST_OK) {
            atomic_store(&journal->acknowledged[thread][number], version);
            CHECK(write(ack_pipe[1], "", 1) == 1);
        }
        buffer_release(&data);
    }
    return NULL;
}

static bool
holds(struct store *store, size_t thread, size_t number, uint64_t version)
{
    struct buffer content = BUFFER_INIT;
    struct buffer expected = fixture_bytes(version * 31 + thread, size_for(version));
    char key[32];
    bool is_same;
    enum status st;

    snprintf(key, sizeof(key), "t%zu/k%zu", thread, number);
    st = fixture_get(store, key, &content, NULL);
    is_same = version == 0 ? st == ST_NO_SUCH_KEY
                           : st == ST_OK && content.size == expected.size &&
                                 memcmp(content.data, expected.data, expected.size) == 0;
    buffer_release(&content);
    buffer_release(&expected);
    return is_same;
}

/* What the kill let through unacknowledged is what the next round begins with. */
static int
verify_journal(void)
{
    struct store *store = fixture_open_simple(2);
    int wrong_count = 0;

    for (size_t i = 0; i < KILL_THREADS; i++) {
        for (size_t j = 0; j < KILL_KEYS; j++) {
            uint64_t intended = atomic_load(&journal->intended[i][j]);

            if (holds(store, i, j, atomic_load(&journal->acknowledged[i][j]))) {
                continue;
            }
            wrong_count += !holds(store, i, j, intended);
            atomic_store(&journal->acknowledged[i][j], intended);
        }
    }
    store_close(&store);
    return wrong_count;
}

/* SPEC: kill -9 at any moment under load: every acknowledged write is there, whole. */
TEST(killed_process_loses_nothing_acknowledged)
{
    struct prng prng = test_prng();

    journal =
        mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(journal != MAP_FAILED);
    (void)test_directory();
    for (int round = 0; round < (getenv("LODE_TEST_LONG") != NULL ? 200 : 4); round++) {
        uint64_t wanted = 1 + prng_below(&prng, 150);
        char byte;
        int result = 0;
        pid_t child;

        CHECK(pipe(ack_pipe) == 0);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            pthread_t thread;

            alarm(CHILD_S_MAX);
            shared_store = fixture_open_simple(2);
            for (uintptr_t i = 0; i < KILL_THREADS; i++) {
                CHECK(pthread_create(&thread, NULL, write_forever, (void *)i) == 0);
            }
            pause();
        }
        close(ack_pipe[1]);
        while (wanted > 0 && read(ack_pipe[0], &byte, 1) == 1) {
            wanted--;
        }
        EXPECT_INT(0, wanted);
        kill(child, SIGKILL);
        waitpid(child, &result, 0);
        close(ack_pipe[0]);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(CHILD_S_MAX);
            _exit(verify_journal());
        }
        CHECK(waitpid(child, &result, 0) == child);
        EXPECT(WIFEXITED(result));
        EXPECT_INT(0, WEXITSTATUS(result));
    }
    munmap(journal, sizeof(*journal));
}
