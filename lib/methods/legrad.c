/* LeGrad: sensitivity of feature formation (Bousselham et al. 2024). */
#include "base/error.h"
#include "explain/job_gradients.h"
#include "explain/option_values.h"
#include "methods/methods.h"
#include "model/activation_layout.h"

/* Tokens are pooled to one class score. */
static sscam_status check_target(const sscam_map_job *job)
{
    if (job->target.kind == SSCAM_TARGET_DETECTION)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s explains no detections; grad-cam does, for instance",
                          job->method->title);
    if (job->capture->target_pixels)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s explains no dense outputs; grad-cam does, for instance",
                          job->method->title);
    return SSCAM_OK;
}

/* The grid that the caller gives or, without one, the network's own. */
static sscam_status find_grid(const sscam_map_job *job, const sscam_gradients *found,
                              sscam_activation_layout *layout)
{
    const int64_t tokens[] = {1, found->maps[0].sides.width, 1};
    sscam_layout_hint hint = sscam_layout_hint_of(job->settings);
    if (hint.grid_width == 0)
        hint = found->tokens;
    hint.channel_axis = SSCAM_CHANNEL_AXIS_LAST;
    return sscam_require_activation_layout("of tokens", tokens, 3, &job->shape, &hint, layout);
}

/* E_j = (1/L) sum_l (1/(h n)) sum_h sum_i ReLU(ds^l / dA^l_hij) of the tokens j of the grid, A^l
 * being the attention of block l and s^l the class score of the mean of the tokens that the block
 * gives: Bousselham et al. 2024, section 3. */
sscam_status sscam_weigh_legrad(sscam_map_job *job)
{
    sscam_gradients found;
    sscam_activation_layout layout;
    sscam_status status = check_target(job);
    if (status == SSCAM_OK)
        status = sscam_find_gradients(job, job->input, SSCAM_GRADIENTS_OF_ATTENTION, &found);
    if (status != SSCAM_OK)
        return status;
    job->passes += found.map_count; /* each block's class score */
    status = find_grid(job, &found, &layout);
    if (status == SSCAM_OK)
        status = sscam_begin_raw_map(job, layout.sides);
    const int64_t positions = status == SSCAM_OK ? sscam_position_count(layout.sides) : 0;
    for (int64_t p = 0; p < positions; p++) {
        double sum = 0.0;
        for (int64_t l = 0; l < found.map_count; l++)
            sum += (double)found.maps[l].values[layout.extra + p];
        job->raw_map[p] = (float)(sum / (double)found.map_count);
    }
    sscam_gradients_release(&found);
    return status;
}
