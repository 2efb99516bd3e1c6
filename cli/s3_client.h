/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to a Lode (or any S3) server, signed and sent by libcurl.  Blocks.  The connection is
 * kept between requests.
 */
#ifndef CLI_S3_CLIENT_H
#define CLI_S3_CLIENT_H

#include "base/arena.h"
#include "cli/cli_options.h"
#include "cli/progress.h"

struct s3_client;

/* A body that is neither in memory nor a file: none of the commands sends one. */
struct s3_client_request {
    const char *method;
    const char *service; /* "s3" (default, if NULL) or "iam" */
    struct bytes bucket; /* empty: the service itself */
    struct bytes key;
    const char *query;          /* encoded, sorted by name, without '?'; or NULL */
    const char *const *headers; /* "name: value", NULL-terminated; or NULL */
    struct bytes body;          /* in memory, or ... */
    int body_fd;                /* ... a piece of this file, if has_body_file */
    bool has_body_file;
    uint64_t body_offset;
    uint64_t body_size;
    int output_fd; /* a successful answer's body goes there, if has_output_file */
    bool has_output_file;
    struct progress *progress; /* of the body in its direction; or NULL */
    uint64_t progress_base;    /* what was done before this request */
};

#define S3_CLIENT_HEADER_MAX 64
struct s3_client_response {
    int status;
    struct bytes body; /* in arena */
    size_t header_count;
    struct {
        struct bytes name; /* lower case */
        struct bytes value;
    } headers[S3_CLIENT_HEADER_MAX]; /* in arena */
};

MUST_USE enum status s3_client_create(const struct cli_options *options,
                                      struct s3_client **ret_client, struct error *err);
void s3_client_destroy(struct s3_client **take_client);

/*
 * ST_OK for any 2xx.  Else a status after the answer's kind and a sentence with the server's code
 * and message: ST_NOT_FOUND (404), ST_DENIED (401, 403), ST_EXISTS (409), ST_BUSY (503), ST_IO (no
 * connection, cut connection), ST_INVALID (any other).
 */
MUST_USE enum status s3_client_send(struct s3_client *client,
                                    const struct s3_client_request *request, struct arena *arena,
                                    struct s3_client_response *ret_response, struct error *err);
struct bytes s3_client_header(const struct s3_client_response *response, const char *name);

/* "s3://bucket/key", "bucket/key" or "bucket"; views into text. */
MUST_USE enum status s3_client_parse_path(const char *text, struct bytes *ret_bucket,
                                          struct bytes *ret_key, struct error *err);

#endif
