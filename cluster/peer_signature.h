/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent a peer request: HMAC-SHA-256 with the cluster key over path, cluster, sender, session,
 * number, time and the digest of the binary head.  Two keys may be valid at a time, so that a new
 * one can be rolled out: what is sent is signed with the newest, what comes may have either.
 *
 *   Lode-Peer: key=2,cluster=ID,from=NODE,session=32 hex,count=17,time=MS,signature=64 hex
 *
 * Any thread.  A struct peer_identity lives as long as the process; its keys change.
 */
#ifndef CLUSTER_PEER_SIGNATURE_H
#define CLUSTER_PEER_SIGNATURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

#define PEER_SIGNATURE_HEADER "lode-peer"
#define PEER_KEY_BYTES 32
/* Present and former; more are never valid at once. */
#define PEER_KEYS_MAX 2
/* Clocks of a cluster may differ by so much; a message stays valid for as long. */
#define PEER_CLOCK_WINDOW_MS (60 * 1000)

struct peer_key {
    uint64_t number; /* grows with each rotation */
    unsigned char secret[PEER_KEY_BYTES];
};

struct peer_replay;
struct peer_identity;

/* cluster_id and node_id are copied. */
struct peer_identity *peer_identity_create(struct bytes cluster_id, struct bytes node_id);
void peer_identity_destroy(struct peer_identity **take_identity);
struct bytes peer_identity_node(const struct peer_identity *identity);
/* At most PEER_KEYS_MAX, the newest first.  Copied. */
void peer_identity_set_keys(struct peer_identity *identity, const struct peer_key *keys,
                            size_t count);

/* *ret_value: of the header, in arena.  ST_UNAVAILABLE: there is no key yet. */
MUST_USE enum status peer_sign(struct peer_identity *identity, struct bytes path, struct bytes head,
                               struct arena *arena, struct bytes *ret_value, struct error *err);
/* value: of the header.  *ret_from: the sender's node id, a view into value.  ST_INVALID
 * (malformed), ST_DENIED (another cluster, a wrong signature, an unknown key, skewed clocks,
 * replayed) with a sentence that names what differs; ST_BUSY: sign again. */
MUST_USE enum status peer_verify(struct peer_identity *identity, struct bytes path,
                                 struct bytes head, struct bytes value, struct bytes *ret_from,
                                 struct error *err);

/* For statements of nodes that travel in other forms (cluster/redirect_signature.h): HMAC-SHA-256
 * of label and message with a key of the cluster, key_number 0: the newest.  label tells the forms
 * apart.  ST_UNAVAILABLE: there is no key yet; ST_DENIED: not that one. */
#define PEER_MAC_SIZE 32
MUST_USE enum status peer_mac(struct peer_identity *identity, uint64_t key_number,
                              const char *label, struct bytes message, uint64_t *ret_key_number,
                              unsigned char ret_mac[PEER_MAC_SIZE], struct error *err);
struct bytes peer_identity_cluster(const struct peer_identity *identity);

#endif
