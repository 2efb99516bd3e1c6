/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one function that turns a request into a verified principal: AWS Signature Version 4 by
 * Authorization header or by query, and where it is accepted Version 2 by query.  Uses only the
 * head, never waits: ON_LOOP or anywhere.
 * SPEC: AWS SigV4 (header, query, streaming), SigV2 (query); POST policy forms are not handled
 * here.
 */
#ifndef AUTH_AUTHENTICATE_H
#define AUTH_AUTHENTICATE_H

#include "auth/credential_store.h"
#include "auth/principal.h"
#include "net/http_exchange.h"
#include "stream/digest.h"

/* What x-amz-content-sha256 announces about the body. */
enum payload_mode {
    PAYLOAD_SIGNED,            /* 64 hex digits: the body's SHA-256 must be compared */
    PAYLOAD_UNSIGNED,          /* UNSIGNED-PAYLOAD, or query authentication */
    PAYLOAD_STREAMING_SIGNED,  /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER] */
    PAYLOAD_STREAMING_UNSIGNED /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
};

/* What the body filters need to go on from the head's signature.  Holds derived keys: wiped by
 * authentication_release. */
struct authentication {
    const struct principal *principal; /* verified; lives as long as the arena */
    enum payload_mode payload_mode;
    bool has_trailer;
    unsigned char payload_sha256[32]; /* PAYLOAD_SIGNED */
    uint64_t decoded_length;          /* x-amz-decoded-content-length, or HTTP_LENGTH_UNKNOWN */
    bool is_sigv2;       /* only what sigv2_query_signs() and x-amz-* headers were signed */
    struct bytes region; /* of version 4, like all below */
    /* for chunk and trailer signatures */
    unsigned char signing_key[32];
    char seed_signature[65];
    char timestamp[17]; /* 20261120T091500Z */
    struct bytes scope; /* 20261120/us-east-1/s3/aws4_request */
};

#define AUTHENTICATE_RESOURCE_COUNT 2

struct authenticate_options {
    struct credential_store *credentials;
    const char *service; /* "s3" or "iam" */
    const char *region;  /* the only one accepted; NULL: any that the scope names, as other servers
                            of S3's protocol do */
    /* Presigned URLs of version 2.  The request must come from sigv2_query_add_headers(); they sign
     * the resource as "/bucket/key" whatever the style of addressing, and here are the spellings
     * that name what was asked for: data NULL: none, and if there are none, the path itself. */
    bool accepts_sigv2_query;
    struct bytes resources[AUTHENTICATE_RESOURCE_COUNT];
};

/*
 * ST_BUSY, without a dialect_code: once too often from this address (auth/failure_limit.h).  Else
 * ST_UNAUTHENTICATED, ST_DENIED, ST_SIGNATURE_MISMATCH, ST_INVALID or ST_NOT_IMPLEMENTED, always
 * with err->dialect_code set to AWS's code: AccessDenied (anonymous), InvalidAccessKeyId,
 * SignatureDoesNotMatch, RequestTimeTooSkewed, AuthorizationHeaderMalformed,
 * AuthorizationQueryParametersError, InvalidRequest, InvalidArgument, NotImplemented (ECDSA)...
 * Unknown key ids do the same work as wrong signatures.
 */
MUST_USE enum status authenticate(const struct authenticate_options *options,
                                  const struct http_request *request, struct arena *arena,
                                  struct authentication *ret_authentication, struct error *err);

/* Was err InvalidAccessKeyId, which another node may know better? */
bool authenticate_misses_key(const struct error *err);
/* After that, once: make sure that this node has the key that the head names, if the control store
 * has it.  ST_OK: authenticate again.  ST_BUSY, ST_UNAVAILABLE. */
MUST_USE ON_WORKER enum status authenticate_refresh(const struct authenticate_options *options,
                                                    const struct http_request *request,
                                                    struct arena *arena, struct error *err);

/*
 * The same for a request whose whole body is at hand (iam): x-amz-content-sha256 may then be
 * absent, and if it is a hash the body has been compared with it when this returns ST_OK.  Also
 * XAmzContentSHA256Mismatch.
 */
MUST_USE enum status authenticate_with_body(const struct authenticate_options *options,
                                            const struct http_request *request, struct bytes body,
                                            struct arena *arena,
                                            struct authentication *ret_authentication,
                                            struct error *err);

/*
 * A request of AIStore's dialect that brings no credentials, where the operator allowed that: the
 * principal native-anonymous, who owns what root owns and may administer nothing.
 * ST_UNAUTHENTICATED: it was forwarded, so whoever sent it is not the one who is allowed.
 */
MUST_USE enum status authenticate_native_anonymous(const struct http_request *request,
                                                   struct authentication *ret_authentication,
                                                   struct error *err);

/*
 * A request that a gateway of this cluster has authenticated and sent here.  mac came with the
 * request; computed is what this node makes of the same statement with the cluster's key.  Both
 * have VOUCH_MAC_SIZE bytes and are compared here.
 */
#define VOUCH_MAC_SIZE 32
struct authenticate_vouch {
    const unsigned char *mac;
    const unsigned char *computed;
    bool is_anonymous;       /* the operator of the gateway allowed that */
    struct bytes access_key; /* else whose */
    bool has_payload_sha256; /* signed by the client */
    unsigned char payload_sha256[32];
};
/* ST_DENIED: the two differ, or the key is gone since.  authenticate_misses_key then tells whether
 * authenticate_vouched_refresh may find it. */
MUST_USE enum status authenticate_vouched(struct credential_store *credentials,
                                          const struct authenticate_vouch *vouch,
                                          struct arena *arena,
                                          struct authentication *ret_authentication,
                                          struct error *err);
MUST_USE ON_WORKER enum status authenticate_vouched_refresh(struct credential_store *credentials,
                                                            struct bytes access_key,
                                                            struct arena *arena, struct error *err);

/*
 * Compare the SHA-256 of the body that came with the one that was signed.  ST_DIGEST_MISMATCH
 * (XAmzContentSHA256Mismatch) in mode PAYLOAD_SIGNED, ST_OK in all others.  For operations that
 * hash the body in the same pass as its other digests (stream/digest.h); see also
 * auth/payload_sha256.h.
 */
MUST_USE enum status authentication_check_body(const struct authentication *authentication,
                                               const struct digest_value *sha256,
                                               struct error *err);
void authentication_release(struct authentication *authentication);

/* HTTP status that AWS sends with a dialect_code set by auth/ (403 for most, 400, 501). */
int authenticate_http_status(const struct error *err);

#endif
