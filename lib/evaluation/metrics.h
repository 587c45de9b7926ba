/* The metrics of one map, as functions of numbers; NaN where one is undefined. */
#ifndef SSCAM_LIB_EVALUATION_METRICS_H
#define SSCAM_LIB_EVALUATION_METRICS_H

#include <stdint.h>

#include "image/preprocess.h"
#include "sscam/status.h"

/* 100 max(0, Y - O) / Y; undefined for Y <= 0. */
double sscam_average_drop(double score, double masked_score);

/* 100 where O > Y, else 0. */
double sscam_average_increase(double score, double masked_score);

/* Marks the pixels of the input whose centres lie in a box of `owner` (left <= x < right, top <= y
 * < bottom, after resize and crop). owners NULL: all boxes are of owner 0. `inside` is
 * [input_height, input_width]. Returns the number of the owner's boxes. */
int64_t sscam_mark_boxes(const sscam_geometry *geometry, const float *boxes, const int64_t *owners,
                         int64_t count, int64_t owner, uint8_t *inside);

/* 100 times the map's sum over marked pixels over its sum; undefined for a sum of 0. */
double sscam_energy_pointing(const float *map, const uint8_t *inside, int64_t count);

/* 100 where the map's first maximum is marked, else 0; undefined for a constant map. */
double sscam_pointing(const float *map, const uint8_t *inside, int64_t count);

/* 100 times the mean of a map; undefined for a constant map. */
double sscam_complexity(const float *map, int64_t count);

/* 50 (1 + r), r being the correlation of a map and of the map of the input that it masks; undefined
 * where either is constant. */
double sscam_coherency(const float *map, const float *of_masked, int64_t count);

/* Harmonic mean of coherency, 100 - complexity and 100 - average drop; 0 where one of them is 0,
 * undefined where one is. */
double sscam_adcc(double average_drop, double coherency, double complexity);

/* Harmonic mean of coherency, 100 - complexity and twice ROAD cut to 0 to 100; 0 where one of them
 * is 0, undefined where one is. */
double sscam_arcc(double road, double coherency, double complexity);

/* mean (b a_i - d_i)^2, b = sum a_i d_i / sum a_i^2. */
double sscam_infidelity(const double *predicted, const double *found, int64_t count);

/* |a - b| / |a|; undefined where a is zero everywhere. */
double sscam_relative_distance(const float *a, const float *b, int64_t count);

/* Sets values below `share` of the maximum to 0. */
void sscam_cut_below(const float *map, int64_t count, double share, float *out);

/* Indexes of pixels by falling value, equal ones in row-major order. */
sscam_status sscam_salience_order(const float *map, int64_t count, int32_t *order);

/* The map with all but the first (count + 1) / 2 pixels of its order set to 0. */
void sscam_keep_top_half(const float *map, const int32_t *order, int64_t count, float *out);

/* How many of `count` pixels have changed after step `step` of `steps`. */
int64_t sscam_pixels_after_step(int64_t step, int64_t steps, int64_t count);

/* Area under the points at steps 0 to `steps`, over the share of pixels, by trapezoids. */
double sscam_area_under(const double *points, int64_t steps, int64_t count);

#endif
