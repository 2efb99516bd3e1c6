/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "base/memory.h"
#include "meta/meta_internal.h"

#include "base/banned.h"

#define ELEMENT_BYTES 8
/* A vector longer than this is not ours. */
#define VECTOR_BYTES_MAX 256

/* Add in to sum, element by element; false if in is not such a vector. */
static bool
add_vector(unsigned char *sum, size_t *size, const char *in, size_t in_size)
{
    if (in_size % ELEMENT_BYTES != 0 || in_size > VECTOR_BYTES_MAX) {
        return false;
    }
    if (in_size > *size) {
        memset(sum + *size, 0, in_size - *size);
        *size = in_size;
    }
    for (size_t i = 0; i < in_size; i += ELEMENT_BYTES) {
        /* unsigned: wraps without undefined behaviour, two's complement is the same */
        encode_u64_be(sum + i, decode_u64_be(sum + i) + decode_u64_be(in + i));
    }
    return true;
}

static char *
merge(const char *existing, size_t existing_size, const char *const *operands,
      const size_t *operand_sizes, int count, unsigned char *ret_success, size_t *ret_size)
{
    unsigned char *sum = xmalloc(VECTOR_BYTES_MAX);

    *ret_size = 0;
    *ret_success = existing == NULL || add_vector(sum, ret_size, existing, existing_size);
    for (int i = 0; i < count && *ret_success; i++) {
        *ret_success = add_vector(sum, ret_size, operands[i], operand_sizes[i]);
    }
    return (char *)sum;
}

static char *
full_merge(void *state, const char *key, size_t key_size, const char *existing,
           size_t existing_size, const char *const *operands, const size_t *operand_sizes,
           int count, unsigned char *ret_success, size_t *ret_size)
{
    return merge(existing, existing_size, operands, operand_sizes, count, ret_success, ret_size);
}

static char *
partial_merge(void *state, const char *key, size_t key_size, const char *const *operands,
              const size_t *operand_sizes, int count, unsigned char *ret_success, size_t *ret_size)
{
    return merge(NULL, 0, operands, operand_sizes, count, ret_success, ret_size);
}

static void
destroy_state(void *state)
{
}

static const char *
merge_name(void *state)
{
    return "lode.add_int64"; /* on disk: never changes */
}

rocksdb_mergeoperator_t *
meta_merge_operator_create(void)
{
    return rocksdb_mergeoperator_create(NULL, destroy_state, full_merge, partial_merge, NULL,
                                        merge_name);
}
