/* Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3")
 * and Box-Muller.
 *
 * The only definition of a noise value: compiled as C into the library, and by CUDA's run-time
 * compiler where a network runs on a GPU. CUDA code that includes it must provide the integer
 * types, memcpy() and sqrtf(). */
#ifndef SSCAM_LIB_MASKS_NOISE_MATH_H
#define SSCAM_LIB_MASKS_NOISE_MATH_H

#ifdef __CUDACC__
#define SSCAM_INLINE static __device__ inline
#else
#include <math.h>
#include <stdint.h>
#include <string.h>
#define SSCAM_INLINE static inline
#endif

#define SSCAM_PHILOX_ROUNDS 10
#define SSCAM_PHILOX_WEYL_0 0x9E3779B9u
#define SSCAM_PHILOX_WEYL_1 0xBB67AE85u

SSCAM_INLINE void sscam_philox_round(uint32_t *word_0, uint32_t *word_1, uint32_t *word_2,
                                     uint32_t *word_3, uint32_t key_0, uint32_t key_1)
{
    uint64_t product_0 = (uint64_t)0xD2511F53u * *word_0;
    uint64_t product_1 = (uint64_t)0xCD9E8D57u * *word_2;
    *word_0 = (uint32_t)(product_1 >> 32) ^ *word_1 ^ key_0;
    *word_1 = (uint32_t)product_1;
    *word_2 = (uint32_t)(product_0 >> 32) ^ *word_3 ^ key_1;
    *word_3 = (uint32_t)product_0;
}

SSCAM_INLINE float sscam_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

SSCAM_INLINE uint32_t sscam_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* uint32 to float through two signed halves, since AVX2 has no unsigned conversion. */
SSCAM_INLINE float sscam_float_of_uint32(uint32_t value)
{
    return (float)(int32_t)(value >> 16) * 65536.0f + (float)(int32_t)(value & 0xFFFFu);
}

/* sqrt(-2 ln u), u = (r + 0.5) 2^-32.
 *
 * u = (1 - t) 2^e with t in (0, 1/2]. Near u = 1 the result depends on 1 - u, which a float u has
 * lost; it is computed from the integer's complement instead. ln(1 - t) = -2 atanh(t / (2 - t)). */
SSCAM_INLINE float sscam_noise_radius(uint32_t r)
{
    const float scale = 0x1p-32f, ln_2 = 0.69314718056f;
    float small = (sscam_float_of_uint32(r) + 0.5f) * scale;
    uint32_t bits = sscam_bits_of_float(small);
    float exponent = (float)((int32_t)(bits >> 23) - 126);
    float mantissa = sscam_float_of_bits((bits & 0x007FFFFFu) | 0x3F000000u); /* in [1/2, 1) */
    int32_t upper = (int32_t)r < 0;
    float t = upper ? (sscam_float_of_uint32(~r) + 0.5f) * scale : 1.0f - mantissa;
    exponent = upper ? 0.0f : exponent;

    float s = t / (2.0f - t), q = s * s; /* s in (0, 1/3] */
    float series = 1.0f + q * (1.0f / 3 +
                               q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9 + q * (1.0f / 11)))));
    return sqrtf(4.0f * s * series - 2.0f * ln_2 * exponent);
}

/* cos and sin of 2 pi u, u = (r + 0.5) 2^-32: the nearest multiple of a right angle is
 * subtracted exactly, in integers, which leaves at most pi / 4 for the Taylor series. */
SSCAM_INLINE void sscam_cosine_and_sine(uint32_t r, float *cosine, float *sine)
{
    uint32_t quadrant = (r + 0x20000000u) >> 30;
    float rest = (float)(int32_t)(r - (quadrant << 30)) + 0.5f;
    float x = rest * (float)(6.283185307179586 / 4294967296.0), q = x * x;
    float s = x * (1.0f +
                   q * (-1.0f / 6 + q * (1.0f / 120 + q * (-1.0f / 5040 + q * (1.0f / 362880)))));
    float c = 1.0f + q * (-0.5f + q * (1.0f / 24 + q * (-1.0f / 720 + q * (1.0f / 40320))));
    float swapped_c = (quadrant & 1) ? s : c, swapped_s = (quadrant & 1) ? c : s;
    *cosine = ((quadrant + 1) & 2) ? -swapped_c : swapped_c;
    *sine = (quadrant & 2) ? -swapped_s : swapped_s;
}

/* The four values of one counter: number 4 x quad to 4 x quad + 3 of a plane. */
SSCAM_INLINE void sscam_noise_quad(uint64_t seed, uint32_t channel, uint32_t sample, uint32_t image,
                                   uint64_t quad, float *value)
{
    uint32_t word[4] = {(uint32_t)quad, channel, sample, image};
    uint32_t key_0 = (uint32_t)seed, key_1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < SSCAM_PHILOX_ROUNDS; round++) {
        sscam_philox_round(&word[0], &word[1], &word[2], &word[3], key_0, key_1);
        key_0 += SSCAM_PHILOX_WEYL_0;
        key_1 += SSCAM_PHILOX_WEYL_1;
    }
    for (int pair = 0; pair < 2; pair++) {
        float cosine, sine, length = sscam_noise_radius(word[2 * pair]);
        sscam_cosine_and_sine(word[2 * pair + 1], &cosine, &sine);
        value[2 * pair] = length * cosine;
        value[2 * pair + 1] = length * sine;
    }
}

#endif
