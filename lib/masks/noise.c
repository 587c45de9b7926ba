/* The values of noise_math.h, many at a time.
 *
 * Values are computed in short arrays, so that compilers vectorise the loops over their lanes;
 * simd.h has these functions compiled for several instruction sets. */
#include "masks/noise.h"

#include <string.h>

#include "masks/noise_math.h"
#include "math/simd.h"

enum {
    VALUES_A_COUNTER = 4, /* normal values that one counter gives */
    /* Counters at a time. Many: independent of each other, they hide what each operation waits for.
     * Few, for what is left of a row: two vectors of AVX2. */
    MANY = 32,
    FEW = 8,
    MOST_VALUES = MANY * VALUES_A_COUNTER
};

/* So that the numbers of lanes are constants to the compiler, which vectorises the loops. */
#define SSCAM_FOR_CONSTANT_LANES static inline __attribute__((always_inline))

/* The four words of consecutive counters, whose first words are `block`, `block` + 1 ... */
SSCAM_FOR_CONSTANT_LANES void philox(const sscam_noise_plane *plane, uint32_t block, int lanes,
                                     uint32_t word[4][MANY])
{
    uint32_t key_0 = (uint32_t)(uint64_t)plane->seed,
             key_1 = (uint32_t)((uint64_t)plane->seed >> 32);
    for (int lane = 0; lane < lanes; lane++) {
        word[0][lane] = block + (uint32_t)lane;
        word[1][lane] = plane->channel;
        word[2][lane] = plane->sample;
        word[3][lane] = plane->image;
    }
    for (int round = 0; round < SSCAM_PHILOX_ROUNDS; round++) {
        for (int lane = 0; lane < lanes; lane++)
            sscam_philox_round(&word[0][lane], &word[1][lane], &word[2][lane], &word[3][lane],
                               key_0, key_1);
        key_0 += SSCAM_PHILOX_WEYL_0;
        key_1 += SSCAM_PHILOX_WEYL_1;
    }
}

/* The values of `lanes` consecutive counters from `block` on. */
SSCAM_FOR_CONSTANT_LANES void fill(const sscam_noise_plane *plane, uint32_t block, int lanes,
                                   float *restrict out)
{
    uint32_t word[4][MANY];
    float value[VALUES_A_COUNTER][MANY];
    philox(plane, block, lanes, word);
    for (int pair = 0; pair < 2; pair++) {
        for (int lane = 0; lane < lanes; lane++) {
            float cosine, sine, length = sscam_noise_radius(word[2 * pair][lane]);
            sscam_cosine_and_sine(word[2 * pair + 1][lane], &cosine, &sine);
            value[2 * pair][lane] = length * cosine;
            value[2 * pair + 1][lane] = length * sine;
        }
    }
    for (int lane = 0; lane < lanes; lane++)
        for (int j = 0; j < VALUES_A_COUNTER; j++)
            out[lane * VALUES_A_COUNTER + j] = value[j][lane];
}

SSCAM_SIMD_TARGETS
static void fill_many(const sscam_noise_plane *plane, uint32_t block, float *restrict out)
{
    fill(plane, block, MANY, out);
}

SSCAM_SIMD_TARGETS
static void fill_few(const sscam_noise_plane *plane, uint32_t block, float *restrict out)
{
    fill(plane, block, FEW, out);
}

void sscam_noise_fill(const sscam_noise_plane *plane, int64_t first, int64_t count, float *out)
{
    int64_t block = first / VALUES_A_COUNTER;
    int64_t skip = first % VALUES_A_COUNTER;
    while (count > 0) {
        const int lanes = count >= MANY * VALUES_A_COUNTER ? MANY : FEW;
        const int64_t size = lanes * VALUES_A_COUNTER;
        float values[MOST_VALUES];
        float *target = skip == 0 && count >= size ? out : values;
        (lanes == MANY ? fill_many : fill_few)(plane, (uint32_t)block, target);
        const int64_t taken = size - skip < count ? size - skip : count;
        if (target == values)
            memcpy(out, values + skip, (size_t)taken * sizeof *out);
        out += taken;
        count -= taken;
        skip = 0;
        block += lanes;
    }
}

void sscam_noise_words(const sscam_noise_plane *plane, int64_t first, int64_t count, uint32_t *out)
{
    int64_t block = first / VALUES_A_COUNTER;
    while (count > 0) {
        uint32_t word[VALUES_A_COUNTER][MANY];
        const int64_t taken = count < FEW * VALUES_A_COUNTER ? count : FEW * VALUES_A_COUNTER;
        philox(plane, (uint32_t)block, FEW, word);
        for (int64_t i = 0; i < taken; i++)
            out[i] = word[i % VALUES_A_COUNTER][i / VALUES_A_COUNTER];
        out += taken;
        count -= taken;
        block += FEW;
    }
}
