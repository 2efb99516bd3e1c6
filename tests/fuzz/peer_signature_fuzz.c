/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anybody may send to the peer listener as a signature: refused with a sentence, for no bytes
 * are a signature but those that the key made.  The first byte says how much of the rest is the
 * head.
 */
#include "base/check.h"
#include "cluster/peer_signature.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct peer_identity *identity;

static void
prepare(void)
{
    static const struct peer_key KEY = {1, "a key that the input cannot know"};

    if (identity == NULL) {
        identity = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("target-01"));
        peer_identity_set_keys(identity, &KEY, 1);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct bytes from, head, value;
    size_t split;
    enum status st;

    if (size == 0) {
        return 0;
    }
    prepare();
    split = data[0] < size ? data[0] : size - 1;
    head = bytes_of(data + 1, split < size - 1 ? split : size - 1);
    value = bytes_of(data + 1 + head.size, size - 1 - head.size);
    st = peer_verify(identity, BYTES_LITERAL("/peer/v1/s3"), head, value, &from, &err);
    CHECK(st == ST_INVALID || st == ST_DENIED);
    CHECK(err.text[0] != '\0');
    return 0;
}
