/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to auth/: what a head says about its authentication, taken apart and refused where its
 * form is wrong, but not verified: nothing in here may be believed yet.
 * SPEC: AWS SigV4, Authorization header and query parameters; codes and sentences are S3's.
 */
#ifndef AUTH_SIGV4_REQUEST_H
#define AUTH_SIGV4_REQUEST_H

#include "auth/amz_date.h"
#include "net/http_exchange.h"

/* A region is a word; what is longer or holds other characters is no region anywhere. */
#define SIGV4_REGION_BYTES_MAX 64
/* As many as a head can have headers (net/): each is looked up before anything is verified. */
#define SIGV4_SIGNED_HEADER_COUNT_MAX 128
/* SPEC: S3 query authentication: seven days. */
#define SIGV4_EXPIRES_S_MAX 604800

struct sigv4_request {
    bool is_query;
    /* A query of version 2: of the members below only access_key, signature, expires and payload.
     */
    bool is_sigv2;
    struct bytes expires; /* as it was signed */
    struct bytes access_key;
    struct bytes scope; /* date/region/service/aws4_request */
    struct bytes date;
    struct bytes region;
    struct bytes service;
    struct bytes signed_headers;
    struct bytes signature;
    char timestamp[AMZ_DATE_SIZE + 1];
    int64_t time_s;       /* of version 2: when it expires */
    uint64_t expires_s;   /* query only */
    struct bytes payload; /* x-amz-content-sha256; data NULL: absent */
};

/* ST_UNAUTHENTICATED (anonymous), ST_DENIED, ST_INVALID, ST_NOT_IMPLEMENTED, with dialect_code.
 * Views into request or in arena.  Queries of version 2 are refused unless accepts_sigv2. */
MUST_USE enum status sigv4_request_parse(const struct http_request *request, const char *service,
                                         bool accepts_sigv2, struct arena *arena,
                                         struct sigv4_request *ret_parsed, struct error *err);

#endif
