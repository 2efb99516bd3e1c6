/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One S3 request on its way through the flow of s3_dialect.c.  It lives in the exchange's arena,
 * belongs to whoever has the exchange (loop or worker, one after the other), and ends with the
 * answer.  Operations read it and fill `reply`.
 */
#ifndef S3_S3_REQUEST_H
#define S3_S3_REQUEST_H

#include "auth/authenticate.h"
#include "object/bucket.h"
#include "object/upload_pin.h"
#include "s3/s3_checksum.h"
#include "s3/s3_dialect.h"
#include "s3/s3_headers.h"
#include "s3/s3_operation.h"
#include "s3/s3_route.h"

#define S3_XMLNS "http://s3.amazonaws.com/doc/2006-03-01/"

struct s3_reply {
    int http_status;             /* 0: 200 */
    struct http_header *headers; /* in arena */
    size_t header_count;
    size_t header_capacity;
    struct bytes body;       /* in arena */
    struct source *source;   /* taken by the answer */
    uint64_t content_length; /* with source, or what GET would send to a HEAD */
    bool has_content_length;
    struct bytes condition;     /* which precondition failed, for the error document */
    struct bytes content_range; /* for 416 */
};

#define S3_REQUEST_MAGIC 0x53335251U /* "S3RQ" */

struct s3_request {
    uint32_t magic;
    const struct s3 *s3;
    struct http_exchange *exchange;
    const struct http_request *http;
    struct arena *arena;
    struct s3_route route;
    const struct s3_operation *operation; /* NULL: refused before it was known */
    struct s3_headers headers;
    struct authentication authentication;
    bool has_authentication;
    struct bucket bucket;
    bool has_bucket;
    bool has_refreshed;    /* the control store was asked for the bucket */
    int64_t anew_since_ns; /* monotonic: the key was another node's after all; 0: it was not */
    bool has_pin;          /* on upload, which this node has */
    enum upload_pin pin;   /* of that kind */
    struct upload_id upload;
    struct upload_search *search; /* where the upload is; NULL: was not looked for */
    enum read_mode mode;          /* what the operation may do now */
    bool has_asked_body;          /* then 100 Continue was sent */
    struct bytes body;            /* S3_BODY_WHOLE */
    struct sink *sink;            /* S3_BODY_STREAMED */
    unsigned retry_after_s;       /* with 503; 0: the usual */
    struct s3_reply reply;
};

/* What the route is found from, but for the copy source. */
struct s3_route_input s3_route_input_of(const struct s3 *s3, const struct http_request *http);

/* Static names; the value must live in the arena or be static. */
void s3_reply_header(struct s3_request *request, const char *name, struct bytes value);
/* The body is moved into the arena, the buffer released; content type application/xml. */
void s3_reply_xml(struct s3_request *request, struct buffer *document);
/* Decimal digits in the arena. */
struct bytes s3_reply_number(struct s3_request *request, uint64_t value);
/* "\"etag\"" in the arena. */
struct bytes s3_reply_quoted(struct s3_request *request, struct bytes etag);
/* x-amz-checksum-<algorithm> and x-amz-checksum-type. */
void s3_reply_checksum(struct s3_request *request, const struct checksum *checksum,
                       uint32_t part_count, bool with_type);

/* Parameter versionId of operations on objects. */
MUST_USE enum status s3_request_check_version(const struct s3_request *request, struct error *err);
/* Parameter uploadId. */

MUST_USE enum status s3_request_upload_id(const struct s3_request *request,
                                          struct upload_id *ret_id, struct error *err);
/* Parameter partNumber, 1 to 10,000. */
MUST_USE enum status s3_request_part_number(const struct s3_request *request, uint32_t *ret_number,
                                            struct error *err);
/* A parameter of a listing; UTF-8 was checked by the route. */
struct bytes s3_request_parameter(const struct s3_request *request, const char *name);

#endif
