/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/failure_limit.h"

#include <arpa/inet.h>
#include <pthread.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

#define ADDRESS_BYTES 16
#define SUBSCRIBER_BYTES 8 /* of an IPv6 address */
#define TOKEN_NS (CLOCK_NS_PER_S / FAILURES_PER_S)

struct failure_entry {
    unsigned char address[ADDRESS_BYTES];
    int64_t full_at_ns; /* monotonic: all tokens are back; 0: nobody's */
};

struct failure_limit {
    pthread_mutex_t lock;
    uint64_t hash_seed; /* so that nobody can choose addresses of one set */
    struct failure_entry sets[FAILURE_SET_COUNT][FAILURE_SET_SIZE]; /* guarded by lock */
};

struct failure_limit *
failure_limit_create(void)
{
    struct failure_limit *limit = xcalloc(1, sizeof(*limit));

    limit->hash_seed = entropy_u64();
    CHECK(pthread_mutex_init(&limit->lock, NULL) == 0);
    return limit;
}

void
failure_limit_destroy(struct failure_limit **take_limit)
{
    if (*take_limit != NULL) {
        pthread_mutex_destroy(&(*take_limit)->lock);
        free(*take_limit);
        *take_limit = NULL;
    }
}

/* The address without its port; IPv4 as ::ffff:a.b.c.d.  False: it is none. */
static bool
parse_peer(struct bytes peer, unsigned char ret_address[ADDRESS_BYTES])
{
    char text[INET6_ADDRSTRLEN + 2];
    char *begin = text;
    char *colon;

    if (peer.size == 0 || peer.size >= sizeof(text) + 6) {
        return false;
    }
    memset(ret_address, 0, ADDRESS_BYTES);
    while (peer.size > 0 && peer.data[peer.size - 1] != ':') {
        peer.size--;
    }
    if (peer.size < 2 || peer.size > sizeof(text)) {
        return false;
    }
    memcpy(text, peer.data, peer.size - 1);
    text[peer.size - 1] = '\0';
    if (text[0] != '[') {
        memset(ret_address + 10, 0xff, 2);
        return inet_pton(AF_INET, text, ret_address + 12) == 1;
    }
    begin++;
    colon = strchr(begin, ']');
    if (colon == NULL) {
        return false;
    }
    *colon = '\0';
    if (inet_pton(AF_INET6, begin, ret_address) != 1) {
        return false;
    }
    if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ret_address)) {
        memset(ret_address + SUBSCRIBER_BYTES, 0, ADDRESS_BYTES - SUBSCRIBER_BYTES);
    }
    return true;
}

/* The address's entry, or the one that gives way to it. */
static struct failure_entry *
find_locked(struct failure_limit *limit, const unsigned char address[ADDRESS_BYTES])
{
    uint64_t hash = hash_bytes(bytes_of(address, ADDRESS_BYTES), limit->hash_seed);
    struct failure_entry *set = limit->sets[hash % FAILURE_SET_COUNT];
    struct failure_entry *victim = &set[0];

    for (size_t i = 0; i < FAILURE_SET_SIZE; i++) {
        if (set[i].full_at_ns != 0 && memcmp(set[i].address, address, ADDRESS_BYTES) == 0) {
            return &set[i];
        }
        if (set[i].full_at_ns < victim->full_at_ns) {
            victim = &set[i];
        }
    }
    memcpy(victim->address, address, ADDRESS_BYTES);
    victim->full_at_ns = 0;
    return victim;
}

enum status
failure_limit_take(struct failure_limit *limit, struct bytes peer, struct error *err)
{
    unsigned char address[ADDRESS_BYTES];
    int64_t now = clock_monotonic_ns();
    bool is_taken = false;

    if (!parse_peer(peer, address)) {
        return ST_OK;
    }
    WITH_LOCK (&limit->lock) {
        struct failure_entry *entry = find_locked(limit, address);
        int64_t full_at_ns = entry->full_at_ns > now ? entry->full_at_ns : now;

        is_taken = full_at_ns + TOKEN_NS - now <= FAILURE_BURST * TOKEN_NS;
        entry->full_at_ns = is_taken ? full_at_ns + TOKEN_NS : full_at_ns;
    }
    return is_taken ? ST_OK
                    : fail(err, ST_BUSY,
                           "Too many requests with a wrong signature or an unknown access key came "
                           "from your address. Please reduce your request rate.");
}
