/* Scores of masked inputs and of ablated channels by an engine of the host. */
#ifndef SSCAM_LIB_ENGINE_ENGINE_SCORING_H
#define SSCAM_LIB_ENGINE_ENGINE_SCORING_H

#include "engine/engine_call.h"

/* As in sscam_backend. The core checks that scores are finite. */
sscam_status sscam_engine_score(void *network, const sscam_score_request *request, float *scores);
sscam_status sscam_engine_ablate(void *network, const sscam_ablation_request *request,
                                 float *scores);

#endif
