/* KPCA-CAM (Karmani et al. 2024). */
#include "math/linalg.h"
#include "methods/methods.h"

/* The positions' projection on the first kernel principal component, for the sigmoid kernel
 * tanh(x.y / K + 1) of the activations minus their means. */
sscam_status sscam_weigh_kpca_cam(sscam_map_job *job)
{
    const sscam_capture *capture = job->capture;
    sscam_status status = sscam_begin_raw_map(job, capture->sides);
    if (status != SSCAM_OK)
        return status;
    return sscam_project_on_kernel_component(capture->activations, capture->channels,
                                             sscam_position_count(capture->sides), job->raw_map);
}
