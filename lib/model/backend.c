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

/* --- values of targets ------------------------------------------------------------------------ */

static int64_t references_of(const sscam_target *target)
{
    return target->reference_count > 0 ? target->reference_count : 1;
}

static double contrast_weight(const sscam_target *target)
{
    return 1.0 + target->contrast_factor;
}

/* f^c - gamma (1/n) sum_i f^d_i: Zhang et al. 2025 (Finer-CAM), the mean over references. */
static double difference(const float *logits, int64_t class_count, const sscam_target *target,
                         sscam_score_kind kind)
{
    double sum = 0.0;
    for (int64_t i = 0; i < references_of(target); i++)
        sum += sscam_score_of(logits, class_count, target->references[i], kind);
    return sscam_score_of(logits, class_count, target->class_index, kind) -
           contrast_weight(target) * sum / (double)references_of(target);
}

/* sum_j w_j f^j; the sum of a softmax is computed once. */
static double weighted_score(const float *logits, int64_t class_count, const sscam_target *target,
                             sscam_score_kind kind)
{
    double sum = 0.0, highest = -INFINITY, total = 0.0;
    const int32_t is_softmax = kind == SSCAM_SCORE_SOFTMAX && class_count > 1;
    for (int64_t j = 0; j < class_count; j++)
        highest = fmax(highest, logits[j]);
    for (int64_t j = 0; j < class_count; j++) {
        const double score = is_softmax ? exp((double)logits[j] - highest)
                                        : sscam_score_of(logits, class_count, j, kind);
        total += score;
        sum += (double)target->weights[j] * score;
    }
    return is_softmax ? sum / total : sum;
}

/* sum_j a_j b_j / (|a| |b|); NaN where either is 0. */
static double cosine(const float *a, const float *b, int64_t count)
{
    double product = 0.0, a_square = 0.0, b_square = 0.0;
    for (int64_t j = 0; j < count; j++) {
        product += (double)a[j] * b[j];
        a_square += (double)a[j] * a[j];
        b_square += (double)b[j] * b[j];
    }
    return product / (sqrt(a_square) * sqrt(b_square));
}

/* d cos(w, y) / dy = (w / |w| - cos(w, y) y / |y|) / |y| */
static void write_cosine_slopes(const float *weights, const float *logits, int64_t count,
                                double *slopes)
{
    double weight_square = 0.0, logit_square = 0.0;
    for (int64_t j = 0; j < count; j++) {
        weight_square += (double)weights[j] * weights[j];
        logit_square += (double)logits[j] * logits[j];
    }
    const double similarity = cosine(weights, logits, count), length = sqrt(logit_square);
    for (int64_t j = 0; j < count; j++)
        slopes[j] = (weights[j] / sqrt(weight_square) - similarity * logits[j] / length) / length;
}

/* The similarity lies in [0,1], as a probability does. */
static double detection_score(const float *row, const sscam_target *target, sscam_score_kind kind)
{
    const double similarity = sscam_detection_similarity(target->detection, row);
    return kind == SSCAM_SCORE_LOGIT ? sscam_similarity_logit(similarity) : similarity;
}

double sscam_target_score(const float *logits, int64_t class_count, const sscam_target *target,
                          sscam_score_kind kind)
{
    double factor = target->target_pixels ? target->target_pixels->factor : 1.0;
    switch (target->kind) {
    case SSCAM_TARGET_AGAINST:
        return -factor * sscam_score_of(logits, class_count, target->class_index, kind);
    case SSCAM_TARGET_DIFFERENCE: return factor * difference(logits, class_count, target, kind);
    case SSCAM_TARGET_WEIGHTS: return factor * weighted_score(logits, class_count, target, kind);
    case SSCAM_TARGET_COSINE: return factor * cosine(target->weights, logits, class_count);
    case SSCAM_TARGET_DETECTION: return detection_score(logits, target, kind);
    default: return factor * sscam_score_of(logits, class_count, target->class_index, kind);
    }
}

void sscam_target_slopes(const sscam_target *target, const float *logits, int64_t class_count,
                         double *slopes)
{
    const double sign = target->kind == SSCAM_TARGET_AGAINST ? -1.0 : 1.0;
    int64_t factors[2];
    const int32_t factor_count = sscam_target_factors(target, factors);
    for (int64_t j = 0; j < class_count; j++)
        slopes[j] = target->kind == SSCAM_TARGET_WEIGHTS ? target->weights[j] : 0.0;
    if (target->kind == SSCAM_TARGET_COSINE)
        write_cosine_slopes(target->weights, logits, class_count, slopes);
    for (int32_t i = 0; i < factor_count; i++)
        slopes[factors[i]] = factor_count == 2 ? logits[factors[1 - i]] : 1.0;
    if (factor_count > 0 || target->kind == SSCAM_TARGET_WEIGHTS ||
        target->kind == SSCAM_TARGET_COSINE)
        return;
    slopes[target->class_index] = sign;
    for (int64_t i = 0; target->kind == SSCAM_TARGET_DIFFERENCE && i < references_of(target); i++)
        slopes[target->references[i]] -= contrast_weight(target) / (double)references_of(target);
}

int32_t sscam_target_factors(const sscam_target *target, int64_t positions[2])
{
    return target->kind == SSCAM_TARGET_DETECTION
               ? sscam_detector_factors(target->detection->layout, target->anchor,
                                        target->detection->class_index, positions)
               : 0;
}

int32_t sscam_target_takes_all_outputs(const sscam_target *target)
{
    return target->weights || target->kind == SSCAM_TARGET_DETECTION;
}

int64_t sscam_target_output_count(const sscam_target *target)
{
    if (target->kind == SSCAM_TARGET_DETECTION)
        return target->detection->layout->value_count;
    if (target->kind == SSCAM_TARGET_WEIGHTS || target->kind == SSCAM_TARGET_COSINE)
        return target->weight_count;
    int64_t highest = target->class_index;
    for (int64_t i = 0; target->kind == SSCAM_TARGET_DIFFERENCE && i < references_of(target); i++)
        highest = target->references[i] > highest ? target->references[i] : highest;
    return highest + 1;
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

/* Besides d, the classes with the highest outputs. */
static sscam_status resolve_references(sscam_target *target, const ranking *classes)
{
    const int64_t wanted = references_of(target);
    int64_t found = 1;
    if (target->has_references)
        return SSCAM_OK;
    if (wanted > classes->class_count - 1)
        return sscam_fail(SSCAM_E_CLASS,
                          "option contrast_count: %lld classes besides the one that is explained, "
                          "but the network has %lld",
                          (long long)wanted, (long long)classes->class_count - 1);
    target->references[0] = target->other_index;
    for (int64_t rank = 1; found < wanted && rank <= classes->class_count; rank++) {
        const int64_t next = ranked_class(classes, rank);
        if (next != target->class_index && next != target->other_index)
            target->references[found++] = next;
    }
    target->reference_count = found;
    target->has_references = 1;
    return SSCAM_OK;
}

static sscam_status check_weight_count(const sscam_target *target, int64_t class_count)
{
    if (target->weight_count == class_count)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "target weights: %lld of them, but the network has %lld outputs",
                      (long long)target->weight_count, (long long)class_count);
}

/* The box that matches in this row. */
static sscam_status resolve_detection(sscam_target *target, const float *row, int64_t value_count)
{
    const sscam_detection_target *detection = target->detection;
    if (value_count != detection->layout->value_count)
        return sscam_fail(SSCAM_E_MODEL, "the detector gave %lld values, and then %lld",
                          (long long)detection->layout->value_count, (long long)value_count);
    if (target->anchor < 0)
        target->anchor = sscam_match_anchor(detection, row);
    target->class_index = detection->class_index;
    target->other_index = -1;
    if (target->anchor >= 0)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_CLASS,
                      "class %lld: the detector finds no box that overlaps %g,%g,%g,%g with a "
                      "confidence above 0",
                      (long long)detection->class_index, detection->box.left, detection->box.top,
                      detection->box.right, detection->box.bottom);
}

sscam_status sscam_resolve_target(sscam_target *target, const float *logits, int64_t class_count)
{
    if (target->kind == SSCAM_TARGET_DETECTION)
        return resolve_detection(target, logits, class_count);
    const ranking classes = {logits, class_count, logit_is_above};
    sscam_status status = resolve_class(&classes, &target->class_index);
    if (status == SSCAM_OK && target->kind == SSCAM_TARGET_DIFFERENCE) {
        status = resolve_other(target, &classes);
        return status == SSCAM_OK ? resolve_references(target, &classes) : status;
    }
    if (status != SSCAM_OK)
        return status;
    target->other_index = -1;
    return target->weights ? check_weight_count(target, class_count) : SSCAM_OK;
}

sscam_status sscam_resolve_dense_class(sscam_target *target, const int64_t *pixel_counts,
                                       int64_t class_count)
{
    const ranking classes = {pixel_counts, class_count, count_is_above};
    return resolve_class(&classes, &target->class_index);
}

static int32_t same_references(const sscam_target *a, const sscam_target *b)
{
    return a->has_references == b->has_references && a->contrast_factor == b->contrast_factor &&
           references_of(a) == references_of(b) &&
           memcmp(a->references, b->references, (size_t)references_of(a) * sizeof *a->references) ==
               0;
}

static int32_t same_weights(const sscam_target *a, const sscam_target *b)
{
    return a->weight_count == b->weight_count &&
           (a->weights == b->weights ||
            memcmp(a->weights, b->weights, (size_t)a->weight_count * sizeof *a->weights) == 0);
}

int32_t sscam_same_target(const sscam_target *a, const sscam_target *b)
{
    if (a->kind != b->kind || a->class_index != b->class_index ||
        a->other_index != b->other_index || a->target_pixels != b->target_pixels)
        return 0;
    if (a->kind == SSCAM_TARGET_DIFFERENCE)
        return same_references(a, b);
    if (a->kind == SSCAM_TARGET_DETECTION)
        return a->anchor == b->anchor && sscam_same_detection(a->detection, b->detection);
    return (a->kind != SSCAM_TARGET_WEIGHTS && a->kind != SSCAM_TARGET_COSINE) ||
           same_weights(a, b);
}

void sscam_gradients_release(sscam_gradients *gradients)
{
    for (int64_t i = 0; i < gradients->map_count; i++)
        free(gradients->maps[i].values);
    free(gradients->maps);
    free(gradients->input);
    memset(gradients, 0, sizeof *gradients);
}

void sscam_capture_release(sscam_capture *capture)
{
    free(capture->layer);
    free(capture->activations);
    free(capture->gradients);
    free(capture->curvature);
    free(capture->logits);
    free(capture->probabilities);
    sscam_target_pixels_destroy(capture->target_pixels);
    memset(capture, 0, sizeof *capture);
}
