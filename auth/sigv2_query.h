/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presigned URLs of AWS Signature Version 2: which parameters they sign, and what string.  Pure
 * functions over the head; the comparison is authenticate()'s.  Any thread.
 * SPEC: S3 "Signing and authenticating REST requests", query string request authentication.
 */
#ifndef AUTH_SIGV2_QUERY_H
#define AUTH_SIGV2_QUERY_H

#include "auth/canonical_request.h"

/* Base64 of 20 bytes. */
#define SIGV2_SIGNATURE_SIZE 28
/* As many as a head can have headers (net/): each is compared with all others before anything is
 * verified. */
#define SIGV2_HEADER_PARAMETER_COUNT_MAX 128

/* Does the query name AWSAccessKeyId or Signature? */
bool sigv2_query_is_present(struct bytes query);

/* Is a parameter of this (decoded) name part of what is signed?  All others of a URL can be changed
 * by whoever holds it, so none of them may choose what is done. */
bool sigv2_query_signs(struct bytes name);

/*
 * Signers put x-amz-* headers into the query too.  Such parameters count as if they had been sent
 * as headers: *ret_request is request with them added, so that what is signed is what is done.
 * ST_INVALID (InvalidArgument): one comes twice, differs from its header, or cannot be a header.
 */
MUST_USE enum status sigv2_query_add_headers(const struct http_request *request,
                                             struct arena *arena, struct http_request *ret_request,
                                             struct error *err);

struct sigv2_query_options {
    const struct http_request *request; /* with its parameters as headers */
    struct bytes resource;              /* "/bucket/key" */
    struct bytes expires;               /* as sent, decoded */
    enum canonical_form form;           /* of resource */
};

/* Append the string to sign.  ST_INVALID (InvalidArgument): a signed parameter or header that may
 * stand once came twice, or an escape is broken. */
MUST_USE enum status sigv2_query_append(const struct sigv2_query_options *options,
                                        struct arena *arena, struct buffer *out, struct error *err);

#endif
