#include "model/model_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_source.h"
#include "base/error.h"
#include "model/device_input.h"
#include "model/file_kind.h"
#include "model/input_array.h"

/* Far above the size of any classifier. */
static const size_t LARGEST_FILE = (size_t)1 << 36;

sscam_model *sscam_model_create(const sscam_backend *backend, void *network)
{
    sscam_model *model = calloc(1, sizeof *model);
    if (!model)
        return NULL;
    model->backend = backend;
    model->network = network;
    return model;
}

static sscam_status load(const sscam_byte_source *source, const char *device, sscam_model **out)
{
    const sscam_backend *backend = sscam_backend_default();
    void *network = NULL;
    sscam_status status = backend->load(source, device ? device : "cpu", &network);
    if (status == SSCAM_E_FORMAT)
        status = sscam_fail_file_kind(source);
    if (status != SSCAM_OK)
        return status;
    *out = sscam_model_create(backend, network);
    if (*out)
        return sscam_succeed();
    backend->destroy(network);
    return sscam_fail_memory("a model");
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
    sscam_model_forms_destroy(model);
    model->backend->destroy(model->network);
    free(model);
}

const char *sscam_model_device(const sscam_model *model)
{
    return model ? model->backend->device(model->network) : "";
}

sscam_network_facts sscam_model_facts(const sscam_model *model)
{
    sscam_network_facts facts = {0};
    if (model && model->backend->describe)
        model->backend->describe(model->network, &facts);
    return facts;
}

int32_t sscam_model_input_shape(const sscam_model *model, int64_t shape[SSCAM_INPUT_MAX_RANK])
{
    const sscam_network_facts facts = sscam_model_facts(model);
    for (int32_t i = 0; shape && i < SSCAM_INPUT_MAX_RANK; i++)
        shape[i] = facts.shape[i];
    return facts.rank;
}

sscam_input_description sscam_model_input_description(const sscam_model *model)
{
    const sscam_network_facts facts = sscam_model_facts(model);
    return (sscam_input_description){facts.layout, facts.shape[1], facts.type};
}

const char *sscam_model_input_layout(const sscam_model *model)
{
    const sscam_network_facts facts = sscam_model_facts(model);
    return sscam_input_layout_text(&facts.layout);
}

const char *sscam_model_input_type(const sscam_model *model)
{
    return model ? sscam_input_type_text(sscam_model_facts(model).type) : "";
}

int64_t sscam_model_class_count(const sscam_model *model)
{
    return sscam_model_facts(model).class_count;
}

/* --- randomised copies ------------------------------------------------------------------------ */

static sscam_status randomise(sscam_model *model, int64_t layers, int64_t seed, int64_t *randomised,
                              sscam_model **out)
{
    void *network = NULL;
    sscam_status status = model->backend->randomise(model->network, layers, seed, randomised,
                                                    &network);
    if (status == SSCAM_OK)
        status = sscam_model_create_like(model, network, out);
    if (status == SSCAM_OK)
        return sscam_succeed();
    if (network)
        model->backend->destroy(network);
    *randomised = 0;
    return status;
}

sscam_status sscam_model_randomise(sscam_model *model, int64_t layers, int64_t seed,
                                   int64_t *randomised, sscam_model **out)
{
    static const char function[] = "sscam_model_randomise";
    int64_t count = 0;
    if (randomised)
        *randomised = 0;
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: out is NULL", function);
    *out = NULL;
    if (!model)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: model is NULL", function);
    if (layers < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: layers is %" PRId64, function, layers);
    if (!model->backend->randomise)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s: the network runs in an engine of the host, which has its parameters",
                          function);
    return randomise(model, layers, seed, randomised ? randomised : &count, out);
}

/* --- calibration ------------------------------------------------------------------------------ */

static sscam_status fail_not_calibrated(void)
{
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "the network's engine chooses itself how it runs: it has no calibration");
}

sscam_status sscam_model_calibration(sscam_model *model, char **text)
{
    if (!text)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_calibration: text is NULL");
    *text = NULL;
    if (!model)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_calibration: model is NULL");
    sscam_status status = model->backend->calibration
                              ? model->backend->calibration(model->network, text)
                              : fail_not_calibrated();
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_model_set_calibration(sscam_model *model, const char *text)
{
    if (!model)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_set_calibration: model is NULL");
    sscam_status status = model->backend->set_calibration
                              ? model->backend->set_calibration(model->network, text)
                              : fail_not_calibrated();
    return status == SSCAM_OK ? sscam_succeed() : status;
}

/* --- classification --------------------------------------------------------------------------- */

static sscam_status copy_logits(const float *logits, int64_t rows, int64_t class_count, float *out,
                                int64_t capacity)
{
    if (capacity == 0)
        return SSCAM_OK;
    if (rows * class_count > capacity)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "logits: room for %" PRId64 " floats, %" PRId64 " are needed", capacity,
                          rows * class_count);
    memcpy(out, logits, (size_t)(rows * class_count) * sizeof *out);
    return SSCAM_OK;
}

static sscam_status classify(sscam_model *model, const float *values, const sscam_shape *shape,
                             float *logits, int64_t capacity, int64_t *class_count)
{
    float *all = NULL;
    const sscam_output_selection selection = {.kind = SSCAM_SCORE_LOGIT};
    sscam_status status = model->backend->classify(model->network, values, shape, &selection, &all,
                                                   class_count);
    if (status == SSCAM_OK)
        status = copy_logits(all, shape->images, *class_count, logits, capacity);
    free(all);
    return status;
}

static sscam_status check_classification(const char *function, int32_t has_pointers,
                                         const float *logits, int64_t capacity)
{
    if (!has_pointers || (!logits && capacity != 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: a pointer is NULL", function);
    if (capacity < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: capacity is %" PRId64, function, capacity);
    return SSCAM_OK;
}

sscam_status sscam_model_classify(sscam_model *model, const sscam_array *input, float *logits,
                                  int64_t capacity, int64_t *class_count)
{
    static const char function[] = "sscam_model_classify";
    sscam_status status = check_classification(function, model && input && class_count, logits,
                                               capacity);
    if (status != SSCAM_OK)
        return status;
    sscam_input read;
    const sscam_input_description wanted = sscam_model_input_description(model);
    status = sscam_input_open_as(input, &wanted, "input", function, &read);
    if (status == SSCAM_OK)
        status = sscam_input_load(&read, function);
    if (status == SSCAM_OK)
        status = classify(model, read.values, &read.shape, logits, capacity, class_count);
    sscam_input_close(&read);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_model_classify_cuda(sscam_model *model, const sscam_cuda_array *input,
                                       float *logits, int64_t capacity, int64_t *class_count)
{
    static const char function[] = "sscam_model_classify_cuda";
    sscam_status status = check_classification(function, model && input && class_count, logits,
                                               capacity);
    if (status != SSCAM_OK)
        return status;
    sscam_device_input read;
    const sscam_input_description wanted = sscam_model_input_description(model);
    status = sscam_device_input_open(input, &wanted, "input", function, &read);
    if (status == SSCAM_OK)
        status = sscam_device_input_load(&read, model, function);
    if (status == SSCAM_OK)
        status = classify(model, read.values, &read.shape, logits, capacity, class_count);
    sscam_device_input_close(&read);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_model_layers(sscam_model *model, const int64_t *shape, int32_t rank,
                                sscam_layers **out)
{
    if (!out)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_layers: out is NULL");
    *out = NULL;
    if (!model || !shape)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_model_layers: %s is NULL",
                          !model ? "model" : "shape");
    sscam_shape read;
    const sscam_input_description wanted = sscam_model_input_description(model);
    sscam_status status = sscam_read_shape_as(shape, rank, &wanted, "input", &read);
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
