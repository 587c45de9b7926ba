/* NumPy's .npy files, as --tensor takes them. */
#include "data/npy.h"
#include "memory_file.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct npy_array array;
    const char *path = memory_file(data, size);

    stderr_check_begin();
    int failed = npy_read(path, &array);
    stderr_check_end(failed);

    size_t count = array.data ? 1 : 0;
    volatile float last;
    PROMISE(failed ? !array.data : array.data && array.rank >= 0 && array.rank <= NPY_MAX_RANK);
    for (int i = 0; i < array.rank; i++)
        count *= (size_t)array.shape[i];
    PROMISE(count * sizeof(float) <= size);
    for (size_t i = 0; i < count; i++)
        last = array.data[i];
    (void)last;
    npy_free(&array);
    return 0;
}
