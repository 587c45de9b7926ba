/* IS-CAM: Integrated Score-CAM (Naidu et al. 2020). */
#include "methods/methods.h"
#include "methods/score_weights.h"

/* C_k = (1/N) sum_{i=1..N} f^c(X0 * (i/N) s(U(A_k))) - f^c(X_b). */
sscam_status sscam_weigh_is_cam(sscam_map_job *job)
{
    return sscam_weigh_by_scores(job, SSCAM_SAMPLES_FADE_IN, SSCAM_REDUCE_MEAN);
}
