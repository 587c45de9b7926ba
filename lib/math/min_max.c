#include "math/min_max.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "math/upsample.h"

/* Output positions that fall between the same two positions of the map. */
typedef struct run {
    int32_t first, last;
} run;

/* The positions along one side of the output. */
typedef struct side {
    int64_t from, count; /* positions of the map, of the output */
    int32_t *lower;      /* [count] the map's position on or before each, */
    float *share;        /* [count] and the share of the map's next position */
    run *runs;           /* [run_count] */
    int64_t run_count;
    int32_t *runs_before; /* [from + 1] runs that begin before each position of the map */
} side;

/* A cell is where a run of rows crosses a run of columns: the output positions between four of the
 * map. Along one side alone its values are monotone, rounding included. So the extremes lie in its
 * corners and no value lies beyond the map's four, except for what rounding along both sides
 * together adds. */
struct sscam_min_max_plan {
    side depth, height, width;
    float *slice; /* one slice of the map, where there are several */
};

/* One slice of the map, and the extremes of all slices so far. */
typedef struct search {
    const sscam_min_max_plan *plan;
    const float *slice;
    float slack; /* more than rounding adds to a value of this slice */
    int32_t has_no_negative;
    int64_t least, greatest; /* positions in this slice */
    float lowest, highest;
} search;

/* --- the plan --------------------------------------------------------------------------------- */

static void release_side(side *of)
{
    free(of->lower);
    free(of->share);
    free(of->runs);
    free(of->runs_before);
}

static void find_runs(side *of)
{
    int64_t position = 0;
    for (int64_t i = 0; i < of->count; i++) {
        if (i == 0 || of->lower[i] != of->lower[i - 1]) {
            while (position <= of->lower[i])
                of->runs_before[position++] = (int32_t)of->run_count;
            of->runs[of->run_count++].first = (int32_t)i;
        }
        of->runs[of->run_count - 1].last = (int32_t)i;
    }
    while (position <= of->from)
        of->runs_before[position++] = (int32_t)of->run_count;
}

static int32_t make_side(int64_t from, int64_t count, int32_t align_corners, side *out)
{
    *out = (side){
        .from = from,
        .count = count,
        .lower = sscam_allocate_array(count, sizeof *out->lower),
        .share = sscam_allocate_array(count, sizeof *out->share),
        .runs = sscam_allocate_array(count, sizeof *out->runs),
        .runs_before = sscam_allocate_array(sscam_plus(from, 1), sizeof *out->runs_before)};
    if (!out->lower || !out->share || !out->runs || !out->runs_before)
        return 0;
    sscam_source_positions(from, count, align_corners, out->lower, out->share);
    find_runs(out);
    return 1;
}

sscam_min_max_plan *sscam_min_max_plan_new(sscam_sides map_sides, sscam_sides sides,
                                           int32_t align_corners)
{
    sscam_min_max_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return NULL;
    if (make_side(map_sides.depth, sides.depth, align_corners, &plan->depth) &&
        make_side(map_sides.height, sides.height, align_corners, &plan->height) &&
        make_side(map_sides.width, sides.width, align_corners, &plan->width))
        plan->slice = sscam_allocate_array(sscam_times(map_sides.height, map_sides.width),
                                           sizeof *plan->slice);
    if (plan->slice)
        return plan;
    sscam_min_max_plan_free(plan);
    return NULL;
}

void sscam_min_max_plan_free(sscam_min_max_plan *plan)
{
    if (!plan)
        return;
    release_side(&plan->depth);
    release_side(&plan->height);
    release_side(&plan->width);
    free(plan->slice);
    free(plan);
}

/* --- one map ---------------------------------------------------------------------------------- */

/* The expression that sscam_upsample() evaluates, so that results are the same to the bit. */
static float blend(float before, float after, float share)
{
    return before + share * (after - before);
}

/* Instead of fminf() and fmaxf(), which are function calls. */
static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static void widen(search *of, float value)
{
    of->lowest = smaller(value, of->lowest);
    of->highest = larger(value, of->highest);
}

/* A value is rounded about a dozen times, at magnitudes up to twice the slice's largest; each time
 * by up to 2^-24 of that, or by 2^-150 among denormal numbers. */
static void measure_slice(search *of)
{
    const float *slice = of->slice;
    const int64_t size = of->plan->height.from * of->plan->width.from;
    of->least = of->greatest = 0;
    for (int64_t p = 1; p < size; p++) {
        of->least = slice[p] < slice[of->least] ? p : of->least;
        of->greatest = slice[p] > slice[of->greatest] ? p : of->greatest;
    }
    const float magnitude = larger(fabsf(slice[of->least]), fabsf(slice[of->greatest]));
    of->has_no_negative = slice[of->least] >= 0.0f;
    of->slack = magnitude > 0.0f ? magnitude * 0x1p-18f + 0x1p-144f : 0.0f;
}

/* Whether values that lie between these two, except for rounding, can exceed the extremes so far.
 * Rounding makes no negative number out of numbers that are not. */
static int32_t can_widen(const search *of, float least, float most)
{
    const int32_t is_least_of_all = of->has_no_negative && of->lowest <= 0.0f;
    return most + of->slack > of->highest || (!is_least_of_all && least - of->slack < of->lowest);
}

/* The four values of the map around a cell. */
typedef struct cell {
    float upper_left, upper_right, lower_left, lower_right;
} cell;

static cell cell_at(const search *of, int64_t row, int64_t column)
{
    const side *rows = &of->plan->height, *columns = &of->plan->width;
    const float *upper = of->slice + row * columns->from + column;
    const float *lower = row + 1 < rows->from ? upper + columns->from : upper;
    const int64_t next = column + 1 < columns->from;
    return (cell){upper[0], upper[next], lower[0], lower[next]};
}

static int32_t cell_can_widen(const search *of, const cell *at)
{
    return can_widen(
        of,
        smaller(smaller(at->upper_left, at->upper_right), smaller(at->lower_left, at->lower_right)),
        larger(larger(at->upper_left, at->upper_right), larger(at->lower_left, at->lower_right)));
}

static float value_in(const search *of, const cell *at, int64_t y, int64_t x)
{
    const float column_share = of->plan->width.share[x];
    return blend(blend(at->upper_left, at->upper_right, column_share),
                 blend(at->lower_left, at->lower_right, column_share), of->plan->height.share[y]);
}

/* A column of a cell, from one end. Except for rounding its values are a straight line: beyond a
 * value that is too far from the extremes, only those near the other end can exceed them. */
static void search_column(search *of, const cell *at, int64_t x, int64_t first, int64_t last)
{
    const int64_t step = first < last ? 1 : -1;
    for (int64_t y = first;; y += step) {
        const float value = value_in(of, at, y, x);
        widen(of, value);
        if (y == last || !can_widen(of, value, value))
            return;
    }
}

static void search_cell(search *of, int64_t i, int64_t j)
{
    const run rows = of->plan->height.runs[i], columns = of->plan->width.runs[j];
    const cell at = cell_at(of, of->plan->height.lower[rows.first],
                            of->plan->width.lower[columns.first]);
    if (!cell_can_widen(of, &at))
        return;
    const int32_t ends[] = {columns.first, columns.last};
    for (int end = 0; end < (columns.first < columns.last ? 2 : 1); end++) {
        search_column(of, &at, ends[end], rows.first, rows.last);
        search_column(of, &at, ends[end], rows.last, rows.first);
    }
}

/* The cells that a position of the map is a corner of. */
static void search_around(search *of, int64_t position)
{
    const side *rows = &of->plan->height, *columns = &of->plan->width;
    const int64_t row = position / columns->from, column = position % columns->from;
    for (int32_t i = rows->runs_before[row > 0 ? row - 1 : 0]; i < rows->runs_before[row + 1]; i++)
        for (int32_t j = columns->runs_before[column > 0 ? column - 1 : 0];
             j < columns->runs_before[column + 1]; j++)
            search_cell(of, i, j);
}

/* First where the extremes are most likely, so that most of the other cells can be skipped. */
static void search_slice(search *of)
{
    measure_slice(of);
    search_around(of, of->greatest);
    search_around(of, of->least);
    for (int64_t i = 0; i < of->plan->height.run_count; i++)
        for (int64_t j = 0; j < of->plan->width.run_count; j++)
            search_cell(of, i, j);
}

void sscam_upsampled_min_max(const sscam_min_max_plan *plan, const float *map, float *lowest,
                             float *highest)
{
    const sscam_sides map_sides = {plan->depth.from, plan->height.from, plan->width.from};
    search of = {.plan = plan, .lowest = INFINITY, .highest = -INFINITY};
    for (int64_t z = 0; z < plan->depth.count; z++) {
        const sscam_sample_position at = {plan->depth.lower[z], plan->depth.share[z]};
        of.slice = sscam_blend_slices(map, map_sides, at, plan->slice);
        search_slice(&of);
    }
    *lowest = of.lowest;
    *highest = of.highest;
}

/* In lanes, whose comparisons do not depend on each other. */
void sscam_min_max(const float *values, int64_t count, float *lowest, float *highest)
{
    enum { LANES = 16 };
    float low[LANES], high[LANES];
    int64_t i = 0;
    for (int lane = 0; lane < LANES; lane++) {
        low[lane] = INFINITY;
        high[lane] = -INFINITY;
    }
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            low[lane] = smaller(values[i + lane], low[lane]);
            high[lane] = larger(values[i + lane], high[lane]);
        }
    for (; i < count; i++) {
        low[0] = smaller(values[i], low[0]);
        high[0] = larger(values[i], high[0]);
    }
    *lowest = low[0];
    *highest = high[0];
    for (int lane = 1; lane < LANES; lane++) {
        *lowest = smaller(low[lane], *lowest);
        *highest = larger(high[lane], *highest);
    }
}

int32_t sscam_normalise(float *values, int64_t count)
{
    float lowest, highest;
    sscam_min_max(values, count, &lowest, &highest);
    const int32_t is_constant = sscam_is_constant(lowest, highest);
    for (int64_t i = 0; i < count; i++)
        values[i] = is_constant ? 0.0f : (values[i] - lowest) / (highest - lowest);
    return is_constant;
}

/* Tests bits, in a loop without an exit, so that compilers vectorise it. */
int32_t sscam_all_are_finite(const float *values, int64_t count)
{
    const uint32_t exponent = 0x7F800000u;
    uint32_t others = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        others |= (bits & exponent) == exponent;
    }
    return others == 0;
}
