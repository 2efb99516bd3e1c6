/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_content.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/check.h"

#include "base/banned.h"

/* The places for bytes: up to 512 B in the record, up to 256 KiB in packs, above in chunk files. */
#define IN_RECORD_MAX 512
#define IN_PACK_MAX ((uint64_t)256 << 10)
#define IN_CHUNKS_MAX ((uint64_t)2500 << 10)
/* Most of what goes to packs is small: more commits in the same time. */
#define IN_PACK_USUAL ((uint64_t)20 << 10)

void
crash_content_release(struct crash_content *content)
{
    buffer_release(&content->bytes);
}

struct crash_piece
crash_content_draw(struct crash_model *model, struct prng *prng)
{
    struct crash_piece piece = {.number = crash_model_version(model)};
    switch (prng_below(prng, 10)) {
    case 0:
    case 1:
    case 2:
        piece.size = prng_below(prng, IN_RECORD_MAX + 1);
        break;
    case 3:
        piece.size = IN_PACK_USUAL + prng_below(prng, IN_PACK_MAX - IN_PACK_USUAL + 1);
        break;
    case 4:
        piece.size = IN_PACK_MAX + 1 + prng_below(prng, IN_CHUNKS_MAX);
        break;
    default:
        piece.size = IN_RECORD_MAX + 1 + prng_below(prng, IN_PACK_USUAL);
        break;
    }
    return piece;
}

static void
append(struct crash_content *content, const struct crash_piece *piece)
{
    struct prng prng = prng_init(piece->number * UINT64_C(0x9E3779B97F4A7C15));
    char *to = buffer_reserve(&content->bytes, piece->size);
    prng_fill(&prng, to, piece->size);
    content->bytes.size += piece->size;
}

struct bytes
crash_content_piece(struct crash_content *content, const struct crash_piece *piece)
{
    buffer_clear(&content->bytes);
    append(content, piece);
    return buffer_bytes(&content->bytes);
}

struct bytes
crash_content_value(struct crash_content *content, const struct crash_value *value)
{
    buffer_clear(&content->bytes);
    append(content, &value->pieces[0]);
    for (uint32_t i = 1; i < value->part_count; i++) {
        append(content, &value->pieces[i]);
    }
    return buffer_bytes(&content->bytes);
}

void
crash_content_piece_md5(struct crash_content *content, const struct crash_piece *piece,
                        unsigned char md5[16])
{
    struct bytes bytes = crash_content_piece(content, piece);
    CHECK(EVP_Digest(bytes.data, bytes.size, md5, NULL, EVP_md5(), NULL) == 1);
}

/* SPEC: S3 / MD5 of the parts' MD5s; a copy is one piece whatever its source was. */
void
crash_content_etag(struct crash_content *content, const struct crash_value *value,
                   char etag[CRASH_ETAG_SIZE])
{
    unsigned char md5[CRASH_PARTS_MAX][16];
    struct bytes hashed;
    unsigned char whole[16];
    bool is_of_parts = value->part_count > 0 && !value->is_copy;
    int size = 0;
    if (is_of_parts) {
        for (uint32_t i = 0; i < value->part_count; i++) {
            crash_content_piece_md5(content, &value->pieces[i], md5[i]);
        }
        hashed = bytes_of(md5, value->part_count * sizeof(md5[0]));
    } else {
        hashed = crash_content_value(content, value);
    }
    CHECK(EVP_Digest(hashed.data, hashed.size, whole, NULL, EVP_md5(), NULL) == 1);
    for (unsigned i = 0; i < sizeof(whole); i++) {
        size += snprintf(etag + size, CRASH_ETAG_SIZE - (size_t)size, "%02x", whole[i]);
    }
    if (is_of_parts) {
        snprintf(etag + size, CRASH_ETAG_SIZE - (size_t)size, "-%u", value->part_count);
    }
}
