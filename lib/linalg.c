#include "linalg.h"

#include <cblas.h>

void sscam_weighted_sum(const float *maps, const float *weights, int64_t count, int64_t size, float *out)
{
    cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)count, (blasint)size, 1.0f, maps, (blasint)size, weights, 1,
                0.0f, out, 1);
}

const char *sscam_linalg_info(void)
{
    return openblas_get_config();
}
