#include "model/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "sscam/explainer.h"

double sscam_score_of(const float *logits, int64_t class_count, int64_t class_index,
                      sscam_score_kind kind)
{
    double logit = logits[class_index];
    if (kind == SSCAM_SCORE_LOGIT)
        return logit;
    if (kind == SSCAM_SCORE_SIGMOID || class_count == 1)
        return 1.0 / (1.0 + exp(-logit));
    /* 1 / sum exp(y_j - y_c): neither overflow nor a division of zeros, however large the logits.
     */
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
    if (class_index >= -class_count && class_index < class_count)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_CLASS, "class %lld: the network has classes 0 to %lld",
                      (long long)class_index, (long long)class_count - 1);
}

double sscam_target_score(const float *logits, int64_t class_count, const sscam_target *target,
                          sscam_score_kind kind)
{
    double score = sscam_score_of(logits, class_count, target->class_index, kind);
    double factor = target->target_pixels != NULL ? target->target_pixels->factor : 1.0;
    switch (target->kind) {
    case SSCAM_TARGET_AGAINST: return -factor * score;
    case SSCAM_TARGET_DIFFERENCE:
        return factor * (score - sscam_score_of(logits, class_count, target->other_index, kind));
    default: return factor * score;
    }
}

sscam_score_kind sscam_row_kind(const sscam_target *target, sscam_score_kind kind)
{
    return target->target_pixels != NULL ? SSCAM_SCORE_LOGIT : kind;
}

double sscam_capture_score(const sscam_capture *capture, const sscam_target *target,
                           sscam_score_kind kind)
{
    const float *row = capture->target_pixels != NULL && kind != SSCAM_SCORE_LOGIT
                           ? capture->probabilities
                           : capture->logits;
    return sscam_target_score(row, capture->class_count, target, sscam_row_kind(target, kind));
}

/* Whether class a comes before b when the highest logit is first. */
static int32_t ranks_before(const float *logits, int64_t a, int64_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static int64_t ranked_class(const float *logits, int64_t class_count, int64_t rank)
{
    int64_t found = sscam_top_class(logits, class_count);
    for (int64_t passed = 1; passed < rank; passed++) {
        int64_t next = -1;
        for (int64_t j = 0; j < class_count; j++)
            if (ranks_before(logits, found, j) && (next < 0 || ranks_before(logits, j, next)))
                next = j;
        if (next < 0)
            return found; /* logits that are no numbers have no order; the core refuses them */
        found = next;
    }
    return found;
}

static sscam_status resolve_other(sscam_target *target, const float *logits, int64_t class_count)
{
    if (class_count < 2)
        return sscam_fail(SSCAM_E_CLASS, "target=difference: the network has one class alone");
    if (target->other_index < 0) {
        int64_t first = ranked_class(logits, class_count, 1);
        target->other_index = first != target->class_index ? first
                                                           : ranked_class(logits, class_count, 2);
    }
    if (target->other_index >= class_count)
        return sscam_fail(SSCAM_E_CLASS,
                          "option contrast: class %lld: the network has classes 0 to %lld",
                          (long long)target->other_index, (long long)class_count - 1);
    if (target->other_index == target->class_index)
        return sscam_fail(SSCAM_E_CLASS,
                          "option contrast: class %lld is the class that is explained",
                          (long long)target->other_index);
    return SSCAM_OK;
}

sscam_status sscam_resolve_target(sscam_target *target, const float *logits, int64_t class_count)
{
    sscam_status status = sscam_check_class(target->class_index, class_count);
    if (status != SSCAM_OK)
        return status;
    if (target->class_index == SSCAM_CLASS_TOP)
        target->class_index = sscam_top_class(logits, class_count);
    else if (target->class_index < 0)
        target->class_index = ranked_class(logits, class_count, -target->class_index);
    if (target->kind != SSCAM_TARGET_DIFFERENCE)
        target->other_index = -1;
    return target->kind == SSCAM_TARGET_DIFFERENCE ? resolve_other(target, logits, class_count)
                                                   : SSCAM_OK;
}

sscam_status sscam_resolve_dense_class(sscam_target *target, const int64_t *places,
                                       int64_t class_count)
{
    float *counts = sscam_array(class_count, sizeof *counts);
    if (counts == NULL)
        return sscam_fail_memory("classes");
    for (int64_t j = 0; j < class_count; j++)
        counts[j] = (float)places[j];
    sscam_target seen = {.kind = SSCAM_TARGET_CLASS, .class_index = target->class_index};
    sscam_status status = sscam_resolve_target(&seen, counts, class_count);
    target->class_index = seen.class_index;
    free(counts);
    return status;
}

int32_t sscam_same_target(const sscam_target *a, const sscam_target *b)
{
    return a->kind == b->kind && a->class_index == b->class_index &&
           a->other_index == b->other_index && a->target_pixels == b->target_pixels;
}

void sscam_capture_release(sscam_capture *capture)
{
    free(capture->layer);
    free(capture->activations);
    free(capture->gradients);
    free(capture->logits);
    free(capture->probabilities);
    sscam_target_pixels_destroy(capture->target_pixels);
    memset(capture, 0, sizeof *capture);
}
