/* Score-CAM (Wang et al. 2020). */
#include "methods/methods.h"
#include "methods/score_weights.h"

/* C_k = f^c(X0 * s(U(A_k))) - f^c(X_b): Naidu & Michael 2020, eq. 5-8. */
sscam_status sscam_weigh_score_cam(sscam_map_job *job)
{
    return sscam_weigh_by_scores(job, SSCAM_SAMPLES_ONE, SSCAM_REDUCE_MEAN);
}
