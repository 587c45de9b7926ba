#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>

#include "chart.h"
#include "complain.h"
#include "html.h"
#include "measure.h"
#include "memory.h"
#include "thumbnail.h"
#include "whole_file.h"

#define PICTURE_HEIGHT 150
#define MOST_WIDTH 300

static const char style[] =
    "body{font:14px/1.4 sans-serif;margin:2em;color:#222}table{border-collapse:collapse}"
    "th,td{padding:.25em .7em;text-align:right;border-bottom:1px solid #ddd}th:first-child,td:first-child"
    "{text-align:left}th{cursor:pointer}small{color:#777}figure{display:inline-block;margin:.3em;vertical-align:top}"
    "figcaption{font-size:12px}svg{margin:.5em;font:11px sans-serif;vertical-align:top}"
    ".case{border-top:1px solid #ddd;margin-top:.8em}";

/* A click on a heading sorts the table. */
static const char sort_table[] =
    "document.querySelectorAll('th').forEach(h=>h.onclick=()=>{const b=h.closest('table').tBodies[0],i=h.cellIndex,"
    "v=r=>r.cells[i].dataset.value??r.cells[i].textContent,d=h.dataset.up=h.dataset.up=='1'?'-1':'1';"
    "[...b.rows].sort((p,q)=>d*(isNaN(v(p))||isNaN(v(q))?v(p).localeCompare(v(q)):v(p)-v(q)))"
    ".forEach(r=>b.append(r))});";

/* The two lists sort the pictures. */
static const char sort_cases[] =
    "const m=document.getElementById('by-method'),k=document.getElementById('by-metric'),"
    "w=document.getElementById('cases');function arrange(){const n='v'+m.value+'-'+k.value;"
    "const v=e=>e.getAttribute('data-'+n)===''?-Infinity:+e.getAttribute('data-'+n);"
    "[...w.children].sort((p,q)=>v(q)-v(p)).forEach(e=>w.append(e))}m.onchange=k.onchange=arrange;";

void report_start(struct report *report)
{
    *report = (struct report){0};
    text_stream_open(&report->panels);
}

void report_free(struct report *report)
{
    text_stream_free(&report->panels);
    *report = (struct report){0};
}

/* --- pictures ------------------------------------------------------------------------------------- */

static cairo_surface_t *small(const sscam_image *image)
{
    int32_t width = sscam_image_width(image), height = sscam_image_height(image);
    double scale = fmin((double)PICTURE_HEIGHT / height, (double)MOST_WIDTH / width);

    return thumbnail(image, (int)fmax(1, width * scale), (int)fmax(1, height * scale));
}

static void draw_boxes(cairo_surface_t *surface, const struct report_image *shown, int64_t class_index)
{
    const struct dataset_cases *cases = shown->cases;
    double x = (double)cairo_image_surface_get_width(surface) / sscam_image_width(shown->image);
    double y = (double)cairo_image_surface_get_height(surface) / sscam_image_height(shown->image);
    cairo_t *cairo = cairo_create(surface);

    cairo_set_source_rgb(cairo, 1, 0.9, 0);
    cairo_set_line_width(cairo, 2);
    for (size_t i = 0; i < cases->box_count; i++) {
        const float *box = cases->boxes + 4 * i;

        if (cases->classes[cases->box_classes[i]] != class_index)
            continue;
        cairo_rectangle(cairo, box[0] * x, box[1] * y, (double)(box[2] - box[0]) * x, (double)(box[3] - box[1]) * y);
        cairo_stroke(cairo);
    }
    cairo_destroy(cairo);
}

static int put_figure(FILE *out, cairo_surface_t *surface, const char *title, const char *below)
{
    fputs("<figure>", out);
    cairo_status_t status = html_put_picture(out, surface, title);
    fputs("<figcaption>", out);
    html_put_text(out, title);
    fprintf(out, "<br><small>%s</small></figcaption></figure>\n", below);
    cairo_surface_destroy(surface);
    return status ? fail(title, "%s", cairo_status_to_string(status)) : EXIT_OK;
}

/* The values of a method on a case, one a line. */
static char *values_below(const struct results *results, const struct result_case *result, size_t method)
{
    char *text = copy_text("", 0);

    for (size_t i = 0; i < results->metric_count; i++) {
        const struct result_value *value = &result->values[method * results->metric_count + i];
        const struct measure measure = measure_of(results->metrics[i]);
        char *longer;

        if (value->state == SSCAM_VALUE_ABSENT)
            continue;
        longer = value->state == SSCAM_VALUE_DEFINED
                     ? format_text("%s%s %.4g%s<br>", text, measure.title, value->value, measure.unit)
                     : format_text("%s%s undefined<br>", text, measure.title);
        free(text);
        text = longer;
    }
    return text;
}

static void put_data(FILE *out, const struct results *results, const struct result_case *result)
{
    for (size_t i = 0; i < results->methods.count * results->metric_count; i++) {
        fprintf(out, " data-v%zu-%zu=\"", i / results->metric_count, i % results->metric_count);
        if (result->values[i].state == SSCAM_VALUE_DEFINED)
            fprintf(out, "%.9g", result->values[i].value);
        fputc('"', out);
    }
}

static int put_maps(struct report *report, const struct results *results, const sscam_evaluation *evaluation,
                    const struct report_image *shown, size_t class_position)
{
    const struct result_case *result = &results->cases[shown->first_result + class_position];
    int code = EXIT_OK;

    for (size_t method = 0; method < results->methods.count && !code; method++) {
        const sscam_map *map = sscam_evaluation_map(evaluation, method, class_position);
        sscam_image *overlay = NULL;

        if (!map)
            continue;
        sscam_status status = sscam_map_overlay(map, shown->image, shown->colormap, shown->alpha, &overlay);
        if (status)
            return fail_library(result->image, status);
        char *below = values_below(results, result, method);
        code = put_figure(report->panels.stream, small(overlay), method_title(results->methods.items[method]), below);
        free(below);
        sscam_image_destroy(overlay);
    }
    return code;
}

static bool is_full(const struct report *report, const struct results *results)
{
    size_t pictures = report->count * (results->methods.count + 1);

    return report->count >= REPORT_MOST_CASES || pictures >= REPORT_MOST_PICTURES;
}

static int put_case(struct report *report, const struct results *results, const sscam_evaluation *evaluation,
                    const struct report_image *shown, size_t class_position)
{
    const struct result_case *result = &results->cases[shown->first_result + class_position];
    FILE *out = report->panels.stream;
    cairo_surface_t *input = small(shown->image);
    char *title = format_text("%s: %s", result->image, result->label ? result->label : "");
    char *below = format_text("class %lld", (long long)result->class_index);

    fputs("<div class=\"case\"", out);
    put_data(out, results, result);
    fputs(">\n", out);
    draw_boxes(input, shown, result->class_index);
    int code = put_figure(out, input, title, below);
    if (!code)
        code = put_maps(report, results, evaluation, shown, class_position);
    fputs("</div>\n", out);
    report->count++;
    free(below);
    free(title);
    return code;
}

int report_add(struct report *report, const struct results *results, const sscam_evaluation *evaluation,
               const struct report_image *shown)
{
    int code = EXIT_OK;

    for (size_t i = 0; shown->first_result + i < results->count && !is_full(report, results) && !code; i++)
        code = put_case(report, results, evaluation, shown, i);
    return code;
}

/* --- the file ------------------------------------------------------------------------------------- */

static void put_head(FILE *out, const struct report_facts *facts, const struct results *results)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
            "<style>%s</style></head><body>\n<h1>%s</h1>\n<p>Network <b>", facts->title, style, facts->title);
    html_put_text(out, facts->model);
    fputs("</b>, data set <b>", out);
    html_put_text(out, facts->dataset);
    fprintf(out, "</b> (%s): %zu images, %zu cases of a class on an image", facts->layout,
            results_image_count(results), results->count);
    if (facts->skipped)
        fprintf(out, ", %zu images skipped", facts->skipped);
    fputs(". Means with bootstrap intervals of 95 %. A click on a heading sorts.</p>\n", out);
}

static void put_total(FILE *out, const struct total *total, const char *unit)
{
    int digits = *unit ? 2 : 4;

    if (!total->defined)
        fputs("<td data-value=\"\">-", out);
    else
        fprintf(out, "<td data-value=\"%.9g\">%.*f <small>[%.*f, %.*f]</small>", total->mean, digits, total->mean,
                digits, total->lower, digits, total->upper);
    if (total->undefined)
        fprintf(out, "<br><small>%zu undefined</small>", total->undefined);
    fputs("</td>", out);
}

static void put_heading(FILE *out, const struct measure *measure)
{
    fputs("<th title=\"", out);
    html_put_text(out, measure->summary);
    fprintf(out, "\">%s %s", measure->title, measure->unit);
    if (measure->direction)
        fprintf(out, "<br><small>%s is better</small>", measure->direction > 0 ? "higher" : "lower");
    fputs("</th>", out);
}

static void put_table(FILE *out, const struct results *results, const struct total *totals)
{
    fputs("<table><thead><tr><th>method</th>", out);
    for (size_t i = 0; i < results->metric_count; i++) {
        const struct measure measure = measure_of(results->metrics[i]);
        put_heading(out, &measure);
    }
    fputs("</tr></thead><tbody>\n", out);
    for (size_t method = 0; method < results->methods.count; method++) {
        fputs("<tr><td>", out);
        html_put_text(out, method_title(results->methods.items[method]));
        fputs("</td>", out);
        for (size_t i = 0; i < results->metric_count; i++)
            put_total(out, &totals[method * results->metric_count + i], measure_of(results->metrics[i]).unit);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

static void put_choices(FILE *out, const struct results *results)
{
    fputs("<p>Sorted by <select id=\"by-method\">", out);
    for (size_t i = 0; i < results->methods.count; i++) {
        fprintf(out, "<option value=\"%zu\">", i);
        html_put_text(out, method_title(results->methods.items[i]));
        fputs("</option>", out);
    }
    fputs("</select> <select id=\"by-metric\">", out);
    for (size_t i = 0; i < results->metric_count; i++)
        fprintf(out, "<option value=\"%zu\">%s</option>", i, measure_of(results->metrics[i]).title);
    fputs("</select>, highest first</p>\n", out);
}

static void put_cases(FILE *out, struct report *report, const struct results *results)
{
    fprintf(out, "<h2>Cases</h2>\n<p>The first %zu that this run computed.</p>\n", report->count);
    put_choices(out, results);
    fputs("<div id=\"cases\">\n", out);
    text_stream_finish(&report->panels);
    fwrite(report->panels.text, 1, report->panels.length, out);
    fprintf(out, "</div>\n<script>%s</script>\n", sort_cases);
}

int report_write(struct report *report, const struct report_facts *facts, const struct results *results,
                 const struct total *totals, const sscam_evaluation *computed)
{
    struct whole_file file;

    if (whole_file_open(&file, facts->path))
        return EXIT_FAILED;
    put_head(file.stream, facts, results);
    put_table(file.stream, results, totals);
    fputs("<h2>Charts</h2>\n", file.stream);
    if (facts->put_charts)
        facts->put_charts(file.stream, facts->user, results, totals);
    for (size_t i = 0; i < results->metric_count && !facts->put_charts; i++)
        chart_put_totals(file.stream, results, totals, i);
    for (size_t i = 0; i < results->metric_count; i++)
        chart_put_curves(file.stream, results, computed, i);
    if (report->count)
        put_cases(file.stream, report, results);
    fprintf(file.stream, "<script>%s</script></body></html>\n", sort_table);
    return whole_file_commit(&file);
}
