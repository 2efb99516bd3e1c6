/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sigv4_request.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/encode.h"
#include "net/http_date.h"

#include "base/banned.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define ALGORITHM_ECDSA "AWS4-ECDSA-P256-SHA256"
#define TERMINAL "aws4_request"

#define MALFORMED "AuthorizationHeaderMalformed"
#define BAD_QUERY "AuthorizationQueryParametersError"

/* Access keys and the like in sentences: no more than this of what a client sent. */
#define QUOTED_BYTES_MAX 64
#define QUOTED_ARGS(b) (int)((b).size < QUOTED_BYTES_MAX ? (b).size : QUOTED_BYTES_MAX), (b).data

/* ---- finding what belongs to authentication ---- */

struct named_value {
    const char *name;
    struct bytes value; /* data NULL: absent */
    bool is_repeated;
};

enum {
    HEADER_AUTHORIZATION,
    HEADER_AMZ_DATE,
    HEADER_DATE,
    HEADER_CONTENT_SHA256,
    HEADER_SECURITY_TOKEN,
    HEADER_COUNT
};

enum {
    QUERY_ALGORITHM,
    QUERY_CREDENTIAL,
    QUERY_SIGNATURE,
    QUERY_DATE,
    QUERY_SIGNED_HEADERS,
    QUERY_EXPIRES, /* the last of the six that are required */
    QUERY_CONTENT_SHA256,
    QUERY_SECURITY_TOKEN,
    QUERY_V2_ACCESS_KEY,
    QUERY_V2_SIGNATURE,
    QUERY_V2_EXPIRES,
    QUERY_COUNT
};

struct found {
    struct named_value headers[HEADER_COUNT];
    struct named_value query[QUERY_COUNT];
};

static const struct found NOTHING_FOUND = {
    .headers =
        {
            [HEADER_AUTHORIZATION] = {.name = "authorization"},
            [HEADER_AMZ_DATE] = {.name = "x-amz-date"},
            [HEADER_DATE] = {.name = "date"},
            [HEADER_CONTENT_SHA256] = {.name = "x-amz-content-sha256"},
            [HEADER_SECURITY_TOKEN] = {.name = "x-amz-security-token"},
        },
    .query =
        {
            [QUERY_ALGORITHM] = {.name = "X-Amz-Algorithm"},
            [QUERY_CREDENTIAL] = {.name = "X-Amz-Credential"},
            [QUERY_SIGNATURE] = {.name = "X-Amz-Signature"},
            [QUERY_DATE] = {.name = "X-Amz-Date"},
            [QUERY_SIGNED_HEADERS] = {.name = "X-Amz-SignedHeaders"},
            [QUERY_EXPIRES] = {.name = "X-Amz-Expires"},
            [QUERY_CONTENT_SHA256] = {.name = "X-Amz-Content-Sha256"},
            [QUERY_SECURITY_TOKEN] = {.name = "X-Amz-Security-Token"},
            [QUERY_V2_ACCESS_KEY] = {.name = "AWSAccessKeyId"},
            [QUERY_V2_SIGNATURE] = {.name = "Signature"},
            [QUERY_V2_EXPIRES] = {.name = "Expires"},
        },
};

/* Where name is one of values, note its value. */
static void
note_value(struct named_value *values, size_t count, struct bytes name, struct bytes value)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_string(name, values[i].name)) {
            values[i].is_repeated = values[i].value.data != NULL;
            values[i].value = value.data != NULL ? value : BYTES_LITERAL("");
            return;
        }
    }
}

static enum status
find_query(struct bytes query, struct arena *arena, struct found *found, struct error *err)
{
    while (query.size > 0) {
        struct bytes value = bytes_cut(&query, '&');
        struct bytes name = bytes_cut(&value, '=');

        note_value(found->query, QUERY_COUNT, name, value);
    }
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        struct named_value *parameter = &found->query[i];
        struct buffer decoded = BUFFER_INIT;
        enum status st = ST_OK;

        if (parameter->is_repeated) {
            return fail_as(err, ST_INVALID, BAD_QUERY, "%s was sent more than once.",
                           parameter->name);
        }
        if (parameter->value.data == NULL) {
            continue;
        }
        st = decode_uri(parameter->value, false, &decoded);
        parameter->value = arena_copy(arena, buffer_bytes(&decoded));
        buffer_release(&decoded);
        if (st != ST_OK) {
            return fail_as(err, ST_INVALID, BAD_QUERY, "The encoding of %s is broken.",
                           parameter->name);
        }
    }
    return ST_OK;
}

static enum status
find_all(const struct http_request *request, struct arena *arena, struct found *found,
         struct error *err)
{
    for (size_t i = 0; i < request->header_count; i++) {
        note_value(found->headers, HEADER_COUNT, request->headers[i].name,
                   request->headers[i].value);
    }
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        if (found->headers[i].is_repeated) {
            return fail_as(err, ST_INVALID, "InvalidArgument",
                           "The header %s was sent more than once.", found->headers[i].name);
        }
    }
    return find_query(request->query, arena, found, err);
}

/* ---- the parts that both forms share ---- */

static enum status
bad(const struct sigv4_request *parsed, struct error *err, const char *what)
{
    return parsed->is_query ? fail_as(err, ST_INVALID, BAD_QUERY, "%s", what)
                            : fail_as(err, ST_INVALID, MALFORMED,
                                      "The authorization header is malformed; %s", what);
}

/* Cut the part behind the last separator off the end of *rest. */
static struct bytes
cut_last(struct bytes *rest, char separator)
{
    size_t at = rest->size;
    struct bytes last;

    while (at > 0 && rest->data[at - 1] != separator) {
        at--;
    }
    last = bytes_slice(*rest, at, rest->size);
    rest->size = at > 0 ? at - 1 : 0;
    return last;
}

static bool
is_region(struct bytes region)
{
    for (size_t i = 0; i < region.size; i++) {
        char c = region.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return region.size >= 1 && region.size <= SIGV4_REGION_BYTES_MAX;
}

/* credential: access key, which may hold slashes, and scope. */
static enum status
parse_credential(struct bytes credential, const char *service, struct sigv4_request *parsed,
                 struct error *err)
{
    struct bytes rest = credential;
    struct bytes terminal = cut_last(&rest, '/');

    parsed->service = cut_last(&rest, '/');
    parsed->region = cut_last(&rest, '/');
    parsed->date = cut_last(&rest, '/');
    parsed->access_key = rest;
    if (rest.size == 0 || parsed->date.size == 0) {
        return bad(parsed, err,
                   "the Credential is mal-formed; expecting "
                   "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    }
    parsed->scope = bytes_slice(credential, rest.size + 1, credential.size);
    if (!bytes_equal_string(terminal, TERMINAL)) {
        return bad(parsed, err,
                   "incorrect terminal in the Credential. This endpoint uses \"aws4_request\".");
    }
    if (!bytes_equal_string(parsed->service, service)) {
        return bad(parsed, err,
                   strcmp(service, "s3") == 0
                       ? "incorrect service. This endpoint belongs to \"s3\"."
                       : "Credential should be scoped to correct service: 'iam'.");
    }
    if (!is_region(parsed->region)) {
        return bad(parsed, err, "the region in the Credential is not valid.");
    }
    return ST_OK;
}

static enum status
check_signed_headers_count(const struct sigv4_request *parsed, struct error *err)
{
    size_t count = 1;

    for (size_t i = 0; i < parsed->signed_headers.size; i++) {
        count += parsed->signed_headers.data[i] == ';';
    }
    return count <= SIGV4_SIGNED_HEADER_COUNT_MAX
               ? ST_OK
               : bad(parsed, err, "SignedHeaders names more headers than a request can have.");
}

static enum status
parse_timestamp(struct bytes text, struct sigv4_request *parsed, struct error *err)
{
    if (!amz_date_parse(text, &parsed->time_s)) {
        return parsed->is_query
                   ? fail_as(err, ST_INVALID, BAD_QUERY,
                             "X-Amz-Date must be in the ISO8601 Long Format "
                             "\"yyyyMMdd'T'HHmmss'Z'\"")
                   : fail_as(err, ST_DENIED, "AccessDenied",
                             "AWS authentication requires a valid Date or x-amz-date header");
    }
    amz_date_format(parsed->time_s, parsed->timestamp);
    if (!bytes_equal(parsed->date, bytes_of(parsed->timestamp, 8))) {
        return fail_as(err, ST_INVALID, parsed->is_query ? BAD_QUERY : MALFORMED,
                       "%sInvalid credential date \"%.*s\". This date is not the same as "
                       "X-Amz-Date: \"%.8s\".",
                       parsed->is_query ? "" : "The authorization header is malformed; ",
                       QUOTED_ARGS(parsed->date), parsed->timestamp);
    }
    return ST_OK;
}

/* ---- Authorization header ---- */

enum { PAIR_CREDENTIAL, PAIR_SIGNED_HEADERS, PAIR_SIGNATURE, PAIR_COUNT };

static enum status
parse_pairs(struct bytes rest, struct bytes *ret_credential, struct sigv4_request *parsed,
            struct error *err)
{
    static const char *const NAMES[PAIR_COUNT] = {"Credential", "SignedHeaders", "Signature"};
    static const char *const MISSING[PAIR_COUNT] = {"Missing Credential.", "Missing SignedHeaders.",
                                                    "Missing Signature."};
    struct bytes values[PAIR_COUNT] = {BYTES_NONE};

    while (rest.size > 0) {
        struct bytes value = bytes_trim(bytes_cut(&rest, ','));
        struct bytes name = bytes_trim(bytes_cut(&value, '='));
        size_t pair = 0;

        while (pair < PAIR_COUNT && !bytes_equal_string(name, NAMES[pair])) {
            pair++;
        }
        if (pair == PAIR_COUNT || values[pair].data != NULL || value.size == 0) {
            return bad(parsed, err,
                       "it must hold Credential, SignedHeaders and Signature once each.");
        }
        values[pair] = bytes_trim(value);
    }
    for (size_t pair = 0; pair < PAIR_COUNT; pair++) {
        if (values[pair].data == NULL) {
            return bad(parsed, err, MISSING[pair]);
        }
    }
    *ret_credential = values[PAIR_CREDENTIAL];
    parsed->signed_headers = values[PAIR_SIGNED_HEADERS];
    parsed->signature = values[PAIR_SIGNATURE];
    return ST_OK;
}

/* The date of HTTP, also with the zone as mail has it (botocore writes -0000 for GMT). */
static bool
parse_http_date(struct bytes text, int64_t *ret_time_s)
{
    char in_gmt[HTTP_DATE_SIZE];

    if (text.size == HTTP_DATE_SIZE + 2 && (bytes_has_suffix(text, BYTES_LITERAL(" -0000")) ||
                                            bytes_has_suffix(text, BYTES_LITERAL(" +0000")))) {
        memcpy(in_gmt, text.data, HTTP_DATE_SIZE - 3);
        memcpy(in_gmt + HTTP_DATE_SIZE - 3, "GMT", 3);
        text = bytes_of(in_gmt, HTTP_DATE_SIZE);
    }
    return http_date_parse(text, clock_wall_s(), ret_time_s) == ST_OK;
}

/* x-amz-date, or Date in its form of HTTP or in that of x-amz-date. */
static enum status
parse_header_date(const struct found *found, struct sigv4_request *parsed, struct error *err)
{
    struct bytes text = found->headers[HEADER_AMZ_DATE].value;
    char formatted[AMZ_DATE_SIZE + 1];
    int64_t time_s;

    if (text.data == NULL) {
        text = found->headers[HEADER_DATE].value;
        if (text.data != NULL && parse_http_date(text, &time_s) && time_s >= 0) {
            amz_date_format(time_s, formatted);
            text = bytes_of(formatted, AMZ_DATE_SIZE);
        }
    }
    return parse_timestamp(text, parsed, err);
}

static enum status
parse_header_form(const struct found *found, const char *service, struct sigv4_request *parsed,
                  struct error *err)
{
    struct bytes rest = found->headers[HEADER_AUTHORIZATION].value;
    struct bytes algorithm = bytes_cut(&rest, ' ');
    struct bytes credential;
    enum status st;

    if (bytes_equal_string(algorithm, ALGORITHM_ECDSA)) {
        return fail_as(err, ST_NOT_IMPLEMENTED, "NotImplemented",
                       "Signatures with " ALGORITHM_ECDSA " are not implemented.");
    }
    if (bytes_equal_string(algorithm, "AWS")) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The authorization mechanism you have provided is not supported. Please "
                       "use AWS4-HMAC-SHA256.");
    }
    if (!bytes_equal_string(algorithm, ALGORITHM)) {
        return fail_as(err, ST_INVALID, "InvalidArgument", "Unsupported Authorization Type");
    }
    st = parse_pairs(bytes_trim(rest), &credential, parsed, err);
    if (st == ST_OK) {
        st = parse_credential(credential, service, parsed, err);
    }
    if (st == ST_OK) {
        st = parse_header_date(found, parsed, err);
    }
    parsed->payload = found->headers[HEADER_CONTENT_SHA256].value;
    return st;
}

/* ---- query parameters ---- */

static enum status
parse_expires(struct bytes text, struct sigv4_request *parsed, struct error *err)
{
    if (text.size > 0 && text.data[0] == '-') {
        return bad(parsed, err, "X-Amz-Expires must be non-negative");
    }
    if (bytes_parse_u64(text, UINT64_MAX, &parsed->expires_s) != ST_OK) {
        return bad(parsed, err, "X-Amz-Expires should be a number");
    }
    if (parsed->expires_s == 0) {
        return bad(parsed, err, "X-Amz-Expires must be at least 1 second");
    }
    if (parsed->expires_s > SIGV4_EXPIRES_S_MAX) {
        return bad(parsed, err,
                   "X-Amz-Expires must be less than a week (in seconds); that is, the given "
                   "X-Amz-Expires must be less than 604800 seconds");
    }
    return ST_OK;
}

static enum status
parse_query_form(const struct found *found, const char *service, struct sigv4_request *parsed,
                 struct error *err)
{
    struct bytes algorithm = found->query[QUERY_ALGORITHM].value;
    enum status st;

    parsed->is_query = true;
    for (size_t i = 0; i <= QUERY_EXPIRES; i++) {
        if (found->query[i].value.size == 0) {
            return bad(parsed, err,
                       "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                       "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                       "X-Amz-Expires parameters.");
        }
    }
    if (bytes_equal_string(algorithm, ALGORITHM_ECDSA)) {
        return fail_as(err, ST_NOT_IMPLEMENTED, "NotImplemented",
                       "Signatures with " ALGORITHM_ECDSA " are not implemented.");
    }
    if (!bytes_equal_string(algorithm, ALGORITHM)) {
        return bad(parsed, err, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    }
    parsed->signed_headers = found->query[QUERY_SIGNED_HEADERS].value;
    parsed->signature = found->query[QUERY_SIGNATURE].value;
    st = parse_credential(found->query[QUERY_CREDENTIAL].value, service, parsed, err);
    if (st == ST_OK) {
        st = parse_timestamp(found->query[QUERY_DATE].value, parsed, err);
    }
    if (st == ST_OK) {
        st = parse_expires(found->query[QUERY_EXPIRES].value, parsed, err);
    }
    parsed->payload = found->query[QUERY_CONTENT_SHA256].value.data != NULL
                          ? found->query[QUERY_CONTENT_SHA256].value
                          : found->headers[HEADER_CONTENT_SHA256].value;
    return st;
}

/* ---- query parameters of version 2 ---- */

/* SPEC: S3 query string authentication: Expires is in seconds since 1970, without an upper limit.
 */
static enum status
parse_query_v2(const struct found *found, bool is_accepted, struct sigv4_request *parsed,
               struct error *err)
{
    uint64_t expires_s;

    if (!is_accepted) {
        return fail_as(err, ST_INVALID, "InvalidRequest",
                       "The authorization mechanism you have provided is not supported. Please "
                       "use AWS4-HMAC-SHA256.");
    }
    for (size_t i = QUERY_V2_ACCESS_KEY; i <= QUERY_V2_EXPIRES; i++) {
        if (found->query[i].value.size == 0) {
            return fail_as(err, ST_DENIED, "AccessDenied",
                           "Query-string authentication requires the Signature, Expires and "
                           "AWSAccessKeyId parameters");
        }
    }
    parsed->is_query = true;
    parsed->is_sigv2 = true;
    parsed->access_key = found->query[QUERY_V2_ACCESS_KEY].value;
    parsed->signature = found->query[QUERY_V2_SIGNATURE].value;
    parsed->expires = found->query[QUERY_V2_EXPIRES].value;
    parsed->payload = found->headers[HEADER_CONTENT_SHA256].value;
    if (bytes_parse_u64(parsed->expires, INT64_MAX, &expires_s) != ST_OK) {
        return fail_as(err, ST_DENIED, "AccessDenied",
                       "Invalid date (should be seconds since epoch): %.*s",
                       QUOTED_ARGS(parsed->expires));
    }
    parsed->time_s = (int64_t)expires_s;
    return ST_OK;
}

/* ---- all forms ---- */

enum form { FORM_NONE, FORM_HEADER, FORM_QUERY, FORM_QUERY_V2 };

static enum status
find_form(const struct found *found, enum form *ret_form, struct error *err)
{
    bool is_header = found->headers[HEADER_AUTHORIZATION].value.data != NULL;
    bool is_query_v2 = found->query[QUERY_V2_ACCESS_KEY].value.data != NULL ||
                       found->query[QUERY_V2_SIGNATURE].value.data != NULL;
    bool is_query = found->query[QUERY_ALGORITHM].value.data != NULL ||
                    found->query[QUERY_SIGNATURE].value.data != NULL ||
                    found->query[QUERY_CREDENTIAL].value.data != NULL;

    for (size_t i = 0; i <= QUERY_CONTENT_SHA256 && is_query_v2; i++) {
        is_query = is_query || found->query[i].value.data != NULL;
    }
    if (is_header + is_query + is_query_v2 > 1) {
        return fail_as(err, ST_INVALID, "InvalidArgument",
                       "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                       "Signature query string parameter or the Authorization header should be "
                       "specified");
    }
    *ret_form = is_header     ? FORM_HEADER
                : is_query    ? FORM_QUERY
                : is_query_v2 ? FORM_QUERY_V2
                              : FORM_NONE;
    return ST_OK;
}

enum status
sigv4_request_parse(const struct http_request *request, const char *service, bool accepts_sigv2,
                    struct arena *arena, struct sigv4_request *ret_parsed, struct error *err)
{
    struct found found = NOTHING_FOUND;
    struct sigv4_request parsed = {0};
    enum form form = FORM_NONE;
    enum status st = find_all(request, arena, &found, err);

    if (st == ST_OK) {
        st = find_form(&found, &form, err);
    }
    if (st != ST_OK) {
        return st;
    }
    if (form == FORM_NONE) {
        return fail_as(err, ST_UNAUTHENTICATED, "AccessDenied", "Access Denied.");
    }
    if (found.headers[HEADER_SECURITY_TOKEN].value.data != NULL ||
        found.query[QUERY_SECURITY_TOKEN].value.data != NULL) {
        return fail_as(err, ST_INVALID, "InvalidToken",
                       "The provided token is malformed or otherwise invalid.");
    }
    if (form == FORM_QUERY_V2) {
        st = parse_query_v2(&found, accepts_sigv2, &parsed, err);
    } else {
        st = form == FORM_HEADER ? parse_header_form(&found, service, &parsed, err)
                                 : parse_query_form(&found, service, &parsed, err);
        if (st == ST_OK) {
            st = check_signed_headers_count(&parsed, err);
        }
    }
    if (st == ST_OK) {
        *ret_parsed = parsed;
    }
    return st;
}
