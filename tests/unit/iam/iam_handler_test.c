/* SPDX-License-Identifier: Apache-2.0 */
#include "iam/iam_handler.h"

#include <stdio.h>

#include "auth/failure_limit.h"
#include "auth/sign_request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/auth/sigv4_fixture.h"
#include "tests/unit/iam/fake_exchange.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define NAMESPACE "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\""

/* One call: what came back stays until the next. */
struct caller {
    struct fixture fixture;
    struct iam iam;
    const char *access_key;
    const char *secret_key;
    struct http_exchange exchange;
};

static void
caller_init(struct caller *caller)
{
    fixture_init(&caller->fixture);
    caller->iam.credentials = caller->fixture.credentials;
    caller->access_key = FIXTURE_ACCESS_KEY;
    caller->secret_key = FIXTURE_SECRET_KEY;
    caller->exchange = (struct http_exchange){.arena = ARENA_INIT};
}

static void
caller_release(struct caller *caller)
{
    fake_exchange_release(&caller->exchange);
    fixture_release(&caller->fixture);
}

/* A head as a client of the iam API sends it, signed. */
static void
sign_form(struct caller *caller, const char *form)
{
    struct fixture *fixture = &caller->fixture;
    struct sign_request_options options = {
        .method = BYTES_LITERAL("POST"),
        .path = BYTES_LITERAL("/"),
        .host = BYTES_LITERAL("s3.example.test"),
        .service = "iam",
        .region = "us-east-1",
        .access_key = bytes_of_string(caller->access_key),
        .secret_key = bytes_of_string(caller->secret_key),
        .body = bytes_of_string(form),
        .time_s = clock_wall_s(),
    };
    const char *const *headers;

    fixture_reset(fixture);
    fixture->request.method = options.method;
    fixture->request.path = options.path;
    EXPECT_OK(sign_request(&options, &fixture->arena, &headers, &fixture->err), &fixture->err);
    for (; *headers != NULL; headers++) {
        struct bytes value = bytes_of_string(*headers);
        struct bytes name = bytes_cut(&value, ':');

        fixture_add_header(fixture, arena_string(&fixture->arena, name),
                           arena_string(&fixture->arena, bytes_trim(value)));
    }
}

static void
send_form(struct caller *caller, const char *form)
{
    fake_exchange_release(&caller->exchange);
    fake_exchange_init(&caller->exchange, &caller->fixture.request, bytes_of_string(form));
    iam_handle(&caller->exchange, &caller->iam);
    EXPECT_INT(1, caller->exchange.answer_count);
}

static void
call(struct caller *caller, const char *form)
{
    sign_form(caller, form);
    EXPECT(iam_accepts(&caller->fixture.request));
    send_form(caller, form);
}

static struct bytes
answer(const struct caller *caller)
{
    return caller->exchange.answer.body;
}

static void
expect_answer(const struct caller *caller, int http_status, const char *part)
{
    if (caller->exchange.answer.status != http_status ||
        bytes_find(answer(caller), 0, bytes_of_string(part)) == SIZE_MAX) {
        test_failed(__FILE__, __LINE__, "expected %d with %s, got %d with %.*s", http_status, part,
                    caller->exchange.answer.status, BYTES_ARGS(answer(caller)));
    }
}

static void
expect_error(const struct caller *caller, int http_status, const char *code)
{
    char part[128];

    snprintf(part, sizeof(part), "<Error><Type>Sender</Type><Code>%s</Code><Message>", code);
    expect_answer(caller, http_status, part);
    expect_answer(caller, http_status, "<ErrorResponse " NAMESPACE ">");
    expect_answer(caller, http_status, "</Error><RequestId>0123456789ABCDEF</RequestId>");
    EXPECT_STRING(code, caller->exchange.answer.error_code);
}

/* What stands between <name> and </name> of the answer. */
static const char *
element(struct caller *caller, const char *name)
{
    char *open = xasprintf("<%s>", name);
    char *end = xasprintf("</%s>", name);
    size_t from = bytes_find(answer(caller), 0, bytes_of_string(open));
    size_t to = bytes_find(answer(caller), 0, bytes_of_string(end));

    EXPECT(from != SIZE_MAX && to != SIZE_MAX);
    from += strlen(open);
    free(open);
    free(end);
    return arena_string(&caller->fixture.arena, bytes_slice(answer(caller), from, to));
}

/* The whole life: user, key, use of the key, and all gone again. */
TEST(user_and_key_live_and_die)
{
    struct caller caller;
    const char *key;

    caller_init(&caller);
    call(&caller, "Action=CreateUser&Version=2010-05-08&UserName=alice");
    expect_answer(&caller, 200,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateUserResponse " NAMESPACE
                  "><CreateUserResult><User><Path>/</Path>"
                  "<UserName>alice</UserName><UserId>alice</UserId>"
                  "<Arn>arn:aws:iam::000000000000:user/alice</Arn>"
                  "<CreateDate>2026-11-20T09:15:00Z</CreateDate></User>"
                  "</CreateUserResult><ResponseMetadata><RequestId>0123456789ABCDEF"
                  "</RequestId></ResponseMetadata></CreateUserResponse>");
    EXPECT_STRING("iam:CreateUser", caller.exchange.answer.operation);
    EXPECT_BYTES(BYTES_LITERAL("root"), caller.exchange.answer.user);
    call(&caller, "Action=CreateAccessKey&UserName=alice");
    expect_answer(&caller, 200, "<Status>Active</Status>");
    key = element(&caller, "AccessKeyId");
    caller.secret_key = element(&caller, "SecretAccessKey");
    EXPECT_INT(20, strlen(key));
    EXPECT_INT(40, strlen(caller.secret_key));
    caller.access_key = key;
    call(&caller, "Action=GetUser");
    expect_answer(&caller, 200, "<UserName>alice</UserName>");
    EXPECT_BYTES(BYTES_LITERAL("alice"), caller.exchange.answer.user);
    call(&caller, "Action=ListAccessKeys");
    EXPECT_STRING(key, element(&caller, "AccessKeyId"));
    EXPECT(bytes_find(answer(&caller), 0, BYTES_LITERAL("Secret")) == SIZE_MAX);

    caller.access_key = FIXTURE_ACCESS_KEY;
    caller.secret_key = FIXTURE_SECRET_KEY;
    call(&caller, "Action=DeleteUser&UserName=alice");
    expect_error(&caller, 409, "DeleteConflict");
    call(&caller, arena_printf(&caller.fixture.arena,
                               "Action=DeleteAccessKey&UserName=alice&AccessKeyId=%s", key));
    expect_answer(&caller, 200,
                  "<DeleteAccessKeyResponse " NAMESPACE
                  "><ResponseMetadata><RequestId>0123456789ABCDEF</RequestId>");
    call(&caller, "Action=DeleteUser&UserName=alice");
    expect_answer(&caller, 200, "<DeleteUserResponse");
    call(&caller, "Action=GetUser&UserName=alice");
    expect_error(&caller, 404, "NoSuchEntity");
    caller_release(&caller);
}

TEST(errors_have_the_codes_of_iam)
{
    static const struct {
        const char *form;
        int http_status;
        const char *code;
    } CASES[] = {
        {"Action=CreateUser&UserName=bob", 409, "EntityAlreadyExists"},
        {"Action=CreateUser&UserName=root", 409, "EntityAlreadyExists"},
        {"Action=CreateUser", 400, "ValidationError"},
        {"Action=CreateUser&UserName=", 400, "ValidationError"},
        {"Action=CreateUser&UserName=a%20b", 400, "ValidationError"},
        {"Action=CreateUser&UserName=a%22%3C", 400, "ValidationError"},
        {"Action=CreateUser&UserName=x%00y", 400, "ValidationError"},
        {"Action=CreateUser&UserName=0123456789012345678901234567890123456789012345678901234567890"
         "1234",
         400, "ValidationError"},
        {"Action=GetUser&UserName=nobody", 404, "NoSuchEntity"},
        {"Action=DeleteUser&UserName=nobody", 404, "NoSuchEntity"},
        {"Action=DeleteUser", 400, "ValidationError"},
        {"Action=CreateAccessKey&UserName=nobody", 404, "NoSuchEntity"},
        {"Action=CreateAccessKey", 400, "ValidationError"},
        {"Action=ListAccessKeys&UserName=nobody", 404, "NoSuchEntity"},
        {"Action=DeleteAccessKey&UserName=bob&AccessKeyId=LODENONE", 404, "NoSuchEntity"},
        {"Action=DeleteAccessKey&UserName=bob&AccessKeyId=" FIXTURE_ACCESS_KEY, 404,
         "NoSuchEntity"},
        {"Action=DeleteAccessKey&UserName=bob", 400, "ValidationError"},
        {"Action=ListUsers&MaxItems=0", 400, "ValidationError"},
        {"Action=ListUsers&MaxItems=1001", 400, "ValidationError"},
        {"Action=ListUsers&MaxItems=x", 400, "ValidationError"},
        {"Action=CreateRole&RoleName=x", 400, "InvalidAction"},
        {"Action=", 400, "InvalidAction"},
        {"Action=ListUsers&Version=1999-01-01", 400, "InvalidAction"},
        {"Version=2010-05-08", 400, "MissingAction"},
        {"", 400, "MissingAction"},
        {"Action=ListUsers&Marker=%", 400, "MalformedQueryString"},
        {"Action=ListUsers&Action=CreateUser", 400, "MalformedQueryString"},
    };
    struct caller caller;

    caller_init(&caller);
    call(&caller, "Action=CreateUser&UserName=bob");
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        call(&caller, CASES[i].form);
        expect_error(&caller, CASES[i].http_status, CASES[i].code);
    }
    call(&caller, "Action=CreateUser&UserName=carol&Path=%2Fteam%2F");
    expect_answer(&caller, 501, "NotImplemented");
    call(&caller, "Action=CreateUser&UserName=carol&Tags.member.1.Key=x");
    expect_answer(&caller, 501, "NotImplemented");
    call(&caller, "Action=ListUsers");
    EXPECT(bytes_find(answer(&caller), 0, BYTES_LITERAL("carol")) == SIZE_MAX);
    caller_release(&caller);
}

/* A user may see and change its own keys and itself, and nothing of others. */
TEST(users_are_kept_to_themselves)
{
    static const char *const DENIED[] = {
        "Action=ListUsers",
        "Action=CreateUser&UserName=mallory",
        "Action=DeleteUser&UserName=alice",
        "Action=DeleteUser",
        "Action=GetUser&UserName=bob",
        "Action=GetUser&UserName=root",
        "Action=GetUser&UserName=nobody",
        "Action=GetUser&UserName=",
        "Action=CreateAccessKey&UserName=bob",
        "Action=CreateAccessKey&UserName=root",
        "Action=ListAccessKeys&UserName=bob",
        "Action=ListAccessKeys&UserName=root",
        "Action=DeleteAccessKey&UserName=bob&AccessKeyId=LODEX",
    };
    struct caller caller;
    const char *key_of_bob;

    caller_init(&caller);
    call(&caller, "Action=CreateUser&UserName=alice");
    call(&caller, "Action=CreateUser&UserName=bob");
    call(&caller, "Action=CreateAccessKey&UserName=bob");
    key_of_bob = element(&caller, "AccessKeyId");
    call(&caller, "Action=CreateAccessKey&UserName=alice");
    caller.access_key = element(&caller, "AccessKeyId");
    caller.secret_key = element(&caller, "SecretAccessKey");
    for (size_t i = 0; i < ARRAY_COUNT(DENIED); i++) {
        call(&caller, DENIED[i]);
        expect_error(&caller, 403, "AccessDenied");
    }
    /* bob's key under alice's name */
    call(&caller,
         arena_printf(&caller.fixture.arena, "Action=DeleteAccessKey&AccessKeyId=%s", key_of_bob));
    expect_error(&caller, 404, "NoSuchEntity");
    call(&caller, "Action=GetUser&UserName=alice");
    expect_answer(&caller, 200, "<UserName>alice</UserName>");
    call(&caller, "Action=CreateAccessKey&UserName=alice");
    expect_answer(&caller, 200, "<SecretAccessKey>");
    call(&caller, arena_printf(&caller.fixture.arena, "Action=DeleteAccessKey&AccessKeyId=%s",
                               caller.access_key));
    expect_answer(&caller, 200, "<DeleteAccessKeyResponse");
    /* with the key goes the access, at once */
    call(&caller, "Action=GetUser");
    expect_error(&caller, 403, "InvalidClientTokenId");
    caller_release(&caller);
}

TEST(root_sees_itself)
{
    struct caller caller;

    caller_init(&caller);
    call(&caller, "Action=GetUser");
    expect_answer(&caller, 200, "<Arn>arn:aws:iam::000000000000:root</Arn>");
    call(&caller, "Action=ListAccessKeys");
    expect_answer(&caller, 200, "<AccessKeyId>" FIXTURE_ACCESS_KEY "</AccessKeyId>");
    caller_release(&caller);
}

/* SPEC: IAM ListUsers: Marker and IsTruncated, in order of name. */
TEST(lists_are_paged)
{
    struct caller caller;
    char form[64];

    caller_init(&caller);
    for (int i = 0; i < 7; i++) {
        snprintf(form, sizeof(form), "Action=CreateUser&UserName=user%d", 6 - i);
        call(&caller, form);
    }
    call(&caller, "Action=ListUsers&MaxItems=3");
    expect_answer(&caller, 200, "<UserName>user2</UserName>");
    expect_answer(&caller, 200, "<IsTruncated>true</IsTruncated><Marker>user2</Marker>");
    EXPECT(bytes_find(answer(&caller), 0, BYTES_LITERAL("user3")) == SIZE_MAX);
    call(&caller, "Action=ListUsers&MaxItems=3&Marker=user2");
    expect_answer(&caller, 200, "<UserName>user3</UserName>");
    expect_answer(&caller, 200, "<Marker>user5</Marker>");
    call(&caller, "Action=ListUsers&MaxItems=3&Marker=user5");
    expect_answer(&caller, 200, "<UserName>user6</UserName>");
    expect_answer(&caller, 200, "<IsTruncated>false</IsTruncated></ListUsersResult>");
    call(&caller, "Action=ListUsers&MaxItems=7");
    expect_answer(&caller, 200, "<IsTruncated>false</IsTruncated></ListUsersResult>");
    call(&caller, "Action=ListUsers&Marker=zzz");
    expect_answer(&caller, 200, "<Users></Users><IsTruncated>false</IsTruncated>");
    call(&caller, "Action=ListUsers&PathPrefix=%2Fteam%2F");
    expect_answer(&caller, 200, "<Users></Users><IsTruncated>false</IsTruncated>");
    caller_release(&caller);
}

/* SPEC: IAM quotas: two keys for each user. */
TEST(keys_of_a_user_are_limited)
{
    struct caller caller;

    caller_init(&caller);
    call(&caller, "Action=CreateUser&UserName=alice");
    for (int i = 0; i < KEYS_PER_USER_MAX; i++) {
        call(&caller, "Action=CreateAccessKey&UserName=alice");
        expect_answer(&caller, 200, "<SecretAccessKey>");
    }
    call(&caller, "Action=CreateAccessKey&UserName=alice");
    expect_error(&caller, 409, "LimitExceeded");
    call(&caller, "Action=ListAccessKeys&UserName=alice&MaxItems=1");
    expect_answer(&caller, 200, "<IsTruncated>true</IsTruncated>");
    caller_release(&caller);
}

/* SPEC: IAM common errors / Throttling: who guesses secrets is told to come back later. */
TEST(guessers_are_throttled)
{
    static const char FORM[] = "Action=ListUsers";
    struct caller caller;
    const struct http_response *response = &caller.exchange.answer;

    caller_init(&caller);
    caller.secret_key = "a wrong secret";
    for (int i = 0; i <= FAILURE_BURST; i++) {
        sign_form(&caller, FORM);
        caller.fixture.request.peer_address = BYTES_LITERAL("192.0.2.1:1234");
        send_form(&caller, FORM);
        EXPECT_INT(i < FAILURE_BURST ? 403 : 503, response->status);
    }

    expect_answer(&caller, 503, "<Code>Throttling</Code>");
    EXPECT_INT(3, response->header_count);
    EXPECT_BYTES(BYTES_LITERAL("Retry-After"), response->headers[2].name);
    caller.secret_key = FIXTURE_SECRET_KEY;
    sign_form(&caller, FORM);
    caller.fixture.request.peer_address = BYTES_LITERAL("192.0.2.1:1234");
    send_form(&caller, FORM);
    EXPECT_INT(200, response->status);
    caller_release(&caller);
}

/* Nothing is read, and nothing done, for a request without credentials. */
TEST(anonymous_calls_are_refused_before_their_body)
{
    struct caller caller;

    caller_init(&caller);
    fixture_reset(&caller.fixture);
    caller.fixture.request.method = BYTES_LITERAL("POST");
    caller.fixture.request.path = BYTES_LITERAL("/");
    EXPECT(!iam_accepts(&caller.fixture.request));
    fixture_add_header(&caller.fixture, "content-type",
                       "Application/x-www-form-urlencoded; charset=utf-8");
    EXPECT(iam_accepts(&caller.fixture.request));
    send_form(&caller, "Action=CreateUser&UserName=eve");
    expect_error(&caller, 403, "MissingAuthenticationToken");
    EXPECT(!caller.exchange.was_body_read);
    caller_release(&caller);
}

/* The signature covers the body: another form under the same signature is refused. */
TEST(another_body_than_the_signed_one_is_refused)
{
    struct caller caller;

    caller_init(&caller);
    sign_form(&caller, "Action=ListUsers");
    send_form(&caller, "Action=CreateUser&UserName=eve");
    expect_error(&caller, 400, "XAmzContentSHA256Mismatch");
    sign_form(&caller, "Action=ListUsers");
    fixture_set_header(&caller.fixture, "authorization",
                       "AWS4-HMAC-SHA256 Credential=" FIXTURE_ACCESS_KEY
                       "/20261120/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0");
    send_form(&caller, "Action=ListUsers");
    expect_error(&caller, 403, "AccessDenied");
    caller.secret_key = "wrong";
    call(&caller, "Action=ListUsers");
    expect_error(&caller, 403, "SignatureDoesNotMatch");
    caller.access_key = "LODEUNKNOWN";
    call(&caller, "Action=ListUsers");
    expect_error(&caller, 403, "InvalidClientTokenId");
    caller.access_key = FIXTURE_ACCESS_KEY;
    caller.secret_key = FIXTURE_SECRET_KEY;
    call(&caller, "Action=ListUsers");
    expect_answer(&caller, 200, "<Users></Users>");
    caller_release(&caller);
}

TEST(bodies_that_do_not_come_are_answered)
{
    struct caller caller;
    char *form;

    caller_init(&caller);
    form = xasprintf("Action=ListUsers&x=%*s", (int)IAM_BODY_BYTES_MAX, "");
    sign_form(&caller, "Action=ListUsers");
    send_form(&caller, form);
    expect_error(&caller, 400, "ValidationError");
    EXPECT(caller.exchange.answer.must_close);
    free(form);
    fake_exchange_release(&caller.exchange);
    fake_exchange_init(&caller.exchange, &caller.fixture.request, BYTES_NONE);
    caller.exchange.body_status = ST_BUSY;
    iam_handle(&caller.exchange, &caller.iam);
    expect_answer(&caller, 503, "<Type>Receiver</Type><Code>Throttling</Code>");
    caller_release(&caller);
}

TEST(other_requests_are_not_accepted)
{
    struct caller caller;

    caller_init(&caller);
    sign_form(&caller, "Action=ListUsers");
    EXPECT(iam_accepts(&caller.fixture.request));
    caller.fixture.request.method = BYTES_LITERAL("GET");
    EXPECT(!iam_accepts(&caller.fixture.request));
    caller.fixture.request.method = BYTES_LITERAL("POST");
    caller.fixture.request.path = BYTES_LITERAL("/bucket");
    EXPECT(!iam_accepts(&caller.fixture.request));
    caller.fixture.request.path = BYTES_LITERAL("/");
    fixture_set_header(&caller.fixture, "authorization",
                       "AWS4-HMAC-SHA256 Credential=x/20261120/us-east-1/s3/aws4_request, "
                       "SignedHeaders=host, Signature=0");
    fixture_add_header(&caller.fixture, "content-type", "application/x-www-form-urlencoded");
    EXPECT(!iam_accepts(&caller.fixture.request));
    caller_release(&caller);
}
