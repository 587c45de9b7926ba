/* The way of one explanation: capture, weigh, combine. Nothing here asks which method runs. */
#include "sscam/explainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "map_private.h"
#include "model_private.h"
#include "options.h"
#include "preprocess.h"
#include "strategy.h"

struct sscam_explainer {
    sscam_model *model;
    const sscam_method *method;
    sscam_settings settings;
    sscam_progress progress;
    char value_text[64]; /* what sscam_explainer_get() hands out */
};

sscam_status sscam_explainer_create(sscam_model *model, const char *method, sscam_explainer **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_create: out is NULL");
    *out = NULL;
    if (model == NULL || method == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_create: %s is NULL", model == NULL ? "model" : "method");
    const sscam_method *row = sscam_method_find(method);
    if (row == NULL)
        return SSCAM_E_ARGUMENT;
    sscam_explainer *explainer = calloc(1, sizeof *explainer);
    if (explainer == NULL)
        return sscam_fail_memory("an explainer");
    sscam_status status = sscam_settings_init(&explainer->settings);
    if (status != SSCAM_OK) {
        free(explainer);
        return status;
    }
    explainer->model = sscam_model_ref(model);
    explainer->method = row;
    *out = explainer;
    return sscam_succeed();
}

void sscam_explainer_destroy(sscam_explainer *explainer)
{
    if (explainer == NULL)
        return;
    sscam_model_destroy(explainer->model);
    sscam_settings_release(&explainer->settings);
    free(explainer);
}

/* --- options ------------------------------------------------------------------------------------- */

static sscam_status finish(sscam_status status)
{
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_explainer_set(sscam_explainer *explainer, const char *name, const char *value)
{
    if (explainer == NULL || name == NULL || value == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set: a pointer is NULL");
    return finish(sscam_settings_set(&explainer->settings, explainer->method->name, name, value));
}

sscam_status sscam_explainer_set_int(sscam_explainer *explainer, int32_t option, int64_t value)
{
    if (explainer == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_int: explainer is NULL");
    return finish(sscam_settings_set_int(&explainer->settings, option, value));
}

sscam_status sscam_explainer_set_real(sscam_explainer *explainer, int32_t option, double value)
{
    if (explainer == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_real: explainer is NULL");
    return finish(sscam_settings_set_real(&explainer->settings, option, value));
}

sscam_status sscam_explainer_set_string(sscam_explainer *explainer, int32_t option, const char *value)
{
    if (explainer == NULL || value == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_string: a pointer is NULL");
    return finish(sscam_settings_set_string(&explainer->settings, explainer->method->name, option, value));
}

const char *sscam_explainer_get(sscam_explainer *explainer, const char *name)
{
    if (explainer == NULL || name == NULL)
        return NULL;
    return sscam_settings_get(&explainer->settings, name, explainer->value_text, sizeof explainer->value_text);
}

sscam_status sscam_explainer_set_progress(sscam_explainer *explainer, sscam_progress_callback callback, void *user)
{
    if (explainer == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_progress: explainer is NULL");
    explainer->progress.callback = callback;
    explainer->progress.user = user;
    return sscam_succeed();
}

/* --- one explanation ----------------------------------------------------------------------------- */

static sscam_status check_capture(const sscam_capture *capture)
{
    int64_t count = capture->channels * capture->height * capture->width;
    if (count < 1 || capture->height > INT32_MAX || capture->width > INT32_MAX)
        return sscam_fail(SSCAM_E_LAYER, "layer %s: its output %lldx%lldx%lld has no places to map", capture->layer,
                          (long long)capture->channels, (long long)capture->height, (long long)capture->width);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(capture->activations[i]) || (capture->gradients != NULL && !isfinite(capture->gradients[i])))
            return sscam_fail(SSCAM_E_MODEL, "layer %s: NaN or infinity among its %s", capture->layer,
                              isfinite(capture->activations[i]) ? "gradients" : "activations");
    for (int64_t j = 0; j < capture->class_count; j++)
        if (!isfinite(capture->logits[j]))
            return sscam_fail(SSCAM_E_MODEL, "the network's output %lld is NaN or infinity", (long long)j);
    return SSCAM_OK;
}

static sscam_status capture(sscam_explanation *explanation, const sscam_method *method, int64_t class_index)
{
    sscam_capture_request request = {
        .input = explanation->input,
        .layer = explanation->settings->value[SSCAM_OPTION_LAYER].text,
        .class_index = class_index,
        .want_gradients = sscam_needs_gradients(method, explanation->settings),
    };
    memcpy(request.shape, explanation->shape, sizeof request.shape);
    sscam_status status = explanation->backend->capture(explanation->network, &request, &explanation->capture);
    explanation->passes++;
    return status == SSCAM_OK ? check_capture(&explanation->capture) : status;
}

/* Capture, weigh, combine. Whatever happens, the explanation's memory is given back. */
static sscam_status explain(sscam_explanation *explanation, const sscam_method *method, int64_t class_index,
                            sscam_map **out)
{
    sscam_status status = sscam_progress_report(&explanation->progress, 0.0);
    if (status == SSCAM_OK)
        status = capture(explanation, method, class_index);
    if (status == SSCAM_OK) {
        explanation->weights = calloc((size_t)explanation->capture.channels, sizeof *explanation->weights);
        if (explanation->weights == NULL)
            status = sscam_fail_memory("channel weights");
    }
    if (status == SSCAM_OK)
        status = method->weigh(explanation);
    if (status == SSCAM_OK)
        status = sscam_map_combine(method, explanation, out);
    if (status == SSCAM_OK)
        status = sscam_progress_report(&explanation->progress, 1.0);
    if (status != SSCAM_OK) {
        sscam_map_destroy(*out);
        *out = NULL;
    }
    free(explanation->weights);
    sscam_capture_release(&explanation->capture);
    return status;
}

/* Model-space value of a black pixel, for baseline=black. */
static void find_black(const sscam_transform *transform, float black[3])
{
    for (int c = 0; c < 3; c++) {
        double mean = transform->mean[transform->mean_count == 1 ? 0 : c];
        double std = transform->std[transform->std_count == 1 ? 0 : c];
        black[c] = (float)((0.0 - mean) / std);
    }
}

/* Explains image number `index` of a batch of `count`. */
static sscam_status explain_one(sscam_explainer *explainer, const sscam_transform *transform, const float *input,
                                const int64_t shape[4], int64_t index, int64_t class_index, sscam_map **out)
{
    double start = (double)index / (double)shape[0], end = (double)(index + 1) / (double)shape[0];
    sscam_progress whole = explainer->progress;
    whole.start = 0.0;
    whole.end = 1.0;
    sscam_explanation explanation = {
        .backend = explainer->model->backend,
        .network = explainer->model->network,
        .settings = &explainer->settings,
        .input = input + index * shape[1] * shape[2] * shape[3],
        .shape = {1, shape[1], shape[2], shape[3]},
        .image_index = index,
        .progress = sscam_progress_part(&whole, start, end),
    };
    find_black(transform, explanation.black);
    return explain(&explanation, explainer->method, class_index, out);
}

static sscam_status check_input(const float *input, const int64_t shape[4])
{
    sscam_status status = sscam_check_shape(shape);
    if (status == SSCAM_OK && (shape[2] > INT32_MAX || shape[3] > INT32_MAX))
        status = sscam_fail(SSCAM_E_ARGUMENT, "input shape: %lldx%lld is too large a picture", (long long)shape[2],
                            (long long)shape[3]);
    return status == SSCAM_OK ? sscam_check_finite(input, shape) : status;
}

sscam_status sscam_explain_tensor(sscam_explainer *explainer, const float *input, const int64_t shape[4],
                                  const int64_t *classes, sscam_map **maps)
{
    if (shape == NULL || maps == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explain_tensor: %s is NULL", shape == NULL ? "shape" : "maps");
    sscam_transform transform;
    sscam_status status = sscam_check_shape(shape);
    if (status != SSCAM_OK)
        return status;
    for (int64_t i = 0; i < shape[0]; i++)
        maps[i] = NULL;
    if (explainer == NULL || input == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explain_tensor: %s is NULL",
                          explainer == NULL ? "explainer" : "input");
    status = check_input(input, shape);
    if (status == SSCAM_OK)
        status = sscam_settings_transform(&explainer->settings, &transform);
    for (int64_t i = 0; i < shape[0] && status == SSCAM_OK; i++)
        status = explain_one(explainer, &transform, input, shape, i, classes ? classes[i] : SSCAM_CLASS_TOP,
                             &maps[i]);
    if (status == SSCAM_OK)
        return sscam_succeed();
    for (int64_t i = 0; i < shape[0]; i++) {
        sscam_map_destroy(maps[i]);
        maps[i] = NULL;
    }
    return status;
}

/* --- pictures ------------------------------------------------------------------------------------ */

static sscam_status plan_input(const sscam_explainer *explainer, const sscam_image *image, sscam_transform *transform,
                               sscam_geometry *geometry, int64_t shape[4])
{
    sscam_status status = sscam_settings_transform(&explainer->settings, transform);
    if (status == SSCAM_OK)
        status = sscam_geometry_compute(transform, sscam_image_width(image), sscam_image_height(image), geometry);
    if (status != SSCAM_OK)
        return status;
    shape[0] = 1;
    shape[1] = sscam_transform_channels(transform);
    shape[2] = geometry->input_height;
    shape[3] = geometry->input_width;
    return SSCAM_OK;
}

sscam_status sscam_explainer_preprocess(sscam_explainer *explainer, const sscam_image *image, int64_t shape[4],
                                        float *input, size_t capacity)
{
    if (explainer == NULL || image == NULL || shape == NULL || (input == NULL && capacity > 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_preprocess: a pointer is NULL");
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_status status = plan_input(explainer, image, &transform, &geometry, shape);
    if (status != SSCAM_OK)
        return status;
    size_t needed = (size_t)(shape[1] * shape[2] * shape[3]);
    if (capacity == 0)
        return sscam_succeed();
    if (capacity < needed)
        return sscam_fail(SSCAM_E_ARGUMENT, "input: room for %zu floats, %zu are needed", capacity, needed);
    return finish(sscam_preprocess(image, &transform, &geometry, input));
}

sscam_status sscam_explain_image(sscam_explainer *explainer, const sscam_image *image, int64_t class_index,
                                 sscam_map **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explain_image: out is NULL");
    *out = NULL;
    if (explainer == NULL || image == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explain_image: %s is NULL", image == NULL ? "image" : "explainer");
    sscam_transform transform;
    sscam_geometry geometry;
    int64_t shape[4];
    sscam_status status = plan_input(explainer, image, &transform, &geometry, shape);
    if (status != SSCAM_OK)
        return status;
    float *input = malloc((size_t)(shape[1] * shape[2] * shape[3]) * sizeof *input);
    if (input == NULL)
        return sscam_fail_memory("the network's input");
    status = sscam_preprocess(image, &transform, &geometry, input);
    if (status == SSCAM_OK)
        status = explain_one(explainer, &transform, input, shape, 0, class_index, out);
    free(input);
    if (status != SSCAM_OK)
        return status;
    (*out)->from_image = 1;
    (*out)->geometry = geometry;
    return sscam_succeed();
}
