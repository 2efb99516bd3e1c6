/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac_sha256.h"

#include "auth/hmac.h"
#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

#define SECRET_BYTES_MAX 256

void
hmac_sha256(struct bytes key, struct bytes message, unsigned char ret_mac[HMAC_SHA256_SIZE])
{
    CHECK(message.size <= HMAC_SHA256_MESSAGE_BYTES_MAX);
    hmac(DIGEST_SHA256, key, message, ret_mac);
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
