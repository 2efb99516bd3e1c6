/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_body.h"

#include "auth/aws_chunked.h"
#include "base/check.h"
#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

/* Collects the plain bytes; the coded body was bounded when it was read. */
struct memory_sink {
    struct sink sink; /* first */
    struct buffer bytes;
};

struct trailer_context {
    struct checksum *expected;
};

static enum status
memory_sink_write(struct sink *sink, struct bytes data, struct error *err)
{
    buffer_append_bytes(&((struct memory_sink *)sink)->bytes, data);
    return ST_OK;
}

static enum status
memory_sink_finish(struct sink *sink, struct error *err)
{
    return ST_OK;
}

static void
memory_sink_release(struct sink *sink)
{
}

static const struct sink_ops MEMORY_SINK_OPS = {memory_sink_write, memory_sink_finish,
                                                memory_sink_release};

static enum status
take_trailer(struct bytes name, struct bytes value, void *arg, struct error *err)
{
    struct trailer_context *context = arg;
    struct checksum *expected = context->expected;

    if (expected->algorithm == CHECKSUM_NONE ||
        !bytes_equal_string(name, s3_checksum_header_name(expected->algorithm))) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "A trailer of the body is not the announced checksum.");
    }
    return s3_checksum_parse_value(expected->algorithm, value, false, expected, err);
}

static enum status
decode_chunks(struct s3_request *request, struct checksum *expected, struct error *err)
{
    struct memory_sink memory = {{&MEMORY_SINK_OPS}, BUFFER_INIT};
    struct trailer_context context = {expected};
    struct aws_chunked_options options = {
        .authentication = &request->authentication,
        .announced_trailers = request->headers.values[S3_TRAILER],
        .on_trailer = take_trailer,
        .arg = &context,
    };
    struct sink *next = &memory.sink;
    struct sink *sink = aws_chunked_create(&options, &next);
    enum status st = sink_write(sink, request->body, err);

    if (st == ST_OK) {
        st = sink_finish(sink, err);
    }
    if (st == ST_OK) {
        request->body = arena_copy(request->arena, buffer_bytes(&memory.bytes));
    }
    sink_release(&sink);
    buffer_release(&memory.bytes);
    return st;
}

static bool
has_digest(struct bytes body, enum digest_kind kind, const void *expected)
{
    struct digest_value value;

    digest_of(kind, body, &value);
    return memcmp(value.data, expected, value.size) == 0;
}

static enum status
compare_digests(const struct s3_request *request, const struct checksum *expected,
                struct error *err)
{
    unsigned char md5[16];
    bool has_md5;
    enum status st = s3_checksum_of_md5(&request->headers, &has_md5, md5, err);

    if (st != ST_OK) {
        return st;
    }
    if (request->authentication.payload_mode == PAYLOAD_SIGNED &&
        !has_digest(request->body, DIGEST_SHA256, request->authentication.payload_sha256)) {
        return fail_as(err, ST_DIGEST_MISMATCH, "XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was "
                       "computed.");
    }
    if (has_md5 && !has_digest(request->body, DIGEST_MD5, md5)) {
        return fail(err, ST_DIGEST_MISMATCH,
                    "The Content-MD5 you specified did not match what we received.");
    }
    if (expected->algorithm != CHECKSUM_NONE &&
        !has_digest(request->body, s3_checksum_digest(expected->algorithm), expected->value)) {
        return fail(err, ST_DIGEST_MISMATCH,
                    "The %s you specified did not match the calculated checksum.",
                    s3_checksum_name(expected->algorithm));
    }
    if (request->operation->needs_digest && !has_md5 && expected->algorithm == CHECKSUM_NONE) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "Missing required header for this request: Content-MD5 OR "
                       "x-amz-checksum-*.");
    }
    return ST_OK;
}

enum status
s3_body_check(struct s3_request *request, struct error *err)
{
    const struct authentication *authentication = &request->authentication;
    struct checksum expected = {.algorithm = CHECKSUM_NONE};
    bool is_chunked = authentication->payload_mode == PAYLOAD_STREAMING_SIGNED ||
                      authentication->payload_mode == PAYLOAD_STREAMING_UNSIGNED;
    enum status st = ST_OK;

    if (request->operation->has_checksum_of_body) {
        st = s3_checksum_of_request(&request->headers, authentication->has_trailer, false,
                                    &expected, err);
    }
    if (st == ST_OK && is_chunked) {
        st = decode_chunks(request, &expected, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (expected.algorithm != CHECKSUM_NONE && expected.size == 0) {
        return fail_as(err, ST_INVALID, "MalformedTrailerError",
                       "The announced trailing checksum did not come.");
    }
    return compare_digests(request, &expected, err);
}

enum status
s3_body_check_none(const struct s3_request *request, struct error *err)
{
    static const unsigned char SHA256_OF_NOTHING[32] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

    if (request->authentication.payload_mode == PAYLOAD_SIGNED && !request->http->has_body &&
        memcmp(request->authentication.payload_sha256, SHA256_OF_NOTHING, 32) != 0) {
        return fail_as(err, ST_DIGEST_MISMATCH, "XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was "
                       "computed.");
    }
    return ST_OK;
}
