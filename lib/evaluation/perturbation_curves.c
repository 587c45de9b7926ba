#include "evaluation/perturbation_curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "evaluation/metrics.h"

/* Masks have the input's size already: neither upsampling nor this offset and gain change a bit. */
static const sscam_mask_channel UNCHANGED = {
    .channel = 0, .offset = 0.0f, .gain = 1.0f, .noise_stddev = 0.0f};

static sscam_mask_plan plan_of(const sscam_perturbation *masking, const float *mask)
{
    return (sscam_mask_plan){.input = masking->input,
                             .input_rank = masking->shape.rank,
                             .input_channels = masking->shape.channels,
                             .input_sides = masking->shape.sides,
                             .activations = mask,
                             .map_sides = masking->shape.sides,
                             .channels = &UNCHANGED,
                             .channel_count = 1,
                             .samples = 1,
                             .background = masking->background};
}

/* A score that is not finite would give a finite metric: a rise to infinity has an average drop of
 * 0. */
static sscam_status check_scores(const float *scores, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(scores[i]))
            return sscam_fail(SSCAM_E_MODEL, "the network's score of a masked input is %g",
                              (double)scores[i]);
    return SSCAM_OK;
}

static sscam_status score_plans(const sscam_perturbation *masking,
                                const sscam_mask_plan *const *plans, int64_t count,
                                const sscam_target *targets, int64_t target_count,
                                const sscam_progress *progress, float *scores)
{
    const sscam_mask_list list = {plans, count};
    const sscam_score_request request = {.masks = &list,
                                         .kind = masking->kind,
                                         .output = masking->output,
                                         .targets = targets,
                                         .target_count = target_count,
                                         .scoring = masking->scoring,
                                         .progress = progress};
    sscam_status status = sscam_progress_check(progress);
    if (status == SSCAM_OK)
        status = masking->backend->score(masking->network, &request, scores);
    return status == SSCAM_OK ? check_scores(scores, sscam_mask_list_count(&list) * target_count)
                              : status;
}

sscam_status sscam_score_masks(const sscam_perturbation *masking, const float *const *masks,
                               int64_t mask_count, const sscam_target *targets,
                               int64_t target_count, const sscam_progress *progress, float *scores)
{
    sscam_mask_plan *plans = sscam_zeros(mask_count, sizeof *plans);
    const sscam_mask_plan **list = sscam_zeros(mask_count, sizeof *list);
    sscam_status status = SSCAM_OK;
    if (!plans || !list)
        status = sscam_fail_memory("masked inputs");
    for (int64_t i = 0; i < mask_count && status == SSCAM_OK; i++) {
        plans[i] = plan_of(masking, masks[i]);
        list[i] = &plans[i];
    }
    if (status == SSCAM_OK)
        status = score_plans(masking, list, mask_count, targets, target_count, progress, scores);
    free(plans);
    free(list);
    return status;
}

sscam_status sscam_score_inputs(const sscam_perturbation *masking, const float *const *inputs,
                                int64_t input_count, const sscam_target *targets,
                                int64_t target_count, const sscam_progress *progress, float *scores)
{
    const int64_t pixels = sscam_position_count(masking->shape.sides);
    sscam_mask_plan *plans = sscam_zeros(input_count, sizeof *plans);
    const sscam_mask_plan **list = sscam_zeros(input_count, sizeof *list);
    float *ones = sscam_allocate_array(pixels, sizeof *ones);
    sscam_status status = SSCAM_OK;
    if (!plans || !list || !ones)
        status = sscam_fail_memory("altered inputs");
    for (int64_t p = 0; p < pixels && ones; p++)
        ones[p] = 1.0f;
    for (int64_t i = 0; i < input_count && status == SSCAM_OK; i++) {
        plans[i] = plan_of(masking, ones);
        plans[i].input = inputs[i];
        plans[i].background = NULL;
        list[i] = &plans[i];
    }
    if (status == SSCAM_OK)
        status = score_plans(masking, list, input_count, targets, target_count, progress, scores);
    free(plans);
    free(list);
    free(ones);
    return status;
}

/* --- curves ----------------------------------------------------------------------------------- */

enum { MASKS_AT_ONCE = 32 }; /* of a curve in memory */

typedef struct curve_masks {
    const int32_t *order;
    sscam_curve_kind curve;
    int64_t steps, pixels;
    float *masks; /* [MASKS_AT_ONCE, pixels] */
} curve_masks;

/* Writes the mask of a step into its slot, from that of the step before, which is still in the slot
 * before. */
static void write_step(const curve_masks *curve, int64_t step)
{
    const float start = curve->curve == SSCAM_CURVE_INSERTION ? 0.0f : 1.0f;
    float *mask = curve->masks + step % MASKS_AT_ONCE * curve->pixels;
    if (step == 0) {
        for (int64_t p = 0; p < curve->pixels; p++)
            mask[p] = start;
        return;
    }
    memcpy(mask, curve->masks + (step - 1) % MASKS_AT_ONCE * curve->pixels,
           (size_t)curve->pixels * sizeof *mask);
    int64_t end = sscam_pixels_after_step(step, curve->steps, curve->pixels);
    for (int64_t i = sscam_pixels_after_step(step - 1, curve->steps, curve->pixels); i < end; i++)
        mask[curve->order[i]] = 1.0f - start;
}

/* Points `first` to `first + count - 1`. */
static sscam_status score_steps(const sscam_perturbation *masking, const curve_masks *curve,
                                int64_t first, int64_t count, const sscam_target *target,
                                const sscam_progress *progress, double *points)
{
    const float *masks[MASKS_AT_ONCE];
    float scores[MASKS_AT_ONCE];
    for (int64_t i = 0; i < count; i++) {
        write_step(curve, first + i);
        masks[i] = curve->masks + i * curve->pixels;
    }
    sscam_status status = sscam_score_masks(masking, masks, count, target, 1, progress, scores);
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++)
        points[first + i] = scores[i];
    return status;
}

sscam_status sscam_score_curve(const sscam_perturbation *masking, const int32_t *order,
                               sscam_curve_kind curve, int64_t steps, const sscam_target *target,
                               const sscam_progress *progress, double *points)
{
    curve_masks masks = {.order = order,
                         .curve = curve,
                         .steps = steps,
                         .pixels = sscam_position_count(masking->shape.sides)};
    masks.masks = sscam_allocate_array(sscam_times(masks.pixels, MASKS_AT_ONCE),
                                       sizeof *masks.masks);
    if (!masks.masks)
        return sscam_fail_memory("the masks of a curve");
    sscam_status status = SSCAM_OK;
    for (int64_t first = 0; first <= steps && status == SSCAM_OK; first += MASKS_AT_ONCE) {
        int64_t count = steps + 1 - first < MASKS_AT_ONCE ? steps + 1 - first : MASKS_AT_ONCE;
        sscam_progress part = sscam_progress_part(progress, (double)first / (double)(steps + 1),
                                                  (double)(first + count) / (double)(steps + 1));
        status = score_steps(masking, &masks, first, count, target, &part, points);
    }
    free(masks.masks);
    return status;
}
