/* Memory of a device that the host cannot read: whoever does, crashes. The fake backend reads its
 * own copy of it, as a GPU reads its memory. */
#ifndef SSCAM_TESTS_SUPPORT_FAKE_DEVICE_H
#define SSCAM_TESTS_SUPPORT_FAKE_DEVICE_H

#include <stddef.h>

#include "model/backend.h"

enum { FAKE_DEVICE = 1 }; /* number of the device that the fake networks are on */

/* Counted since the start of the process. */
typedef struct fake_device_counters {
    int64_t held;        /* now */
    int64_t downloads;   /* copies to the host */
    int64_t conversions; /* inputs that were not used in place */
    void *stream;        /* of the input that was held last */
} fake_device_counters;

extern fake_device_counters fake_device_counted;

/* A copy of some bytes in the device's memory; the process ends with it. */
const void *fake_device_upload(const void *bytes, size_t size);

/* Where the fake backend finds what lies at an address: the address itself for the host's
 * memory. */
const void *fake_device_contents(const void *address);

/* The functions of the backend. */
sscam_status fake_device_hold(void *network, const sscam_cuda_array *array,
                              const sscam_shape *shape, const float **values, int32_t *is_finite);
void fake_device_release(void *network, const float *values);
sscam_status fake_device_read(void *network, const float *values, int64_t count, float *out);

#endif
