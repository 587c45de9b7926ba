/* NumPy's .npy files in C order. */
#ifndef SSCAM_TOOLS_DATA_NPY_H
#define SSCAM_TOOLS_DATA_NPY_H

#include <stdint.h>

#include <sscam/sscam.h>

#define NPY_MAX_RANK 8

struct npy_array {
    void *data;
    int32_t element_type; /* of the library: signed whole numbers become int64 */
    int rank;
    int64_t shape[NPY_MAX_RANK];
};

/* Reads a file of format 1.0 or 2.0 that holds float32, float64, uint8, bool or whole numbers of up
 * to 64 bits. EXIT_FAILED with a line when it cannot be used; the array is then empty. */
int npy_read(const char *path, struct npy_array *array);

/* The same for float32 alone. */
int npy_read_floats(const char *path, struct npy_array *array);

/* Writes a file of format 1.0, as output_file.h does. */
int npy_write(const char *path, const float *data, int rank, const int64_t *shape);

/* The array as the library takes it, which refers to it. */
sscam_array npy_view(const struct npy_array *array);

void npy_free(struct npy_array *array);

#endif
