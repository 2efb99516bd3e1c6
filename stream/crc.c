/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC32 and CRC32C come from ISA-L, which chooses among its implementations at run time.  Its
 * version in Debian 12 lacks the NVMe polynomial, so CRC64NVME is made here: folding by carry-less
 * multiplication where the processor has it, eight table look-ups per word elsewhere.
 *
 * Reflected form: bit 0 of the first byte is the coefficient of the highest power.  A carry-less
 * product of two reflected 64-bit words is the reflected 128-bit product times x, which is why the
 * folding constants below are one power lower than the distance that they fold over.
 */
#include "stream/crc.h"

#include <isa-l/crc.h>
#include <pthread.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/check.h"

#include "base/banned.h"

#define POLYNOMIAL_CRC32 UINT64_C(0xEDB88320)
#define POLYNOMIAL_CRC32C UINT64_C(0x82F63B78)
#define POLYNOMIAL_CRC64NVME UINT64_C(0x9A6C9329AC4BC9B5)

/* ISA-L's crc32_iscsi takes an int. */
#define PIECE_BYTES_MAX ((size_t)1 << 30)

/* TABLE[k][b]: what byte b does to the remainder when k zero bytes follow it. */
static uint64_t table[8][256];
/* x^n mod P for the folding over 64 and 16 bytes: high power for the first word of a lane. */
static uint64_t fold_256_bytes[2];
static uint64_t fold_64_bytes[2];
static uint64_t fold_16_bytes[2];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

uint32_t
crc32_zlib(uint32_t crc, struct bytes data)
{
    return data.size == 0 ? crc : crc32_gzip_refl(crc, (const unsigned char *)data.data, data.size);
}

uint32_t
crc32_castagnoli(uint32_t crc, struct bytes data)
{
    size_t done = 0;

    crc = ~crc;
    while (done < data.size) {
        size_t size = data.size - done < PIECE_BYTES_MAX ? data.size - done : PIECE_BYTES_MAX;

        /* Its prototype lacks the const; it only reads. */
        crc = crc32_iscsi((unsigned char *)(uintptr_t)(data.data + done), (int)size, crc);
        done += size;
    }
    return ~crc;
}

/* a * b mod the reflected polynomial of that width.  In reflected form 1 is the top bit. */
static uint64_t
multiply(uint64_t a, uint64_t b, uint64_t polynomial, int width)
{
    uint64_t product = 0;

    for (uint64_t bit = UINT64_C(1) << (width - 1); bit != 0; bit >>= 1) {
        if ((a & bit) != 0) {
            product ^= b;
        }
        b = (b & 1) != 0 ? (b >> 1) ^ polynomial : b >> 1;
    }
    return product;
}

/* x^exponent mod the polynomial, by repeated squaring. */
static uint64_t
power_of_x(uint64_t exponent, uint64_t polynomial, int width)
{
    uint64_t result = UINT64_C(1) << (width - 1);
    uint64_t square = result >> 1;

    for (; exponent != 0; exponent >>= 1) {
        if ((exponent & 1) != 0) {
            result = multiply(result, square, polynomial, width);
        }
        square = multiply(square, square, polynomial, width);
    }
    return result;
}

/* Initial value and final XOR are equal, so they cancel: crc(AB) = crc(A) * x^|B| + crc(B). */
static uint64_t
combine(uint64_t first, uint64_t second, uint64_t second_size, uint64_t polynomial, int width)
{
    uint64_t shift;

    CHECK(second_size <= UINT64_MAX / 8);
    shift = power_of_x(second_size * 8, polynomial, width);
    return multiply(shift, first, polynomial, width) ^ second;
}

uint32_t
crc32_zlib_combine(uint32_t first, uint32_t second, uint64_t second_size)
{
    return (uint32_t)combine(first, second, second_size, POLYNOMIAL_CRC32, 32);
}

uint32_t
crc32_castagnoli_combine(uint32_t first, uint32_t second, uint64_t second_size)
{
    return (uint32_t)combine(first, second, second_size, POLYNOMIAL_CRC32C, 32);
}

uint64_t
crc64_nvme_combine(uint64_t first, uint64_t second, uint64_t second_size)
{
    return combine(first, second, second_size, POLYNOMIAL_CRC64NVME, 64);
}

static void
tables_make(void)
{
    for (unsigned int byte = 0; byte < 256; byte++) {
        uint64_t crc = byte;

        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ POLYNOMIAL_CRC64NVME : crc >> 1;
        }
        table[0][byte] = crc;
    }
    for (unsigned int byte = 0; byte < 256; byte++) {
        for (int zeros = 1; zeros < 8; zeros++) {
            uint64_t before = table[zeros - 1][byte];

            table[zeros][byte] = (before >> 8) ^ table[0][before & 0xFF];
        }
    }
    fold_256_bytes[0] = power_of_x(2048 + 64 - 1, POLYNOMIAL_CRC64NVME, 64);
    fold_256_bytes[1] = power_of_x(2048 - 1, POLYNOMIAL_CRC64NVME, 64);
    fold_64_bytes[0] = power_of_x(512 + 64 - 1, POLYNOMIAL_CRC64NVME, 64);
    fold_64_bytes[1] = power_of_x(512 - 1, POLYNOMIAL_CRC64NVME, 64);
    fold_16_bytes[0] = power_of_x(128 + 64 - 1, POLYNOMIAL_CRC64NVME, 64);
    fold_16_bytes[1] = power_of_x(128 - 1, POLYNOMIAL_CRC64NVME, 64);
}

static uint64_t
load_u64_le(const unsigned char *in)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--) {
        value = value << 8 | in[i];
    }
    return value;
}

/* The remainder itself, without initial value and final XOR. */
static uint64_t
remainder_by_table(uint64_t crc, const unsigned char *in, size_t size)
{
    for (; size >= 8; size -= 8, in += 8) {
        crc ^= load_u64_le(in);
        crc = table[7][crc & 0xFF] ^ table[6][crc >> 8 & 0xFF] ^ table[5][crc >> 16 & 0xFF] ^
              table[4][crc >> 24 & 0xFF] ^ table[3][crc >> 32 & 0xFF] ^ table[2][crc >> 40 & 0xFF] ^
              table[1][crc >> 48 & 0xFF] ^ table[0][crc >> 56];
    }
    for (; size > 0; size--, in++) {
        crc = crc >> 8 ^ table[0][(crc ^ *in) & 0xFF];
    }
    return crc;
}

uint64_t
crc64_nvme_portable(uint64_t crc, struct bytes data)
{
    pthread_once(&tables_once, tables_make);
    return ~remainder_by_table(~crc, (const unsigned char *)data.data, data.size);
}

#ifdef __x86_64__

/* Below this the tables are as fast. */
#define FOLD_BYTES_MIN 128

__attribute__((target("pclmul,sse4.1"))) static inline __m128i
fold(__m128i lane, __m128i constants, __m128i next)
{
    __m128i first = _mm_clmulepi64_si128(lane, constants, 0x00);
    __m128i second = _mm_clmulepi64_si128(lane, constants, 0x11);

    return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

__attribute__((target("pclmul,sse4.1"))) static inline __m128i
load(const unsigned char *in, size_t index)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(in + 16 * index));
}

/* Four lanes of 16 bytes into one; the 16 bytes that are congruent to everything before go through
 * the tables with what is left. */
__attribute__((target("pclmul,sse4.1"))) static uint64_t
remainder_of_lanes(const __m128i lanes[4], const unsigned char *in, size_t size)
{
    const __m128i by_16 = _mm_set_epi64x((long long)fold_16_bytes[1], (long long)fold_16_bytes[0]);
    unsigned char folded[16];
    __m128i lane = fold(lanes[0], by_16, lanes[1]);

    lane = fold(lane, by_16, lanes[2]);
    lane = fold(lane, by_16, lanes[3]);
    _mm_storeu_si128((__m128i *)(void *)folded, lane);
    return remainder_by_table(remainder_by_table(0, folded, sizeof(folded)), in, size);
}

/* Four lanes of 16 bytes, each folded over 64 bytes. */
__attribute__((target("pclmul,sse4.1"))) static uint64_t
remainder_by_folding(uint64_t crc, const unsigned char *in, size_t size)
{
    const __m128i by_64 = _mm_set_epi64x((long long)fold_64_bytes[1], (long long)fold_64_bytes[0]);
    __m128i lane_0 = _mm_xor_si128(load(in, 0), _mm_set_epi64x(0, (long long)crc));
    __m128i lane_1 = load(in, 1);
    __m128i lane_2 = load(in, 2);
    __m128i lane_3 = load(in, 3);

    /* Single variables: an array of lanes would go through memory each time. */
    for (in += 64, size -= 64; size >= 64; in += 64, size -= 64) {
        lane_0 = fold(lane_0, by_64, load(in, 0));
        lane_1 = fold(lane_1, by_64, load(in, 1));
        lane_2 = fold(lane_2, by_64, load(in, 2));
        lane_3 = fold(lane_3, by_64, load(in, 3));
    }
    return remainder_of_lanes((const __m128i[4]){lane_0, lane_1, lane_2, lane_3}, in, size);
}

/* The same with four lanes in each register; worth its start from here on. */
#define WIDE_FOLD_BYTES_MIN 1024

__attribute__((target("vpclmulqdq,avx512f"))) static inline __m512i
wide_fold(__m512i lanes, __m512i constants, __m512i next)
{
    __m512i first = _mm512_clmulepi64_epi128(lanes, constants, 0x00);
    __m512i second = _mm512_clmulepi64_epi128(lanes, constants, 0x11);

    return _mm512_ternarylogic_epi64(first, second, next, 0x96); /* XOR of three */
}

__attribute__((target("avx512f"))) static inline __m512i
wide_load(const unsigned char *in, size_t index)
{
    return _mm512_loadu_si512(in + 64 * index);
}

__attribute__((target("vpclmulqdq,avx512f"))) static uint64_t
remainder_by_wide_folding(uint64_t crc, const unsigned char *in, size_t size)
{
    const __m512i by_256 = _mm512_broadcast_i32x4(
        _mm_set_epi64x((long long)fold_256_bytes[1], (long long)fold_256_bytes[0]));
    const __m512i by_64 = _mm512_broadcast_i32x4(
        _mm_set_epi64x((long long)fold_64_bytes[1], (long long)fold_64_bytes[0]));
    __m512i lanes_0 = _mm512_xor_si512(wide_load(in, 0),
                                       _mm512_zextsi128_si512(_mm_set_epi64x(0, (long long)crc)));
    __m512i lanes_1 = wide_load(in, 1);
    __m512i lanes_2 = wide_load(in, 2);
    __m512i lanes_3 = wide_load(in, 3);
    __m128i lanes[4];

    for (in += 256, size -= 256; size >= 256; in += 256, size -= 256) {
        lanes_0 = wide_fold(lanes_0, by_256, wide_load(in, 0));
        lanes_1 = wide_fold(lanes_1, by_256, wide_load(in, 1));
        lanes_2 = wide_fold(lanes_2, by_256, wide_load(in, 2));
        lanes_3 = wide_fold(lanes_3, by_256, wide_load(in, 3));
    }
    lanes_1 = wide_fold(lanes_0, by_64, lanes_1);
    lanes_2 = wide_fold(lanes_1, by_64, lanes_2);
    lanes_3 = wide_fold(lanes_2, by_64, lanes_3);
    for (; size >= 64; in += 64, size -= 64) {
        lanes_3 = wide_fold(lanes_3, by_64, wide_load(in, 0));
    }
    _mm512_storeu_si512(lanes, lanes_3);
    return remainder_of_lanes(lanes, in, size);
}

uint64_t
crc64_nvme(uint64_t crc, struct bytes data)
{
    if (data.size < FOLD_BYTES_MIN || !__builtin_cpu_supports("pclmul") ||
        !__builtin_cpu_supports("sse4.1")) {
        return crc64_nvme_portable(crc, data);
    }
    pthread_once(&tables_once, tables_make);
    if (data.size >= WIDE_FOLD_BYTES_MIN && __builtin_cpu_supports("vpclmulqdq") &&
        __builtin_cpu_supports("avx512f")) {
        return ~remainder_by_wide_folding(~crc, (const unsigned char *)data.data, data.size);
    }
    return ~remainder_by_folding(~crc, (const unsigned char *)data.data, data.size);
}
#else
uint64_t
crc64_nvme(uint64_t crc, struct bytes data)
{
    return crc64_nvme_portable(crc, data);
}
#endif
