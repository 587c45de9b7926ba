#include "evaluation/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "base/statistics.h"

double sscam_average_drop(double score, double masked_score)
{
    if (!(score > 0.0))
        return NAN;
    return 100.0 * fmax(0.0, score - masked_score) / score;
}

double sscam_average_increase(double score, double masked_score)
{
    return score < masked_score ? 100.0 : 0.0;
}

/* --- boxes ------------------------------------------------------------------------------------ */

/* The first pixel whose centre is not before an edge, clamped to the image. */
static int64_t first_from(double edge, int64_t size)
{
    double first = ceil(edge - 0.5);
    if (first <= 0.0)
        return 0;
    return first >= (double)size ? size : (int64_t)first;
}

static void mark_box(const sscam_geometry *geometry, const float box[4], uint8_t *inside)
{
    const int64_t width = geometry->input_width, height = geometry->input_height;
    int64_t left = first_from(sscam_geometry_input_x(geometry, box[0]), width);
    int64_t right = first_from(sscam_geometry_input_x(geometry, box[2]), width);
    int64_t top = first_from(sscam_geometry_input_y(geometry, box[1]), height);
    int64_t bottom = first_from(sscam_geometry_input_y(geometry, box[3]), height);
    for (int64_t y = top; y < bottom; y++)
        for (int64_t x = left; x < right; x++)
            inside[y * width + x] = 1;
}

int64_t sscam_mark_boxes(const sscam_geometry *geometry, const float *boxes, const int64_t *owners,
                         int64_t count, int64_t owner, uint8_t *inside)
{
    int64_t own = 0;
    for (int64_t p = 0; p < (int64_t)geometry->input_height * geometry->input_width; p++)
        inside[p] = 0;
    for (int64_t i = 0; i < count; i++) {
        if ((owners ? owners[i] : 0) != owner)
            continue;
        mark_box(geometry, boxes + 4 * i, inside);
        own++;
    }
    return own;
}

double sscam_energy_pointing(const float *map, const uint8_t *inside, int64_t count)
{
    double sum = 0.0, sum_inside = 0.0;
    for (int64_t p = 0; p < count; p++) {
        sum += map[p];
        sum_inside += inside[p] ? map[p] : 0.0;
    }
    return sum > 0.0 ? 100.0 * sum_inside / sum : NAN;
}

double sscam_pointing(const float *map, const uint8_t *inside, int64_t count)
{
    int64_t best = 0, is_flat = 1;
    for (int64_t p = 1; p < count; p++) {
        is_flat = is_flat && map[p] == map[0];
        best = map[p] > map[best] ? p : best;
    }
    if (is_flat)
        return NAN;
    return inside[best] ? 100.0 : 0.0;
}

/* --- ADCC ------------------------------------------------------------------------------------- */

double sscam_complexity(const float *map, int64_t count)
{
    double sum = 0.0;
    for (int64_t p = 0; p < count; p++)
        sum += map[p];
    return sum > 0.0 ? 100.0 * sum / (double)count : NAN; /* a constant map is 0 everywhere */
}

double sscam_coherency(const float *map, const float *of_masked, int64_t count)
{
    return 50.0 * (1.0 + sscam_correlation(map, of_masked, count));
}

/* Of values of which none is NaN; 0 where one is not positive. */
static double harmonic_mean(double a, double b, double c)
{
    return a <= 0.0 || b <= 0.0 || c <= 0.0 ? 0.0 : 3.0 / (1.0 / a + 1.0 / b + 1.0 / c);
}

double sscam_adcc(double average_drop, double coherency, double complexity)
{
    const double simplicity = 100.0 - complexity, kept = 100.0 - average_drop;
    if (isnan(coherency + simplicity + kept))
        return NAN;
    return harmonic_mean(coherency, simplicity, kept);
}

/* --- ARCC, infidelity, sensitivity ------------------------------------------------------------ */

double sscam_arcc(double road, double coherency, double complexity)
{
    const double simplicity = 100.0 - complexity;
    if (isnan(road + coherency + complexity))
        return NAN;
    return harmonic_mean(coherency, simplicity, fmin(fmax(2.0 * road, 0.0), 100.0));
}

double sscam_infidelity(const double *predicted, const double *found, int64_t count)
{
    double product = 0.0, square = 0.0, sum = 0.0;
    for (int64_t i = 0; i < count; i++) {
        product += predicted[i] * found[i];
        square += predicted[i] * predicted[i];
    }
    const double factor = square > 0.0 ? product / square : 0.0;
    for (int64_t i = 0; i < count; i++)
        sum += pow(factor * predicted[i] - found[i], 2.0);
    return sum / (double)count;
}

double sscam_relative_distance(const float *a, const float *b, int64_t count)
{
    double difference = 0.0, whole = 0.0;
    for (int64_t p = 0; p < count; p++) {
        difference += pow((double)a[p] - b[p], 2.0);
        whole += (double)a[p] * a[p];
    }
    return whole > 0.0 ? sqrt(difference / whole) : NAN;
}

void sscam_cut_below(const float *map, int64_t count, double share, float *out)
{
    float highest = -INFINITY;
    for (int64_t p = 0; p < count; p++)
        highest = fmaxf(highest, map[p]);
    for (int64_t p = 0; p < count; p++)
        out[p] = map[p] < share * highest ? 0.0f : map[p];
}

/* --- order ------------------------------------------------------------------------------------ */

typedef struct ranked_pixel {
    float value;
    int32_t index;
} ranked_pixel;

static int compare_ranked(const void *left, const void *right)
{
    const ranked_pixel *a = left, *b = right;
    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

sscam_status sscam_salience_order(const float *map, int64_t count, int32_t *order)
{
    ranked_pixel *pixels = sscam_allocate_array(count, sizeof *pixels);
    if (!pixels)
        return sscam_fail_memory("the order of a map's pixels");
    for (int64_t p = 0; p < count; p++)
        pixels[p] = (ranked_pixel){map[p], (int32_t)p};
    qsort(pixels, (size_t)count, sizeof *pixels, compare_ranked);
    for (int64_t i = 0; i < count; i++)
        order[i] = pixels[i].index;
    free(pixels);
    return SSCAM_OK;
}

void sscam_keep_top_half(const float *map, const int32_t *order, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        out[order[i]] = i < (count + 1) / 2 ? map[order[i]] : 0.0f;
}

int64_t sscam_pixels_after_step(int64_t step, int64_t steps, int64_t count)
{
    return step * count / steps;
}

double sscam_area_under(const double *points, int64_t steps, int64_t count)
{
    double area = 0.0;
    for (int64_t step = 0; step < steps; step++) {
        int64_t changed = sscam_pixels_after_step(step + 1, steps, count) -
                          sscam_pixels_after_step(step, steps, count);
        area += (double)changed / (double)count * (points[step] + points[step + 1]) / 2.0;
    }
    return area;
}
