/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac_sha256.h"

#include "base/check.h"
#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

#define BLOCK_BYTES 64
#define SECRET_BYTES_MAX 256

void
hmac_sha256(struct bytes key, struct bytes message, unsigned char ret_mac[HMAC_SHA256_SIZE])
{
    unsigned char inner[BLOCK_BYTES + HMAC_SHA256_MESSAGE_BYTES_MAX];
    unsigned char outer[BLOCK_BYTES + HMAC_SHA256_SIZE];
    struct digest_value value;

    CHECK(message.size <= HMAC_SHA256_MESSAGE_BYTES_MAX);
    if (key.size > BLOCK_BYTES) {
        digest_of(DIGEST_SHA256, key, &value);
        key = digest_value_bytes(&value);
    }
    memset(inner, 0, BLOCK_BYTES);
    memcpy(inner, key.data, key.size);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        outer[i] = inner[i] ^ 0x5C;
        inner[i] ^= 0x36;
    }
    if (message.size > 0) {
        memcpy(inner + BLOCK_BYTES, message.data, message.size);
    }
    digest_of(DIGEST_SHA256, bytes_of(inner, BLOCK_BYTES + message.size), &value);
    memcpy(outer + BLOCK_BYTES, value.data, HMAC_SHA256_SIZE);
    digest_of(DIGEST_SHA256, bytes_of(outer, sizeof(outer)), &value);
    memcpy(ret_mac, value.data, HMAC_SHA256_SIZE);
    /* The pads give the key away; what was hashed behind them does not. */
    memory_wipe(inner, BLOCK_BYTES);
    memory_wipe(outer, sizeof(outer));
    memory_wipe(&value, sizeof(value));
}

void
sigv4_signing_key(struct bytes secret, struct bytes date, struct bytes region, struct bytes service,
                  unsigned char ret_key[HMAC_SHA256_SIZE])
{
    char first[4 + SECRET_BYTES_MAX] = "AWS4";

    CHECK(secret.size <= SECRET_BYTES_MAX);
    if (secret.size > 0) {
        memcpy(first + 4, secret.data, secret.size);
    }
    hmac_sha256(bytes_of(first, 4 + secret.size), date, ret_key);
    hmac_sha256(bytes_of(ret_key, HMAC_SHA256_SIZE), region, ret_key);
    hmac_sha256(bytes_of(ret_key, HMAC_SHA256_SIZE), service, ret_key);
    hmac_sha256(bytes_of(ret_key, HMAC_SHA256_SIZE), BYTES_LITERAL("aws4_request"), ret_key);
    memory_wipe(first, sizeof(first));
}
