#include "report/bar_chart.h"

#include <math.h>
#include <stdlib.h>

#include "common/checked_alloc.h"
#include "data/result_column.h"
#include "report/svg.h"

#define LABELS_WIDTH 165
#define BARS_WIDTH 220
#define ROW_HEIGHT 20
#define TITLE_HEIGHT 22
#define CURVES_SIDE 240

static void open_chart(FILE *out, double width, double height, int32_t metric)
{
    const struct measure measure = measure_of(metric);
    char *title = format_text("%s%s%s", measure.title, *measure.unit ? " " : "", measure.unit);

    svg_open(out, width, height, title);
    free(title);
}

/* The values that a bar chart must show: all intervals and 0. */
static void find_range(const struct results *results, const struct total *totals,
                       size_t metric_index, double *low, double *high)
{
    *low = *high = 0;
    for (size_t i = 0; i < results->methods.count; i++) {
        const struct total *total = &totals[i * results->metric_count + metric_index];

        *low = fmin(*low, total->lower); /* NaN gives way to numbers */
        *high = fmax(*high, total->upper);
    }
}

void chart_put_totals(FILE *out, const struct results *results, const struct total *totals,
                      size_t metric_index)
{
    double low, high;

    find_range(results, totals, metric_index, &low, &high);
    double scale = high > low ? BARS_WIDTH / (high - low) : 0, zero = LABELS_WIDTH - low * scale;
    open_chart(out, LABELS_WIDTH + BARS_WIDTH + 50,
               TITLE_HEIGHT + ROW_HEIGHT * (double)results->methods.count,
               results->metrics[metric_index]);
    for (size_t i = 0; i < results->methods.count; i++) {
        const struct total *total = &totals[i * results->metric_count + metric_index];
        double y = TITLE_HEIGHT + ROW_HEIGHT * (double)i;

        svg_put_text(out, LABELS_WIDTH - 6, y + 13, "end", method_title(results->methods.items[i]));
        if (isnan(total->mean))
            continue;
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" fill=\"%s\"/>",
                fmin(zero, zero + total->mean * scale), y + 3, fabs(total->mean * scale),
                svg_colour(i));
        fprintf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#222\" stroke-width=\"2\"/>",
                zero + total->lower * scale, y + 9, zero + total->upper * scale);
        char *number = format_text("%.3g", total->mean);
        svg_put_text(out, zero + fmax(total->upper, 0) * scale + 4, y + 13, "start", number);
        free(number);
    }
    fputs("</svg>\n", out);
}

static void put_curve(FILE *out, const double *points, size_t count, const char *colour)
{
    fputs("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"", out);
    fprintf(out, "%s\" points=\"", colour);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%.1f,%.1f", i ? " " : "",
                30 + CURVES_SIDE * (double)i / (double)(count - 1),
                TITLE_HEIGHT + CURVES_SIDE * (1 - points[i]));
    fputs("\"/>", out);
}

static void put_axes(FILE *out)
{
    fprintf(out, "<path d=\"M30 %d V%d H%d\" fill=\"none\" stroke=\"#999\"/>", TITLE_HEIGHT,
            TITLE_HEIGHT + CURVES_SIDE, 30 + CURVES_SIDE);
    svg_put_text(out, 26, TITLE_HEIGHT + 8, "end", "1");
    svg_put_text(out, 26, TITLE_HEIGHT + CURVES_SIDE, "end", "0");
    svg_put_text(out, 30 + CURVES_SIDE / 2.0, TITLE_HEIGHT + CURVES_SIDE + 16, "middle",
                 "share of pixels");
}

void chart_put_curves(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                      size_t metric_index)
{
    int32_t metric = results->metrics[metric_index];
    int64_t count = 0;

    if (sscam_evaluation_curve(evaluation, 0, metric, NULL, 0, &count) || count < 2)
        return;
    double *points = allocate((size_t)count, sizeof *points);
    open_chart(out, CURVES_SIDE + 220, CURVES_SIDE + TITLE_HEIGHT + 24, metric);
    put_axes(out);
    for (size_t i = 0; i < results->methods.count; i++) {
        if (sscam_evaluation_curve(evaluation, (int64_t)i, metric, points, count, &count))
            continue;
        put_curve(out, points, (size_t)count, svg_colour(i));
        fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>",
                CURVES_SIDE + 40, TITLE_HEIGHT + 16.0 * (double)i, svg_colour(i));
        svg_put_text(out, CURVES_SIDE + 55, TITLE_HEIGHT + 16.0 * (double)i + 9, "start",
                     method_title(results->methods.items[i]));
    }
    fputs("</svg>\n", out);
    free(points);
}
