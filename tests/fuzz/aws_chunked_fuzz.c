/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth/aws_chunked.h on any bytes.  Byte 0 chooses the mode, byte 1 seeds the pieces.  The bytes
 * are either the coded body itself, which must end the same whether it comes in one write or in
 * many, or data that a client frames: it must come out again, and with one byte of the body changed
 * either the same data comes out or nothing is finished.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/entropy.h"
#include "base/memory.h"
#include "tests/unit/auth/chunked_fixture.h"

#include "base/banned.h"

#define MODE_BUILT 0x04
#define MODE_LENGTH_KNOWN 0x08

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status
take_trailer(struct bytes name, struct bytes value, void *arg, struct error *err)
{
    CHECK(name.size > 0);
    ++*(size_t *)arg;
    return ST_OK;
}

/* piece_seed 0: in one write. */
static enum status
push(const struct authentication *authentication, struct bytes body, uint64_t piece_seed,
     struct kept *kept, struct error *err)
{
    struct prng prng = prng_init(piece_seed);
    struct sink *next = &kept->sink;
    size_t trailer_count = 0;
    struct aws_chunked_options options = {.authentication = authentication,
                                          .announced_trailers = BYTES_LITERAL("x-a, x-b"),
                                          .on_trailer = take_trailer,
                                          .arg = &trailer_count};
    struct sink *sink = aws_chunked_create(&options, &next);
    enum status st = ST_OK;

    kept_init(kept);
    while (st == ST_OK && body.size > 0) {
        size_t piece = piece_seed == 0 ? body.size : 1 + prng_below(&prng, 100);

        piece = piece < body.size ? piece : body.size;
        st = sink_write(sink, bytes_slice(body, 0, piece), err);
        body = bytes_slice(body, piece, body.size);
    }
    if (st == ST_OK) {
        st = sink_finish(sink, err);
    }
    sink_release(&sink);
    CHECK(kept->released_count == 1);
    CHECK(kept->is_finished == (st == ST_OK));
    CHECK(st != ST_OK || !authentication->has_trailer || trailer_count == 2);
    CHECK(st == ST_OK || err->dialect_code != NULL);
    return st;
}

static void
check_raw(struct chunked_client *client, struct bytes body, uint64_t seed)
{
    struct error whole_error = ERROR_INIT;
    struct error split_error = ERROR_INIT;
    struct kept whole;
    struct kept split;
    enum status st = push(&client->authentication, body, 0, &whole, &whole_error);

    CHECK(push(&client->authentication, body, seed, &split, &split_error) == st);
    if (st == ST_OK) {
        CHECK(bytes_equal(buffer_bytes(&whole.data), buffer_bytes(&split.data)));
        CHECK(client->authentication.decoded_length == HTTP_LENGTH_UNKNOWN ||
              whole.data.size == client->authentication.decoded_length);
    } else {
        CHECK(strcmp(whole_error.dialect_code, split_error.dialect_code) == 0);
    }
    kept_release(&whole);
    kept_release(&split);
}

/* The bytes, each stretched so that there are several chunks. */
static void
build(struct chunked_client *client, struct bytes data, struct prng *prng, struct buffer *plain)
{
    while (data.size > 0 && plain->size < 100000) {
        size_t from = plain->size;
        size_t size = 8192 + prng_below(prng, 100);

        for (size_t i = 0; i < size; i++) {
            buffer_append_char(plain, data.data[i % data.size]);
        }
        chunked_client_chunk(client, bytes_of(plain->data + from, size));
        data = bytes_slice(data, data.size < 7 ? data.size : 7, data.size);
    }
    chunked_client_chunk(client, BYTES_NONE);
    if (client->authentication.has_trailer) {
        struct buffer canonical = BUFFER_INIT;
        char signature[65];

        buffer_append_string(&canonical, "x-a:1\nx-b:2\n");
        buffer_append_string(&client->body, "x-b:2\r\nx-a:1\r\n");
        if (client->authentication.payload_mode == PAYLOAD_STREAMING_SIGNED) {
            chunked_client_sign(client, "AWS4-HMAC-SHA256-TRAILER", buffer_bytes(&canonical),
                                signature);
            buffer_printf(&client->body, "x-amz-trailer-signature:%s\r\n", signature);
        }
        buffer_release(&canonical);
    }
    chunked_client_end(client);
}

static void
check_built(struct chunked_client *client, struct bytes data, uint64_t seed)
{
    struct prng prng = prng_init(seed);
    struct buffer plain = BUFFER_INIT;
    struct error err = ERROR_INIT;
    struct kept kept;
    size_t changed;

    build(client, data, &prng, &plain);
    if (client->authentication.decoded_length != HTTP_LENGTH_UNKNOWN) {
        client->authentication.decoded_length = plain.size;
    }
    CHECK(push(&client->authentication, buffer_bytes(&client->body), seed, &kept, &err) == ST_OK);
    CHECK(bytes_equal(buffer_bytes(&kept.data), buffer_bytes(&plain)));
    kept_release(&kept);
    changed = prng_below(&prng, client->body.size);
    client->body.data[changed] ^= (char)(1 + prng_below(&prng, 255));
    if (push(&client->authentication, buffer_bytes(&client->body), seed, &kept, &err) == ST_OK &&
        client->authentication.payload_mode == PAYLOAD_STREAMING_SIGNED) {
        CHECK(bytes_equal(buffer_bytes(&kept.data), buffer_bytes(&plain)));
    }
    kept_release(&kept);
    buffer_release(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunked_client client;
    struct bytes body;
    uint64_t seed;

    if (size < 2) {
        return 0;
    }
    body = bytes_of(data + 2, size - 2);
    seed = (uint64_t)data[1] + 1;
    chunked_client_init(&client,
                        (data[0] & 3) == 2 ? PAYLOAD_STREAMING_UNSIGNED : PAYLOAD_STREAMING_SIGNED,
                        (data[0] & 3) != 0);
    if ((data[0] & MODE_LENGTH_KNOWN) != 0) {
        client.authentication.decoded_length = data[1];
    }
    if ((data[0] & MODE_BUILT) != 0) {
        check_built(&client, body, seed);
    } else {
        check_raw(&client, body, seed);
    }
    chunked_client_release(&client);
    return 0;
}
