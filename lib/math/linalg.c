#include "math/linalg.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"

/* LAPACK's symmetric eigenproblem. Not every OpenBLAS brings LAPACK's C interface; all bring this.
 * The lengths of the strings come last, as Fortran compilers pass them. */
void dsyevr_(const char *jobz, const char *range, const char *uplo, const blasint *n, double *a,
             const blasint *lda, const double *vl, const double *vu, const blasint *il,
             const blasint *iu, const double *abstol, blasint *m, double *w, double *z,
             const blasint *ldz, blasint *isuppz, double *work, const blasint *lwork,
             blasint *iwork, const blasint *liwork, blasint *info, size_t jobz_length,
             size_t range_length, size_t uplo_length);

void sscam_weighted_sum(const float *maps, const float *weights, int64_t count, int64_t size,
                        float *out)
{
    cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)count, (blasint)size, 1.0f, maps, (blasint)size,
                weights, 1, 0.0f, out, 1);
}

/* --- principal component ---------------------------------------------------------------------- */

/* X_k(p), [count, size]. */
static sscam_status center_maps(const float *maps, const float *weights, int64_t count,
                                int64_t size, double *centered)
{
    for (int64_t k = 0; k < count; k++) {
        double *row = centered + k * size, mean = 0.0;
        for (int64_t p = 0; p < size; p++) {
            row[p] = (double)maps[k * size + p] * (weights != NULL ? weights[k] : 1.0);
            mean += row[p] / (double)size;
        }
        if (!isfinite(mean))
            return sscam_fail(SSCAM_E_MODEL, "the map of channel %lld is not finite", (long long)k);
        for (int64_t p = 0; p < size; p++)
            row[p] -= mean;
    }
    return SSCAM_OK;
}

/* Scales so that the largest value is 1: squares of what is left neither overflow nor vanish. 0:
 * all are zero. */
static double scale_to_one(double *values, int64_t count)
{
    double largest = 0.0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    for (int64_t i = 0; i < count && largest > 0.0; i++)
        values[i] /= largest;
    return largest;
}

/* Runs LAPACK for the largest eigenvalue of `matrix`, [order, order], which it destroys; the
 * eigenvector goes to `vector`. Memory has room for 26 order doubles and 12 order integers, its
 * documented needs. */
static blasint solve(double *matrix, blasint order, double *vector, double *work, blasint *integers)
{
    const double unused = 0.0, tolerance = 0.0;
    const blasint work_size = 26 * order, integer_count = 10 * order;
    blasint found = 0, info = 0;
    double *eigenvalues = work + work_size;
    dsyevr_("V", "I", "U", &order, matrix, &order, &unused, &unused, &order, &order, &tolerance,
            &found, eigenvalues, vector, &order, integers + integer_count, work, &work_size,
            integers, &integer_count, &info, 1, 1, 1);
    return found == 1 ? info : -1;
}

static sscam_status top_eigenvector(double *matrix, int64_t order, double *vector)
{
    double *work = sscam_array(sscam_times(27, order), sizeof *work);
    blasint *integers = sscam_array(sscam_times(12, order), sizeof *integers);
    sscam_status status = SSCAM_OK;
    if (work == NULL || integers == NULL)
        status = sscam_fail_memory("a principal component");
    else if (solve(matrix, (blasint)order, vector, work, integers) != 0)
        status = sscam_fail(SSCAM_E_MODEL, "no principal component was found among %lld",
                            (long long)order);
    free(work);
    free(integers);
    return status;
}

/* v of X = [count, size]: the eigenvector of X X', or X times that of X' X, whichever matrix is
 * smaller. `scratch` has room for the smaller matrix and one vector of its order. */
static sscam_status principal_component(const double *centered, int64_t count, int64_t size,
                                        double *scratch, double *v)
{
    const int64_t order = count < size ? count : size;
    double *matrix = scratch, *vector = scratch + order * order;
    cblas_dsyrk(CblasRowMajor, CblasUpper, count <= size ? CblasNoTrans : CblasTrans,
                (blasint)order, (blasint)(count <= size ? size : count), 1.0, centered,
                (blasint)size, 0.0, matrix, (blasint)order);
    /* LAPACK reads columns first. */
    for (int64_t i = 0; i < order; i++)
        for (int64_t j = 0; j < i; j++)
            matrix[i * order + j] = matrix[j * order + i];
    sscam_status status = top_eigenvector(matrix, order, vector);
    if (status != SSCAM_OK)
        return status;
    if (count <= size)
        memcpy(v, vector, (size_t)count * sizeof *v);
    else
        cblas_dgemv(CblasRowMajor, CblasNoTrans, (blasint)count, (blasint)size, 1.0, centered,
                    (blasint)size, vector, 1, 0.0, v, 1);
    return SSCAM_OK;
}

/* Unit length, and the sign that linalg.h names; the largest component decides where the sum leaves
 * it open. */
static void orient(double *v, int64_t count)
{
    double length = cblas_dnrm2((blasint)count, v, 1), sum = 0.0;
    for (int64_t k = 0; k < count; k++)
        sum += v[k];
    if (fabs(sum) <= 1e-9 * length)
        sum = v[cblas_idamax((blasint)count, v, 1)];
    cblas_dscal((blasint)count, (sum < 0.0 ? -1.0 : 1.0) / length, v, 1);
}

static sscam_status project(const double *centered, int64_t count, int64_t size, double scale,
                            double *scratch, float *out)
{
    double *v = scratch, *projection = v + count;
    sscam_status status = principal_component(centered, count, size, projection + size, v);
    if (status != SSCAM_OK)
        return status;
    orient(v, count);
    cblas_dgemv(CblasRowMajor, CblasTrans, (blasint)count, (blasint)size, scale, centered,
                (blasint)size, v, 1, 0.0, projection, 1);
    for (int64_t p = 0; p < size; p++)
        out[p] = (float)projection[p];
    return SSCAM_OK;
}

sscam_status sscam_project_on_principal_component(const float *maps, const float *weights,
                                                  int64_t count, int64_t size, float *out)
{
    const int64_t order = count < size ? count : size;
    double *centered = sscam_array(sscam_times(count, size), sizeof *centered);
    double *scratch = sscam_array(
        sscam_plus(sscam_plus(count, size), sscam_times(order, order + 1)), sizeof *scratch);
    sscam_status status = SSCAM_OK;
    if (centered == NULL || scratch == NULL)
        status = sscam_fail_memory("a principal component");
    else
        status = center_maps(maps, weights, count, size, centered);
    double scale = status == SSCAM_OK ? scale_to_one(centered, count * size) : 0.0;
    if (status == SSCAM_OK && scale > 0.0)
        status = project(centered, count, size, scale, scratch, out);
    else if (status == SSCAM_OK)
        memset(out, 0, (size_t)size * sizeof *out);
    free(centered);
    free(scratch);
    return status;
}

const char *sscam_linalg_info(void)
{
    return openblas_get_config();
}
