/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/aws_chunked.h"

#include "auth/hmac_sha256.h"
#include "base/check.h"
#include "base/memory.h"
#include "tests/unit/auth/chunked_fixture.h"
#include "tests/unit/test.h"

#include "base/banned.h"

#define SIGNED PAYLOAD_STREAMING_SIGNED
#define UNSIGNED PAYLOAD_STREAMING_UNSIGNED
#define CRC_NAME "x-amz-checksum-crc32"

static struct error err;
static struct buffer trailers_seen;
static char large[3 * 8192];

static enum status
on_trailer(struct bytes name, struct bytes value, void *arg, struct error *error)
{
    buffer_printf(&trailers_seen, "%.*s=%.*s ", BYTES_ARGS(name), BYTES_ARGS(value));
    return ST_OK;
}

/* Push body through in pieces of piece_size; the sink keeps what came. */
static enum status
push(const struct authentication *authentication, struct bytes body, size_t piece_size,
     const char *announced, struct kept *kept)
{
    struct sink *next = &kept->sink;
    struct aws_chunked_options options = {.authentication = authentication,
                                          .announced_trailers = bytes_of_string(announced),
                                          .on_trailer = on_trailer};
    struct sink *sink = aws_chunked_create(&options, &next);
    enum status st = ST_OK;

    EXPECT(next == NULL);
    err = ERROR_INIT;
    buffer_release(&trailers_seen);
    for (size_t from = 0; st == ST_OK && from < body.size; from += piece_size) {
        size_t to = body.size - from < piece_size ? body.size : from + piece_size;

        st = sink_write(sink, bytes_slice(body, from, to), &err);
    }
    if (st == ST_OK) {
        st = sink_finish(sink, &err);
    }
    sink_release(&sink);
    EXPECT_INT(1, kept->released_count);
    EXPECT(kept->is_finished == (st == ST_OK));
    return st;
}

static void
expect_decodes(struct chunked_client *client, const char *announced, struct bytes expected)
{
    static const size_t PIECES[] = {1, 2, 7, 64, 4096, 262144};

    for (size_t i = 0; i < ARRAY_COUNT(PIECES); i++) {
        struct kept kept;

        kept_init(&kept);
        EXPECT_OK(
            push(&client->authentication, buffer_bytes(&client->body), PIECES[i], announced, &kept),
            &err);
        EXPECT_BYTES(expected, buffer_bytes(&kept.data));
        kept_release(&kept);
    }
}

static void
expect_refused(struct chunked_client *client, const char *announced, const char *dialect_code)
{
    static const size_t PIECES[] = {1, 5, 262144};

    for (size_t i = 0; i < ARRAY_COUNT(PIECES); i++) {
        struct kept kept;

        kept_init(&kept);
        EXPECT(push(&client->authentication, buffer_bytes(&client->body), PIECES[i], announced,
                    &kept) != ST_OK);
        EXPECT_STRING(dialect_code, err.dialect_code);
        EXPECT_INT(0, trailers_seen.size);
        kept_release(&kept);
    }
}

static struct bytes
large_bytes(size_t size)
{
    CHECK(size <= sizeof(large));
    for (size_t i = 0; i < sizeof(large); i++) {
        large[i] = (char)(i * 31 + i / 256);
    }
    return bytes_of(large, size);
}

/* SPEC: AWS SigV4 chunked upload, the documented example: keys, signatures, 66,560 times 'a'. */
TEST(documented_example_of_signed_chunks)
{
    static const char BODY_1[] =
        "10000;chunk-signature="
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n";
    static const char BODY_2[] =
        "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
        "\r\n";
    static const char BODY_3[] =
        "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
        "\r\n\r\n";
    struct chunked_client client;
    struct authentication *authentication = &client.authentication;
    struct kept kept;
    char *data = xmalloc(66560);

    memset(data, 'a', 66560);
    kept_init(&kept);
    chunked_client_init(&client, SIGNED, false);
    authentication->decoded_length = 66560;
    authentication->scope = BYTES_LITERAL("20130524/us-east-1/s3/aws4_request");
    memcpy(authentication->timestamp, "20130524T000000Z", 17);
    memcpy(authentication->seed_signature,
           "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", 65);
    sigv4_signing_key(BYTES_LITERAL("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                      BYTES_LITERAL("20130524"), BYTES_LITERAL("us-east-1"), BYTES_LITERAL("s3"),
                      authentication->signing_key);
    buffer_append_string(&client.body, BODY_1);
    buffer_append(&client.body, data, 65536);
    buffer_append_string(&client.body, BODY_2);
    buffer_append(&client.body, data, 1024);
    buffer_append_string(&client.body, BODY_3);
    expect_decodes(&client, "", bytes_of(data, 66560));
    chunked_client_release(&client);
    kept_release(&kept);
    free(data);
}

/* SPEC: AWS SigV4 trailing headers, the documented example. */
TEST(documented_example_of_a_signed_trailer)
{
    static const char BODY_1[] =
        "10000;chunk-signature="
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n";
    static const char BODY_2[] =
        "\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"
        "\r\n";
    static const char BODY_3[] =
        "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
        "\r\nx-amz-checksum-crc32c:sOO8/Q==\n\r\nx-amz-trailer-signature:"
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
    struct chunked_client client;
    struct authentication *authentication = &client.authentication;
    char *data = xmalloc(66560);

    memset(data, 'a', 66560);
    chunked_client_init(&client, SIGNED, true);
    authentication->decoded_length = 66560;
    authentication->scope = BYTES_LITERAL("20130524/us-east-1/s3/aws4_request");
    memcpy(authentication->timestamp, "20130524T000000Z", 17);
    memcpy(authentication->seed_signature,
           "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", 65);
    sigv4_signing_key(BYTES_LITERAL("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                      BYTES_LITERAL("20130524"), BYTES_LITERAL("us-east-1"), BYTES_LITERAL("s3"),
                      authentication->signing_key);
    buffer_append_string(&client.body, BODY_1);
    buffer_append(&client.body, data, 65536);
    buffer_append_string(&client.body, BODY_2);
    buffer_append(&client.body, data, 1024);
    buffer_append_string(&client.body, BODY_3);
    expect_decodes(&client, "x-amz-checksum-crc32c", bytes_of(data, 66560));
    EXPECT_BYTES(BYTES_LITERAL("x-amz-checksum-crc32c=sOO8/Q== "), buffer_bytes(&trailers_seen));
    buffer_release(&trailers_seen);
    chunked_client_release(&client);
    free(data);
}

TEST(every_mode_decodes_in_pieces_of_any_size)
{
    static const struct {
        enum payload_mode mode;
        bool has_trailer;
    } MODES[] = {{SIGNED, false}, {SIGNED, true}, {UNSIGNED, true}};
    static const size_t SIZES[] = {0, 1, 8191, 8192, 8193, 24576};

    for (size_t i = 0; i < ARRAY_COUNT(MODES); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(SIZES); j++) {
            struct chunked_client client;
            struct bytes data = large_bytes(SIZES[j]);

            chunked_client_init(&client, MODES[i].mode, MODES[i].has_trailer);
            client.authentication.decoded_length = data.size;
            for (size_t from = 0; from < data.size; from += 8192) {
                size_t to = data.size - from < 8192 ? data.size : from + 8192;

                chunked_client_chunk(&client, bytes_slice(data, from, to));
            }
            chunked_client_chunk(&client, BYTES_NONE);
            if (MODES[i].has_trailer) {
                chunked_client_trailer(&client, CRC_NAME, "AAAAAA==");
            } else {
                chunked_client_end(&client);
            }
            expect_decodes(&client, MODES[i].has_trailer ? CRC_NAME : "", data);
            EXPECT_BYTES(bytes_of_string(MODES[i].has_trailer ? CRC_NAME "=AAAAAA== " : ""),
                         buffer_bytes(&trailers_seen));
            buffer_release(&trailers_seen);
            chunked_client_release(&client);
        }
    }
}

/* CVE-2025-31489 and its kind: a chunk or trailer signature that is not looked at.  Every byte of
 * the framing and of the data is flipped in turn; nothing gets to finish. */
TEST(any_changed_byte_of_a_signed_body_is_refused)
{
    struct chunked_client client;
    size_t finished_count = 0;

    chunked_client_init(&client, SIGNED, true);
    client.authentication.decoded_length = 20;
    chunked_client_chunk(&client, BYTES_LITERAL("twenty bytes of data"));
    chunked_client_chunk(&client, BYTES_NONE);
    chunked_client_trailer(&client, CRC_NAME, "AAAAAA==");
    for (size_t i = 0; i < client.body.size; i++) {
        struct kept kept;

        kept_init(&kept);
        client.body.data[i] ^= 0x10;
        finished_count += push(&client.authentication, buffer_bytes(&client.body), 4096, CRC_NAME,
                               &kept) == ST_OK;
        client.body.data[i] ^= 0x10;
        kept_release(&kept);
    }
    EXPECT_INT(0, finished_count);
    buffer_release(&trailers_seen);
    expect_decodes(&client, CRC_NAME, BYTES_LITERAL("twenty bytes of data"));
    buffer_release(&trailers_seen);
    chunked_client_release(&client);
}

/* A chunk that comes in one write is verified before the next sink sees its last byte. */
TEST(data_of_a_wrong_chunk_does_not_pass_in_one_write)
{
    struct chunked_client client;
    struct kept kept;

    chunked_client_init(&client, SIGNED, false);
    chunked_client_chunk(&client, BYTES_LITERAL("data"));
    client.body.data[client.body.size - 3] ^= 1;
    kept_init(&kept);
    EXPECT_STATUS(ST_SIGNATURE_MISMATCH,
                  push(&client.authentication, buffer_bytes(&client.body), 4096, "", &kept));
    EXPECT_INT(0, kept.data.size);
    kept_release(&kept);
    chunked_client_release(&client);
}

/* Chunks signed with another key, from another request, or in another order. */
TEST(chunks_of_another_request_are_refused)
{
    struct chunked_client client;
    struct buffer first = BUFFER_INIT;
    struct bytes data = large_bytes(16384);

    chunked_client_init(&client, SIGNED, false);
    chunked_client_chunk(&client, bytes_slice(data, 0, 8192));
    chunked_client_chunk(&client, BYTES_NONE);
    chunked_client_end(&client);
    client.authentication.seed_signature[5] ^= 1;
    expect_refused(&client, "", "SignatureDoesNotMatch");
    client.authentication.seed_signature[5] ^= 1;
    client.authentication.signing_key[5] ^= 1;
    expect_refused(&client, "", "SignatureDoesNotMatch");
    client.authentication.signing_key[5] ^= 1;
    client.authentication.timestamp[15] = 'z';
    expect_refused(&client, "", "SignatureDoesNotMatch");
    client.authentication.timestamp[15] = 'Z';
    expect_decodes(&client, "", bytes_slice(data, 0, 8192));
    chunked_client_release(&client);

    chunked_client_init(&client, SIGNED, false);
    chunked_client_chunk(&client, bytes_slice(data, 0, 8192));
    buffer_append_bytes(&first, buffer_bytes(&client.body));
    buffer_clear(&client.body);
    chunked_client_chunk(&client, bytes_slice(data, 8192, 16384));
    buffer_append_bytes(&client.body, buffer_bytes(&first));
    chunked_client_chunk(&client, BYTES_NONE);
    expect_refused(&client, "", "SignatureDoesNotMatch");
    buffer_release(&first);
    chunked_client_release(&client);
}

/* A body cut anywhere is not finished, in no mode, except where only line ends are missing. */
TEST(truncated_bodies_are_refused)
{
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        struct chunked_client client;
        size_t refused_count = 0;
        size_t size;

        chunked_client_init(&client, is_signed ? SIGNED : UNSIGNED, true);
        client.authentication.decoded_length = 4;
        chunked_client_chunk(&client, BYTES_LITERAL("data"));
        chunked_client_chunk(&client, BYTES_NONE);
        chunked_client_trailer(&client, CRC_NAME, "AAAAAA==");
        size = client.body.size - strlen("AAAAAA==\r\n\r\n");
        for (size_t cut = 0; cut <= size; cut++) {
            struct kept kept;

            kept_init(&kept);
            refused_count += push(&client.authentication, bytes_of(client.body.data, cut), 4096,
                                  CRC_NAME, &kept) != ST_OK;
            kept_release(&kept);
        }
        /* Of an unsigned trailer's value the operation, which compares it, must see the cut. */
        EXPECT_INT(is_signed ? size + 1 : size, refused_count);
        buffer_release(&trailers_seen);
        chunked_client_release(&client);
    }
}

/* SPEC: every chunk but the last has at least 8,192 bytes; the last may be shorter. */
TEST(short_chunk_before_the_last_is_refused)
{
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        struct chunked_client client;
        struct bytes data = large_bytes(8193);

        chunked_client_init(&client, is_signed ? SIGNED : UNSIGNED, !is_signed);
        chunked_client_chunk(&client, bytes_slice(data, 0, 8191));
        chunked_client_chunk(&client, bytes_slice(data, 8191, 8193));
        chunked_client_chunk(&client, BYTES_NONE);
        chunked_client_end(&client);
        expect_refused(&client, "", "InvalidChunkSizeError");
        chunked_client_release(&client);

        chunked_client_init(&client, is_signed ? SIGNED : UNSIGNED, !is_signed);
        chunked_client_chunk(&client, bytes_slice(data, 0, 8192));
        chunked_client_chunk(&client, bytes_slice(data, 8192, 8193));
        chunked_client_chunk(&client, BYTES_NONE);
        chunked_client_end(&client);
        expect_decodes(&client, "", data);
        chunked_client_release(&client);
    }
}

TEST(other_lengths_than_announced_are_refused)
{
    static const uint64_t LENGTHS[] = {0, 3, 5, INT64_MAX};

    for (size_t i = 0; i < ARRAY_COUNT(LENGTHS); i++) {
        struct chunked_client client;

        chunked_client_init(&client, UNSIGNED, true);
        client.authentication.decoded_length = LENGTHS[i];
        chunked_client_chunk(&client, BYTES_LITERAL("data"));
        chunked_client_chunk(&client, BYTES_NONE);
        chunked_client_end(&client);
        expect_refused(&client, "", "IncompleteBody");
        client.authentication.decoded_length = 4;
        expect_decodes(&client, "", BYTES_LITERAL("data"));
        chunked_client_release(&client);
    }
}

/* GHSA-v2ch-c8v8-fgr7 and other wraps: sizes that overflow, are empty, negative or no numbers. */
TEST(broken_framing_is_refused)
{
    static const char *const BODIES[] = {
        "",
        "\r\n",
        "0",
        "0\r",
        "0\n\r\n",
        "4\r\ndata0\r\n\r\n",
        "4\r\ndata\n0\r\n\r\n",
        "4\r\ndata\r0\r\n\r\n",
        "4\r\ndatax\r\n0\r\n\r\n",
        "4\ndata\r\n0\r\n\r\n",
        "-4\r\ndata\r\n0\r\n\r\n",
        "+4\r\ndata\r\n0\r\n\r\n",
        " 4\r\ndata\r\n0\r\n\r\n",
        "4 \r\ndata\r\n0\r\n\r\n",
        "0x4\r\ndata\r\n0\r\n\r\n",
        "4;x=y\r\ndata\r\n0\r\n\r\n",
        "4;\r\ndata\r\n0\r\n\r\n",
        "g\r\ndata\r\n0\r\n\r\n",
        "ffffffffffffffff\r\ndata\r\n0\r\n\r\n",
        "8000000000000000\r\ndata\r\n0\r\n\r\n",
        "10000000000000004\r\ndata\r\n0\r\n\r\n",
        ";chunk-signature=\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_COUNT(BODIES); i++) {
        struct chunked_client client;

        chunked_client_init(&client, UNSIGNED, true);
        buffer_append_string(&client.body, BODIES[i]);
        expect_refused(&client, "", "IncompleteBody");
        chunked_client_release(&client);
    }
}

TEST(signed_chunk_without_signature_is_refused)
{
    static const char *const BODIES[] = {
        "0\r\n\r\n",
        "0;chunk-signature=\r\n\r\n",
        "0;chunk-signature=e3b0\r\n\r\n",
        "0;chunk-signatur=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n\r\n",
        "0;chunk-signature=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550\r\n",
    };

    for (size_t i = 0; i < ARRAY_COUNT(BODIES); i++) {
        struct chunked_client client;

        chunked_client_init(&client, SIGNED, false);
        buffer_append_string(&client.body, BODIES[i]);
        expect_refused(&client, "", "IncompleteBody");
        chunked_client_release(&client);
    }
}

TEST(lines_and_trailers_have_limits)
{
    struct chunked_client client;

    chunked_client_init(&client, UNSIGNED, true);
    for (size_t i = 0; i <= AWS_CHUNKED_LINE_BYTES_MAX; i++) {
        buffer_append_char(&client.body, '0');
    }
    expect_refused(&client, "", "IncompleteBody");
    buffer_clear(&client.body);
    buffer_append_string(&client.body, "0\r\nx:");
    for (size_t i = 0; i < AWS_CHUNKED_TRAILER_BYTES_MAX - 4; i++) {
        buffer_append_char(&client.body, 'y');
    }
    buffer_append_string(&client.body, "\r\n");
    {
        struct kept kept;

        kept_init(&kept);
        EXPECT_OK(push(&client.authentication, buffer_bytes(&client.body), 100, "x", &kept), &err);
        kept_release(&kept);
    }
    buffer_append_char(&client.body, '\n');
    expect_refused(&client, "x", "MalformedTrailerError");
    chunked_client_release(&client);
}

/* Exactly the announced trailers, in any order and case, each once. */
TEST(trailers_must_be_those_announced)
{
    static const struct {
        const char *announced;
        const char *trailers;
        const char *seen; /* NULL: refused */
    } CASES[] = {
        {"x-a", "x-a:1\r\n\r\n", "x-a=1 "},
        {"X-A", "x-a: 1 \r\n\r\n", "x-a=1 "},
        {"x-b, x-a", "X-A:1\r\nx-b:2\r\n\r\n", "x-a=1 x-b=2 "},
        {"x-a,x-b", "x-b:2\r\nx-a:\r\n\r\n", "x-a= x-b=2 "},
        {"x-a", "x-a:1\n\r\n\r\n", "x-a=1 "},
        {"x-a", "x-a:1", "x-a=1 "},
        {"x-a", "x-a:1:2\r\n", "x-a=1:2 "},
        {"", "\r\n", ""},
        {"", "", ""},
        {"", "\r\n\r\n", ""},
        {"x-a", "\r\n", NULL},
        {"x-a", "x-b:1\r\n\r\n", NULL},
        {"", "x-a:1\r\n\r\n", NULL},
        {"x-a", "x-a:1\r\nx-b:1\r\n\r\n", NULL},
        {"x-a,x-b", "x-a:1\r\n\r\n", NULL},
        {"x-a,x-b", "x-a:1\r\nx-a:1\r\n\r\n", NULL},
        {"x-a,x-a", "x-a:1\r\nx-a:2\r\n\r\n", NULL},
        {"x-a", "x-a 1\r\n\r\n", NULL},
        {"x-a", ":1\r\n\r\n", NULL},
        {"x-a", "x-a\r\n\r\n", NULL},
        {"x-a", "x-amz-trailer-signature:1\r\nx-a:1\r\n\r\n", NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct chunked_client client;

        chunked_client_init(&client, UNSIGNED, true);
        buffer_append_string(&client.body, "0\r\n");
        buffer_append_string(&client.body, CASES[i].trailers);
        if (CASES[i].seen == NULL) {
            expect_refused(&client, CASES[i].announced, "MalformedTrailerError");
        } else {
            expect_decodes(&client, CASES[i].announced, BYTES_LITERAL(""));
            EXPECT_BYTES(bytes_of_string(CASES[i].seen), buffer_bytes(&trailers_seen));
        }
        buffer_release(&trailers_seen);
        chunked_client_release(&client);
    }
}

TEST(trailer_in_a_mode_without_trailers_is_refused)
{
    struct chunked_client client;

    chunked_client_init(&client, SIGNED, false);
    chunked_client_chunk(&client, BYTES_NONE);
    buffer_append_string(&client.body, "x-a:1\r\n\r\n");
    expect_refused(&client, "x-a", "MalformedTrailerError");
    chunked_client_release(&client);
}

TEST(signed_trailers_without_or_with_a_wrong_signature_are_refused)
{
    struct chunked_client client;

    chunked_client_init(&client, SIGNED, true);
    chunked_client_chunk(&client, BYTES_NONE);
    buffer_append_string(&client.body, CRC_NAME ":AAAAAA==\r\n\r\n");
    expect_refused(&client, CRC_NAME, "MalformedTrailerError");
    client.body.size -= 2;
    buffer_append_string(&client.body, "x-amz-trailer-signature:"
                                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b785"
                                       "2b855\r\n\r\n");
    expect_refused(&client, CRC_NAME, "SignatureDoesNotMatch");
    chunked_client_release(&client);

    /* NUL in a value: what is signed is the whole value, not what stands before the NUL. */
    chunked_client_init(&client, SIGNED, true);
    chunked_client_chunk(&client, BYTES_NONE);
    chunked_client_trailer(&client, CRC_NAME, "AAAAAA==");
    memcpy(memmem(client.body.data, client.body.size, "AAAAAA==", 8), "AAAAA\0==", 8);
    expect_refused(&client, CRC_NAME, "SignatureDoesNotMatch");
    chunked_client_release(&client);
}

/* Some clients sign the trailers without their last LF. */
TEST(trailer_signature_without_last_line_end_is_accepted)
{
    struct chunked_client client;
    char signature[65];

    chunked_client_init(&client, SIGNED, true);
    chunked_client_chunk(&client, BYTES_NONE);
    chunked_client_sign(&client, "AWS4-HMAC-SHA256-TRAILER", BYTES_LITERAL(CRC_NAME ":AAAAAA=="),
                        signature);
    buffer_printf(&client.body, CRC_NAME ":AAAAAA==\r\nx-amz-trailer-signature:%s\r\n\r\n",
                  signature);
    expect_decodes(&client, CRC_NAME, BYTES_LITERAL(""));
    buffer_release(&trailers_seen);
    chunked_client_release(&client);
}

TEST(failure_of_the_next_sink_is_passed_back)
{
    struct chunked_client client;
    struct kept kept;

    chunked_client_init(&client, UNSIGNED, true);
    chunked_client_chunk(&client, BYTES_LITERAL("data"));
    kept_init(&kept);
    kept.write_status = ST_NO_SPACE;
    EXPECT_STATUS(ST_NO_SPACE,
                  push(&client.authentication, buffer_bytes(&client.body), 4096, "", &kept));
    EXPECT(err.dialect_code == NULL);
    kept_release(&kept);
    chunked_client_release(&client);
}
