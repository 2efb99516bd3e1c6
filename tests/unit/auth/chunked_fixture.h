/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that frames and signs a body in aws-chunked coding, and a sink that keeps what it got.
 */
#ifndef TESTS_UNIT_AUTH_CHUNKED_FIXTURE_H
#define TESTS_UNIT_AUTH_CHUNKED_FIXTURE_H

#include "auth/aws_chunked.h"

struct chunked_client {
    struct authentication authentication; /* what authenticate would have said; root's */
    struct buffer body;
    char previous_signature[65];
};

/* mode streaming; the decoded length is not known.  A fixed key, time and seed signature. */
void chunked_client_init(struct chunked_client *client, enum payload_mode mode, bool has_trailer);
void chunked_client_release(struct chunked_client *client);
/* Append a chunk, signed if the mode says so; size 0 is the last one, without what follows it. */
void chunked_client_chunk(struct chunked_client *client, struct bytes data);
/* Append "name:value" with its line end, x-amz-trailer-signature where signed, an empty line. */
void chunked_client_trailer(struct chunked_client *client, const char *name, const char *value);
/* Append CRLF. */
void chunked_client_end(struct chunked_client *client);
void chunked_client_sign(struct chunked_client *client, const char *algorithm, struct bytes hashed,
                         char ret_signature[65]);

struct kept {
    struct sink sink;
    struct buffer data;
    bool is_finished;
    size_t released_count;
    enum status write_status; /* what write answers */
};

void kept_init(struct kept *kept);
void kept_release(struct kept *kept);

#endif
