#include "commands/recommendation.h"

#include <math.h>

#include <sscam/sscam.h>

static int32_t direction_of(int32_t metric)
{
    for (int64_t i = 0; i < sscam_metric_count(); i++)
        if (sscam_metric_id(sscam_metric_info(i)) == metric)
            return sscam_metric_direction(sscam_metric_info(i));
    return 0;
}

/* What a map takes, which is the other side of the choice. */
static bool is_cost(int32_t metric)
{
    return metric == SSCAM_METRIC_PASSES || metric == SSCAM_METRIC_SECONDS ||
           metric == SSCAM_METRIC_PEAK_MEMORY;
}

/* Values that differ by rounding are equal. */
static bool are_equal(double a, double b)
{
    return fabs(a - b) <= 1e-5 * fmax(fabs(a), fabs(b));
}

/* Share of the other rows that a row is better than in one metric; equal ones count half. NaN where
 * the metric is defined for none but this row, or not for it. */
static double rank_in(const struct results *results, const struct total *totals, size_t row,
                      size_t metric)
{
    const double own = totals[row * results->metric_count + metric].mean;
    const int32_t direction = direction_of(results->metrics[metric]);
    double better = 0;
    size_t others = 0;

    for (size_t i = 0; i < results->methods.count; i++) {
        const double other = totals[i * results->metric_count + metric].mean;

        if (i == row || isnan(other))
            continue;
        others++;
        better += are_equal(own, other) ? 0.5 : (own - other) * direction > 0;
    }
    return isnan(own) || !others || !direction ? (double)NAN : better / (double)others;
}

static double quality_of(const struct results *results, const struct total *totals, size_t row)
{
    double sum = 0;
    size_t count = 0;

    for (size_t metric = 0; metric < results->metric_count; metric++) {
        const double rank = rank_in(results, totals, row, metric);

        if (is_cost(results->metrics[metric]) || isnan(rank))
            continue;
        sum += rank;
        count++;
    }
    /* Without the last digits: equal sums of ranks differ there by the order of their terms. */
    return count ? round(1e9 * sum / (double)count) / 1e9 : (double)NAN;
}

static bool is_dominated(const struct verdict *verdicts, size_t count, size_t row, size_t baseline)
{
    const struct verdict *own = &verdicts[row];

    for (size_t i = 0; i < count; i++) {
        const struct verdict *other = &verdicts[i];

        if (i == row || i == baseline || isnan(other->quality))
            continue;
        if (other->quality >= own->quality && other->cost <= own->cost &&
            (other->quality > own->quality || other->cost < own->cost))
            return true;
    }
    return false;
}

void judge(const struct results *results, const struct total *totals, size_t baseline,
           struct verdict *verdicts)
{
    const size_t count = results->methods.count;

    for (size_t i = 0; i < count; i++)
        verdicts[i].quality = quality_of(results, totals, i);
    for (size_t i = 0; i < count; i++) {
        const bool is_judged = i != baseline && !isnan(verdicts[i].quality);

        verdicts[i].beats_baseline = is_judged &&
                                     !(verdicts[i].quality <= verdicts[baseline].quality);
        verdicts[i].is_on_front = is_judged && !is_dominated(verdicts, count, i, baseline);
    }
}

size_t best_row(const struct verdict *verdicts, size_t count, size_t baseline)
{
    double best = -INFINITY;
    size_t chosen = count;

    for (size_t i = 0; i < count; i++)
        if (i != baseline && verdicts[i].quality > best)
            best = verdicts[i].quality;
    for (size_t i = 0; i < count; i++)
        if (verdicts[i].is_on_front && verdicts[i].quality >= best - SAME_QUALITY &&
            (chosen == count || verdicts[i].cost < verdicts[chosen].cost))
            chosen = i;
    return chosen;
}
