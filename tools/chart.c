#include "chart.h"

#include <math.h>
#include <stdlib.h>

#include "html.h"
#include "memory.h"
#include "totals.h"

#define LABELS_WIDTH 110
#define BARS_WIDTH 220
#define ROW_HEIGHT 20
#define TITLE_HEIGHT 22
#define CURVES_SIDE 240

/* Told apart by people who see few colours, too (Okabe & Ito). */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                      "#56b4e9", "#000000", "#999999"};

static const char *colour_of(size_t method)
{
    return colours[method % (sizeof colours / sizeof *colours)];
}

static void put_words(FILE *out, double x, double y, const char *anchor, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    html_put_text(out, text);
    fputs("</text>", out);
}

static void open_chart(FILE *out, double width, double height, const sscam_metric *metric)
{
    char *title = format_text("%s%s%s", sscam_metric_title(metric), *sscam_metric_unit(metric) ? " " : "",
                              sscam_metric_unit(metric));

    fprintf(out, "<svg width=\"%.0f\" height=\"%.0f\" role=\"img\">", width, height);
    put_words(out, width / 2, 14, "middle", title);
    free(title);
}

/* The values that a bar chart must show: all intervals and 0. */
static void find_range(const struct results *results, const sscam_evaluation *evaluation, int32_t metric, double *low,
                       double *high)
{
    *low = *high = 0;
    for (size_t i = 0; i < results->methods.count; i++) {
        double lower = NAN, upper = NAN;

        sscam_evaluation_total(evaluation, i, metric, NULL, &lower, &upper, NULL, NULL);
        *low = fmin(*low, lower); /* NaN gives way to numbers */
        *high = fmax(*high, upper);
    }
}

void chart_put_totals(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                      const sscam_metric *metric)
{
    double low, high;

    find_range(results, evaluation, sscam_metric_id(metric), &low, &high);
    double scale = high > low ? BARS_WIDTH / (high - low) : 0, zero = LABELS_WIDTH - low * scale;
    open_chart(out, LABELS_WIDTH + BARS_WIDTH + 50, TITLE_HEIGHT + ROW_HEIGHT * (double)results->methods.count, metric);
    for (size_t i = 0; i < results->methods.count; i++) {
        double mean = NAN, lower = NAN, upper = NAN, y = TITLE_HEIGHT + ROW_HEIGHT * (double)i;

        sscam_evaluation_total(evaluation, i, sscam_metric_id(metric), &mean, &lower, &upper, NULL, NULL);
        put_words(out, LABELS_WIDTH - 6, y + 13, "end", method_title(results->methods.items[i]));
        if (isnan(mean))
            continue;
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" fill=\"%s\"/>",
                fmin(zero, zero + mean * scale), y + 3, fabs(mean * scale), colour_of(i));
        fprintf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#222\" stroke-width=\"2\"/>", zero + lower * scale, y + 9,
                zero + upper * scale);
        char *number = format_text("%.3g", mean);
        put_words(out, zero + fmax(upper, 0) * scale + 4, y + 13, "start", number);
        free(number);
    }
    fputs("</svg>\n", out);
}

static void put_curve(FILE *out, const double *points, size_t count, const char *colour)
{
    fputs("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"", out);
    fprintf(out, "%s\" points=\"", colour);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%.1f,%.1f", i ? " " : "", 30 + CURVES_SIDE * (double)i / (double)(count - 1),
                TITLE_HEIGHT + CURVES_SIDE * (1 - points[i]));
    fputs("\"/>", out);
}

static void put_axes(FILE *out)
{
    fprintf(out, "<path d=\"M30 %d V%d H%d\" fill=\"none\" stroke=\"#999\"/>", TITLE_HEIGHT,
            TITLE_HEIGHT + CURVES_SIDE, 30 + CURVES_SIDE);
    put_words(out, 26, TITLE_HEIGHT + 8, "end", "1");
    put_words(out, 26, TITLE_HEIGHT + CURVES_SIDE, "end", "0");
    put_words(out, 30 + CURVES_SIDE / 2.0, TITLE_HEIGHT + CURVES_SIDE + 16, "middle", "share of pixels");
}

void chart_put_curves(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                      const sscam_metric *metric)
{
    size_t count = 0;

    if (sscam_evaluation_curve(evaluation, 0, sscam_metric_id(metric), NULL, 0, &count) || count < 2)
        return;
    double *points = allocate(count, sizeof *points);
    open_chart(out, CURVES_SIDE + 170, CURVES_SIDE + TITLE_HEIGHT + 24, metric);
    put_axes(out);
    for (size_t i = 0; i < results->methods.count; i++) {
        if (sscam_evaluation_curve(evaluation, i, sscam_metric_id(metric), points, count, &count))
            continue;
        put_curve(out, points, count, colour_of(i));
        fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>", CURVES_SIDE + 40,
                TITLE_HEIGHT + 16.0 * (double)i, colour_of(i));
        put_words(out, CURVES_SIDE + 55, TITLE_HEIGHT + 16.0 * (double)i + 9, "start",
                  method_title(results->methods.items[i]));
    }
    fputs("</svg>\n", out);
    free(points);
}
