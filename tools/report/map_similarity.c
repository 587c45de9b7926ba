#include "report/map_similarity.h"

#include <math.h>

static double mean_of(const float *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    return sum / (double)count;
}

/* Pearson's correlation; NaN where either is constant. */
static double correlation(const float *a, const float *b, size_t count)
{
    double mean_a = mean_of(a, count), mean_b = mean_of(b, count), products = 0, squares_a = 0,
           squares_b = 0;

    for (size_t i = 0; i < count; i++) {
        double x = (double)a[i] - mean_a, y = (double)b[i] - mean_b;

        products += x * y;
        squares_a += x * x;
        squares_b += y * y;
    }
    if (!(squares_a > 0 && squares_b > 0))
        return NAN;
    return fmax(-1, fmin(1, products / (sqrt(squares_a) * sqrt(squares_b))));
}

static struct result_value nearness(const sscam_map *map, const sscam_map *reference)
{
    struct result_value value = {.value = NAN, .state = SSCAM_VALUE_UNDEFINED};

    /* A constant map that is not zero has rounding errors around its mean. */
    if (!map || !reference || sscam_map_is_flat(map) || sscam_map_is_flat(reference))
        return value;
    size_t count = (size_t)sscam_map_width(map) * (size_t)sscam_map_height(map);
    value.value = correlation(sscam_map_data(map), sscam_map_data(reference), count);
    if (!isnan(value.value))
        value.state = SSCAM_VALUE_DEFINED;
    return value;
}

static size_t place_of(const struct results *results, int32_t measure)
{
    size_t place = 0;

    while (results->metrics[place] != measure)
        place++;
    return place;
}

void nearness_add(struct results *results, size_t first_result, const sscam_evaluation *evaluation,
                  int32_t measure, size_t reference)
{
    size_t place = place_of(results, measure);

    for (size_t i = first_result; i < results->count; i++)
        for (size_t method = 0; method < results->methods.count; method++)
            results->cases[i].values[method * results->metric_count + place] = nearness(
                sscam_evaluation_map(evaluation, method, i - first_result),
                sscam_evaluation_map(evaluation, reference, i - first_result));
}
