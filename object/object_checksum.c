/* SPDX-License-Identifier: Apache-2.0 */
#include "object/object_checksum.h"

#include "base/check.h"

#include "base/banned.h"

enum digest_kind
object_checksum_digest(enum checksum_algorithm algorithm)
{
    switch (algorithm) {
    case CHECKSUM_CRC32:
        return DIGEST_CRC32;
    case CHECKSUM_CRC32C:
        return DIGEST_CRC32C;
    case CHECKSUM_CRC64NVME:
        return DIGEST_CRC64NVME;
    case CHECKSUM_SHA1:
        return DIGEST_SHA1;
    case CHECKSUM_SHA256:
        return DIGEST_SHA256;
    case CHECKSUM_NONE:
        break;
    }
    UNREACHABLE("no digest belongs to this checksum algorithm");
}

const char *
object_checksum_name(enum checksum_algorithm algorithm)
{
    return digest_xml_name(object_checksum_digest(algorithm));
}

bool
object_checksum_is_crc(enum checksum_algorithm algorithm)
{
    return algorithm == CHECKSUM_CRC32 || algorithm == CHECKSUM_CRC32C ||
           algorithm == CHECKSUM_CRC64NVME;
}

void
object_checksum_set(struct checksum *checksum, enum checksum_algorithm algorithm,
                    enum checksum_type type, const struct digest_value *value)
{
    memset(checksum, 0, sizeof(*checksum));
    checksum->algorithm = algorithm;
    checksum->type = type;
    checksum->size = value->size;
    CHECK(value->size <= sizeof(checksum->value));
    memcpy(checksum->value, value->data, value->size);
}

bool
object_checksum_equal(const struct checksum *a, const struct checksum *b)
{
    return a->algorithm == b->algorithm && a->size == b->size &&
           memcmp(a->value, b->value, a->size) == 0;
}

void
object_checksum_init(struct object_checksum *sum, enum checksum_algorithm algorithm,
                     enum checksum_type type)
{
    *sum = (struct object_checksum){.algorithm = algorithm, .type = type, .is_empty = true};
    if (type == CHECKSUM_COMPOSITE) {
        digest_init(&sum->composite, object_checksum_digest(algorithm));
    } else {
        CHECK(object_checksum_is_crc(algorithm));
    }
}

void
object_checksum_add(struct object_checksum *sum, const struct checksum *part, uint64_t size)
{
    struct digest_value value = {.size = part->size};

    CHECK(part->algorithm == sum->algorithm);
    memcpy(value.data, part->value, part->size);
    if (sum->type == CHECKSUM_COMPOSITE) {
        digest_update(&sum->composite, digest_value_bytes(&value));
    } else if (sum->is_empty) {
        sum->full = value;
    } else {
        digest_combine(object_checksum_digest(sum->algorithm), &sum->full, &value, size);
    }
    sum->is_empty = false;
}

void
object_checksum_finish(struct object_checksum *sum, struct checksum *ret_checksum)
{
    if (sum->type == CHECKSUM_COMPOSITE) {
        digest_final(&sum->composite, &sum->full);
        digest_release(&sum->composite);
    }
    CHECK(!sum->is_empty);
    object_checksum_set(ret_checksum, sum->algorithm, sum->type, &sum->full);
}
