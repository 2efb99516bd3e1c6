/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter for bodies in aws-chunked coding: takes the framing off, verifies chunk and trailer
 * signatures, hands trailers to the operation before the next sink's finish.
 * SPEC: AWS SigV4 streaming; every chunk but the last has at least 8,192 bytes.
 * Refusals carry err->dialect_code: SignatureDoesNotMatch, IncompleteBody, InvalidChunkSizeError,
 * MalformedTrailerError, InvalidRequest.
 */
#ifndef AUTH_AWS_CHUNKED_H
#define AUTH_AWS_CHUNKED_H

#include "auth/authenticate.h"
#include "stream/sink.h"

/* A chunk header line, with its extension, is at most this long. */
#define AWS_CHUNKED_LINE_BYTES_MAX 512
/* All trailers together. */
#define AWS_CHUNKED_TRAILER_BYTES_MAX 4096

struct aws_chunked_options {
    const struct authentication *authentication; /* borrowed; streaming mode */
    struct bytes announced_trailers;             /* value of x-amz-trailer; borrowed */
    /* Called in finish for each trailer that was announced (name in lower case), before next's
     * finish.  Not called for x-amz-trailer-signature. */
    enum status (*on_trailer)(struct bytes name, struct bytes value, void *arg, struct error *err);
    void *arg;
};

/* Refuses bodies longer or shorter than x-amz-decoded-content-length.  Takes next. */
struct sink *aws_chunked_create(const struct aws_chunked_options *options, struct sink **take_next);

#endif
