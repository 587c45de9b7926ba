#include "explain/job_gradients.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "explain/option_values.h"
#include "math/min_max.h"

static sscam_status check(const sscam_map_job *job, const sscam_gradients *found)
{
    int32_t is_finite = isfinite(found->value) &&
                        (!found->input ||
                         sscam_all_are_finite(found->input, sscam_input_size(&job->shape)));
    for (int64_t i = 0; i < found->map_count; i++) {
        const sscam_gradient_map *map = &found->maps[i];
        is_finite &= sscam_all_are_finite(map->values,
                                          map->channels * sscam_position_count(map->sides));
    }
    return is_finite
               ? SSCAM_OK
               : sscam_fail(SSCAM_E_MODEL, "%s: NaN or infinity among the gradients of the network",
                            job->method->title);
}

sscam_status sscam_find_gradients(sscam_map_job *job, const float *input, sscam_gradient_kind kind,
                                  sscam_gradients *out)
{
    const sscam_gradient_request request = {
        .input = input,
        .shape = job->shape,
        .output = job->output,
        .target = &job->target,
        .kind = kind,
        .block_count = job->settings->value[SSCAM_OPTION_ATTENTION_BLOCKS].integer};
    memset(out, 0, sizeof *out);
    if (!job->backend->differentiate)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s: the engine gives no gradients throughout a network",
                          job->method->title);
    sscam_status status = sscam_progress_check(&job->progress);
    if (status != SSCAM_OK)
        return status;
    status = job->backend->differentiate(job->network, &request, out);
    if (status == SSCAM_E_UNSUPPORTED)
        return sscam_fail(status, "%s: %s", job->method->title, sscam_error_message());
    if (status != SSCAM_OK)
        return status;
    job->passes++;
    status = check(job, out);
    if (status != SSCAM_OK)
        sscam_gradients_release(out);
    return status;
}
