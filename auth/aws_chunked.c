/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Body:  *( size [";chunk-signature=" 64hex] CRLF data CRLF )  "0" [...] CRLF  [trailers] [CRLF]
 *
 *   LINE -> DATA -> DATA_CR -> DATA_LF -> LINE ... -> TRAILER (everything behind the line of size
 * 0)
 *
 * Data is handed on as it comes, without a copy and, for a chunk that spans several writes, before
 * its signature could be verified.  That is safe because a sink keeps nothing before its finish,
 * and finish is not passed on unless every chunk, the empty last one and the trailers were
 * verified: after any refusal only release follows, and the bytes are garbage.
 *
 * SPEC: AWS SigV4 "chunked upload" and "trailing headers".  Framing that is broken or ends early is
 * IncompleteBody.  What clients are known to leave out or to add around trailers is accepted:
 * lines that end in LF alone, an empty line before x-amz-trailer-signature (minio-go), no empty
 * line at the end.
 */
#include "auth/aws_chunked.h"

#include <strings.h>

#include "auth/hmac_sha256.h"
#include "base/check.h"
#include "base/encode.h"
#include "base/memory.h"
#include "stream/digest.h"

#include "base/banned.h"

/* SPEC: every chunk but the last must have at least 8 KiB. */
#define CHUNK_BYTES_MIN 8192
#define SIGNATURE_SIZE 64
#define SIGNATURE_EXTENSION "chunk-signature="
#define SEALING_TRAILER "x-amz-trailer-signature"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* Trailers announced in one request; S3 knows one checksum for each. */
#define TRAILER_COUNT_MAX 16

enum chunked_state { STATE_LINE, STATE_DATA, STATE_DATA_CR, STATE_DATA_LF, STATE_TRAILER };

struct trailer {
    struct bytes name; /* in the block, in lower case */
    struct bytes value;
};

struct aws_chunked {
    struct sink sink;
    struct sink *next;
    struct aws_chunked_options options;
    bool is_signed;
    enum chunked_state state;
    char line[AWS_CHUNKED_LINE_BYTES_MAX];
    size_t line_size;
    uint64_t chunk_size;
    uint64_t chunk_left;
    uint64_t decoded_size; /* of all chunks announced so far */
    struct digest digest;  /* of this chunk's data */
    char chunk_signature[SIGNATURE_SIZE];
    char previous_signature[SIGNATURE_SIZE];
    char trailers[AWS_CHUNKED_TRAILER_BYTES_MAX];
    size_t trailers_size;
};

static struct aws_chunked *
chunked_from(struct sink *sink)
{
    return CONTAINER_OF(struct aws_chunked, sink, sink);
}

static enum status
incomplete(struct error *err, const char *what)
{
    return fail_as(err, ST_INCOMPLETE, "IncompleteBody", "The request body is not complete: %s.",
                   what);
}

static enum status
mismatch(struct error *err)
{
    return fail_as(err, ST_SIGNATURE_MISMATCH, "SignatureDoesNotMatch",
                   "The request signature we calculated does not match the signature you "
                   "provided. Check your key and signing method.");
}

/* The string to sign up to and with the previous signature. */
static void
begin_string_to_sign(const struct aws_chunked *chunked, const char *algorithm, struct buffer *out)
{
    const struct authentication *authentication = chunked->options.authentication;

    buffer_reserve(out, HMAC_SHA256_MESSAGE_BYTES_MAX);
    buffer_append_string(out, algorithm);
    buffer_append_char(out, '\n');
    buffer_append_string(out, authentication->timestamp);
    buffer_append_char(out, '\n');
    buffer_append_bytes(out, authentication->scope);
    buffer_append_char(out, '\n');
    buffer_append(out, chunked->previous_signature, SIGNATURE_SIZE);
    buffer_append_char(out, '\n');
}

static bool
is_signature_of(const struct aws_chunked *chunked, const struct buffer *to_sign,
                const char signature[SIGNATURE_SIZE])
{
    unsigned char mac[HMAC_SHA256_SIZE];
    char hex[SIGNATURE_SIZE + 1];
    bool is_right;

    hmac_sha256(bytes_of(chunked->options.authentication->signing_key, HMAC_SHA256_SIZE),
                buffer_bytes(to_sign), mac);
    encode_hex(bytes_of(mac, sizeof(mac)), hex);
    is_right = memory_equal_secret(hex, signature, SIGNATURE_SIZE);
    memory_wipe(mac, sizeof(mac));
    memory_wipe(hex, sizeof(hex));
    return is_right;
}

/* All data of the chunk has passed. */
static enum status
verify_chunk(struct aws_chunked *chunked, struct error *err)
{
    struct buffer to_sign = BUFFER_INIT;
    struct digest_value hash;
    char hex[SIGNATURE_SIZE + 1];
    bool is_right;

    if (!chunked->is_signed) {
        return ST_OK;
    }
    digest_final(&chunked->digest, &hash);
    digest_restart(&chunked->digest);
    encode_hex(digest_value_bytes(&hash), hex);
    begin_string_to_sign(chunked, "AWS4-HMAC-SHA256-PAYLOAD", &to_sign);
    buffer_append_string(&to_sign, EMPTY_SHA256 "\n");
    buffer_append(&to_sign, hex, SIGNATURE_SIZE);
    is_right = is_signature_of(chunked, &to_sign, chunked->chunk_signature);
    buffer_release(&to_sign);
    if (!is_right) {
        return mismatch(err);
    }
    memcpy(chunked->previous_signature, chunked->chunk_signature, SIGNATURE_SIZE);
    return ST_OK;
}

/* ---- chunk lines ---- */

static bool
parse_hex_size(struct bytes text, uint64_t *ret_size)
{
    uint64_t size = 0;

    if (text.size == 0 || text.size > 16) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
                             : c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10
                                                    : 16;

        if (digit == 16) {
            return false;
        }
        size = size << 4 | digit;
    }
    *ret_size = size;
    return true;
}

static enum status
check_chunk_size(struct aws_chunked *chunked, uint64_t size, struct error *err)
{
    uint64_t length = chunked->options.authentication->decoded_length;

    if (size == 0) {
        return length == HTTP_LENGTH_UNKNOWN || length == chunked->decoded_size
                   ? ST_OK
                   : incomplete(err, "it ends before x-amz-decoded-content-length");
    }
    if (chunked->decoded_size > 0 && chunked->chunk_size < CHUNK_BYTES_MIN) {
        return fail_as(err, ST_INVALID, "InvalidChunkSizeError",
                       "Only the last chunk is allowed to have a size less than 8192 bytes");
    }
    /* INT64_MAX: no sum overflows where the length is not known. */
    if (length == HTTP_LENGTH_UNKNOWN) {
        length = INT64_MAX;
    }
    return size <= length - chunked->decoded_size
               ? ST_OK
               : incomplete(err, "it is longer than x-amz-decoded-content-length");
}

/* line: without its CRLF. */
static enum status
take_chunk_line(struct aws_chunked *chunked, struct bytes line, struct error *err)
{
    struct bytes extension = line;
    struct bytes size_text = bytes_cut(&extension, ';');
    bool has_extension = size_text.size < line.size;
    struct bytes prefix = BYTES_LITERAL(SIGNATURE_EXTENSION);
    uint64_t size;
    enum status st;

    if (!parse_hex_size(size_text, &size)) {
        return incomplete(err, "a chunk's size is not a hexadecimal number");
    }
    if (chunked->is_signed) {
        if (!bytes_has_prefix(extension, prefix) ||
            extension.size != prefix.size + SIGNATURE_SIZE) {
            return incomplete(err, "a chunk has no chunk-signature of 64 digits");
        }
        memcpy(chunked->chunk_signature, extension.data + prefix.size, SIGNATURE_SIZE);
    } else if (has_extension) {
        return incomplete(err, "a chunk has an extension in a body without signatures");
    }
    st = check_chunk_size(chunked, size, err);
    if (st == ST_OK && size == 0) {
        st = verify_chunk(chunked, err);
    }
    chunked->state = size == 0 ? STATE_TRAILER : STATE_DATA;
    chunked->chunk_size = chunked->chunk_left = size;
    chunked->decoded_size += size;
    return st;
}

/* Collect bytes of the line; what was used is cut off *data. */
static enum status
collect_line(struct aws_chunked *chunked, struct bytes *data, struct error *err)
{
    size_t end = bytes_find_char(*data, 0, '\n');
    size_t size = end == SIZE_MAX ? data->size : end + 1;
    struct bytes line;
    enum status st = ST_OK;

    if (size > sizeof(chunked->line) - chunked->line_size) {
        return incomplete(err, "a chunk's line is too long");
    }
    memcpy(chunked->line + chunked->line_size, data->data, size);
    chunked->line_size += size;
    *data = bytes_slice(*data, size, data->size);
    if (end != SIZE_MAX) {
        line = bytes_of(chunked->line, chunked->line_size);
        if (!bytes_has_suffix(line, BYTES_LITERAL("\r\n"))) {
            return incomplete(err, "a chunk's line does not end in CRLF");
        }
        line.size -= 2;
        st = take_chunk_line(chunked, line, err);
        chunked->line_size = 0;
    }
    return st;
}

/* ---- data ---- */

static enum status
pass_data(struct aws_chunked *chunked, struct bytes *data, struct error *err)
{
    size_t size = data->size < chunked->chunk_left ? data->size : (size_t)chunked->chunk_left;
    struct bytes piece = bytes_slice(*data, 0, size);
    enum status st;

    if (chunked->is_signed) {
        digest_update(&chunked->digest, piece);
    }
    chunked->chunk_left -= size;
    *data = bytes_slice(*data, size, data->size);
    if (chunked->chunk_left == 0) {
        /* Known before the last piece is handed on: a chunk in one write is never seen unverified.
         */
        st = verify_chunk(chunked, err);
        if (st != ST_OK) {
            return st;
        }
        chunked->state = STATE_DATA_CR;
    }
    return sink_write(chunked->next, piece, err);
}

static enum status
expect_char(struct aws_chunked *chunked, struct bytes *data, char c, enum chunked_state then,
            struct error *err)
{
    if (data->data[0] != c) {
        return incomplete(err, "a chunk's data is not followed by CRLF");
    }
    *data = bytes_slice(*data, 1, data->size);
    chunked->state = then;
    return ST_OK;
}

static enum status
collect_trailers(struct aws_chunked *chunked, struct bytes *data, struct error *err)
{
    if (data->size > sizeof(chunked->trailers) - chunked->trailers_size) {
        return fail_as(err, ST_INVALID, "MalformedTrailerError",
                       "The trailers are longer than %d bytes.", AWS_CHUNKED_TRAILER_BYTES_MAX);
    }
    memcpy(chunked->trailers + chunked->trailers_size, data->data, data->size);
    chunked->trailers_size += data->size;
    *data = bytes_slice(*data, data->size, data->size);
    return ST_OK;
}

static enum status
chunked_write(struct sink *sink, struct bytes data, struct error *err)
{
    struct aws_chunked *chunked = chunked_from(sink);
    enum status st = ST_OK;

    while (st == ST_OK && data.size > 0) {
        switch (chunked->state) {
        case STATE_LINE:
            st = collect_line(chunked, &data, err);
            break;
        case STATE_DATA:
            st = pass_data(chunked, &data, err);
            break;
        case STATE_DATA_CR:
            st = expect_char(chunked, &data, '\r', STATE_DATA_LF, err);
            break;
        case STATE_DATA_LF:
            st = expect_char(chunked, &data, '\n', STATE_LINE, err);
            break;
        case STATE_TRAILER:
            st = collect_trailers(chunked, &data, err);
            break;
        }
    }
    return st;
}

/* ---- trailers ---- */

static enum status
malformed_trailer(struct error *err, const char *what)
{
    return fail_as(err, ST_INVALID, "MalformedTrailerError",
                   "The request contained trailing data that was not well-formed or did not "
                   "conform to our published schema: %s.",
                   what);
}

static void
to_lower_case(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') {
            text[i] = (char)(text[i] + ('a' - 'A'));
        }
    }
}

struct trailer_list {
    struct trailer trailers[TRAILER_COUNT_MAX]; /* sorted by name */
    size_t count;
    struct bytes signature; /* data NULL: none */
};

static enum status
add_trailer(struct trailer_list *list, struct bytes name, struct bytes value, struct error *err)
{
    size_t place = list->count;

    if (bytes_equal(name, BYTES_LITERAL(SEALING_TRAILER))) {
        list->signature = value;
        return ST_OK;
    }
    if (list->count == TRAILER_COUNT_MAX) {
        return malformed_trailer(err, "there are too many trailers");
    }
    while (place > 0 && bytes_compare(list->trailers[place - 1].name, name) >= 0) {
        place--;
    }
    if (place < list->count && bytes_equal(list->trailers[place].name, name)) {
        return malformed_trailer(err, "a trailer was sent twice");
    }
    memmove(&list->trailers[place + 1], &list->trailers[place],
            (list->count - place) * sizeof(list->trailers[0]));
    list->trailers[place] = (struct trailer){name, value};
    list->count++;
    return ST_OK;
}

static enum status
parse_trailers(struct aws_chunked *chunked, struct trailer_list *list, struct error *err)
{
    size_t from = 0;
    enum status st = ST_OK;

    while (st == ST_OK && from < chunked->trailers_size) {
        struct bytes block = {chunked->trailers, chunked->trailers_size};
        size_t end = bytes_find_char(block, from, '\n');
        size_t to = end == SIZE_MAX ? block.size : end;
        struct bytes line = bytes_slice(block, from, to);
        size_t colon = bytes_find_char(line, 0, ':');

        if (bytes_has_suffix(line, BYTES_LITERAL("\r"))) {
            line.size--;
        }
        if (line.size > 0) {
            if (colon == SIZE_MAX || colon == 0 || list->signature.data != NULL) {
                return malformed_trailer(err, "a line is no trailer");
            }
            to_lower_case(chunked->trailers + from, colon);
            st = add_trailer(list, bytes_slice(line, 0, colon),
                             bytes_trim(bytes_slice(line, colon + 1, line.size)), err);
        }
        from = end == SIZE_MAX ? block.size : end + 1;
    }
    return st;
}

static bool
is_announced(struct bytes announced, struct bytes name)
{
    while (announced.size > 0) {
        struct bytes candidate = bytes_trim(bytes_cut(&announced, ','));

        if (candidate.size == name.size &&
            (name.size == 0 || strncasecmp(candidate.data, name.data, name.size) == 0)) {
            return true;
        }
    }
    return false;
}

/* What came is what x-amz-trailer announced. */
static enum status
check_announced(const struct aws_chunked *chunked, const struct trailer_list *list,
                struct error *err)
{
    struct bytes announced = chunked->options.announced_trailers;
    size_t announced_count = 0;

    while (announced.size > 0) {
        announced_count += bytes_trim(bytes_cut(&announced, ',')).size > 0;
    }
    if (announced_count != list->count) {
        return malformed_trailer(err, "the trailers are not those that x-amz-trailer announced");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!is_announced(chunked->options.announced_trailers, list->trailers[i].name)) {
            return malformed_trailer(err,
                                     "the trailers are not those that x-amz-trailer announced");
        }
    }
    return ST_OK;
}

static enum status
verify_trailers(const struct aws_chunked *chunked, const struct trailer_list *list,
                struct error *err)
{
    struct buffer canonical = BUFFER_INIT;
    bool is_right = false;

    if (list->signature.size != SIGNATURE_SIZE) {
        return malformed_trailer(err, "x-amz-trailer-signature is missing");
    }
    for (size_t i = 0; i < list->count; i++) {
        buffer_append_bytes(&canonical, list->trailers[i].name);
        buffer_append_char(&canonical, ':');
        buffer_append_bytes(&canonical, list->trailers[i].value);
        buffer_append_char(&canonical, '\n');
    }
    /* Clients that leave the last LF out of what they sign exist. */
    for (size_t left_out = 0; !is_right && left_out <= (canonical.size > 0 ? 1 : 0); left_out++) {
        struct buffer to_sign = BUFFER_INIT;
        struct digest_value hash;
        char hex[SIGNATURE_SIZE + 1];

        digest_of(DIGEST_SHA256, bytes_of(canonical.data, canonical.size - left_out), &hash);
        encode_hex(digest_value_bytes(&hash), hex);
        begin_string_to_sign(chunked, "AWS4-HMAC-SHA256-TRAILER", &to_sign);
        buffer_append(&to_sign, hex, SIGNATURE_SIZE);
        is_right = is_signature_of(chunked, &to_sign, list->signature.data);
        buffer_release(&to_sign);
    }
    buffer_release(&canonical);
    return is_right ? ST_OK : mismatch(err);
}

static enum status
chunked_finish(struct sink *sink, struct error *err)
{
    struct aws_chunked *chunked = chunked_from(sink);
    const struct authentication *authentication = chunked->options.authentication;
    struct trailer_list list = {.count = 0};
    enum status st;

    if (chunked->state != STATE_TRAILER) {
        return incomplete(err, "the last chunk is missing");
    }
    st = parse_trailers(chunked, &list, err);
    if (st == ST_OK && !authentication->has_trailer &&
        (list.count > 0 || list.signature.data != NULL)) {
        st = malformed_trailer(err, "none was announced");
    }
    if (st == ST_OK && authentication->has_trailer) {
        st = check_announced(chunked, &list, err);
    }
    if (st == ST_OK && authentication->has_trailer && chunked->is_signed) {
        st = verify_trailers(chunked, &list, err);
    }
    for (size_t i = 0; st == ST_OK && i < list.count; i++) {
        if (chunked->options.on_trailer != NULL) {
            st = chunked->options.on_trailer(list.trailers[i].name, list.trailers[i].value,
                                             chunked->options.arg, err);
        }
    }
    return st != ST_OK ? st : sink_finish(chunked->next, err);
}

static void
chunked_release(struct sink *sink)
{
    struct aws_chunked *chunked = chunked_from(sink);

    sink_release(&chunked->next);
    digest_release(&chunked->digest);
    free(chunked);
}

static const struct sink_ops CHUNKED_OPS = {chunked_write, chunked_finish, chunked_release};

struct sink *
aws_chunked_create(const struct aws_chunked_options *options, struct sink **take_next)
{
    struct aws_chunked *chunked = xcalloc(1, sizeof(*chunked));

    CHECK(options->authentication->principal != NULL &&
          (options->authentication->payload_mode == PAYLOAD_STREAMING_SIGNED ||
           options->authentication->payload_mode == PAYLOAD_STREAMING_UNSIGNED));
    chunked->sink.ops = &CHUNKED_OPS;
    chunked->options = *options;
    chunked->is_signed = options->authentication->payload_mode == PAYLOAD_STREAMING_SIGNED;
    memcpy(chunked->previous_signature, options->authentication->seed_signature, SIGNATURE_SIZE);
    if (chunked->is_signed) {
        digest_init(&chunked->digest, DIGEST_SHA256);
    }
    chunked->next = *take_next;
    *take_next = NULL;
    return &chunked->sink;
}
