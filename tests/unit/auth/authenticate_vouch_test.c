/* SPDX-License-Identifier: Apache-2.0 */
/* Principals by the word of a gateway: only after both MACs were found equal. */
#include "auth/authenticate.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

static unsigned char mac[VOUCH_MAC_SIZE], computed[VOUCH_MAC_SIZE];
static struct fixture fixture;
static struct authentication authentication;

static void
start(void)
{
    fixture_init(&fixture);
    memset(mac, 7, sizeof(mac));
    memset(computed, 7, sizeof(computed));
    authentication = (struct authentication){.principal = NULL};
}

static enum status
vouch_for(struct bytes access_key)
{
    const struct authenticate_vouch vouch = {
        .mac = mac, .computed = computed, .access_key = access_key};

    return authenticate_vouched(fixture.credentials, &vouch, &fixture.arena, &authentication,
                                &fixture.err);
}

TEST(equal_macs_give_the_principal_of_the_key)
{
    start();
    EXPECT_OK(vouch_for(BYTES_LITERAL(FIXTURE_ACCESS_KEY)), &fixture.err);
    EXPECT(principal_is_root(authentication.principal));
    EXPECT(!principal_is_anonymous(authentication.principal));
    EXPECT_BYTES(BYTES_LITERAL(FIXTURE_ACCESS_KEY), principal_access_key(authentication.principal));
    EXPECT_INT(PAYLOAD_UNSIGNED, authentication.payload_mode);
    fixture_release(&fixture);
}

TEST(no_byte_of_the_mac_may_differ)
{
    start();
    for (size_t i = 0; i < sizeof(mac); i++) {
        mac[i] ^= 1;
        EXPECT_STATUS(ST_DENIED, vouch_for(BYTES_LITERAL(FIXTURE_ACCESS_KEY)));
        EXPECT(!authenticate_misses_key(&fixture.err) && authentication.principal == NULL);
        mac[i] ^= 1;
    }
    fixture_release(&fixture);
}

/* What another node has deleted since, or made a moment ago. */
TEST(a_key_that_is_not_there_has_no_principal)
{
    start();
    EXPECT_STATUS(ST_DENIED, vouch_for(BYTES_LITERAL("NOSUCHKEY")));
    EXPECT(authenticate_misses_key(&fixture.err) && authentication.principal == NULL);
    fixture_release(&fixture);
}

TEST(a_user_s_key_gives_the_user_until_it_is_deleted)
{
    struct user user;
    struct access_key key;
    struct bytes secret;

    start();
    EXPECT_OK(user_create(fixture.credentials, BYTES_LITERAL("alice"), &user, &fixture.arena,
                          &fixture.err),
              &fixture.err);
    EXPECT_OK(access_key_create(fixture.credentials, BYTES_LITERAL("alice"), &fixture.arena, &key,
                                &secret, &fixture.err),
              &fixture.err);
    EXPECT_OK(vouch_for(key.access_key), &fixture.err);
    EXPECT(!principal_is_root(authentication.principal));
    EXPECT_BYTES(BYTES_LITERAL("alice"), principal_user(authentication.principal));
    EXPECT_OK(access_key_delete(fixture.credentials, BYTES_LITERAL("alice"), key.access_key,
                                &fixture.err),
              &fixture.err);
    EXPECT_STATUS(ST_DENIED, vouch_for(key.access_key));
    fixture_release(&fixture);
}

TEST(the_anonymous_stay_anonymous_and_a_payload_is_kept)
{
    struct authenticate_vouch vouch = {
        .mac = mac, .computed = computed, .is_anonymous = true, .has_payload_sha256 = true};

    start();
    vouch.payload_sha256[31] = 9;
    EXPECT_OK(authenticate_vouched(fixture.credentials, &vouch, &fixture.arena, &authentication,
                                   &fixture.err),
              &fixture.err);
    EXPECT(principal_is_anonymous(authentication.principal));
    EXPECT_INT(PAYLOAD_SIGNED, authentication.payload_mode);
    EXPECT_INT(9, authentication.payload_sha256[31]);
    fixture_release(&fixture);
}
