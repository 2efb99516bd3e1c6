/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/sign_request.h"

#include <stdlib.h>

#include "auth/amz_date.h"
#include "auth/canonical_request.h"
#include "auth/hmac_sha256.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

/* Headers that a caller may pass; ours are three more. */
#define HEADER_COUNT_MAX 64
#define HEX_SIZE (2 * DIGEST_SIZE_MAX + 1)

struct signer {
    const struct sign_request_options *options;
    struct arena *arena;
    struct http_header headers[HEADER_COUNT_MAX + 3]; /* those to sign, sorted by name */
    size_t header_count;
    char timestamp[AMZ_DATE_SIZE + 1];
    char payload_line[HEX_SIZE];
    struct bytes scope;
    struct bytes signed_headers;
};

static bool
is_signed_name(struct bytes name)
{
    return bytes_has_prefix(name, BYTES_LITERAL("x-amz-")) ||
           bytes_equal_string(name, "content-type") || bytes_equal_string(name, "content-md5") ||
           bytes_equal_string(name, "range");
}

static void
add_header(struct signer *signer, struct bytes name, struct bytes value)
{
    signer->headers[signer->header_count++] = (struct http_header){name, value};
}

static enum status
add_headers_of_caller(struct signer *signer, struct error *err)
{
    for (const char *const *header = signer->options->headers; header != NULL && *header != NULL;
         header++) {
        struct bytes value = bytes_of_string(*header);
        char *name = arena_string(signer->arena, bytes_trim(bytes_cut(&value, ':')));

        for (char *c = name; *c != '\0'; c++) {
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
        }
        if (!is_signed_name(bytes_of_string(name))) {
            continue;
        }
        if (signer->header_count >= HEADER_COUNT_MAX) {
            return fail(err, ST_INVALID, "more than %d headers cannot be signed", HEADER_COUNT_MAX);
        }
        add_header(signer, bytes_of_string(name), bytes_trim(value));
    }
    return ST_OK;
}

static int
compare_headers(const void *a, const void *b)
{
    return bytes_compare(((const struct http_header *)a)->name,
                         ((const struct http_header *)b)->name);
}

static void
sort_headers(struct signer *signer)
{
    struct buffer names = BUFFER_INIT;

    qsort(signer->headers, signer->header_count, sizeof(signer->headers[0]), compare_headers);
    for (size_t i = 0; i < signer->header_count; i++) {
        if (i == 0 || compare_headers(&signer->headers[i - 1], &signer->headers[i]) != 0) {
            if (i > 0) {
                buffer_append_char(&names, ';');
            }
            buffer_append_bytes(&names, signer->headers[i].name);
        }
    }
    signer->signed_headers = arena_copy(signer->arena, buffer_bytes(&names));
    buffer_release(&names);
}

static enum status
compute_signature(const struct signer *signer, char ret_hex[HEX_SIZE], struct error *err)
{
    const struct sign_request_options *options = signer->options;
    struct canonical_request canonical = {
        .method = options->method,
        .path = options->path,
        .query = options->query,
        .headers = signer->headers,
        .header_count = signer->header_count,
        .signed_headers = signer->signed_headers,
        .payload_line = bytes_of_string(signer->payload_line),
        .form = CANONICAL_AS_SENT,
    };
    struct buffer text = BUFFER_INIT;
    struct digest_value hash;
    unsigned char key[HMAC_SHA256_SIZE];
    unsigned char mac[HMAC_SHA256_SIZE];
    char hex[HEX_SIZE];
    enum status st = canonical_request_append(&canonical, signer->arena, &text, err);

    if (st == ST_OK) {
        digest_of(DIGEST_SHA256, buffer_bytes(&text), &hash);
        encode_hex(digest_value_bytes(&hash), hex);
        buffer_clear(&text);
        buffer_printf(&text, "AWS4-HMAC-SHA256\n%s\n%.*s\n%s", signer->timestamp,
                      BYTES_ARGS(signer->scope), hex);
        sigv4_signing_key(options->secret_key, bytes_of(signer->timestamp, 8),
                          bytes_of_string(options->region), bytes_of_string(options->service), key);
        hmac_sha256(bytes_of(key, sizeof(key)), buffer_bytes(&text), mac);
        encode_hex(bytes_of(mac, sizeof(mac)), ret_hex);
        memory_wipe(key, sizeof(key));
    }
    buffer_release(&text);
    return st;
}

static enum status
check_options(const struct sign_request_options *options, struct error *err)
{
    if (strlen(options->region) > 64 || strlen(options->service) > 64 ||
        options->secret_key.size > 128) {
        return fail(err, ST_INVALID, "region, service or secret key is too long to sign with");
    }
    return ST_OK;
}

enum status
sign_request(const struct sign_request_options *options, struct arena *arena,
             const char *const **ret_headers, struct error *err)
{
    struct signer *signer = arena_calloc(arena, 1, sizeof(*signer));
    const char **headers = arena_calloc(arena, 4, sizeof(*headers));
    struct digest_value hash;
    char signature[HEX_SIZE];
    enum status st = check_options(options, err);

    if (st != ST_OK) {
        return st;
    }
    signer->options = options;
    signer->arena = arena;
    amz_date_format(options->time_s, signer->timestamp);
    if (options->is_payload_unsigned) {
        memcpy(signer->payload_line, "UNSIGNED-PAYLOAD", sizeof("UNSIGNED-PAYLOAD"));
    } else {
        digest_of(DIGEST_SHA256, options->body, &hash);
        encode_hex(digest_value_bytes(&hash), signer->payload_line);
    }
    signer->scope = arena_printf_bytes(arena, "%.8s/%s/%s/aws4_request", signer->timestamp,
                                       options->region, options->service);
    st = add_headers_of_caller(signer, err);
    if (st != ST_OK) {
        return st;
    }
    add_header(signer, BYTES_LITERAL("host"), options->host);
    add_header(signer, BYTES_LITERAL("x-amz-date"), bytes_of_string(signer->timestamp));
    add_header(signer, BYTES_LITERAL("x-amz-content-sha256"),
               bytes_of_string(signer->payload_line));
    sort_headers(signer);
    st = compute_signature(signer, signature, err);
    if (st != ST_OK) {
        return st;
    }
    headers[0] = arena_printf(arena, "x-amz-date: %s", signer->timestamp);
    headers[1] = arena_printf(arena, "x-amz-content-sha256: %s", signer->payload_line);
    headers[2] = arena_printf(arena,
                              "authorization: AWS4-HMAC-SHA256 Credential=%.*s/%.*s, "
                              "SignedHeaders=%.*s, Signature=%s",
                              BYTES_ARGS(options->access_key), BYTES_ARGS(signer->scope),
                              BYTES_ARGS(signer->signed_headers), signature);
    *ret_headers = headers;
    return ST_OK;
}
