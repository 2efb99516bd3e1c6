/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head -> body (64 KiB at most) -> worker: verify head and body together -> parse -> operation ->
 * answer.  The form is not looked at before the signature, which covers its hash, was found right.
 */
#include "iam/iam_handler.h"

#include "auth/authenticate.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/xml_writer.h"
#include "iam/iam_call.h"

#include "base/banned.h"

#define XML_NAMESPACE "https://iam.amazonaws.com/doc/2010-05-08/"
#define API_VERSION "2010-05-08"
#define FORM_TYPE "application/x-www-form-urlencoded"
#define SCOPE_END "/iam/aws4_request"
#define SCOPE_END_ESCAPED "%2Fiam%2Faws4_request"
/* Of what may go well when it is sent again. */
#define RETRY_AFTER_S "1"

static const struct iam_operation OPERATIONS[] = {
    {"CreateUser", "iam:CreateUser", iam_create_user},
    {"GetUser", "iam:GetUser", iam_get_user},
    {"ListUsers", "iam:ListUsers", iam_list_users},
    {"DeleteUser", "iam:DeleteUser", iam_delete_user},
    {"CreateAccessKey", "iam:CreateAccessKey", iam_create_access_key},
    {"ListAccessKeys", "iam:ListAccessKeys", iam_list_access_keys},
    {"DeleteAccessKey", "iam:DeleteAccessKey", iam_delete_access_key},
};

/* What one exchange carries between its steps. */
struct iam_job {
    struct iam *iam;
    struct bytes body;
};

static struct bytes
header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_equal_string(request->headers[i].name, name)) {
            return request->headers[i].value;
        }
    }
    return BYTES_NONE;
}

static bool
is_signed_by(struct bytes authorization, struct bytes query, const char *end,
             const char *end_escaped)
{
    return bytes_find(authorization, 0, bytes_of_string(end)) != SIZE_MAX ||
           bytes_find(query, 0, bytes_of_string(end_escaped)) != SIZE_MAX;
}

static bool
is_anonymous(const struct http_request *request)
{
    return header(request, "authorization").data == NULL &&
           bytes_find(request->query, 0, BYTES_LITERAL("X-Amz-Algorithm=")) == SIZE_MAX;
}

bool
iam_accepts(const struct http_request *request)
{
    struct bytes type = header(request, "content-type");

    if (!bytes_equal_string(request->method, "POST") || !bytes_equal_string(request->path, "/")) {
        return false;
    }
    if (is_signed_by(header(request, "authorization"), request->query, SCOPE_END,
                     SCOPE_END_ESCAPED)) {
        return true;
    }
    return is_anonymous(request) && type.size >= strlen(FORM_TYPE) &&
           bytes_equal_ignore_case(bytes_slice(type, 0, strlen(FORM_TYPE)), FORM_TYPE);
}

/* ---- answers ---- */

static void
respond(struct http_exchange *exchange, int http_status, struct buffer *xml,
        const struct http_response *more)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct http_header *headers = arena_alloc(arena, 3 * sizeof(*headers));
    struct http_response response = *more;

    headers[0] = (struct http_header){BYTES_LITERAL("Content-Type"), BYTES_LITERAL("text/xml")};
    headers[1] = (struct http_header){BYTES_LITERAL("x-amzn-RequestId"),
                                      bytes_of_string(http_exchange_request(exchange)->id)};
    response.status = http_status;
    response.headers = headers;
    response.header_count = 2;
    if (http_status == 503) {
        headers[response.header_count++] =
            (struct http_header){BYTES_LITERAL("Retry-After"), BYTES_LITERAL(RETRY_AFTER_S)};
    }
    response.body = arena_copy(arena, buffer_bytes(xml));
    memory_wipe(xml->data, xml->size); /* CreateAccessKey answers with a secret */
    buffer_release(xml);
    http_exchange_respond(exchange, &response);
}

struct iam_error {
    enum status st; /* where dialect_code is NULL */
    const char *dialect_code;
    const char *code;
    int http_status;
};

/* SPEC: IAM common errors.  What auth/ says with S3's codes, and what the credential store says. */
static const struct iam_error ERRORS[] = {
    {ST_OK, "InvalidAccessKeyId", "InvalidClientTokenId", 403},
    {ST_OK, "AuthorizationHeaderMalformed", "IncompleteSignature", 400},
    {ST_OK, "AuthorizationQueryParametersError", "IncompleteSignature", 400},
    {ST_OK, "RequestTimeTooSkewed", "SignatureDoesNotMatch", 403},
    {ST_OK, "InvalidToken", "InvalidClientTokenId", 403},
    {ST_OK, "InvalidAction", "InvalidAction", 400},
    {ST_OK, "MalformedQueryString", "MalformedQueryString", 400},
    {ST_OK, "MissingAction", "MissingAction", 400},
    {ST_OK, "ValidationError", "ValidationError", 400},
    {ST_EXISTS, NULL, "EntityAlreadyExists", 409},
    {ST_NOT_FOUND, NULL, "NoSuchEntity", 404},
    {ST_CONFLICT, NULL, "DeleteConflict", 409},
    {ST_TOO_LARGE, NULL, "LimitExceeded", 409},
    {ST_DENIED, NULL, "AccessDenied", 403},
    {ST_INVALID, NULL, "ValidationError", 400},
    {ST_INCOMPLETE, NULL, "MalformedInput", 400},
    {ST_NOT_IMPLEMENTED, NULL, "NotImplemented", 501},
    {ST_BUSY, NULL, "Throttling", 503},
    {ST_UNAVAILABLE, NULL, "ServiceUnavailable", 503},
};

static struct iam_error
translate(const struct error *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(ERRORS); i++) {
        if (err->dialect_code != NULL
                ? ERRORS[i].dialect_code != NULL &&
                      strcmp(err->dialect_code, ERRORS[i].dialect_code) == 0
                : ERRORS[i].dialect_code == NULL && err->code == ERRORS[i].st) {
            return ERRORS[i];
        }
    }
    if (err->dialect_code != NULL) {
        return (struct iam_error){.code = err->dialect_code,
                                  .http_status = authenticate_http_status(err)};
    }
    return (struct iam_error){.code = "ServiceFailure", .http_status = 500};
}

static void
respond_error(struct http_exchange *exchange, const struct error *err,
              const struct http_response *more)
{
    struct iam_error error = translate(err);
    struct buffer xml = BUFFER_INIT;
    struct http_response response = *more;

    xml_begin_document(&xml, "ErrorResponse", XML_NAMESPACE);
    xml_open(&xml, "Error");
    xml_element_string(&xml, "Type", error.http_status >= 500 ? "Receiver" : "Sender");
    xml_element_string(&xml, "Code", error.code);
    /* What went wrong inside is for the log. */
    xml_element_string(&xml, "Message",
                       error.http_status == 500 ? "The request processing has failed because of an "
                                                  "unknown error, exception or failure."
                                                : err->text);
    xml_close(&xml, "Error");
    xml_element_string(&xml, "RequestId", http_exchange_request(exchange)->id);
    xml_close(&xml, "ErrorResponse");
    response.error_code = error.code;
    respond(exchange, error.http_status, &xml, &response);
}

static void
result_release(struct iam_call *call)
{
    if (call->result.data != NULL) {
        memory_wipe(call->result.data, call->result.size); /* CreateAccessKey's holds a secret */
    }
    buffer_release(&call->result);
}

static void
respond_result(struct http_exchange *exchange, const struct iam_operation *operation,
               struct iam_call *call, const struct http_response *more)
{
    struct arena *arena = http_exchange_arena(exchange);
    const char *root = arena_printf(arena, "%sResponse", operation->action);
    const char *result = arena_printf(arena, "%sResult", operation->action);
    struct buffer xml = BUFFER_INIT;

    buffer_reserve(&xml, call->result.size + 1024);
    xml_begin_document(&xml, root, XML_NAMESPACE);
    if (call->result.size > 0) {
        xml_open(&xml, result);
        buffer_append_bytes(&xml, buffer_bytes(&call->result));
        xml_close(&xml, result);
    }
    xml_open(&xml, "ResponseMetadata");
    xml_element_string(&xml, "RequestId", http_exchange_request(exchange)->id);
    xml_close(&xml, "ResponseMetadata");
    xml_close(&xml, root);
    result_release(call);
    respond(exchange, 200, &xml, more);
}

/* ---- the steps ---- */

static enum status
find_operation(const struct iam_call *call, const struct iam_operation **ret_operation,
               struct error *err)
{
    struct bytes action = iam_call_parameter(call, "Action");
    struct bytes version = iam_call_parameter(call, "Version");
    bool is_version = version.data == NULL || bytes_equal_string(version, API_VERSION);

    if (action.data == NULL) {
        return fail_as(err, ST_INVALID, "MissingAction",
                       "The request is missing an action or a required parameter.");
    }
    for (size_t i = 0; is_version && i < ARRAY_COUNT(OPERATIONS); i++) {
        if (bytes_equal_string(action, OPERATIONS[i].action)) {
            *ret_operation = &OPERATIONS[i];
            return ST_OK;
        }
    }
    return fail_as(err, ST_INVALID, "InvalidAction",
                   "Could not find operation %.*s for version %.*s",
                   (int)(action.size < 64 ? action.size : 64), action.data,
                   (int)(version.size < 64 ? version.size : 64), version.data);
}

static void
run(struct http_exchange *exchange)
{
    struct iam_job *job = http_exchange_data(exchange);
    struct arena *arena = http_exchange_arena(exchange);
    struct authenticate_options options = {.credentials = job->iam->credentials, .service = "iam"};
    struct authentication authentication = {0};
    struct iam_call *call = arena_calloc(arena, 1, sizeof(*call));
    const struct iam_operation *operation = NULL;
    struct http_response more = {.operation = "iam"};
    struct error err = ERROR_INIT;
    enum status st = authenticate_with_body(&options, http_exchange_request(exchange), job->body,
                                            arena, &authentication, &err);

    if (st == ST_OK) {
        call->credentials = job->iam->credentials;
        call->principal = authentication.principal;
        call->arena = arena;
        more.user = principal_user(call->principal);
        st = iam_call_parse(call, job->body, &err);
    }
    if (st == ST_OK) {
        st = find_operation(call, &operation, &err);
    }
    if (st == ST_OK) {
        more.operation = operation->log_name;
        st = operation->run(call, &err);
    }
    authentication_release(&authentication); /* the principal lives in the arena */
    if (st == ST_OK) {
        respond_result(exchange, operation, call, &more);
    } else {
        result_release(call);
        respond_error(exchange, &err, &more);
    }
    /* The exchange and everything in its arena are gone. */
}

static void
body_came(struct http_exchange *exchange, enum status st, struct bytes body)
{
    struct iam_job *job = http_exchange_data(exchange);
    struct error err = ERROR_INIT;

    if (st == ST_OK) {
        job->body = body;
        http_exchange_run_on_worker(exchange, run);
        return;
    }
    if (st == ST_TOO_LARGE) {
        (void)fail_as(&err, st, "ValidationError", "The form is longer than %zu bytes.",
                      IAM_BODY_BYTES_MAX);
    } else {
        (void)fail(&err, st, "The body could not be read: %s.", status_text(st));
    }
    respond_error(exchange, &err, &(struct http_response){.operation = "iam", .must_close = true});
}

void
iam_handle(struct http_exchange *exchange, struct iam *iam)
{
    struct iam_job *job = arena_calloc(http_exchange_arena(exchange), 1, sizeof(*job));
    struct error err = ERROR_INIT;

    assert_on_loop();
    job->iam = iam;
    http_exchange_set_data(exchange, job);
    if (is_anonymous(http_exchange_request(exchange))) {
        (void)fail_as(&err, ST_UNAUTHENTICATED, "MissingAuthenticationToken",
                      "Request is missing Authentication Token");
        respond_error(exchange, &err, &(struct http_response){.operation = "iam"});
        return;
    }
    http_exchange_read_body(exchange, IAM_BODY_BYTES_MAX, body_came);
}
