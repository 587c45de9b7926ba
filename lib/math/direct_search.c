#include "math/direct_search.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

/* A box's sides are 3^-level along each dimension. Boxes of the deepest level, whose thirds are
 * hardly apart in floating point, are left undivided. Sides differ by one level at most, so that a
 * box's size is one of a few classes. */
enum { DEEPEST_LEVEL = 30, MOST_CLASSES = SSCAM_DIRECT_MOST_DIMENSIONS * DEEPEST_LEVEL };

typedef struct search_box {
    double center[SSCAM_DIRECT_MOST_DIMENSIONS], value;
    int32_t level[SSCAM_DIRECT_MOST_DIMENSIONS];
} search_box;

struct sscam_direct_search {
    int32_t dimensions;
    double epsilon;
    int64_t limit, count;
    search_box *boxes;     /* [limit], of which there are `count`, one for each point */
    int64_t *chosen;       /* [limit]: boxes that are being divided */
    int64_t *first_points; /* [limit]: of each of them the first of its points */
    int64_t chosen_count;
};

/* The boxes of one size. */
typedef struct size_class {
    int64_t best; /* the first box of the lowest value; -1: there is no box */
    double value; /* of the best box */
    double size;  /* half of the diagonal */
    int32_t is_chosen;
} size_class;

void sscam_direct_search_free(sscam_direct_search *search)
{
    if (!search)
        return;
    free(search->boxes);
    free(search->chosen);
    free(search->first_points);
    free(search);
}

sscam_direct_search *sscam_direct_search_new(int32_t dimensions, double epsilon, int64_t limit)
{
    sscam_direct_search *search = calloc(1, sizeof *search);
    if (search) {
        *search = (sscam_direct_search){
            .dimensions = dimensions, .epsilon = epsilon, .limit = limit, .count = 1};
        search->boxes = sscam_zeros(limit, sizeof *search->boxes);
        search->chosen = sscam_allocate_array(limit, sizeof *search->chosen);
        search->first_points = sscam_allocate_array(limit, sizeof *search->first_points);
    }
    if (!search || !search->boxes || !search->chosen || !search->first_points) {
        sscam_direct_search_free(search);
        sscam_fail_memory("a search for a minimum");
        return NULL;
    }
    for (int32_t d = 0; d < dimensions; d++)
        search->boxes[0].center[d] = 1.0 / 2;
    return search;
}

int64_t sscam_direct_search_count(const sscam_direct_search *search)
{
    return search->count;
}

const double *sscam_direct_search_point(const sscam_direct_search *search, int64_t index)
{
    return search->boxes[index].center;
}

void sscam_direct_search_set_value(sscam_direct_search *search, int64_t index, double value)
{
    search->boxes[index].value = value;
}

/* --- dividing --------------------------------------------------------------------------------- */

/* The lowest level, that of the longest sides. */
static int32_t lowest_level(const search_box *box, int32_t dimensions)
{
    int32_t lowest = box->level[0];
    for (int32_t d = 1; d < dimensions; d++)
        lowest = box->level[d] < lowest ? box->level[d] : lowest;
    return lowest;
}

/* Names the points a third of the longest sides away from a box's centre, along each of these, as
 * far as the limit allows. */
static void name_points(sscam_direct_search *search, int64_t index)
{
    const search_box *box = &search->boxes[index];
    const int32_t lowest = lowest_level(box, search->dimensions);
    const double third = pow(3.0, -(lowest + 1));
    search->chosen[search->chosen_count] = index;
    search->first_points[search->chosen_count++] = search->count;
    for (int32_t d = 0; d < search->dimensions; d++)
        for (int32_t sign = 1; sign >= -1 && box->level[d] == lowest; sign -= 2) {
            if (search->count == search->limit)
                return;
            search_box *point = &search->boxes[search->count++];
            *point = *box;
            point->center[d] += sign * third;
        }
}

/* Divides a box by the values of its points: first along the dimension where the lowest of them is,
 * whose boxes so keep the largest volume. */
static void divide(sscam_direct_search *search, int64_t index, int64_t first_point)
{
    search_box *box = &search->boxes[index], *points = &search->boxes[first_point];
    const int32_t lowest = lowest_level(box, search->dimensions);
    int32_t longest[SSCAM_DIRECT_MOST_DIMENSIONS], count = 0;
    for (int32_t d = 0; d < search->dimensions; d++)
        if (box->level[d] == lowest)
            longest[count++] = d;
    int32_t is_divided[SSCAM_DIRECT_MOST_DIMENSIONS] = {0};
    for (int32_t step = 0; step < count; step++) {
        int32_t best = -1;
        double best_value = INFINITY;
        for (int32_t i = 0; i < count; i++) {
            const double value = fmin(points[2 * i].value, points[2 * i + 1].value);
            if (!is_divided[i] && (best < 0 || value < best_value)) {
                best = i;
                best_value = value;
            }
        }
        is_divided[best] = 1;
        box->level[longest[best]]++;
        for (int32_t d = 0; d < search->dimensions; d++)
            points[2 * best].level[d] = points[2 * best + 1].level[d] = box->level[d];
    }
}

/* --- choosing --------------------------------------------------------------------------------- */

/* The class of a box's size, from the largest on; MOST_CLASSES or more: too small to be divided. */
static int32_t class_of(const search_box *box, int32_t dimensions)
{
    const int32_t lowest = lowest_level(box, dimensions);
    int32_t shorter = 0;
    for (int32_t d = 0; d < dimensions; d++)
        shorter += box->level[d] > lowest;
    return lowest < DEEPEST_LEVEL ? lowest * dimensions + shorter : MOST_CLASSES;
}

static double half_diagonal(int32_t size_class, int32_t dimensions)
{
    const int32_t lowest = size_class / dimensions, shorter = size_class % dimensions;
    return sqrt((dimensions - shorter) + shorter / 9.0) / 2 / pow(3.0, lowest);
}

/* Fills the classes, and returns the lowest value of all. */
static double find_best_boxes(const sscam_direct_search *search, size_class classes[MOST_CLASSES])
{
    double lowest = INFINITY;
    for (int32_t c = 0; c < MOST_CLASSES; c++)
        classes[c] = (size_class){.best = -1, .size = half_diagonal(c, search->dimensions)};
    for (int64_t i = 0; i < search->count; i++) {
        const search_box *box = &search->boxes[i];
        const int32_t c = class_of(box, search->dimensions);
        lowest = fmin(lowest, box->value);
        if (c < MOST_CLASSES && (classes[c].best < 0 || box->value < classes[c].value)) {
            classes[c].best = i;
            classes[c].value = box->value;
        }
    }
    return lowest;
}

/* Whether the best box of a class may hold the lowest value (Jones et al. 1993, definition 3.1). As
 * in the program by Gablonsky, which SciPy has: boxes above the convex hull of values by sizes
 * count, too, without the condition of epsilon, and smaller boxes that do not count are not part of
 * the hull. So all smaller classes have been decided before. */
static int32_t is_potentially_optimal(const size_class classes[MOST_CLASSES], int32_t own,
                                      double lowest, double epsilon)
{
    double least_slope = INFINITY, largest_slope = 0.0; /* to larger boxes; from smaller ones */
    for (int32_t c = 0; c < MOST_CLASSES; c++) {
        if (c == own || classes[c].best < 0)
            continue;
        const double slope = (classes[c].value - classes[own].value) /
                             (classes[c].size - classes[own].size);
        if (c < own)
            least_slope = fmin(least_slope, slope);
        else if (classes[c].is_chosen)
            largest_slope = fmax(largest_slope, slope);
    }
    if (least_slope <= 0.0)
        return 0;
    return largest_slope > least_slope ||
           classes[own].value - least_slope * classes[own].size <= lowest - epsilon * fabs(lowest);
}

static void choose(sscam_direct_search *search)
{
    size_class classes[MOST_CLASSES];
    const double lowest = find_best_boxes(search, classes);
    const int64_t count = search->count;
    for (int32_t c = MOST_CLASSES - 1; c >= 0; c--)
        classes[c].is_chosen = classes[c].best >= 0 &&
                               is_potentially_optimal(classes, c, lowest, search->epsilon);
    for (int32_t c = 0; c < MOST_CLASSES && search->count < search->limit; c++)
        if (classes[c].is_chosen)
            name_points(search, classes[c].best);
    /* Others of the same value. */
    for (int64_t i = 0; i < count && search->count < search->limit; i++) {
        const int32_t c = class_of(&search->boxes[i], search->dimensions);
        if (c < MOST_CLASSES && classes[c].is_chosen && classes[c].best != i &&
            search->boxes[i].value == classes[c].value)
            name_points(search, i);
    }
}

void sscam_direct_search_advance(sscam_direct_search *search)
{
    if (search->count == search->limit)
        return;
    for (int64_t i = 0; i < search->chosen_count; i++)
        divide(search, search->chosen[i], search->first_points[i]);
    search->chosen_count = 0;
    choose(search);
}
