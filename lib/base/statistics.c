#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>

static double mean_of(const float *values, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)values[i];
    return sum / (double)count;
}

double sscam_correlation(const float *a, const float *b, int64_t count)
{
    const double mean_a = mean_of(a, count), mean_b = mean_of(b, count);
    double squares_a = 0.0, squares_b = 0.0, products = 0.0;
    for (int64_t i = 0; i < count; i++) {
        const double x = (double)a[i] - mean_a, y = (double)b[i] - mean_b;
        squares_a += x * x;
        squares_b += y * y;
        products += x * y;
    }
    if (!(squares_a > 0.0 && squares_b > 0.0))
        return NAN;
    return fmax(-1.0, fmin(1.0, products / (sqrt(squares_a) * sqrt(squares_b))));
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void sscam_sort_ascending(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
}
