/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/payload_sha256.h"

#include "tests/unit/auth/chunked_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static enum status
push(struct bytes body, struct bytes signed_body, struct kept *kept, struct error *err)
{
    struct authentication authentication = {.principal = principal_of_root(),
                                            .payload_mode = PAYLOAD_SIGNED};
    struct sink *next = &kept->sink;
    struct digest_value hash;
    struct sink *sink;
    enum status st;

    digest_of(DIGEST_SHA256, signed_body, &hash);
    memcpy(authentication.payload_sha256, hash.data, 32);
    sink = payload_sha256_create(&authentication, &next);
    EXPECT(next == NULL);
    st = sink_write(sink, bytes_slice(body, 0, 2), err);
    if (st == ST_OK) {
        st = sink_write(sink, bytes_slice(body, 2, body.size), err);
    }
    if (st == ST_OK) {
        st = sink_finish(sink, err);
    }
    sink_release(&sink);
    EXPECT_INT(1, kept->released_count);
    return st;
}

TEST(the_signed_body_passes)
{
    struct error err = ERROR_INIT;
    struct kept kept;

    kept_init(&kept);
    EXPECT_OK(push(BYTES_LITERAL("hello"), BYTES_LITERAL("hello"), &kept, &err), &err);
    EXPECT(kept.is_finished);
    EXPECT_BYTES(BYTES_LITERAL("hello"), buffer_bytes(&kept.data));
    kept_release(&kept);
}

/* SPEC: XAmzContentSHA256Mismatch, before anything is finished. */
TEST(another_body_is_not_finished)
{
    struct error err = ERROR_INIT;
    struct kept kept;

    kept_init(&kept);
    EXPECT_STATUS(ST_DIGEST_MISMATCH,
                  push(BYTES_LITERAL("hello"), BYTES_LITERAL("hallo"), &kept, &err));
    EXPECT(!kept.is_finished);
    EXPECT_STRING("XAmzContentSHA256Mismatch", err.dialect_code);
    EXPECT_INT(400, authenticate_http_status(&err));
    kept_release(&kept);
}

TEST(failure_of_the_next_sink_is_passed_back)
{
    struct error err = ERROR_INIT;
    struct kept kept;

    kept_init(&kept);
    kept.write_status = ST_NO_SPACE;
    EXPECT_STATUS(ST_NO_SPACE, push(BYTES_LITERAL("hello"), BYTES_LITERAL("hello"), &kept, &err));
    kept_release(&kept);
}
