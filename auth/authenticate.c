/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to a principal.  Every form of request goes through verify() below and every refusal
 * is a return before the last lines of it, where the only principal of a request is made; there is
 * no payload mode, service or form of credentials that leaves the comparison out.
 */
#include "auth/authenticate.h"

#include "auth/auth_metrics.h"
#include "auth/canonical_request.h"
#include "auth/credential_document.h"
#include "auth/credential_lookup.h"
#include "auth/failure_limit.h"
#include "auth/principal_private.h"
#include "auth/sigv2_query.h"
#include "auth/sigv4_request.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

/* SPEC: S3: a request's time may differ from ours by 15 minutes. */
#define SKEW_S_MAX (15 * 60)

#define UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define UNKNOWN_KEY_CODE "InvalidAccessKeyId"
#define SIGNATURE_SIZE 64

/* What a usual canonical request takes; larger ones grow. */
#define CANONICAL_BYTES_USUAL 2048

static bool
is_lower_hex(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!((text.data[i] >= '0' && text.data[i] <= '9') ||
              (text.data[i] >= 'a' && text.data[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

/* SPEC: s3 x-amz-content-sha256. */
static enum status
parse_payload(struct bytes value, struct authentication *authentication, struct error *err)
{
    static const struct {
        const char *value;
        enum payload_mode mode;
        bool has_trailer;
    } MODES[] = {
        {UNSIGNED_PAYLOAD, PAYLOAD_UNSIGNED, false},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PAYLOAD_STREAMING_SIGNED, false},
        {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PAYLOAD_STREAMING_SIGNED, true},
        {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PAYLOAD_STREAMING_UNSIGNED, true},
    };

    for (size_t i = 0; i < ARRAY_COUNT(MODES); i++) {
        if (bytes_equal_string(value, MODES[i].value)) {
            authentication->payload_mode = MODES[i].mode;
            authentication->has_trailer = MODES[i].has_trailer;
            return ST_OK;
        }
    }
    if (value.size == 2 * sizeof(authentication->payload_sha256) && is_lower_hex(value)) {
        authentication->payload_mode = PAYLOAD_SIGNED;
        return decode_hex(value, authentication->payload_sha256);
    }
    if (bytes_equal_string(value, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD") ||
        bytes_equal_string(value, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER")) {
        return fail_as(err, ST_NOT_IMPLEMENTED, "NotImplemented",
                       "Payloads signed with AWS4-ECDSA-P256-SHA256 are not implemented.");
    }
    return fail_as(err, ST_INVALID, "InvalidArgument",
                   "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                   "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.");
}

static enum status
parse_decoded_length(const struct http_request *request, struct authentication *authentication,
                     struct error *err)
{
    bool is_found = false;

    authentication->decoded_length = HTTP_LENGTH_UNKNOWN;
    for (size_t i = 0; i < request->header_count; i++) {
        if (bytes_equal_string(request->headers[i].name, "x-amz-decoded-content-length")) {
            if (is_found || bytes_parse_u64(request->headers[i].value, INT64_MAX,
                                            &authentication->decoded_length) != ST_OK) {
                return fail_as(err, ST_INVALID, "InvalidArgument",
                               "The value of x-amz-decoded-content-length is not valid.");
            }
            is_found = true;
        }
    }
    return ST_OK;
}

/* SPEC: SigV4: host and every x-amz-* header that is sent must be signed. */
static enum status
check_signed_headers(const struct http_request *request, const struct sigv4_request *parsed,
                     struct error *err)
{
    bool is_good = canonical_request_is_signed(parsed->signed_headers, BYTES_LITERAL("host"));

    for (size_t i = 0; is_good && i < request->header_count; i++) {
        is_good = !bytes_has_prefix(request->headers[i].name, BYTES_LITERAL("x-amz-")) ||
                  canonical_request_is_signed(parsed->signed_headers, request->headers[i].name);
    }
    return is_good ? ST_OK
                   : fail_as(err, ST_DENIED, "AccessDenied",
                             "There were headers present in the request which were not signed");
}

static enum status
check_time(const struct sigv4_request *parsed, struct error *err)
{
    int64_t now_s = clock_wall_s();

    if (parsed->is_sigv2) {
        return now_s <= parsed->time_s
                   ? ST_OK
                   : fail_as(err, ST_DENIED, "AccessDenied", "Request has expired");
    }
    if (!parsed->is_query) {
        return parsed->time_s <= now_s + SKEW_S_MAX && parsed->time_s >= now_s - SKEW_S_MAX
                   ? ST_OK
                   : fail_as(err, ST_DENIED, "RequestTimeTooSkewed",
                             "The difference between the request time and the current time is too "
                             "large.");
    }
    if (parsed->time_s > now_s + SKEW_S_MAX) {
        return fail_as(err, ST_DENIED, "AccessDenied", "Request is not valid yet");
    }
    if (now_s > parsed->time_s + (int64_t)parsed->expires_s) {
        return fail_as(err, ST_DENIED, "AccessDenied", "Request has expired");
    }
    return ST_OK;
}

static enum status
check_region(const struct authenticate_options *options, const struct sigv4_request *parsed,
             struct error *err)
{
    if (options->region == NULL || bytes_equal_string(parsed->region, options->region)) {
        return ST_OK;
    }
    return fail_as(err, ST_INVALID,
                   parsed->is_query ? "AuthorizationQueryParametersError"
                                    : "AuthorizationHeaderMalformed",
                   "%sthe region '%.*s' is wrong; expecting '%s'",
                   parsed->is_query ? "Error parsing the X-Amz-Credential parameter; "
                                    : "The authorization header is malformed; ",
                   BYTES_ARGS(parsed->region), options->region);
}

struct attempt {
    const struct http_request *request;
    const struct sigv4_request *parsed;
    const unsigned char *signing_key;
    struct arena *arena;
    struct buffer canonical;
    struct buffer to_sign;
};

/* Is the signature that of the request in this form, with this payload line? */
static bool
is_signature_of(struct attempt *attempt, struct bytes payload_line, enum canonical_form form)
{
    const struct sigv4_request *parsed = attempt->parsed;
    struct canonical_request canonical = {
        .method = attempt->request->method,
        .path = attempt->request->path,
        .query = attempt->request->query,
        .headers = attempt->request->headers,
        .header_count = attempt->request->header_count,
        .signed_headers = parsed->signed_headers,
        .payload_line = payload_line,
        .form = form,
    };
    struct digest_value hash;
    unsigned char mac[HMAC_SHA256_SIZE];
    char hex[2 * DIGEST_SIZE_MAX + 1];
    bool is_right;

    buffer_clear(&attempt->canonical);
    buffer_clear(&attempt->to_sign);
    is_right =
        canonical_request_append(&canonical, attempt->arena, &attempt->canonical, NULL) == ST_OK;
    digest_of(DIGEST_SHA256, buffer_bytes(&attempt->canonical), &hash);
    encode_hex(digest_value_bytes(&hash), hex);
    buffer_append_string(&attempt->to_sign, "AWS4-HMAC-SHA256\n");
    buffer_append(&attempt->to_sign, parsed->timestamp, AMZ_DATE_SIZE);
    buffer_append_char(&attempt->to_sign, '\n');
    buffer_append_bytes(&attempt->to_sign, parsed->scope);
    buffer_append_char(&attempt->to_sign, '\n');
    buffer_append(&attempt->to_sign, hex, SIGNATURE_SIZE);
    hmac_sha256(bytes_of(attempt->signing_key, HMAC_SHA256_SIZE), buffer_bytes(&attempt->to_sign),
                mac);
    encode_hex(bytes_of(mac, sizeof(mac)), hex);
    is_right = is_right && parsed->signature.size == SIGNATURE_SIZE &&
               memory_equal_secret(hex, parsed->signature.data, SIGNATURE_SIZE);
    memory_wipe(mac, sizeof(mac));
    memory_wipe(hex, sizeof(hex));
    return is_right;
}

/*
 * As sent, then encoded again; a query that names a payload hash is also tried with the literal
 * that S3's rules for queries put there.  All of these say the same about the same resource.
 */
static bool
is_signature_right(const struct http_request *request, const struct sigv4_request *parsed,
                   struct bytes payload_line, const unsigned char *signing_key, struct arena *arena)
{
    struct attempt attempt = {.request = request,
                              .parsed = parsed,
                              .signing_key = signing_key,
                              .arena = arena,
                              .canonical = BUFFER_INIT,
                              .to_sign = BUFFER_INIT};
    struct bytes literal = BYTES_LITERAL(UNSIGNED_PAYLOAD);
    bool is_right;

    buffer_reserve(&attempt.canonical, CANONICAL_BYTES_USUAL);
    is_right = is_signature_of(&attempt, payload_line, CANONICAL_AS_SENT) ||
               is_signature_of(&attempt, payload_line, CANONICAL_ENCODED_AGAIN);
    if (!is_right && parsed->is_query && !bytes_equal(payload_line, literal)) {
        is_right = is_signature_of(&attempt, literal, CANONICAL_AS_SENT) ||
                   is_signature_of(&attempt, literal, CANONICAL_ENCODED_AGAIN);
    }
    buffer_release(&attempt.canonical);
    buffer_release(&attempt.to_sign);
    return is_right;
}

struct sigv2_attempt {
    const struct authenticate_options *options;
    const struct http_request *request;
    const struct sigv4_request *parsed;
    struct arena *arena;
    struct credential_owner *owner;
    bool is_known; /* is there such a key?  If not, nobody's is used */
};

static bool
is_sigv2_signature_of(struct sigv2_attempt *attempt, struct bytes resource,
                      enum canonical_form form)
{
    const struct sigv4_request *parsed = attempt->parsed;
    struct sigv2_query_options query = {.request = attempt->request,
                                        .resource = resource,
                                        .expires = parsed->expires,
                                        .form = form};
    unsigned char mac[HMAC_SHA1_SIZE];
    char text[SIGV2_SIGNATURE_SIZE + 1];
    struct buffer to_sign = BUFFER_INIT;
    bool is_right = sigv2_query_append(&query, attempt->arena, &to_sign, NULL) == ST_OK;

    attempt->is_known = credential_hmac_sha1(attempt->options->credentials, parsed->access_key,
                                             buffer_bytes(&to_sign), mac, attempt->owner);
    encode_base64(bytes_of(mac, sizeof(mac)), text);
    is_right = is_right && parsed->signature.size == SIGV2_SIGNATURE_SIZE &&
               memory_equal_secret(text, parsed->signature.data, SIGV2_SIGNATURE_SIZE);
    memory_wipe(mac, sizeof(mac));
    memory_wipe(text, sizeof(text));
    buffer_release(&to_sign);
    return is_right;
}

/* Each spelling of the resource as sent and encoded again, as above. */
static bool
is_sigv2_signature_right(const struct authenticate_options *options,
                         const struct http_request *request, const struct sigv4_request *parsed,
                         struct arena *arena, struct credential_owner *owner, bool *ret_is_known)
{
    struct sigv2_attempt attempt = {
        .options = options, .request = request, .parsed = parsed, .arena = arena, .owner = owner};
    bool is_right = false;

    for (size_t i = 0; i < AUTHENTICATE_RESOURCE_COUNT && !is_right; i++) {
        struct bytes resource = options->resources[i];

        if (resource.data == NULL && i > 0) {
            break;
        }
        resource = resource.data != NULL ? resource : request->path;
        is_right = is_sigv2_signature_of(&attempt, resource, CANONICAL_AS_SENT) ||
                   is_sigv2_signature_of(&attempt, resource, CANONICAL_ENCODED_AGAIN);
    }
    *ret_is_known = attempt.is_known;
    return is_right;
}

static void
keep_for_chunks(const struct sigv4_request *parsed, struct arena *arena,
                struct authentication *authentication)
{
    authentication->region = arena_copy(arena, parsed->region);
    authentication->scope = arena_copy(arena, parsed->scope);
    memcpy(authentication->timestamp, parsed->timestamp, sizeof(authentication->timestamp));
    memcpy(authentication->seed_signature, parsed->signature.data, SIGNATURE_SIZE);
    authentication->seed_signature[SIGNATURE_SIZE] = '\0';
}

/* Look the key up, compare, and only then fill *authentication. */
static enum status
verify(const struct authenticate_options *options, const struct http_request *request,
       const struct sigv4_request *parsed, struct bytes payload_line, struct arena *arena,
       struct authentication *authentication, struct error *err)
{
    struct credential_owner owner;
    struct principal *principal;
    bool is_known = false;
    bool is_right;

    if (parsed->is_sigv2) {
        is_right = is_sigv2_signature_right(options, request, parsed, arena, &owner, &is_known);
    } else {
        is_known = credential_signing_key(options->credentials, parsed->access_key, parsed->date,
                                          parsed->region, parsed->service,
                                          authentication->signing_key, &owner);
        is_right =
            is_signature_right(request, parsed, payload_line, authentication->signing_key, arena);
    }
    if (!is_known) {
        return fail_as(err, ST_UNAUTHENTICATED, UNKNOWN_KEY_CODE,
                       "The AWS Access Key Id you provided does not exist in our records.");
    }
    if (!is_right) {
        return fail_as(err, ST_SIGNATURE_MISMATCH, "SignatureDoesNotMatch",
                       "The request signature we calculated does not match the signature you "
                       "provided. Check your key and signing method.");
    }
    principal = arena_calloc(arena, 1, sizeof(*principal));
    principal->is_root = owner.is_root;
    principal->user = arena_copy(arena, bytes_of(owner.user, owner.user_size));
    principal->access_key = arena_copy(arena, parsed->access_key);
    authentication->principal = principal;
    authentication->is_sigv2 = parsed->is_sigv2;
    if (!parsed->is_sigv2) {
        keep_for_chunks(parsed, arena, authentication);
    }
    return ST_OK;
}

/* What the head of a version 4 request must have beside its signature. */
static enum status
check_sigv4(const struct authenticate_options *options, const struct http_request *request,
            const struct sigv4_request *parsed, struct error *err)
{
    enum status st = check_region(options, parsed, err);

    if (st == ST_OK) {
        st = check_time(parsed, err);
    }
    return st == ST_OK ? check_signed_headers(request, parsed, err) : st;
}

/* A query of version 2 signs every x-amz-* header there is, and no key for chunks comes from it. */
static enum status
check_sigv2(const struct sigv4_request *parsed, enum payload_mode payload_mode, struct error *err)
{
    if (payload_mode == PAYLOAD_STREAMING_SIGNED) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "Chunks can be signed only with AWS4-HMAC-SHA256.");
    }
    return check_time(parsed, err);
}

/* body: NULL unless it is at hand already. */
static enum status
authenticate_any(const struct authenticate_options *options, const struct http_request *request,
                 const struct bytes *body, struct arena *arena,
                 struct authentication *ret_authentication, struct error *err)
{
    struct authentication authentication = {0};
    struct digest_value body_hash = {0};
    char body_hex[2 * DIGEST_SIZE_MAX + 1];
    struct sigv4_request parsed;
    struct bytes payload_line;
    enum status st = sigv4_request_parse(request, options->service, options->accepts_sigv2_query,
                                         arena, &parsed, err);

    if (st != ST_OK) {
        return st;
    }
    payload_line = parsed.payload;
    if (body != NULL) {
        digest_of(DIGEST_SHA256, *body, &body_hash);
        encode_hex(digest_value_bytes(&body_hash), body_hex);
    }
    if (payload_line.data == NULL && body != NULL) {
        payload_line = bytes_of(body_hex, 2 * body_hash.size);
    } else if (payload_line.data == NULL && parsed.is_query) {
        payload_line = BYTES_LITERAL(UNSIGNED_PAYLOAD);
    } else if (payload_line.data == NULL) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "Missing required header for this request: x-amz-content-sha256");
    }
    if ((st = parse_payload(payload_line, &authentication, err)) != ST_OK ||
        (st = parse_decoded_length(request, &authentication, err)) != ST_OK) {
        return st;
    }
    st = parsed.is_sigv2 ? check_sigv2(&parsed, authentication.payload_mode, err)
                         : check_sigv4(options, request, &parsed, err);
    if (st != ST_OK) {
        return st;
    }
    st = verify(options, request, &parsed, payload_line, arena, &authentication, err);
    if (st == ST_OK && body != NULL) {
        st = authentication_check_body(&authentication, &body_hash, err);
    }
    if (st == ST_OK) {
        *ret_authentication = authentication;
    }
    authentication_release(&authentication);
    return st;
}

/* What goes on from here: the result, unless it was a guess too many.  A request that a peer passed
 * on was not guessed by the peer. */
static enum status
settle(const struct authenticate_options *options, const struct http_request *request,
       enum status st, struct error *err)
{
    bool is_guess = st == ST_SIGNATURE_MISMATCH ||
                    (st == ST_UNAUTHENTICATED && err != NULL && err->dialect_code != NULL &&
                     strcmp(err->dialect_code, UNKNOWN_KEY_CODE) == 0);

    if (is_guess && !request->is_from_peer) {
        struct error local = ERROR_INIT;
        enum status limited = failure_limit_take(credential_store_failures(options->credentials),
                                                 request->peer_address, &local);

        if (limited != ST_OK) {
            st = limited;
            if (err != NULL) {
                *err = local;
            }
        }
    }
    auth_metrics_count(st);
    return st;
}

enum status
authenticate(const struct authenticate_options *options, const struct http_request *request,
             struct arena *arena, struct authentication *ret_authentication, struct error *err)
{
    enum status st = authenticate_any(options, request, NULL, arena, ret_authentication, err);

    return settle(options, request, st, err);
}

enum status
authenticate_with_body(const struct authenticate_options *options,
                       const struct http_request *request, struct bytes body, struct arena *arena,
                       struct authentication *ret_authentication, struct error *err)
{
    enum status st = authenticate_any(options, request, &body, arena, ret_authentication, err);

    return settle(options, request, st, err);
}

enum status
authentication_check_body(const struct authentication *authentication,
                          const struct digest_value *sha256, struct error *err)
{
    CHECK(sha256->size == sizeof(authentication->payload_sha256));
    if (authentication->payload_mode == PAYLOAD_SIGNED &&
        memcmp(authentication->payload_sha256, sha256->data, sha256->size) != 0) {
        return fail_as(err, ST_DIGEST_MISMATCH, "XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was "
                       "computed.");
    }
    return ST_OK;
}

void
authentication_release(struct authentication *authentication)
{
    memory_wipe(authentication, sizeof(*authentication));
}

int
authenticate_http_status(const struct error *err)
{
    static const struct {
        const char *code;
        int http_status;
    } CODES[] = {
        {"AuthorizationHeaderMalformed", 400},
        {"AuthorizationQueryParametersError", 400},
        {"IncompleteBody", 400},
        {"InvalidArgument", 400},
        {"InvalidChunkSizeError", 403},
        {"InvalidRequest", 400},
        {"InvalidToken", 400},
        {"MalformedTrailerError", 400},
        {"NotImplemented", 501},
        {"XAmzContentSHA256Mismatch", 400},
    };

    for (size_t i = 0; err->dialect_code != NULL && i < ARRAY_COUNT(CODES); i++) {
        if (strcmp(err->dialect_code, CODES[i].code) == 0) {
            return CODES[i].http_status;
        }
    }
    return 403;
}

bool
authenticate_misses_key(const struct error *err)
{
    return err->dialect_code != NULL && strcmp(err->dialect_code, UNKNOWN_KEY_CODE) == 0;
}

enum status
authenticate_refresh(const struct authenticate_options *options, const struct http_request *request,
                     struct arena *arena, struct error *err)
{
    struct sigv4_request parsed;
    enum status st = sigv4_request_parse(request, options->service, options->accepts_sigv2_query,
                                         arena, &parsed, err);

    if (st != ST_OK || parsed.access_key.size == 0 ||
        parsed.access_key.size > ACCESS_KEY_BYTES_MAX) {
        return st; /* no key of ours; asking again finds that out */
    }
    return control_refresh(credential_store_control(options->credentials),
                           credential_document_key(arena, "key/", parsed.access_key), err);
}
