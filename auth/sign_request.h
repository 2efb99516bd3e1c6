/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of SigV4: headers for a request that we send (lode, bench, later remote
 * stores). SPEC: AWS SigV4, Authorization header.  Pure; any thread.
 */
#ifndef AUTH_SIGN_REQUEST_H
#define AUTH_SIGN_REQUEST_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

struct sign_request_options {
    struct bytes method;
    struct bytes path;   /* as it is sent: encoded */
    struct bytes query;  /* as it is sent: encoded, without '?'; any order */
    struct bytes host;   /* value of Host */
    const char *service; /* "s3" or "iam" */
    const char *region;
    struct bytes access_key;
    struct bytes secret_key;
    const char *const *headers; /* further headers that are sent, "name: value", NULL-terminated;
                                   those named content-type, content-md5, range and x-amz-* are
                                   signed.  Or NULL */
    struct bytes body;          /* what is hashed, unless ... */
    bool is_payload_unsigned;   /* ... UNSIGNED-PAYLOAD */
    int64_t time_s;             /* wall clock */
};

/* *ret_headers: "x-amz-date: ...", "x-amz-content-sha256: ...", "authorization: ...", NULL; in
 * arena. */
MUST_USE enum status sign_request(const struct sign_request_options *options, struct arena *arena,
                                  const char *const **ret_headers, struct error *err);

#endif
