/* The noise n_ki(p): a public, portable function of (seed, image, channel, sample, pixel); see
 * docs/methods.md. */
#ifndef SSCAM_LIB_MASKS_NOISE_H
#define SSCAM_LIB_MASKS_NOISE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One plane of noise values: the constant parts of the Philox key and counter. */
typedef struct sscam_noise_plane {
    int64_t seed;
    uint32_t channel; /* k */
    uint32_t sample;  /* i */
    uint32_t image;   /* v */
} sscam_noise_plane;

#define SSCAM_NOISE_PERIOD (INT64_C(4) << 32)

/* Standard normal values number first to first + count - 1 of a plane. Absolute error at most 1e-5.
 * The counter has 32 bits and gives 4 values: after SSCAM_NOISE_PERIOD values a plane repeats. A
 * float32 input that is so large takes 64 GiB. */
void sscam_noise_fill(const sscam_noise_plane *plane, int64_t first, int64_t count, float *out);

/* The random words behind the values: number first to first + count - 1 of a plane; first is a
 * multiple of 4. */
void sscam_noise_words(const sscam_noise_plane *plane, int64_t first, int64_t count, uint32_t *out);

#ifdef __cplusplus
}
#endif

#endif
