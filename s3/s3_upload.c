/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_upload.h"

#include <inttypes.h>

#include "auth/aws_chunked.h"
#include "base/check.h"

#include "base/banned.h"

#define UPLOAD_MAGIC 0x53335550U /* "S3UP" */

struct s3_upload {
    struct sink sink; /* first */
    uint32_t magic;
    struct s3_request *request;
    struct object_put_options options;
    struct object_put *put; /* NULL before the first bytes */
    struct sink *chain;     /* what our bytes go to */
};

static struct s3_upload *
upload_of(struct sink *sink)
{
    struct s3_upload *upload = (struct s3_upload *)sink;

    CHECK(upload->magic == UPLOAD_MAGIC);
    return upload;
}

static enum status
take_trailer(struct bytes name, struct bytes value, void *arg, struct error *err)
{
    struct s3_upload *upload = arg;
    struct checksum checksum = upload->options.expectation.checksum;
    enum status st;

    if (checksum.algorithm == CHECKSUM_NONE ||
        !bytes_equal_string(name, s3_checksum_header_name(checksum.algorithm))) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "A trailer of the body is not the announced checksum.");
    }
    st = s3_checksum_parse_value(checksum.algorithm, value, false, &checksum, err);
    if (st != ST_OK) {
        return st;
    }
    upload->options.expectation.checksum = checksum;
    return object_put_expect_checksum(upload->put, &checksum, err);
}

static enum status
open_put(struct s3_upload *upload, struct error *err)
{
    const struct authentication *authentication = &upload->request->authentication;
    const struct aws_chunked_options options = {
        .authentication = authentication,
        .announced_trailers = upload->request->headers.values[S3_TRAILER],
        .on_trailer = take_trailer,
        .arg = upload,
    };
    enum status st = object_put_open(&upload->request->bucket, &upload->options, &upload->put, err);
    struct sink *next;

    if (st != ST_OK) {
        return st;
    }
    next = object_put_sink(upload->put);
    if (authentication->payload_mode == PAYLOAD_STREAMING_SIGNED ||
        authentication->payload_mode == PAYLOAD_STREAMING_UNSIGNED) {
        upload->chain = aws_chunked_create(&options, &next);
    } else {
        upload->chain = next;
    }
    return ST_OK;
}

static enum status
upload_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct s3_upload *upload = upload_of(sink);
    enum status st = upload->put == NULL ? open_put(upload, err) : ST_OK;

    return st == ST_OK ? sink_write(upload->chain, data, err) : st;
}

static enum status
upload_finish(struct sink *sink, struct error *err)
{
    struct s3_upload *upload = upload_of(sink);
    struct checksum *expected = &upload->options.expectation.checksum;
    enum status st = upload->put == NULL ? open_put(upload, err) : ST_OK;

    if (st == ST_OK) {
        st = sink_finish(upload->chain, err);
    }
    if (st == ST_OK && expected->algorithm != CHECKSUM_NONE && expected->size == 0) {
        return fail_as(err, ST_INVALID, "MalformedTrailerError",
                       "The announced trailing checksum did not come.");
    }
    return st;
}

static void
upload_release(struct sink *sink)
{
    struct s3_upload *upload = upload_of(sink);

    sink_release(&upload->chain);
    object_put_release(&upload->put);
}

static const struct sink_ops UPLOAD_OPS = {upload_write, upload_finish, upload_release};

/* SPEC: S3 PutObject / Content-Length, x-amz-decoded-content-length: MissingContentLength. */
static enum status
read_size(const struct s3_request *request, uint64_t *ret_size, struct error *err)
{
    const struct authentication *authentication = &request->authentication;
    bool is_chunked = authentication->payload_mode == PAYLOAD_STREAMING_SIGNED ||
                      authentication->payload_mode == PAYLOAD_STREAMING_UNSIGNED;
    bool has_length = s3_has_header(&request->headers, S3_CONTENT_LENGTH);
    uint64_t size = request->http->content_length;

    if (is_chunked) {
        has_length = authentication->decoded_length != HTTP_LENGTH_UNKNOWN;
        size = authentication->decoded_length;
    }
    if (!has_length) {
        if (!is_chunked && request->http->has_body && request->s3->options.put_without_length) {
            *ret_size = OBJECT_SIZE_UNKNOWN;
            return ST_OK;
        }
        return fail_as(err, ST_INVALID, "MissingContentLength",
                       "You must provide the %s HTTP header.",
                       is_chunked ? "x-amz-decoded-content-length" : "Content-Length");
    }
    if (size > OBJECT_PUT_BYTES_MAX) {
        return fail_as(err, ST_TOO_LARGE, "EntityTooLarge",
                       "Your proposed upload of %" PRIu64 " bytes exceeds the maximum allowed "
                       "size of %" PRIu64 ".",
                       size, OBJECT_PUT_BYTES_MAX);
    }
    *ret_size = size;
    return ST_OK;
}

static enum status
read_expectation(const struct s3_request *request, struct object_put_expectation *expectation,
                 struct error *err)
{
    const struct authentication *authentication = &request->authentication;
    enum status st =
        s3_checksum_of_md5(&request->headers, &expectation->has_md5, expectation->md5, err);

    if (st == ST_OK) {
        st = s3_checksum_of_request(&request->headers, authentication->has_trailer, false,
                                    &expectation->checksum, err);
    }
    if (authentication->payload_mode == PAYLOAD_SIGNED) {
        expectation->has_payload_sha256 = true;
        memcpy(expectation->payload_sha256, authentication->payload_sha256, 32);
    }
    return st;
}

enum status
s3_upload_create(struct s3_request *request, const struct object_put_options *options,
                 struct sink **ret_sink, struct error *err)
{
    struct s3_upload *upload = arena_calloc(request->arena, 1, sizeof(*upload));
    enum status st;

    upload->sink.ops = &UPLOAD_OPS;
    upload->magic = UPLOAD_MAGIC;
    upload->request = request;
    upload->options = *options;
    st = read_size(request, &upload->options.size, err);
    if (st == ST_OK) {
        st = read_expectation(request, &upload->options.expectation, err);
    }
    if (st == ST_OK) {
        *ret_sink = &upload->sink;
    }
    return st;
}

enum status
s3_upload_commit(struct s3_request *request, struct object_put_result *ret_result,
                 struct error *err)
{
    struct s3_upload *upload = upload_of(request->sink);

    CHECK(upload->put != NULL);
    return object_put_commit(upload->put, ret_result, err);
}
