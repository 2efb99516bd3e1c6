/* SPDX-License-Identifier: Apache-2.0 */
#include "object/upload_pin.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/lock.h"
#include "base/memory.h"
#include "object/object_internal.h"

#include "base/banned.h"

/* A power of two: some dozens of uploads have requests in progress at a time. */
#define LIST_COUNT 256

struct pin {
    struct upload_id id;
    size_t counts[UPLOAD_PIN_PART + 1];
    bool is_closed;
    struct pin *next;
};

struct upload_pin_table {
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    struct pin *lists[LIST_COUNT]; /* guarded by lock */
};

struct upload_pin_table *
upload_pin_table_create(void)
{
    struct upload_pin_table *table = xcalloc(1, sizeof(*table));
    pthread_condattr_t attributes;

    CHECK(pthread_mutex_init(&table->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&table->given_back, &attributes) == 0);
    return table;
}

void
upload_pin_table_destroy(struct upload_pin_table **take_table)
{
    struct upload_pin_table *table = *take_table;

    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < LIST_COUNT; i++) {
        CHECK(table->lists[i] == NULL);
    }
    CHECK(pthread_mutex_destroy(&table->lock) == 0);
    CHECK(pthread_cond_destroy(&table->given_back) == 0);
    free(table);
    *take_table = NULL;
}

/* The end of an id is random. */
static struct pin **
find_locked(struct upload_pin_table *table, struct upload_id id)
{
    uint64_t hash = decode_u64_be((const char *)id.bytes + sizeof(id.bytes) - 8);
    struct pin **at = &table->lists[hash & (LIST_COUNT - 1)];

    while (*at != NULL && memcmp(&(*at)->id, &id, sizeof(id)) != 0) {
        at = &(*at)->next;
    }
    return at;
}

/* The pin of the upload, *take_fresh if there is none. */
static struct pin *
get_locked(struct upload_pin_table *table, struct upload_id id, struct pin **take_fresh)
{
    struct pin **at = find_locked(table, id);

    if (*at == NULL) {
        *at = *take_fresh;
        *take_fresh = NULL;
    }
    return *at;
}

static size_t
count_all(const struct pin *pin)
{
    return pin->counts[UPLOAD_PIN_REQUEST] + pin->counts[UPLOAD_PIN_PART];
}

/* Returns what is to be freed. */
static struct pin *
drop_unused_locked(struct upload_pin_table *table, struct upload_id id)
{
    struct pin **at = find_locked(table, id);
    struct pin *pin = *at;

    if (pin == NULL || count_all(pin) > 0 || pin->is_closed) {
        return NULL;
    }
    *at = pin->next;
    return pin;
}

static struct pin *
fresh_pin(struct upload_id id)
{
    struct pin *pin = xcalloc(1, sizeof(*pin));

    pin->id = id;
    return pin;
}

bool
upload_pin_take_as(struct object_store *store, struct upload_id id, enum upload_pin kind)
{
    struct pin *fresh = fresh_pin(id);
    bool is_taken = false;

    WITH_LOCK (&store->pins->lock) {
        struct pin *pin = get_locked(store->pins, id, &fresh);

        is_taken = !pin->is_closed;
        pin->counts[kind] += is_taken;
    }
    free(fresh);
    return is_taken;
}

void
upload_pin_give_back_as(struct object_store *store, struct upload_id id, enum upload_pin kind)
{
    struct pin *unused = NULL;

    WITH_LOCK (&store->pins->lock) {
        struct pin *pin = *find_locked(store->pins, id);

        CHECK(pin != NULL && pin->counts[kind] > 0);
        if (--pin->counts[kind] == 0) {
            CHECK(pthread_cond_broadcast(&store->pins->given_back) == 0);
        }
        unused = drop_unused_locked(store->pins, id);
    }
    free(unused);
}

bool
upload_pin_close(struct object_store *store, struct upload_id id, int64_t timeout_ms)
{
    struct upload_pin_table *table = store->pins;
    int64_t end_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
    struct timespec end = {end_ns / CLOCK_NS_PER_S, end_ns % CLOCK_NS_PER_S};
    struct pin *fresh = fresh_pin(id);
    struct pin *unused = NULL;
    bool is_quiet = false;

    assert_on_worker();
    WITH_LOCK (&table->lock) {
        struct pin *pin = get_locked(table, id, &fresh);
        int failure = 0;

        CHECK(!pin->is_closed);
        pin->is_closed = true; /* so it stays in its list */
        while (count_all(pin) > 0 && failure == 0) {
            failure = pthread_cond_timedwait(&table->given_back, &table->lock, &end);
        }
        is_quiet = pin->counts[UPLOAD_PIN_REQUEST] == 0;
        pin->is_closed = is_quiet;
        unused = drop_unused_locked(table, id);
    }
    free(fresh);
    free(unused);
    return is_quiet;
}

void
upload_pin_open(struct object_store *store, struct upload_id id)
{
    struct pin *unused = NULL;

    WITH_LOCK (&store->pins->lock) {
        struct pin *pin = *find_locked(store->pins, id);

        CHECK(pin != NULL && pin->is_closed);
        pin->is_closed = false;
        unused = drop_unused_locked(store->pins, id);
    }
    free(unused);
}
