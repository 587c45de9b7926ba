#include "evaluation/evaluated_maps.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/memory_in_use.h"
#include "base/monotonic_clock.h"
#include "explain/explainer_private.h"
#include "explain/map_private.h"

static const sscam_map *given_map(const sscam_image_evaluation_request *request, int64_t method,
                                  int64_t position)
{
    return request->maps ? request->maps[method * request->class_count + position] : NULL;
}

int32_t sscam_maps_are_given(const sscam_image_evaluation_request *request, int64_t method)
{
    return given_map(request, method, 0) != NULL;
}

/* --- maps from outside ------------------------------------------------------------------------ */

static sscam_status check_given(const sscam_evaluated_input *input, int64_t method,
                                int64_t position)
{
    const sscam_map *map = given_map(input->request, method, position);
    const sscam_sides sides = input->shape.sides;
    if (!map != !sscam_maps_are_given(input->request, method))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "maps of method %" PRId64 ": that of class %" PRId64
                          " is %sNULL, that of "
                          "class 0 is %sNULL; all or none are given",
                          method, position, map ? "not " : "", map ? "" : "not ");
    if (map && map->rank != 2)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "map of method %" PRId64 ", class %" PRId64 ": its rank is %d, not 2",
                          method, position, (int)map->rank);
    if (map && (map->sides.height != sides.height || map->sides.width != sides.width))
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "map of method %" PRId64 ", class %" PRId64 ": it has %" PRId64
                          "x%" PRId64 " pixels, the network's input %" PRId64 "x%" PRId64,
                          method, position, map->sides.width, map->sides.height, sides.width,
                          sides.height);
    return SSCAM_OK;
}

static sscam_status take_given(const sscam_evaluated_input *input, sscam_map **maps)
{
    const sscam_image_evaluation_request *request = input->request;
    for (int64_t i = 0; request->maps && i < request->method_count * request->class_count; i++) {
        const int64_t method = i / request->class_count, position = i % request->class_count;
        sscam_status status = check_given(input, method, position);
        if (status != SSCAM_OK)
            return status;
        /* Counting a reference does not change the map. */
        maps[method * input->class_count + position] = sscam_map_ref(
            (sscam_map *)given_map(request, method, position));
    }
    return SSCAM_OK;
}

/* --- explaining ------------------------------------------------------------------------------- */

/* A map of the network's input is one of the image. */
static void take_map(const sscam_evaluated_input *input, sscam_map *map, sscam_map **place)
{
    map->from_image = 1;
    map->geometry = input->geometry;
    *place = map;
}

/* Explains all classes by the explainers whose maps are not given, in one call, which does once
 * what they have in common. `explained` receives the maps, one explainer after the other. */
static sscam_status explain_together(const sscam_evaluated_input *input,
                                     const sscam_progress *progress, sscam_explainer **explainers,
                                     sscam_map **explained, sscam_map **maps)
{
    const sscam_image_evaluation_request *request = input->request;
    int64_t count = 0;
    for (int64_t i = 0; i < request->method_count; i++)
        if (!sscam_maps_are_given(request, i))
            explainers[count++] = request->explainers[i];
    if (count == 0)
        return SSCAM_OK;
    sscam_status status = sscam_explain_input(explainers, count, input->input, &input->shape,
                                              input->classes, input->class_count, progress,
                                              explained);
    for (int64_t i = 0; i < request->method_count && status == SSCAM_OK; i++)
        for (int64_t j = 0; j < input->class_count && !sscam_maps_are_given(request, i); j++)
            take_map(input, *explained++, &maps[i * input->class_count + j]);
    return status;
}

static sscam_status explain_measured(const sscam_evaluated_input *input, int64_t method,
                                     const sscam_progress *progress, sscam_method_cost *cost,
                                     sscam_map **maps)
{
    sscam_memory_peak peak;
    sscam_memory_peak_start(&peak);
    const double start = sscam_monotonic_seconds();
    sscam_status status = sscam_explain_input(&input->request->explainers[method], 1, input->input,
                                              &input->shape, input->classes, input->class_count,
                                              progress, maps);
    cost->seconds = (sscam_monotonic_seconds() - start) / (double)input->class_count;
    cost->memory_bytes = sscam_memory_peak_end(&peak);
    for (int64_t j = 0; j < input->class_count && status == SSCAM_OK; j++)
        take_map(input, maps[j], &maps[j]);
    return status;
}

static sscam_status explain_each(const sscam_evaluated_input *input, const sscam_progress *progress,
                                 sscam_method_cost *costs, sscam_map **maps)
{
    const int64_t count = input->request->method_count;
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < count && status == SSCAM_OK; i++) {
        const sscam_progress part = sscam_progress_part(progress, (double)i / (double)count,
                                                        (double)(i + 1) / (double)count);
        if (!sscam_maps_are_given(input->request, i))
            status = explain_measured(input, i, &part, &costs[i], maps + i * input->class_count);
    }
    return status;
}

sscam_status sscam_collect_maps(const sscam_evaluated_input *input, const sscam_progress *progress,
                                sscam_method_cost *costs, sscam_map **maps)
{
    const int64_t method_count = input->request->method_count;
    sscam_status status = take_given(input, maps);
    if (status != SSCAM_OK)
        return status;
    if (costs)
        return explain_each(input, progress, costs, maps);
    sscam_explainer **explainers = sscam_zeros(method_count, sizeof(sscam_explainer *));
    sscam_map **explained = sscam_zeros(sscam_times(method_count, input->class_count),
                                        sizeof(sscam_map *));
    if (explainers && explained)
        status = explain_together(input, progress, explainers, explained, maps);
    else
        status = sscam_fail_memory("maps");
    free(explainers);
    free(explained);
    return status;
}
