#include "backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "sscam/explainer.h"

double sscam_score_of(const float *logits, int64_t class_count, int64_t class_index, sscam_score_kind kind)
{
    double logit = logits[class_index];
    if (kind == SSCAM_SCORE_LOGIT)
        return logit;
    if (kind == SSCAM_SCORE_SIGMOID || class_count == 1)
        return 1.0 / (1.0 + exp(-logit));
    /* 1 / sum exp(y_j - y_c): neither overflow nor a division of zeros, however large the logits. */
    double sum = 0.0;
    for (int64_t j = 0; j < class_count; j++)
        sum += exp((double)logits[j] - logit);
    return 1.0 / sum;
}

int64_t sscam_top_class(const float *logits, int64_t class_count)
{
    int64_t top = 0;
    for (int64_t j = 1; j < class_count; j++)
        if (logits[j] > logits[top])
            top = j;
    return top;
}

sscam_status sscam_check_class(int64_t class_index, int64_t class_count)
{
    if (class_index == SSCAM_CLASS_TOP || (class_index >= 0 && class_index < class_count))
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_CLASS, "class %lld: the network has classes 0 to %lld", (long long)class_index,
                      (long long)class_count - 1);
}

void sscam_capture_release(sscam_capture *capture)
{
    free(capture->layer);
    free(capture->activations);
    free(capture->gradients);
    free(capture->logits);
    memset(capture, 0, sizeof *capture);
}
