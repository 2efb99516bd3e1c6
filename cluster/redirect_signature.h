/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node says about a request that it sends its client with to another node: who the client
 * is, for whom the request is, and when that was; signed with the cluster's key over all of it and
 * over the request.  It travels in the URL, through the client's hands.
 *
 *   gateway: redirect_sign        target: redirect_parse -> redirect_check -> the principal
 *   (auth/authenticate.h: authenticate_vouched compares) -> redirect_take -> redirect_end, where it
 *   may count once
 *
 * Any thread.  Decision note 014.
 */
#ifndef CLUSTER_REDIRECT_SIGNATURE_H
#define CLUSTER_REDIRECT_SIGNATURE_H

#include "base/arena.h"
#include "cluster/peer_signature.h"

/* How long a client may take from the answer of the gateway to the head of its next request, the
 * difference of both nodes' clocks included. */
#define REDIRECT_VALID_MS ((int64_t)60 * 1000)
/* Of a principal's access key: as many as auth/ takes. */
#define REDIRECT_ACCESS_KEY_BYTES_MAX 128

struct redirect_mark {
    uint64_t key_number;
    struct bytes from; /* node ids */
    struct bytes to;
    uint64_t map_version; /* that says so */
    int64_t signed_ms;
    unsigned char session[16];
    uint64_t count; /* of the session; 0: a read, which may come again */
    bool is_anonymous;
    struct bytes access_key;
    bool has_payload_sha256; /* the client signed it */
    unsigned char payload_sha256[32];
    unsigned char mac[PEER_MAC_SIZE];
};

struct redirect_signer;

/* identity is borrowed. */
struct redirect_signer *redirect_signer_create(struct peer_identity *identity);
void redirect_signer_destroy(struct redirect_signer **take_signer);

/* Of *mark: to, map_version, the principal and the payload are set.  request: what is vouched for,
 * in any form that both ends make alike.  *ret_text has letters, digits, '.', '-' and '_', in
 * arena.  ST_UNAVAILABLE: there is no key yet. */
MUST_USE enum status redirect_sign(struct redirect_signer *signer, const struct redirect_mark *mark,
                                   bool is_write, struct bytes request, struct arena *arena,
                                   struct bytes *ret_text, struct error *err);
/* Views into text, the access key in arena.  Pure.  ST_INVALID. */
MUST_USE enum status redirect_parse(struct bytes text, struct arena *arena,
                                    struct redirect_mark *ret_mark, struct error *err);
/* Is it for this node, and of now?  ret_mac is what its signature must be.  ST_DENIED with what is
 * wrong. */
MUST_USE enum status redirect_check(struct redirect_signer *signer,
                                    const struct redirect_mark *mark, struct bytes request,
                                    unsigned char ret_mac[PEER_MAC_SIZE], struct error *err);
/* Before a write counts, after its signature was found right.  digest: of who asks and the body.
 * ST_OK: carry it out, then redirect_end; or, if *ret_answer has data, it has counted before, that
 * was told to redirect_end then (in arena), and nothing is to be done.  ST_UNAVAILABLE: the same is
 * being carried out.  ST_DENIED: another came with this mark, or may have. */
MUST_USE enum status redirect_take(struct redirect_signer *signer, const struct redirect_mark *mark,
                                   uint64_t digest, struct arena *arena, struct bytes *ret_answer,
                                   struct error *err);
/* answer: of a write that counts, in any form, not empty; BYTES_NONE: it has not counted, and may
 * come again. */
void redirect_end(struct redirect_signer *signer, const struct redirect_mark *mark, uint64_t digest,
                  struct bytes answer);

#endif
