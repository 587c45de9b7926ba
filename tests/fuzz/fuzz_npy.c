/* NumPy's .npy files, as --tensor takes them. */
#include "data/npy.h"
#include "memory_file.h"
#include "target.h"

static size_t element_size(const struct npy_array *array)
{
    switch (array->element_type) {
    case SSCAM_ELEMENT_FLOAT32: return 4;
    case SSCAM_ELEMENT_FLOAT64:
    case SSCAM_ELEMENT_INT64: return 8;
    default: return 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npy_array array;
    const char *path = memory_file(data, size);

    stderr_check_begin();
    int failed = npy_read(path, &array);
    stderr_check_end(failed);

    size_t count = array.data ? 1 : 0;
    volatile unsigned char last;
    PROMISE(failed ? !array.data : array.data && array.rank >= 0 && array.rank <= NPY_MAX_RANK);
    for (int i = 0; i < array.rank; i++)
        count *= (size_t)array.shape[i];
    PROMISE(count <= size); /* short whole numbers become longer than in the file */
    for (size_t i = 0; i < count; i++)
        last = ((const unsigned char *)array.data)[i * element_size(&array)];
    (void)last;
    npy_free(&array);
    return 0;
}
