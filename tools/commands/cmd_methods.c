/* sscam methods: what the library's method table says. */
#include <stdio.h>

#include <sscam/sscam.h>

#include "commands/commands.h"
#include "commands/list_table.h"

static const struct {
    int32_t bit;
    const char *name, *meaning;
} needs[] = {
    {SSCAM_NEEDS_GRADIENTS, "gradients", "gradients (one backward pass)"},
    {SSCAM_NEEDS_SCORING, "scoring", "scores of masked inputs (many forward passes)"},
    {SSCAM_NEEDS_ABLATION, "ablation", "scores without single channels (many forward passes)"},
    {SSCAM_NEEDS_POOLED_LINEAR, "pooled-linear", "global average pooling before one linear layer"},
    {SSCAM_NEEDS_POSITIONS, "positions", "scores of single positions (many forward passes)"},
    {SSCAM_NEEDS_CURVATURE, "curvature", "second derivatives (another backward pass)"},
    {SSCAM_NEEDS_BACKPROPAGATION, "backpropagation",
     "gradients back to the input (passes through all of the network)"},
    {SSCAM_NEEDS_NO_LAYER, "no-layer", "no layer"},
    {SSCAM_NEEDS_ATTENTION, "attention", "self-attention (a vision transformer)"},
};

#define NEED_COUNT (sizeof needs / sizeof *needs)

static void put_row_json(struct json *json, int64_t row)
{
    const sscam_method *method = sscam_method_info(row);

    json_text(json, "name", sscam_method_name(method));
    json_text(json, "title", sscam_method_title(method));
    json_text(json, "summary", sscam_method_summary(method));
    json_text(json, "citation", sscam_method_citation(method));
    json_open_array(json, "needs");
    for (size_t j = 0; j < NEED_COUNT; j++)
        if (sscam_method_needs(method) & needs[j].bit)
            json_text(json, NULL, needs[j].name);
    json_close_array(json);
}

static void put_row(int64_t row)
{
    const sscam_method *method = sscam_method_info(row);

    printf("%s: %s\n", sscam_method_name(method), sscam_method_title(method));
    put_indented(sscam_method_summary(method));
    for (size_t i = 0; i < NEED_COUNT; i++)
        if (sscam_method_needs(method) & needs[i].bit)
            printf("%*sNeeds %s.\n", TABLE_INDENT, "", needs[i].meaning);
    put_indented(sscam_method_citation(method));
}

int run_methods(int argc, char **argv)
{
    const struct table table = {
        .command = "methods",
        .purpose = "Lists the methods that 'sscam explain -m' takes.",
        .row_count = sscam_method_count,
        .put_row = put_row,
        .put_row_json = put_row_json,
    };

    return run_table(&table, argc, argv);
}
