#include "totals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "memory.h"
#include "utf8.h"

struct total {
    double mean, lower, upper;
    size_t defined, undefined;
};

const char *method_title(const char *name)
{
    for (size_t i = 0; i < sscam_method_count(); i++)
        if (!strcmp(sscam_method_name(sscam_method_info(i)), name))
            return sscam_method_title(sscam_method_info(i));
    return name;
}

static const sscam_metric *metric_at(const struct results *results, size_t place)
{
    for (size_t i = 0; i < sscam_metric_count(); i++)
        if (sscam_metric_id(sscam_metric_info(i)) == results->metrics[place])
            return sscam_metric_info(i);
    return NULL;
}

/* Out of memory is all that could go wrong: then nothing is known of the value. */
static struct total total_of(const sscam_evaluation *evaluation, size_t method, int32_t metric)
{
    struct total total = {NAN, NAN, NAN, 0, 0};

    sscam_evaluation_total(evaluation, method, metric, &total.mean, &total.lower, &total.upper, &total.defined,
                           &total.undefined);
    return total;
}

/* --- table ---------------------------------------------------------------------------------------- */

enum { TITLE, DIRECTION, FIRST_METHOD };

/* A column of texts: title and direction, then a line for each method's value and one for what is undefined of it. */
struct column {
    char **texts;
    size_t width;
};

static void set_text(struct column *column, size_t row, char *text)
{
    size_t width = utf8_character_count(text);

    column->texts[row] = text;
    column->width = width > column->width ? width : column->width;
}

static char *value_text(const struct total *total, const sscam_metric *metric)
{
    int digits = *sscam_metric_unit(metric) ? 2 : 4;

    if (!total->defined)
        return copy_text("-", 1);
    return format_text("%.*f [%.*f, %.*f]", digits, total->mean, digits, total->lower, digits, total->upper);
}

static struct column column_of(const struct results *results, const sscam_evaluation *evaluation, size_t place)
{
    const sscam_metric *metric = metric_at(results, place);
    const char *unit = sscam_metric_unit(metric);
    struct column column = {.texts = allocate(FIRST_METHOD + 2 * results->methods.count, sizeof(char *))};

    set_text(&column, TITLE, format_text("%s%s%s", sscam_metric_title(metric), *unit ? " " : "", unit));
    set_text(&column, DIRECTION,
             format_text("%s is better", sscam_metric_direction(metric) > 0 ? "higher" : "lower"));
    for (size_t i = 0; i < results->methods.count; i++) {
        struct total total = total_of(evaluation, i, results->metrics[place]);

        set_text(&column, FIRST_METHOD + 2 * i, value_text(&total, metric));
        if (total.undefined)
            set_text(&column, FIRST_METHOD + 2 * i + 1, format_text("%zu undefined", total.undefined));
    }
    return column;
}

static struct column column_of_methods(const struct results *results)
{
    struct column column = {.texts = allocate(FIRST_METHOD + 2 * results->methods.count, sizeof(char *))};

    set_text(&column, TITLE, copy_text("method", strlen("method")));
    for (size_t i = 0; i < results->methods.count; i++) {
        const char *title = method_title(results->methods.items[i]);
        set_text(&column, FIRST_METHOD + 2 * i, copy_text(title, strlen(title)));
    }
    return column;
}

/* Prints a row of the columns, without blanks at its end; nothing when all of it is empty. */
static void put_row(const struct column *const *columns, size_t count, size_t row)
{
    size_t blanks = 0, printed = 0;

    for (size_t i = 0; i < count; i++) {
        const char *text = columns[i]->texts[row];

        if (text) {
            put_blanks(stdout, blanks);
            fputs(text, stdout);
            blanks = 0;
            printed++;
        }
        blanks += columns[i]->width + 2 - (text ? utf8_character_count(text) : 0);
    }
    if (printed)
        putchar('\n');
}

/* As many metrics side by side as fit a line. */
static size_t metrics_that_fit(const struct column *columns, size_t first, size_t count)
{
    size_t width = columns[0].width, end = first;

    while (end <= count && (end == first || width + 2 + columns[end].width <= LAYOUT_COLUMNS))
        width += 2 + columns[end++].width;
    return end;
}

static void put_columns(const struct column *columns, size_t metric_count, size_t rows)
{
    const struct column **block = allocate(metric_count + 1, sizeof(struct column *));

    block[0] = &columns[0];
    for (size_t first = 1, end; first <= metric_count; first = end) {
        end = metrics_that_fit(columns, first, metric_count);
        for (size_t i = first; i < end; i++)
            block[i - first + 1] = &columns[i];
        if (first > 1)
            putchar('\n');
        for (size_t row = 0; row < rows; row++)
            put_row(block, end - first + 1, row);
    }
    free(block);
}

void put_totals_table(const struct results *results, const sscam_evaluation *evaluation)
{
    size_t rows = FIRST_METHOD + 2 * results->methods.count;
    struct column *columns = allocate(results->metric_count + 1, sizeof *columns);

    columns[0] = column_of_methods(results);
    for (size_t i = 0; i < results->metric_count; i++)
        columns[i + 1] = column_of(results, evaluation, i);
    put_columns(columns, results->metric_count, rows);
    for (size_t i = 0; i <= results->metric_count; i++) {
        for (size_t row = 0; row < rows; row++)
            free(columns[i].texts[row]);
        free(columns[i].texts);
    }
    free(columns);
}

/* --- json ----------------------------------------------------------------------------------------- */

static void put_total(struct json *json, const char *name, const struct total *total)
{
    json_open_object(json, name);
    json_real(json, "mean", total->mean);
    json_real(json, "lower", total->lower);
    json_real(json, "upper", total->upper);
    json_integer(json, "count", (int64_t)total->defined);
    json_integer(json, "undefined", (int64_t)total->undefined);
    json_close_object(json);
}

void put_totals_json(struct json *json, const struct results *results, const sscam_evaluation *evaluation)
{
    json_open_array(json, "methods");
    for (size_t method = 0; method < results->methods.count; method++) {
        json_open_object(json, NULL);
        json_text(json, "method", results->methods.items[method]);
        json_text(json, "title", method_title(results->methods.items[method]));
        for (size_t i = 0; i < results->metric_count; i++) {
            struct total total = total_of(evaluation, method, results->metrics[i]);

            put_total(json, sscam_metric_name(metric_at(results, i)), &total);
        }
        json_close_object(json);
    }
    json_close_array(json);
}
