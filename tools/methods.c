/* sscam methods: what the library's method table says. */
#include <stdio.h>
#include <string.h>

#include <sscam/sscam.h>

#include "arguments.h"
#include "commands.h"
#include "complain.h"
#include "json.h"
#include "layout.h"

#define INDENT 4

static const struct {
    int32_t bit;
    const char *name, *meaning;
} needs[] = {
    {SSCAM_NEEDS_GRADIENTS, "gradients", "gradients (one backward pass)"},
    {SSCAM_NEEDS_SCORING, "scoring", "scores of masked inputs (many forward passes)"},
    {SSCAM_NEEDS_ABLATION, "ablation", "scores without single channels (many forward passes)"},
    {SSCAM_NEEDS_POOLED_LINEAR, "pooled-linear", "global average pooling before one linear layer"},
};

#define NEED_COUNT (sizeof needs / sizeof *needs)

static void put_json(void)
{
    struct json json = {.out = stdout};

    json_open_array(&json, NULL);
    for (size_t i = 0; i < sscam_method_count(); i++) {
        const sscam_method *method = sscam_method_info(i);

        json_open_object(&json, NULL);
        json_text(&json, "name", sscam_method_name(method));
        json_text(&json, "title", sscam_method_title(method));
        json_text(&json, "summary", sscam_method_summary(method));
        json_text(&json, "citation", sscam_method_citation(method));
        json_open_array(&json, "needs");
        for (size_t j = 0; j < NEED_COUNT; j++)
            if (sscam_method_needs(method) & needs[j].bit)
                json_text(&json, NULL, needs[j].name);
        json_close_array(&json);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_end_line(&json);
}

static void put_indented(const char *text)
{
    put_blanks(stdout, INDENT);
    put_wrapped(stdout, text, INDENT, INDENT);
}

static void put_method(const sscam_method *method)
{
    printf("%s: %s\n", sscam_method_name(method), sscam_method_title(method));
    put_indented(sscam_method_summary(method));
    for (size_t i = 0; i < NEED_COUNT; i++)
        if (sscam_method_needs(method) & needs[i].bit) {
            put_blanks(stdout, INDENT);
            printf("Needs %s.\n", needs[i].meaning);
        }
    put_indented(sscam_method_citation(method));
}

int run_methods(int argc, char **argv)
{
    bool as_json = false;
    struct text_list operands = {0};
    const struct flag flags[] = {
        {"json", 0, NULL, "Print one JSON array.", .given = &as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "methods", .usage = {"[--json]"}, .flags = {flags},
        .purpose = "Lists the methods that 'sscam explain -m' takes.",
    };

    int code = arguments_parse(&syntax, argc, argv, &operands);
    text_list_free(&operands);
    if (code)
        return code;
    if (as_json) {
        put_json();
        return EXIT_OK;
    }
    for (size_t i = 0; i < sscam_method_count(); i++) {
        if (i)
            putchar('\n');
        put_method(sscam_method_info(i));
    }
    return EXIT_OK;
}
