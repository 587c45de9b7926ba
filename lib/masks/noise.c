/* The values of noise_math.h, many at a time.
 *
 * Values are computed in short arrays, so that compilers vectorise the loops over their lanes;
 * simd.h has these functions compiled for several instruction sets. */
#include "masks/noise.h"

#include <string.h>

#include "masks/noise_math.h"
#include "math/simd.h"

enum {
    LANES = 8,            /* counters at a time */
    VALUES_A_COUNTER = 4, /* normal values that one counter gives */
    BLOCK = LANES * VALUES_A_COUNTER
};

/* The four words of LANES consecutive counters, whose first words are `block`, `block` + 1 ... */
static inline void philox(const sscam_noise_plane *plane, uint32_t block, uint32_t word[4][LANES])
{
    uint32_t key_0 = (uint32_t)(uint64_t)plane->seed,
             key_1 = (uint32_t)((uint64_t)plane->seed >> 32);
    for (int lane = 0; lane < LANES; lane++) {
        word[0][lane] = block + (uint32_t)lane;
        word[1][lane] = plane->channel;
        word[2][lane] = plane->sample;
        word[3][lane] = plane->image;
    }
    for (int round = 0; round < SSCAM_PHILOX_ROUNDS; round++) {
        for (int lane = 0; lane < LANES; lane++)
            sscam_philox_round(&word[0][lane], &word[1][lane], &word[2][lane], &word[3][lane],
                               key_0, key_1);
        key_0 += SSCAM_PHILOX_WEYL_0;
        key_1 += SSCAM_PHILOX_WEYL_1;
    }
}

/* BLOCK values: those of LANES consecutive counters from `block` on. */
SSCAM_SIMD_TARGETS
static void fill_block(const sscam_noise_plane *plane, uint32_t block, float *restrict out)
{
    uint32_t word[4][LANES];
    float value[VALUES_A_COUNTER][LANES];
    philox(plane, block, word);
    for (int pair = 0; pair < 2; pair++) {
        for (int lane = 0; lane < LANES; lane++) {
            float cosine, sine, length = sscam_noise_radius(word[2 * pair][lane]);
            sscam_cosine_and_sine(word[2 * pair + 1][lane], &cosine, &sine);
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
