/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes that a value of the crash model stands for, and their ETag.  A scratch belongs to one
 * thread and lives as long as it.
 */
#ifndef TESTS_CRASH_CONTENT_H
#define TESTS_CRASH_CONTENT_H

#include "base/bytes.h"
#include "base/entropy.h"
#include "tests/power_cut/crash_model.h"

struct crash_content {
    struct buffer bytes;
};

void crash_content_release(struct crash_content *content);

/* A piece with a size that takes one of the store's places for bytes, drawn from prng. */
struct crash_piece crash_content_draw(struct crash_model *model, struct prng *prng);

/* Of one piece; borrowed until the next call. */
struct bytes crash_content_piece(struct crash_content *content, const struct crash_piece *piece);

/* Of a whole value; borrowed until the next call. */
struct bytes crash_content_value(struct crash_content *content, const struct crash_value *value);

/* SPEC: S3: MD5 of the bytes, or MD5 of the parts' MD5s, a dash and their number. */
void crash_content_etag(struct crash_content *content, const struct crash_value *value,
                        char etag[CRASH_ETAG_SIZE]);
void crash_content_piece_md5(struct crash_content *content, const struct crash_piece *piece,
                             unsigned char md5[16]);

#endif
