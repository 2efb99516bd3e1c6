/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/hmac_sha1.h"

#include "auth/hmac.h"

#include "base/banned.h"

void
hmac_sha1(struct bytes key, struct bytes message, unsigned char ret_mac[HMAC_SHA1_SIZE])
{
    hmac(DIGEST_SHA1, key, message, ret_mac);
}
