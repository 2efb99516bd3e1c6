/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL 3 looks an algorithm up by name under a lock on each EVP_md5() style use; the fetched
 * EVP_MD objects here are looked up once and then only read.
 */
#include "stream/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "stream/crc.h"

#include "base/banned.h"

/* Half of a usual first-level data cache. */
#define PIECE_BYTES ((size_t)16 << 10)

static const struct {
    size_t size;
    const char *suffix;
    const char *xml_name;
} KINDS[] = {
#define DIGEST_ROW(name, size, suffix, xml) {size, suffix, xml},
    DIGEST_LIST(DIGEST_ROW)
#undef DIGEST_ROW
};

static EVP_MD *algorithms[DIGEST_COUNT]; /* never freed: needed until the last thread ends */
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;

/* One context for each of a thread's one-shot digests, freed when the thread ends. */
static pthread_key_t thread_key;
static __thread struct digest *thread_digests;

static void
thread_digests_free(void *arg)
{
    struct digest *digests = arg;

    for (int kind = 0; kind < DIGEST_COUNT; kind++) {
        digest_release(&digests[kind]);
    }
    free(digests);
}

static void
algorithms_fetch(void)
{
    algorithms[DIGEST_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
    algorithms[DIGEST_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
    algorithms[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    CHECK(algorithms[DIGEST_MD5] != NULL && algorithms[DIGEST_SHA1] != NULL &&
          algorithms[DIGEST_SHA256] != NULL);
    CHECK(pthread_key_create(&thread_key, thread_digests_free) == 0);
}

size_t
digest_size(enum digest_kind kind)
{
    CHECK(kind < DIGEST_COUNT);
    return KINDS[kind].size;
}

const char *
digest_suffix(enum digest_kind kind)
{
    CHECK(kind < DIGEST_COUNT);
    return KINDS[kind].suffix;
}

const char *
digest_xml_name(enum digest_kind kind)
{
    CHECK(kind < DIGEST_COUNT);
    return KINDS[kind].xml_name;
}

bool
digest_find(struct bytes name, enum digest_kind *ret_kind)
{
    for (int kind = 0; kind < DIGEST_COUNT; kind++) {
        if (bytes_equal_ignore_case(name, KINDS[kind].suffix)) {
            *ret_kind = (enum digest_kind)kind;
            return true;
        }
    }
    return false;
}

void
digest_init(struct digest *digest, enum digest_kind kind)
{
    CHECK(kind < DIGEST_COUNT);
    *digest = (struct digest){.kind = kind};
    if (kind <= DIGEST_SHA256) {
        CHECK(pthread_once(&algorithms_once, algorithms_fetch) == 0);
        digest->openssl = EVP_MD_CTX_new();
        CHECK(digest->openssl != NULL);
        digest_restart(digest);
    }
}

void
digest_release(struct digest *digest)
{
    EVP_MD_CTX_free(digest->openssl);
    *digest = (struct digest){.kind = digest->kind};
}

void
digest_restart(struct digest *digest)
{
    digest->crc = 0;
    if (digest->openssl != NULL) {
        CHECK(EVP_DigestInit_ex2(digest->openssl, algorithms[digest->kind], NULL) == 1);
    }
}

void
digest_update(struct digest *digest, struct bytes data)
{
    switch (digest->kind) {
    case DIGEST_MD5:
    case DIGEST_SHA1:
    case DIGEST_SHA256:
        CHECK(EVP_DigestUpdate(digest->openssl, data.data, data.size) == 1);
        return;
    case DIGEST_CRC32:
        digest->crc = crc32_zlib((uint32_t)digest->crc, data);
        return;
    case DIGEST_CRC32C:
        digest->crc = crc32_castagnoli((uint32_t)digest->crc, data);
        return;
    case DIGEST_CRC64NVME:
        digest->crc = crc64_nvme(digest->crc, data);
        return;
    case DIGEST_COUNT:
        break;
    }
    UNREACHABLE("no such kind of digest");
}

static void
crc_to_value(enum digest_kind kind, uint64_t crc, struct digest_value *ret_value)
{
    ret_value->size = KINDS[kind].size;
    if (kind == DIGEST_CRC64NVME) {
        encode_u64_be(ret_value->data, crc);
    } else {
        encode_u32_be(ret_value->data, (uint32_t)crc);
    }
}

void
digest_final(struct digest *digest, struct digest_value *ret_value)
{
    unsigned int size = 0;

    if (digest->openssl == NULL) {
        crc_to_value(digest->kind, digest->crc, ret_value);
        return;
    }
    CHECK(EVP_DigestFinal_ex(digest->openssl, ret_value->data, &size) == 1);
    CHECK(size == KINDS[digest->kind].size);
    ret_value->size = size;
}

void
digest_of(enum digest_kind kind, struct bytes data, struct digest_value *ret_value)
{
    CHECK(kind < DIGEST_COUNT);
    if (kind > DIGEST_SHA256) {
        struct digest digest = {.kind = kind};

        digest_update(&digest, data);
        digest_final(&digest, ret_value);
        return;
    }
    if (thread_digests == NULL) {
        CHECK(pthread_once(&algorithms_once, algorithms_fetch) == 0);
        thread_digests = xcalloc(DIGEST_COUNT, sizeof(*thread_digests));
        CHECK(pthread_setspecific(thread_key, thread_digests) == 0);
    }
    if (thread_digests[kind].openssl == NULL) {
        digest_init(&thread_digests[kind], kind);
    } else {
        digest_restart(&thread_digests[kind]);
    }
    digest_update(&thread_digests[kind], data);
    digest_final(&thread_digests[kind], ret_value);
}

void
digest_combine(enum digest_kind kind, struct digest_value *first, const struct digest_value *second,
               uint64_t second_size)
{
    CHECK(kind >= DIGEST_CRC32 && kind < DIGEST_COUNT);
    CHECK(first->size == KINDS[kind].size && second->size == KINDS[kind].size);
    if (kind == DIGEST_CRC64NVME) {
        crc_to_value(kind,
                     crc64_nvme_combine(decode_u64_be(first->data), decode_u64_be(second->data),
                                        second_size),
                     first);
    } else if (kind == DIGEST_CRC32C) {
        crc_to_value(kind,
                     crc32_castagnoli_combine(decode_u32_be(first->data),
                                              decode_u32_be(second->data), second_size),
                     first);
    } else {
        crc_to_value(kind,
                     crc32_zlib_combine(decode_u32_be(first->data), decode_u32_be(second->data),
                                        second_size),
                     first);
    }
}

void
digest_set_init(struct digest_set *set, unsigned int mask)
{
    CHECK(mask < DIGEST_MASK(DIGEST_COUNT));
    *set = (struct digest_set){.mask = mask};
    for (int kind = 0; kind < DIGEST_COUNT; kind++) {
        if ((mask & DIGEST_MASK(kind)) != 0) {
            digest_init(&set->digests[kind], (enum digest_kind)kind);
        }
    }
}

void
digest_set_release(struct digest_set *set)
{
    for (int kind = 0; kind < DIGEST_COUNT; kind++) {
        digest_release(&set->digests[kind]);
    }
    set->mask = 0;
}

void
digest_set_update(struct digest_set *set, struct bytes data)
{
    for (size_t from = 0; from < data.size; from += PIECE_BYTES) {
        size_t to = data.size - from < PIECE_BYTES ? data.size : from + PIECE_BYTES;
        struct bytes piece = bytes_slice(data, from, to);

        for (int kind = 0; kind < DIGEST_COUNT; kind++) {
            if ((set->mask & DIGEST_MASK(kind)) != 0) {
                digest_update(&set->digests[kind], piece);
            }
        }
    }
}

void
digest_set_final(struct digest_set *set, struct digest_value ret_values[DIGEST_COUNT])
{
    for (int kind = 0; kind < DIGEST_COUNT; kind++) {
        if ((set->mask & DIGEST_MASK(kind)) != 0) {
            digest_final(&set->digests[kind], &ret_values[kind]);
        } else {
            ret_values[kind].size = 0;
        }
    }
}
