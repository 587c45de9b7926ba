#include "report/case_thumbnails.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/result_column.h"
#include "report/html.h"
#include "report/thumbnail.h"
#include "report/total_tables.h"
#include "text/memory_stream.h"

#define IMAGE_HEIGHT 150
#define MOST_WIDTH 300

/* --- drawing ---------------------------------------------------------------------------------- */

static cairo_surface_t *small(const sscam_image *image)
{
    int32_t width = sscam_image_width(image), height = sscam_image_height(image);
    double scale = fmin((double)IMAGE_HEIGHT / height, (double)MOST_WIDTH / width);

    return thumbnail(image, (int)fmax(1, width * scale), (int)fmax(1, height * scale));
}

static void draw_boxes(cairo_surface_t *surface, const struct drawn_image *shown,
                       int64_t class_index)
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
        cairo_rectangle(cairo, box[0] * x, box[1] * y, (double)(box[2] - box[0]) * x,
                        (double)(box[3] - box[1]) * y);
        cairo_stroke(cairo);
    }
    cairo_destroy(cairo);
}

static int put_figure(FILE *out, cairo_surface_t *surface, const char *title, const char *below)
{
    fputs("<figure>", out);
    cairo_status_t status = html_put_image(out, surface, title);
    fputs("<figcaption>", out);
    html_put_text(out, title);
    fprintf(out, "<br><small>%s</small></figcaption></figure>\n", below);
    cairo_surface_destroy(surface);
    return status ? fail(title, "%s", cairo_status_to_string(status)) : EXIT_OK;
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

static int put_maps(FILE *out, const struct results *results, const sscam_evaluation *evaluation,
                    const struct drawn_image *shown, size_t class_position)
{
    const struct result_case *result = &results->cases[shown->first_result + class_position];
    int code = EXIT_OK;

    for (size_t method = 0; method < results->methods.count && !code; method++) {
        const sscam_map *map = sscam_evaluation_map(evaluation, method, class_position);
        sscam_image *overlay = NULL;

        if (!map)
            continue;
        sscam_status status = sscam_map_overlay(map, shown->image, shown->colormap, shown->alpha,
                                                &overlay);
        if (status)
            return fail_library(result->image, status);
        char *below = values_below(results, result, method);
        code = put_figure(out, small(overlay), method_title(results->methods.items[method]), below);
        free(below);
        sscam_image_destroy(overlay);
    }
    return code;
}

static int put_input(FILE *out, const struct drawn_image *shown, const struct result_case *result)
{
    cairo_surface_t *input = small(shown->image);
    char *title = format_text("%s: %s", result->image, result->label ? result->label : "");
    char *below = format_text("class %lld", (long long)result->class_index);

    draw_boxes(input, shown, result->class_index);
    int code = put_figure(out, input, title, below);
    free(below);
    free(title);
    return code;
}

static int draw_case(struct drawn_case *drawn, const struct results *results,
                     const sscam_evaluation *evaluation, const struct drawn_image *shown,
                     size_t class_position)
{
    const struct result_case *result = &results->cases[shown->first_result + class_position];
    struct text_stream html;

    text_stream_open(&html);
    fputs("<div class=\"case\"", html.stream);
    put_data(html.stream, results, result);
    fputs(">\n", html.stream);
    int code = put_input(html.stream, shown, result);
    if (!code)
        code = put_maps(html.stream, results, evaluation, shown, class_position);
    fputs("</div>\n", html.stream);
    drawn->html = text_stream_take(&html, &drawn->length);
    return code;
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

static size_t room(const struct results *results)
{
    size_t cases = CASE_THUMBNAILS_MOST / (results->methods.count + 1);

    return cases < 1 ? 1 : cases < CASE_THUMBNAILS_MOST_CASES ? cases : CASE_THUMBNAILS_MOST_CASES;
}

/* Takes the least bad case out where the new one is worse; false where it isn't. */
static bool make_room(struct case_thumbnails *images, double badness)
{
    size_t least = 0;

    for (size_t i = 1; i < images->count; i++)
        if (images->cases[i].badness < images->cases[least].badness)
            least = i;
    if (!(badness > images->cases[least].badness))
        return false;
    free(images->cases[least].html);
    images->count--;
    memmove(&images->cases[least], &images->cases[least + 1],
            (images->count - least) * sizeof *images->cases);
    return true;
}

int case_thumbnails_add(struct case_thumbnails *images, const struct results *results,
                        const sscam_evaluation *evaluation, const struct drawn_image *shown)
{
    int code = EXIT_OK;

    for (size_t i = 0; shown->first_result + i < results->count && !code; i++) {
        double badness = badness_of(results, &results->cases[shown->first_result + i]);

        if (images->count == room(results) && !make_room(images, badness))
            continue;
        struct drawn_case *drawn = &images->cases[images->count++];
        *drawn = (struct drawn_case){.badness = badness};
        code = draw_case(drawn, results, evaluation, shown, i);
    }
    return code;
}

void case_thumbnails_put(FILE *out, const struct case_thumbnails *images)
{
    for (size_t i = 0; i < images->count; i++)
        fwrite(images->cases[i].html, 1, images->cases[i].length, out);
}

void case_thumbnails_free(struct case_thumbnails *images)
{
    for (size_t i = 0; i < images->count; i++)
        free(images->cases[i].html);
    *images = (struct case_thumbnails){0};
}
