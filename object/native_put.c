/* SPDX-License-Identifier: Apache-2.0 */
#include "object/native_put.h"

#include <stdio.h>

#include "base/encode.h"
#include "base/entropy.h"

#include "base/banned.h"

void
native_put_init(struct native_put *put, const struct native_put_options *options)
{
    *put = (struct native_put){.options = *options};
    native_digest_init(&put->kept_digest, options->type);
    if (options->given.type != options->type) {
        native_digest_init(&put->given_digest, options->given.type);
    }
}

void
native_put_release(struct native_put *put)
{
    native_digest_release(&put->kept_digest);
    native_digest_release(&put->given_digest);
}

void
native_put_update(struct native_put *put, struct bytes data)
{
    native_digest_update(&put->kept_digest, data);
    native_digest_update(&put->given_digest, data); /* type NONE: nothing */
}

enum status
native_put_finish(struct native_put *put, struct error *err)
{
    const struct native_checksum *given = &put->options.given;
    struct native_checksum computed;
    char given_text[NATIVE_CHECKSUM_TEXT_SIZE];
    char computed_text[NATIVE_CHECKSUM_TEXT_SIZE];

    native_digest_final(&put->kept_digest, &put->kept);
    if (given->type == NATIVE_CHECKSUM_NONE) {
        return ST_OK;
    }
    computed = put->kept;
    if (given->type != put->options.type) {
        native_digest_final(&put->given_digest, &computed);
    }
    if (native_checksum_equal(given, &computed)) {
        return ST_OK;
    }
    native_checksum_format(given, given_text);
    native_checksum_format(&computed, computed_text);
    return fail(err, ST_DIGEST_MISMATCH, "BAD DATA CHECKSUM: %s(%s != %s)",
                native_checksum_name(given->type), given_text, computed_text);
}

void
native_put_etag(const struct native_put *put, uint64_t size, char etag[NATIVE_PUT_ETAG_SIZE])
{
    unsigned char value[16];
    char text[2 * sizeof(value) + 1];

    if (put->options.type == NATIVE_CHECKSUM_NONE) {
        entropy_fill(value, sizeof(value));
    } else {
        encode_u64_be(value + 8, size);
        memcpy(value, put->kept.value,
               put->kept.size < sizeof(value) ? put->kept.size : sizeof(value));
    }
    encode_hex(bytes_of(value, sizeof(value)), text);
    snprintf(etag, NATIVE_PUT_ETAG_SIZE, "%s%s", text,
             put->options.type == NATIVE_CHECKSUM_MD5 ? "" : "-1");
}

bool
native_put_is_same(const struct native_put *put, uint64_t size, const struct object_record *old)
{
    return old != NULL && put->options.type != NATIVE_CHECKSUM_NONE && old->size == size &&
           native_checksum_equal(&old->native_checksum, &put->kept);
}
