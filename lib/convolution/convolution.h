/* Convolutions of two spatial dimensions in float32, channels last, with what follows them in the
 * same pass: bias, the addition of a residual, ReLU. For inference on the CPU.
 *
 * Kernels of 3x3 with stride 1 can be computed by Winograd's minimal filtering (Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, arXiv:1509.09308), with 4 or 2.25
 * times fewer multiplications than the direct method and a rounding error that is 10 times as
 * large.
 *
 * A result depends on the weights, the input and the processor's vector instructions, but not on
 * the number of images in a batch, on how positions are divided among threads, or on memory
 * alignment. */
#ifndef SSCAM_LIB_CONVOLUTION_CONVOLUTION_H
#define SSCAM_LIB_CONVOLUTION_CONVOLUTION_H

#include <stdint.h>

#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sscam_convolution_algorithm {
    SSCAM_CONVOLUTION_DIRECT,     /* as a matrix product; any kernel and stride */
    SSCAM_CONVOLUTION_WINOGRAD_2, /* F(2x2, 3x3) */
    SSCAM_CONVOLUTION_WINOGRAD_4, /* F(4x4, 3x3) */
    SSCAM_CONVOLUTION_ALGORITHMS
} sscam_convolution_algorithm;

/* The vector instructions that a convolution is compiled for, from the slowest to the fastest. */
typedef enum sscam_convolution_target {
    SSCAM_CONVOLUTION_PORTABLE,
    SSCAM_CONVOLUTION_AVX2, /* with FMA */
    SSCAM_CONVOLUTION_AVX512,
    SSCAM_CONVOLUTION_TARGETS
} sscam_convolution_target;

/* One group, dilation 1. */
typedef struct sscam_convolution_geometry {
    int64_t inputs, outputs; /* channels */
    int64_t kernel_height, kernel_width;
    int64_t stride_y, stride_x;   /* 1 or more */
    int64_t padding_y, padding_x; /* zeros on each side; 0 or more */
} sscam_convolution_geometry;

/* A convolution's weights in the order in which an algorithm reads them. Immutable: any number of
 * threads may use one. */
typedef struct sscam_convolution sscam_convolution;

/* A batch, and what is done with the sums. Every array is the caller's. */
typedef struct sscam_convolution_call {
    int64_t images, height, width; /* of the input */
    const float *input;            /* [images][height][width][inputs] */
    const float *bias;             /* [outputs], or NULL */
    const float *residual;         /* like `output`, added after the bias; NULL: none */
    int32_t relu;                  /* then negative values become 0 */
    float *output; /* [images][output height][output width][outputs]; may be `residual` */
} sscam_convolution_call;

/* Whether the target can run on this processor, and was compiled in. */
int32_t sscam_convolution_has_target(sscam_convolution_target target);

/* The fastest target that can run here. */
sscam_convolution_target sscam_convolution_best_target(void);

/* Whether the algorithm can compute such a convolution; also checks that every number of the
 * geometry is in range. */
int32_t sscam_convolution_is_possible(const sscam_convolution_geometry *geometry,
                                      sscam_convolution_algorithm algorithm);

/* `weights`: [outputs][inputs][kernel height][kernel width], not kept. SSCAM_E_ARGUMENT where the
 * algorithm cannot compute it or the target cannot run, SSCAM_E_MEMORY where memory runs out;
 * *convolution is then NULL. Freed by sscam_convolution_destroy(). */
sscam_status sscam_convolution_create(const sscam_convolution_geometry *geometry,
                                      const float *weights, sscam_convolution_algorithm algorithm,
                                      sscam_convolution_target target,
                                      sscam_convolution **convolution);

/* NULL is allowed. */
void sscam_convolution_destroy(sscam_convolution *convolution);

/* Output sides for an input side; 0 where the kernel does not fit into it. */
int64_t sscam_convolution_output_height(const sscam_convolution_geometry *geometry, int64_t height);
int64_t sscam_convolution_output_width(const sscam_convolution_geometry *geometry, int64_t width);

/* The work of a batch is divided into blocks of output positions that can be computed in any order
 * and by any thread; of `height`, `width` and `images` of the call alone. */
int64_t sscam_convolution_block_count(const sscam_convolution *convolution,
                                      const sscam_convolution_call *call);

/* Floats of scratch memory that one thread needs for the blocks of a call. */
int64_t sscam_convolution_scratch_size(const sscam_convolution *convolution,
                                       const sscam_convolution_call *call);

/* Computes blocks first to end - 1. `scratch`: of sscam_convolution_scratch_size() floats, used by
 * this call alone. */
void sscam_convolution_run(const sscam_convolution *convolution, const sscam_convolution_call *call,
                           int64_t first, int64_t end, float *scratch);

#ifdef __cplusplus
}
#endif

#endif
