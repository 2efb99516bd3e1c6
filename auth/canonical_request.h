/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical form of a request, which is what Signature Version 4 signs.  A pure function over
 * the head, used to verify (auth/authenticate.h) and to sign (auth/sign_request.h).
 * SPEC: AWS SigV4 "Create a canonical request", with S3's rule that the path is not normalised.
 */
#ifndef AUTH_CANONICAL_REQUEST_H
#define AUTH_CANONICAL_REQUEST_H

#include "base/arena.h"
#include "net/http_exchange.h"

/*
 * SDKs sign the path and query that they send.  Some libraries send fewer escapes than they sign
 * and rely on the server to decode and to encode again; both forms name the same resource.
 */
enum canonical_form { CANONICAL_AS_SENT, CANONICAL_ENCODED_AGAIN };

struct canonical_request {
    struct bytes method;
    struct bytes path;
    struct bytes query;
    const struct http_header *headers; /* names in lower case */
    size_t header_count;
    struct bytes signed_headers; /* lower-case names, separated by ';' */
    struct bytes payload_line;   /* hex SHA-256, or what stands in its place */
    enum canonical_form form;
};

/* Parameter that carries the signature in query authentication; no part of what is signed. */
#define CANONICAL_LEFT_OUT "X-Amz-Signature"

/*
 * Append the canonical request to out.  ST_INVALID: a signed header was not sent, or (only encoded
 * again) an escape is broken.  arena takes what must be sorted: a few bytes for each parameter.
 */
MUST_USE enum status canonical_request_append(const struct canonical_request *request,
                                              struct arena *arena, struct buffer *out,
                                              struct error *err);

/* Is name one of the ';'-separated names? */
bool canonical_request_is_signed(struct bytes signed_headers, struct bytes name);

#endif
