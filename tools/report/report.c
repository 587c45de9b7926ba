#include "report/report.h"

#include "common/cli_error.h"
#include "common/output_file.h"
#include "data/result_column.h"
#include "report/bar_chart.h"
#include "report/html.h"
#include "report/worst_cases.h"

static const char style[] =
    "body{font:14px/1.4 "
    "sans-serif;margin:2em;color:#222}table{border-collapse:collapse}th,td{padding:.25em "
    ".7em;text-align:right;border-bottom:1px solid "
    "#ddd}th:first-child,td:first-child{text-align:left}th{cursor:pointer}small{color:#777}figure{"
    "display:inline-block;margin:.3em;vertical-align:top;min-width:165px;width:min-content}"
    "figcaption{font-size:12px;overflow-wrap:anywhere}svg{margin:.5em;font:11px "
    "sans-serif;vertical-align:top}.case{border-top:1px solid "
    "#ddd;margin-top:.8em}.worst{margin:1em 0}";

/* A click on a heading sorts the table, what is undefined last. */
static const char sort_table[] =
    "document.querySelectorAll('th').forEach(h=>h.onclick=()=>{const "
    "b=h.closest('table').tBodies[0],i=h.cellIndex,v=r=>r.cells[i].dataset.value??r.cells[i]."
    "textContent,d=h.dataset.up=h.dataset.up=='1'?'-1':'1';[...b.rows].sort((p,q)=>v(p)===''||v(q)="
    "==''?(v(p)==='')-(v(q)===''):d*(isNaN(v(p))||isNaN(v(q))?v(p).localeCompare(v(q)):v(p)-v(q)))."
    "forEach(r=>b.append(r))});";

/* The two lists choose the table of worst cases and sort the images, the worst first. */
static const char arrange_cases[] =
    "const "
    "m=document.getElementById('by-method'),k=document.getElementById('by-metric'),w=document."
    "getElementById('cases');function arrange(){const "
    "n=m.value+'-'+k.value,d=k.selectedOptions[0].dataset.worst=='low'?1:-1,v=e=>e.getAttribute('"
    "data-v'+n)===''?-Infinity:-d*e.getAttribute('data-v'+n);document.querySelectorAll('.worst')."
    "forEach(t=>t.hidden=t.id!='worst-'+n);[...w.children].sort((p,q)=>v(q)-v(p)).forEach(e=>w."
    "append(e))}m.onchange=k.onchange=arrange;arrange();";

/* --- the file --------------------------------------------------------------------------------- */

static void put_head(FILE *out, const struct report_facts *facts, const struct results *results)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
            "charset=\"utf-8\"><title>%s</title><style>%s</style></head><body>\n<h1>%s</"
            "h1>\n<p>Network <b>",
            facts->title, style, facts->title);
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
        fprintf(out, "<td data-value=\"%.9g\">%.*f <small>[%.*f, %.*f]</small>", total->mean,
                digits, total->mean, digits, total->lower, digits, total->upper);
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
        fprintf(out, "<br><small>%s is better</small>",
                measure->direction > 0 ? "higher" : "lower");
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
            put_total(out, &totals[method * results->metric_count + i],
                      measure_of(results->metrics[i]).unit);
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

static void put_choices(FILE *out, const struct results *results)
{
    fputs("<p><select id=\"by-method\">", out);
    for (size_t i = 0; i < results->methods.count; i++) {
        fprintf(out, "<option value=\"%zu\">", i);
        html_put_text(out, method_title(results->methods.items[i]));
        fputs("</option>", out);
    }
    fputs("</select> <select id=\"by-metric\">", out);
    for (size_t i = 0; i < results->metric_count; i++) {
        const struct measure measure = measure_of(results->metrics[i]);
        fprintf(out, "<option value=\"%zu\" data-worst=\"%s\">%s</option>", i,
                measure_badness(&measure, 1) > 0 ? "high" : "low", measure.title);
    }
    fputs("</select>, the worst first</p>\n", out);
}

static void put_cases(FILE *out, const struct case_thumbnails *thumbnails,
                      const struct results *results)
{
    fputs("<h2>Worst cases</h2>\n", out);
    put_choices(out, results);
    worst_cases_put(out, results);
    if (thumbnails->count)
        fprintf(out,
                "<p>Images: the %zu cases that this run computed with the worst %s, taken over all "
                "methods.</p>\n",
                thumbnails->count, measure_of(results->metrics[0]).title);
    fputs("<div id=\"cases\">\n", out);
    case_thumbnails_put(out, thumbnails);
    fprintf(out, "</div>\n<script>%s</script>\n", arrange_cases);
}

int report_write(const struct report_facts *facts, const struct results *results,
                 const struct total *totals, const struct case_thumbnails *thumbnails,
                 const sscam_evaluation *computed)
{
    sscam_atomic_file file;

    if (output_file_open(&file, facts->path))
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
    put_cases(file.stream, thumbnails, results);
    fprintf(file.stream, "<script>%s</script></body></html>\n", sort_table);
    return output_file_commit(&file);
}
