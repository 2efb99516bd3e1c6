/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac.h"

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

#define BLOCK_BYTES 64

/* Of the padded key, which stands at the begin of inner, and the message. */
static void
hash_inner(enum digest_kind kind, unsigned char inner[BLOCK_BYTES + HMAC_SHORT_BYTES_MAX],
           struct bytes message, struct digest_value *ret_value)
{
    struct digest digest;

    if (message.size <= HMAC_SHORT_BYTES_MAX) {
        if (message.size > 0) {
            memcpy(inner + BLOCK_BYTES, message.data, message.size);
        }
        digest_of(kind, bytes_of(inner, BLOCK_BYTES + message.size), ret_value);
        return;
    }
    digest_init(&digest, kind);
    digest_update(&digest, bytes_of(inner, BLOCK_BYTES));
    digest_update(&digest, message);
    digest_final(&digest, ret_value);
    digest_release(&digest);
}

void
hmac(enum digest_kind kind, struct bytes key, struct bytes message, unsigned char *ret_mac)
{
    unsigned char inner[BLOCK_BYTES + HMAC_SHORT_BYTES_MAX];
    unsigned char outer[BLOCK_BYTES + DIGEST_SIZE_MAX];
    struct digest_value value;

    CHECK(kind == DIGEST_SHA1 || kind == DIGEST_SHA256);
    if (key.size > BLOCK_BYTES) {
        digest_of(kind, key, &value);
        key = digest_value_bytes(&value);
    }
    memset(inner, 0, BLOCK_BYTES);
    if (key.size > 0) {
        memcpy(inner, key.data, key.size);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        outer[i] = inner[i] ^ 0x5C;
        inner[i] ^= 0x36;
    }
    hash_inner(kind, inner, message, &value);
    memcpy(outer + BLOCK_BYTES, value.data, value.size);
    digest_of(kind, bytes_of(outer, BLOCK_BYTES + value.size), &value);
    memcpy(ret_mac, value.data, value.size);
    /* The pads give the key away; what was hashed behind them does not. */
    memory_wipe(inner, BLOCK_BYTES);
    memory_wipe(outer, sizeof(outer));
    memory_wipe(&value, sizeof(value));
}
