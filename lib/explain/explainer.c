#include "sscam/explainer.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/busy_guard.h"
#include "explain/call.h"
#include "explain/explainer_inputs.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"
#include "explain/method_private.h"
#include "explain/pipeline.h"
#include "model/device_input.h"
#include "model/input_array.h"
#include "options/region_option.h"

sscam_status sscam_explainer_create(sscam_model *model, const char *method, sscam_explainer **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_create: out is NULL");
    *out = NULL;
    if (!model || !method)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_create: %s is NULL",
                          !model ? "model" : "method");
    const sscam_method *row = sscam_method_require(method);
    if (!row)
        return SSCAM_E_ARGUMENT;
    sscam_explainer *explainer = calloc(1, sizeof *explainer);
    if (!explainer)
        return sscam_fail_memory("an explainer");
    sscam_status status = sscam_settings_init(&explainer->settings, method);
    if (status != SSCAM_OK) {
        free(explainer);
        return status;
    }
    if (model->backend->final_activation)
        explainer->settings.final_activation = model->backend->final_activation(model->network);
    if (explainer->settings.final_activation == SSCAM_SCORE_SIGMOID)
        explainer->settings.value[SSCAM_OPTION_PROBABILITY].integer = SSCAM_PROBABILITY_SIGMOID;
    explainer->given_model = sscam_model_ref(model);
    explainer->model = sscam_model_ref(model);
    explainer->method = row;
    *out = explainer;
    return sscam_succeed();
}

sscam_explainer *sscam_explainer_ref(sscam_explainer *explainer)
{
    if (explainer)
        sscam_reference_add(&explainer->references);
    return explainer;
}

void sscam_explainer_unref(sscam_explainer *explainer)
{
    if (!explainer || !sscam_reference_drop(&explainer->references))
        return;
    sscam_model_unref(explainer->model);
    sscam_model_unref(explainer->given_model);
    sscam_other_inputs_release(&explainer->other_inputs);
    sscam_settings_release(&explainer->settings);
    free(explainer->region_mask);
    free(explainer->target_weights);
    free(explainer);
}

sscam_status sscam_explainer_set_progress(sscam_explainer *explainer,
                                          sscam_progress_callback callback, void *user)
{
    if (!explainer)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_set_progress: explainer is NULL");
    sscam_status status = sscam_busy_begin_change(&explainer, "sscam_explainer_set_progress");
    if (status != SSCAM_OK)
        return status;
    explainer->progress.callback = callback;
    explainer->progress.user = user;
    sscam_busy_end_change(&explainer);
    return sscam_succeed();
}

void sscam_explainer_cancel(sscam_explainer *explainer)
{
    _Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may call this");
    if (explainer)
        atomic_store(&explainer->is_cancelled, 1);
}

/* --- arrays ----------------------------------------------------------------------------------- */

static sscam_status finish(sscam_status status)
{
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_check_positions(const sscam_shape *shape)
{
    const int64_t positions = sscam_position_count(shape->sides);
    if (positions > INT32_MAX)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "input shape: %lld positions are too many for a map, whose limit is %d",
                          (long long)positions, INT32_MAX);
    return SSCAM_OK;
}

/* Sets all maps to NULL. */
static sscam_status clear_maps(const sscam_explain_request *request, int64_t images,
                               const char *function, sscam_map **maps)
{
    int64_t count = sscam_times(sscam_times(images, request->explainer_count),
                                request->class_count);
    if (count == SSCAM_TOO_MANY)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "%s: %lld images, %lld explainers, %lld classes: too many maps", function,
                          (long long)images, (long long)request->explainer_count,
                          (long long)request->class_count);
    for (int64_t i = 0; i < count; i++)
        maps[i] = NULL;
    return SSCAM_OK;
}

static sscam_status check_explainers(const sscam_explain_request *request, const char *function)
{
    if (!request->explainers)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: no explainers", function);
    for (int64_t i = 0; i < request->explainer_count; i++) {
        if (!request->explainers[i])
            return sscam_fail(SSCAM_E_ARGUMENT, "%s: explainer %lld is NULL", function,
                              (long long)i);
        if (request->explainers[i]->given_model != request->explainers[0]->given_model)
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: explainer %lld is of another model than explainer 0", function,
                              (long long)i);
    }
    return SSCAM_OK;
}

/* Explains a few images at a time, so that memory does not grow with their number. */
static sscam_status explain_reporting(const sscam_explain_request *request,
                                      const sscam_progress *whole, sscam_map **maps)
{
    const int64_t images = request->shape.images,
                  maps_per_image = request->explainer_count * request->class_count;
    sscam_status status = SSCAM_OK;
    for (int64_t first = 0; first < images && status == SSCAM_OK; first += SSCAM_IMAGES_AT_ONCE) {
        int64_t together = images - first < SSCAM_IMAGES_AT_ONCE ? images - first
                                                                 : SSCAM_IMAGES_AT_ONCE;
        sscam_progress share = sscam_progress_part(whole, (double)first / (double)images,
                                                   (double)(first + together) / (double)images);
        status = sscam_explain_images(request, first, together, &share,
                                      maps + first * maps_per_image);
    }
    for (int64_t i = 0; i < images * maps_per_image && status != SSCAM_OK; i++) {
        sscam_map_unref(maps[i]);
        maps[i] = NULL;
    }
    return status;
}

sscam_status sscam_explain_input(sscam_explainer *const *explainers, int64_t explainer_count,
                                 const float *input, const sscam_shape *shape,
                                 const int64_t *classes, int64_t class_count,
                                 const sscam_progress *progress, sscam_map **maps)
{
    const sscam_explain_request request = {.explainers = explainers,
                                           .explainer_count = explainer_count,
                                           .input = input,
                                           .shape = *shape,
                                           .classes = classes,
                                           .class_count = class_count};
    return explain_reporting(&request, progress, maps);
}

/* An input in the host's memory or in that of a device; the other one is NULL. */
typedef struct any_input {
    sscam_input *host;
    sscam_device_input *device;
} any_input;

static sscam_status check_and_load(const char *function, sscam_explain_request *request,
                                   any_input input)
{
    sscam_status status = sscam_check_positions(&request->shape);
    if (status == SSCAM_OK)
        status = input.device ? sscam_device_input_load(input.device, request->explainers[0]->model,
                                                        function)
                              : sscam_input_load(input.host, function);
    request->device_input = input.device;
    request->input = input.device ? input.device->values : input.host->values;
    return status;
}

/* Explains an input whose shape has been read. `function` is named in messages. */
static sscam_status explain_opened(const char *function, sscam_explain_request *request,
                                   any_input input, sscam_map **maps)
{
    request->shape = input.device ? input.device->shape : input.host->shape;
    if (request->explainer_count < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: no explainers", function);
    if (request->class_count < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: class_count is %lld, not at least 1", function,
                          (long long)request->class_count);
    sscam_call call;
    sscam_status status = clear_maps(request, request->shape.images, function, maps);
    if (status == SSCAM_OK)
        status = check_explainers(request, function);
    if (status == SSCAM_OK)
        status = sscam_call_begin(&call, request->explainers, request->explainer_count, function);
    if (status != SSCAM_OK)
        return status;
    status = check_and_load(function, request, input);
    if (status == SSCAM_OK)
        status = explain_reporting(request, &call.progress, maps);
    if (input.device)
        sscam_device_input_close(input.device); /* the call holds a reference of its model */
    sscam_call_end(&call);
    return finish(status);
}

/* How the network takes the input; nothing where the request has no explainer, which is refused
 * later. */
static sscam_status describe_first(const char *function, const sscam_explain_request *request,
                                   sscam_input_description *wanted)
{
    if (!request->explainers || request->explainer_count < 1 || !request->explainers[0])
        return SSCAM_OK;
    return sscam_describe_input(request->explainers[0], function, wanted);
}

static sscam_status explain_array(const char *function, sscam_explain_request *request,
                                  const sscam_array *array, sscam_map **maps)
{
    sscam_input input = {.name = "input"};
    sscam_input_description wanted = {.channels = 0};
    if (!array || !maps)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", function, !array ? "input" : "maps");
    sscam_status status = describe_first(function, request, &wanted);
    if (status == SSCAM_OK)
        status = sscam_input_open_as(array, &wanted, "input", function, &input);
    if (status == SSCAM_OK)
        status = explain_opened(function, request, (any_input){.host = &input}, maps);
    sscam_input_close(&input);
    return status;
}

static sscam_status explain_cuda(const char *function, sscam_explain_request *request,
                                 const sscam_cuda_array *array, sscam_map **maps)
{
    sscam_device_input input = {.name = "input"};
    sscam_input_description wanted = {.channels = 0};
    if (!array || !maps)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s is NULL", function, !array ? "input" : "maps");
    sscam_status status = describe_first(function, request, &wanted);
    if (status == SSCAM_OK)
        status = sscam_device_input_open(array, &wanted, "input", function, &input);
    if (status == SSCAM_OK)
        status = explain_opened(function, request, (any_input){.device = &input}, maps);
    sscam_device_input_close(&input);
    return status;
}

static sscam_explain_request request_of(sscam_explainer *const *explainers, int64_t explainer_count,
                                        const int64_t *classes, int64_t class_count)
{
    return (sscam_explain_request){.explainers = explainers,
                                   .explainer_count = explainer_count,
                                   .classes = classes,
                                   .class_count = classes ? class_count : 1};
}

sscam_status sscam_explain_array_all(sscam_explainer *const *explainers, int64_t explainer_count,
                                     const sscam_array *input, const int64_t *classes,
                                     int64_t class_count, sscam_map **maps)
{
    sscam_explain_request request = request_of(explainers, explainer_count, classes, class_count);
    return explain_array("sscam_explain_array_all", &request, input, maps);
}

sscam_status sscam_explain_array(sscam_explainer *explainer, const sscam_array *input,
                                 const int64_t *classes, sscam_map **maps)
{
    sscam_explain_request request = request_of(&explainer, 1, classes, 1);
    return explain_array("sscam_explain_array", &request, input, maps);
}

sscam_status sscam_explain_cuda_all(sscam_explainer *const *explainers, int64_t explainer_count,
                                    const sscam_cuda_array *input, const int64_t *classes,
                                    int64_t class_count, sscam_map **maps)
{
    sscam_explain_request request = request_of(explainers, explainer_count, classes, class_count);
    return explain_cuda("sscam_explain_cuda_all", &request, input, maps);
}

sscam_status sscam_explain_cuda(sscam_explainer *explainer, const sscam_cuda_array *input,
                                const int64_t *classes, sscam_map **maps)
{
    sscam_explain_request request = request_of(&explainer, 1, classes, 1);
    return explain_cuda("sscam_explain_cuda", &request, input, maps);
}

/* --- images ----------------------------------------------------------------------------------- */

static sscam_status check_takes_images(const sscam_model *model)
{
    const sscam_network_facts facts = sscam_model_facts(model);
    const int32_t rank = sscam_input_layout_rank(&facts.layout);
    if (rank == 0 || rank == SSCAM_IMAGE_RANK)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "the network takes %s (input_layout=%s): give it an array, not an image",
                      rank < SSCAM_IMAGE_RANK ? "series" : "videos or volumes",
                      sscam_input_layout_text(&facts.layout));
}

sscam_status sscam_plan_input(const sscam_explainer *explainer, const sscam_image *image,
                              sscam_transform *transform, sscam_geometry *geometry,
                              sscam_shape *shape)
{
    if (sscam_image_width(image) == 1 && sscam_image_height(image) == 1)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "an image of 1x1 pixel: a map of one position explains nothing");
    sscam_status status = check_takes_images(explainer->model);
    if (status == SSCAM_OK)
        status = sscam_settings_transform(&explainer->settings, transform);
    if (status == SSCAM_OK)
        status = sscam_geometry_compute(transform, sscam_image_width(image),
                                        sscam_image_height(image), geometry);
    if (status != SSCAM_OK)
        return status;
    *shape = (sscam_shape){.rank = SSCAM_IMAGE_RANK,
                           .images = 1,
                           .channels = sscam_transform_channels(transform),
                           .sides = {1, geometry->input_height, geometry->input_width}};
    return sscam_check_positions(shape);
}

sscam_status sscam_create_input(const sscam_explainer *explainer, const sscam_image *image,
                                sscam_geometry *geometry, sscam_shape *shape, float **input)
{
    sscam_transform transform;
    *input = NULL;
    sscam_status status = sscam_plan_input(explainer, image, &transform, geometry, shape);
    if (status != SSCAM_OK)
        return status;
    float *created = sscam_allocate_array(sscam_input_size(shape), sizeof *created);
    if (!created)
        return sscam_fail_memory("the network's input");
    status = sscam_preprocess(image, &transform, geometry, created);
    if (status == SSCAM_OK)
        *input = created;
    else
        free(created);
    return status;
}

static sscam_status preprocess(const sscam_explainer *explainer, const sscam_image *image,
                               int64_t shape[4], float *input, int64_t capacity)
{
    sscam_transform transform;
    sscam_geometry geometry;
    sscam_shape planned;
    sscam_status status = sscam_plan_input(explainer, image, &transform, &geometry, &planned);
    if (status != SSCAM_OK)
        return status;
    sscam_shape_write(&planned, shape);
    const int64_t needed = sscam_input_size(&planned);
    if (capacity == 0)
        return SSCAM_OK;
    if (capacity < needed)
        return sscam_fail(SSCAM_E_ARGUMENT, "input: room for %lld floats, %lld are needed",
                          (long long)capacity, (long long)needed);
    return sscam_preprocess(image, &transform, &geometry, input);
}

sscam_status sscam_explainer_preprocess(sscam_explainer *explainer, const sscam_image *image,
                                        int64_t shape[4], float *input, int64_t capacity)
{
    if (!explainer || !image || !shape || (!input && capacity != 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explainer_preprocess: a pointer is NULL");
    sscam_status status = sscam_busy_acquire(&explainer, 1, &explainer,
                                             "sscam_explainer_preprocess");
    if (status != SSCAM_OK)
        return status;
    status = sscam_apply_inputs(&explainer, 1, "sscam_explainer_preprocess");
    if (status == SSCAM_OK)
        status = preprocess(explainer, image, shape, input, capacity);
    sscam_busy_release(&explainer, 1, &explainer);
    return finish(status);
}

/* Preprocesses an image by the first explainer's options into the input, which `request` lacks, and
 * explains it. */
static sscam_status explain_image(sscam_explain_request *request, const sscam_image *image,
                                  const sscam_progress *progress, sscam_map **maps)
{
    sscam_geometry geometry;
    float *input;
    sscam_status status = sscam_create_input(request->explainers[0], image, &geometry,
                                             &request->shape, &input);
    request->input = input;
    request->geometry = &geometry;
    if (status == SSCAM_OK)
        status = explain_reporting(request, progress, maps);
    free(input);
    for (int64_t i = 0; i < request->explainer_count * request->class_count && status == SSCAM_OK;
         i++) {
        maps[i]->from_image = 1;
        maps[i]->geometry = geometry;
    }
    return status;
}

static sscam_status check_same_transform(const sscam_explain_request *request, const char *function)
{
    for (int64_t i = 1; i < request->explainer_count; i++)
        if (!sscam_settings_same_transform(&request->explainers[i]->settings,
                                           &request->explainers[0]->settings))
            return sscam_fail(SSCAM_E_ARGUMENT,
                              "%s: explainer %lld has other preprocessing options than explainer 0",
                              function, (long long)i);
    return SSCAM_OK;
}

static sscam_status check_and_explain_image(const char *function, sscam_explain_request *request,
                                            const sscam_image *image, sscam_map **maps)
{
    if (request->class_count < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: class_count is %lld, not at least 1", function,
                          (long long)request->class_count);
    if (request->explainer_count < 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: no explainers", function);
    sscam_status status = clear_maps(request, 1, function, maps);
    if (status == SSCAM_OK && !image)
        status = sscam_fail(SSCAM_E_ARGUMENT, "%s: image is NULL", function);
    if (status == SSCAM_OK)
        status = check_explainers(request, function);
    sscam_call call;
    if (status == SSCAM_OK)
        status = sscam_call_begin(&call, request->explainers, request->explainer_count, function);
    if (status != SSCAM_OK)
        return status;
    status = check_same_transform(request, function);
    if (status == SSCAM_OK)
        status = explain_image(request, image, &call.progress, maps);
    sscam_call_end(&call);
    return finish(status);
}

sscam_status sscam_explain_image_all(sscam_explainer *const *explainers, int64_t explainer_count,
                                     const sscam_image *image, const int64_t *classes,
                                     int64_t class_count, sscam_map **maps)
{
    if (!maps)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explain_image_all: maps is NULL");
    sscam_explain_request request = request_of(explainers, explainer_count, classes, class_count);
    return check_and_explain_image("sscam_explain_image_all", &request, image, maps);
}

sscam_status sscam_explain_image(sscam_explainer *explainer, const sscam_image *image,
                                 int64_t class_index, sscam_map **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_explain_image: out is NULL");
    sscam_explain_request request = request_of(&explainer, 1, &class_index, 1);
    return check_and_explain_image("sscam_explain_image", &request, image, out);
}
