/* AISE: Adaptive Input Sampling for Explanation of Black-box Models, as OpenVINO XAI has it for
 * classifiers. */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "math/direct_search.h"
#include "methods/input_masks.h"
#include "methods/methods.h"
#include "options/kernel_widths.h"

/* By how much, relative to the best score, a part of the input must promise to improve on it before
 * it is searched: solver_epsilon of OpenVINO XAI. */
static const double least_improvement = 0.1;

/* The masks of one width: where they lie is searched by the scores of those before. */
typedef struct kernel {
    double width;
    sscam_direct_search *search;
    int64_t scored; /* points whose scores are known */
    double *sum;    /* [input sides]: sum of score times mask over these points */
} kernel;

/* State between the calls of weigh(): points are scored part by part, those of the first kernel
 * first, then all searches advance. */
typedef struct aise_state {
    kernel kernels[SSCAM_MOST_KERNEL_WIDTHS];
    int32_t kernel_count, current; /* whose masks exist */
    int64_t count;                 /* masks that exist, from point kernels[current].scored on */
    int64_t samples;               /* points of each kernel */
    double *axis;                  /* [longest side]: a Gaussian along one side */
    sscam_input_masks masks;       /* two scores each: the input within the mask, and beyond it */
} aise_state;

static void release(void *state)
{
    aise_state *work = state;
    for (int32_t i = 0; i < work->kernel_count; i++) {
        sscam_direct_search_free(work->kernels[i].search);
        free(work->kernels[i].sum);
    }
    free(work->axis);
    sscam_input_masks_release(&work->masks);
    free(work);
}

/* --- masks ------------------------------------------------------------------------------------ */

/* exp(-(x_j - center)^2 / (2 width^2)) at x_j = j / (length - 1), over the highest of them. */
static void draw_axis(double center, double width, int64_t length, double *out)
{
    double nearest = INFINITY;
    for (int64_t j = 0; j < length; j++) {
        const double x = length > 1 ? (double)j / (double)(length - 1) : 0.0;
        out[j] = (x - center) * (x - center);
        nearest = fmin(nearest, out[j]);
    }
    for (int64_t j = 0; j < length; j++)
        out[j] = exp((nearest - out[j]) / (2.0 * width * width));
}

/* Multiplies a mask with a Gaussian along the axis whose neighbours are `stride` apart. */
static void multiply_axis(const double *axis, int64_t length, int64_t stride, int64_t positions,
                          float *mask)
{
    for (int64_t p = 0; p < positions; p++)
        mask[p] *= (float)axis[p / stride % length];
}

/* A Gaussian around a point, 1 at the position next to it. The point's coordinates are those of
 * the sides that are longer than 1, from the last one on. */
static void draw_mask(sscam_sides sides, const double *point, double width, double *axis,
                      float *mask)
{
    const int64_t lengths[] = {sides.width, sides.height, sides.depth},
                  positions = sscam_position_count(sides);
    int64_t stride = 1;
    for (int64_t p = 0; p < positions; p++)
        mask[p] = 1.0f;
    for (int i = 0; i < 3; i++) {
        if (lengths[i] > 1) {
            draw_axis(*point++, width, lengths[i], axis);
            multiply_axis(axis, lengths[i], stride, positions, mask);
        }
        stride *= lengths[i];
    }
}

/* --- searching -------------------------------------------------------------------------------- */

static int32_t count_dimensions(sscam_sides sides)
{
    const int32_t count = (sides.width > 1) + (sides.height > 1) + (sides.depth > 1);
    return count > 0 ? count : 1;
}

static sscam_status allocate_kernels(sscam_map_job *job, aise_state *work)
{
    double widths[SSCAM_MOST_KERNEL_WIDTHS];
    sscam_status status = sscam_parse_kernel_widths(
        job->settings->value[SSCAM_OPTION_KERNEL_WIDTHS].text, widths, &work->kernel_count);
    for (int32_t i = 0; i < work->kernel_count && status == SSCAM_OK; i++) {
        kernel *own = &work->kernels[i];
        own->width = widths[i];
        own->search = sscam_direct_search_new(count_dimensions(job->shape.sides), least_improvement,
                                              work->samples);
        own->sum = sscam_zeros(sscam_position_count(job->shape.sides), sizeof *own->sum);
        if (!own->search || !own->sum)
            status = sscam_fail_memory("the search for masks");
    }
    return status;
}

static sscam_status allocate(sscam_map_job *job, aise_state *work)
{
    const sscam_sides sides = job->shape.sides;
    int64_t longest = sides.width > sides.height ? sides.width : sides.height;
    longest = sides.depth > longest ? sides.depth : longest;
    work->samples = job->settings->value[SSCAM_OPTION_SAMPLES].integer;
    work->axis = sscam_allocate_array(longest, sizeof *work->axis);
    if (!work->axis)
        return sscam_fail_memory("masks");
    sscam_status status = sscam_input_masks_init(&work->masks, job, 2, work->samples);
    return status == SSCAM_OK ? allocate_kernels(job, work) : status;
}

/* Points that are not scored, of those named and of those still to come. */
static int64_t count_left(const aise_state *work)
{
    int64_t left = 0;
    for (int32_t i = 0; i < work->kernel_count; i++)
        left += work->samples - work->kernels[i].scored;
    return left;
}

/* Requests the scores of the next points of the current kernel: of the input within each mask, and
 * beyond it. */
static sscam_status request_masks(sscam_map_job *job, aise_state *work)
{
    const kernel *own = &work->kernels[work->current];
    const int64_t positions = sscam_position_count(job->shape.sides),
                  named = sscam_direct_search_count(own->search) - own->scored;
    work->count = named < work->masks.limit ? named : work->masks.limit;
    for (int64_t i = 0; i < work->count; i++) {
        draw_mask(job->shape.sides, sscam_direct_search_point(own->search, own->scored + i),
                  own->width, work->axis, work->masks.values + i * positions);
        work->masks.channels[2 * i] = (sscam_mask_channel){.channel = i, .gain = 1.0f};
        work->masks.channels[2 * i + 1] = (sscam_mask_channel){
            .channel = i, .offset = 1.0f, .gain = -1.0f};
    }
    sscam_request_input_masks(job, &work->masks, work->count, 2 * (count_left(work) - work->count));
    return sscam_progress_check(&job->progress);
}

static sscam_status begin(sscam_map_job *job)
{
    aise_state *work = calloc(1, sizeof *work);
    if (!work)
        return sscam_fail_memory("masks");
    job->state = work;
    job->release_state = release;
    sscam_status status = allocate(job, work);
    return status == SSCAM_OK ? request_masks(job, work) : status;
}

/* The score of a mask is by how much the input within it exceeds the one beyond it; its negative is
 * what the search minimises. */
static sscam_status take_scores(sscam_map_job *job, aise_state *work)
{
    kernel *own = &work->kernels[work->current];
    const int64_t positions = sscam_position_count(job->shape.sides);
    for (int64_t i = 0; i < work->count; i++) {
        const double within = job->scores[2 * i], beyond = job->scores[2 * i + 1];
        if (!isfinite(within) || !isfinite(beyond))
            return sscam_fail(SSCAM_E_MODEL,
                              "the network's scores of the input within and beyond mask %lld of "
                              "width %g are %g and %g",
                              (long long)(own->scored + i), own->width, within, beyond);
        sscam_direct_search_set_value(own->search, own->scored + i, beyond - within);
        for (int64_t p = 0; p < positions; p++)
            own->sum[p] += (within - beyond) * (double)work->masks.values[i * positions + p];
    }
    own->scored += work->count;
    return SSCAM_OK;
}

/* Goes to the next kernel with points that are not scored, the first one after the last, where
 * searches advance; 0 where there are none any more. */
static int32_t find_points(aise_state *work)
{
    for (int32_t tried = 0; tried <= work->kernel_count; tried++) {
        const kernel *own = &work->kernels[work->current];
        if (own->scored < sscam_direct_search_count(own->search))
            return 1;
        sscam_direct_search_advance(own->search);
        work->current = (work->current + 1) % work->kernel_count;
    }
    return 0;
}

/* The sum over kernels of their sums, each over its maximum where that is positive. */
static sscam_status finish(sscam_map_job *job, aise_state *work)
{
    const int64_t positions = sscam_position_count(job->shape.sides);
    double *total = work->kernels[0].sum;
    for (int32_t i = 0; i < work->kernel_count; i++) {
        double highest = 0.0, *sum = work->kernels[i].sum;
        for (int64_t p = 0; p < positions; p++)
            highest = fmax(highest, sum[p]);
        for (int64_t p = 0; p < positions; p++) {
            const double scaled = highest > 0.0 ? sum[p] / highest : sum[p];
            total[p] = i == 0 ? scaled : total[p] + scaled;
        }
    }
    return sscam_take_raw_map(job, job->shape.sides, total, 1.0);
}

/* S = sum_w S_w / max S_w, S_w = sum_i (f^c(X0 * m_i) - f^c(X0 * (1 - m_i))) m_i, m_i a Gaussian of
 * deviation w whose centre DIRECT finds so that the difference becomes large: AISE of OpenVINO
 * XAI. */
sscam_status sscam_weigh_aise(sscam_map_job *job)
{
    aise_state *work = job->state;
    if (!work)
        return begin(job);
    sscam_status status = take_scores(job, work);
    if (status == SSCAM_OK && find_points(work))
        return request_masks(job, work);
    job->requested_masks = NULL;
    job->later_inputs = 0;
    return status == SSCAM_OK ? finish(job, work) : status;
}
