#include "support/fake_device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "model/input_array.h"

typedef struct region {
    char *address; /* of pages that may not be read */
    char *contents;
    size_t size;
} region;

static region regions[64];
static size_t region_count;

fake_device_counters fake_device_counted;

const void *fake_device_upload(const void *bytes, size_t size)
{
    if (region_count == sizeof regions / sizeof *regions)
        abort();
    region *made = &regions[region_count++];
    made->address = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    made->contents = malloc(size);
    made->size = size;
    if (made->address == MAP_FAILED || !made->contents)
        abort();
    memcpy(made->contents, bytes, size);
    return made->address;
}

const void *fake_device_contents(const void *address)
{
    for (size_t i = 0; i < region_count; i++) {
        const size_t offset = (size_t)((uintptr_t)address - (uintptr_t)regions[i].address);
        if ((uintptr_t)address >= (uintptr_t)regions[i].address && offset < regions[i].size)
            return regions[i].contents + offset;
    }
    return address;
}

/* The description of an array with the contents in place of the address. */
static sscam_status load(const sscam_cuda_array *array, sscam_input *out)
{
    const sscam_array plain = {sizeof plain, fake_device_contents(array->data),
                               array->shape, array->strides,
                               array->rank,  array->element_type};
    sscam_status status = sscam_input_open(&plain, "input", "the fake device", out);
    return status == SSCAM_OK ? sscam_input_load(out, "the fake device") : status;
}

static int32_t all_finite(const float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return 0;
    return 1;
}

sscam_status fake_device_hold(void *network, const sscam_cuda_array *array,
                              const sscam_shape *shape, const float **values, int32_t *is_finite)
{
    (void)network;
    const size_t size = (size_t)(shape->images * sscam_input_size(shape));
    sscam_input input;
    if (array->device != FAKE_DEVICE)
        return sscam_fail(SSCAM_E_DEVICE, "the input is on cuda:%d, the model on cuda:%d",
                          array->device, FAKE_DEVICE);
    if (fake_device_contents(array->data) == array->data)
        return sscam_fail(SSCAM_E_ARGUMENT, "data is no memory of cuda:%d", FAKE_DEVICE);
    const float *contents = fake_device_contents(array->data);
    *is_finite = array->element_type != SSCAM_ELEMENT_FLOAT32 ||
                 all_finite(contents, (int64_t)size);
    *values = array->data;
    if (*is_finite) {
        sscam_status status = load(array, &input);
        if (status != SSCAM_OK)
            return status;
        if (input.copy) {
            *values = fake_device_upload(input.copy, size * sizeof *input.copy);
            fake_device_counted.conversions++;
        }
        sscam_input_close(&input);
    }
    fake_device_counted.held++;
    fake_device_counted.stream = array->stream;
    return SSCAM_OK;
}

void fake_device_release(void *network, const float *values)
{
    (void)network;
    (void)values;
    fake_device_counted.held--;
}

sscam_status fake_device_read(void *network, const float *values, int64_t count, float *out)
{
    (void)network;
    memcpy(out, fake_device_contents(values), (size_t)count * sizeof *out);
    fake_device_counted.downloads++;
    return SSCAM_OK;
}
