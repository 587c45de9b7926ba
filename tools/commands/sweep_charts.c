/* The charts of `sscam study`. */
#include <math.h>
#include <stdlib.h>

#include "commands/sweep.h"
#include "common/checked_alloc.h"
#include "data/result_column.h"
#include "report/html.h"
#include "report/line_chart.h"

/* A measure of a method against one axis, with a line for each value of the other. */
struct view {
    const struct sweep *sweep;
    const struct results *results;
    const struct total *totals;
    size_t metric_index, method; /* of the measure in the results, of the method in the sweep */
    bool against_sigma;
};

static const struct total *total_at(const struct view *view, size_t along, size_t across)
{
    size_t row = view->against_sigma ? sweep_row(view->sweep, view->method, along, across)
                                     : sweep_row(view->sweep, view->method, across, along);

    return &view->totals[row * view->results->metric_count + view->metric_index];
}

static struct chart_line line_of(const struct view *view, const struct sweep_axis *axis,
                                 const char *symbol, double value, size_t across)
{
    struct chart_line line = {.label = format_text("%s %g", symbol, value),
                              .totals = allocate(axis->count, sizeof *line.totals)};

    for (size_t i = 0; i < axis->count; i++)
        line.totals[i] = *total_at(view, i, across);
    return line;
}

/* Where both references stand. */
static void set_levels(const struct view *view, struct chart_level levels[SWEEP_REFERENCES])
{
    for (size_t i = 0; i < SWEEP_REFERENCES; i++)
        levels[i] = (struct chart_level){
            method_title(view->results->methods.items[i]),
            view->totals[i * view->results->metric_count + view->metric_index].mean};
}

static void put_view(FILE *out, const struct view *view)
{
    const struct sweep_axis *axis = view->against_sigma ? &view->sweep->sigma
                                                        : &view->sweep->samples;
    const struct sweep_axis *other = view->against_sigma ? &view->sweep->samples
                                                         : &view->sweep->sigma;
    struct chart_line *lines = allocate(other->count, sizeof *lines);
    struct chart_level levels[SWEEP_REFERENCES];
    const struct line_chart chart = {
        .title = method_title(view->sweep->methods.items[view->method]),
        .axis_title = view->against_sigma ? "sigma" : "samples",
        .axis = axis->values,
        .axis_count = axis->count,
        .lines = lines,
        .line_count = other->count,
        .levels = levels,
        .level_count = SWEEP_REFERENCES,
    };

    for (size_t i = 0; i < other->count; i++)
        lines[i] = line_of(view, axis, view->against_sigma ? "N" : "sigma", other->values[i], i);
    set_levels(view, levels);
    line_chart_put(out, &chart);
    for (size_t i = 0; i < other->count; i++) {
        free(lines[i].label);
        free(lines[i].totals);
    }
    free(lines);
}

void sweep_put_charts(FILE *out, void *user, const struct results *results,
                      const struct total *totals)
{
    const struct sweep *sweep = user;

    for (size_t i = 0; i < results->metric_count; i++) {
        const struct measure measure = measure_of(results->metrics[i]);

        fprintf(out, "<h3>%s %s</h3>\n<p><small>", measure.title, measure.unit);
        html_put_text(out, measure.summary);
        fputs("</small></p>\n", out);
        for (size_t method = 0; method < sweep->methods.count; method++) {
            fputs("<div>", out);
            for (int against_sigma = 1; against_sigma >= 0; against_sigma--) {
                const struct view view = {sweep, results, totals, i, method, against_sigma};

                if ((against_sigma ? sweep->sigma.count : sweep->samples.count) > 1)
                    put_view(out, &view);
            }
            fputs("</div>\n", out);
        }
    }
}
