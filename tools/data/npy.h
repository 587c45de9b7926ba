/* NumPy's .npy files of float32 arrays in C order. */
#ifndef SSCAM_TOOLS_DATA_NPY_H
#define SSCAM_TOOLS_DATA_NPY_H

#include <stdint.h>

#define NPY_MAX_RANK 5

struct npy_array {
    float *data;
    int rank;
    int64_t shape[NPY_MAX_RANK];
};

/* Reads a file of format 1.0 or 2.0. EXIT_FAILED with a line when it cannot be used; the array is
 * then empty. */
int npy_read(const char *path, struct npy_array *array);

/* Writes a file of format 1.0, as output_file.h does. */
int npy_write(const char *path, const float *data, int rank, const int64_t *shape);

void npy_free(struct npy_array *array);

#endif
