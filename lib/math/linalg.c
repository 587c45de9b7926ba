#include "math/linalg.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"

void sscam_weighted_sum(const float *maps, const float *weights, int64_t count, int64_t size,
                        float *out)
{
    cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)count, (blasint)size, 1.0f, maps, (blasint)size,
                weights, 1, 0.0f, out, 1);
}

/* --- principal component ---------------------------------------------------------------------- */

/* X_k(p), [count, size]: the weighted maps, each without its mean. */
static sscam_status center_maps(const float *maps, const float *weights, int64_t count,
                                int64_t size, double *centered)
{
    for (int64_t k = 0; k < count; k++) {
        double *row = centered + k * size, mean = 0.0;
        for (int64_t p = 0; p < size; p++) {
            row[p] = (double)maps[k * size + p] * (weights ? weights[k] : 1.0);
            mean += row[p] / (double)size;
        }
        if (!isfinite(mean))
            return sscam_fail(SSCAM_E_MODEL, "the map of channel %lld is not finite", (long long)k);
        for (int64_t p = 0; p < size; p++)
            row[p] -= mean;
    }
    return SSCAM_OK;
}

/* Scales so that the largest magnitude is 1, so that squares neither overflow nor underflow.
 * Returns that magnitude; 0: all values are zero. */
static double scale_to_one(double *values, int64_t count)
{
    double largest = 0.0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    for (int64_t i = 0; i < count && largest > 0.0; i++)
        values[i] /= largest;
    return largest;
}

/* The lower triangle of a symmetric matrix, [order, order], from the upper one. */
static void mirror_triangle(double *matrix, int64_t order)
{
    for (int64_t i = 0; i < order; i++)
        for (int64_t j = 0; j < i; j++)
            matrix[i * order + j] = matrix[j * order + i];
}

/* Divides by the trace, the sum of the eigenvalues; they are 0 or more and not all 0. */
static void scale_to_trace_one(double *matrix, int64_t order)
{
    double trace = 0.0;
    for (int64_t i = 0; i < order; i++)
        trace += matrix[i * order + i];
    for (int64_t i = 0; i < order * order; i++)
        matrix[i] /= trace;
}

static double largest_difference(const double *a, const double *b, int64_t count)
{
    double largest = 0.0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(a[i] - b[i]));
    return largest;
}

/* The eigenvector of the largest eigenvalue of a positive semidefinite matrix, [order, order], by
 * repeated squaring: power iteration whose number of steps doubles each time, so that close
 * eigenvalues separate, too. It ends when squaring changes no more than rounding does. What is left
 * is a projection on the eigenvector, or on the space of eigenvectors whose eigenvalues are equal
 * up to rounding, any of which will do; its column with the largest diagonal element is the result.
 * The error is that of LAPACK's solvers: rounding over the relative distance of the eigenvalues.
 * Destroys both matrices. */
static void top_eigenvector(double *matrix, double *square, int64_t order, double *vector)
{
    enum { SQUARINGS_LIMIT = 60 };
    const double tolerance = 1e-15;
    scale_to_trace_one(matrix, order);
    for (int step = 0; step < SQUARINGS_LIMIT; step++) {
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)order, (blasint)order, 1.0,
                    matrix, (blasint)order, 0.0, square, (blasint)order);
        mirror_triangle(square, order);
        scale_to_trace_one(square, order);
        const double change = largest_difference(square, matrix, order * order);
        memcpy(matrix, square, (size_t)(order * order) * sizeof *matrix);
        if (change <= tolerance)
            break;
    }
    int64_t column = 0;
    for (int64_t i = 1; i < order; i++)
        if (matrix[i * order + i] > matrix[column * order + column])
            column = i;
    memcpy(vector, matrix + column * order, (size_t)order * sizeof *vector);
}

/* v of X = [count, size]: the eigenvector of X X', or X times that of X' X, whichever matrix is
 * smaller. `scratch` has room for two such matrices and one vector of their order. */
static void principal_component(const double *centered, int64_t count, int64_t size,
                                double *scratch, double *v)
{
    const int64_t order = count < size ? count : size;
    double *matrix = scratch, *square = matrix + order * order, *vector = square + order * order;
    cblas_dsyrk(CblasRowMajor, CblasUpper, count <= size ? CblasNoTrans : CblasTrans,
                (blasint)order, (blasint)(count <= size ? size : count), 1.0, centered,
                (blasint)size, 0.0, matrix, (blasint)order);
    mirror_triangle(matrix, order);
    top_eigenvector(matrix, square, order, vector);
    if (count <= size)
        memcpy(v, vector, (size_t)count * sizeof *v);
    else
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (blasint)count, (blasint)size, 1.0, centered,
                    (blasint)size, vector, 1, 0.0, v, 1);
}

/* Unit length, and the sign that linalg.h specifies; where the sum is zero but for rounding, the
 * largest component decides. */
static void orient(double *v, int64_t count)
{
    double length = cblas_dnrm2((blasint)count, v, 1), sum = 0.0;
    for (int64_t k = 0; k < count; k++)
        sum += v[k];
    if (fabs(sum) <= 1e-9 * length)
        sum = v[cblas_idamax((blasint)count, v, 1)];
    cblas_dscal((blasint)count, (sum < 0.0 ? -1.0 : 1.0) / length, v, 1);
}

static void project(const double *centered, int64_t count, int64_t size, double scale,
                    double *scratch, float *out)
{
    double *v = scratch, *projection = v + count;
    principal_component(centered, count, size, projection + size, v);
    orient(v, count);
    cblas_dgemv(CblasRowMajor, CblasTrans, (blasint)count, (blasint)size, scale, centered,
                (blasint)size, v, 1, 0.0, projection, 1);
    for (int64_t p = 0; p < size; p++)
        out[p] = (float)projection[p];
}

/* Doubles of scratch space for project(). */
static int64_t projection_scratch(int64_t count, int64_t size)
{
    const int64_t order = count < size ? count : size;
    return sscam_plus(sscam_plus(count, size),
                      sscam_plus(sscam_times(2, sscam_times(order, order)), order));
}

sscam_status sscam_project_on_principal_component(const float *maps, const float *weights,
                                                  int64_t count, int64_t size, float *out)
{
    double *centered = sscam_allocate_array(sscam_times(count, size), sizeof *centered);
    double *scratch = sscam_allocate_array(projection_scratch(count, size), sizeof *scratch);
    sscam_status status = SSCAM_OK;
    if (!centered || !scratch)
        status = sscam_fail_memory("a principal component");
    else
        status = center_maps(maps, weights, count, size, centered);
    if (status == SSCAM_OK) {
        const double scale = scale_to_one(centered, count * size);
        if (scale > 0.0)
            project(centered, count, size, scale, scratch, out);
        else
            memset(out, 0, (size_t)size * sizeof *out);
    }
    free(centered);
    free(scratch);
    return status;
}

/* --- kernel principal component --------------------------------------------------------------- */

/* The kernel matrix [size, size] of positions, centred in the kernel's space. */
static void kernel_matrix(const double *centered, int64_t count, int64_t size, double *matrix)
{
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)size, (blasint)count,
                1.0 / (double)count, centered, (blasint)size, 0.0, matrix, (blasint)size);
    mirror_triangle(matrix, size);
    double total = 0.0;
    for (int64_t i = 0; i < size * size; i++) {
        matrix[i] = tanh(matrix[i] + 1.0);
        total += matrix[i];
    }
    double *mean = matrix + size * size; /* of each row, and of each column */
    for (int64_t i = 0; i < size; i++) {
        mean[i] = 0.0;
        for (int64_t j = 0; j < size; j++)
            mean[i] += matrix[i * size + j] / (double)size;
    }
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j < size; j++)
            matrix[i * size + j] += total / (double)(size * size) - mean[i] - mean[j];
}

/* Adds to the diagonal what makes all eigenvalues positive: the largest sum of magnitudes in a
 * row. */
static void shift_eigenvalues(double *matrix, int64_t order)
{
    double shift = 0.0;
    for (int64_t i = 0; i < order; i++)
        shift = fmax(shift, cblas_dasum((blasint)order, matrix + i * order, 1));
    for (int64_t i = 0; i < order; i++)
        matrix[i * order + i] += shift;
}

static double vector_sum_along(const double *centered, const double *vector, int64_t count,
                               int64_t size)
{
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++)
        sum += cblas_ddot((blasint)size, centered + k * size, 1, vector, 1);
    return sum;
}

static int32_t scale_is_zero(const double *values, int64_t count)
{
    return values[cblas_idamax((blasint)count, values, 1)] == 0.0;
}

/* `scratch`: 3 [size, size] and 2 [size]. */
static void project_kernel(const double *centered, int64_t count, int64_t size, double *scratch,
                           float *out)
{
    double *matrix = scratch, *shifted = matrix + size * size + size,
           *square = shifted + size * size, *vector = square + size * size;
    kernel_matrix(centered, count, size, matrix);
    memcpy(shifted, matrix, (size_t)(size * size) * sizeof *shifted);
    shift_eigenvalues(shifted, size);
    top_eigenvector(shifted, square, size, vector);
    cblas_dscal((blasint)size, 1.0 / cblas_dnrm2((blasint)size, vector, 1), vector, 1);
    cblas_dsymv(CblasRowMajor, CblasUpper, (blasint)size, 1.0, matrix, (blasint)size, vector, 1,
                0.0, square, 1);
    const double eigenvalue = cblas_ddot((blasint)size, vector, 1, square, 1);
    const double sign = vector_sum_along(centered, vector, count, size) < 0.0 ? -1.0 : 1.0;
    for (int64_t p = 0; p < size; p++)
        out[p] = eigenvalue > 0.0 ? (float)(sign * sqrt(eigenvalue) * vector[p]) : 0.0f;
}

sscam_status sscam_project_on_kernel_component(const float *maps, int64_t count, int64_t size,
                                               float *out)
{
    if (size > SSCAM_KERNEL_POSITIONS)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "kernel principal component: %lld positions, where %d are the most; "
                          "choose a later layer",
                          (long long)size, SSCAM_KERNEL_POSITIONS);
    double *centered = sscam_allocate_array(sscam_times(count, size), sizeof *centered);
    double *scratch = sscam_allocate_array(3 * size * size + 2 * size, sizeof *scratch);
    sscam_status status = SSCAM_OK;
    if (!centered || !scratch)
        status = sscam_fail_memory("a kernel principal component");
    else
        status = center_maps(maps, NULL, count, size, centered);
    if (status == SSCAM_OK && scale_is_zero(centered, count * size))
        memset(out, 0, (size_t)size * sizeof *out);
    else if (status == SSCAM_OK)
        project_kernel(centered, count, size, scratch, out);
    free(centered);
    free(scratch);
    return status;
}

const char *sscam_linalg_info(void)
{
    return openblas_get_config();
}
