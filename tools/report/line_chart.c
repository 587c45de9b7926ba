#include "report/line_chart.h"

#include <math.h>
#include <stdlib.h>

#include "common/checked_alloc.h"
#include "report/svg.h"

#define LEFT 56
#define TOP 24
#define SIDE 220 /* of the square of the axes */
#define LEGEND_WIDTH 130
#define LEGEND_STEP 16
#define BELOW 40

/* Values from the axis's low end to its high one. */
struct range {
    double low, high;
};

static double y_of(const struct range *range, double value)
{
    return TOP + SIDE * (range->high - value) / (range->high - range->low);
}

static double x_of(const struct line_chart *chart, size_t position)
{
    return LEFT + SIDE * ((double)position + 0.5) / (double)chart->axis_count;
}

/* Lines stand a little apart, so that no interval hides another. */
static double shift_of(const struct line_chart *chart, size_t line)
{
    return 3 * ((double)line - ((double)chart->line_count - 1) / 2);
}

/* All that is drawn, with a little room; NaN gives way to numbers. */
static struct range range_of(const struct line_chart *chart)
{
    struct range range = {NAN, NAN};

    for (size_t i = 0; i < chart->line_count; i++)
        for (size_t j = 0; j < chart->axis_count; j++) {
            range.low = fmin(range.low, chart->lines[i].totals[j].lower);
            range.high = fmax(range.high, chart->lines[i].totals[j].upper);
        }
    for (size_t i = 0; i < chart->level_count; i++) {
        range.low = fmin(range.low, chart->levels[i].value);
        range.high = fmax(range.high, chart->levels[i].value);
    }
    if (isnan(range.low))
        return (struct range){0, 1};
    double room = range.high > range.low ? 0.05 * (range.high - range.low)
                                         : fmax(0.5 * fabs(range.high), 0.5);
    return (struct range){range.low - room, range.high + room};
}

/* 1, 2 or 5 times a power of ten, so that an axis has about five steps. */
static double step_of(const struct range *range)
{
    double rough = (range->high - range->low) / 5, power = pow(10, floor(log10(rough))),
           share = rough / power;

    return power * (share > 5 ? 10 : share > 2 ? 5 : share > 1 ? 2 : 1);
}

static void put_axes(FILE *out, const struct line_chart *chart, const struct range *range)
{
    const double step = step_of(range);

    fprintf(out, "<path d=\"M%d %d V%d H%d\" fill=\"none\" stroke=\"#999\"/>", LEFT, TOP,
            TOP + SIDE, LEFT + SIDE);
    for (double at = ceil(range->low / step); at * step <= range->high; at++) {
        char *number = format_text("%.4g", at * step + 0.0); /* no -0 */

        fprintf(out, "<path d=\"M%d %.1f h%d\" stroke=\"#eee\"/>", LEFT, y_of(range, at * step),
                SIDE);
        svg_put_text(out, LEFT - 5, y_of(range, at * step) + 4, "end", number);
        free(number);
    }
    for (size_t i = 0; i < chart->axis_count; i++) {
        char *number = format_text("%g", chart->axis[i]);

        svg_put_text(out, x_of(chart, i), TOP + SIDE + 15, "middle", number);
        free(number);
    }
    svg_put_text(out, LEFT + SIDE / 2.0, TOP + SIDE + 31, "middle", chart->axis_title);
}

static void put_legend(FILE *out, size_t row, const char *colour, const char *label)
{
    double y = TOP + LEGEND_STEP * (double)row;

    fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\"/>",
            LEFT + SIDE + 12, y, colour);
    svg_put_text(out, LEFT + SIDE + 27, y + 9, "start", label);
}

/* Points where something is defined, with their intervals. */
static void put_points(FILE *out, const struct line_chart *chart, size_t line,
                       const struct range *range)
{
    for (size_t i = 0; i < chart->axis_count; i++) {
        const struct total *total = &chart->lines[line].totals[i];
        double x = x_of(chart, i) + shift_of(chart, line);

        if (!total->defined)
            continue;
        fprintf(out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"%s\" opacity=\"0.5\"/>", x,
                y_of(range, total->lower), y_of(range, total->upper), svg_colour(line));
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"/>", x,
                y_of(range, total->mean), svg_colour(line));
    }
}

static void put_line(FILE *out, const struct line_chart *chart, size_t line,
                     const struct range *range)
{
    fprintf(out, "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"%s\" points=\"",
            svg_colour(line));
    for (size_t i = 0; i < chart->axis_count; i++)
        if (chart->lines[line].totals[i].defined)
            fprintf(out, "%.1f,%.1f ", x_of(chart, i) + shift_of(chart, line),
                    y_of(range, chart->lines[line].totals[i].mean));
    fputs("\"/>", out);
    put_points(out, chart, line, range);
}

static void put_level(FILE *out, const struct line_chart *chart, size_t level,
                      const struct range *range)
{
    if (isnan(chart->levels[level].value))
        return;
    fprintf(out, "<path d=\"M%d %.1f h%d\" stroke=\"#555\" stroke-dasharray=\"%d 3\"/>", LEFT,
            y_of(range, chart->levels[level].value), SIDE, 2 + 5 * (int)level);
    svg_put_text(out, LEFT + SIDE + 27, TOP + LEGEND_STEP * (double)(chart->line_count + level) + 9,
                 "start", chart->levels[level].label);
    fprintf(out, "<path d=\"M%d %.1f h16\" stroke=\"#555\" stroke-dasharray=\"%d 3\"/>",
            LEFT + SIDE + 8, TOP + LEGEND_STEP * (double)(chart->line_count + level) + 5,
            2 + 5 * (int)level);
}

void line_chart_put(FILE *out, const struct line_chart *chart)
{
    const struct range range = range_of(chart);
    double legend = TOP + LEGEND_STEP * (double)(chart->line_count + chart->level_count);

    svg_open(out, LEFT + SIDE + LEGEND_WIDTH, fmax(TOP + SIDE + BELOW, legend), chart->title);
    put_axes(out, chart, &range);
    for (size_t i = 0; i < chart->level_count; i++)
        put_level(out, chart, i, &range);
    for (size_t i = 0; i < chart->line_count; i++) {
        put_line(out, chart, i, &range);
        put_legend(out, i, svg_colour(i), chart->lines[i].label);
    }
    fputs("</svg>\n", out);
}
