#include "report/case_thumbnails.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>

#include "common/checked_alloc.h"
#include "data/result_column.h"
#include "report/html.h"
#include "report/thumbnail.h"
#include "report/total_tables.h"
#include "text/memory_stream.h"

#define IMAGE_HEIGHT 150
#define MAX_WIDTH 300

/* --- drawing ---------------------------------------------------------------------------------- */

static const char *create_small(const sscam_image *image, cairo_surface_t **small)
{
    double width = (double)sscam_image_width(image), height = (double)sscam_image_height(image);
    double scale = fmin(IMAGE_HEIGHT / height, MAX_WIDTH / width);
    cairo_status_t status = thumbnail_create(image, (int)fmax(1, width * scale),
                                             (int)fmax(1, height * scale), small);

    return status ? cairo_status_to_string(status) : NULL;
}

static void draw_boxes(cairo_surface_t *surface, const struct drawn_image *shown,
                       int64_t class_index)
{
    const struct dataset_cases *cases = shown->cases;
    double x = cairo_image_surface_get_width(surface) / (double)sscam_image_width(shown->image);
    double y = cairo_image_surface_get_height(surface) / (double)sscam_image_height(shown->image);
    cairo_t *cairo = cairo_create(surface);

    cairo_set_source_rgb(cairo, 1, 0.9, 0);
    cairo_set_line_width(cairo, 2);
    for (size_t i = 0; i < cases->box_count; i++) {
        const float *box = cases->boxes + 4 * i;

        if (cases->classes[cases->box_classes[i]] != class_index)
            continue;
        cairo_rectangle(cairo, box[0] * x, box[1] * y, (double)(box[2] - box[0]) * x,
                        (double)(box[3] - box[1]) * y);
        cairo_stroke(cairo);
    }
    cairo_destroy(cairo);
}

/* Functions that draw return why they could not, or NULL. */

static const char *put_figure(FILE *out, cairo_surface_t *surface, const char *title,
                              const char *below)
{
    fputs("<figure>", out);
    cairo_status_t status = html_put_image(out, surface, title);
    fputs("<figcaption>", out);
    html_put_text(out, title);
    fprintf(out, "<br><small>%s</small></figcaption></figure>\n", below);
    /* A small surface that is written to memory fails for want of memory alone, by whichever name
     * cairo or libpng gives it. */
    if (status == CAIRO_STATUS_NO_MEMORY || status == CAIRO_STATUS_PNG_ERROR)
        end_without_memory();
    return status ? cairo_status_to_string(status) : NULL;
}

/* The values of a method on a case, one a line. */
static char *values_below(const struct results *results, const struct result_case *result,
                          size_t method)
{
    char *text = copy_text("", 0);

    for (size_t i = 0; i < results->metric_count; i++) {
        const struct result_value *value = &result->values[method * results->metric_count + i];
        const struct measure measure = measure_of(results->metrics[i]);
        char *longer;

        if (value->state == SSCAM_VALUE_ABSENT)
            continue;
        longer = value->state == SSCAM_VALUE_DEFINED
                     ? format_text("%s%s %.4g%s<br>", text, measure.title, value->value,
                                   measure.unit)
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

static const char *put_overlay(FILE *out, const sscam_map *map, const struct drawn_image *shown,
                               const char *title, const char *below)
{
    sscam_image *overlay = NULL;
    cairo_surface_t *surface = NULL;
    sscam_status status = sscam_map_overlay(map, shown->image, shown->drawing, &overlay);

    if (status == SSCAM_E_MEMORY)
        end_without_memory();
    const char *why = status ? sscam_last_error() : create_small(overlay, &surface);
    if (!why)
        why = put_figure(out, surface, title, below);
    cairo_surface_destroy(surface);
    sscam_image_unref(overlay);
    return why;
}

static const char *put_maps(FILE *out, const struct results *results,
                            const sscam_evaluation *evaluation, const struct drawn_image *shown,
                            size_t class_position)
{
    const struct result_case *result = &results->cases[shown->first_result + class_position];
    const char *why = NULL;

    for (size_t method = 0; method < results->methods.count && !why; method++) {
        const sscam_map *map = sscam_evaluation_map(evaluation, (int64_t)method,
                                                    (int64_t)class_position);

        if (!map)
            continue;
        char *below = values_below(results, result, method);
        why = put_overlay(out, map, shown, method_title(results->methods.items[method]), below);
        free(below);
    }
    return why;
}

static const char *put_input(FILE *out, const struct drawn_image *shown,
                             const struct result_case *result)
{
    cairo_surface_t *input = NULL;
    const char *why = create_small(shown->image, &input);

    if (why)
        return why;
    char *title = format_text("%s: %s", result->image, result->label ? result->label : "");
    char *below = format_text("class %lld", (long long)result->class_index);

    draw_boxes(input, shown, result->class_index);
    why = put_figure(out, input, title, below);
    cairo_surface_destroy(input);
    free(below);
    free(title);
    return why;
}

static const char *draw_case(struct drawn_case *drawn, const struct results *results,
                             const sscam_evaluation *evaluation, const struct drawn_image *shown,
                             size_t class_position)
{
    const struct result_case *result = &results->cases[shown->first_result + class_position];
    struct text_stream html;

    text_stream_open(&html);
    fputs("<div class=\"case\"", html.stream);
    put_data(html.stream, results, result);
    fputs(">\n", html.stream);
    const char *why = put_input(html.stream, shown, result);
    if (!why)
        why = put_maps(html.stream, results, evaluation, shown, class_position);
    fputs("</div>\n", html.stream);
    drawn->html = text_stream_take(&html, &drawn->length);
    return why;
}

/* --- choosing --------------------------------------------------------------------------------- */

static double badness_of(const struct results *results, const struct result_case *result)
{
    const struct measure measure = measure_of(results->metrics[0]);
    double sum = 0;
    size_t defined = 0;

    for (size_t method = 0; method < results->methods.count; method++) {
        const struct result_value *value = &result->values[method * results->metric_count];

        if (value->state != SSCAM_VALUE_DEFINED)
            continue;
        sum += measure_badness(&measure, value->value);
        defined++;
    }
    return defined ? sum / (double)defined : -INFINITY;
}

static size_t capacity(const struct results *results)
{
    size_t cases = CASE_THUMBNAILS_MAX_IMAGES / (results->methods.count + 1);

    return cases < 1 ? 1 : cases < CASE_THUMBNAILS_MAX_CASES ? cases : CASE_THUMBNAILS_MAX_CASES;
}

static void remove_case(struct case_thumbnails *thumbnails, size_t index)
{
    struct drawn_case *removed = &thumbnails->cases[index];

    free(removed->html);
    thumbnails->count--;
    memmove(removed, removed + 1, (thumbnails->count - index) * sizeof *removed);
}

/* Removes the least bad case if the new one is worse; false if it is not. */
static bool remove_better(struct case_thumbnails *thumbnails, double badness)
{
    size_t least = 0;

    for (size_t i = 1; i < thumbnails->count; i++)
        if (thumbnails->cases[i].badness < thumbnails->cases[least].badness)
            least = i;
    if (!(badness > thumbnails->cases[least].badness))
        return false;
    remove_case(thumbnails, least);
    return true;
}

const char *case_thumbnails_add(struct case_thumbnails *thumbnails, const struct results *results,
                                const sscam_evaluation *evaluation, const struct drawn_image *shown)
{
    const char *why = NULL;

    for (size_t i = 0; shown->first_result + i < results->count && !why; i++) {
        double badness = badness_of(results, &results->cases[shown->first_result + i]);

        if (thumbnails->count == capacity(results) && !remove_better(thumbnails, badness))
            continue;
        struct drawn_case *drawn = &thumbnails->cases[thumbnails->count++];
        *drawn = (struct drawn_case){.badness = badness};
        why = draw_case(drawn, results, evaluation, shown, i);
        if (why)
            remove_case(thumbnails, thumbnails->count - 1);
    }
    return why;
}

void case_thumbnails_put(FILE *out, const struct case_thumbnails *thumbnails)
{
    for (size_t i = 0; i < thumbnails->count; i++)
        fwrite(thumbnails->cases[i].html, 1, thumbnails->cases[i].length, out);
}

void case_thumbnails_free(struct case_thumbnails *thumbnails)
{
    for (size_t i = 0; i < thumbnails->count; i++)
        free(thumbnails->cases[i].html);
    *thumbnails = (struct case_thumbnails){0};
}
