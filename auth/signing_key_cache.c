/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/signing_key_cache.h"

#include "base/entropy.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/memory.h"

#include "base/banned.h"

#define SHARD_COUNT 16

struct place {
    uint64_t serial; /* 0: empty */
    size_t scope_size;
    char scope[SIGNING_KEY_SCOPE_BYTES_MAX];
    unsigned char key[HMAC_SHA256_SIZE];
};

struct shard {
    pthread_mutex_t lock;
    struct place places[SIGNING_KEY_CACHE_COUNT / SHARD_COUNT]; /* guarded by lock */
} __attribute__((aligned(64)));

struct signing_key_cache {
    uint64_t seed; /* clients choose regions: they must not be able to choose places */
    struct shard *shards;
};

struct signing_key_cache *
signing_key_cache_create(void)
{
    struct signing_key_cache *cache = xcalloc(1, sizeof(*cache));

    cache->seed = entropy_u64();
    cache->shards = xmalloc_aligned(SHARD_COUNT * sizeof(*cache->shards));
    memset(cache->shards, 0, SHARD_COUNT * sizeof(*cache->shards));
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        CHECK(pthread_mutex_init(&cache->shards[i].lock, NULL) == 0);
    }
    return cache;
}

void
signing_key_cache_destroy(struct signing_key_cache **take_cache)
{
    struct signing_key_cache *cache = *take_cache;

    if (cache != NULL) {
        for (size_t i = 0; i < SHARD_COUNT; i++) {
            CHECK(pthread_mutex_destroy(&cache->shards[i].lock) == 0);
        }
        memory_wipe(cache->shards, SHARD_COUNT * sizeof(*cache->shards));
        free(cache->shards);
        free(cache);
        *take_cache = NULL;
    }
}

static bool
is_at(const struct place *place, uint64_t serial, struct bytes scope)
{
    return place->serial == serial && bytes_equal(bytes_of(place->scope, place->scope_size), scope);
}

void
signing_key_cache_get(struct signing_key_cache *cache, uint64_t serial, struct bytes secret,
                      struct bytes date, struct bytes region, struct bytes service,
                      unsigned char ret_key[HMAC_SHA256_SIZE])
{
    char text[SIGNING_KEY_SCOPE_BYTES_MAX];
    struct bytes scope = {text, date.size + region.size + service.size + 2};
    struct shard *shard;
    struct place *place;
    uint64_t hash;
    bool is_found = false;

    if (scope.size > sizeof(text)) {
        sigv4_signing_key(secret, date, region, service, ret_key);
        return;
    }
    memcpy(text, date.data, date.size);
    text[date.size] = '/';
    memcpy(text + date.size + 1, region.data, region.size);
    text[date.size + 1 + region.size] = '/';
    memcpy(text + date.size + region.size + 2, service.data, service.size);
    hash = hash_bytes(scope, cache->seed + serial);
    shard = &cache->shards[hash % SHARD_COUNT];
    place = &shard->places[hash / SHARD_COUNT % ARRAY_COUNT(shard->places)];
    WITH_LOCK (&shard->lock) {
        is_found = is_at(place, serial, scope);
        if (is_found) {
            memcpy(ret_key, place->key, HMAC_SHA256_SIZE);
        }
    }
    if (is_found) {
        return;
    }
    sigv4_signing_key(secret, date, region, service, ret_key);
    WITH_LOCK (&shard->lock) {
        place->serial = serial;
        place->scope_size = scope.size;
        memcpy(place->scope, text, scope.size);
        memcpy(place->key, ret_key, HMAC_SHA256_SIZE);
    }
}

void
signing_key_cache_forget(struct signing_key_cache *cache, uint64_t serial)
{
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        struct shard *shard = &cache->shards[i];

        WITH_LOCK (&shard->lock) {
            for (size_t j = 0; j < ARRAY_COUNT(shard->places); j++) {
                if (shard->places[j].serial == serial) {
                    memory_wipe(&shard->places[j], sizeof(shard->places[j]));
                }
            }
        }
    }
}
