/* Masked inputs, one value at a time: what lib/mask.c writes row by row, in the form that a graphics card wants.
 *
 * Compiled as CUDA at run time (cuda_program.cpp), and as C++ by what checks it without a card. Same operations in the
 * same order as lib/mask.c, so that without contraction to fused operations the values are the same. */
#ifndef SSCAM_SHIM_MASK_KERNEL_H
#define SSCAM_SHIM_MASK_KERNEL_H

#include "noise_math.h"

enum { SSCAM_ELEMENT_FLOAT, SSCAM_ELEMENT_HALF, SSCAM_ELEMENT_BFLOAT16 };

/* Consecutive masked inputs of one plan (mask.h); arrays are on the device. Widest members first, so that both
 * compilers lay it out alike. */
typedef struct sscam_mask_kernel {
    const float *input;       /* X0, [colours, depth, height, width] */
    const float *background;  /* of that shape, or null */
    const float *activations; /* A, [K, map_depth, map_height, map_width] */
    const int32_t *source_slice, *source_row, *source_column; /* where an output row falls: after this one, */
    const float *slice_share, *row_share, *column_share;      /* by this share of the next; no slices: null */
    const int32_t *channel;                    /* of a slot, as what follows */
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
    int32_t unused;
} sscam_mask_kernel;

/* Round to nearest, ties to even, as every conversion here; NaN stays NaN. */
SSCAM_INLINE uint16_t sscam_bfloat16_bits(float value)
{
    uint32_t bits = sscam_bits_of_float(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
        return 0x7FC0;
    return (uint16_t)((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
}

SSCAM_INLINE void sscam_store(const sscam_mask_kernel *k, int64_t index, float value)
{
    if (k->element == SSCAM_ELEMENT_FLOAT)
        ((float *)k->out)[index] = value;
    else
        ((uint16_t *)k->out)[index] = k->element == SSCAM_ELEMENT_HALF ? sscam_half_bits(value)
                                                                       : sscam_bfloat16_bits(value);
}

/* The map at one of its places, blended with the next slice by `share`, which is 0 where there is none. */
SSCAM_INLINE float sscam_between_slices(const float *at, int64_t next_slice, float share)
{
    return share == 0.0f ? at[0] : at[0] + share * (at[next_slice] - at[0]);
}

/* U(A) at a place: between slices first, then down the columns. */
SSCAM_INLINE float sscam_upsampled_at(const sscam_mask_kernel *k, int64_t channel, int64_t place)
{
    int64_t line = place / k->width, x = place % k->width;
    int64_t z = k->depth > 1 ? line / k->height : 0, y = line - z * k->height;
    int64_t row = k->source_row[y], column = k->source_column[x], slice = k->map_height * k->map_width;
    int64_t next_row = row + 1 < k->map_height ? k->map_width : 0, next = column + 1 < k->map_width ? 1 : 0;
    float depth_share = k->source_slice ? k->slice_share[z] : 0.0f, row_share = k->row_share[y];
    int64_t first_slice = channel * k->map_depth + (k->source_slice ? k->source_slice[z] : 0);
    const float *at = k->activations + first_slice * slice + row * k->map_width + column;
    float upper_left = sscam_between_slices(at, slice, depth_share);
    float lower_left = sscam_between_slices(at + next_row, slice, depth_share);
    float upper_right = sscam_between_slices(at + next, slice, depth_share);
    float lower_right = sscam_between_slices(at + next_row + next, slice, depth_share);
    float left = upper_left + row_share * (lower_left - upper_left);
    float right = upper_right + row_share * (lower_right - upper_right);
    return left + k->column_share[x] * (right - left);
}

/* Every colour of place number `place` in masked input number first + row. */
SSCAM_INLINE void sscam_write_masked_place(const sscam_mask_kernel *k, int64_t row, int64_t place)
{
    int64_t places = k->depth * k->height * k->width, index = k->first + row;
    int64_t slot = index / k->samples, sample = index % k->samples;
    uint32_t channel = (uint32_t)k->channel[slot];
    float stddev = k->noise_stddev[slot];
    float share = k->fades_in ? (float)(sample + 1) / (float)k->samples : 1.0f;
    float mask = (sscam_upsampled_at(k, channel, place) - k->offset[slot]) * (share * k->gain[slot]);
    if (stddev > 0.0f && !k->noise_on_input)
        mask += stddev * sscam_noise_value(k->seed, channel, (uint32_t)sample, k->image, (uint64_t)place);
    for (int64_t colour = 0; colour < k->colours; colour++) {
        int64_t at = colour * places + place;
        float value = k->input[at] * mask;
        if (k->background)
            value += k->background[at] * (1.0f - mask);
        if (stddev > 0.0f && k->noise_on_input)
            value += stddev * sscam_noise_value(k->seed, channel, (uint32_t)sample, k->image, (uint64_t)at);
        sscam_store(k, row * k->colours * places + (k->channels_last ? place * k->colours + colour : at), value);
    }
}

#endif
