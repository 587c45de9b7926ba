/* What the code for each set of vector instructions shares with convolution.c. */
#ifndef SSCAM_LIB_CONVOLUTION_CONVOLUTION_TARGET_H
#define SSCAM_LIB_CONVOLUTION_CONVOLUTION_TARGET_H

#include "convolution/convolution.h"

/* Points of Winograd's interpolation for F(4x4, 3x3) beside 0 and infinity: +-1/sqrt(2) and
 * +-sqrt(2), which round less than the usual +-1 and +-2. */
#define SSCAM_WINOGRAD_NEAR 0.70710678118654752440
#define SSCAM_WINOGRAD_FAR 1.41421356237309504880

/* How a target divides the matrix product that every algorithm comes down to. */
typedef struct sscam_convolution_code {
    int64_t lanes;   /* floats of a vector */
    int64_t rows;    /* positions, at most, that the inner loop keeps in registers */
    int64_t vectors; /* of output channels that it keeps, a panel of weights */
    void (*run)(const sscam_convolution *convolution, const sscam_convolution_call *call,
                int64_t first, int64_t count, float *scratch);
} sscam_convolution_code;

/* A *tile* is a square of output positions, of side 1 for the direct method. Its input,
 * transformed, has `points` vectors of length `depth`; for each point there is one matrix of
 * weights. */
struct sscam_convolution {
    sscam_convolution_geometry geometry;
    sscam_convolution_algorithm algorithm;
    const sscam_convolution_code *code;
    int64_t tile_side, points;
    int64_t run_length; /* floats of a row of the kernel that lie side by side in the input */
    int64_t depth;      /* padded with zeros to whole vectors */
    int64_t channels;   /* of the output, likewise */
    int64_t block_tiles;
    float *weights; /* [points][panels][depth][floats of the panel; the last may be narrower] */
};

/* The tiles of a batch, in the order of [images][rows][columns]. */
typedef struct sscam_tile_grid {
    int64_t rows, columns, tiles;
} sscam_tile_grid;

sscam_tile_grid sscam_convolution_tiles(const sscam_convolution *convolution,
                                        const sscam_convolution_call *call);

/* Floats from one point's part of the scratch memory to the next: of transformed inputs, of sums.
 * No multiple of a page, so that the parts do not compete for the same sets of a cache. */
int64_t sscam_convolution_input_step(const sscam_convolution *convolution, int64_t tiles);
int64_t sscam_convolution_sum_step(const sscam_convolution *convolution, int64_t tiles);

extern const sscam_convolution_code sscam_convolution_portable;
#ifdef SSCAM_HAS_X86_CONVOLUTIONS
extern const sscam_convolution_code sscam_convolution_avx2, sscam_convolution_avx512;
#endif

#endif
