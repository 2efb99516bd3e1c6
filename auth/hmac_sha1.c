/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac_sha1.h"

#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

#define BLOCK_BYTES 64

void
hmac_sha1(struct bytes key, struct bytes message, unsigned char ret_mac[HMAC_SHA1_SIZE])
{
    unsigned char inner[BLOCK_BYTES] = {0};
    unsigned char outer[BLOCK_BYTES + HMAC_SHA1_SIZE];
    struct digest_value value;
    struct digest digest;

    if (key.size > BLOCK_BYTES) {
        digest_of(DIGEST_SHA1, key, &value);
        key = digest_value_bytes(&value);
    }
    if (key.size > 0) {
        memcpy(inner, key.data, key.size);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        outer[i] = inner[i] ^ 0x5C;
        inner[i] ^= 0x36;
    }
    digest_init(&digest, DIGEST_SHA1);
    digest_update(&digest, bytes_of(inner, BLOCK_BYTES));
    digest_update(&digest, message);
    digest_final(&digest, &value);
    digest_release(&digest);
    memcpy(outer + BLOCK_BYTES, value.data, HMAC_SHA1_SIZE);
    digest_of(DIGEST_SHA1, bytes_of(outer, sizeof(outer)), &value);
    memcpy(ret_mac, value.data, HMAC_SHA1_SIZE);
    memory_wipe(inner, sizeof(inner));
    memory_wipe(outer, sizeof(outer));
    memory_wipe(&value, sizeof(value));
}
