/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which operation does a request ask for?  A pure function of method, host, path and query through
 * one table of every sub-resource of the S3 model: a known one never falls through to the plain
 * verb.  Paths are percent-decoded once and never normalised.  Any thread.
 */
#ifndef S3_S3_ROUTE_H
#define S3_S3_ROUTE_H

#include "s3/s3_operation.h"
#include "s3/s3_query.h"

struct s3_route_input {
    struct bytes method;
    struct bytes host; /* with port */
    struct bytes path; /* as sent */
    struct bytes query;
    bool has_copy_source;        /* x-amz-copy-source was sent */
    const struct bytes *domains; /* of virtual-hosted style */
    size_t domain_count;
};

struct s3_route {
    enum s3_operation_id id;
    const struct s3_operation *operation; /* NULL: refused before it was known */
    struct bytes bucket;                  /* decoded; empty: none */
    struct bytes key;                     /* decoded; empty: none */
    struct s3_query query;
};

/* ret_route is filled as far as the request was understood, also on failure, for the answer to name
 * the resource.  ST_INVALID (InvalidURI, InvalidBucketName, InvalidArgument, KeyTooLongError,
 * MethodNotAllowed), ST_NOT_IMPLEMENTED. */
MUST_USE enum status s3_route(const struct s3_route_input *input, struct arena *arena,
                              struct s3_route *ret_route, struct error *err);

/* Does a parameter of this name choose the operation? */
bool s3_route_is_subresource(struct bytes name);

/* The bucket that Host names in virtual-hosted style (in arena, lower case); data NULL: none. */
struct bytes s3_route_host_bucket(const struct s3_route_input *input, struct arena *arena);

/* "/", or "/bucket/key" as it was sent, wherever the bucket was named: what signature version 2
 * calls the resource.  In arena. */
struct bytes s3_route_resource(const struct s3_route_input *input, struct arena *arena);

#endif
