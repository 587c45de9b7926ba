#include "model/device_input.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/public_struct.h"

#define WAY_OUT "copy the input to the host's memory and pass it as an sscam_array"

static int64_t size_of(const sscam_device_input *input)
{
    return sscam_times(input->shape.images, sscam_input_size(&input->shape));
}

/* The fields that are common to both kinds of arrays. */
static sscam_array described(const sscam_cuda_array *array)
{
    return (sscam_array){sizeof(sscam_array), array->data, array->shape,
                         array->strides,      array->rank, array->element_type};
}

/* The order of axes in which the array was read. */
static void take_order(const sscam_input *read, sscam_device_input *out)
{
    if (read->array.shape != read->numbers)
        return;
    memcpy(out->numbers, read->numbers, sizeof out->numbers);
    memcpy(out->strides, read->strides, sizeof out->strides);
    out->array.shape = out->numbers;
    out->array.strides = out->strides;
    out->array.rank = read->array.rank;
}

sscam_status sscam_device_input_open(const sscam_cuda_array *array,
                                     const sscam_input_description *wanted, const char *name,
                                     const char *function, sscam_device_input *out)
{
    *out = (sscam_device_input){.name = name};
    sscam_status status = sscam_public_struct_read(array, &out->array, sizeof out->array,
                                                   sizeof out->array, "sscam_cuda_array");
    if (status != SSCAM_OK)
        return status;
    if (out->array.reserved != 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s: reserved is %" PRId32 ", not 0", function,
                          name, out->array.reserved);
    if (out->array.device < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: %s: device is %" PRId32 ", not 0 or more",
                          function, name, out->array.device);
    const sscam_array plain = described(&out->array);
    sscam_input read;
    status = sscam_input_open_as(&plain, wanted, name, function, &read);
    read.may_be_int64 = 0;
    if (status == SSCAM_OK)
        status = sscam_input_check_elements(&read, function);
    if (status == SSCAM_OK && sscam_input_type_is_whole(wanted->type) &&
        out->array.element_type != SSCAM_ELEMENT_UINT8)
        status = sscam_fail(
            SSCAM_E_ARGUMENT,
            "%s: %s: the network takes whole numbers (input_type=%s): give it uint8", function,
            name, sscam_input_type_text(wanted->type));
    out->shape = read.shape;
    take_order(&read, out);
    return status;
}

static sscam_status read_all(sscam_device_input *input)
{
    const int64_t size = size_of(input);
    input->host = sscam_allocate_array(size, sizeof *input->host);
    if (!input->host)
        return sscam_fail_memory("a copy of the input");
    sscam_status status = input->model->backend->read_device_input(
        input->model->network, input->values, size, input->host);
    if (status != SSCAM_OK) {
        free(input->host);
        input->host = NULL;
    }
    return status;
}

/* The message names the first value that is not finite. */
static sscam_status fail_not_finite(sscam_device_input *input, const char *function)
{
    sscam_status status = read_all(input);
    if (status != SSCAM_OK)
        return status;
    const sscam_array copy = {sizeof copy, input->host,       input->array.shape,
                              NULL,        input->array.rank, SSCAM_ELEMENT_FLOAT32};
    sscam_input read;
    status = sscam_input_open(&copy, input->name, function, &read);
    if (status == SSCAM_OK)
        status = sscam_input_load(&read, function);
    sscam_input_close(&read);
    return status == SSCAM_OK ? sscam_fail(SSCAM_E_ARGUMENT,
                                           "%s: %s: its values change while they are read; pass "
                                           "the stream that writes them",
                                           function, input->name)
                              : status;
}

/* Values are neither moved nor checked on the device as those of the host's memory are. */
static sscam_status check_form(const sscam_device_input *input, const sscam_model *model,
                               const char *function)
{
    const sscam_input_description wanted = sscam_model_input_description(model);
    if (!sscam_input_layout_is_plain(&wanted.layout))
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s: %s: the network takes its axes in the order %s; " WAY_OUT, function,
                          input->name, sscam_input_layout_text(&wanted.layout));
    if (sscam_input_type_is_whole(wanted.type))
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s: %s: the network takes whole numbers, %s; " WAY_OUT, function,
                          input->name, sscam_input_type_text(wanted.type));
    return SSCAM_OK;
}

sscam_status sscam_device_input_load(sscam_device_input *input, const sscam_model *model,
                                     const char *function)
{
    const sscam_backend *backend = model->backend;
    int32_t is_finite = 0;
    if (!backend->hold_device_input)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "%s: the network runs in an engine of the host (%s), which takes inputs "
                          "in the host's memory; " WAY_OUT,
                          function, backend->device(model->network));
    sscam_status status = check_form(input, model, function);
    if (status != SSCAM_OK)
        return status;
    status = backend->hold_device_input(model->network, &input->array, &input->shape,
                                        &input->values, &is_finite);
    if (status != SSCAM_OK)
        return sscam_fail(status, "%s: %s: %s", function, input->name, sscam_error_message());
    input->model = model;
    return is_finite ? SSCAM_OK : fail_not_finite(input, function);
}

sscam_status sscam_host_values(sscam_device_input *input, const float *values, const float **out)
{
    *out = values;
    if (!input)
        return SSCAM_OK;
    const uintptr_t first = (uintptr_t)input->values, wanted = (uintptr_t)values;
    if (wanted < first || wanted - first >= (size_t)size_of(input) * sizeof *values)
        return SSCAM_OK;
    sscam_status status = input->host ? SSCAM_OK : read_all(input);
    if (status == SSCAM_OK)
        *out = input->host + (wanted - first) / sizeof *values;
    return status;
}

void sscam_device_input_close(sscam_device_input *input)
{
    if (input->model)
        input->model->backend->release_device_input(input->model->network, input->values);
    input->model = NULL;
    free(input->host);
    input->host = NULL;
}
