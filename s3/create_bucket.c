/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateBucket.  Beside S3's own, these headers set what only this server has:
 *   x-lode-durability: strict | relaxed | none     x-lode-chunk-size: bytes, 1 MiB to 5 GiB
 *   x-lode-chunk-spread: all | 1 to 255            x-lode-verify-read: on | off
 */
#include "base/check.h"
#include "s3/s3_attributes.h"
#include "s3/s3_handler.h"
#include "s3/s3_xml.h"

#include "base/banned.h"

/* Smaller chunks cost a file each; larger ones than a part never fill. */
#define CHUNK_BYTES_MIN (UINT64_C(1) << 20)
#define CHUNK_BYTES_MAX (UINT64_C(5) << 30)
#define CHUNK_BYTES_DEFAULT (UINT64_C(64) << 20)
#define CHUNK_SPREAD_MAX 255

static enum status
read_properties(const struct s3_headers *headers, struct bucket_properties *ret_properties,
                struct error *err)
{
    struct bucket_properties properties = {.durability = DURABILITY_STRICT,
                                           .chunk_bytes = CHUNK_BYTES_DEFAULT,
                                           .chunk_spread = 0,
                                           .verify_read = true,
                                           .native_checksum = NATIVE_CHECKSUM_XXHASH2};
    struct bytes durability = headers->values[S3_LODE_DURABILITY];
    struct bytes chunk_size = headers->values[S3_LODE_CHUNK_SIZE];
    struct bytes spread = headers->values[S3_LODE_CHUNK_SPREAD];
    struct bytes verify = headers->values[S3_LODE_VERIFY_READ];
    uint64_t number = 0;

    if (bytes_equal_string(durability, "relaxed")) {
        properties.durability = DURABILITY_RELAXED;
    } else if (bytes_equal_string(durability, "none")) {
        properties.durability = DURABILITY_NONE;
    } else if (durability.data != NULL && !bytes_equal_string(durability, "strict")) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "x-lode-durability must be strict, relaxed or none.");
    }
    if (chunk_size.data != NULL) {
        if (bytes_parse_u64(chunk_size, CHUNK_BYTES_MAX, &properties.chunk_bytes) != ST_OK ||
            properties.chunk_bytes < CHUNK_BYTES_MIN) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "x-lode-chunk-size must be 1048576 to 5368709120 bytes.");
        }
    }
    if (spread.data != NULL && !bytes_equal_string(spread, "all")) {
        if (bytes_parse_u64(spread, CHUNK_SPREAD_MAX, &number) != ST_OK || number == 0) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "x-lode-chunk-spread must be all or 1 to %d.", CHUNK_SPREAD_MAX);
        }
        properties.chunk_spread = (uint32_t)number;
    }
    if (verify.data != NULL && !bytes_equal_string(verify, "on")) {
        if (!bytes_equal_string(verify, "off")) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "x-lode-verify-read must be on or off.");
        }
        properties.verify_read = false;
    }
    *ret_properties = properties;
    return ST_OK;
}

static enum status
check_ownership(const struct s3_headers *headers, struct error *err)
{
    struct bytes ownership = headers->values[S3_OBJECT_OWNERSHIP];
    struct bytes lock = headers->values[S3_BUCKET_LOCK];

    if (bytes_equal_ignore_case(lock, "true")) {
        return fail(err, ST_NOT_IMPLEMENTED, "Object Lock is not implemented.");
    }
    if (lock.data != NULL && !bytes_equal_ignore_case(lock, "false")) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "x-amz-bucket-object-lock-enabled must be true or false.");
    }
    if (ownership.data == NULL || bytes_equal_string(ownership, "BucketOwnerEnforced")) {
        return ST_OK;
    }
    if (bytes_equal_string(ownership, "BucketOwnerPreferred") ||
        bytes_equal_string(ownership, "ObjectWriter")) {
        return fail(err, ST_NOT_IMPLEMENTED,
                    "The object ownership %.*s is not implemented; BucketOwnerEnforced is.",
                    BYTES_ARGS(ownership));
    }
    return fail_as(err, ST_INVALID, "InvalidArgument",
                   "x-amz-object-ownership must be BucketOwnerEnforced.");
}

/* SPEC: S3 CreateBucket / LocationConstraint: us-east-1 is spelled by leaving it out, every other
 * region must be named. */
static enum status
check_location(struct bytes location, struct bytes region, struct error *err)
{
    bool is_default_region = bytes_equal_string(region, "us-east-1");

    if (location.size == 0) {
        if (is_default_region) {
            return ST_OK;
        }
        return fail_as(err, ST_INVALID, "IllegalLocationConstraintException",
                       "The unspecified location constraint is incompatible for the region "
                       "specific endpoint this request was sent to: name %.*s.",
                       BYTES_ARGS(region));
    }
    if (bytes_equal(location, region) && !is_default_region) {
        return ST_OK;
    }
    if (bytes_equal(location, region) || bytes_find_char(location, 0, '-') == SIZE_MAX) {
        return fail_as(err, ST_INVALID, "InvalidLocationConstraint",
                       "The specified location-constraint is not valid.");
    }
    return fail_as(err, ST_INVALID, "IllegalLocationConstraintException",
                   "The %.*s location constraint is incompatible for the region specific endpoint "
                   "this request was sent to.",
                   (int)(location.size < 64 ? location.size : 64), location.data);
}

static enum status
check_request(const struct s3_request *request, struct error *err)
{
    struct s3_create_document document;
    enum status st = bucket_name_check(request->route.bucket, err);

    if (st != ST_OK) {
        if (err != NULL) {
            err->dialect_code = "InvalidBucketName";
        }
        return st;
    }
    st = s3_attributes_refuse_acl(&request->headers, err);
    if (st == ST_OK) {
        st = check_ownership(&request->headers, err);
    }
    if (st == ST_OK) {
        st = s3_xml_read_create(request->body, request->arena, &document, err);
    }
    return st == ST_OK ? check_location(document.location, request->s3->region, err) : st;
}

/* SPEC: S3 CreateBucket / in us-east-1 the owner's second request succeeds and changes nothing. */
static enum status
answer_existing(const struct s3_request *request, bool is_own, struct error *err)
{
    if (!is_own) {
        return fail_as(err, ST_EXISTS, "BucketAlreadyExists",
                       "The requested bucket name is not available. The bucket namespace is shared "
                       "by all users of the system. Please select a different name and try again.");
    }
    if (bytes_equal_string(request->s3->region, "us-east-1")) {
        return ST_OK;
    }
    return fail_as(err, ST_EXISTS, "BucketAlreadyOwnedByYou",
                   "Your previous request to create the named bucket succeeded and you already own "
                   "it.");
}

enum status
s3_create_bucket(struct s3_request *request, struct error *err)
{
    struct bucket_properties properties;
    bool is_own = false;
    enum status st = check_request(request, err);

    if (st == ST_OK) {
        st = read_properties(&request->headers, &properties, err);
    }
    if (st != ST_OK) {
        return st;
    }
    st = bucket_create(request->s3->options.store, request->authentication.principal,
                       request->route.bucket, &properties, &is_own, err);
    if (st == ST_EXISTS) {
        st = answer_existing(request, is_own, err);
    } else if (st == ST_TOO_LARGE && err != NULL) {
        err->dialect_code = "TooManyBuckets";
    } else if (st == ST_CONFLICT && err != NULL) {
        err->dialect_code = "OperationAborted";
    }
    if (st == ST_OK) {
        s3_reply_header(
            request, "Location",
            arena_printf_bytes(request->arena, "/%.*s", BYTES_ARGS(request->route.bucket)));
    }
    return st;
}
