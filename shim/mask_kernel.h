/* Masked inputs, one value at a time: what lib/mask.c writes row by row, in the form that a graphics card wants.
 *
 * Compiled as CUDA at run time (cuda_program.cpp), and as C++ by what checks it without a card. Same operations in the
 * same order as lib/mask.c, so that without contraction to fused operations the values are the same. */
#ifndef SSCAM_SHIM_MASK_KERNEL_H
#define SSCAM_SHIM_MASK_KERNEL_H

#include "noise_math.h"

/* Arrays that are indexed by unrolled loops alone stay in a card's registers; what is seldom needed is better not
 * copied to every place of them. */
#ifdef __CUDACC__
#define SSCAM_UNROLL _Pragma("unroll")
#define SSCAM_SELDOM static __device__ __noinline__
#else
#define SSCAM_UNROLL
#define SSCAM_SELDOM static inline
#endif

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

/* Places that are written together: one counter gives noise for as many. */
#define SSCAM_QUAD 4

SSCAM_INLINE int64_t sscam_quad_count(const sscam_mask_kernel *k)
{
    return (k->depth * k->height * k->width + SSCAM_QUAD - 1) / SSCAM_QUAD;
}

SSCAM_INLINE uint64_t sscam_element_bits(int32_t element, float value)
{
    if (element == SSCAM_ELEMENT_FLOAT)
        return sscam_bits_of_float(value);
    return element == SSCAM_ELEMENT_HALF ? sscam_half_bits(value) : sscam_bfloat16_bits(value);
}

/* Values that follow each other in memory: gathered to words, as wide as a card's memory likes, where those are
 * aligned. */
typedef struct sscam_writer {
    void *out;
    int64_t index; /* of the next value */
    uint64_t word;
    int32_t element, is_aligned, bits; /* in the word so far */
} sscam_writer;

SSCAM_INLINE sscam_writer sscam_writer_at(const sscam_mask_kernel *k, int64_t index)
{
    sscam_writer writer = {k->out, index, 0, k->element, k->depth * k->height * k->width % SSCAM_QUAD == 0, 0};
    return writer;
}

SSCAM_INLINE void sscam_put(sscam_writer *writer, float value)
{
    const uint64_t bits = sscam_element_bits(writer->element, value);
    const int32_t is_float = writer->element == SSCAM_ELEMENT_FLOAT;
    const int64_t index = writer->index++;
    if (!writer->is_aligned) {
        if (is_float)
            ((uint32_t *)writer->out)[index] = (uint32_t)bits;
        else
            ((uint16_t *)writer->out)[index] = (uint16_t)bits;
        return;
    }
    writer->word |= bits << writer->bits;
    writer->bits += is_float ? 32 : 16;
    if (writer->bits == 64) {
        ((uint64_t *)writer->out)[index / (is_float ? 2 : 4)] = writer->word;
        writer->word = 0;
        writer->bits = 0;
    }
}

SSCAM_SELDOM int64_t sscam_long_quotient(int64_t a, int64_t b)
{
    return a / b;
}

/* a / b of what is not negative: where both are short, by a division that takes a card a fifth of the time. */
SSCAM_INLINE int64_t sscam_quotient(int64_t a, int64_t b)
{
    return ((a | b) >> 32) != 0 ? sscam_long_quotient(a, b) : (int64_t)((uint32_t)a / (uint32_t)b);
}

/* The map at one of its places, blended with the next slice by `share`, which is 0 where there is none. */
SSCAM_INLINE float sscam_between_slices(const float *at, int64_t next_slice, float share)
{
    return share == 0.0f ? at[0] : at[0] + share * (at[next_slice] - at[0]);
}

typedef struct sscam_spot {
    int64_t z, y, x;
} sscam_spot;

SSCAM_INLINE sscam_spot sscam_spot_of(const sscam_mask_kernel *k, int64_t place)
{
    sscam_spot spot;
    int64_t line = sscam_quotient(place, k->width);
    spot.z = k->depth > 1 ? sscam_quotient(line, k->height) : 0;
    spot.y = line - spot.z * k->height;
    spot.x = place - line * k->width;
    return spot;
}

SSCAM_INLINE void sscam_next_spot(const sscam_mask_kernel *k, sscam_spot *spot)
{
    if (++spot->x < k->width)
        return;
    spot->x = 0;
    if (++spot->y < k->height)
        return;
    spot->y = 0;
    spot->z++;
}

/* U(A) at a place: between slices first, then down the columns. */
SSCAM_INLINE float sscam_upsampled_at(const sscam_mask_kernel *k, int64_t channel, const sscam_spot *spot)
{
    int64_t row = k->source_row[spot->y], column = k->source_column[spot->x], slice = k->map_height * k->map_width;
    int64_t next_row = row + 1 < k->map_height ? k->map_width : 0, next = column + 1 < k->map_width ? 1 : 0;
    float depth_share = k->source_slice ? k->slice_share[spot->z] : 0.0f, row_share = k->row_share[spot->y];
    int64_t first_slice = channel * k->map_depth + (k->source_slice ? k->source_slice[spot->z] : 0);
    const float *at = k->activations + first_slice * slice + row * k->map_width + column;
    float upper_left = sscam_between_slices(at, slice, depth_share);
    float lower_left = sscam_between_slices(at + next_row, slice, depth_share);
    float upper_right = sscam_between_slices(at + next, slice, depth_share);
    float lower_right = sscam_between_slices(at + next_row + next, slice, depth_share);
    float left = upper_left + row_share * (lower_left - upper_left);
    float right = upper_right + row_share * (lower_right - upper_right);
    return left + k->column_share[spot->x] * (right - left);
}

/* One masked input, as all of its places see it. */
typedef struct sscam_masked_input {
    int64_t start; /* of its values in `out` */
    uint32_t channel, sample;
    float offset, gain, noise_stddev;
} sscam_masked_input;

SSCAM_INLINE sscam_masked_input sscam_masked_input_of(const sscam_mask_kernel *k, int64_t row)
{
    sscam_masked_input of;
    int64_t index = k->first + row, slot = sscam_quotient(index, k->samples), sample = index - slot * k->samples;
    float share = k->fades_in ? (float)(sample + 1) / (float)k->samples : 1.0f;
    of.start = row * k->colours * k->depth * k->height * k->width;
    of.channel = (uint32_t)k->channel[slot];
    of.sample = (uint32_t)sample;
    of.offset = k->offset[slot];
    of.gain = share * k->gain[slot];
    of.noise_stddev = k->noise_stddev[slot];
    return of;
}

/* The mask at `count` places in a row, of which the first is number 4 x quad. */
SSCAM_INLINE void sscam_mask_at(const sscam_mask_kernel *k, const sscam_masked_input *of, int64_t quad, int count,
                                float *mask)
{
    float noise[SSCAM_QUAD];
    const int is_noisy = of->noise_stddev > 0.0f && !k->noise_on_input;
    sscam_spot spot = sscam_spot_of(k, quad * SSCAM_QUAD);
    if (is_noisy)
        sscam_noise_quad(k->seed, of->channel, of->sample, k->image, (uint64_t)quad, noise);
    SSCAM_UNROLL
    for (int i = 0; i < SSCAM_QUAD; i++)
        if (i < count) {
            mask[i] = (sscam_upsampled_at(k, of->channel, &spot) - of->offset) * of->gain;
            if (is_noisy)
                mask[i] += of->noise_stddev * noise[i];
            sscam_next_spot(k, &spot);
        }
}

/* Of the plane that goes on the input: colours have noise of their own. */
SSCAM_SELDOM float sscam_noise_at(uint64_t seed, uint32_t channel, uint32_t sample, uint32_t image, int64_t at)
{
    float noise[SSCAM_QUAD];
    sscam_noise_quad(seed, channel, sample, image, (uint64_t)at / SSCAM_QUAD, noise);
    return noise[at % SSCAM_QUAD];
}

/* One colour of a place whose mask is known; `at` is its number among the values of an input. */
SSCAM_INLINE float sscam_masked_value(const sscam_mask_kernel *k, const sscam_masked_input *of, int64_t at, float mask)
{
    float value = k->input[at] * mask;
    if (k->background)
        value += k->background[at] * (1.0f - mask);
    if (of->noise_stddev > 0.0f && k->noise_on_input)
        value += of->noise_stddev * sscam_noise_at(k->seed, of->channel, of->sample, k->image, at);
    return value;
}

/* Every colour of four places, or of as many as there are from number 4 x quad on, in masked input number
 * first + row. */
SSCAM_INLINE void sscam_write_masked_quad(const sscam_mask_kernel *k, int64_t row, int64_t quad)
{
    const int64_t places = k->depth * k->height * k->width, place = quad * SSCAM_QUAD;
    const int count = places - place < SSCAM_QUAD ? (int)(places - place) : SSCAM_QUAD;
    const sscam_masked_input of = sscam_masked_input_of(k, row);
    float mask[SSCAM_QUAD];
    sscam_mask_at(k, &of, quad, count, mask);
    if (k->channels_last) {
        sscam_writer writer = sscam_writer_at(k, of.start + place * k->colours);
        SSCAM_UNROLL
        for (int i = 0; i < SSCAM_QUAD; i++)
            for (int64_t colour = 0; i < count && colour < k->colours; colour++)
                sscam_put(&writer, sscam_masked_value(k, &of, colour * places + place + i, mask[i]));
        return;
    }
    for (int64_t colour = 0; colour < k->colours; colour++) {
        sscam_writer writer = sscam_writer_at(k, of.start + colour * places + place);
        SSCAM_UNROLL
        for (int i = 0; i < SSCAM_QUAD; i++)
            if (i < count)
                sscam_put(&writer, sscam_masked_value(k, &of, colour * places + place + i, mask[i]));
    }
}

#endif
