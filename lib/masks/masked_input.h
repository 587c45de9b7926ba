/* The masked inputs of Score-CAM and SS-CAM: upsample, normalise, add noise, multiply with the
 * input.
 *
 * A plan describes all masked inputs of one explanation. sscam_mask_write() writes any one of them,
 * in any order and on any thread, in the network's memory format; so only a batch of them exists at
 * a time. */
#ifndef SSCAM_LIB_MASKS_MASKED_INPUT_H
#define SSCAM_LIB_MASKS_MASKED_INPUT_H

#include <stdint.h>

#include "base/shape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What noise is added to; the values of the option `noise_target`. */
typedef enum sscam_noise_target {
    SSCAM_NOISE_ON_MASK,      /* X0 * (s(U(A)) + n): eq. 11 and 15; one draw a pixel, shared by the
                                 colours */
    SSCAM_NOISE_ON_INPUT,     /* X0 * s(U(A)) + n: Algorithm 1; independent draws for the colours */
    SSCAM_NOISE_ON_ACTIVATION /* X0 * (U(A) + n): the authors' first code path; the mask is not
                                 normalised */
} sscam_noise_target;

/* Memory order of one masked input. */
typedef enum sscam_memory_format {
    SSCAM_MEMORY_FORMAT_NCHW, /* [C,D,H,W] */
    SSCAM_MEMORY_FORMAT_NHWC  /* [D,H,W,C], "channels last" */
} sscam_memory_format;

/* One channel's mask: m(p) = (U(A)(p) - offset) * gain, then X0 * m. */
typedef struct sscam_mask_channel {
    int64_t channel; /* index k in A, which is also the k of the noise counter */
    float offset;
    float gain; /* negative gain inverts (mask_weights with w_k < 0); includes the rescore factor */
    float noise_stddev;   /* in the units of what noise is added to; 0: no noise */
    int64_t first_sample; /* i of the noise counter of its first sample */
} sscam_mask_channel;

typedef struct sscam_mask_plan {
    /* input X0, [channels, depth, height, width] */
    const float *input;
    int32_t input_rank; /* 3 to 5, as the network takes it */
    int64_t input_channels;
    sscam_sides input_sides;
    /* activations A, [K, depth, height, width] */
    const float *activations;
    sscam_sides map_sides;
    int32_t align_corners; /* 0: half-pixel centres */
    /* the channels to score, and how often each */
    const sscam_mask_channel *channels;
    int64_t channel_count;
    int64_t samples;  /* N; masked inputs are numbered channel-slot x samples + sample */
    int32_t fades_in; /* whether the mask of sample i = 1..N is multiplied with i/N (IS-CAM) */
    sscam_noise_target noise_target;
    int64_t seed;
    int64_t image_index;  /* v of the noise counter */
    int32_t common_noise; /* whether k of the noise counter is 0 for all channels, which then share
                             the noise of a sample */
    /* of the input's shape, for X0 * m + background * (1 - m); NULL: zeros */
    const float *background;
} sscam_mask_plan;

/* Number of masked inputs in the plan, channel_count x samples; SSCAM_TOO_MANY where it overflows
 * (checked_size.h). */
int64_t sscam_mask_count(const sscam_mask_plan *plan);

/* Shape of a masked input. */
sscam_shape sscam_mask_shape(const sscam_mask_plan *plan);

/* Floats of scratch space that sscam_mask_write() needs: a few rows of the input, and a slice of
 * the map where it has several. */
int64_t sscam_mask_scratch_size(const sscam_mask_plan *plan);

/* Writes masked input number `index` (0 to sscam_mask_count() - 1) to `out`: the floats of one
 * input, in `layout`. `scratch` has sscam_mask_scratch_size() floats, which no other thread uses
 * meanwhile. The result depends on plan and index alone. */
void sscam_mask_write(const sscam_mask_plan *plan, int64_t index, sscam_memory_format layout,
                      float *scratch, float *out);

/* The masked inputs of several plans of one input shape, in one sequence: those of plans[0] first.
 */
typedef struct sscam_mask_list {
    const sscam_mask_plan *const *plans;
    int64_t plan_count; /* at least 1 */
} sscam_mask_list;

/* As the functions of one plan. */
int64_t sscam_mask_list_count(const sscam_mask_list *list);
int64_t sscam_mask_list_scratch_size(const sscam_mask_list *list);
void sscam_mask_list_write(const sscam_mask_list *list, int64_t index, sscam_memory_format layout,
                           float *scratch, float *out);

#ifdef __cplusplus
}
#endif

#endif
