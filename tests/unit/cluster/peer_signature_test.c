/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer_signature.h"

#include "base/clock.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NOW_NS INT64_C(1795166400000000000)
#define PATH BYTES_LITERAL("/peer/v1/s3")
#define HEAD BYTES_LITERAL("some head")

static struct peer_identity *sender, *receiver;
static struct arena arena;
static struct error err;
static struct bytes from;

static const struct peer_key OLD_KEY = {1, "the first key of an example...."};
static const struct peer_key NEW_KEY = {2, "the second key of an example..."};

static void
start(void)
{
    clock_use_virtual(NOW_NS);
    arena = ARENA_INIT;
    err = ERROR_INIT;
    sender = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("gateway-1"));
    receiver = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("target-01"));
    peer_identity_set_keys(sender, &OLD_KEY, 1);
    peer_identity_set_keys(receiver, &OLD_KEY, 1);
    clock_advance(CLOCK_NS_PER_S);
}

static void
stop(void)
{
    peer_identity_destroy(&sender);
    peer_identity_destroy(&receiver);
    arena_release(&arena);
    clock_use_system();
}

static struct bytes
sign(void)
{
    struct bytes value;

    EXPECT_OK(peer_sign(sender, PATH, HEAD, &arena, &value, &err), &err);
    return value;
}

TEST(a_signed_message_is_taken_once)
{
    struct bytes value;

    start();
    value = sign();
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, value, &from, &err), &err);
    EXPECT_BYTES(BYTES_LITERAL("gateway-1"), from);
    EXPECT_STATUS(ST_DENIED, peer_verify(receiver, PATH, HEAD, value, &from, &err));
    EXPECT_STRING("a peer's message came twice", err.text);
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, sign(), &from, &err), &err);
    stop();
}

TEST(another_path_head_or_signature_is_denied)
{
    struct bytes value;
    char *broken;

    start();
    value = sign();
    EXPECT_STATUS(ST_DENIED,
                  peer_verify(receiver, BYTES_LITERAL("/peer/v1/put"), HEAD, value, &from, NULL));
    EXPECT_STATUS(ST_DENIED,
                  peer_verify(receiver, PATH, BYTES_LITERAL("some heaD"), value, &from, NULL));
    for (size_t i = 0; i < value.size; i++) {
        broken = arena_string(&arena, value);
        broken[i] = broken[i] == '1' ? '2' : '1';
        EXPECT(peer_verify(receiver, PATH, HEAD, bytes_of_string(broken), &from, NULL) != ST_OK);
        EXPECT(peer_verify(receiver, PATH, HEAD, bytes_slice(value, 0, i), &from, NULL) != ST_OK);
    }
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, value, &from, &err), &err);
    stop();
}

/* The sentence names both. */
TEST(another_cluster_is_refused_by_name)
{
    struct peer_identity *other;

    start();
    other = peer_identity_create(BYTES_LITERAL("cluster-2"), BYTES_LITERAL("target-01"));
    peer_identity_set_keys(other, &OLD_KEY, 1);
    EXPECT_STATUS(ST_DENIED, peer_verify(other, PATH, HEAD, sign(), &from, &err));
    EXPECT_STRING("This node belongs to cluster cluster-2, the request to cluster-1", err.text);
    peer_identity_destroy(&other);
    stop();
}

/* Two keys are valid while a new one is rolled out, and the old one ends. */
TEST(keys_are_changed_with_grace)
{
    const struct peer_key both[] = {NEW_KEY, OLD_KEY};
    struct bytes old_value;

    start();
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, sign(), &from, &err), &err);
    peer_identity_set_keys(receiver, both, 2);
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, sign(), &from, &err), &err);
    old_value = sign();
    peer_identity_set_keys(sender, both, 2);
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, sign(), &from, &err), &err);
    peer_identity_set_keys(receiver, &NEW_KEY, 1);
    EXPECT_STATUS(ST_DENIED, peer_verify(receiver, PATH, HEAD, old_value, &from, &err));
    EXPECT_STRING("Cluster key 1 of node gateway-1 is not valid here", err.text);
    EXPECT_OK(peer_verify(receiver, PATH, HEAD, sign(), &from, &err), &err);
    peer_identity_set_keys(sender, NULL, 0);
    EXPECT_STATUS(ST_UNAVAILABLE, peer_sign(sender, PATH, HEAD, &arena, &old_value, NULL));
    stop();
}

/* A message is valid for a minute, by either clock, and never one from before the start. */
TEST(skewed_clocks_are_refused_and_named)
{
    struct bytes value;

    start();
    value = sign();
    clock_advance((PEER_CLOCK_WINDOW_MS + 1) * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_DENIED, peer_verify(receiver, PATH, HEAD, value, &from, &err));
    EXPECT(bytes_find(bytes_of_string(err.text), 0, BYTES_LITERAL("gateway-1")) != SIZE_MAX);
    EXPECT(bytes_find(bytes_of_string(err.text), 0, BYTES_LITERAL("target-01")) != SIZE_MAX);
    value = sign();
    clock_advance(-(PEER_CLOCK_WINDOW_MS + 1) * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_DENIED, peer_verify(receiver, PATH, HEAD, value, &from, NULL));
    value = sign();
    clock_advance(CLOCK_NS_PER_S);
    peer_identity_destroy(&receiver);
    receiver = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("target-01"));
    peer_identity_set_keys(receiver, &OLD_KEY, 1);
    EXPECT_STATUS(ST_BUSY, peer_verify(receiver, PATH, HEAD, value, &from, NULL));
    stop();
}
