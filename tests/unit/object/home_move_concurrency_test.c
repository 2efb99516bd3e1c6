/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers, readers and listings at full speed while disks come and go and resilvers run.  Each
 * thread owns its keys, so it knows what it must find.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/affinity.h"
#include "base/check.h"
#include "base/memory.h"
#include "object/mountpath_admin.h"
#include "object/object_internal.h"
#include "object/resilver.h"
#include "tests/unit/object/object_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define THREAD_COUNT 4
#define OWN_KEY_COUNT 10
#define CHANGE_COUNT 10
/* Operations between two changes, of all threads together. */
#define OPERATIONS_PER_CHANGE 150

static const size_t SIZES[] = {0, 100, 3000, 200000, 700000};

struct load {
    struct object_fixture fixture;
    struct bucket bucket;
    atomic_bool is_over;
    _Atomic uint64_t operation_count;
    _Atomic(const char *) complaint;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct client {
    struct load *load;
    size_t number;
    struct prng prng;
    pthread_t thread;
    uint64_t versions[OWN_KEY_COUNT]; /* 0: absent */
    uint64_t next_version;
};

static void
complain(struct client *client, const char *what)
{
    const char *none = NULL;

    atomic_compare_exchange_strong(&client->load->complaint, &none, what);
    atomic_store(&client->load->is_over, true);
}

static void
key_of(const struct client *client, size_t index, char out[32])
{
    snprintf(out, 32, "t%zu-k%02zu", client->number, index);
}

static void
fill(struct buffer *out, const struct client *client, size_t index, uint64_t version)
{
    fixture_fill(out, SIZES[version % ARRAY_COUNT(SIZES)],
                 client->number * 1000000 + index * 10000 + version);
}

static void
do_put(struct client *client, size_t index)
{
    struct buffer data = BUFFER_INIT;
    char key[32];

    key_of(client, index, key);
    client->next_version++;
    fill(&data, client, index, client->next_version);
    if (fixture_put(&client->load->bucket, key, buffer_bytes(&data), NULL) != ST_OK) {
        complain(client, "a put failed");
    }
    client->versions[index] = client->next_version;
    buffer_release(&data);
}

static void
do_delete(struct client *client, size_t index)
{
    char key[32];

    key_of(client, index, key);
    if (fixture_delete(&client->load->bucket, key, NULL) != ST_OK) {
        complain(client, "a delete failed");
    }
    client->versions[index] = 0;
}

static void
do_get(struct client *client, size_t index)
{
    struct buffer expected = BUFFER_INIT;
    struct buffer found = BUFFER_INIT;
    char key[32];
    enum status st;

    key_of(client, index, key);
    st = fixture_get(&client->load->bucket, key, &found, NULL);
    if (client->versions[index] == 0) {
        if (st != ST_NO_SUCH_KEY) {
            complain(client, "a deleted object was found");
        }
    } else {
        fill(&expected, client, index, client->versions[index]);
        if (st != ST_OK) {
            complain(client, st == ST_NO_SUCH_KEY ? "an object was lost" : "a get failed");
        } else if (!bytes_equal(buffer_bytes(&expected), buffer_bytes(&found))) {
            complain(client, "an object is another one");
        }
    }
    buffer_release(&expected);
    buffer_release(&found);
}

struct sight {
    struct client *client;
    size_t counts[OWN_KEY_COUNT];
};

static void
see(struct bytes name, const struct object_record *record, void *arg)
{
    struct sight *sight = arg;

    for (size_t i = 0; i < OWN_KEY_COUNT; i++) {
        char key[32];

        key_of(sight->client, i, key);
        sight->counts[i] += bytes_equal_string(name, key);
    }
}

static void
do_list(struct client *client)
{
    const struct object_list_options options = {.count_max = 1000};
    struct sight sight = {.client = client};
    struct object_list_result result;
    struct arena arena = ARENA_INIT;

    if (object_list(&client->load->bucket, &options, see, &sight, &arena, &result, NULL) != ST_OK) {
        complain(client, "a listing failed");
    } else {
        for (size_t i = 0; i < OWN_KEY_COUNT; i++) {
            if (sight.counts[i] != (client->versions[i] != 0)) {
                complain(client, "a listing misses a key, or has one twice or too many");
            }
        }
    }
    arena_release(&arena);
}

static void
count_operation(struct load *load)
{
    if (atomic_fetch_add(&load->operation_count, 1) % 10 == 0) {
        CHECK(pthread_mutex_lock(&load->lock) == 0);
        CHECK(pthread_cond_broadcast(&load->changed) == 0);
        CHECK(pthread_mutex_unlock(&load->lock) == 0);
    }
}

static void *
client_main(void *arg)
{
    struct client *client = arg;

    affinity_set(AFFINITY_WORKER, "client");
    while (!atomic_load(&client->load->is_over)) {
        size_t index = prng_below(&client->prng, OWN_KEY_COUNT);

        switch (prng_below(&client->prng, 8)) {
        case 0:
        case 1:
        case 2:
            do_put(client, index);
            break;
        case 3:
            do_delete(client, index);
            break;
        case 4:
            do_list(client);
            break;
        default:
            do_get(client, index);
            break;
        }
        count_operation(client->load);
    }
    CHECK(pthread_mutex_lock(&client->load->lock) == 0);
    CHECK(pthread_cond_broadcast(&client->load->changed) == 0);
    CHECK(pthread_mutex_unlock(&client->load->lock) == 0);
    return NULL;
}

/* Until the clients have done some more. */
static void
wait_for_operations(struct load *load, uint64_t count)
{
    uint64_t until = atomic_load(&load->operation_count) + count;

    CHECK(pthread_mutex_lock(&load->lock) == 0);
    while (atomic_load(&load->operation_count) < until && !atomic_load(&load->is_over)) {
        CHECK(pthread_cond_wait(&load->changed, &load->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&load->lock) == 0);
}

static void
resilver(struct load *load)
{
    const struct resilver_options options = {.arg = NULL};
    struct resilver_progress progress;
    struct error err = ERROR_INIT;

    EXPECT_OK(resilver_run(load->fixture.store, &options, &progress, &err), &err);
    printf("# generation %llu: %llu objects moved, %llu chunk files brought away\n",
           (unsigned long long)progress.generation, (unsigned long long)progress.moved.object_count,
           (unsigned long long)progress.chunk_count);
}

static void
change(struct load *load, size_t number, const char *extra)
{
    static const enum mountpath_verb VERBS[] = {MOUNTPATH_VERB_ATTACH, MOUNTPATH_VERB_DISABLE,
                                                MOUNTPATH_VERB_ENABLE, MOUNTPATH_VERB_DISABLE,
                                                MOUNTPATH_VERB_ENABLE};
    size_t step = number % ARRAY_COUNT(VERBS);
    const char *directory = step == 0   ? extra
                            : step <= 2 ? load->fixture.mountpaths[0]
                                        : load->fixture.mountpaths[1];
    struct mountpath_outcome outcome;
    struct error err = ERROR_INIT;
    enum mountpath_verb verb = VERBS[step];

    if (step == 0 && number > 0) {
        verb = MOUNTPATH_VERB_DETACH;
    }
    EXPECT_OK(mountpath_admin(load->fixture.store, verb, directory, &outcome, &err), &err);
}

/* SPEC: issue 3: every object readable, byte-equal, throughout; deletes stay deleted; no object
 * listed twice or missing. */
TEST(clients_notice_nothing_of_changing_mountpaths)
{
    struct load load = {.complaint = NULL};
    struct client clients[THREAD_COUNT];
    struct prng prng = test_prng();
    char *extra = xasprintf("%s/extra", test_directory());

    CHECK(pthread_mutex_init(&load.lock, NULL) == 0);
    CHECK(pthread_cond_init(&load.changed, NULL) == 0);
    load.fixture.has_background = false;
    fixture_open(&load.fixture, test_directory(), 2);
    load.bucket = fixture_bucket(&load.fixture, "bucket");
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        clients[i] = (struct client){.load = &load, .number = i};
        clients[i].prng = prng_init(prng_u64(&prng));
        CHECK(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) == 0);
    }
    for (size_t i = 0; i < CHANGE_COUNT && !atomic_load(&load.is_over); i++) {
        wait_for_operations(&load, OPERATIONS_PER_CHANGE);
        change(&load, i, extra);
        if (i % 3 != 1) {
            wait_for_operations(&load, OPERATIONS_PER_CHANGE / 3);
            resilver(&load);
        }
    }
    wait_for_operations(&load, OPERATIONS_PER_CHANGE);
    atomic_store(&load.is_over, true);
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        CHECK(pthread_join(clients[i].thread, NULL) == 0);
    }
    if (atomic_load(&load.complaint) != NULL) {
        test_failed(__FILE__, __LINE__, "%s", atomic_load(&load.complaint));
    }
    resilver(&load);
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        for (size_t index = 0; index < OWN_KEY_COUNT; index++) {
            do_get(&clients[i], index);
        }
    }
    EXPECT(atomic_load(&load.complaint) == NULL);
    fixture_expect_clean(&load.fixture);
    bucket_close(&load.bucket);
    fixture_close(&load.fixture);
    pthread_cond_destroy(&load.changed);
    pthread_mutex_destroy(&load.lock);
    free(extra);
}
