/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of bytes that pass by: the client's ETag and checksums, payload hashes.  MD5 and SHA come
 * from OpenSSL (its algorithms are fetched once per process), CRCs from stream/crc.h.
 *
 *   init -> update* -> final -> (restart -> update* -> final)* -> release
 *
 * A digest belongs to one thread at a time and holds no secret.  CRCs come out big-endian, as S3
 * encodes them.
 */
#ifndef STREAM_DIGEST_H
#define STREAM_DIGEST_H

#include <stdint.h>

#include "base/bytes.h"

/* X(name, bytes of its value, suffix of its x-amz-checksum- header, name in S3's XML) */
#define DIGEST_LIST(X)                                                                             \
    X(DIGEST_MD5, 16, "md5", "MD5")                                                                \
    X(DIGEST_SHA1, 20, "sha1", "SHA1")                                                             \
    X(DIGEST_SHA256, 32, "sha256", "SHA256")                                                       \
    X(DIGEST_CRC32, 4, "crc32", "CRC32")                                                           \
    X(DIGEST_CRC32C, 4, "crc32c", "CRC32C")                                                        \
    X(DIGEST_CRC64NVME, 8, "crc64nvme", "CRC64NVME")

enum digest_kind {
#define DIGEST_ENUM(name, size, suffix, xml) name,
    DIGEST_LIST(DIGEST_ENUM)
#undef DIGEST_ENUM
        DIGEST_COUNT
};

#define DIGEST_SIZE_MAX 32
#define DIGEST_MASK(kind) (1U << (kind))

struct digest_value {
    size_t size;
    unsigned char data[DIGEST_SIZE_MAX];
};

static inline struct bytes
digest_value_bytes(const struct digest_value *value)
{
    return (struct bytes){(const char *)value->data, value->size};
}

size_t digest_size(enum digest_kind kind);
const char *digest_suffix(enum digest_kind kind);   /* "crc32c" */
const char *digest_xml_name(enum digest_kind kind); /* "CRC32C" */
/* By suffix or XML name, without regard to case.  False: not one of ours. */
bool digest_find(struct bytes name, enum digest_kind *ret_kind);

struct digest {
    enum digest_kind kind;
    uint64_t crc;
    void *openssl; /* EVP_MD_CTX of MD5 and SHA, else NULL */
};

void digest_init(struct digest *digest, enum digest_kind kind);
void digest_release(struct digest *digest); /* also of one that is all zero bytes */
void digest_restart(struct digest *digest); /* as after init */
void digest_update(struct digest *digest, struct bytes data);
/* Only restart and release may follow. */
void digest_final(struct digest *digest, struct digest_value *ret_value);

/* Of memory, at once; no allocation after a thread's first call. */
void digest_of(enum digest_kind kind, struct bytes data, struct digest_value *ret_value);

/* The value of a concatenation from the values of its pieces.  CRC kinds only (CHECKed). */
void digest_combine(enum digest_kind kind, struct digest_value *first,
                    const struct digest_value *second, uint64_t second_size);

/* Several kinds in one pass: each cache-sized piece is fed to all of them before the next. */
struct digest_set {
    unsigned int mask; /* DIGEST_MASK of each kind in it; may be 0 */
    struct digest digests[DIGEST_COUNT];
};

void digest_set_init(struct digest_set *set, unsigned int mask);
void digest_set_release(struct digest_set *set); /* also of one that is all zero bytes */
void digest_set_update(struct digest_set *set, struct bytes data);
/* Fills ret_values[kind] of each kind in mask, size 0 in the others. */
void digest_set_final(struct digest_set *set, struct digest_value ret_values[DIGEST_COUNT]);

#endif
