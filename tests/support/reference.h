/* Noise and upsampling as docs/methods.md defines them, in float64 and in the simplest form. Tests
 * compare the library with it; it shares no code with the library. */
#ifndef SSCAM_TESTS_SUPPORT_REFERENCE_H
#define SSCAM_TESTS_SUPPORT_REFERENCE_H

#include <stdint.h>

/* Philox4x32-10. */
void reference_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* The four normal values that Box-Muller makes of four words. */
void reference_box_muller(const uint32_t word[4], double normal[4]);

/* Value number q of the plane of noise of channel k, sample i, image v. */
double reference_noise(int64_t seed, uint32_t k, uint32_t i, uint32_t v, int64_t q);

/* U: a [map_height, map_width] map, bilinearly interpolated to [height, width]. */
void reference_upsample(const double *map, int64_t map_height, int64_t map_width, int64_t height,
                        int64_t width, int align_corners, double *out);

/* U of maps with slices, {depth, height, width}: trilinear. */
void reference_upsample_volume(const double *map, const int64_t map_sides[3],
                               const int64_t sides[3], int align_corners, double *out);

void reference_range(const double *values, int64_t count, double *lowest, double *highest);

#endif
