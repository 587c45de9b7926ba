#include "report/total_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/result_column.h"
#include "text/terminal_text.h"
#include "text/utf8.h"

const char *method_title(const char *name)
{
    const sscam_method *method = sscam_method_find(name);

    return method ? sscam_method_title(method) : name;
}

/* --- computing -------------------------------------------------------------------------------- */

/* Values of one measure as cases of an evaluation. The library computes totals of its own metrics
 * only; other measures are correlations and take the place of the metric that is one. */
static sscam_status add_cases(const struct results *results, size_t metric_index, int32_t metric,
                              sscam_evaluation *evaluation)
{
    sscam_status status = SSCAM_OK;

    for (size_t i = 0; i < results->count && !status; i++) {
        const struct result_value *value = &results->cases[i].values[metric_index];

        status = sscam_evaluation_add_known(evaluation, results->cases[i].class_index);
        for (size_t j = 0; j < results->methods.count && !status;
             j++, value += results->metric_count)
            if (value->state != SSCAM_VALUE_ABSENT)
                status = sscam_evaluation_set_value(
                    evaluation, (int64_t)j, (int64_t)i, metric,
                    value->state == SSCAM_VALUE_DEFINED ? value->value : (double)NAN);
    }
    return status;
}

static sscam_status compute(const struct results *results, size_t metric_index,
                            struct total *totals)
{
    int32_t metric = results->metrics[metric_index] > 0 ? results->metrics[metric_index]
                                                        : SSCAM_METRIC_CLASS_SENSITIVITY;
    sscam_evaluation *evaluation = NULL;
    sscam_status status = sscam_evaluation_create(NULL, (int64_t)results->methods.count,
                                                  &evaluation);

    if (!status)
        status = add_cases(results, metric_index, metric, evaluation);
    for (size_t i = 0; i < results->methods.count && !status; i++) {
        sscam_metric_total total = SSCAM_METRIC_TOTAL_INIT;

        status = sscam_evaluation_total(evaluation, (int64_t)i, metric, &total);
        totals[i * results->metric_count + metric_index] = (struct total){
            total.mean, total.lower, total.upper, (size_t)total.defined_count,
            (size_t)total.undefined_count};
    }
    if (status)
        fail_library("results", status);
    sscam_evaluation_unref(evaluation);
    return status;
}

struct total *totals_of(const struct results *results)
{
    struct total *totals = allocate(results->methods.count * results->metric_count, sizeof *totals);

    for (size_t i = 0; i < results->metric_count; i++)
        if (compute(results, i, totals)) {
            free(totals);
            return NULL;
        }
    return totals;
}

/* --- table ------------------------------------------------------------------------------------ */

enum { TITLE, DIRECTION, FIRST_METHOD };

/* A column of texts: title and direction, then a line for each method's value and one for what is
 * undefined of it. */
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

static char *value_text(const struct total *total, const struct measure *measure)
{
    int digits = *measure->unit ? 2 : 4;

    if (!total->defined)
        return copy_text("-", 1);
    return format_text("%.*f [%.*f, %.*f]", digits, total->mean, digits, total->lower, digits,
                       total->upper);
}

static struct column column_of(const struct results *results, const struct total *totals,
                               size_t metric_index)
{
    const struct measure measure = measure_of(results->metrics[metric_index]);
    struct column column = {
        .texts = allocate(FIRST_METHOD + 2 * results->methods.count, sizeof(char *))};

    set_text(&column, TITLE,
             format_text("%s%s%s", measure.title, *measure.unit ? " " : "", measure.unit));
    if (measure.direction)
        set_text(&column, DIRECTION,
                 format_text("%s is better", measure.direction > 0 ? "higher" : "lower"));
    for (size_t i = 0; i < results->methods.count; i++) {
        const struct total *total = &totals[i * results->metric_count + metric_index];

        set_text(&column, FIRST_METHOD + 2 * i, value_text(total, &measure));
        if (total->undefined)
            set_text(&column, FIRST_METHOD + 2 * i + 1,
                     format_text("%zu undefined", total->undefined));
    }
    return column;
}

static struct column column_of_methods(const struct results *results)
{
    struct column column = {
        .texts = allocate(FIRST_METHOD + 2 * results->methods.count, sizeof(char *))};

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

void put_totals_table(const struct results *results, const struct total *totals)
{
    size_t rows = FIRST_METHOD + 2 * results->methods.count;
    struct column *columns = allocate(results->metric_count + 1, sizeof *columns);

    columns[0] = column_of_methods(results);
    for (size_t i = 0; i < results->metric_count; i++)
        columns[i + 1] = column_of(results, totals, i);
    put_columns(columns, results->metric_count, rows);
    for (size_t i = 0; i <= results->metric_count; i++) {
        for (size_t row = 0; row < rows; row++)
            free(columns[i].texts[row]);
        free(columns[i].texts);
    }
    free(columns);
}

/* --- json ------------------------------------------------------------------------------------- */

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

void put_totals_json(struct json *json, const struct results *results, const struct total *totals,
                     totals_describer *describe, void *user)
{
    json_open_array(json, "methods");
    for (size_t method = 0; method < results->methods.count; method++) {
        json_open_object(json, NULL);
        json_text(json, "method", results->methods.items[method]);
        json_text(json, "title", method_title(results->methods.items[method]));
        if (describe)
            describe(user, json, method);
        for (size_t i = 0; i < results->metric_count; i++)
            put_total(json, measure_of(results->metrics[i]).name,
                      &totals[method * results->metric_count + i]);
        json_close_object(json);
    }
    json_close_array(json);
}
