#include "report/worst_cases.h"

#include <stdlib.h>

#include "common/checked_alloc.h"
#include "data/result_column.h"
#include "report/html.h"

struct ranked_case {
    double badness;
    size_t position; /* in the results */
};

static int worst_first(const void *left, const void *right)
{
    const struct ranked_case *a = left, *b = right;

    if (a->badness != b->badness)
        return a->badness < b->badness ? 1 : -1;
    return (a->position > b->position) - (a->position < b->position);
}

/* The cases where a method's measure is defined, the worst first. */
static size_t rank(const struct results *results, size_t method, size_t metric_index,
                   struct ranked_case *ranked)
{
    const struct measure measure = measure_of(results->metrics[metric_index]);
    size_t count = 0;

    for (size_t i = 0; i < results->count; i++) {
        const struct result_value *value =
            &results->cases[i].values[method * results->metric_count + metric_index];

        if (value->state == SSCAM_VALUE_DEFINED)
            ranked[count++] = (struct ranked_case){measure_badness(&measure, value->value), i};
    }
    qsort(ranked, count, sizeof *ranked, worst_first);
    return count;
}

static void put_heading(FILE *out, const struct results *results)
{
    fputs("<thead><tr><th>image</th><th>class</th>", out);
    for (size_t i = 0; i < results->metric_count; i++) {
        const struct measure measure = measure_of(results->metrics[i]);
        fprintf(out, "<th>%s %s</th>", measure.title, measure.unit);
    }
    fputs("</tr></thead>", out);
}

static void put_row(FILE *out, const struct results *results, const struct result_case *result,
                    size_t method)
{
    fputs("<tr><td>", out);
    html_put_text(out, result->image);
    fputs("</td><td>", out);
    if (result->label)
        html_put_text(out, result->label);
    else
        fprintf(out, "%lld", (long long)result->class_index);
    fputs("</td>", out);
    for (size_t i = 0; i < results->metric_count; i++) {
        const struct result_value *value = &result->values[method * results->metric_count + i];

        if (value->state == SSCAM_VALUE_DEFINED)
            fprintf(out, "<td>%.4g</td>", value->value);
        else
            fputs("<td></td>", out);
    }
    fputs("</tr>\n", out);
}

void worst_cases_put(FILE *out, const struct results *results)
{
    struct ranked_case *ranked = allocate(results->count, sizeof *ranked);

    for (size_t i = 0; i < results->methods.count * results->metric_count; i++) {
        size_t method = i / results->metric_count, metric_index = i % results->metric_count;
        size_t count = rank(results, method, metric_index, ranked);

        fprintf(out, "<table class=\"worst\" id=\"worst-%zu-%zu\"%s>", method, metric_index,
                i ? " hidden" : "");
        put_heading(out, results);
        fputs("<tbody>\n", out);
        for (size_t j = 0; j < count && j < WORST_CASES_LISTED; j++)
            put_row(out, results, &results->cases[ranked[j].position], method);
        fputs("</tbody></table>\n", out);
    }
    free(ranked);
}
