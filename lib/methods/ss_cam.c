/* SS-CAM: Smoothed Score-CAM (Naidu & Michael 2020). */
#include "methods/methods.h"
#include "methods/score_weights.h"

/* C_k = (1/N) sum_i f^c(X0 * (s(U(A_k)) + sigma n_ki)) - f^c(X_b): approach 1, eq. 9-11. */
sscam_status sscam_weigh_ss_cam_mean(sscam_map_job *job)
{
    return sscam_weigh_by_scores(job, SSCAM_SAMPLES_NOISY, SSCAM_REDUCE_MEAN);
}

/* C_k = max_i f^c(X0 * (s(U(A_k)) + sigma n_ki)) - f^c(X_b): approach 2, eq. 13-15. */
sscam_status sscam_weigh_ss_cam_max(sscam_map_job *job)
{
    return sscam_weigh_by_scores(job, SSCAM_SAMPLES_NOISY, SSCAM_REDUCE_MAXIMUM);
}
