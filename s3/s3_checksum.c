/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_checksum.h"

#include "base/check.h"
#include "base/encode.h"
#include "s3/s3_error.h"

#include "base/banned.h"

struct algorithm_row {
    enum checksum_algorithm algorithm;
    enum digest_kind digest;
    const char *name;
    const char *header_name;
    const char *xml_name;
    enum s3_header_id header;
    size_t size;
};

/* Indexed by enum checksum_algorithm, without NONE. */
static const struct algorithm_row ROWS[] = {
    {CHECKSUM_CRC32, DIGEST_CRC32, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32",
     S3_CHECKSUM_CRC32, 4},
    {CHECKSUM_CRC32C, DIGEST_CRC32C, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C",
     S3_CHECKSUM_CRC32C, 4},
    {CHECKSUM_CRC64NVME, DIGEST_CRC64NVME, "CRC64NVME", "x-amz-checksum-crc64nvme",
     "ChecksumCRC64NVME", S3_CHECKSUM_CRC64NVME, 8},
    {CHECKSUM_SHA1, DIGEST_SHA1, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", S3_CHECKSUM_SHA1,
     20},
    {CHECKSUM_SHA256, DIGEST_SHA256, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256",
     S3_CHECKSUM_SHA256, 32},
};

/* SPEC: S3 API model ChecksumAlgorithm: those that are not kept here. */
static const char *const OTHER_NAMES[] = {"SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"};
static const enum s3_header_id OTHER_HEADERS[] = {S3_CHECKSUM_SHA512, S3_CHECKSUM_MD5,
                                                  S3_CHECKSUM_XXHASH64, S3_CHECKSUM_XXHASH3,
                                                  S3_CHECKSUM_XXHASH128};

static const struct algorithm_row *
row_of(enum checksum_algorithm algorithm)
{
    CHECK(algorithm >= CHECKSUM_CRC32 && (size_t)algorithm <= ARRAY_COUNT(ROWS));
    CHECK(ROWS[algorithm - 1].algorithm == algorithm);
    return &ROWS[algorithm - 1];
}

enum digest_kind
s3_checksum_digest(enum checksum_algorithm algorithm)
{
    return row_of(algorithm)->digest;
}

const char *
s3_checksum_name(enum checksum_algorithm algorithm)
{
    return row_of(algorithm)->name;
}

const char *
s3_checksum_header_name(enum checksum_algorithm algorithm)
{
    return row_of(algorithm)->header_name;
}

const char *
s3_checksum_xml_name(enum checksum_algorithm algorithm)
{
    return row_of(algorithm)->xml_name;
}

const char *
s3_checksum_type_name(enum checksum_type type)
{
    return type == CHECKSUM_COMPOSITE ? "COMPOSITE" : "FULL_OBJECT";
}

enum status
s3_checksum_parse_algorithm(struct bytes text, const char *header_name,
                            enum checksum_algorithm *ret_algorithm, struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        if (bytes_equal_ignore_case(text, ROWS[i].name)) {
            *ret_algorithm = ROWS[i].algorithm;
            return ST_OK;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(OTHER_NAMES); i++) {
        if (bytes_equal_ignore_case(text, OTHER_NAMES[i])) {
            return fail(err, ST_NOT_IMPLEMENTED,
                        "The checksum algorithm %s is not implemented; CRC32, CRC32C, CRC64NVME, "
                        "SHA1 and SHA256 are.",
                        OTHER_NAMES[i]);
        }
    }
    return fail_as(err, ST_INVALID, "InvalidRequest",
                   "Checksum algorithm provided is unsupported: %s must be one of CRC32, CRC32C, "
                   "CRC64NVME, SHA1, SHA256.",
                   header_name);
}

enum status
s3_checksum_parse_type(struct bytes text, enum checksum_type *ret_type, struct error *err)
{
    if (bytes_equal_ignore_case(text, "FULL_OBJECT")) {
        *ret_type = CHECKSUM_FULL_OBJECT;
    } else if (bytes_equal_ignore_case(text, "COMPOSITE")) {
        *ret_type = CHECKSUM_COMPOSITE;
    } else {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The value of x-amz-checksum-type must be COMPOSITE or FULL_OBJECT.");
    }
    return ST_OK;
}

enum status
s3_checksum_parse_value(enum checksum_algorithm algorithm, struct bytes text, bool may_be_composite,
                        struct checksum *ret_checksum, struct error *err)
{
    const struct algorithm_row *row = row_of(algorithm);
    struct checksum checksum = {.algorithm = algorithm, .type = CHECKSUM_FULL_OBJECT};
    size_t dash = may_be_composite ? bytes_find_char(text, 0, '-') : SIZE_MAX;
    uint64_t count;
    bool is_good = true;

    if (dash != SIZE_MAX) {
        is_good = bytes_parse_u64(bytes_slice(text, dash + 1, text.size), PART_NUMBER_MAX,
                                  &count) == ST_OK;
        text.size = dash;
        checksum.type = CHECKSUM_COMPOSITE;
    }
    is_good = is_good &&
              decode_base64(text, checksum.value, sizeof(checksum.value), &checksum.size) == ST_OK;
    if (!is_good || checksum.size != row->size) {
        return fail_as(err, ST_INVALID, S3_MALFORMED_CHECKSUM, "Value for %s header is invalid.",
                       row->header_name);
    }
    *ret_checksum = checksum;
    return ST_OK;
}

struct bytes
s3_checksum_format(const struct checksum *checksum, uint32_t part_count,
                   char out[S3_CHECKSUM_TEXT_SIZE])
{
    size_t size = ENCODE_BASE64_SIZE(checksum->size);

    CHECK(checksum->size <= CHECKSUM_VALUE_MAX && part_count <= PART_NUMBER_MAX);
    encode_base64(bytes_of(checksum->value, checksum->size), out);
    if (checksum->type == CHECKSUM_COMPOSITE && part_count != 0) {
        char digits[8];
        size_t at = sizeof(digits);

        for (uint32_t rest = part_count; rest != 0; rest /= 10) {
            digits[--at] = (char)('0' + rest % 10);
        }
        out[size++] = '-';
        memcpy(out + size, digits + at, sizeof(digits) - at);
        size += sizeof(digits) - at;
        out[size] = '\0';
    }
    return bytes_of(out, size);
}

static enum status
fail_several(struct error *err)
{
    return fail_as(err, ST_INVALID, "InvalidRequest",
                   "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                   "allowed.");
}

static enum status
find_header_value(const struct s3_headers *headers, bool may_be_composite,
                  struct checksum *ret_checksum, struct error *err)
{
    const struct algorithm_row *found = NULL;
    enum status st = s3_headers_refuse(headers, OTHER_HEADERS, ARRAY_COUNT(OTHER_HEADERS), err);

    for (size_t i = 0; st == ST_OK && i < ARRAY_COUNT(ROWS); i++) {
        if (s3_has_header(headers, ROWS[i].header)) {
            if (found != NULL) {
                return fail_several(err);
            }
            found = &ROWS[i];
        }
    }
    if (st == ST_OK && found != NULL) {
        st = s3_checksum_parse_value(found->algorithm, headers->values[found->header],
                                     may_be_composite, ret_checksum, err);
    }
    return st;
}

static enum status
find_trailer(const struct s3_headers *headers, struct checksum *ret_checksum, struct error *err)
{
    struct bytes list = headers->values[S3_TRAILER];
    struct bytes prefix = BYTES_LITERAL("x-amz-checksum-");

    while (list.size != 0) {
        struct bytes name = bytes_trim(bytes_cut(&list, ','));
        enum checksum_algorithm algorithm;
        enum status st;

        if (name.size <= prefix.size ||
            !bytes_equal_ignore_case(bytes_slice(name, 0, prefix.size), prefix.data)) {
            return fail_as(err, ST_INVALID, "InvalidRequest",
                           "The value specified in the x-amz-trailer header is not supported.");
        }
        st = s3_checksum_parse_algorithm(bytes_slice(name, prefix.size, name.size),
                                         "the checksum of x-amz-trailer", &algorithm, err);
        if (st != ST_OK) {
            return st;
        }
        if (ret_checksum->algorithm != CHECKSUM_NONE) {
            return fail_several(err);
        }
        *ret_checksum = (struct checksum){.algorithm = algorithm};
    }
    return ST_OK;
}

enum status
s3_checksum_of_request(const struct s3_headers *headers, bool has_trailer, bool may_be_composite,
                       struct checksum *ret_checksum, struct error *err)
{
    struct checksum checksum = {.algorithm = CHECKSUM_NONE};
    enum checksum_algorithm announced = CHECKSUM_NONE;
    enum status st = find_header_value(headers, may_be_composite, &checksum, err);

    if (st == ST_OK && has_trailer) {
        st = find_trailer(headers, &checksum, err);
    }
    if (st == ST_OK && s3_has_header(headers, S3_SDK_CHECKSUM_ALGORITHM)) {
        st =
            s3_checksum_parse_algorithm(headers->values[S3_SDK_CHECKSUM_ALGORITHM],
                                        s3_header_name(S3_SDK_CHECKSUM_ALGORITHM), &announced, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (announced != CHECKSUM_NONE && announced != checksum.algorithm) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "x-amz-sdk-checksum-algorithm specified, but no corresponding "
                       "x-amz-checksum-* or x-amz-trailer headers were found.");
    }
    *ret_checksum = checksum;
    return ST_OK;
}

enum status
s3_checksum_of_md5(const struct s3_headers *headers, bool *ret_has, unsigned char ret_md5[16],
                   struct error *err)
{
    struct bytes text = headers->values[S3_CONTENT_MD5];
    size_t size;

    if (text.data != NULL && (decode_base64(text, ret_md5, 16, &size) != ST_OK || size != 16)) {
        return fail_as(err, ST_INVALID, "InvalidDigest",
                       "The Content-MD5 you specified is not valid: it must be the base64 of 16 "
                       "bytes.");
    }
    *ret_has = text.data != NULL;
    return ST_OK;
}
