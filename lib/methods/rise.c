/* RISE: Randomized Input Sampling for Explanation (Petsiuk et al. 2018). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "masks/noise.h"
#include "math/upsample.h"
#include "methods/input_masks.h"
#include "methods/methods.h"

/* State between the calls of weigh(): the masks are made and scored part by part. */
typedef struct rise_state {
    sscam_sides grid, cell, upsampled_sides; /* cells of a mask; pixels of a cell; of all and one */
    int64_t first, count;                    /* the masks that exist */
    int64_t samples;
    double *sum;      /* [input sides]: sum of f M over the masks so far */
    float *cells;     /* [grid] */
    uint32_t *words;  /* of the generator: one a cell and three for the shift */
    float *upsampled; /* [upsampled_sides] */
    sscam_input_masks masks;
} rise_state;

static void release(void *state)
{
    rise_state *work = state;
    free(work->sum);
    free(work->cells);
    free(work->words);
    free(work->upsampled);
    sscam_input_masks_release(&work->masks);
    free(work);
}

/* Along a side of 1, which inputs of fewer dimensions have, there is one cell of one pixel. */
static void divide_side(int64_t side, int64_t cells, int64_t *grid, int64_t *cell,
                        int64_t *upsampled)
{
    *grid = side == 1 ? 1 : cells;
    *cell = side == 1 ? 1 : (side + cells - 1) / cells;
    *upsampled = side == 1 ? 1 : (cells + 1) * *cell;
}

static void plan_masks(sscam_map_job *job, rise_state *work)
{
    const sscam_sides sides = job->shape.sides;
    const int64_t cells = job->settings->value[SSCAM_OPTION_MASK_CELLS].integer;
    divide_side(sides.depth, cells, &work->grid.depth, &work->cell.depth,
                &work->upsampled_sides.depth);
    divide_side(sides.height, cells, &work->grid.height, &work->cell.height,
                &work->upsampled_sides.height);
    divide_side(sides.width, cells, &work->grid.width, &work->cell.width,
                &work->upsampled_sides.width);
    work->samples = job->settings->value[SSCAM_OPTION_SAMPLES].integer;
}

static sscam_status allocate(sscam_map_job *job, rise_state *work)
{
    const int64_t positions = sscam_position_count(job->shape.sides),
                  cells = sscam_position_count(work->grid);
    work->sum = sscam_zeros(positions, sizeof *work->sum);
    work->cells = sscam_allocate_array(cells, sizeof *work->cells);
    work->words = sscam_allocate_array(cells + 3, sizeof *work->words);
    work->upsampled = sscam_allocate_array(sscam_position_count(work->upsampled_sides),
                                           sizeof *work->upsampled);
    if (!work->sum || !work->cells || !work->words || !work->upsampled)
        return sscam_fail_memory("random masks");
    return sscam_input_masks_init(&work->masks, job, 1, work->samples);
}

/* A whole number from 0 to limit - 1. */
static int64_t below(int64_t limit, uint32_t word)
{
    return (int64_t)((uint64_t)word * (uint64_t)limit >> 32);
}

/* The part of the upsampled mask that begins `shift` pixels in. */
static void cut_out(const rise_state *work, sscam_sides sides, sscam_sides shift, float *out)
{
    for (int64_t z = 0; z < sides.depth; z++)
        for (int64_t y = 0; y < sides.height; y++) {
            const int64_t row = (z + shift.depth) * work->upsampled_sides.height + y + shift.height;
            memcpy(out + (z * sides.height + y) * sides.width,
                   work->upsampled + row * work->upsampled_sides.width + shift.width,
                   (size_t)sides.width * sizeof *out);
        }
}

/* Mask number `sample`: cells of 1 with the probability, else 0; bilinearly upsampled by the size
 * of a cell, to one cell more than the input has along each side; shifted by less than a cell. */
static sscam_status draw_mask(const sscam_map_job *job, rise_state *work, int64_t sample,
                              float *out)
{
    const sscam_noise_plane plane = {.seed = job->settings->value[SSCAM_OPTION_SEED].integer,
                                     .sample = (uint32_t)sample,
                                     .image = (uint32_t)job->image_index};
    const double probability = job->settings->value[SSCAM_OPTION_MASK_PROBABILITY].real;
    const int64_t cells = sscam_position_count(work->grid);
    sscam_noise_words(&plane, 0, cells + 3, work->words);
    for (int64_t i = 0; i < cells; i++)
        work->cells[i] = (work->words[i] + 0.5) * 0x1p-32 < probability ? 1.0f : 0.0f;
    sscam_status status = sscam_upsample(work->cells, work->grid, work->upsampled_sides, 0,
                                         work->upsampled);
    const sscam_sides shift = {below(work->cell.depth, work->words[cells]),
                               below(work->cell.height, work->words[cells + 1]),
                               below(work->cell.width, work->words[cells + 2])};
    if (status == SSCAM_OK)
        cut_out(work, job->shape.sides, shift, out);
    return status;
}

/* Requests the scores of the masks from number `first` on. */
static sscam_status request_masks(sscam_map_job *job, rise_state *work)
{
    const int64_t positions = sscam_position_count(job->shape.sides),
                  left = work->samples - work->first;
    sscam_status status = sscam_progress_check(&job->progress);
    work->count = left < work->masks.limit ? left : work->masks.limit;
    for (int64_t i = 0; i < work->count && status == SSCAM_OK; i++) {
        work->masks.channels[i] = (sscam_mask_channel){.channel = i, .gain = 1.0f};
        status = draw_mask(job, work, work->first + i, work->masks.values + i * positions);
    }
    sscam_request_input_masks(job, &work->masks, work->count, left - work->count);
    return status;
}

static sscam_status begin(sscam_map_job *job)
{
    rise_state *work = calloc(1, sizeof *work);
    if (!work)
        return sscam_fail_memory("random masks");
    job->state = work;
    job->release_state = release;
    plan_masks(job, work);
    sscam_status status = allocate(job, work);
    return status == SSCAM_OK ? request_masks(job, work) : status;
}

static sscam_status add_scores(sscam_map_job *job, rise_state *work)
{
    const int64_t positions = sscam_position_count(job->shape.sides);
    for (int64_t i = 0; i < work->count; i++) {
        const double score = job->scores[i];
        if (!isfinite(score))
            return sscam_fail(SSCAM_E_MODEL,
                              "the network's score of the input with random mask %lld is %g",
                              (long long)(work->first + i), score);
        for (int64_t p = 0; p < positions; p++)
            work->sum[p] += score * (double)work->masks.values[i * positions + p];
    }
    work->first += work->count;
    return SSCAM_OK;
}

static sscam_status finish(sscam_map_job *job, const rise_state *work)
{
    const double share = job->settings->value[SSCAM_OPTION_MASK_PROBABILITY].real *
                         (double)work->samples;
    return sscam_take_raw_map(job, job->shape.sides, work->sum, share);
}

/* S(p) = (1 / (N P)) sum_i f^c(X0 * M_i) M_i(p), P the probability of a cell: Petsiuk et al. 2018,
 * eq. 6. */
sscam_status sscam_weigh_rise(sscam_map_job *job)
{
    rise_state *work = job->state;
    if (!work)
        return begin(job);
    sscam_status status = add_scores(job, work);
    if (status == SSCAM_OK && work->first < work->samples)
        return request_masks(job, work);
    job->requested_masks = NULL;
    job->later_inputs = 0;
    return status == SSCAM_OK ? finish(job, work) : status;
}
