/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_signature.h"

#include <inttypes.h>
#include <stdio.h>

#include "auth/hmac_sha256.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/entropy.h"
#include "base/lock.h"
#include "base/memory.h"
#include "cluster/cluster_map.h"
#include "cluster/peer_replay.h"
#include "stream/digest.h"

#include "base/banned.h"

#define PATH_BYTES_MAX 64
#define SESSION_BYTES 16

struct peer_identity {
    struct bytes cluster_id; /* with node_id behind the struct */
    struct bytes node_id;
    unsigned char session[SESSION_BYTES];
    char session_hex[2 * SESSION_BYTES + 1];
    _Atomic uint64_t count;
    int64_t started_ms; /* wall clock */
    struct peer_replay *replay;
    pthread_mutex_t lock;
    struct peer_key keys[PEER_KEYS_MAX]; /* guarded by lock */
    size_t key_count;                    /* guarded by lock */
};

struct signature {
    struct bytes key, cluster, from, session, count, time, signature;
    uint64_t key_number;
    uint64_t number;
    uint64_t time_ms;
    unsigned char session_id[SESSION_BYTES];
    unsigned char mac[HMAC_SHA256_SIZE];
};

struct peer_identity *
peer_identity_create(struct bytes cluster_id, struct bytes node_id)
{
    struct peer_identity *identity = xcalloc(1, sizeof(*identity) + cluster_id.size + node_id.size);
    char *names = (char *)(identity + 1);

    CHECK(cluster_id.size <= CLUSTER_ID_BYTES_MAX && node_id.size <= CLUSTER_ID_BYTES_MAX);
    memcpy(names, cluster_id.data, cluster_id.size);
    memcpy(names + cluster_id.size, node_id.data, node_id.size);
    identity->cluster_id = bytes_of(names, cluster_id.size);
    identity->node_id = bytes_of(names + cluster_id.size, node_id.size);
    entropy_fill(identity->session, sizeof(identity->session));
    encode_hex(bytes_of(identity->session, SESSION_BYTES), identity->session_hex);
    identity->started_ms = clock_wall_ns() / CLOCK_NS_PER_MS;
    /* A message is valid for the window before and behind the receiver's clock. */
    identity->replay = peer_replay_create(3 * (int64_t)PEER_CLOCK_WINDOW_MS);
    CHECK(pthread_mutex_init(&identity->lock, NULL) == 0);
    return identity;
}

void
peer_identity_destroy(struct peer_identity **take_identity)
{
    struct peer_identity *identity = *take_identity;

    if (identity == NULL) {
        return;
    }
    *take_identity = NULL;
    peer_replay_destroy(&identity->replay);
    pthread_mutex_destroy(&identity->lock);
    memory_wipe(identity->keys, sizeof(identity->keys));
    free(identity);
}

struct bytes
peer_identity_node(const struct peer_identity *identity)
{
    return identity->node_id;
}

struct bytes
peer_identity_cluster(const struct peer_identity *identity)
{
    return identity->cluster_id;
}

void
peer_identity_set_keys(struct peer_identity *identity, const struct peer_key *keys, size_t count)
{
    CHECK(count <= PEER_KEYS_MAX);
    WITH_LOCK (&identity->lock) {
        memset(identity->keys, 0, sizeof(identity->keys));
        if (count != 0) {
            memcpy(identity->keys, keys, count * sizeof(*keys));
        }
        identity->key_count = count;
    }
}

static bool
find_key(struct peer_identity *identity, uint64_t number, struct peer_key *ret_key)
{
    bool is_found = false;

    WITH_LOCK (&identity->lock) {
        for (size_t i = 0; i < identity->key_count; i++) {
            if (identity->keys[i].number == number || number == 0) {
                *ret_key = identity->keys[i];
                is_found = true;
                break;
            }
        }
    }
    return is_found;
}

static void
compute(const struct peer_key *key, struct bytes path, struct bytes head,
        const struct signature *signature, unsigned char ret_mac[HMAC_SHA256_SIZE])
{
    char message[HMAC_SHA256_MESSAGE_BYTES_MAX];
    struct digest_value digest;
    char digest_hex[2 * DIGEST_SIZE_MAX + 1];
    int size;

    digest_of(DIGEST_SHA256, head, &digest);
    encode_hex(digest_value_bytes(&digest), digest_hex);
    size =
        snprintf(message, sizeof(message),
                 "LODE-PEER-1\nPOST\n%.*s\n%.*s\n%.*s\n%.*s\n%" PRIu64 "\n%" PRIu64 "\n%s",
                 BYTES_ARGS(path), BYTES_ARGS(signature->cluster), BYTES_ARGS(signature->from),
                 BYTES_ARGS(signature->session), signature->number, signature->time_ms, digest_hex);
    CHECK(size > 0 && (size_t)size < sizeof(message));
    hmac_sha256(bytes_of(key->secret, sizeof(key->secret)), bytes_of(message, (size_t)size),
                ret_mac);
}

enum status
peer_sign(struct peer_identity *identity, struct bytes path, struct bytes head, struct arena *arena,
          struct bytes *ret_value, struct error *err)
{
    struct peer_key key;
    struct signature signature = {
        .cluster = identity->cluster_id,
        .from = identity->node_id,
        .session = bytes_of_string(identity->session_hex),
        .number = atomic_fetch_add(&identity->count, 1) + 1,
        .time_ms = (uint64_t)(clock_wall_ns() / CLOCK_NS_PER_MS),
    };
    char mac_hex[2 * HMAC_SHA256_SIZE + 1];

    CHECK(path.size <= PATH_BYTES_MAX);
    if (!find_key(identity, 0, &key)) {
        return fail(err, ST_UNAVAILABLE, "The cluster key is not known yet");
    }
    compute(&key, path, head, &signature, signature.mac);
    encode_hex(bytes_of(signature.mac, sizeof(signature.mac)), mac_hex);
    *ret_value = arena_printf_bytes(
        arena,
        "key=%" PRIu64 ",cluster=%.*s,from=%.*s,session=%s,count=%" PRIu64 ",time=%" PRIu64
        ",signature=%s",
        key.number, BYTES_ARGS(identity->cluster_id), BYTES_ARGS(identity->node_id),
        identity->session_hex, signature.number, signature.time_ms, mac_hex);
    memory_wipe(&key, sizeof(key));
    return ST_OK;
}

static bool
cut_field(struct bytes *rest, const char *name, struct bytes *ret_value)
{
    struct bytes field = bytes_cut(rest, ',');

    if (!bytes_equal_string(bytes_cut(&field, '='), name) || field.size == 0) {
        return false;
    }
    *ret_value = field;
    return true;
}

static bool
parse(struct bytes value, struct signature *signature)
{
    return cut_field(&value, "key", &signature->key) &&
           cut_field(&value, "cluster", &signature->cluster) &&
           cut_field(&value, "from", &signature->from) &&
           cut_field(&value, "session", &signature->session) &&
           cut_field(&value, "count", &signature->count) &&
           cut_field(&value, "time", &signature->time) &&
           cut_field(&value, "signature", &signature->signature) && value.size == 0 &&
           signature->cluster.size <= CLUSTER_ID_BYTES_MAX &&
           cluster_id_is_valid(signature->from) &&
           bytes_parse_u64(signature->key, UINT64_MAX, &signature->key_number) == ST_OK &&
           bytes_parse_u64(signature->count, UINT64_MAX, &signature->number) == ST_OK &&
           bytes_parse_u64(signature->time, INT64_MAX, &signature->time_ms) == ST_OK &&
           signature->key_number != 0 && signature->session.size == 2 * SESSION_BYTES &&
           signature->signature.size == 2 * HMAC_SHA256_SIZE &&
           decode_hex(signature->session, signature->session_id) == ST_OK &&
           decode_hex(signature->signature, signature->mac) == ST_OK;
}

static enum status
check_time(const struct peer_identity *identity, const struct signature *signature,
           struct error *err)
{
    int64_t now_ms = clock_wall_ns() / CLOCK_NS_PER_MS;
    int64_t skew_ms = (int64_t)signature->time_ms - now_ms;

    if (skew_ms > PEER_CLOCK_WINDOW_MS || skew_ms < -PEER_CLOCK_WINDOW_MS) {
        return fail(err, ST_DENIED,
                    "The clock of node %.*s says %" PRIu64 " ms, the one of node %.*s %" PRId64
                    " ms since 1970; they may differ by %d ms: set them",
                    BYTES_ARGS(signature->from), signature->time_ms, BYTES_ARGS(identity->node_id),
                    now_ms, PEER_CLOCK_WINDOW_MS);
    }
    /* What a former run of this node has seen is not known to this one. */
    if ((int64_t)signature->time_ms < identity->started_ms) {
        return fail(err, ST_BUSY, "The message was signed before this node started; send it again");
    }
    return ST_OK;
}

enum status
peer_verify(struct peer_identity *identity, struct bytes path, struct bytes head,
            struct bytes value, struct bytes *ret_from, struct error *err)
{
    struct signature signature = {.number = 0};
    unsigned char mac[HMAC_SHA256_SIZE];
    struct bytes cluster_id;
    struct peer_key key;
    enum status st;

    if (path.size > PATH_BYTES_MAX || !parse(value, &signature)) {
        return fail(err, ST_INVALID, "The signature of a peer request is malformed");
    }
    cluster_id = signature.cluster;
    if (!bytes_equal(cluster_id, identity->cluster_id)) {
        return fail(err, ST_DENIED, "This node belongs to cluster %.*s, the request to %.*s",
                    BYTES_ARGS(identity->cluster_id), BYTES_ARGS(cluster_id));
    }
    if (!find_key(identity, signature.key_number, &key)) {
        return fail(err, ST_DENIED, "Cluster key %" PRIu64 " of node %.*s is not valid here",
                    signature.key_number, BYTES_ARGS(signature.from));
    }
    compute(&key, path, head, &signature, mac);
    memory_wipe(&key, sizeof(key));
    if (!memory_equal_secret(mac, signature.mac, sizeof(mac))) {
        return fail(err, ST_DENIED, "The signature of a request of node %.*s does not match",
                    BYTES_ARGS(signature.from));
    }
    st = check_time(identity, &signature, err);
    if (st == ST_OK) {
        st = peer_replay_take(identity->replay, signature.session_id, signature.number,
                              clock_monotonic_ns() / CLOCK_NS_PER_MS, err);
    }
    if (st == ST_OK) {
        *ret_from = signature.from;
    }
    return st;
}

enum status
peer_mac(struct peer_identity *identity, uint64_t key_number, const char *label,
         struct bytes message, uint64_t *ret_key_number, unsigned char ret_mac[PEER_MAC_SIZE],
         struct error *err)
{
    char text[HMAC_SHA256_MESSAGE_BYTES_MAX];
    struct digest_value digest;
    char digest_hex[2 * DIGEST_SIZE_MAX + 1];
    struct peer_key key;
    int size;

    if (!find_key(identity, key_number, &key)) {
        return key_number == 0
                   ? fail(err, ST_UNAVAILABLE, "The cluster key is not known yet")
                   : fail(err, ST_DENIED, "Cluster key %" PRIu64 " is not valid here", key_number);
    }
    digest_of(DIGEST_SHA256, message, &digest);
    encode_hex(digest_value_bytes(&digest), digest_hex);
    size = snprintf(text, sizeof(text), "%s\n%s", label, digest_hex);
    CHECK(size > 0 && (size_t)size < sizeof(text));
    hmac_sha256(bytes_of(key.secret, sizeof(key.secret)), bytes_of(text, (size_t)size), ret_mac);
    *ret_key_number = key.number;
    memory_wipe(&key, sizeof(key));
    return ST_OK;
}
