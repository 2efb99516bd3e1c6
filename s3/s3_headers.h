/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that S3 knows, sorted out of a request in one pass.  Values are as sent.  A header
 * that may stand once and was sent twice is refused; those that are lists are joined with commas
 * (RFC 9110 section 5.3).
 */
#ifndef S3_S3_HEADERS_H
#define S3_S3_HEADERS_H

#include "base/arena.h"
#include "net/http_exchange.h"

/* SPEC: S3 PutObject / names and values of all headers together. */
#define S3_HEADER_SECTION_BYTES_MAX 8192

/* SPEC: S3 API model, headers of all implemented actions.
 * X(identifier, name, is a list) */
#define S3_HEADER_LIST(X)                                                                          \
    X(S3_CACHE_CONTROL, "cache-control", true)                                                     \
    X(S3_CONTENT_DISPOSITION, "content-disposition", false)                                        \
    X(S3_CONTENT_ENCODING, "content-encoding", true)                                               \
    X(S3_CONTENT_LANGUAGE, "content-language", true)                                               \
    X(S3_CONTENT_LENGTH, "content-length", false)                                                  \
    X(S3_CONTENT_MD5, "content-md5", false)                                                        \
    X(S3_CONTENT_TYPE, "content-type", false)                                                      \
    X(S3_EXPIRES, "expires", false)                                                                \
    X(S3_IF_MATCH, "if-match", true)                                                               \
    X(S3_IF_MODIFIED_SINCE, "if-modified-since", false)                                            \
    X(S3_IF_NONE_MATCH, "if-none-match", true)                                                     \
    X(S3_IF_RANGE, "if-range", false)                                                              \
    X(S3_IF_UNMODIFIED_SINCE, "if-unmodified-since", false)                                        \
    X(S3_ORIGIN, "origin", false)                                                                  \
    X(S3_RANGE, "range", false)                                                                    \
    X(S3_ACL, "x-amz-acl", false)                                                                  \
    X(S3_BUCKET_NAMESPACE, "x-amz-bucket-namespace", false)                                        \
    X(S3_BUCKET_LOCK, "x-amz-bucket-object-lock-enabled", false)                                   \
    X(S3_CHECKSUM_ALGORITHM, "x-amz-checksum-algorithm", false)                                    \
    X(S3_CHECKSUM_CRC32, "x-amz-checksum-crc32", false)                                            \
    X(S3_CHECKSUM_CRC32C, "x-amz-checksum-crc32c", false)                                          \
    X(S3_CHECKSUM_CRC64NVME, "x-amz-checksum-crc64nvme", false)                                    \
    X(S3_CHECKSUM_SHA1, "x-amz-checksum-sha1", false)                                              \
    X(S3_CHECKSUM_SHA256, "x-amz-checksum-sha256", false)                                          \
    X(S3_CHECKSUM_MD5, "x-amz-checksum-md5", false)                                                \
    X(S3_CHECKSUM_SHA512, "x-amz-checksum-sha512", false)                                          \
    X(S3_CHECKSUM_XXHASH128, "x-amz-checksum-xxhash128", false)                                    \
    X(S3_CHECKSUM_XXHASH3, "x-amz-checksum-xxhash3", false)                                        \
    X(S3_CHECKSUM_XXHASH64, "x-amz-checksum-xxhash64", false)                                      \
    X(S3_CHECKSUM_MODE, "x-amz-checksum-mode", false)                                              \
    X(S3_CHECKSUM_TYPE, "x-amz-checksum-type", false)                                              \
    X(S3_COPY_SOURCE, "x-amz-copy-source", false)                                                  \
    X(S3_COPY_SOURCE_IF_MATCH, "x-amz-copy-source-if-match", true)                                 \
    X(S3_COPY_SOURCE_IF_MODIFIED_SINCE, "x-amz-copy-source-if-modified-since", false)              \
    X(S3_COPY_SOURCE_IF_NONE_MATCH, "x-amz-copy-source-if-none-match", true)                       \
    X(S3_COPY_SOURCE_IF_UNMODIFIED_SINCE, "x-amz-copy-source-if-unmodified-since", false)          \
    X(S3_COPY_SOURCE_RANGE, "x-amz-copy-source-range", false)                                      \
    X(S3_COPY_SSEC_ALGORITHM, "x-amz-copy-source-server-side-encryption-customer-algorithm",       \
      false)                                                                                       \
    X(S3_COPY_SSEC_KEY, "x-amz-copy-source-server-side-encryption-customer-key", false)            \
    X(S3_COPY_SSEC_KEY_MD5, "x-amz-copy-source-server-side-encryption-customer-key-md5", false)    \
    X(S3_EXPECTED_OWNER, "x-amz-expected-bucket-owner", false)                                     \
    X(S3_GRANT_FULL_CONTROL, "x-amz-grant-full-control", true)                                     \
    X(S3_GRANT_READ, "x-amz-grant-read", true)                                                     \
    X(S3_GRANT_READ_ACP, "x-amz-grant-read-acp", true)                                             \
    X(S3_GRANT_WRITE, "x-amz-grant-write", true)                                                   \
    X(S3_GRANT_WRITE_ACP, "x-amz-grant-write-acp", true)                                           \
    X(S3_IF_MATCH_INITIATED_TIME, "x-amz-if-match-initiated-time", false)                          \
    X(S3_IF_MATCH_LAST_MODIFIED, "x-amz-if-match-last-modified-time", false)                       \
    X(S3_IF_MATCH_SIZE, "x-amz-if-match-size", false)                                              \
    X(S3_MAX_PARTS, "x-amz-max-parts", false)                                                      \
    X(S3_METADATA_DIRECTIVE, "x-amz-metadata-directive", false)                                    \
    X(S3_MP_OBJECT_SIZE, "x-amz-mp-object-size", false)                                            \
    X(S3_ANNOTATION_DIRECTIVE, "x-amz-object-annotation-directive", false)                         \
    X(S3_OBJECT_ATTRIBUTES, "x-amz-object-attributes", true)                                       \
    X(S3_LOCK_LEGAL_HOLD, "x-amz-object-lock-legal-hold", false)                                   \
    X(S3_LOCK_MODE, "x-amz-object-lock-mode", false)                                               \
    X(S3_LOCK_RETAIN_UNTIL, "x-amz-object-lock-retain-until-date", false)                          \
    X(S3_OBJECT_OWNERSHIP, "x-amz-object-ownership", false)                                        \
    X(S3_PART_NUMBER_MARKER, "x-amz-part-number-marker", false)                                    \
    X(S3_RENAME_SOURCE, "x-amz-rename-source", false)                                              \
    X(S3_SDK_CHECKSUM_ALGORITHM, "x-amz-sdk-checksum-algorithm", false)                            \
    X(S3_SSE, "x-amz-server-side-encryption", false)                                               \
    X(S3_SSE_KMS_KEY_ID, "x-amz-server-side-encryption-aws-kms-key-id", false)                     \
    X(S3_SSE_BUCKET_KEY, "x-amz-server-side-encryption-bucket-key-enabled", false)                 \
    X(S3_SSE_CONTEXT, "x-amz-server-side-encryption-context", false)                               \
    X(S3_SSEC_ALGORITHM, "x-amz-server-side-encryption-customer-algorithm", false)                 \
    X(S3_SSEC_KEY, "x-amz-server-side-encryption-customer-key", false)                             \
    X(S3_SSEC_KEY_MD5, "x-amz-server-side-encryption-customer-key-md5", false)                     \
    X(S3_SOURCE_EXPECTED_OWNER, "x-amz-source-expected-bucket-owner", false)                       \
    X(S3_STORAGE_CLASS, "x-amz-storage-class", false)                                              \
    X(S3_TAGGING, "x-amz-tagging", false)                                                          \
    X(S3_TAGGING_DIRECTIVE, "x-amz-tagging-directive", false)                                      \
    X(S3_TRAILER, "x-amz-trailer", true)                                                           \
    X(S3_WEBSITE_REDIRECT, "x-amz-website-redirect-location", false)                               \
    X(S3_WRITE_OFFSET, "x-amz-write-offset-bytes", false)                                          \
    X(S3_LODE_DURABILITY, "x-lode-durability", false)                                              \
    X(S3_LODE_CHUNK_SIZE, "x-lode-chunk-size", false)                                              \
    X(S3_LODE_CHUNK_SPREAD, "x-lode-chunk-spread", false)                                          \
    X(S3_LODE_VERIFY_READ, "x-lode-verify-read", false)

enum s3_header_id {
#define S3_HEADER_ENUM(id, name, is_list) id,
    S3_HEADER_LIST(S3_HEADER_ENUM)
#undef S3_HEADER_ENUM
        S3_HEADER_COUNT
};

struct s3_headers {
    struct bytes values[S3_HEADER_COUNT]; /* data NULL: not sent */
    const struct http_header *all;
    size_t all_count;
    size_t metadata_count; /* how many begin with x-amz-meta- */
};

/* ST_INVALID (InvalidArgument, InvalidRequest, RequestHeaderSectionTooLarge).  ret_headers is
 * filled also on failure, as far as it was read. */
MUST_USE enum status s3_headers_read(const struct http_header *all, size_t all_count,
                                     struct arena *arena, struct s3_headers *ret_headers,
                                     struct error *err);

static inline bool
s3_has_header(const struct s3_headers *headers, enum s3_header_id id)
{
    return headers->values[id].data != NULL;
}

const char *s3_header_name(enum s3_header_id id);
/* ST_NOT_IMPLEMENTED if any of the ids was sent. */
MUST_USE enum status s3_headers_refuse(const struct s3_headers *headers,
                                       const enum s3_header_id *ids, size_t count,
                                       struct error *err);

#endif
