/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/auth/chunked_fixture.h"

#include "auth/hmac_sha256.h"
#include "base/check.h"
#include "base/encode.h"
#include "stream/digest.h"

#include "base/banned.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

void
chunked_client_init(struct chunked_client *client, enum payload_mode mode, bool has_trailer)
{
    *client = (struct chunked_client){
        .authentication = {.principal = principal_of_root(),
                           .payload_mode = mode,
                           .has_trailer = has_trailer,
                           .decoded_length = HTTP_LENGTH_UNKNOWN,
                           .signing_key = "0123456789abcdef0123456789abcde",
                           .seed_signature = EMPTY_SHA256,
                           .timestamp = "20261120T091500Z",
                           .scope = BYTES_LITERAL("20261120/us-east-1/s3/aws4_request")},
    };
    memcpy(client->previous_signature, EMPTY_SHA256, 65);
}

void
chunked_client_release(struct chunked_client *client)
{
    buffer_release(&client->body);
}

void
chunked_client_sign(struct chunked_client *client, const char *algorithm, struct bytes hashed,
                    char ret_signature[65])
{
    const struct authentication *authentication = &client->authentication;
    bool is_trailer = strcmp(algorithm, "AWS4-HMAC-SHA256-TRAILER") == 0;
    struct buffer text = BUFFER_INIT;
    struct digest_value hash;
    unsigned char mac[HMAC_SHA256_SIZE];
    char hex[65];

    digest_of(DIGEST_SHA256, hashed, &hash);
    encode_hex(digest_value_bytes(&hash), hex);
    buffer_printf(&text, "%s\n%s\n%.*s\n%s\n%s%s", algorithm, authentication->timestamp,
                  BYTES_ARGS(authentication->scope), client->previous_signature,
                  is_trailer ? "" : EMPTY_SHA256 "\n", hex);
    hmac_sha256(bytes_of(authentication->signing_key, 32), buffer_bytes(&text), mac);
    encode_hex(bytes_of(mac, sizeof(mac)), ret_signature);
    memcpy(client->previous_signature, ret_signature, 65);
    buffer_release(&text);
}

void
chunked_client_chunk(struct chunked_client *client, struct bytes data)
{
    char signature[65];

    buffer_printf(&client->body, "%zx", data.size);
    if (client->authentication.payload_mode == PAYLOAD_STREAMING_SIGNED) {
        chunked_client_sign(client, "AWS4-HMAC-SHA256-PAYLOAD", data, signature);
        buffer_printf(&client->body, ";chunk-signature=%s", signature);
    }
    buffer_append_string(&client->body, "\r\n");
    if (data.size > 0) {
        buffer_append_bytes(&client->body, data);
        buffer_append_string(&client->body, "\r\n");
    }
}

void
chunked_client_trailer(struct chunked_client *client, const char *name, const char *value)
{
    struct buffer canonical = BUFFER_INIT;
    char signature[65];

    buffer_printf(&client->body, "%s:%s\r\n", name, value);
    if (client->authentication.payload_mode == PAYLOAD_STREAMING_SIGNED) {
        buffer_printf(&canonical, "%s:%s\n", name, value);
        chunked_client_sign(client, "AWS4-HMAC-SHA256-TRAILER", buffer_bytes(&canonical),
                            signature);
        buffer_printf(&client->body, "x-amz-trailer-signature:%s\r\n", signature);
        buffer_release(&canonical);
    }
    chunked_client_end(client);
}

void
chunked_client_end(struct chunked_client *client)
{
    buffer_append_string(&client->body, "\r\n");
}

static enum status
kept_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct kept *kept = CONTAINER_OF(struct kept, sink, sink);

    CHECK(!kept->is_finished && data.size > 0);
    if (kept->write_status != ST_OK) {
        return fail(err, kept->write_status, "the test made this write fail");
    }
    buffer_append_bytes(&kept->data, data);
    return ST_OK;
}

static enum status
kept_finish(struct sink *sink, struct error *err)
{
    struct kept *kept = CONTAINER_OF(struct kept, sink, sink);

    CHECK(!kept->is_finished);
    kept->is_finished = true;
    return ST_OK;
}

static void
kept_released(struct sink *sink)
{
    CONTAINER_OF(struct kept, sink, sink)->released_count++;
}

static const struct sink_ops KEPT_OPS = {kept_write, kept_finish, kept_released};

void
kept_init(struct kept *kept)
{
    *kept = (struct kept){.sink = {&KEPT_OPS}};
}

void
kept_release(struct kept *kept)
{
    buffer_release(&kept->data);
}
