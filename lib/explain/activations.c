/* Maps from the host's own activations: a job whose capture is given, for methods that run no
 * network. */
#include "sscam/activations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"
#include "explain/map_private.h"
#include "explain/method_private.h"
#include "model/input_array.h"

static const char function[] = "sscam_map_from_activations";

/* --- what a method needs ---------------------------------------------------------------------- */

static sscam_status fail_need(const sscam_method *method, const char *need)
{
    return sscam_fail(SSCAM_E_UNSUPPORTED, "%s: %s needs %s", function, method->name, need);
}

static sscam_status check_needs(const sscam_method *method, const sscam_activations *given)
{
    if (method->runs_network ||
        (method->needs & (SSCAM_NEEDS_SCORING | SSCAM_NEEDS_ABLATION | SSCAM_NEEDS_POSITIONS)))
        return fail_need(method, "a network, which it runs many times; an explainer has one");
    if (method->needs & SSCAM_NEEDS_CURVATURE)
        return fail_need(method, "second derivatives, which an explainer has");
    if (method->needs & SSCAM_NEEDS_POOLED_LINEAR)
        return given->class_weights ? SSCAM_OK : fail_need(method, "class weights");
    if ((method->needs & SSCAM_NEEDS_GRADIENTS) && !given->gradients)
        return fail_need(method, "gradients");
    return SSCAM_OK;
}

/* --- arrays ----------------------------------------------------------------------------------- */

/* An array of the host's with a batch axis in front, which the reading of inputs wants. */
typedef struct batched_array {
    sscam_array array;
    int64_t shape[SSCAM_MOST_RANK], strides[SSCAM_MOST_RANK];
    sscam_input input;
} batched_array;

/* Copies the description of [K, sides] or [1, K, sides] and adds the batch axis that the former
 * lacks. */
static sscam_status describe_array(const sscam_array *array, const char *name, int32_t rank,
                                   batched_array *out)
{
    char what[64];
    snprintf(what, sizeof what, "%s: %s", function, name);
    sscam_status status = sscam_public_struct_read(array, &out->array, sizeof out->array,
                                                   SSCAM_END_OF(sscam_array, element_type), what);
    if (status != SSCAM_OK)
        return status;
    if (out->array.rank < rank - 1 || out->array.rank > rank)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: rank is %" PRId32 ", not %" PRId32 " ([K, sides]) or %" PRId32
                          " ([1, K, sides])",
                          what, out->array.rank, rank - 1, rank);
    if (!out->array.shape)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: shape is NULL", what);
    const int32_t missing = rank - out->array.rank;
    out->shape[0] = 1;
    for (int32_t i = 0; i < out->array.rank; i++) {
        out->shape[i + missing] = out->array.shape[i];
        out->strides[i + missing] = out->array.strides ? out->array.strides[i] : 0;
    }
    out->array.rank = rank;
    out->array.shape = out->shape;
    out->array.strides = out->array.strides ? out->strides : NULL;
    return SSCAM_OK;
}

static sscam_status check_size(const sscam_shape *shape, const char *what)
{
    const int64_t positions = sscam_position_count(shape->sides);
    /* BLAS and maps count in 32 bits. */
    if (positions > INT32_MAX || shape->channels > INT32_MAX)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: %s: %" PRId64 " channels of %" PRId64 " positions are too many",
                          function, what, shape->channels, positions);
    return SSCAM_OK;
}

/* Reads an array of `rank` dimensions with its batch axis. The caller closes it, whatever the
 * result. */
static sscam_status read_array(const sscam_array *array, const char *name, int32_t rank,
                               batched_array *out)
{
    memset(out, 0, sizeof *out);
    sscam_status status = describe_array(array, name, rank, out);
    if (status == SSCAM_OK)
        status = sscam_input_open(&out->array, name, function, &out->input);
    if (status == SSCAM_OK && out->shape[0] != 1)
        status = sscam_fail(SSCAM_E_ARGUMENT, "%s: %s of %" PRId64 " inputs, not of one", function,
                            name, out->shape[0]);
    if (status == SSCAM_OK)
        status = check_size(&out->input.shape, name);
    return status == SSCAM_OK ? sscam_input_load(&out->input, function) : status;
}

/* Class weights [K] or [1, K]. */
static sscam_status read_class_weights(const sscam_array *array, batched_array *out)
{
    memset(out, 0, sizeof *out);
    sscam_status status = describe_array(array, "class weights", SSCAM_LEAST_RANK - 1, out);
    if (status != SSCAM_OK)
        return status;
    out->shape[2] = 1; /* a position for each channel */
    out->array.rank = SSCAM_LEAST_RANK;
    status = sscam_input_open(&out->array, "class weights", function, &out->input);
    if (status == SSCAM_OK)
        status = check_size(&out->input.shape, "class weights");
    return status == SSCAM_OK ? sscam_input_load(&out->input, function) : status;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Everything that a call reads. */
typedef struct reading {
    const sscam_method *method;
    sscam_activations given;
    batched_array activations, gradients, class_weights;
    sscam_settings settings;
    sscam_shape shape; /* of an input whose sides the map has */
} reading;

static sscam_status check_same_shape(const reading *work)
{
    const sscam_shape *own = &work->activations.input.shape,
                      *gradients = &work->gradients.input.shape,
                      *weights = &work->class_weights.input.shape;
    if (work->given.gradients &&
        (gradients->channels != own->channels || !sscam_same_sides(gradients->sides, own->sides)))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: gradients have another shape than activations",
                          function);
    if (work->given.class_weights && weights->channels != own->channels)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: %" PRId64 " class weights for %" PRId64 " channels", function,
                          weights->channels, own->channels);
    return SSCAM_OK;
}

static sscam_status read_arrays(reading *work)
{
    const sscam_activations *given = &work->given;
    const int32_t rank = given->rank + 2;
    sscam_status status = read_array(given->activations, "activations", rank, &work->activations);
    if (status == SSCAM_OK && given->gradients)
        status = read_array(given->gradients, "gradients", rank, &work->gradients);
    if (status == SSCAM_OK && given->class_weights)
        status = read_class_weights(given->class_weights, &work->class_weights);
    return status == SSCAM_OK ? check_same_shape(work) : status;
}

/* The sides of the map. */
static sscam_status read_sides(reading *work)
{
    int64_t numbers[SSCAM_MOST_RANK] = {1, 1};
    work->shape = work->activations.input.shape;
    work->shape.channels = 1;
    if (!work->given.sides)
        return SSCAM_OK;
    for (int32_t i = 0; i < work->given.rank; i++) {
        if (work->given.sides[i] < 1)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: side %" PRId32 " is %" PRId64 ", not at least 1", function, i,
                              work->given.sides[i]);
        numbers[i + 2] = work->given.sides[i];
    }
    sscam_status status = sscam_read_shape(numbers, work->given.rank + 2, "sides", &work->shape);
    return status == SSCAM_OK ? check_size(&work->shape, "sides") : status;
}

/* Options that change a map whose activations are given. */
static int32_t has_effect(const char *name)
{
    return strcmp(name, "eigen_smooth") == 0 || strcmp(name, "combine") == 0;
}

static sscam_status read_options(reading *work)
{
    sscam_status status = sscam_settings_init(&work->settings, work->method->name);
    for (int64_t i = 0; i < work->given.option_count && status == SSCAM_OK; i++) {
        const char *name = work->given.options[2 * i], *value = work->given.options[2 * i + 1];
        if (!name || !value)
            status = sscam_fail(SSCAM_E_ARGUMENT, "%s: option %" PRId64 ": its %s is NULL",
                                function, i, !name ? "name" : "value");
        else if (!has_effect(name))
            status = sscam_fail(SSCAM_E_ARGUMENT,
                                "%s: option %s does not apply to given activations; eigen_smooth "
                                "and combine do",
                                function, name);
        else
            status = sscam_settings_set(&work->settings, work->method->name, name, value);
    }
    return status;
}

static sscam_status read_given(const sscam_activations *given, reading *work)
{
    sscam_status status = sscam_public_struct_read(given, &work->given, sizeof work->given,
                                                   SSCAM_END_OF(sscam_activations, layer),
                                                   "sscam_activations");
    if (status != SSCAM_OK)
        return status;
    if (work->given.rank == 0)
        work->given.rank = 2;
    if (work->given.rank < 1 || work->given.rank > 3)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: rank is %" PRId32 ", not 1 to 3", function,
                          work->given.rank);
    if (work->given.option_count < 0 || (work->given.option_count > 0 && !work->given.options))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: option_count is %" PRId64 " and options is %sNULL",
                          function, work->given.option_count, work->given.options ? "not " : "");
    return check_needs(work->method, &work->given);
}

static void release(reading *work)
{
    sscam_input_close(&work->activations.input);
    sscam_input_close(&work->gradients.input);
    sscam_input_close(&work->class_weights.input);
    sscam_settings_release(&work->settings);
}

/* --- the map ---------------------------------------------------------------------------------- */

/* Methods and combination read a capture, and do not change it. */
static sscam_capture capture_of(const reading *work)
{
    const sscam_shape *shape = &work->activations.input.shape;
    return (sscam_capture){.layer = (char *)(work->given.layer ? work->given.layer : "activations"),
                           .activations = (float *)work->activations.input.values,
                           .gradients = (float *)work->gradients.input.values,
                           .channels = shape->channels,
                           .sides = shape->sides};
}

static sscam_status weigh_and_combine(const reading *work, sscam_map **out)
{
    const sscam_capture capture = capture_of(work);
    sscam_map_job job = {.method = work->method,
                         .settings = &work->settings,
                         .shape = work->shape,
                         .capture = &capture,
                         .class_weights = work->class_weights.input.values,
                         .weights = sscam_zeros(capture.channels, sizeof *job.weights)};
    sscam_status status = job.weights ? SSCAM_OK : sscam_fail_memory("channel weights");
    if (status == SSCAM_OK)
        status = job.method->weigh(&job);
    if (status == SSCAM_OK)
        status = sscam_map_combine(&job, out);
    free(job.weights);
    free(job.terms);
    free(job.raw_map);
    return status;
}

sscam_status sscam_map_from_activations(const char *method, const sscam_activations *given,
                                        sscam_map **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: out is NULL", function);
    *out = NULL;
    if (!method)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: method is NULL", function);
    reading work = {.method = sscam_method_require(method)};
    if (!work.method)
        return SSCAM_E_ARGUMENT;
    sscam_status status = read_given(given, &work);
    if (status == SSCAM_OK)
        status = read_options(&work);
    if (status == SSCAM_OK)
        status = read_arrays(&work);
    if (status == SSCAM_OK)
        status = read_sides(&work);
    if (status == SSCAM_OK)
        status = weigh_and_combine(&work, out);
    release(&work);
    return status == SSCAM_OK ? sscam_succeed() : status;
}
