/* Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3") and Box-Muller.
 *
 * The work is done in short arrays, lane by lane, so that the compiler turns each loop into vector code; the
 * functions that hold such loops are compiled for several instruction sets and chosen when the library loads. */
#include "noise.h"

#include <math.h>
#include <string.h>

#include "vector.h"

enum {
    LANES = 8,            /* counters in flight */
    VALUES_A_COUNTER = 4, /* normal values that one counter gives */
    BLOCK = LANES * VALUES_A_COUNTER,
    ROUNDS = 10
};

static const uint32_t MULTIPLIER_0 = 0xD2511F53, MULTIPLIER_1 = 0xCD9E8D57;
static const uint32_t WEYL_0 = 0x9E3779B9, WEYL_1 = 0xBB67AE85;

/* The four words of LANES consecutive counters, first word from `block` upwards. */
static inline void philox(const sscam_noise_plane *plane, uint32_t block, uint32_t word[4][LANES])
{
    uint32_t key_0 = (uint32_t)(uint64_t)plane->seed, key_1 = (uint32_t)((uint64_t)plane->seed >> 32);
    for (int lane = 0; lane < LANES; lane++) {
        word[0][lane] = block + (uint32_t)lane;
        word[1][lane] = plane->channel;
        word[2][lane] = plane->sample;
        word[3][lane] = plane->image;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int lane = 0; lane < LANES; lane++) {
            uint64_t product_0 = (uint64_t)MULTIPLIER_0 * word[0][lane];
            uint64_t product_1 = (uint64_t)MULTIPLIER_1 * word[2][lane];
            word[0][lane] = (uint32_t)(product_1 >> 32) ^ word[1][lane] ^ key_0;
            word[1][lane] = (uint32_t)product_1;
            word[2][lane] = (uint32_t)(product_0 >> 32) ^ word[3][lane] ^ key_1;
            word[3][lane] = (uint32_t)product_0;
        }
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
}

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* uint32 to float by way of signed halves: there is no unsigned conversion in AVX2. */
static inline float float_of_uint32(uint32_t value)
{
    return (float)(int32_t)(value >> 16) * 65536.0f + (float)(int32_t)(value & 0xFFFFu);
}

/* sqrt(-2 ln u), u = (r + 0.5) 2^-32.
 *
 * u = (1 - t) 2^e with t in (0, 1/2]. Near u = 1 the result hangs on 1 - u, which a float u has lost; it is
 * taken from the integer's complement instead. ln(1 - t) = -2 atanh(t / (2 - t)). */
static inline float radius(uint32_t r)
{
    const float scale = 0x1p-32f, ln_2 = 0.69314718056f;
    float small = (float_of_uint32(r) + 0.5f) * scale;
    uint32_t bits = bits_of_float(small);
    float exponent = (float)((int32_t)(bits >> 23) - 126);
    float mantissa = float_of_bits((bits & 0x007FFFFFu) | 0x3F000000u); /* in [1/2, 1) */
    int32_t upper = (int32_t)r < 0;
    float t = upper ? (float_of_uint32(~r) + 0.5f) * scale : 1.0f - mantissa;
    exponent = upper ? 0.0f : exponent;

    float s = t / (2.0f - t), q = s * s; /* s in (0, 1/3] */
    float series = 1.0f + q * (1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9 + q * (1.0f / 11)))));
    return sqrtf(4.0f * s * series - 2.0f * ln_2 * exponent);
}

/* cos and sin of 2 pi u, u = (r + 0.5) 2^-32: the quadrant nearest to the angle is split off exactly, in
 * integers, which leaves an angle of at most pi / 4 for the Taylor series. */
static inline void cosine_and_sine(uint32_t r, float *cosine, float *sine)
{
    uint32_t quadrant = (r + 0x20000000u) >> 30;
    float rest = (float)(int32_t)(r - (quadrant << 30)) + 0.5f;
    float x = rest * (float)(6.283185307179586 / 4294967296.0), q = x * x;
    float s = x * (1.0f + q * (-1.0f / 6 + q * (1.0f / 120 + q * (-1.0f / 5040 + q * (1.0f / 362880)))));
    float c = 1.0f + q * (-0.5f + q * (1.0f / 24 + q * (-1.0f / 720 + q * (1.0f / 40320))));
    float swapped_c = (quadrant & 1) ? s : c, swapped_s = (quadrant & 1) ? c : s;
    *cosine = ((quadrant + 1) & 2) ? -swapped_c : swapped_c;
    *sine = (quadrant & 2) ? -swapped_s : swapped_s;
}

/* BLOCK values: those of LANES counters from `block` upwards. */
SSCAM_VECTOR_TARGETS
static void fill_block(const sscam_noise_plane *plane, uint32_t block, float *restrict out)
{
    uint32_t word[4][LANES];
    float value[VALUES_A_COUNTER][LANES];
    philox(plane, block, word);
    for (int pair = 0; pair < 2; pair++) {
        for (int lane = 0; lane < LANES; lane++) {
            float cosine, sine, length = radius(word[2 * pair][lane]);
            cosine_and_sine(word[2 * pair + 1][lane], &cosine, &sine);
            value[2 * pair][lane] = length * cosine;
            value[2 * pair + 1][lane] = length * sine;
        }
    }
    for (int lane = 0; lane < LANES; lane++)
        for (int j = 0; j < VALUES_A_COUNTER; j++)
            out[lane * VALUES_A_COUNTER + j] = value[j][lane];
}

void sscam_noise_fill(const sscam_noise_plane *plane, int64_t first, int64_t count, float *out)
{
    int64_t block = first / VALUES_A_COUNTER;
    int64_t skip = first % VALUES_A_COUNTER;
    while (count > 0) {
        if (skip == 0 && count >= BLOCK) {
            fill_block(plane, (uint32_t)block, out);
            out += BLOCK;
            count -= BLOCK;
        } else {
            float values[BLOCK];
            fill_block(plane, (uint32_t)block, values);
            int64_t taken = BLOCK - skip < count ? BLOCK - skip : count;
            memcpy(out, values + skip, (size_t)taken * sizeof *out);
            out += taken;
            count -= taken;
            skip = 0;
        }
        block += LANES;
    }
}

void sscam_noise_words(const sscam_noise_plane *plane, int64_t first, int64_t count, uint32_t *out)
{
    int64_t block = first / VALUES_A_COUNTER;
    while (count > 0) {
        uint32_t word[VALUES_A_COUNTER][LANES];
        int64_t taken = count < BLOCK ? count : BLOCK;
        philox(plane, (uint32_t)block, word);
        for (int64_t i = 0; i < taken; i++)
            out[i] = word[i % VALUES_A_COUNTER][i / VALUES_A_COUNTER];
        out += taken;
        count -= taken;
        block += LANES;
    }
}
