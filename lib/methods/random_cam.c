/* Random weights: the baseline that a method has to beat. RandomCAM of the package grad-cam. */
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "masks/noise.h"
#include "methods/methods.h"

/* a_k = 2 u_k - 1, u_k uniform in (0, 1): word k of the noise's generator with channel and sample
 * 0. */
sscam_status sscam_weigh_random_cam(sscam_map_job *job)
{
    const int64_t channels = job->capture->channels;
    const sscam_noise_plane plane = {.seed = job->settings->value[SSCAM_OPTION_SEED].integer,
                                     .image = (uint32_t)job->image_index};
    uint32_t *words = sscam_allocate_array(channels, sizeof *words);
    if (!words)
        return sscam_fail_memory("random weights");
    sscam_noise_words(&plane, 0, channels, words);
    for (int64_t k = 0; k < channels; k++)
        job->weights[k] = (float)((words[k] + 0.5) * 0x1p-31 - 1.0);
    free(words);
    return SSCAM_OK;
}
