#include "report/map_similarity.h"

#include <math.h>

static struct result_value similarity(const sscam_map *map, const sscam_map *reference)
{
    struct result_value value = {.value = NAN, .state = SSCAM_VALUE_UNDEFINED};

    if (!map || !reference)
        return value;
    sscam_status status = sscam_map_correlation(map, reference, &value.value);
    if (!status && !isnan(value.value))
        value.state = SSCAM_VALUE_DEFINED;
    return value;
}

static size_t metric_index_of(const struct results *results, int32_t measure)
{
    size_t metric_index = 0;

    while (results->metrics[metric_index] != measure)
        metric_index++;
    return metric_index;
}

void map_similarity_add(struct results *results, size_t first_result,
                        const sscam_evaluation *evaluation, int32_t measure, size_t reference)
{
    size_t metric_index = metric_index_of(results, measure);

    for (size_t i = first_result; i < results->count; i++)
        for (size_t method = 0; method < results->methods.count; method++)
            results->cases[i].values[method * results->metric_count + metric_index] = similarity(
                sscam_evaluation_map(evaluation, (int64_t)method, (int64_t)(i - first_result)),
                sscam_evaluation_map(evaluation, (int64_t)reference, (int64_t)(i - first_result)));
}
