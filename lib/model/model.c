#include "model/model_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_source.h"
#include "base/error.h"
#include "model/file_kind.h"

/* Far above the size of any classifier. */
static const size_t LARGEST_FILE = (size_t)1 << 36;

static sscam_status load(const sscam_byte_source *source, const char *device, sscam_model **out)
{
    sscam_model *model = calloc(1, sizeof *model);
    if (!model)
        return sscam_fail_memory("a model");
    model->backend = sscam_backend_default();
    sscam_status status = model->backend->load(source, device ? device : "cpu", &model->network);
    if (status == SSCAM_E_FORMAT)
        status = sscam_fail_file_kind(source);
    if (status != SSCAM_OK) {
        free(model);
        return status;
    }
    *out = model;
    return sscam_succeed();
}

sscam_status sscam_model_load(const char *path, const char *device, sscam_model **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load: out is NULL");
    *out = NULL;
    if (!path)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load: path is NULL");
    sscam_byte_source file;
    sscam_status status = sscam_byte_source_open(path, LARGEST_FILE, &file);
    if (status != SSCAM_OK)
        return status;
    status = load(&file, device, out);
    sscam_byte_source_close(&file);
    return status;
}

sscam_status sscam_model_load_memory(const void *data, size_t size, const char *device,
                                     sscam_model **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load_memory: out is NULL");
    *out = NULL;
    if (!data || size == 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_load_memory: %s",
                          !data ? "data is NULL" : "size is 0");
    const sscam_byte_source memory = sscam_byte_source_in_memory("memory", data, size);
    return load(&memory, device, out);
}

sscam_model *sscam_model_ref(sscam_model *model)
{
    if (model)
        sscam_reference_add(&model->references);
    return model;
}

void sscam_model_unref(sscam_model *model)
{
    if (!model || !sscam_reference_drop(&model->references))
        return;
    model->backend->destroy(model->network);
    free(model);
}

const char *sscam_model_device(const sscam_model *model)
{
    return model ? model->backend->device(model->network) : "";
}

/* "1x3x224x224". */
static const char *shape_text(const int64_t *numbers, int32_t rank, char text[128])
{
    int length = 0;
    for (int32_t i = 0; i < rank; i++)
        length += snprintf(text + length, 128 - (size_t)length, "%s%" PRId64, i > 0 ? "x" : "",
                           numbers[i]);
    return text;
}

static sscam_status check_numbers(const int64_t *numbers, int32_t rank)
{
    static const char *const names[] = {"NCW", "NCHW", "NCDHW"};
    const int64_t largest = INT64_C(1) << 40; /* floats; products below stay within 64 bits */
    int64_t size = 1;
    for (int32_t i = 0; i < rank; i++) {
        char text[128];
        if (numbers[i] < 1)
            return sscam_fail(SSCAM_E_ARGUMENT, "input shape: %c is %" PRId64 ", not at least 1",
                              names[rank - SSCAM_LEAST_RANK][i], numbers[i]);
        if (numbers[i] > largest / size)
            return sscam_fail(SSCAM_E_ARGUMENT, "input shape %s is too large",
                              shape_text(numbers, rank, text));
        size *= numbers[i];
    }
    return SSCAM_OK;
}

sscam_status sscam_read_shape(const int64_t *numbers, int32_t rank, sscam_shape *out)
{
    if (rank < SSCAM_LEAST_RANK || rank > SSCAM_MOST_RANK)
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "input rank: %" PRId32 ", not 3 ([N,C,W]), 4 ([N,C,H,W]) or 5 ([N,C,D,H,W])", rank);
    sscam_status status = check_numbers(numbers, rank);
    if (status != SSCAM_OK)
        return status;
    *out = (sscam_shape){rank, numbers[0], numbers[1], .sides = {1, 1, numbers[rank - 1]}};
    if (rank > SSCAM_LEAST_RANK)
        out->sides.height = numbers[rank - 2];
    if (rank == SSCAM_MOST_RANK)
        out->sides.depth = numbers[2];
    return SSCAM_OK;
}

/* The message names the value's coordinates, as many as the input has. */
static sscam_status fail_not_finite(float value, int64_t at, const sscam_shape *shape)
{
    const sscam_sides sides = shape->sides;
    const int64_t positions = sscam_position_count(sides), position = at % positions;
    char where[64] = "";
    int length = 0;
    if (shape->rank == SSCAM_MOST_RANK)
        length = snprintf(where, sizeof where, ", slice %" PRId64,
                          position / (sides.height * sides.width));
    if (shape->rank > SSCAM_LEAST_RANK)
        snprintf(where + length, sizeof where - (size_t)length, ", row %" PRId64,
                 position / sides.width % sides.height);
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "input: %s at image %" PRId64 ", channel %" PRId64 "%s, column %" PRId64,
                      isnan(value) ? "NaN" : "infinity", at / positions / shape->channels,
                      at / positions % shape->channels, where, position % sides.width);
}

/* Tests bits, in a loop without an exit, so that compilers vectorise it. */
static int32_t all_are_finite(const float *values, int64_t count)
{
    const uint32_t exponent = 0x7F800000u;
    uint32_t others = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        others |= (bits & exponent) == exponent;
    }
    return others == 0;
}

sscam_status sscam_check_finite(const float *input, const sscam_shape *shape)
{
    const int64_t size = shape->images * sscam_input_size(shape);
    if (all_are_finite(input, size))
        return SSCAM_OK;
    int64_t first = 0;
    while (isfinite(input[first]))
        first++;
    return fail_not_finite(input[first], first, shape);
}

static sscam_status copy_logits(const float *logits, int64_t rows, int64_t class_count, float *out,
                                size_t capacity)
{
    if (capacity == 0)
        return SSCAM_OK;
    if ((size_t)(rows * class_count) > capacity)
        return sscam_fail(SSCAM_E_ARGUMENT, "logits: room for %zu floats, %lld are needed",
                          capacity, (long long)(rows * class_count));
    memcpy(out, logits, (size_t)(rows * class_count) * sizeof *out);
    return SSCAM_OK;
}

sscam_status sscam_model_classify_array(sscam_model *model, const float *input,
                                        const int64_t *shape, int32_t rank, float *logits,
                                        size_t capacity, int64_t *class_count)
{
    if (!model || !input || !shape || !class_count || (!logits && capacity > 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_classify: a pointer is NULL");
    sscam_shape read;
    sscam_status status = sscam_read_shape(shape, rank, &read);
    if (status == SSCAM_OK)
        status = sscam_check_finite(input, &read);
    if (status != SSCAM_OK)
        return status;
    float *all = NULL;
    const sscam_output_selection selection = {.kind = SSCAM_SCORE_LOGIT};
    status = model->backend->classify(model->network, input, &read, &selection, &all, class_count);
    if (status == SSCAM_OK)
        status = copy_logits(all, read.images, *class_count, logits, capacity);
    free(all);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_model_classify(sscam_model *model, const float *input, const int64_t shape[4],
                                  float *logits, size_t capacity, int64_t *class_count)
{
    return sscam_model_classify_array(model, input, shape, SSCAM_IMAGE_RANK, logits, capacity,
                                      class_count);
}

sscam_status sscam_model_layers_for(sscam_model *model, const int64_t *shape, int32_t rank,
                                    sscam_layers **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_layers: out is NULL");
    *out = NULL;
    if (!model || !shape)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_layers: %s is NULL",
                          !model ? "model" : "shape");
    sscam_shape read;
    sscam_status status = sscam_read_shape(shape, rank, &read);
    if (status == SSCAM_OK && read.images != 1)
        status = sscam_fail(SSCAM_E_ARGUMENT, "input shape: N is %" PRId64 ", not 1", read.images);
    if (status != SSCAM_OK)
        return status;
    sscam_layers *layers = calloc(1, sizeof *layers);
    if (!layers)
        return sscam_fail_memory("a list of layers");
    status = model->backend->layers(model->network, &read, NULL, layers);
    if (status != SSCAM_OK) {
        sscam_layers_unref(layers);
        return status;
    }
    *out = layers;
    return sscam_succeed();
}

sscam_status sscam_model_layers(sscam_model *model, const int64_t shape[4], sscam_layers **out)
{
    return sscam_model_layers_for(model, shape, SSCAM_IMAGE_RANK, out);
}
