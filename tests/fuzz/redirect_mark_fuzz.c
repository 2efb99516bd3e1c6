/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What anybody may write into a URL as the mark of a redirect: refused with a sentence, or read and
 * then not believed, for no bytes are a signature but those that the key made.
 */
#include "base/check.h"
#include "cluster/redirect_signature.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redirect_signer *signer;

static void
prepare(void)
{
    static const struct peer_key KEY = {1, "a key that the input cannot know"};
    struct peer_identity *identity;

    if (signer == NULL) {
        identity = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("target-01"));
        peer_identity_set_keys(identity, &KEY, 1);
        signer = redirect_signer_create(identity);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    unsigned char computed[PEER_MAC_SIZE];
    struct arena arena = ARENA_INIT;
    struct error err = ERROR_INIT;
    struct redirect_mark mark;
    enum status st;

    prepare();
    st = redirect_parse(text, &arena, &mark, &err);
    if (st == ST_OK) {
        CHECK(mark.access_key.size <= REDIRECT_ACCESS_KEY_BYTES_MAX);
        st = redirect_check(signer, &mark, text, computed, &err);
        CHECK(st == ST_DENIED ||
              (st == ST_OK && memcmp(computed, mark.mac, sizeof(computed)) != 0));
    } else {
        CHECK(st == ST_INVALID);
    }
    CHECK(st == ST_OK || err.text[0] != '\0');
    arena_release(&arena);
    return 0;
}
