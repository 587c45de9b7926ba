/* sscam_explainer_classify(): the highest classes of an image, with their probabilities. */
#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/call.h"
#include "explain/detector_reading.h"
#include "explain/explainer_private.h"
#include "explain/option_values.h"

/* Outputs for one input, [class_count] each; of dense outputs means over all pixels. */
typedef struct outputs {
    float *logits;        /* malloc'ed */
    float *probabilities; /* malloc'ed, of dense outputs; NULL: they follow from the logits */
    int64_t class_count;
} outputs;

static sscam_status run(const sscam_explainer *explainer, const sscam_call *call,
                        const float *input, const sscam_shape *shape, sscam_score_kind kind,
                        int32_t *is_dense, float **values, int64_t *count)
{
    const sscam_model *model = explainer->model;
    const sscam_output_selection selection = {
        .output = sscam_output_of(&explainer->settings), .kind = kind, .is_dense = is_dense};
    sscam_status status = sscam_progress_check(&call->progress);
    if (status == SSCAM_OK)
        status = model->backend->classify(model->network, input, shape, &selection, values, count);
    for (int64_t j = 0; status == SSCAM_OK && j < *count; j++)
        if (!isfinite((*values)[j]))
            status = sscam_fail(SSCAM_E_MODEL, "the network's output %lld is NaN or infinity",
                                (long long)j);
    return status == SSCAM_OK ? sscam_progress_check(&call->progress) : status;
}

static sscam_status run_all(const sscam_explainer *explainer, const sscam_call *call,
                            const float *input, const sscam_shape *shape, outputs *out)
{
    int32_t is_dense = 0;
    int64_t count = 0;
    sscam_status status = run(explainer, call, input, shape, SSCAM_SCORE_LOGIT, &is_dense,
                              &out->logits, &out->class_count);
    if (status != SSCAM_OK || !is_dense)
        return status;
    status = run(explainer, call, input, shape, sscam_probability_kind(&explainer->settings), NULL,
                 &out->probabilities, &count);
    if (status == SSCAM_OK && count != out->class_count)
        status = sscam_fail(SSCAM_E_MODEL, "the network has %lld outputs, and then %lld",
                            (long long)out->class_count, (long long)count);
    return status;
}

/* By probability where it was computed, else by logit; the lower index first among equals. */
static int compare(const void *a, const void *b)
{
    const sscam_class_score *own = a, *other = b;
    if (own->probability != other->probability)
        return own->probability < other->probability ? 1 : -1;
    if (own->logit != other->logit)
        return own->logit < other->logit ? 1 : -1;
    return own->class_index < other->class_index ? -1 : 1;
}

/* e^(y_j - y_top) p_top is the softmax of class j, whose sum over the classes is taken once. */
static void add_probabilities(const outputs *found, sscam_score_kind kind,
                              sscam_class_score *sorted, int64_t count)
{
    const double top = sscam_score_of(found->logits, found->class_count, sorted[0].class_index,
                                      kind);
    for (int64_t i = 0; i < count; i++)
        sorted[i].probability = kind == SSCAM_SCORE_SIGMOID || found->class_count == 1
                                    ? sscam_score_of(found->logits, found->class_count,
                                                     sorted[i].class_index, kind)
                                    : exp(sorted[i].logit - sorted[0].logit) * top;
}

static sscam_status rank(const outputs *found, sscam_score_kind kind, sscam_class_score *scores,
                         int64_t capacity)
{
    sscam_class_score *all = sscam_zeros(found->class_count, sizeof *all);
    if (!all)
        return sscam_fail_memory("the classes' scores");
    for (int64_t j = 0; j < found->class_count; j++)
        all[j] = (sscam_class_score){
            .class_index = j,
            .logit = (double)found->logits[j],
            .probability = found->probabilities ? (double)found->probabilities[j] : 0.0};
    qsort(all, (size_t)found->class_count, sizeof *all, compare);
    const int64_t count = capacity < found->class_count ? capacity : found->class_count;
    if (!found->probabilities && count > 0)
        add_probabilities(found, kind, all, count);
    for (int64_t i = 0; i < count; i++)
        scores[i] = all[i];
    free(all);
    return SSCAM_OK;
}

static sscam_status classify(const sscam_explainer *explainer, const sscam_call *call,
                             const sscam_image *image, outputs *out)
{
    sscam_geometry geometry;
    sscam_shape shape;
    float *input;
    sscam_status status = sscam_create_input(explainer, image, &geometry, &shape, &input);
    if (status == SSCAM_OK)
        status = sscam_refuse_detector(explainer, input, &shape, &call->progress,
                                       "sscam_explainer_classify");
    if (status == SSCAM_OK)
        status = run_all(explainer, call, input, &shape, out);
    free(input);
    return status;
}

sscam_status sscam_explainer_classify(sscam_explainer *explainer, const sscam_image *image,
                                      sscam_class_score *scores, int64_t capacity, int64_t *count)
{
    static const char function[] = "sscam_explainer_classify";
    outputs found = {NULL, NULL, 0};
    sscam_call call;
    if (!explainer || !image || !count || (!scores && capacity != 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: a pointer is NULL", function);
    if (capacity < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: capacity is %lld", function, (long long)capacity);
    sscam_status status = sscam_call_begin(&call, &explainer, 1, function);
    if (status != SSCAM_OK)
        return status;
    status = classify(explainer, &call, image, &found);
    if (status == SSCAM_OK)
        status = rank(&found, sscam_probability_kind(&explainer->settings), scores, capacity);
    sscam_call_end(&call);
    if (status == SSCAM_OK)
        *count = found.class_count;
    free(found.logits);
    free(found.probabilities);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
