/* Masked inputs, one value at a time: what lib/masks/masked_input.c writes row by row, in the form
 * that a GPU needs.
 *
 * Compiled as CUDA at run time (cuda_program.cpp), and as C++ by tests that run without a GPU.
 * Same operations in the same order as lib/masks/masked_input.c, so that without contraction to
 * fused operations the values are the same. */
#ifndef SSCAM_SHIM_CUDA_MASK_KERNEL_H
#define SSCAM_SHIM_CUDA_MASK_KERNEL_H

#include "masks/noise_math.h"

/* Arrays that are indexed by unrolled loops alone stay in a GPU's registers; what is seldom needed
 * is better not copied to every place of them. */
#ifdef __CUDACC__
#define SSCAM_UNROLL _Pragma("unroll")
#define SSCAM_SELDOM static __device__ __noinline__
#else
#define SSCAM_UNROLL
#define SSCAM_SELDOM static inline
#endif

enum { SSCAM_ELEMENT_FLOAT, SSCAM_ELEMENT_HALF, SSCAM_ELEMENT_BFLOAT16 };

/* Consecutive masked inputs of one plan (mask.h); arrays are on the device. Widest members first,
 * so that both compilers lay it out alike. */
typedef struct sscam_mask_kernel {
    const float *input;       /* X0, [colours, depth, height, width] */
    const float *background;  /* of that shape, or null */
    const float *activations; /* A, [K, map_depth, map_height, map_width] */
    const int32_t *source_slice, *source_row,
        *source_column; /* where an output row falls: after this one, */
    const float *slice_share, *row_share,
        *column_share;      /* by this share of the next; no slices: null */
    const int32_t *channel; /* of a slot, as what follows */
    const int32_t *first_sample;
    const float *offset, *gain, *noise_stddev;
    void *out;
    uint64_t seed;
    int64_t first; /* number of the first masked input, */
    int64_t rows;  /* of so many */
    int64_t samples;
    int64_t colours, depth, height, width, map_depth, map_height, map_width;
    uint32_t image;
    int32_t fades_in;
    int32_t noise_on_input; /* or on the mask */
    int32_t channels_last;
    int32_t element;
    int32_t common_noise; /* whether k of the noise counter is 0 for all channels */
} sscam_mask_kernel;

/* Round to nearest, ties to even, as every conversion here; NaN stays NaN. */
SSCAM_INLINE uint16_t sscam_bfloat16_bits(float value)
{
    uint32_t bits = sscam_bits_of_float(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        return 0x7FC0;
    return (uint16_t)((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
}

/* Places that are written together: one counter gives noise for as many. */
#define SSCAM_QUAD 4
#define SSCAM_IMAGE_COLOURS 3

SSCAM_INLINE int64_t sscam_quad_count(const sscam_mask_kernel *k)
{
    return (k->depth * k->height * k->width + SSCAM_QUAD - 1) / SSCAM_QUAD;
}

/* --- memory ----------------------------------------------------------------------------------- */

SSCAM_INLINE uint16_t sscam_short_bits(const sscam_mask_kernel *k, float value)
{
    return k->element == SSCAM_ELEMENT_HALF ? sscam_half_bits(value) : sscam_bfloat16_bits(value);
}

SSCAM_INLINE void sscam_store(const sscam_mask_kernel *k, int64_t index, float value)
{
    if (k->element == SSCAM_ELEMENT_FLOAT)
        ((float *)k->out)[index] = value;
    else
        ((uint16_t *)k->out)[index] = sscam_short_bits(k, value);
}

/* Four values from a multiple of four on, in words as wide as a GPU's memory accesses. */
SSCAM_INLINE void sscam_store_quad(const sscam_mask_kernel *k, int64_t index, const float *value)
{
    uint64_t *out = (uint64_t *)k->out;
    if (k->element == SSCAM_ELEMENT_FLOAT) {
        out[index / 2] = sscam_bits_of_float(value[0]) | (uint64_t)sscam_bits_of_float(value[1])
                                                             << 32;
        out[index / 2 + 1] = sscam_bits_of_float(value[2]) | (uint64_t)sscam_bits_of_float(value[3])
                                                                 << 32;
    } else {
        uint32_t low = sscam_short_bits(k, value[0]) | (uint32_t)sscam_short_bits(k, value[1])
                                                           << 16;
        uint32_t high = sscam_short_bits(k, value[2]) | (uint32_t)sscam_short_bits(k, value[3])
                                                            << 16;
        out[index / 4] = low | (uint64_t)high << 32;
    }
}

SSCAM_SELDOM int64_t sscam_long_quotient(int64_t a, int64_t b)
{
    return a / b;
}

/* a / b of what is not negative: where both are short, by a division that takes a GPU a fifth of
 * the time. */
SSCAM_INLINE int64_t sscam_quotient(int64_t a, int64_t b)
{
    return ((a | b) >> 32) != 0 ? sscam_long_quotient(a, b) : (int64_t)((uint32_t)a / (uint32_t)b);
}

/* --- what all masked inputs share ------------------------------------------------------------- */

/* Where four places, or as many as there are, fall on a map: after the one at `offset`, by these
 * shares of the next ones, which lie so far behind it. */
typedef struct sscam_quad_positions {
    int64_t first; /* place of the input */
    int32_t count;
    int32_t offset[SSCAM_QUAD], next_row[SSCAM_QUAD], next_column[SSCAM_QUAD];
    float slice_share[SSCAM_QUAD], row_share[SSCAM_QUAD], column_share[SSCAM_QUAD];
} sscam_quad_positions;

SSCAM_INLINE sscam_quad_positions sscam_target_pixels_of(const sscam_mask_kernel *k, int64_t quad)
{
    sscam_quad_positions of;
    const int64_t places = k->depth * k->height * k->width, left = places - quad * SSCAM_QUAD;
    of.first = quad * SSCAM_QUAD;
    of.count = left < SSCAM_QUAD ? (int32_t)left : SSCAM_QUAD;
    SSCAM_UNROLL
    for (int i = 0; i < SSCAM_QUAD; i++) {
        const int64_t place = i < of.count ? of.first + i : of.first,
                      line = sscam_quotient(place, k->width);
        const int64_t z = k->depth > 1 ? sscam_quotient(line, k->height) : 0,
                      y = line - z * k->height;
        const int64_t x = place - line * k->width;
        const int32_t width = (int32_t)k->map_width, row = k->source_row[y],
                      column = k->source_column[x];
        const int32_t slice = k->source_slice ? k->source_slice[z] : 0;
        of.offset[i] = (slice * (int32_t)k->map_height + row) * width + column;
        of.next_row[i] = row + 1 < (int32_t)k->map_height ? width : 0;
        of.next_column[i] = column + 1 < width ? 1 : 0;
        of.slice_share[i] = k->source_slice ? k->slice_share[z] : 0.0f;
        of.row_share[i] = k->row_share[y];
        of.column_share[i] = k->column_share[x];
    }
    return of;
}

/* --- one masked input ------------------------------------------------------------------------- */

typedef struct sscam_masked_input {
    int64_t start; /* of its values in `out` */
    const float *map;
    uint32_t noise_channel, sample; /* of the noise counter */
    float offset, gain, noise_stddev;
} sscam_masked_input;

SSCAM_INLINE sscam_masked_input sscam_masked_input_of(const sscam_mask_kernel *k, int64_t row)
{
    sscam_masked_input of;
    const int64_t index = k->first + row,
                  slot = k->samples == 1 ? index : sscam_quotient(index, k->samples);
    const int64_t sample = index - slot * k->samples;
    const float share = k->fades_in ? (float)(sample + 1) / (float)k->samples : 1.0f;
    of.start = row * k->colours * k->depth * k->height * k->width;
    of.noise_channel = k->common_noise ? 0 : (uint32_t)k->channel[slot];
    of.map = k->activations + k->channel[slot] * (k->map_depth * k->map_height * k->map_width);
    of.sample = (uint32_t)(k->first_sample[slot] + sample);
    of.offset = k->offset[slot];
    of.gain = share * k->gain[slot];
    of.noise_stddev = k->noise_stddev[slot];
    return of;
}

/* Blended with the next slice by `share`, which is 0 where there is none. */
SSCAM_INLINE float sscam_between_slices(const float *at, int64_t next_slice, float share)
{
    return share == 0.0f ? at[0] : at[0] + share * (at[next_slice] - at[0]);
}

/* U(A) at place i of the four: between slices first, then along the rows. */
SSCAM_INLINE float sscam_upsampled_at(const sscam_mask_kernel *k, const float *map,
                                      const sscam_quad_positions *places, int i)
{
    const float *upper = map + places->offset[i], *lower = upper + places->next_row[i];
    const int64_t next = places->next_column[i];
    float upper_left = upper[0], upper_right = upper[next], lower_left = lower[0],
          lower_right = lower[next];
    if (k->source_slice) {
        const int64_t slice = k->map_height * k->map_width;
        upper_left = sscam_between_slices(upper, slice, places->slice_share[i]);
        lower_left = sscam_between_slices(lower, slice, places->slice_share[i]);
        upper_right = sscam_between_slices(upper + next, slice, places->slice_share[i]);
        lower_right = sscam_between_slices(lower + next, slice, places->slice_share[i]);
    }
    float above = upper_left + places->column_share[i] * (upper_right - upper_left);
    float below = lower_left + places->column_share[i] * (lower_right - lower_left);
    return above + places->row_share[i] * (below - above);
}

SSCAM_INLINE void sscam_mask_at(const sscam_mask_kernel *k, const sscam_masked_input *of,
                                const sscam_quad_positions *places, float *mask)
{
    float noise[SSCAM_QUAD];
    const int32_t is_noisy = of->noise_stddev > 0.0f && !k->noise_on_input;
    if (is_noisy)
        sscam_noise_quad(k->seed, of->noise_channel, of->sample, k->image,
                         (uint64_t)places->first / SSCAM_QUAD, noise);
    SSCAM_UNROLL
    for (int i = 0; i < SSCAM_QUAD; i++) {
        mask[i] = (sscam_upsampled_at(k, of->map, places, i) - of->offset) * of->gain;
        if (is_noisy)
            mask[i] += of->noise_stddev * noise[i];
    }
}

/* Of the plane that goes on the input: colours have noise of their own. */
SSCAM_SELDOM float sscam_noise_at(uint64_t seed, uint32_t channel, uint32_t sample, uint32_t image,
                                  int64_t at)
{
    float noise[SSCAM_QUAD];
    sscam_noise_quad(seed, channel, sample, image, (uint64_t)at / SSCAM_QUAD, noise);
    return noise[at % SSCAM_QUAD];
}

/* One colour of a place whose mask is known; `at` is its number among the values of an input. */
SSCAM_INLINE float sscam_masked_value(const sscam_mask_kernel *k, const sscam_masked_input *of,
                                      int64_t at, float mask)
{
    float value = k->input[at] * mask;
    if (k->background)
        value += k->background[at] * (1.0f - mask);
    if (of->noise_stddev > 0.0f && k->noise_on_input)
        value += of->noise_stddev *
                 sscam_noise_at(k->seed, of->noise_channel, of->sample, k->image, at);
    return value;
}

/* Every colour of the four places in one masked input. */
SSCAM_INLINE void sscam_write_quad(const sscam_mask_kernel *k, const sscam_masked_input *of,
                                   const sscam_quad_positions *places, const float *mask)
{
    const int64_t plane = k->depth * k->height * k->width;
    for (int64_t colour = 0; colour < k->colours; colour++)
        SSCAM_UNROLL
    for (int i = 0; i < SSCAM_QUAD; i++) {
        const int64_t place = places->first + i, at = colour * plane + place;
        if (i < places->count)
            sscam_store(k, of->start + (k->channels_last ? place * k->colours + colour : at),
                        sscam_masked_value(k, of, at, mask[i]));
    }
}

/* The same for what is nearly always asked for: three colours, nothing but their products with the
 * mask, and places that words of memory align with. */
SSCAM_INLINE void sscam_write_quad_of_image(const sscam_mask_kernel *k,
                                            const sscam_masked_input *of,
                                            const sscam_quad_positions *places, const float *mask)
{
    const int64_t plane = k->depth * k->height * k->width;
    float value[SSCAM_IMAGE_COLOURS * SSCAM_QUAD]; /* in the order of memory */
    SSCAM_UNROLL
    for (int colour = 0; colour < SSCAM_IMAGE_COLOURS; colour++) {
        const float *input = k->input + colour * plane + places->first;
        SSCAM_UNROLL
        for (int i = 0; i < SSCAM_QUAD; i++)
            if (k->channels_last)
                value[i * SSCAM_IMAGE_COLOURS + colour] = input[i] * mask[i];
            else
                value[colour * SSCAM_QUAD + i] = input[i] * mask[i];
    }
    int64_t index = of->start + places->first * (k->channels_last ? SSCAM_IMAGE_COLOURS : 1);
    SSCAM_UNROLL
    for (int group = 0; group < SSCAM_IMAGE_COLOURS; group++) {
        sscam_store_quad(k, index, value + group * SSCAM_QUAD);
        index += k->channels_last ? SSCAM_QUAD : plane;
    }
}

/* Four places of the masked inputs number first + row, first + row + step and so on. */
SSCAM_INLINE void sscam_write_quad_of_rows(const sscam_mask_kernel *k, int64_t quad, int64_t row,
                                           int64_t step)
{
    const int32_t is_image = k->colours == SSCAM_IMAGE_COLOURS && !k->background &&
                             !k->noise_on_input &&
                             k->depth * k->height * k->width % SSCAM_QUAD == 0;
    const sscam_quad_positions places = sscam_target_pixels_of(k, quad);
    for (; row < k->rows; row += step) {
        const sscam_masked_input of = sscam_masked_input_of(k, row);
        float mask[SSCAM_QUAD];
        sscam_mask_at(k, &of, &places, mask);
        if (is_image)
            sscam_write_quad_of_image(k, &of, &places, mask);
        else
            sscam_write_quad(k, &of, &places, mask);
    }
}

#endif
