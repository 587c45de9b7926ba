#include "model/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    /* 1 / sum exp(y_j - y_c): neither overflows nor divides zeros, however large the logits. */
    double sum = 0.0;
    for (int64_t j = 0; j < class_count; j++)
        sum += exp((double)logits[j] - logit);
    return 1.0 / sum;
}

sscam_status sscam_check_class(int64_t class_index, int64_t class_count)
{
    if (class_index >= -class_count && class_index < class_count)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_CLASS, "class %lld: the network has classes 0 to %lld%s",
                      (long long)class_index, (long long)class_count - 1,
                      class_index == SSCAM_CLASS_RANKED(0) ? ", and ranks begin at 1" : "");
}

double sscam_target_score(const float *logits, int64_t class_count, const sscam_target *target,
                          sscam_score_kind kind)
{
    double score = sscam_score_of(logits, class_count, target->class_index, kind);
    double factor = target->target_pixels ? target->target_pixels->factor : 1.0;
    switch (target->kind) {
    case SSCAM_TARGET_AGAINST: return -factor * score;
    case SSCAM_TARGET_DIFFERENCE:
        return factor * (score - sscam_score_of(logits, class_count, target->other_index, kind));
    default: return factor * score;
    }
}

sscam_score_kind sscam_row_kind(const sscam_target *target, sscam_score_kind kind)
{
    return target->target_pixels ? SSCAM_SCORE_LOGIT : kind;
}

double sscam_capture_score(const sscam_capture *capture, const sscam_target *target,
                           sscam_score_kind kind)
{
    const float *row = capture->target_pixels && kind != SSCAM_SCORE_LOGIT ? capture->probabilities
                                                                           : capture->logits;
    return sscam_target_score(row, capture->class_count, target, sscam_row_kind(target, kind));
}

/* Classes in the order of their logits, or of numbers of pixels. */
typedef struct ranking {
    const void *values; /* [class_count] */
    int64_t class_count;
    int32_t (*is_above)(const void *values, int64_t a, int64_t b);
} ranking;

static int32_t logit_is_above(const void *values, int64_t a, int64_t b)
{
    const float *logits = values;
    return logits[a] > logits[b];
}

/* As integers: floats would be exact up to 2^24 only. */
static int32_t count_is_above(const void *values, int64_t a, int64_t b)
{
    const int64_t *counts = values;
    return counts[a] > counts[b];
}

/* Of equal classes, the lower index comes first. */
static int32_t ranks_before(const ranking *classes, int64_t a, int64_t b)
{
    return classes->is_above(classes->values, a, b) ||
           (a < b && !classes->is_above(classes->values, b, a));
}

static int64_t first_class(const ranking *classes)
{
    int64_t first = 0;
    for (int64_t j = 1; j < classes->class_count; j++)
        if (classes->is_above(classes->values, j, first))
            first = j;
    return first;
}

static int64_t ranked_class(const ranking *classes, int64_t rank)
{
    int64_t found = first_class(classes);
    for (int64_t passed = 1; passed < rank; passed++) {
        int64_t next = -1;
        for (int64_t j = 0; j < classes->class_count; j++)
            if (ranks_before(classes, found, j) && (next < 0 || ranks_before(classes, j, next)))
                next = j;
        if (next < 0)
            return found; /* NaN has no order; the core refuses such logits later */
        found = next;
    }
    return found;
}

int64_t sscam_top_class(const float *logits, int64_t class_count)
{
    const ranking classes = {logits, class_count, logit_is_above};
    return first_class(&classes);
}

/* An index as it is; -k becomes the class at rank k. SSCAM_E_CLASS where there is no such class. */
static sscam_status resolve_class(const ranking *classes, int64_t *class_index)
{
    sscam_status status = sscam_check_class(*class_index, classes->class_count);
    if (status == SSCAM_OK && *class_index < 0)
        *class_index = ranked_class(classes, -*class_index);
    return status;
}

static sscam_status resolve_other(sscam_target *target, const ranking *classes)
{
    const int64_t class_count = classes->class_count;
    if (class_count < 2)
        return sscam_fail(SSCAM_E_CLASS, "target=difference: the network has only one class");
    if (target->other_index < 0) {
        const int64_t first = ranked_class(classes, 1);
        target->other_index = first != target->class_index ? first : ranked_class(classes, 2);
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
    const ranking classes = {logits, class_count, logit_is_above};
    sscam_status status = resolve_class(&classes, &target->class_index);
    if (status != SSCAM_OK)
        return status;
    if (target->kind == SSCAM_TARGET_DIFFERENCE)
        return resolve_other(target, &classes);
    target->other_index = -1;
    return SSCAM_OK;
}

sscam_status sscam_resolve_dense_class(sscam_target *target, const int64_t *pixel_counts,
                                       int64_t class_count)
{
    const ranking classes = {pixel_counts, class_count, count_is_above};
    return resolve_class(&classes, &target->class_index);
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
