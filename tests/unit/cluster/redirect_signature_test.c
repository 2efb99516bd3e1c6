/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redirect_signature.h"

#include "base/clock.h"
#include "cluster/redirect_outcomes.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NOW_NS INT64_C(1795166400000000000)
#define REQUEST BYTES_LITERAL("PUT bucket object")
#define ACCESS_KEY BYTES_LITERAL("AKIDEXAMPLE+/=")

static struct peer_identity *gateway_identity, *target_identity;
static struct redirect_signer *gateway, *target;
static struct arena arena;
static struct error err;
static unsigned char computed[PEER_MAC_SIZE];

static const struct peer_key OLD_KEY = {1, "the first key of an example...."};
static const struct peer_key NEW_KEY = {2, "the second key of an example..."};

static void
start(void)
{
    clock_use_virtual(NOW_NS);
    arena = ARENA_INIT;
    err = ERROR_INIT;
    gateway_identity = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("gateway-1"));
    target_identity = peer_identity_create(BYTES_LITERAL("cluster-1"), BYTES_LITERAL("target-01"));
    peer_identity_set_keys(gateway_identity, &OLD_KEY, 1);
    peer_identity_set_keys(target_identity, &OLD_KEY, 1);
    gateway = redirect_signer_create(gateway_identity);
    target = redirect_signer_create(target_identity);
    clock_advance(CLOCK_NS_PER_S);
}

static void
stop(void)
{
    redirect_signer_destroy(&gateway);
    redirect_signer_destroy(&target);
    peer_identity_destroy(&gateway_identity);
    peer_identity_destroy(&target_identity);
    arena_release(&arena);
    clock_use_system();
}

static struct bytes
sign(bool is_write)
{
    struct redirect_mark mark = {
        .to = BYTES_LITERAL("target-01"), .map_version = 7, .access_key = ACCESS_KEY};
    struct bytes text;

    EXPECT_OK(redirect_sign(gateway, &mark, is_write, REQUEST, &arena, &text, &err), &err);
    return text;
}

static struct redirect_mark
parse(struct bytes text)
{
    struct redirect_mark mark = {.key_number = 0};

    EXPECT_OK(redirect_parse(text, &arena, &mark, &err), &err);
    return mark;
}

/* Does the target come to the same signature? */
static bool
is_believed(const struct redirect_mark *mark, struct bytes request)
{
    return redirect_check(target, mark, request, computed, &err) == ST_OK &&
           memcmp(computed, mark->mac, sizeof(computed)) == 0;
}

TEST(what_a_gateway_says_is_read_and_believed)
{
    struct redirect_mark mark;

    start();
    mark = parse(sign(true));
    EXPECT_BYTES(BYTES_LITERAL("gateway-1"), mark.from);
    EXPECT_BYTES(BYTES_LITERAL("target-01"), mark.to);
    EXPECT_BYTES(ACCESS_KEY, mark.access_key);
    EXPECT(mark.map_version == 7 && !mark.is_anonymous && !mark.has_payload_sha256);
    EXPECT(is_believed(&mark, REQUEST));
    EXPECT(!is_believed(&mark, BYTES_LITERAL("PUT bucket another")));
    stop();
}

TEST(the_anonymous_and_a_signed_payload_travel_too)
{
    struct redirect_mark mark = {
        .to = BYTES_LITERAL("target-01"), .is_anonymous = true, .has_payload_sha256 = true};
    struct bytes text;

    start();
    memset(mark.payload_sha256, 0x5A, sizeof(mark.payload_sha256));
    EXPECT_OK(redirect_sign(gateway, &mark, false, REQUEST, &arena, &text, &err), &err);
    mark = parse(text);
    EXPECT(mark.is_anonymous && mark.has_payload_sha256 && mark.payload_sha256[31] == 0x5A);
    EXPECT(is_believed(&mark, REQUEST));
    stop();
}

TEST(no_changed_digit_is_believed)
{
    struct bytes text;

    start();
    text = sign(true);
    for (size_t i = 0; i < text.size; i++) {
        char *broken = arena_string(&arena, text);
        struct redirect_mark mark;

        broken[i] = broken[i] == '1' ? '2' : '1';
        if (redirect_parse(bytes_of(broken, text.size), &arena, &mark, NULL) == ST_OK) {
            EXPECT(!is_believed(&mark, REQUEST));
        }
    }
    stop();
}

TEST(a_mark_for_another_node_is_refused)
{
    struct redirect_mark mark;

    start();
    mark = parse(sign(false));
    EXPECT_STATUS(ST_DENIED, redirect_check(gateway, &mark, REQUEST, computed, &err));
    EXPECT_STRING("the redirect is for node target-01, this is gateway-1", err.text);
    stop();
}

TEST(a_mark_expires_by_either_clock)
{
    struct redirect_mark mark;

    start();
    mark = parse(sign(false));
    clock_advance(REDIRECT_VALID_MS * CLOCK_NS_PER_MS);
    EXPECT(is_believed(&mark, REQUEST));
    clock_advance(2 * CLOCK_NS_PER_MS);
    EXPECT_STATUS(ST_DENIED, redirect_check(target, &mark, REQUEST, computed, &err));
    mark = parse(sign(false));
    clock_use_virtual(NOW_NS);
    EXPECT_STATUS(ST_DENIED, redirect_check(target, &mark, REQUEST, computed, &err));
    stop();
}

static enum status
take(const struct redirect_mark *mark, uint64_t digest, struct bytes *ret_answer)
{
    *ret_answer = BYTES_NONE;
    return redirect_take(target, mark, digest, &arena, ret_answer, &err);
}

/* What has counted does not count again: the same request is told the same, any other is refused.
 */
TEST(a_write_counts_once_and_its_answer_is_told_again)
{
    struct redirect_mark mark;
    struct bytes answer;

    start();
    mark = parse(sign(true));
    EXPECT(mark.count != 0);
    EXPECT_OK(take(&mark, 1, &answer), &err);
    EXPECT(answer.size == 0);
    EXPECT_STATUS(ST_UNAVAILABLE, take(&mark, 1, &answer));
    EXPECT_STATUS(ST_DENIED, take(&mark, 2, &answer));
    redirect_end(target, &mark, 1, BYTES_LITERAL("done"));
    EXPECT_OK(take(&mark, 1, &answer), &err);
    EXPECT_BYTES(BYTES_LITERAL("done"), answer);
    EXPECT_STATUS(ST_DENIED, take(&mark, 2, &answer));
    EXPECT_STRING("the redirect was used before: ask a gateway again", err.text);
    stop();
}

/* What was refused or failed has not counted. */
TEST(a_write_that_failed_may_come_again)
{
    struct redirect_mark mark;
    struct bytes answer;

    start();
    mark = parse(sign(true));
    EXPECT_OK(take(&mark, 1, &answer), &err);
    redirect_end(target, &mark, 1, BYTES_NONE);
    EXPECT_OK(take(&mark, 2, &answer), &err);
    EXPECT(answer.size == 0);
    redirect_end(target, &mark, 2, BYTES_LITERAL("done"));
    EXPECT_STATUS(ST_DENIED, take(&mark, 1, &answer));
    stop();
}

/* The numbers are kept longer than the answers. */
TEST(a_write_whose_answer_is_forgotten_is_refused)
{
    struct redirect_mark first;
    struct redirect_mark mark;
    struct bytes answer;

    start();
    first = parse(sign(true));
    EXPECT_OK(take(&first, 1, &answer), &err);
    redirect_end(target, &first, 1, BYTES_LITERAL("done"));
    for (size_t i = 0; i < REDIRECT_OUTCOMES_MAX; i++) {
        mark = parse(sign(true));
        EXPECT_OK(take(&mark, 1, &answer), &err);
        redirect_end(target, &mark, 1, BYTES_LITERAL("done"));
    }
    EXPECT_STATUS(ST_DENIED, take(&first, 1, &answer));
    EXPECT_STATUS(ST_DENIED, take(&first, 1, &answer));
    EXPECT_OK(take(&mark, 1, &answer), &err);
    EXPECT_BYTES(BYTES_LITERAL("done"), answer);
    stop();
}

TEST(a_write_from_before_the_start_is_refused)
{
    struct redirect_mark mark;
    struct bytes answer;

    start();
    mark = parse(sign(true));
    redirect_signer_destroy(&target);
    clock_advance(CLOCK_NS_PER_S);
    target = redirect_signer_create(target_identity);
    EXPECT(is_believed(&mark, REQUEST));
    EXPECT_STATUS(ST_DENIED, take(&mark, 1, &answer));
    stop();
}

TEST(a_former_key_is_accepted_and_an_unknown_one_is_not)
{
    const struct peer_key both[] = {NEW_KEY, OLD_KEY};
    struct redirect_mark mark;

    start();
    mark = parse(sign(true));
    peer_identity_set_keys(target_identity, both, 2);
    EXPECT(is_believed(&mark, REQUEST));
    peer_identity_set_keys(target_identity, &NEW_KEY, 1);
    EXPECT_STATUS(ST_DENIED, redirect_check(target, &mark, REQUEST, computed, &err));
    stop();
}

TEST(a_gateway_without_a_key_signs_nothing)
{
    struct redirect_mark mark = {.to = BYTES_LITERAL("target-01"), .is_anonymous = true};
    struct bytes text;

    start();
    peer_identity_set_keys(gateway_identity, NULL, 0);
    EXPECT_STATUS(ST_UNAVAILABLE,
                  redirect_sign(gateway, &mark, true, REQUEST, &arena, &text, &err));
    stop();
}
