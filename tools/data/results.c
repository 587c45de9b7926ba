#include "data/results.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "data/result_column.h"

enum { INDEX, IMAGE, CLASS, LABEL, METHOD, FIRST_METRIC };
static const char *const columns[FIRST_METRIC] = {"index", "image", "class", "label", "method"};

static size_t values_a_case(const struct results *results)
{
    return results->methods.count * results->metric_count;
}

static bool is_among(const char *names, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = names; (at = strstr(at, name)); at += length)
        if ((at == names || at[-1] == ',') && (!at[length] || at[length] == ','))
            return true;
    return false;
}

void results_set_metrics(struct results *results, const char *names)
{
    results->metrics = reallocate(results->metrics, (size_t)sscam_metric_count(),
                                  sizeof *results->metrics);
    results->metric_count = 0;
    for (int64_t i = 0; i < sscam_metric_count(); i++) {
        const sscam_metric *metric = sscam_metric_info(i);

        if ((is_among(names, "all") && sscam_metric_is_reproducible(metric)) ||
            is_among(names, sscam_metric_name(metric)))
            results->metrics[results->metric_count++] = sscam_metric_id(metric);
    }
}

void results_add_measure(struct results *results, int32_t measure)
{
    results->metrics = reallocate(results->metrics, results->metric_count + 1,
                                  sizeof *results->metrics);
    results->metrics[results->metric_count++] = measure;
}

struct result_case *results_add(struct results *results, size_t image_index, const char *image,
                                int64_t class_index, const char *label)
{
    results->cases = grow(results->cases, results->count, sizeof *results->cases);
    struct result_case *result = &results->cases[results->count++];
    *result = (struct result_case){.image_index = image_index, .class_index = class_index};
    result->image = copy_text(image, strlen(image));
    result->label = label && *label ? copy_text(label, strlen(label)) : NULL;
    result->values = allocate(values_a_case(results), sizeof *result->values);
    return result;
}

void results_add_evaluated(struct results *results, const sscam_evaluation *evaluation,
                           int64_t first_case, size_t image_index, const char *image,
                           const char *(*label_of)(void *, int64_t), void *user)
{
    for (int64_t i = first_case; i < sscam_evaluation_case_count(evaluation); i++) {
        int64_t class_index = sscam_evaluation_class_index(evaluation, i);
        struct result_case *result = results_add(results, image_index, image, class_index,
                                                 label_of(user, class_index));

        for (size_t j = 0; j < values_a_case(results); j++)
            result->values[j].state = sscam_evaluation_value(
                evaluation, (int64_t)(j / results->metric_count), i,
                results->metrics[j % results->metric_count], &result->values[j].value);
    }
}

/* By image; cases of one image, which were added together, keep their order. */
static int compare_cases(const void *left, const void *right)
{
    const struct result_case *a = *(const struct result_case *const *)left;
    const struct result_case *b = *(const struct result_case *const *)right;

    if (a->image_index != b->image_index)
        return a->image_index < b->image_index ? -1 : 1;
    return a < b ? -1 : a > b;
}

void results_sort(struct results *results)
{
    struct result_case *sorted = allocate(results->count, sizeof *sorted);
    struct result_case **order = allocate(results->count, sizeof(struct result_case *));

    for (size_t i = 0; i < results->count; i++)
        order[i] = &results->cases[i];
    qsort(order, results->count, sizeof *order, compare_cases);
    for (size_t i = 0; i < results->count; i++)
        sorted[i] = *order[i];
    if (results->count)
        memcpy(results->cases, sorted, results->count * sizeof *sorted);
    free(sorted);
    free(order);
}

size_t results_image_count(const struct results *results)
{
    size_t count = 0;

    for (size_t i = 0; i < results->count; i++)
        count += i == 0 || results->cases[i].image_index != results->cases[i - 1].image_index;
    return count;
}

struct image_tally results_tally(const struct results *results)
{
    struct image_tally sum = {0};

    for (size_t i = 0; i < results->count; i++) {
        const struct image_tally *tally = &results->cases[i].of_image;

        sum.scaled += tally->scaled;
        sum.unannotated += tally->unannotated;
        sum.unknown_objects += tally->unknown_objects;
        sum.unusable_objects += tally->unusable_objects;
    }
    return sum;
}

static void free_case(struct result_case *result)
{
    free(result->image);
    free(result->label);
    free(result->values);
}

void results_free(struct results *results)
{
    for (size_t i = 0; i < results->count; i++)
        free_case(&results->cases[i]);
    free(results->cases);
    free(results->metrics);
    text_list_free(&results->methods);
    *results = (struct results){0};
}

/* --- writing ---------------------------------------------------------------------------------- */

void results_put_heading(FILE *out, const struct results *results)
{
    for (size_t i = 0; i < FIRST_METRIC; i++)
        fprintf(out, "%s%s", i ? "," : "", columns[i]);
    for (size_t i = 0; i < results->metric_count; i++)
        fprintf(out, ",%s", measure_of(results->metrics[i]).name);
    fputc('\n', out);
}

static void put_line(FILE *out, const struct results *results, const struct result_case *result,
                     size_t method)
{
    fprintf(out, "%zu,", result->image_index);
    csv_put(out, result->image);
    fprintf(out, ",%" PRId64 ",", result->class_index);
    csv_put(out, result->label ? result->label : "");
    fputc(',', out);
    csv_put(out, results->methods.items[method]);
    for (size_t i = 0; i < results->metric_count; i++) {
        const struct result_value *value = &result->values[method * results->metric_count + i];
        char text[SSCAM_REAL_SIZE];

        if (value->state == SSCAM_VALUE_DEFINED)
            fprintf(out, ",%s", sscam_format_real(value->value, 17, text));
        else
            fputs(value->state == SSCAM_VALUE_UNDEFINED ? ",nan" : ",", out);
    }
    fputc('\n', out);
}

void results_put_cases(FILE *out, const struct results *results, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        for (size_t method = 0; method < results->methods.count; method++)
            put_line(out, results, &results->cases[i], method);
}

/* --- reading ---------------------------------------------------------------------------------- */

char *results_take_heading(struct results *results, const struct csv_reader *reader)
{
    bool is_first = !results->metrics;

    for (size_t i = 0; i < FIRST_METRIC; i++)
        if (i >= reader->count || strcmp(reader->fields[i], columns[i]))
            return format_text("has no column '%s' where sscam eval writes it", columns[i]);
    if (is_first) {
        results->metric_count = reader->count - FIRST_METRIC;
        results->metrics = allocate(results->metric_count, sizeof *results->metrics);
    }
    if (results->metric_count != reader->count - FIRST_METRIC)
        return format_text("has other metrics");
    for (size_t i = 0; i < results->metric_count; i++) {
        const char *name = reader->fields[FIRST_METRIC + i];
        int32_t metric = measure_named(name);

        if (!metric)
            return format_text("column '%s' is not a metric", name);
        if (is_first)
            results->metrics[i] = metric;
        else if (results->metrics[i] != metric)
            return format_text("has other metrics");
    }
    return NULL;
}

static bool read_value(const char *text, struct result_value *value)
{
    *value = (struct result_value){.state = SSCAM_VALUE_ABSENT};
    if (!*text)
        return true;
    value->state = SSCAM_VALUE_UNDEFINED;
    if (!strcmp(text, "nan"))
        return true;
    value->state = SSCAM_VALUE_DEFINED;
    return sscam_parse_real(text, &value->value);
}

static bool is_of_case(const struct results *results, const struct csv_reader *reader,
                       int64_t index, int64_t class_index)
{
    const struct result_case *last = results->count ? &results->cases[results->count - 1] : NULL;

    return last && (int64_t)last->image_index == index && last->class_index == class_index &&
           !strcmp(last->image, reader->fields[IMAGE]);
}

void results_learn_methods(struct results *results, char *text)
{
    struct csv_reader reader = csv_start(text);
    char *index = NULL, *class_text = NULL;

    csv_next(&reader); /* the heading */
    while (csv_next(&reader) && reader.count > METHOD) {
        char *const *fields = reader.fields;
        bool is_first = !results->methods.count;

        if (!is_first &&
            (strcmp(fields[INDEX], index) != 0 || strcmp(fields[CLASS], class_text) != 0 ||
             !strcmp(fields[METHOD], results->methods.items[0])))
            break;
        index = fields[INDEX];
        class_text = fields[CLASS];
        text_list_add(&results->methods, fields[METHOD]);
    }
    csv_free(&reader);
}

/* The case of a line: the last one, or a new one when the last is complete. */
static struct result_case *case_for_line(struct results *results, const struct csv_reader *reader,
                                         size_t *methods_seen)
{
    int64_t index, class_index;

    if (reader->count != FIRST_METRIC + results->metric_count ||
        !sscam_parse_int(reader->fields[INDEX], &index) || index < 0 ||
        !sscam_parse_int(reader->fields[CLASS], &class_index) || class_index < 0)
        return NULL;
    if (*methods_seen == results->methods.count) {
        *methods_seen = 0;
        return results_add(results, (size_t)index, reader->fields[IMAGE], class_index,
                           reader->fields[LABEL]);
    }
    return is_of_case(results, reader, index, class_index) ? &results->cases[results->count - 1]
                                                           : NULL;
}

char *results_take_line(struct results *results, const struct csv_reader *reader,
                        size_t *methods_seen)
{
    struct result_case *result = case_for_line(results, reader, methods_seen);

    if (!result)
        return format_text(
            "line %zu: is not of the form of the heading, or leaves a case incomplete",
            reader->line);
    const char *expected = results->methods.items[*methods_seen];
    if (strcmp(reader->fields[METHOD], expected) != 0)
        return format_text("line %zu: has the method '%s' where '%s' belongs", reader->line,
                           reader->fields[METHOD], expected);
    for (size_t i = 0; i < results->metric_count; i++)
        if (!read_value(reader->fields[FIRST_METRIC + i],
                        &result->values[*methods_seen * results->metric_count + i]))
            return format_text("line %zu: '%s' is not a number", reader->line,
                               reader->fields[FIRST_METRIC + i]);
    ++*methods_seen;
    return NULL;
}
