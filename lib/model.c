#include "model_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"

/* Far above any classifier, far below what would exhaust a machine before it is noticed. */
static const size_t LARGEST_FILE = (size_t)1 << 36;

static sscam_status load(const char *name, const void *data, size_t size, const char *device, sscam_model **out)
{
    sscam_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return sscam_fail_memory("a model");
    model->backend = sscam_backend_default();
    sscam_status status = model->backend->load(name, data, size, device ? device : "cpu", &model->network);
    if (status != SSCAM_OK) {
        free(model);
        return status;
    }
    atomic_init(&model->references, 1);
    *out = model;
    return sscam_succeed();
}

sscam_status sscam_model_load(const char *path, const char *device, sscam_model **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load: out is NULL");
    *out = NULL;
    if (path == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load: path is NULL");
    uint8_t *data = NULL;
    size_t size = 0;
    sscam_status status = sscam_file_read(path, LARGEST_FILE, &data, &size);
    if (status == SSCAM_OK)
        status = load(path, data, size, device, out);
    free(data);
    return status;
}

sscam_status sscam_model_load_memory(const void *data, size_t size, const char *device, sscam_model **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load_memory: out is NULL");
    *out = NULL;
    if (data == NULL || size == 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load_memory: %s", data == NULL ? "data is NULL" : "size is 0");
    return load("memory", data, size, device, out);
}

sscam_model *sscam_model_ref(sscam_model *model)
{
    if (model != NULL)
        atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void sscam_model_destroy(sscam_model *model)
{
    if (model == NULL || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
        return;
    model->backend->destroy(model->network);
    free(model);
}

const char *sscam_model_device(const sscam_model *model)
{
    return model ? model->backend->device(model->network) : "";
}

sscam_status sscam_check_shape(const int64_t shape[4])
{
    static const char names[4] = {'N', 'C', 'H', 'W'};
    const int64_t largest = INT64_C(1) << 40; /* floats; products below stay within 64 bits */
    int64_t size = 1;
    for (int i = 0; i < 4; i++) {
        if (shape[i] < 1)
            return sscam_fail(SSCAM_E_ARGUMENT, "input shape: %c is %lld, not at least 1", names[i],
                              (long long)shape[i]);
        if (shape[i] > largest / size)
            return sscam_fail(SSCAM_E_ARGUMENT, "input shape %lldx%lldx%lldx%lld is too large", (long long)shape[0],
                              (long long)shape[1], (long long)shape[2], (long long)shape[3]);
        size *= shape[i];
    }
    return SSCAM_OK;
}

sscam_status sscam_check_finite(const float *input, const int64_t shape[4])
{
    int64_t plane = shape[2] * shape[3], size = shape[0] * shape[1] * plane;
    for (int64_t i = 0; i < size; i++) {
        if (!isfinite(input[i]))
            return sscam_fail(SSCAM_E_ARGUMENT, "input: %s at image %lld, channel %lld, row %lld, column %lld",
                              isnan(input[i]) ? "NaN" : "infinity", (long long)(i / (shape[1] * plane)),
                              (long long)(i / plane % shape[1]), (long long)(i % plane / shape[3]),
                              (long long)(i % shape[3]));
    }
    return SSCAM_OK;
}

static sscam_status copy_logits(const float *logits, int64_t rows, int64_t class_count, float *out, size_t capacity)
{
    if (capacity == 0)
        return SSCAM_OK;
    if ((size_t)(rows * class_count) > capacity)
        return sscam_fail(SSCAM_E_ARGUMENT, "logits: room for %zu floats, %lld are needed", capacity,
                          (long long)(rows * class_count));
    memcpy(out, logits, (size_t)(rows * class_count) * sizeof *out);
    return SSCAM_OK;
}

sscam_status sscam_model_classify(sscam_model *model, const float *input, const int64_t shape[4], float *logits,
                                  size_t capacity, int64_t *class_count)
{
    if (model == NULL || input == NULL || shape == NULL || class_count == NULL || (logits == NULL && capacity > 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_classify: a pointer is NULL");
    sscam_status status = sscam_check_shape(shape);
    if (status == SSCAM_OK)
        status = sscam_check_finite(input, shape);
    if (status != SSCAM_OK)
        return status;
    float *all = NULL;
    const sscam_reading reading = {.kind = SSCAM_SCORE_LOGIT};
    status = model->backend->classify(model->network, input, shape, &reading, &all, class_count);
    if (status == SSCAM_OK)
        status = copy_logits(all, shape[0], *class_count, logits, capacity);
    free(all);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_model_layers(sscam_model *model, const int64_t shape[4], sscam_layers **out)
{
    if (out == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_layers: out is NULL");
    *out = NULL;
    if (model == NULL || shape == NULL)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_layers: %s is NULL", model == NULL ? "model" : "shape");
    sscam_status status = sscam_check_shape(shape);
    if (status == SSCAM_OK && shape[0] != 1)
        status = sscam_fail(SSCAM_E_ARGUMENT, "input shape: N is %lld, not 1", (long long)shape[0]);
    if (status != SSCAM_OK)
        return status;
    sscam_layers *layers = calloc(1, sizeof *layers);
    if (layers == NULL)
        return sscam_fail_memory("a list of layers");
    status = model->backend->layers(model->network, shape, layers);
    if (status != SSCAM_OK) {
        sscam_layers_destroy(layers);
        return status;
    }
    *out = layers;
    return sscam_succeed();
}
