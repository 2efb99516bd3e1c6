/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The S3 dialect: what the bytes of an S3 request ask, and how S3 answers.  The gateway gives each
 * request of the public listener that s3_accepts() to s3_handle(), on its loop.
 *
 *   route -> authenticate -> open the bucket (authorize) -> [body] -> operation -> answer
 *
 * Operations are sequential functions, one file each; point reads are tried on the loop first, all
 * others run on a worker.  A struct s3 is read-only after s3_init and outlives the server.
 */
#ifndef S3_S3_DIALECT_H
#define S3_S3_DIALECT_H

#include "auth/credential_store.h"
#include "net/http_exchange.h"
#include "object/object_store.h"

/* Virtual-hosted style: more names than any deployment has. */
#define S3_DOMAIN_MAX 16

/* All members are borrowed and must outlive the struct s3 made from them. */
struct s3_options {
    struct object_store *store;
    struct credential_store *credentials;
    const struct bytes *domains; /* Host "<bucket>.<domain>"; lower case, without a port */
    size_t domain_count;
    const char *region; /* NULL: object_store_region(store) */
    bool refuses_sigv2; /* presigned URLs of signature version 2 */

    /* Where AWS and ceph/s3-tests disagree, the default (false) is AWS. */
    bool put_if_none_match_etag;     /* If-None-Match with an ETag on writes: 412 or 200, not 501 */
    bool delete_if_match_missing_ok; /* DELETE with If-Match of a missing key: 204, not 404 */
    bool empty_continuation_token;   /* continuation-token= is the start, not InvalidArgument */
    bool put_without_length;         /* chunked PUT without a length is accepted, not 411 */
    bool list_v1_plain_prefix;       /* ListObjects: Prefix is not percent-encoded */
    bool no_such_part_is_invalid;    /* GET of no such partNumber: InvalidPart 400, not 416 */
    bool bad_checksum_is_bad_digest; /* a malformed x-amz-checksum-*: not InvalidRequest */
};

struct s3 {
    struct s3_options options;
    struct bytes region;
};

/* Registers the metrics of the dialect at its first call. */
void s3_init(struct s3 *ret_s3, const struct s3_options *options);

/* Is this request S3?  False: the path begins with /v1 (native), or it is POST / (IAM). */
bool s3_accepts(const struct s3 *s3, const struct http_request *request);

/* An http_handler_fn; arg is the struct s3. */
ON_LOOP void s3_handle(struct http_exchange *exchange, void *arg);

/* For http_server_options.render_error: S3's error document for what the server refuses by itself.
 */
struct bytes s3_render_error(struct arena *arena, int http_status, const char *request_id,
                             struct bytes resource, const char *sentence,
                             const char **ret_content_type);

#endif
