/* SPDX-License-Identifier: Apache-2.0 */
#include "object/cleanup_rules.h"

#include "base/check.h"

#include "base/banned.h"

static bool
has_same_value(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size)
{
    return bytes_equal(bytes_of(a, a_size), bytes_of(b, b_size));
}

bool
cleanup_is_same(const struct object_record *a, const struct object_record *b)
{
    if (a->size != b->size || !bytes_equal(a->etag, b->etag) ||
        a->overwrite_count != b->overwrite_count) {
        return false;
    }
    if (a->checksum.algorithm != b->checksum.algorithm || a->checksum.type != b->checksum.type ||
        !has_same_value(a->checksum.value, a->checksum.size, b->checksum.value, b->checksum.size)) {
        return false;
    }
    return a->native_checksum.type == b->native_checksum.type &&
           has_same_value(a->native_checksum.value, a->native_checksum.size,
                          b->native_checksum.value, b->native_checksum.size);
}

enum cleanup_verdict
cleanup_judge(const struct key_holding *copy, const struct key_holding *owner)
{
    struct seq seq = {0, 0};
    int order;

    CHECK(copy->holding.has_record);
    if (!placement_seq(&owner->holding, &seq)) {
        return CLEANUP_UNKNOWN;
    }
    order = seq_compare(seq, copy->record.seq);
    if (order < 0) {
        return CLEANUP_AHEAD;
    }
    if (!placement_shows_record(&owner->holding, 0)) {
        return CLEANUP_OUTDATED; /* the tombstone */
    }
    if (cleanup_is_same(&copy->record, &owner->record)) {
        return CLEANUP_SAME;
    }
    return order > 0 ? CLEANUP_OUTDATED : CLEANUP_DIFFERENT;
}

bool
cleanup_may_remove(enum cleanup_verdict verdict)
{
    return verdict == CLEANUP_SAME || verdict == CLEANUP_OUTDATED;
}

const char *
cleanup_verdict_text(enum cleanup_verdict verdict)
{
    static const char *const TEXTS[CLEANUP_VERDICT_COUNT] = {
        "its owner has the same",
        "its owner has a newer one",
        "its owner knows nothing of it",
        "what its owner has is older",
        "its owner has another content under the same number",
    };

    CHECK(verdict < CLEANUP_VERDICT_COUNT);
    return TEXTS[verdict];
}
