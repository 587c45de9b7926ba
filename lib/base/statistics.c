#include "base/statistics.h"

#include <math.h>

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

/* One of the two sides by Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.23, to
 * within 4.5e-4, then Newton's steps on the complementary error function. */
static double upper_quantile(double probability)
{
    const double t = sqrt(-2.0 * log(probability));
    double value = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) /
                           (1.0 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
    for (int i = 0; i < 2; i++) {
        const double tail = 0.5 * erfc(value / sqrt(2.0)),
                     density = exp(-0.5 * value * value) / sqrt(2.0 * acos(-1.0));
        value += (tail - probability) / density;
    }
    return value;
}

double sscam_normal_quantile(double probability)
{
    return probability < 0.5 ? -upper_quantile(probability) : upper_quantile(1.0 - probability);
}
