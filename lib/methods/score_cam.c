/* Score-CAM (Wang et al. 2020). */
#include "methods/score_weights.h"

/* C_k = f^c(X0 * s(U(A_k))) - f^c(X_b): Naidu & Michael 2020, eq. 5-8. */
sscam_status sscam_weigh_score_cam(sscam_explanation *explanation)
{
    return sscam_weigh_by_scores(explanation, SSCAM_SAMPLES_ONE, SSCAM_REDUCE_MEAN);
}
