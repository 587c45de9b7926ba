/* The noise n_ki(p): a public, portable function of (seed, image, channel, sample, pixel); see
 * docs/methods.md. */
#ifndef SSCAM_LIB_MASKS_NOISE_H
#define SSCAM_LIB_MASKS_NOISE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a plane of noise is: the fixed parts of the Philox key and counter. */
typedef struct sscam_noise_plane {
    int64_t seed;
    uint32_t channel; /* k */
    uint32_t sample;  /* i */
    uint32_t image;   /* v */
} sscam_noise_plane;

/* Standard normal values number first to first + count - 1 of a plane. Absolute error at most 1e-5.
 */
void sscam_noise_fill(const sscam_noise_plane *plane, int64_t first, int64_t count, float *out);

/* The words that the values come from: word number first to first + count - 1 of a plane; first is
 * a multiple of 4. */
void sscam_noise_words(const sscam_noise_plane *plane, int64_t first, int64_t count, uint32_t *out);

#ifdef __cplusplus
}
#endif

#endif
